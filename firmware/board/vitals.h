/* The device's own account of itself since its last vitals line. */
#ifndef VITALS_H
#define VITALS_H

#include <stdbool.h>
#include <stdint.h>

void vitals_start(uint32_t now_ms);
void vitals_read(uint32_t now_ms, bool good); /* the sensor was read, well or not */
void vitals_send(uint32_t now_ms);            /* and start counting anew */

#endif
