#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);

/* True if the bytes are equal; takes the same time whether or where they differ. */
bool same_bytes(const void *a, const void *b, size_t len);

#endif
