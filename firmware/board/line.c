#include "line.h"

#include "registers.h"

static void put(struct line *line, char c)
{
    /* The last place is kept for the newline, so that a long line is cut but still ends. */
    if (line->len < LINE_MAX - 1u)
        line->text[line->len++] = c;
}

void line_start(struct line *line, const char *text)
{
    line->len = 0;
    line_text(line, text);
}

void line_text(struct line *line, const char *text)
{
    while (*text != '\0')
        put(line, *text++);
}

void line_number(struct line *line, uint32_t value)
{
    char digits[10];
    uint32_t n = 0;

    do {
        digits[n++] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0u);
    while (n > 0u)
        put(line, digits[--n]);
}

void line_signed(struct line *line, int32_t value)
{
    if (value < 0)
        put(line, '-');
    line_number(line, value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void line_hex(struct line *line, const volatile uint8_t *bytes, uint32_t len)
{
    static const char digit[] = "0123456789abcdef";

    for (uint32_t i = 0; i < len; i++) {
        put(line, digit[bytes[i] >> 4]);
        put(line, digit[bytes[i] & 15u]);
    }
}

void line_field(struct line *line, const char *name, uint32_t value)
{
    put(line, ' ');
    line_text(line, name);
    put(line, '=');
    line_number(line, value);
}

void line_send(struct line *line)
{
    line->text[line->len++] = '\n';
    __asm__ volatile("" ::: "memory"); /* the DMA reads what the compiler must have stored */
    UART_TX_ADDR = (uint32_t)(uintptr_t)line->text;
    UART_TX_LEN = line->len;
}

void say(const char *text)
{
    struct line line;

    line_start(&line, text);
    line_send(&line);
}
