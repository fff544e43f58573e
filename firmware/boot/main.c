/* The boot stage: judge both slots, pick the highest counter, mark a trial, start the image. */
#include "boot_info.h"
#include "flash.h"
#include "image.h"
#include "layout.h"
#include "line.h"
#include "memory.h"
#include "registers.h"

#define WATCHDOG_MS 4000u
#define FOREVER 0xFFFFFFFFu

static bool better(const struct image *candidate, const struct image *chosen)
{
    if (candidate->counter != chosen->counter)
        return candidate->counter > chosen->counter;
    return candidate->confirmed && !chosen->confirmed; /* what proved itself, of two equals */
}

/* The best slot, loaded, or false. `loaded` tells which image is at LOAD_ADDR after the judging. */
static bool choose(uint32_t floor, enum verdict *verdicts, struct image *chosen)
{
    struct image candidate;
    bool found = false;
    uint32_t loaded = SLOT_COUNT;

    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        verdicts[slot] = image_judge(slot, floor, &candidate);
        if (verdicts[slot] != EMPTY && verdicts[slot] != REVERTED)
            loaded = slot; /* those two are known from the trailer alone */
        if (verdicts[slot] == ACCEPTED && (!found || better(&candidate, chosen))) {
            *chosen = candidate;
            found = true;
        }
    }
    if (!found)
        return false;
    if (loaded == chosen->slot)
        return true;
    /* The other slot's judging overwrote it: load and judge again, as if for the first time. */
    verdicts[chosen->slot] = image_judge(chosen->slot, floor, chosen);
    return verdicts[chosen->slot] == ACCEPTED;
}

static void add_skipped(struct line *line, const enum verdict *verdicts)
{
    const char *separator = "";

    line_text(line, " skipped=");
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (verdicts[slot] == ACCEPTED)
            continue;
        line_text(line, separator);
        line_number(line, slot);
        line_text(line, ":");
        line_text(line, verdict_name(verdicts[slot]));
        separator = ",";
    }
    if (*separator == '\0')
        line_text(line, "-");
}

static __attribute__((noreturn)) void stop(const enum verdict *verdicts)
{
    struct line line;

    line_start(&line, "BOOT none");
    add_skipped(&line, verdicts);
    line_send(&line);
    for (;;)
        sleep_until(FOREVER);
}

static void announce(const struct image *image, uint32_t floor, const enum verdict *verdicts)
{
    struct line line;

    line_start(&line, "BOOT");
    line_field(&line, "slot", image->slot);
    line_field(&line, "trial", image->confirmed ? 0u : 1u);
    line_field(&line, "version", image->version.major);
    line_text(&line, ".");
    line_number(&line, image->version.minor);
    line_text(&line, ".");
    line_number(&line, image->version.revision);
    line_text(&line, "+");
    line_number(&line, image->version.build);
    line_field(&line, "counter", image->counter);
    line_text(&line, " sha256=");
    line_hex(&line, image->sha256, 32u);
    line_field(&line, "floor", floor);
    add_skipped(&line, verdicts);
    line_send(&line);
}

static void leave_boot_info(const struct image *image, uint32_t floor)
{
    volatile struct boot_info *info = THE_BOOT_INFO;

    info->magic = BOOT_INFO_MAGIC;
    info->slot = image->slot;
    info->trial = image->confirmed ? 0u : 1u;
    info->major = image->version.major;
    info->minor = image->version.minor;
    info->revision = image->version.revision;
    info->build = image->version.build;
    info->counter = image->counter;
    info->floor = floor;
    info->hashed_len = image->hashed_len;
    for (uint32_t i = 0; i < 32u; i++)
        info->sha256[i] = image->sha256[i];
    info->reset_reason = SYS_RESET_REASON;
    info->boots = SYS_BOOTS;
}

static __attribute__((noreturn)) void start(void)
{
    const uint32_t *vectors = (const uint32_t *)(LOAD_ADDR + IMAGE_HEADER_SIZE);

    WATCHDOG_START = WATCHDOG_MS;
    __asm__ volatile("msr msp, %0\n\tbx %1" ::"r"(vectors[0]), "r"(vectors[1]) : "memory");
    __builtin_unreachable();
}

/* What must be in flash or fuses before the image runs. */
static bool commit(const struct image *image)
{
    /* A trial is spent before it starts: whatever happens now, the next boot sees it was tried. */
    if (!image->confirmed)
        return flag_set(TRAILER_COPY_DONE(image->slot));
    /* Power was cut between keeping the image and raising the counter: finish it. */
    if (image->counter > COUNTER_VALUE)
        COUNTER_RAISE = image->counter;
    return COUNTER_VALUE >= image->counter;
}

int main(void)
{
    enum verdict verdicts[SLOT_COUNT];
    struct image image;

    /* Without the mark a trial could be tried for ever, so failing to commit also stops. */
    if (!choose(COUNTER_VALUE, verdicts, &image) || !commit(&image))
        stop(verdicts);
    uint32_t floor = COUNTER_VALUE;
    leave_boot_info(&image, floor);
    announce(&image, floor, verdicts);
    start();
}
