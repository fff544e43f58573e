#ifndef KEEP_H
#define KEEP_H

#include <stdbool.h>

/* Make the running image permanent: image_ok first, then the hardware counter.
 * Cut after the first, the boot stage does the second; never is the counter above a kept image. */
bool keep_running_image(void);

#endif
