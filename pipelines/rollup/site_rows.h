/*
 * site_rows.h - from the windows of a site to rows.
 */
#ifndef GHGD_SITE_ROWS_H
#define GHGD_SITE_ROWS_H

#include "pipelines/rollup/site.h"

/* Appends rows of dirty windows to the block, of days and periods that end at or before limit_ms.
 * Returns false when the block has no room for the next window. */
bool site_take_rows(struct site *site, const struct site_clock *clock, uint32_t sink,
                    int64_t limit_ms, struct block *block);
/* The end of the oldest day before limit_ms with a mark dirty for the sink; INT64_MAX if none. */
int64_t site_closing_ms(const struct site *site, uint32_t sink, int64_t limit_ms);

#endif
