/* How this release of the infusion pump behaves. Every value can also be given to build.py --define. */
#ifndef CONFIG_H
#define CONFIG_H

/* Time between two readings of the sensor. */
#ifndef READ_INTERVAL_MS
#define READ_INTERVAL_MS 1000
#endif

/* Further samples taken at once when the sensor says it has none. */
#ifndef SENSOR_RETRY
#define SENSOR_RETRY 2
#endif

/* Largest plausible step from one line pressure sample, in mmHg, to the next; a larger one is an error. */
#ifndef FILTER_LIMIT
#define FILTER_LIMIT 60
#endif

/* Time between two vitals lines. */
#ifndef VITALS_INTERVAL_MS
#define VITALS_INTERVAL_MS 10000
#endif

/* Time taken to think before a command is answered; must stay below the watchdog's 4000. */
#ifndef COMMAND_DELAY_MS
#define COMMAND_DELAY_MS 0
#endif

/* 1: the self-test reports a failure. */
#ifndef SELFTEST_FAIL
#define SELFTEST_FAIL 0
#endif

/* 1: the application hangs after it has said HELLO. */
#ifndef HANG
#define HANG 0
#endif

#endif
