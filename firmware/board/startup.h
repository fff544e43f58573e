#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

#define STACK_PAINT 0xC5C5C5C5u

__attribute__((noreturn)) void halt(void);

#endif
