#include "vitals.h"

#include "boot_info.h"
#include "line.h"
#include "registers.h"
#include "session.h"
#include "startup.h"

extern uint32_t __stack_bottom, __stack_top;
extern uint8_t __bss_end;

static struct {
    uint32_t seq;
    uint32_t reads;
    uint32_t errors;
    uint32_t first_read_ms;
    uint32_t last_read_ms;
    uint32_t last_good_ms;
    uint32_t intervals; /* between reads, also across the last line */
    uint32_t sent_ms;
    uint32_t busy_us;
    uint32_t *stack_low; /* deepest word of the stack seen in use */
} since;

void vitals_start(uint32_t now_ms)
{
    since.sent_ms = now_ms;
    since.last_read_ms = now_ms;
    since.first_read_ms = now_ms;
    since.last_good_ms = now_ms;
    since.busy_us = SYS_BUSY_US;
    since.stack_low = &__stack_top;
}

void vitals_read(uint32_t now_ms, bool good)
{
    since.reads++;
    since.intervals++;
    since.last_read_ms = now_ms;
    if (good)
        since.last_good_ms = now_ms;
    else
        since.errors++;
}

static uint32_t permille(uint32_t part, uint32_t whole)
{
    if (whole == 0u)
        return 0u;
    return part >= whole ? 1000u : part * 1000u / whole;
}

/* Hardware time spent working, against the time that passed. */
static uint32_t cpu_permille(uint32_t now_ms)
{
    uint32_t busy_us = SYS_BUSY_US - since.busy_us;

    since.busy_us += busy_us;
    return permille(busy_us / 1000u, now_ms - since.sent_ms);
}

/* Static data plus the deepest stack so far, of what is set aside for both; a paint word left inside a frame ends the search early
 * only after 16 of them in a row. */
static uint32_t memory_permille(void)
{
    uint32_t *word = since.stack_low;
    uint32_t untouched = 0;

    while (word > &__stack_bottom && untouched < 16u) {
        word--;
        if (*(volatile uint32_t *)word == STACK_PAINT) {
            untouched++;
            continue;
        }
        untouched = 0;
        since.stack_low = word;
    }
    uint32_t used = (uint32_t)(&__bss_end - (uint8_t *)APP_RAM) +
                    (uint32_t)((uint8_t *)&__stack_top - (uint8_t *)since.stack_low);
    return permille(used, (uint32_t)((uint8_t *)&__stack_top - (uint8_t *)APP_RAM));
}

static uint32_t cadence_ms(void)
{
    if (since.intervals == 0u)
        return 0u;
    return (since.last_read_ms - since.first_read_ms + since.intervals / 2u) / since.intervals;
}

void vitals_send(uint32_t now_ms)
{
    struct line line;

    line_start(&line, "VITALS");
    line_field(&line, "t_ms", now_ms);
    line_field(&line, "seq", since.seq);
    line_field(&line, "cpu", cpu_permille(now_ms));
    line_field(&line, "mem", memory_permille());
    line_field(&line, "reads", since.reads);
    line_field(&line, "errors", since.errors);
    line_field(&line, "cadence_ms", cadence_ms());
    line_field(&line, "age_ms", now_ms - since.last_good_ms);
    line_field(&line, "resp_ms", session_response_ms());
    line_text(&line, " rssi=");
    line_signed(&line, (int32_t)RADIO_RSSI);
    line_field(&line, "link", RADIO_LINK);
    line_field(&line, "inuse", CLINIC_IN_USE);
    line_field(&line, "boots", THE_BOOT_INFO->boots);
    line_send(&line);
    since.seq++;
    since.reads = 0;
    since.errors = 0;
    since.intervals = 0;
    since.first_read_ms = since.last_read_ms;
    since.sent_ms = now_ms;
}
