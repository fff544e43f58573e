#include "flash.h"

#include "registers.h"

#define ERASED 0xFFFFFFFFu
#define SET_LO 0xFFFFFF01u /* MCUboot's flag: byte 1, padded with the erased value */

enum flag flag_read(uint32_t address)
{
    uint32_t lo = REG(address);
    uint32_t hi = REG(address + 4u);

    if (lo == ERASED && hi == ERASED)
        return FLAG_UNSET;
    return lo == SET_LO && hi == ERASED ? FLAG_SET : FLAG_BROKEN;
}

bool flag_set(uint32_t address)
{
    FLASH_ADDR = address;
    FLASH_DATA_LO = SET_LO;
    FLASH_DATA_HI = ERASED;
    FLASH_CMD = FLASH_PROGRAM;
    return FLASH_STATUS == 0u && flag_read(address) == FLAG_SET;
}
