#include "keep.h"

#include "boot_info.h"
#include "flash.h"
#include "registers.h"

bool keep_running_image(void)
{
    uint32_t flag = TRAILER_IMAGE_OK(THE_BOOT_INFO->slot);
    uint32_t counter = THE_BOOT_INFO->counter;

    if (flag_read(flag) != FLAG_SET && !flag_set(flag))
        return false;
    if (COUNTER_VALUE < counter)
        COUNTER_RAISE = counter;
    return COUNTER_VALUE >= counter;
}
