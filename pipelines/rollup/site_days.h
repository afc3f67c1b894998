/*
 * site_days.h - the open days of a site: rows and hours in them, and the sums of their buckets.
 *
 * Open days follow each other without a gap, the oldest first. The panel has room for their rows.
 */
#ifndef GHGD_SITE_DAYS_H
#define GHGD_SITE_DAYS_H

#include "pipelines/rollup/site.h"

static inline struct day *site_day(const struct site *site, uint32_t index)
{
    return &site->days[(site->days_first + index) % site->days_capacity];
}
static inline struct day *site_newest_day(const struct site *site)
{
    return site_day(site, site->days_count - 1);
}
/* The first row that starts at or after the instant. */
int64_t site_row_from(const struct site *site, int64_t time_ms);
/* The row in which the instant lies. */
int64_t site_row(const struct site *site, int64_t time_ms);
/* Opens the day in which the ring begins. */
void site_open_first_day(struct site *site, int64_t time_ms);
/* Whether the panel has room for the day after the newest; and opens it. */
bool site_has_room(const struct site *site);
void site_open_next_day(struct site *site);
/* Clears the oldest day's rows and marks, and lets it go; nothing of it is booked. */
void site_drop_oldest_day(struct site *site);
/* The open day that has the row; NULL if no day has it. */
struct day *site_find_day(const struct site *site, int64_t row);
/* The hour in which the row lies, of a day that has hours. */
uint32_t site_hour_index(const struct day *day, int64_t row);

/* Projects and rates what has changed in the day; its cache is their sum then. */
void site_refresh_day(struct site *site, struct day *day);

#endif
