/* The serial protocol's commands: KEEP, RESET?, PING. */
#ifndef SESSION_H
#define SESSION_H

#include <stdint.h>

void session_hello(void);

/* Answer every whole command that has arrived. */
void session_poll(void);

/* Time from the arrival of the last command to its answer, in ms. */
uint32_t session_response_ms(void);

#endif
