#include "image.h"

#include "flash.h"
#include "layout.h"
#include "memory.h"
#include "registers.h"
#include "signature.h"
#include "tlv.h"

#define MAGIC 0x96F3B83Du
#define FLAG_RAM_LOAD 0x20u

struct header {
    uint32_t magic;
    uint32_t load_addr;
    uint16_t header_size;
    uint16_t protected_size;
    uint32_t image_size;
    uint32_t flags;
    struct version version;
    uint32_t pad;
};

static const uint8_t trailer_magic[TRAILER_MAGIC_LEN] = {
    0x77, 0xC2, 0x95, 0xF3, 0x60, 0xD2, 0xEF, 0x7F, 0x35, 0x52, 0x50, 0x0F, 0x2C, 0xB6, 0x79, 0x80,
};

/* The image as it lies in RAM. */
#define LOADED ((const uint8_t *)LOAD_ADDR)
#define LOADED_HEADER ((const struct header *)LOAD_ADDR)

static enum verdict judge_trailer(uint32_t slot, struct image *image)
{
    enum flag ok = flag_read(TRAILER_IMAGE_OK(slot));
    enum flag tried = flag_read(TRAILER_COPY_DONE(slot));

    /* The magic is the last thing an installer writes: without it the slot may be half written. */
    if (!same_bytes((const void *)TRAILER_MAGIC(slot), trailer_magic, TRAILER_MAGIC_LEN))
        return EMPTY;
    if (ok == FLAG_BROKEN || tried == FLAG_BROKEN)
        return HEADER;
    image->confirmed = ok == FLAG_SET;
    return tried == FLAG_SET && !image->confirmed ? REVERTED : ACCEPTED;
}

/* Everything of a header but its meaning; after this no sum of its sizes can overflow. */
static bool header_fits(const struct header *h)
{
    return h->magic == MAGIC && h->load_addr == LOAD_ADDR && h->header_size == IMAGE_HEADER_SIZE &&
           h->flags == FLAG_RAM_LOAD && h->image_size >= VERSION_BLOCK_AT &&
           h->image_size <= LOAD_SIZE;
}

static bool load(uint32_t slot, uint32_t *hashed_len, uint32_t *total)
{
    const uint8_t *flash = (const uint8_t *)SLOT_BASE(slot);
    const struct header *h = LOADED_HEADER;

    memcpy((void *)LOAD_ADDR, flash, IMAGE_HEADER_SIZE);
    if (!header_fits(h))
        return false;
    *hashed_len = IMAGE_HEADER_SIZE + h->image_size + h->protected_size;
    if (*hashed_len + TLV_INFO_SIZE > LOAD_SIZE)
        return false;
    memcpy((void *)(LOAD_ADDR + IMAGE_HEADER_SIZE), flash + IMAGE_HEADER_SIZE,
           *hashed_len + TLV_INFO_SIZE - IMAGE_HEADER_SIZE);
    uint32_t tlv_len = tlv_area_len(LOADED + *hashed_len);
    *total = *hashed_len + tlv_len;
    if (tlv_len < TLV_INFO_SIZE || *total > LOAD_SIZE || *total > SLOT_SIZE - TRAILER_SIZE)
        return false;
    memcpy((void *)(LOAD_ADDR + *hashed_len), flash + *hashed_len, tlv_len);
    /* The second copy of the TLV length came from flash again: it must still be the first. */
    return tlv_area_len(LOADED + *hashed_len) == tlv_len;
}

static bool starts_inside(const struct header *h)
{
    const uint32_t *vectors = (const uint32_t *)(LOAD_ADDR + IMAGE_HEADER_SIZE);
    uint32_t first = LOAD_ADDR + IMAGE_HEADER_SIZE + VERSION_BLOCK_AT;
    uint32_t end = LOAD_ADDR + IMAGE_HEADER_SIZE + h->image_size;
    uint32_t stack = vectors[0], entry = vectors[1] & ~1u;

    return stack > APP_RAM && stack <= APP_RAM + APP_RAM_SIZE && (stack & 7u) == 0u &&
           (vectors[1] & 1u) == 1u && entry >= first && entry < end;
}

static bool digest_of(uint32_t len, uint8_t *digest)
{
    CRYPTO_SRC = LOAD_ADDR;
    CRYPTO_LEN = len;
    CRYPTO_DST = (uint32_t)(uintptr_t)digest;
    CRYPTO_CMD = CRYPTO_SHA256;
    __asm__ volatile("" ::: "memory");
    return CRYPTO_STATUS == 0u;
}

enum verdict image_judge(uint32_t slot, uint32_t floor, struct image *image)
{
    const struct header *h = LOADED_HEADER;
    struct tlvs tlvs;
    uint32_t total;

    enum verdict trailer = judge_trailer(slot, image);
    if (trailer != ACCEPTED)
        return trailer;
    if (!load(slot, &image->hashed_len, &total))
        return HEADER;
    if (!tlv_parse(LOADED + image->hashed_len - h->protected_size, h->protected_size,
                   LOADED + image->hashed_len, total - image->hashed_len, &tlvs))
        return HEADER;
    if (!digest_of(image->hashed_len, image->sha256) || !same_bytes(image->sha256, tlvs.sha256, 32u))
        return HASH;
    if (!signature_good(image->sha256, &tlvs))
        return SIGNATURE;
    if (!starts_inside(h))
        return HEADER;
    if (tlvs.counter < floor)
        return COUNTER;
    image->slot = slot;
    image->version = h->version;
    image->counter = tlvs.counter;
    return ACCEPTED;
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [EMPTY] = "empty",         [HEADER] = "header",   [HASH] = "hash",
        [SIGNATURE] = "signature", [COUNTER] = "counter", [REVERTED] = "reverted",
    };
    return names[verdict];
}
