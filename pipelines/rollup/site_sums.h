/*
 * site_sums.h - sums of a site's days: what a month and a year hold.
 *
 * A site keeps the sum of one month and one year: the closed part and the open days, as they were
 * last rated. When a day changes, the sums that hold it are corrected by the same integers. So no
 * row of a month or a year adds up its days again, whatever the number of sinks. A sum is formed
 * again when its closed part changes, when a meter no longer reports in a day, and when another
 * month or year is asked for.
 */
#ifndef GHGD_SITE_SUMS_H
#define GHGD_SITE_SUMS_H

#include "pipelines/rollup/site.h"

/* Sets sums by series, and the bits of the meters that reported, to 0. */
void site_clear_figures(const struct site *site, struct figures *sums, uint64_t *reporting);
/* Adds the day's cache to the sums, and the meters that reported to the bits. */
void site_add_day(const struct site *site, const struct day *day, struct figures *sums,
                  uint64_t *reporting);
/* Whether the day lies in the period. */
static inline bool site_period_holds(const struct period *period, const struct day *day)
{
    return day->window.start_ms >= period->window.start_ms &&
           day->window.start_ms < period->window.end_ms;
}

/* The sum of the period; every open day in it has been refreshed. */
const struct period_sum *site_get_sum(struct site *site, const struct period *period);
/* The day's cache has changed by so much, and meters that report were added to its bits. */
void site_correct_sums(struct site *site, const struct day *day, const struct figures *change);
/* The day's cache has been formed again. */
void site_drop_sums(struct site *site, const struct day *day);
/* The closed part of the period has changed, or the period goes. */
void site_drop_sum(struct site *site, const struct period *period);
/* Asserts that the sums are those of the closed parts and the days, by a walk over the days: for
 * tests. */
void site_check_sums(const struct site *site);

#endif
