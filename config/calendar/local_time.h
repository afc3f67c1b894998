/*
 * local_time.h - lengths of the calendar (days, months, quarters, years) in a facility's time zone.
 *
 * A day has 23, 24 or 25 hours there, a month 28 to 31 days. A zone is kept as a table of its
 * offsets, which nothing changes: any thread may read it, and nothing is allocated.
 */
#ifndef GHGD_LOCAL_TIME_H
#define GHGD_LOCAL_TIME_H

#include "config/calendar/calendar.h"

struct local_time {
    const struct offset_change *offsets; /* as of calendar_offsets() */
    uint32_t count;                      /* 0: UTC */
};

/* A length of the calendar: one of the two is 0. Both are 0 for none. */
struct calendar_length {
    int16_t months, days; /* at most 12 and 366 */
};

/* The instant that lies `times` (1 or -1) the length after time_ms on local clocks: the same local
 * time of day, days or months later. A shorter month ends with its last day. If clocks skip that
 * local time, it is the instant of the change; if they show it twice, the first. time_ms is between
 * TIME_MIN_MS and TIME_MAX_MS. */
int64_t local_time_step(const struct local_time *zone, int64_t time_ms,
                        struct calendar_length length, int times);

/* Returns by how much local clocks are ahead of UTC at time_ms. *until_ms_out is the instant up to
 * which that holds; INT64_MAX: as long as the zone is known. */
int64_t local_time_offset(const struct local_time *zone, int64_t time_ms, int64_t *until_ms_out);

/* Whether clocks show 00:00:00 then. */
bool local_time_is_midnight(const struct local_time *zone, int64_t time_ms);

#endif
