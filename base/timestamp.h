/*
 * timestamp.h - instants as milliseconds since 1970-01-01T00:00:00Z, and their text.
 *
 * Only the proleptic Gregorian calendar in UTC with a numeric offset lives here; local time is
 * config/calendar/calendar.h, through a library. Pure. Thread: any.
 */
#ifndef GHGD_TIMESTAMP_H
#define GHGD_TIMESTAMP_H

#include "base/base.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000) /* in UTC; a local day is calendar.h's */

#define TIME_MIN_MS INT64_C(-2208988800000) /* 1900-01-01: no meter is older */
#define TIME_MAX_MS INT64_C(7258118400000)  /* 2200-01-01 */

/* The longest interval of a reading: an invoice of a year, with slack. Longer ones are mistakes. */
#define READING_SPAN_MAX_MS INT64_C(34560000000) /* 400 days */

enum time_unit { TIME_UNIT_NONE, TIME_UNIT_S, TIME_UNIT_MS, TIME_UNIT_US, TIME_UNIT_NS };

/* RFC 3339 with an offset: 2026-03-01T10:15:00Z, 2026-03-01 10:15:00.250+05:30. Fractions finer
 * than a millisecond are floored. A leap second (23:59:60 UTC at the end of a month) is the
 * following instant; :60 anywhere else is an error of syntax.
 * Returns 0, ERR_SYNTAX (no offset, day 31 of April, ...) or ERR_RANGE. */
int timestamp_parse(int64_t *ms_out, const char *text, size_t size) MUST_CHECK;
/* An integer in the declared unit, floored to ms. ERR_SYNTAX for TIME_UNIT_NONE, or ERR_RANGE. */
int timestamp_from_int(int64_t *ms_out, int64_t value, enum time_unit unit) MUST_CHECK;

enum { TIMESTAMP_TEXT_SIZE = 32 };
/* "2026-03-01T10:15:00Z", with ".250" only where there are milliseconds. Returns `text`. */
char *timestamp_format(char text[TIMESTAMP_TEXT_SIZE], int64_t ms);

#endif
