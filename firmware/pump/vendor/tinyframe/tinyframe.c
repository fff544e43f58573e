/* SPDX-License-Identifier: MIT */
#include "tinyframe.h"

uint16_t tinyframe_crc(const uint8_t *bytes, uint32_t len)
{
    uint32_t crc = 0xFFFFu;

    for (uint32_t i = 0; i < len; i++) {
        crc ^= (uint32_t)bytes[i] << 8;
        for (uint32_t bit = 0; bit < 8u; bit++)
            crc = (crc & 0x8000u) != 0u ? (crc << 1) ^ 0x1021u : crc << 1;
    }
    return (uint16_t)crc;
}

bool tinyframe_seal(struct tinyframe *frame, const void *payload, uint32_t len)
{
    const uint8_t *from = payload;

    if (len > TINYFRAME_MAX)
        return false;
    frame->len = (uint8_t)len;
    for (uint32_t i = 0; i < len; i++)
        frame->payload[i] = from[i];
    frame->crc = tinyframe_crc(frame->payload, len);
    return true;
}

bool tinyframe_open(const struct tinyframe *frame, void *payload, uint32_t len)
{
    uint8_t *to = payload;

    if (frame->len != len || len > TINYFRAME_MAX ||
        frame->crc != tinyframe_crc(frame->payload, len))
        return false;
    for (uint32_t i = 0; i < len; i++)
        to[i] = frame->payload[i];
    return true;
}

const char *tinyframe_version(void)
{
    return "tinyframe " TINYFRAME_VERSION;
}
