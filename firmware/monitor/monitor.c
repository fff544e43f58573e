/* Vital-signs monitor: follows the pulse, keeps the last two minutes, raises a flag out of limits. */
#include "app.h"
#include "config.h"
#include "ringlog.h"

#define HISTORY 120u
#define PULSE_MIN 20u
#define PULSE_MAX 250u
#define ALARM_LOW 45u
#define ALARM_HIGH 140u

static uint32_t cells[HISTORY];
static struct ringlog history;
static volatile bool alarm; /* the front panel's lamp */

void app_start(void)
{
    ringlog_init(&history, cells, HISTORY);
}

bool app_take(uint32_t now_ms, uint32_t sample)
{
    uint32_t last = sample;

    (void)now_ms;
    if (sample < PULSE_MIN || sample > PULSE_MAX)
        return false;
    (void)ringlog_last(&history, &last);
    ringlog_push(&history, sample);
    uint32_t mean = ringlog_mean(&history);
    alarm = mean < ALARM_LOW || mean > ALARM_HIGH;
    return (sample > last ? sample - last : last - sample) <= FILTER_LIMIT;
}

const char *app_self_test(void)
{
    uint32_t space[2];
    struct ringlog log;

    ringlog_init(&log, space, 2u);
    ringlog_push(&log, 1u);
    ringlog_push(&log, 4u);
    ringlog_push(&log, 6u);
    return ringlog_mean(&log) == 5u && ringlog_version()[0] == 'r' ? 0 : "ringlog";
}
