#include "tlv.h"

#include <stddef.h>

#define INFO_PROTECTED 0x6908u
#define INFO_UNPROTECTED 0x6907u
#define KEY_HASH 0x01u
#define SHA256 0x10u
#define ECDSA_SIG 0x22u
#define SECURITY_COUNTER 0x50u

static uint32_t u16(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t u32(const uint8_t *at)
{
    return u16(at) | u16(at + 2) << 16;
}

uint32_t tlv_area_len(const uint8_t *area)
{
    return u16(area) == INFO_UNPROTECTED ? u16(area + 2) : 0u;
}

typedef bool (*taker)(uint32_t type, const uint8_t *value, uint32_t len, struct tlvs *tlvs);

/* Under the signature: what the vendor put there beside the counter is the vendor's business. */
static bool take_protected(uint32_t type, const uint8_t *value, uint32_t len, struct tlvs *tlvs)
{
    if (type != SECURITY_COUNTER)
        return true;
    /* Counter 0 is no counter: it would boot on every board for ever. */
    if (len != 4u || tlvs->counter != 0u)
        return false;
    tlvs->counter = u32(value);
    return tlvs->counter != 0u;
}

static bool take_once(const uint8_t **field, const uint8_t *value, bool good_len)
{
    if (*field != NULL || !good_len)
        return false;
    *field = value;
    return true;
}

/* Outside the signature: anything unknown would be room for what nobody signed. */
static bool take_unprotected(uint32_t type, const uint8_t *value, uint32_t len, struct tlvs *tlvs)
{
    switch (type) {
    case SHA256:
        return take_once(&tlvs->sha256, value, len == 32u);
    case KEY_HASH:
        return take_once(&tlvs->key_hash, value, len == 32u);
    case ECDSA_SIG:
        tlvs->signature_len = len;
        return take_once(&tlvs->signature, value, len > 0u);
    default:
        return false;
    }
}

static bool walk(const uint8_t *area, uint32_t len, uint32_t info, taker take, struct tlvs *tlvs)
{
    if (len < TLV_INFO_SIZE || u16(area) != info || u16(area + 2) != len)
        return false;
    uint32_t at = TLV_INFO_SIZE;
    while (at < len) {
        if (len - at < 4u || len - at - 4u < u16(area + at + 2))
            return false;
        uint32_t size = u16(area + at + 2);
        if (!take(u16(area + at), area + at + 4, size, tlvs))
            return false;
        at += 4u + size;
    }
    return true;
}

bool tlv_parse(const uint8_t *prot, uint32_t prot_len, const uint8_t *area, uint32_t len,
               struct tlvs *tlvs)
{
    *tlvs = (struct tlvs){0};
    return walk(prot, prot_len, INFO_PROTECTED, take_protected, tlvs) &&
           walk(area, len, INFO_UNPROTECTED, take_unprotected, tlvs) && tlvs->counter != 0u &&
           tlvs->sha256 != NULL;
}
