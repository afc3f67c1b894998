#include "config/calendar/calendar.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/timestamp.h"

enum { HOUR_S = HOUR_MS / 1000, DAY_S = DAY_MS / 1000 };

/* No place is, or was since 1900, further than this from UTC. */
enum { OFFSET_MAX_S = 16 * HOUR_S };

/* GDate counts days from 0001-01-01, which is day 1; we count from 1970-01-01, which is day 0. */
enum { JULIAN_OF_EPOCH = 719163 };

enum { YEAR_MIN = 1900, YEAR_MAX = 2199 };

/* Where offsets are held to the grid: readings are that old at most, targets that far ahead. */
#define CHECK_FROM_S INT64_C(631152000) /* 1990-01-01 */
#define CHECK_TO_S INT64_C(2840140800)  /* 2060-01-01 */

#define NO_CHANGE INT64_MAX

/* The cache of a level is direct-mapped by time: mask + 1 windows of nominally `span_ms`. It holds
 * a horizon of seven days, which every facility of the zone walks through after an outage. Buckets
 * are too many and too cheap to be kept: they have one slot. */
static const struct {
    int64_t span_ms;
    uint32_t first, mask;
} caches[LEVEL_COUNT] = {
    [LEVEL_BUCKET] = {1, 0, 0},
    [LEVEL_HOUR] = {HOUR_MS, 1, 255},
    [LEVEL_DAY] = {DAY_MS, 257, 15},
    [LEVEL_MONTH] = {31 * DAY_MS, 273, 3},
    [LEVEL_YEAR] = {366 * DAY_MS, 277, 3},
};
enum { CACHE_SLOTS = 281 };

struct calendar {
    GTimeZone *zone;
    int64_t bucket_ms;
    int fiscal_year_start;
    struct window last[LEVEL_COUNT]; /* what was asked for last: no division */
    struct window cache[CACHE_SLOTS];
};

struct span {
    int64_t start_s, end_s;
};

/* The start of the first bucket that does not start before the instant. */
static int64_t grid_ceil(const struct calendar *calendar, int64_t time_s)
{
    return -(int64_t)div_floor(-(int128)time_s * 1000, calendar->bucket_ms) * calendar->bucket_ms;
}

static int interval_at(const struct calendar *calendar, int64_t time_s)
{
    return g_time_zone_find_interval(calendar->zone, G_TIME_TYPE_UNIVERSAL, time_s);
}

static int64_t offset_at(const struct calendar *calendar, int64_t time_s)
{
    return g_time_zone_get_offset(calendar->zone, interval_at(calendar, time_s));
}

/* The first instant in (from, to] at which the zone is in another interval, which there is. */
static int64_t interval_end(const struct calendar *calendar, int64_t from_s, int64_t to_s)
{
    int interval = interval_at(calendar, from_s);
    while (to_s - from_s > 1) {
        int64_t middle_s = from_s + (to_s - from_s) / 2;
        if (interval_at(calendar, middle_s) == interval)
            from_s = middle_s;
        else
            to_s = middle_s;
    }
    return to_s;
}

/* The first instant in (from, to] with another offset than its predecessor's, or NO_CHANGE. GLib
 * tells which interval an instant lies in, but not where intervals begin. */
static int64_t offset_change(const struct calendar *calendar, int64_t from_s, int64_t to_s)
{
    int interval = interval_at(calendar, from_s);
    int last = interval_at(calendar, to_s);
    while (interval != last) {
        int32_t offset_s = g_time_zone_get_offset(calendar->zone, interval);
        from_s = interval_end(calendar, from_s, to_s);
        interval = interval_at(calendar, from_s);
        if (g_time_zone_get_offset(calendar->zone, interval) != offset_s)
            return from_s; /* else only the name of the time changed */
    }
    return NO_CHANGE;
}

/* The first instant whose local date is `day` (in days since 1970) or later. Going from change to
 * change finds it where midnight is missing, and the first where midnight happens twice. */
static int64_t day_start(const struct calendar *calendar, int64_t day)
{
    int64_t midnight_s = day * DAY_S;
    int64_t from_s = midnight_s - OFFSET_MAX_S;
    int64_t to_s = midnight_s + OFFSET_MAX_S;
    for (;;) {
        int64_t change_s = offset_change(calendar, from_s, to_s);
        int64_t start_s = midnight_s - offset_at(calendar, from_s);
        if (start_s < change_s)
            return start_s > from_s ? start_s : from_s;
        from_s = change_s;
    }
}

