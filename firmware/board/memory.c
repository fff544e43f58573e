#include "memory.h"

void *memcpy(void *to, const void *from, size_t len)
{
    uint8_t *d = to;
    const uint8_t *s = from;

    if ((((uintptr_t)d | (uintptr_t)s) & 3u) == 0u) {
        for (; len >= 4u; len -= 4u, d += 4, s += 4)
            *(volatile uint32_t *)d = *(const uint32_t *)s;
    }
    for (; len > 0u; len--)
        *(volatile uint8_t *)d++ = *s++;
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    volatile uint8_t *d = to;

    for (; len > 0u; len--)
        *d++ = (uint8_t)byte;
    return to;
}

/* The compiler's own names for the two above (ARM run-time ABI, 4.3.4). */
void __aeabi_memcpy(void *to, const void *from, size_t len);
void __aeabi_memcpy4(void *to, const void *from, size_t len);
void __aeabi_memclr(void *to, size_t len);
void __aeabi_memclr4(void *to, size_t len);
void __aeabi_memclr8(void *to, size_t len);

void __aeabi_memcpy(void *to, const void *from, size_t len)
{
    memcpy(to, from, len);
}

void __aeabi_memcpy4(void *to, const void *from, size_t len)
{
    memcpy(to, from, len);
}

void __aeabi_memclr(void *to, size_t len)
{
    memset(to, 0, len);
}

void __aeabi_memclr4(void *to, size_t len)
{
    memset(to, 0, len);
}

void __aeabi_memclr8(void *to, size_t len)
{
    memset(to, 0, len);
}

bool same_bytes(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t difference = 0;

    for (; len > 0u; len--)
        difference |= (uint8_t)(*x++ ^ *y++);
    return difference == 0u;
}
