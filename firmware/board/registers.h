/* The SoC's peripherals. README.md describes each; lab/soc.py simulates them. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

#define UART_TX_ADDR REG(0x40000000u)
#define UART_TX_LEN REG(0x40000004u) /* writing it sends */
#define UART_STATUS REG(0x40000008u)
#define UART_RX REG(0x4000000Cu)
#define UART_RX_STAMP REG(0x40000010u) /* TIMER_NOW when the line being read arrived */
#define UART_RX_READY 1u
#define UART_TX_READY 2u

#define TIMER_NOW REG(0x40001000u)  /* ms since reset */
#define TIMER_WAKE REG(0x40001004u) /* the next wfi sleeps until then */

#define FLASH_ADDR REG(0x40002000u)
#define FLASH_DATA_LO REG(0x40002004u)
#define FLASH_DATA_HI REG(0x40002008u)
#define FLASH_CMD REG(0x4000200Cu)
#define FLASH_STATUS REG(0x40002010u) /* 0 done, 1 refused */
#define FLASH_PROGRAM 1u
#define FLASH_ERASE 2u

#define CRYPTO_SRC REG(0x40003000u)
#define CRYPTO_LEN REG(0x40003004u)
#define CRYPTO_DST REG(0x40003008u)
#define CRYPTO_KEY REG(0x4000300Cu) /* X || Y, 64 bytes */
#define CRYPTO_SIG REG(0x40003010u) /* r || s, 64 bytes */
#define CRYPTO_CMD REG(0x40003014u)
#define CRYPTO_STATUS REG(0x40003018u) /* 0 done or verified; anything else is a failure */
#define CRYPTO_SHA256 1u
#define CRYPTO_ECDSA_P256 2u

#define OTP_KEY_HASH(word) REG(0x40004000u + 4u * (word))

#define COUNTER_VALUE REG(0x40005000u)
#define COUNTER_RAISE REG(0x40005004u) /* a value at or below the present one changes nothing */

#define WATCHDOG_START REG(0x40006000u) /* period in ms; cannot be stopped but by a reset */
#define WATCHDOG_KICK REG(0x40006004u)

#define SENSOR_ID REG(0x40007000u)
#define SENSOR_SAMPLE REG(0x40007004u)
#define SENSOR_PRESENT 0x53454E31u /* "SEN1" */
#define SENSOR_INVALID 0xFFFFFFFFu

#define CLINIC_IN_USE REG(0x40008000u)

#define RADIO_RSSI REG(0x40009000u) /* dBm, signed */
#define RADIO_LINK REG(0x40009004u)

#define SYS_RESET_REASON REG(0x4000A000u) /* 1 power, 2 watchdog */
#define SYS_BOOTS REG(0x4000A004u)
#define SYS_BUSY_US REG(0x4000A008u) /* time the hardware spent working since reset */

static inline void sleep_until(uint32_t wake_ms)
{
    TIMER_WAKE = wake_ms;
    __asm__ volatile("wfi" ::: "memory");
}

#endif
