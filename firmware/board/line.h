/* One outgoing line of text, built in place and sent whole by the UART's DMA. */
#ifndef LINE_H
#define LINE_H

#include <stdint.h>

#define LINE_MAX 320u

struct line {
    char text[LINE_MAX];
    uint32_t len;
};

void line_start(struct line *line, const char *text);
void line_text(struct line *line, const char *text);
void line_number(struct line *line, uint32_t value);
void line_signed(struct line *line, int32_t value);
void line_hex(struct line *line, const volatile uint8_t *bytes, uint32_t len);
void line_field(struct line *line, const char *name, uint32_t value); /* " name=value" */
void line_send(struct line *line);                                    /* adds the newline */
void say(const char *text);                                           /* a whole fixed line */

#endif
