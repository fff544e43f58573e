#include "signature.h"

#include "layout.h"
#include "memory.h"
#include "registers.h"

#include <stddef.h>

#define SCALAR 32u
#define DER_SEQUENCE 0x30u
#define DER_INTEGER 0x02u

/* One DER INTEGER into 32 big-endian bytes; returns its end, or NULL if it is not one such. */
static const uint8_t *take_scalar(const uint8_t *at, const uint8_t *end, uint8_t *out)
{
    if (end - at < 3 || at[0] != DER_INTEGER || at[1] == 0u || at[1] > SCALAR + 1u ||
        at[1] > end - at - 2)
        return NULL;
    uint32_t len = at[1];
    const uint8_t *value = at + 2;
    const uint8_t *next = value + len;
    if ((value[0] & 0x80u) != 0u)
        return NULL; /* negative */
    if (value[0] == 0u && len > 1u) {
        if ((value[1] & 0x80u) == 0u)
            return NULL; /* a longer form of a shorter number: the same signature in other bytes */
        value++;
        len--;
    }
    if (len > SCALAR)
        return NULL;
    memset(out, 0, SCALAR);
    memcpy(out + SCALAR - len, value, len);
    return next;
}

static bool parse_der(const uint8_t *der, uint32_t len, uint8_t *rs)
{
    if (len < 2u || len > 72u || der[0] != DER_SEQUENCE || der[1] != len - 2u)
        return false;
    const uint8_t *end = der + len;
    const uint8_t *at = take_scalar(der + 2, end, rs);
    return at != NULL && take_scalar(at, end, rs + SCALAR) == end;
}

/* The provisioned key, if its hash is the one burnt into the fuses. */
static bool key_provisioned(uint8_t *key, uint8_t *hash)
{
    uint32_t fused[8];

    memcpy(key, (const void *)KEY_AREA, KEY_AREA_LEN);
    for (uint32_t i = 0; i < 8u; i++)
        fused[i] = OTP_KEY_HASH(i);
    CRYPTO_SRC = (uint32_t)(uintptr_t)key;
    CRYPTO_LEN = KEY_AREA_LEN;
    CRYPTO_DST = (uint32_t)(uintptr_t)hash;
    __asm__ volatile("" ::: "memory");
    CRYPTO_CMD = CRYPTO_SHA256;
    __asm__ volatile("" ::: "memory");
    return CRYPTO_STATUS == 0u && same_bytes(hash, fused, 32u);
}

bool signature_good(const uint8_t *digest, const struct tlvs *tlvs)
{
    uint8_t key[KEY_AREA_LEN], hash[32], rs[2u * SCALAR];

    if (tlvs->key_hash == NULL || tlvs->signature == NULL)
        return false;
    if (!key_provisioned(key, hash) || !same_bytes(hash, tlvs->key_hash, 32u))
        return false;
    if (!parse_der(tlvs->signature, tlvs->signature_len, rs))
        return false;
    CRYPTO_SRC = (uint32_t)(uintptr_t)digest;
    CRYPTO_KEY = (uint32_t)(uintptr_t)(key + KEY_POINT_AT);
    CRYPTO_SIG = (uint32_t)(uintptr_t)rs;
    __asm__ volatile("" ::: "memory");
    CRYPTO_CMD = CRYPTO_ECDSA_P256;
    return CRYPTO_STATUS == 0u;
}