/* The day in which an instant lies. That is not always its local date: where clocks went back from
 * 00:01 to 23:01, the day had already begun. */
static int64_t day_at(const struct calendar *calendar, int64_t time_s)
{
    int64_t day = (int64_t)div_floor(time_s + offset_at(calendar, time_s), DAY_S);
    while (day_start(calendar, day + 1) <= time_s)
        day++;
    return day;
}

static GDate date_of_day(int64_t day)
{
    GDate date;
    g_date_clear(&date, 1);
    ASSERT(day > -JULIAN_OF_EPOCH && day < JULIAN_OF_EPOCH); /* years 1 .. 3939 */
    g_date_set_julian(&date, (guint32)(day + JULIAN_OF_EPOCH));
    return date;
}

static int64_t day_of_date(const GDate *date)
{
    return (int64_t)g_date_get_julian(date) - JULIAN_OF_EPOCH;
}

static struct span hour_span(const struct calendar *calendar, int64_t time_s)
{
    int64_t offset_s = offset_at(calendar, time_s);
    int64_t start_s = (int64_t)div_floor(time_s + offset_s, HOUR_S) * HOUR_S - offset_s;
    struct span span = {start_s, start_s + HOUR_S};
    int64_t change_s = offset_change(calendar, start_s, time_s);
    while (change_s != NO_CHANGE) {
        span.start_s = change_s;
        change_s = offset_change(calendar, change_s, time_s);
    }
    change_s = offset_change(calendar, time_s, span.end_s - 1);
    if (change_s != NO_CHANGE)
        span.end_s = change_s;
    return span;
}

/* From the first of the month that lies `months_before` the date's own, over `months`. */
static struct span months_span(const struct calendar *calendar, GDate date, unsigned months_before,
                               unsigned months)
{
    struct span span;
    g_date_set_day(&date, 1);
    g_date_subtract_months(&date, months_before);
    span.start_s = day_start(calendar, day_of_date(&date));
    g_date_add_months(&date, months);
    span.end_s = day_start(calendar, day_of_date(&date));
    return span;
}

static struct span find_span(const struct calendar *calendar, enum level level, int64_t time_s)
{
    if (level == LEVEL_HOUR)
        return hour_span(calendar, time_s);
    int64_t day = day_at(calendar, time_s);
    if (level == LEVEL_DAY)
        return (struct span){day_start(calendar, day), day_start(calendar, day + 1)};
    GDate date = date_of_day(day);
    if (level == LEVEL_MONTH)
        return months_span(calendar, date, 0, 1);
    ASSERT(level == LEVEL_YEAR);
    int months = (int)g_date_get_month(&date) - calendar->fiscal_year_start;
    return months_span(calendar, date, (unsigned)(months < 0 ? months + 12 : months), 12);
}

static bool contains(const struct window *window, int64_t time_ms)
{
    return time_ms >= window->start_ms && time_ms < window->end_ms;
}

static struct window find_window(const struct calendar *calendar, enum level level, int64_t time_ms)
{
    int64_t bucket_start_ms =
        (int64_t)div_floor(time_ms, calendar->bucket_ms) * calendar->bucket_ms;
    if (level == LEVEL_BUCKET)
        return (struct window){bucket_start_ms, bucket_start_ms + calendar->bucket_ms};
    struct span span = find_span(calendar, level, (int64_t)div_floor(bucket_start_ms, 1000));
    return (struct window){grid_ceil(calendar, span.start_s), grid_ceil(calendar, span.end_s)};
}

struct window calendar_window(struct calendar *calendar, enum level level, int64_t time_ms)
{
    ASSERT(time_ms >= TIME_MIN_MS && time_ms <= TIME_MAX_MS);
    ASSERT(level < LEVEL_COUNT);
    struct window *last = &calendar->last[level];
    if (contains(last, time_ms))
        return *last;
    uint64_t slot = (uint64_t)div_floor(time_ms, caches[level].span_ms) & caches[level].mask;
    struct window *cached = &calendar->cache[caches[level].first + slot];
    if (!contains(cached, time_ms))
        *cached = find_window(calendar, level, time_ms);
    ASSERT(contains(cached, time_ms));
    *last = *cached;
    return *cached;
}

