/* Vector table and the way from reset to main; used by the boot stage and by both applications. */
#include "memory.h"
#include "startup.h"

extern uint32_t __stack_top, __stack_bottom;
extern uint32_t __data_start, __data_end, __data_load, __bss_start, __bss_end;

int main(void);

uintptr_t __stack_chk_guard = 0x6D7A1E00u;

/* A smashed stack or a fault stops here; the watchdog then resets the board. */
__attribute__((noreturn)) void halt(void)
{
    for (;;)
        __asm__ volatile("nop");
}

__attribute__((noreturn)) void __stack_chk_fail(void)
{
    halt();
}

__attribute__((noreturn)) void reset_handler(void)
{
    memcpy(&__data_start, &__data_load,
           (uintptr_t)&__data_end - (uintptr_t)&__data_start);
    memset(&__bss_start, 0, (uintptr_t)&__bss_end - (uintptr_t)&__bss_start);
    /* Below the frames in use now; 64 bytes keep this loop off its own. */
    volatile uint32_t *live = (volatile uint32_t *)__builtin_frame_address(0) - 16;
    for (volatile uint32_t *word = &__stack_bottom; word < live; word++)
        *word = STACK_PAINT;
    main();
    halt();
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)&__stack_top,   (uintptr_t)reset_handler, (uintptr_t)halt, (uintptr_t)halt,
    (uintptr_t)halt,           (uintptr_t)halt,          (uintptr_t)halt, 0,
    0,                         0,                        0,               (uintptr_t)halt,
    (uintptr_t)halt,           0,                        (uintptr_t)halt, (uintptr_t)halt,
};
