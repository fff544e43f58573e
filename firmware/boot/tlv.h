/* MCUboot's two TLV areas: the protected one under the digest, then digest, key hash, signature. */
#ifndef TLV_H
#define TLV_H

#include <stdbool.h>
#include <stdint.h>

#define TLV_INFO_SIZE 4u

struct tlvs {
    uint32_t counter;
    const uint8_t *sha256;   /* 32 bytes */
    const uint8_t *key_hash; /* 32 bytes, or NULL: the image is unsigned */
    const uint8_t *signature; /* NULL likewise */
    uint32_t signature_len;
};

/* The length an unprotected area claims, its 4 bytes of info included; 0 if it is none. */
uint32_t tlv_area_len(const uint8_t *area);

/* True if both areas are exactly filled, hold counter and digest once and nothing else twice. */
bool tlv_parse(const uint8_t *prot, uint32_t prot_len, const uint8_t *area, uint32_t len,
               struct tlvs *tlvs);

#endif