int calendar_date_start(struct calendar *calendar, int year, int month, int day, int64_t *ms_out)
{
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 || day > 31)
        return -EINVAL;
    if (!g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year))
        return -EINVAL;
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
    *ms_out = grid_ceil(calendar, day_start(calendar, day_of_date(&date)));
    return 0;
}

uint32_t calendar_offsets(const struct calendar *calendar, struct offset_change *changes_out,
                          uint32_t changes_max)
{
    uint32_t count = 0;
    int64_t from_ms = INT64_MIN;
    int64_t from_s = CHECK_FROM_S;
    do {
        if (count < changes_max)
            changes_out[count] =
                (struct offset_change){from_ms, offset_at(calendar, from_s) * 1000};
        count++;
        from_s = offset_change(calendar, from_s, CHECK_TO_S);
        from_ms = from_s == NO_CHANGE ? INT64_MAX : from_s * 1000;
    } while (from_s != NO_CHANGE);
    return count;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* GLib also takes offsets, POSIX rules and paths, and warns about files that are no zones. The
 * names of tzdata begin with a capital, and those with digits have a region in front. */
static bool is_zone_name(const char *zone)
{
    if (zone[0] < 'A' || zone[0] > 'Z' || strlen(zone) < 2)
        return false;
    const char *more = strchr(zone, '/') == NULL ? LETTERS "-" : LETTERS "0123456789+-_/";
    return zone[strspn(zone, more)] == '\0';
}

static bool offsets_fit(const struct calendar *calendar)
{
    int last = interval_at(calendar, CHECK_TO_S);
    for (int i = interval_at(calendar, CHECK_FROM_S); i <= last; i++) {
        int64_t offset_s = g_time_zone_get_offset(calendar->zone, i);
        if (offset_s * 1000 % calendar->bucket_ms != 0)
            return false;
    }
    return true;
}

int calendar_create(struct calendar **calendar_out, const char *zone, int64_t bucket_ms,
                    int fiscal_year_start)
{
    if (bucket_ms < 1000 || bucket_ms % 1000 != 0 || HOUR_MS % bucket_ms != 0)
        return -EINVAL;
    if (fiscal_year_start < 1 || fiscal_year_start > 12)
        return -EINVAL;
    if (!is_zone_name(zone))
        return -ENOENT;
    struct calendar *calendar = calloc(1, sizeof(*calendar));
    if (calendar == NULL)
        return -ENOMEM;
    calendar->zone = g_time_zone_new_identifier(zone);
    calendar->bucket_ms = bucket_ms;
    calendar->fiscal_year_start = fiscal_year_start;
    int err = 0;
    if (calendar->zone == NULL)
        err = -ENOENT;
    else if (!offsets_fit(calendar))
        err = -EINVAL;
    if (err < 0)
        calendar_destroy(&calendar);
    else
        *calendar_out = calendar;
    return err;
}

void calendar_destroy(struct calendar **calendar)
{
    if (*calendar == NULL)
        return;
    if ((*calendar)->zone != NULL)
        g_time_zone_unref((*calendar)->zone);
    free(TAKE(*calendar));
}

const char *level_suffix(enum level level, int64_t bucket_ms, char text[LEVEL_SUFFIX_SIZE])
{
    static const char *const suffixes[LEVEL_COUNT] = {
        [LEVEL_HOUR] = "1h", [LEVEL_DAY] = "1d", [LEVEL_MONTH] = "1mo", [LEVEL_YEAR] = "1y"};
    ASSERT(bucket_ms >= 1000 && bucket_ms <= HOUR_MS);
    unsigned seconds = (unsigned)(bucket_ms / 1000);
    if (level != LEVEL_BUCKET)
        (void)snprintf(text, LEVEL_SUFFIX_SIZE, "%s", suffixes[level]);
    else if (seconds == HOUR_S)
        (void)snprintf(text, LEVEL_SUFFIX_SIZE, "1h");
    else if (seconds % 60 == 0)
        (void)snprintf(text, LEVEL_SUFFIX_SIZE, "%um", seconds / 60);
    else
        (void)snprintf(text, LEVEL_SUFFIX_SIZE, "%us", seconds);
    return text;
}
