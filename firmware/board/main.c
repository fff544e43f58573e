/* The life of an application: say who it is, test itself, then read, report and answer. */
#include "app.h"
#include "config.h"
#include "registers.h"
#include "self_test.h"
#include "session.h"
#include "startup.h"
#include "vitals.h"

/* Half the watchdog's period: also an application that reads rarely stays alive. */
#define KICK_MS 2000u

static bool due(uint32_t at_ms, uint32_t now_ms)
{
    return (int32_t)(now_ms - at_ms) >= 0;
}

static uint32_t sooner(uint32_t a_ms, uint32_t b_ms)
{
    return (int32_t)(a_ms - b_ms) < 0 ? a_ms : b_ms;
}

static void read_sensor(uint32_t now_ms)
{
    uint32_t sample = SENSOR_SAMPLE;

    for (uint32_t retry = 0; retry < SENSOR_RETRY && sample == SENSOR_INVALID; retry++)
        sample = SENSOR_SAMPLE;
    vitals_read(now_ms, sample != SENSOR_INVALID && app_take(now_ms, sample));
}

static __attribute__((noreturn)) void live(void)
{
    uint32_t now = TIMER_NOW;
    uint32_t next_read = now + READ_INTERVAL_MS;
    uint32_t next_vitals = now + VITALS_INTERVAL_MS;

    vitals_start(now);
    for (;;) {
        WATCHDOG_KICK = 1u;
        session_poll();
        now = TIMER_NOW;
        if (due(next_read, now)) {
            read_sensor(now);
            next_read = now + READ_INTERVAL_MS;
        }
        if (due(next_vitals, now)) {
            vitals_send(now);
            next_vitals += VITALS_INTERVAL_MS;
        }
        sleep_until(sooner(sooner(next_read, next_vitals), now + KICK_MS));
    }
}

int main(void)
{
    app_start();
    session_hello();
    if (HANG)
        halt();
    self_test_run();
    live();
}
