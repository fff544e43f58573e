/* What the boot stage found, left for the application at BOOT_INFO. */
#ifndef BOOT_INFO_H
#define BOOT_INFO_H

#include "layout.h"

#include <stdint.h>

#define BOOT_INFO_MAGIC 0x49425746u /* "FWBI" */

struct boot_info {
    uint32_t magic;
    uint32_t slot;
    uint32_t trial; /* 1: must be kept before the next reset, or the slot is given up */
    uint8_t major;
    uint8_t minor;
    uint16_t revision;
    uint32_t build;
    uint32_t counter; /* the image's own security counter */
    uint32_t floor;   /* the hardware counter when the image was started */
    uint32_t hashed_len;
    uint8_t sha256[32]; /* of hashed_len bytes from LOAD_ADDR */
    uint32_t reset_reason;
    uint32_t boots;
};

#define THE_BOOT_INFO ((volatile struct boot_info *)BOOT_INFO)

#endif
