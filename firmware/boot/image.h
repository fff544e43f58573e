/* One slot, judged. */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Why a slot is refused; ACCEPTED only after every check. */
enum verdict { EMPTY, HEADER, HASH, SIGNATURE, COUNTER, REVERTED, ACCEPTED };

struct version {
    uint8_t major;
    uint8_t minor;
    uint16_t revision;
    uint32_t build;
};

struct image {
    uint32_t slot;
    bool confirmed;
    struct version version;
    uint32_t counter;
    uint32_t hashed_len;
    uint8_t sha256[32];
};

/* Load the slot's image to LOAD_ADDR and judge the copy there, so that whoever can still write the
 * flash cannot change what was verified. `image` is meaningful only when ACCEPTED. */
enum verdict image_judge(uint32_t slot, uint32_t floor, struct image *image);

const char *verdict_name(enum verdict verdict);

#endif
