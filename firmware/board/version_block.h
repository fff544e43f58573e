/* Who this firmware is, readable in the image at IMAGE_HEADER_SIZE + VERSION_BLOCK_AT. */
#ifndef VERSION_BLOCK_H
#define VERSION_BLOCK_H

#include <stdint.h>

#define VERSION_BLOCK_LAYOUT 1u

struct version_block {
    char magic[4]; /* "FWVB" */
    uint16_t layout;
    uint16_t size;
    uint8_t major;
    uint8_t minor;
    uint16_t revision;
    uint32_t counter; /* of the release it was built for; a fallback is the same code re-signed */
    char product[24]; /* both strings end in at least one 0 */
    char hardware[24];
};

_Static_assert(sizeof(struct version_block) == 64, "readers and the linker script count on 64");

extern const struct version_block version_block;

#endif
