/* tinyframe: checksummed records. SPDX-License-Identifier: MIT
 * Firmward's own code under a fictional name; stands for a third-party component. */
#ifndef TINYFRAME_H
#define TINYFRAME_H

#include <stdbool.h>
#include <stdint.h>

#define TINYFRAME_VERSION "1.4.2"

#define TINYFRAME_MAX 24u

struct tinyframe {
    uint8_t len;
    uint8_t payload[TINYFRAME_MAX];
    uint16_t crc;
};

/* CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF. */
uint16_t tinyframe_crc(const uint8_t *bytes, uint32_t len);

bool tinyframe_seal(struct tinyframe *frame, const void *payload, uint32_t len);

/* Copy the payload out; false if its length or checksum is not what was sealed. */
bool tinyframe_open(const struct tinyframe *frame, void *payload, uint32_t len);

const char *tinyframe_version(void);

#endif
