/* SPDX-License-Identifier: BSD-2-Clause */
#include "ringlog.h"

void ringlog_init(struct ringlog *log, uint32_t *cells, uint32_t size)
{
    *log = (struct ringlog){.cells = cells, .size = size};
}

void ringlog_push(struct ringlog *log, uint32_t value)
{
    log->cells[log->next] = value;
    log->next = (log->next + 1u) % log->size;
    if (log->used < log->size)
        log->used++;
}

bool ringlog_last(const struct ringlog *log, uint32_t *value)
{
    if (log->used == 0u)
        return false;
    *value = log->cells[(log->next + log->size - 1u) % log->size];
    return true;
}

uint32_t ringlog_mean(const struct ringlog *log)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < log->used; i++)
        sum += log->cells[i];
    return log->used == 0u ? 0u : sum / log->used;
}

const char *ringlog_version(void)
{
    return "ringlog " RINGLOG_VERSION;
}
