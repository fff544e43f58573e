/* What the board asks of an application; pump/ and monitor/ each answer in their own way. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stdint.h>

void app_start(void);

/* Take one raw sample of the sensor; false if it is not plausible and must count as an error. */
bool app_take(uint32_t now_ms, uint32_t sample);

/* Name of the first broken part of the application's own, or NULL. */
const char *app_self_test(void);

#endif
