#include "version_block.h"

#ifndef FW_PRODUCT
#error "build.py defines FW_PRODUCT, FW_HARDWARE, FW_MAJOR, FW_MINOR, FW_REVISION, FW_COUNTER"
#endif

_Static_assert(sizeof(FW_PRODUCT) <= 24 && sizeof(FW_HARDWARE) <= 24, "names of 23 bytes at most");

__attribute__((section(".version_block"), used)) const struct version_block version_block = {
    .magic = {'F', 'W', 'V', 'B'},
    .layout = VERSION_BLOCK_LAYOUT,
    .size = sizeof(struct version_block),
    .major = FW_MAJOR,
    .minor = FW_MINOR,
    .revision = FW_REVISION,
    .counter = FW_COUNTER,
    .product = FW_PRODUCT,
    .hardware = FW_HARDWARE,
};
