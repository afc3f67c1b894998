/*
 * site_periods.h - the months and years of a site: a closed part each, and the days still open.
 */
#ifndef GHGD_SITE_PERIODS_H
#define GHGD_SITE_PERIODS_H

#include "pipelines/rollup/site.h"

/* The period of that level in which the instant lies, made if need be; NULL if all are in use. */
struct period *site_find_period(struct site *site, enum level level, int64_t time_ms);
void site_clear_period(struct site *site, struct period *period);
/* Whether the month and the year of a day are there, or could be made. */
bool site_has_periods(struct site *site, int64_t time_ms);
/* Adds a day that leaves the panel to the closed parts of its month and year. */
void site_close_day(struct site *site, const struct site_clock *clock, const struct day *day);
/* Lets periods go that no day can change any more, and that every sink has. */
void site_drop_periods(struct site *site);
/* Refreshes the open days of the period; its figures are in the scratch then. */
void site_sum_period(struct site *site, const struct site_clock *clock,
                     const struct period *period);

#endif
