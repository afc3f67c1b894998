/*
 * calendar.h - the windows of a time zone: hours, days, months, years as [start, end) in UTC.
 *
 * Zones come from the system's tzdata through GLib. An hour is a span of equal local date, hour and
 * UTC offset, so the day on which clocks go back has 25 and the other 23. A day begins at the first
 * instant of its date, also where midnight is skipped or happens twice. A year begins with the
 * first day of the fiscal month.
 *
 * A calendar caches the windows it was asked for last: one owner, no lock.
 */
#ifndef GHGD_CALENDAR_H
#define GHGD_CALENDAR_H

#include "base/base.h"

enum level { LEVEL_BUCKET, LEVEL_HOUR, LEVEL_DAY, LEVEL_MONTH, LEVEL_YEAR, LEVEL_COUNT };

struct window {
    int64_t start_ms, end_ms;
};

struct calendar;

/* Returns 0, -ENOMEM, -ENOENT if there is no such zone (an IANA name), or -EINVAL if some local
 * hour or day between 1990 and 2060 would begin inside a bucket (bucket 1h in Asia/Kolkata). */
int calendar_create(struct calendar **calendar_out, const char *zone, int64_t bucket_ms,
                    int fiscal_year_start) MUST_CHECK;
void calendar_destroy(struct calendar **calendar);

/* The window of that level in which the instant lies. */
struct window calendar_window(struct calendar *calendar, enum level level, int64_t time_ms);

/* First instant of a local date, for valid_from and valid_to in tables. -EINVAL for no date. */
int calendar_date_start(struct calendar *calendar, int year, int month, int day,
                        int64_t *ms_out) MUST_CHECK;

/* "15m", "1h", "1d", "1mo", "1y": the suffix of the level's measurements. For buckets, of their
 * length: "5m", "1h". */
const char *level_suffix(enum level level, int64_t bucket_ms, char text[16]);

#endif
