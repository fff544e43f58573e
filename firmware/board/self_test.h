#ifndef SELF_TEST_H
#define SELF_TEST_H

#include <stdbool.h>

/* Test RAM, stack, own code, version, sensor and application once and say the outcome. */
void self_test_run(void);

/* Whether it passed; an image that failed its self-test never keeps itself. */
bool self_test_passed(void);

#endif
