/* ringlog: the last N samples. SPDX-License-Identifier: BSD-2-Clause
 * Firmward's own code under a fictional name; stands for a third-party component. */
#ifndef RINGLOG_H
#define RINGLOG_H

#include <stdbool.h>
#include <stdint.h>

#define RINGLOG_VERSION "0.9.1"

struct ringlog {
    uint32_t *cells;
    uint32_t size;
    uint32_t used;
    uint32_t next;
};

void ringlog_init(struct ringlog *log, uint32_t *cells, uint32_t size);
void ringlog_push(struct ringlog *log, uint32_t value); /* drops the oldest when full */
bool ringlog_last(const struct ringlog *log, uint32_t *value);
uint32_t ringlog_mean(const struct ringlog *log); /* of all it holds; 0 if empty */
const char *ringlog_version(void);

#endif
