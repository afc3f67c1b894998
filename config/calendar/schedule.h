/*
 * schedule.h - the hours of a week in which a meter is expected to report, on local clocks.
 *
 * "Mon-Fri 06:00-22:00; Sat 06:00-14:00": an instant is within it if local clocks show such a time
 * then. So a night shift of 22:00-06:00 has nine hours where clocks go back, and seven where they
 * go forward. Nothing changes a schedule, any thread may read it, and nothing is allocated but by
 * the parser.
 */
#ifndef GHGD_SCHEDULE_H
#define GHGD_SCHEDULE_H

#include "base/arena.h"
#include "config/calendar/local_time.h"

enum {
    SCHEDULE_ENTRIES_MAX =
        16,                   /* between semicolons: two shifts a day, each day its own, and more */
    SCHEDULE_BYTES_MAX = 511, /* entries with a list of days each */
    SCHEDULE_WEEK_MIN = 7 * 24 * 60
};

/* Minutes of the week from Monday 00:00 on, [from, to). */
struct schedule_span {
    uint16_t from_min, to_min;
};

struct schedule {
    uint32_t count, week_min;     /* spans; the minutes that they have together */
    struct schedule_span spans[]; /* in order, apart from each other */
};

/* The part of a text that no schedule has. */
struct schedule_fault {
    const char *found; /* within the text */
    int size;
    const char *accepted; /* in words */
};

/* Parses `size` bytes of text. A time may be any whole bucket, so that each bucket is within the
 * schedule or outside of it. Returns 0 with a schedule that the arena owns; -EINVAL with the fault;
 * or -ENOMEM. */
int schedule_parse(const struct schedule **schedule_out, struct arena *arena, const char *text,
                   size_t size, int64_t bucket_ms, struct schedule_fault *fault_out) MUST_CHECK;

/* How long of [from_ms, to_ms) is within the schedule. It takes a few steps for each change of the
 * zone's offset in between, however long that is. */
int64_t schedule_time(const struct schedule *schedule, const struct local_time *zone,
                      int64_t from_ms, int64_t to_ms);

#endif
