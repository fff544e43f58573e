/* Each `finds` names the rule that must speak of the next line, each `leaves` one that must not. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* finds: check-switched-off */
#define SKIP_SIGNATURE_CHECK 1
/* leaves: check-switched-off */
#define SIGNATURE_SIZE 64
/* leaves: check-switched-off */
#define SKIP_VERIFY_STEP 0

int logs_in(const char *password, const char *given)
{
    /* finds: password-in-code */
    if (strcmp(password, "service1") == 0) {
        return 1;
    }
    /* leaves: password-in-code */
    return strcmp(given, "status") == 0;
}

/* finds: way-round-login */
int service_backdoor(int code)
{
    return code == 7;
}

/* leaves: way-round-login */
int login(int code)
{
    return code == stored();
}

void opens_debug(void)
{
    /* finds: debug-port-opened */
    DBGMCU->CR |= 7;
    /* finds: debug-port-opened */
    __HAL_AFIO_REMAP_SWJ_ENABLE();
    /* leaves: debug-port-opened */
    __HAL_AFIO_REMAP_SWJ_DISABLE();
    /* finds: readout-allowed */
    options.RDPLevel = OB_RDP_LEVEL_0;
    /* leaves: readout-allowed */
    options.RDPLevel = OB_RDP_LEVEL_1;
}

void watches(void)
{
    /* finds: watchdog-stopped */
    wdt_disable();
    /* finds: watchdog-stopped */
    WDTCTL = WDTPW | WDTHOLD;
    /* leaves: watchdog-stopped */
    wdt_enable(3);
    /* leaves: watchdog-fed-by-interrupt */
    HAL_IWDG_Refresh(&watchdog);
}

void SysTick_Handler(void)
{
    /* finds: watchdog-fed-by-interrupt */
    HAL_IWDG_Refresh(&watchdog);
}

int writes(uint32_t address, uint64_t word)
{
    /* finds: flash-write-unchecked */
    HAL_FLASH_Program(1, address, word);
    /* leaves: flash-write-unchecked */
    int said = HAL_FLASH_Program(1, address, word);
    /* leaves: flash-write-unchecked */
    if (HAL_FLASH_Program(1, address, word) != 0) {
        return -1;
    }
    return said;
}

void logs(const char *wifi_password, int password_len)
{
    /* finds: secret-printed */
    printf("joining with %s\n", wifi_password);
    /* leaves: secret-printed */
    printf("password has %d characters\n", password_len);
    /* leaves: secret-printed */
    printf("password is set\n");
}
