/*
 * calendar.h - the windows of a time zone: hours, days, months, years as [start, end) in UTC.
 *
 * Zones come from the system's tzdata through GLib. An hour is a span of equal local date, hour and
 * UTC offset, so the day on which clocks go back has 25 and the other 23. A day begins at the first
 * instant of its date, also where midnight is skipped or happens twice; a date that the zone left
 * out has no window. A year begins with the first day of the fiscal month.
 *
 * Every window is whole buckets, each bucket lies in one window of each level, and each level lies
 * within the next. A bucket belongs to the hour and day in which it starts: that matters only where
 * clocks were changed off the grid (at 00:01 in Newfoundland until 2011).
 *
 * From 2038 on GLib 2.74 follows the rule at the end of a zone's file. It takes Ireland's rule the
 * wrong way round, as winter time is the exception there. Every other zone is right to 2060.
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

/* Returns 0 or -ENOMEM. It returns -ENOENT if `zone` is no IANA name, or tzdata does not have it.
 * Offsets and POSIX rules ("+05:30", "UTC+8", "EST5EDT") are no names. It returns -EINVAL if the
 * bucket does not divide an hour. The same holds if the zone's UTC offset is no multiple of the
 * bucket at some time between 1990 and 2060 (1h in Asia/Kolkata). The first use of a zone reads its
 * file. */
int calendar_create(struct calendar **calendar_out, const char *zone, int64_t bucket_ms,
                    int fiscal_year_start) MUST_CHECK;
void calendar_destroy(struct calendar **calendar);

/* The window of that level in which the instant lies. Hot: integer comparisons if it was asked for
 * lately, about a microsecond if not. The instant is between TIME_MIN_MS and TIME_MAX_MS. */
struct window calendar_window(struct calendar *calendar, enum level level, int64_t time_ms);

/* Start of a local date, for valid_from and valid_to in tables: where its day window begins. If the
 * zone left that date out, the next day's window counts. -EINVAL for no date, or a year not in 1900
 * .. 2199. */
int calendar_date_start(struct calendar *calendar, int year, int month, int day,
                        int64_t *ms_out) MUST_CHECK;

/* From `from_ms` on, until the next one's, local time is UTC plus `offset_ms`. */
struct offset_change {
    int64_t from_ms, offset_ms;
};

/* The zone's offsets from 1990 to 2060, oldest first, the first from INT64_MIN on: at most
 * `changes_max` of them. Returns their number, which may be greater. Before 1990 and after 2060 the
 * nearest of them is taken to hold. */
uint32_t calendar_offsets(const struct calendar *calendar, struct offset_change *changes_out,
                          uint32_t changes_max);

/* "15m", "1h", "1d", "1mo", "1y": the suffix of the level's measurements. For buckets, of their
 * length: "5m", "90s", and "1h" as for hours, whose windows are the same then. Returns `text`. */
enum { LEVEL_SUFFIX_SIZE = 16 };
const char *level_suffix(enum level level, int64_t bucket_ms, char text[LEVEL_SUFFIX_SIZE]);

#endif
