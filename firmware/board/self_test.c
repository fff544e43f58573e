#include "self_test.h"

#include "app.h"
#include "boot_info.h"
#include "config.h"
#include "line.h"
#include "memory.h"
#include "registers.h"
#include "startup.h"
#include "version_block.h"

extern uint32_t __stack_bottom;

static bool passed;
static volatile uint32_t ram_cells[32];

static bool ram_good(void)
{
    static const uint32_t patterns[] = {0x00000000u, 0xFFFFFFFFu, 0xAAAAAAAAu, 0x55555555u};

    for (uint32_t p = 0; p < 4u; p++) {
        for (uint32_t i = 0; i < 32u; i++)
            ram_cells[i] = patterns[p] ^ i;
        for (uint32_t i = 0; i < 32u; i++) {
            if (ram_cells[i] != (patterns[p] ^ i))
                return false;
        }
    }
    return true;
}

/* The code in RAM is still what the boot stage verified. */
static bool code_good(void)
{
    uint8_t digest[32], booted[32];

    for (uint32_t i = 0; i < 32u; i++)
        booted[i] = THE_BOOT_INFO->sha256[i];
    CRYPTO_SRC = LOAD_ADDR;
    CRYPTO_LEN = THE_BOOT_INFO->hashed_len;
    CRYPTO_DST = (uint32_t)(uintptr_t)digest;
    __asm__ volatile("" ::: "memory");
    CRYPTO_CMD = CRYPTO_SHA256;
    __asm__ volatile("" ::: "memory");
    return CRYPTO_STATUS == 0u && same_bytes(digest, booted, 32u);
}

/* The signed header speaks of the same version as the code. */
static bool version_good(void)
{
    const volatile struct boot_info *info = THE_BOOT_INFO;
    const volatile struct version_block *block = &version_block;

    return info->magic == BOOT_INFO_MAGIC && info->major == block->major &&
           info->minor == block->minor && info->revision == block->revision &&
           info->counter >= block->counter;
}

static const char *broken_part(void)
{
    if (SELFTEST_FAIL)
        return "injected";
    if (!ram_good())
        return "ram";
    if (__stack_bottom != STACK_PAINT)
        return "stack";
    if (!code_good())
        return "code";
    if (!version_good())
        return "version";
    if (SENSOR_ID != SENSOR_PRESENT)
        return "sensor";
    if ((UART_STATUS & UART_TX_READY) == 0u)
        return "serial";
    return app_self_test();
}

void self_test_run(void)
{
    struct line line;
    const char *broken = broken_part();

    passed = broken == 0;
    line_start(&line, passed ? "SELFTEST ok" : "SELFTEST fail=");
    if (!passed)
        line_text(&line, broken);
    line_send(&line);
}

bool self_test_passed(void)
{
    return passed;
}
