/*
 * site_windows.h - the windows of a site as readings come and time passes.
 *
 * Touching a bucket marks its hour, day, month and year too. Besides readings, only time marks
 * windows: a window that becomes final is written once more; and a bucket in which a stock accrues
 * is touched as by a reading, once for each such stock.
 */
#ifndef GHGD_SITE_WINDOWS_H
#define GHGD_SITE_WINDOWS_H

#include "pipelines/rollup/site.h"

/* A change of one meter in rows [from, to). Returns the first row that found no room because a day
 * has to be settled before it can leave; `to` when all is done. */
int64_t site_touch(struct site *site, const struct site_clock *clock, uint32_t column,
                   int64_t from_row, int64_t to_row);
/* A batch often has readings of several meters for the same buckets. After site_touch() is done,
 * this remembers the rows; site_touch_again() then counts a reading that touches the same ones, or
 * returns false: site_touch() has to do it. site_tell() tells the marks how many there were, and
 * forgets the rows. Until then the marks lack nothing but that number. */
void site_expect_touches(struct site *site, const struct site_clock *clock, int64_t from_row,
                         int64_t to_row);
bool site_touch_again(struct site *site, const struct site_clock *clock, uint32_t column,
                      int64_t from_row, int64_t to_row);
void site_tell(struct site *site);
/* The clock's accrued_ms has moved: the stocks of the site that accrue go on in all open days. From
 * then on, until the two times of the clock are equal again, so they do in every day that is
 * opened. So no day leaves before its part is told. */
void site_begin_accrual(struct site *site, const struct site_clock *clock);
/* Opens the days in which they go on. False: a day has to be settled first. */
bool site_end_accrual(struct site *site, const struct site_clock *clock);
/* Opens days up to the shard's newest row (as far as there is room), marks what became final. */
void site_advance(struct site *site, const struct site_clock *clock);
/* Whether the day of the shard's newest row is open; nothing is expected of a site that has never
 * reported. */
bool site_has_opened(const struct site *site, const struct site_clock *clock);
/* Lets settled days that end at or before limit_ms go. */
void site_retire(struct site *site, const struct site_clock *clock, int64_t limit_ms);

#endif
