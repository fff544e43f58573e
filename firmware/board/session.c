#include "session.h"

#include "boot_info.h"
#include "config.h"
#include "keep.h"
#include "line.h"
#include "memory.h"
#include "registers.h"
#include "self_test.h"
#include "version_block.h"

#define COMMAND_MAX 15u

static char command[COMMAND_MAX + 1u];
static uint32_t command_len;
static uint32_t response_ms;

void session_hello(void)
{
    const volatile struct boot_info *info = THE_BOOT_INFO;
    struct line line;

    line_start(&line, "HELLO product=");
    line_text(&line, version_block.product);
    line_field(&line, "version", info->major);
    line_text(&line, ".");
    line_number(&line, info->minor);
    line_text(&line, ".");
    line_number(&line, info->revision);
    line_text(&line, "+");
    line_number(&line, info->build);
    line_text(&line, " hw=");
    line_text(&line, version_block.hardware);
    line_send(&line);
}

static void answer_keep(void)
{
    struct line line;

    if (!self_test_passed()) {
        say("KEEP refused=selftest");
        return;
    }
    if (!keep_running_image()) {
        say("KEEP refused=flash");
        return;
    }
    line_start(&line, "KEPT");
    line_field(&line, "counter", COUNTER_VALUE);
    line_send(&line);
}

/* A therapy in progress outranks any update. */
static void answer_reset(void)
{
    say(CLINIC_IN_USE != 0u ? "BUSY" : "READY");
}

static void answer_ping(void)
{
    say("PONG");
}

static const struct {
    const char *name;
    uint32_t len;
    void (*answer)(void);
} commands[] = {
    {"KEEP", 4u, answer_keep},
    {"RESET?", 6u, answer_reset},
    {"PING", 4u, answer_ping},
};

static void answer(uint32_t arrived_ms)
{
#if COMMAND_DELAY_MS > 0
    uint32_t until = TIMER_NOW + COMMAND_DELAY_MS;
    while ((int32_t)(until - TIMER_NOW) > 0)
        sleep_until(until);
#endif
    for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (command_len == commands[i].len && same_bytes(command, commands[i].name, command_len)) {
            commands[i].answer();
            response_ms = TIMER_NOW - arrived_ms;
            return;
        }
    }
    say("UNKNOWN");
}

void session_poll(void)
{
    while ((UART_STATUS & UART_RX_READY) != 0u) {
        uint32_t arrived_ms = UART_RX_STAMP;
        char c = (char)UART_RX;
        if (c == '\n') {
            answer(arrived_ms);
            command_len = 0;
        } else if (command_len <= COMMAND_MAX) {
            /* One too many stays counted, so that a long line matches no command. */
            command[command_len++] = c;
        }
    }
}

uint32_t session_response_ms(void)
{
    return response_ms;
}
