#ifndef FLASH_H
#define FLASH_H

#include <stdbool.h>
#include <stdint.h>

/* Trailer flags: a whole flash unit, erased or exactly this. */
enum flag { FLAG_UNSET, FLAG_SET, FLAG_BROKEN };

enum flag flag_read(uint32_t address);

/* Program a flag and read it back; false if the controller refused or the flash did not take it. */
bool flag_set(uint32_t address);

#endif
