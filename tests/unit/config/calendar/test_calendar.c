/* test_calendar.c - windows against the definition, against Python's zoneinfo, and each other. */
#include "config/calendar/calendar.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "base/timestamp.h"

enum { QUARTER_MS = 15 * MINUTE_MS };

static struct calendar *open_calendar(const char *zone, int64_t bucket_ms, int fiscal_year_start)
{
    struct calendar *calendar = NULL;
    int err = calendar_create(&calendar, zone, bucket_ms, fiscal_year_start);
    if (err != 0)
        fail_msg("%s, bucket %" PRId64 " ms: %s", zone, bucket_ms, strerror(-err));
    return calendar;
}

static int64_t instant(const char *text)
{
    int64_t ms = 0;
    if (timestamp_parse(&ms, text, strlen(text)) != 0)
        fail_msg("bad instant in the test: %s", text);
    return ms;
}

static void expect_window(const char *name, struct window got, int64_t start_ms, int64_t end_ms)
{
    if (got.start_ms == start_ms && got.end_ms == end_ms)
        return;
    char text[4][TIMESTAMP_TEXT_SIZE];
    fail_msg("%s: got [%s, %s), want [%s, %s)", name, timestamp_format(text[0], got.start_ms),
             timestamp_format(text[1], got.end_ms), timestamp_format(text[2], start_ms),
             timestamp_format(text[3], end_ms));
}

static void test_windows(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *time;
        enum level level;
        const char *start, *end;
    } cases[] = {
        {"America/New_York", "2026-03-08T07:10:00Z", LEVEL_BUCKET, "2026-03-08T07:00:00Z",
         "2026-03-08T07:15:00Z"},
        {"Etc/UTC", "1969-12-31T23:59:59.999Z", LEVEL_BUCKET, "1969-12-31T23:45:00Z",
         "1970-01-01T00:00:00Z"},
        /* Clocks go forward: 02:00 EST is 03:00 EDT. */
        {"America/New_York", "2026-03-08T06:59:59.999Z", LEVEL_HOUR, "2026-03-08T01:00:00-05:00",
         "2026-03-08T03:00:00-04:00"},
        {"America/New_York", "2026-03-08T07:00:00Z", LEVEL_HOUR, "2026-03-08T03:00:00-04:00",
         "2026-03-08T04:00:00-04:00"},
        {"America/New_York", "2026-03-08T07:00:00Z", LEVEL_DAY, "2026-03-08T00:00:00-05:00",
         "2026-03-09T00:00:00-04:00"},
        {"America/New_York", "2026-03-08T07:00:00Z", LEVEL_MONTH, "2026-03-01T00:00:00-05:00",
         "2026-04-01T00:00:00-04:00"},
        /* Clocks go back: 01:00 to 02:00 happens twice, and is two hours. */
        {"America/New_York", "2026-11-01T05:30:00Z", LEVEL_HOUR, "2026-11-01T01:00:00-04:00",
         "2026-11-01T02:00:00-04:00"},
        {"America/New_York", "2026-11-01T06:30:00Z", LEVEL_HOUR, "2026-11-01T01:00:00-05:00",
         "2026-11-01T02:00:00-05:00"},
        {"America/New_York", "2026-11-01T06:30:00Z", LEVEL_DAY, "2026-11-01T00:00:00-04:00",
         "2026-11-02T00:00:00-05:00"},
        {"America/New_York", "2026-11-01T03:59:59.999Z", LEVEL_MONTH, "2026-10-01T00:00:00-04:00",
         "2026-11-01T00:00:00-04:00"},
        {"America/New_York", "2026-07-01T00:00:00Z", LEVEL_YEAR, "2026-01-01T00:00:00-05:00",
         "2027-01-01T00:00:00-05:00"},
        /* By thirty minutes: half an hour is missing, or is there a second time. */
        {"Australia/Lord_Howe", "2025-10-04T15:40:00Z", LEVEL_HOUR, "2025-10-05T02:30:00+11:00",
         "2025-10-05T03:00:00+11:00"},
        {"Australia/Lord_Howe", "2025-10-05T00:00:00Z", LEVEL_DAY, "2025-10-05T00:00:00+10:30",
         "2025-10-06T00:00:00+11:00"},
        {"Australia/Lord_Howe", "2026-04-04T14:59:00Z", LEVEL_HOUR, "2026-04-05T01:00:00+11:00",
         "2026-04-05T02:00:00+11:00"},
        {"Australia/Lord_Howe", "2026-04-04T15:10:00Z", LEVEL_HOUR, "2026-04-05T01:30:00+10:30",
         "2026-04-05T02:00:00+10:30"},
        /* Offsets that are no whole hours. */
        {"Asia/Kathmandu", "2026-01-01T00:00:00Z", LEVEL_HOUR, "2026-01-01T05:00:00+05:45",
         "2026-01-01T06:00:00+05:45"},
        {"Asia/Kathmandu", "2026-01-01T18:15:00Z", LEVEL_DAY, "2026-01-02T00:00:00+05:45",
         "2026-01-03T00:00:00+05:45"},
        /* Summer time from 23:00 of one day to 24:00 of another: the 19th lacks its last hour. */
        {"Asia/Dhaka", "2009-06-19T12:00:00Z", LEVEL_DAY, "2009-06-19T00:00:00+06:00",
         "2009-06-20T00:00:00+07:00"},
        {"Asia/Dhaka", "2009-12-31T17:30:00Z", LEVEL_DAY, "2009-12-31T00:00:00+07:00",
         "2010-01-01T00:00:00+06:00"},
        {"Asia/Dhaka", "2009-12-31T17:30:00Z", LEVEL_HOUR, "2009-12-31T23:00:00+06:00",
         "2010-01-01T00:00:00+06:00"},
        /* Midnight is skipped: the day begins at 01:00. */
        {"America/Sao_Paulo", "2018-11-04T03:00:00Z", LEVEL_DAY, "2018-11-04T01:00:00-02:00",
         "2018-11-05T00:00:00-02:00"},
        {"Asia/Beirut", "2022-03-27T10:00:00Z", LEVEL_DAY, "2022-03-27T01:00:00+03:00",
         "2022-03-28T00:00:00+03:00"},
        {"Africa/Cairo", "2023-04-28T10:00:00Z", LEVEL_DAY, "2023-04-28T01:00:00+03:00",
         "2023-04-29T00:00:00+03:00"},
        /* Clocks go back from midnight: the day before gets an hour more. */
        {"America/Sao_Paulo", "2018-02-18T02:30:00Z", LEVEL_DAY, "2018-02-17T00:00:00-02:00",
         "2018-02-18T00:00:00-03:00"},
        {"Africa/Cairo", "2023-10-26T21:30:00Z", LEVEL_HOUR, "2023-10-26T23:00:00+02:00",
         "2023-10-27T00:00:00+02:00"},
        /* Midnight happens twice, from 01:00 back to 00:00: the first one counts. */
        {"America/Havana", "2020-11-01T05:30:00Z", LEVEL_DAY, "2020-11-01T00:00:00-04:00",
         "2020-11-02T00:00:00-05:00"},
        {"America/Havana", "2020-11-01T04:30:00Z", LEVEL_HOUR, "2020-11-01T00:00:00-04:00",
         "2020-11-01T01:00:00-04:00"},
        {"America/Havana", "2020-11-01T05:30:00Z", LEVEL_HOUR, "2020-11-01T00:00:00-05:00",
         "2020-11-01T01:00:00-05:00"},
        {"America/Havana", "2020-11-01T04:00:00Z", LEVEL_MONTH, "2020-11-01T00:00:00-04:00",
         "2020-12-01T00:00:00-05:00"},
        /* The date that Samoa left out when it changed sides. */
        {"Pacific/Apia", "2011-12-30T09:59:00Z", LEVEL_DAY, "2011-12-29T00:00:00-10:00",
         "2011-12-31T00:00:00+14:00"},
        {"Pacific/Apia", "2011-12-30T10:00:00Z", LEVEL_DAY, "2011-12-31T00:00:00+14:00",
         "2012-01-01T00:00:00+14:00"},
        {"Pacific/Kiritimati", "1994-12-31T09:00:00Z", LEVEL_YEAR, "1994-01-01T00:00:00-10:00",
         "1995-01-01T00:00:00+14:00"},
        /* Turkey: later than the rest of Europe in 2011, 2014 and 2015, and no winter time since.
         */
        {"Europe/Istanbul", "2015-11-08T10:00:00Z", LEVEL_DAY, "2015-11-08T00:00:00+03:00",
         "2015-11-09T00:00:00+02:00"},
        {"Europe/Istanbul", "2016-10-30T10:00:00Z", LEVEL_DAY, "2016-10-30T00:00:00+03:00",
         "2016-10-31T00:00:00+03:00"},
        {"Europe/Istanbul", "2014-03-31T10:00:00Z", LEVEL_DAY, "2014-03-31T00:00:00+02:00",
         "2014-04-01T00:00:00+03:00"},
        /* Back from 00:01 to 23:01: the new day began a minute before. Its first bucket keeps that
         * date, and the buckets of the old evening that follow are in the new day. */
        {"America/St_Johns", "2009-11-01T02:30:00Z", LEVEL_DAY, "2009-11-01T00:00:00-02:30",
         "2009-11-02T00:00:00-03:30"},
        {"America/St_Johns", "2009-11-01T02:44:59Z", LEVEL_HOUR, "2009-11-01T02:30:00Z",
         "2009-11-01T02:45:00Z"},
        {"America/St_Johns", "2009-11-01T02:45:00Z", LEVEL_HOUR, "2009-11-01T02:45:00Z",
         "2009-11-01T00:00:00-03:30"},
        {"America/St_Johns", "2009-11-01T03:00:00Z", LEVEL_MONTH, "2009-11-01T00:00:00-02:30",
         "2009-12-01T00:00:00-03:30"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct calendar *calendar = open_calendar(cases[i].zone, QUARTER_MS, 1);
        char name[96];
        (void)snprintf(name, sizeof(name), "%s at %s", cases[i].zone, cases[i].time);
        expect_window(name, calendar_window(calendar, cases[i].level, instant(cases[i].time)),
                      instant(cases[i].start), instant(cases[i].end));
        calendar_destroy(&calendar);
    }
}

static void test_fiscal_year(void **state)
{
    (void)state;
    static const struct {
        int first_month;
        const char *time, *start, *end;
    } cases[] = {
        {1, "2026-01-01T00:00:00+05:30", "2026-01-01T00:00:00+05:30", "2027-01-01T00:00:00+05:30"},
        {1, "2025-12-31T23:59:59+05:30", "2025-01-01T00:00:00+05:30", "2026-01-01T00:00:00+05:30"},
        {4, "2026-04-01T00:00:00+05:30", "2026-04-01T00:00:00+05:30", "2027-04-01T00:00:00+05:30"},
        {4, "2026-03-31T23:59:59+05:30", "2025-04-01T00:00:00+05:30", "2026-04-01T00:00:00+05:30"},
        {4, "2024-02-29T12:00:00+05:30", "2023-04-01T00:00:00+05:30", "2024-04-01T00:00:00+05:30"},
        {12, "2026-12-15T00:00:00+05:30", "2026-12-01T00:00:00+05:30", "2027-12-01T00:00:00+05:30"},
        {12, "2026-11-30T00:00:00+05:30", "2025-12-01T00:00:00+05:30", "2026-12-01T00:00:00+05:30"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct calendar *calendar = open_calendar("Asia/Kolkata", QUARTER_MS, cases[i].first_month);
        expect_window(cases[i].time, calendar_window(calendar, LEVEL_YEAR, instant(cases[i].time)),
                      instant(cases[i].start), instant(cases[i].end));
        calendar_destroy(&calendar);
    }
}

static void test_create(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t bucket_ms;
        int fiscal_year_start, want;
    } cases[] = {
        {"Europe/Berlin", QUARTER_MS, 1, 0},
        {"Etc/GMT+5", HOUR_MS, 12, 0},
        {"UTC", HOUR_MS, 1, 0},
        {"NZ-CHAT", QUARTER_MS, 1, 0},
        {"America/Argentina/Buenos_Aires", MINUTE_MS, 7, 0},
        {"Asia/Kolkata", 30 * MINUTE_MS, 1, 0},
        {"Australia/Lord_Howe", 30 * MINUTE_MS, 1, 0},
        {"Asia/Kathmandu", QUARTER_MS, 1, 0},
        {"Europe/Berlin", HOUR_MS, 1, 0},
        {"America/St_Johns", 10 * MINUTE_MS, 1, 0},
        {"Asia/Kolkata", HOUR_MS, 1, -EINVAL},
        {"Asia/Kolkata", 20 * MINUTE_MS, 1, -EINVAL},
        {"Asia/Kathmandu", 30 * MINUTE_MS, 1, -EINVAL},
        {"Australia/Lord_Howe", HOUR_MS, 1, -EINVAL},
        {"Asia/Pyongyang", HOUR_MS, 1, -EINVAL}, /* +08:30 from 2015 to 2018 */
        {"Europe/Berlin", 0, 1, -EINVAL},
        {"Europe/Berlin", -QUARTER_MS, 1, -EINVAL},
        {"Europe/Berlin", 7 * MINUTE_MS, 1, -EINVAL},
        {"Europe/Berlin", 45 * MINUTE_MS, 1, -EINVAL},
        {"Europe/Berlin", 2 * HOUR_MS, 1, -EINVAL},
        {"Europe/Berlin", 500, 1, -EINVAL},
        {"Europe/Berlin", QUARTER_MS, 0, -EINVAL},
        {"Europe/Berlin", QUARTER_MS, 13, -EINVAL},
        {"Asia/Pekin", QUARTER_MS, 1, -ENOENT},
        {"", QUARTER_MS, 1, -ENOENT},
        {"Z", QUARTER_MS, 1, -ENOENT},
        {"Asia", QUARTER_MS, 1, -ENOENT},
        {"Asia/", QUARTER_MS, 1, -ENOENT},
        {"europe/berlin", QUARTER_MS, 1, -ENOENT},
        {" Europe/Berlin", QUARTER_MS, 1, -ENOENT},
        {"Europe/Berlin ", QUARTER_MS, 1, -ENOENT},
        {"Europe/Berlin\n", QUARTER_MS, 1, -ENOENT},
        {"+05:30", QUARTER_MS, 1, -ENOENT},
        {"UTC+8", QUARTER_MS, 1, -ENOENT},
        {"UTC8", QUARTER_MS, 1, -ENOENT},
        {"EST5EDT,M3.2.0,M11.1.0", QUARTER_MS, 1, -ENOENT},
        {"right/Europe/Berlin", QUARTER_MS, 1, -ENOENT},
        {"localtime", QUARTER_MS, 1, -ENOENT},
        {"zone.tab", QUARTER_MS, 1, -ENOENT},
        {"leapseconds", QUARTER_MS, 1, -ENOENT},
        {"../../../etc/passwd", QUARTER_MS, 1, -ENOENT},
        {"Europe/../Europe/Berlin", QUARTER_MS, 1, -ENOENT},
        {"/usr/share/zoneinfo/Europe/Berlin", QUARTER_MS, 1, -ENOENT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct calendar *calendar = NULL;
        int got = calendar_create(&calendar, cases[i].zone, cases[i].bucket_ms,
                                  cases[i].fiscal_year_start);
        if (got != cases[i].want || (calendar != NULL) != (got == 0))
            fail_msg("\"%s\", bucket %" PRId64 " ms, month %d: got %d", cases[i].zone,
                     cases[i].bucket_ms, cases[i].fiscal_year_start, got);
        calendar_destroy(&calendar);
        assert_null(calendar);
    }
}

static void test_date_start(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int year, month, day;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"Europe/Istanbul", 2026, 3, 1, "2026-03-01T00:00:00+03:00"},
        {"Europe/Istanbul", 2024, 2, 29, "2024-02-29T00:00:00+03:00"},
        {"America/Havana", 2020, 11, 1, "2020-11-01T00:00:00-04:00"},
        {"Asia/Beirut", 2022, 3, 27, "2022-03-27T01:00:00+03:00"},
        {"Pacific/Apia", 2011, 12, 30, "2011-12-31T00:00:00+14:00"},
        {"Pacific/Apia", 2011, 12, 31, "2011-12-31T00:00:00+14:00"},
        {"Etc/UTC", 1900, 1, 1, "1900-01-01T00:00:00Z"},
        {"Etc/UTC", 2199, 12, 31, "2199-12-31T00:00:00Z"},
        {"Europe/Istanbul", 2026, 2, 29, NULL},
        {"Europe/Istanbul", 1900, 2, 29, NULL},
        {"Europe/Istanbul", 2026, 4, 31, NULL},
        {"Europe/Istanbul", 2026, 0, 1, NULL},
        {"Europe/Istanbul", 2026, 13, 1, NULL},
        {"Europe/Istanbul", 2026, 1, 0, NULL},
        {"Europe/Istanbul", 2026, 1, 32, NULL},
        {"Europe/Istanbul", 2026, 1, -1, NULL},
        {"Europe/Istanbul", 2026, 257, 1, NULL},
        {"Europe/Istanbul", 1899, 12, 31, NULL},
        {"Europe/Istanbul", 2200, 1, 1, NULL},
        {"Europe/Istanbul", 65536 + 2026, 1, 1, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct calendar *calendar = open_calendar(cases[i].zone, QUARTER_MS, 1);
        int64_t got_ms = -1;
        int err =
            calendar_date_start(calendar, cases[i].year, cases[i].month, cases[i].day, &got_ms);
        bool good = cases[i].want == NULL ? err == -EINVAL && got_ms == -1
                                          : err == 0 && got_ms == instant(cases[i].want);
        if (!good)
            fail_msg("%s %d-%d-%d: got %d, %" PRId64, cases[i].zone, cases[i].year, cases[i].month,
                     cases[i].day, err, got_ms);
        calendar_destroy(&calendar);
    }
}

static void test_suffix(void **state)
{
    (void)state;
    static const struct {
        enum level level;
        int64_t bucket_ms;
        const char *want;
    } cases[] = {
        {LEVEL_BUCKET, QUARTER_MS, "15m"}, {LEVEL_BUCKET, MINUTE_MS, "1m"},
        {LEVEL_BUCKET, HOUR_MS, "1h"},     {LEVEL_BUCKET, 90000, "90s"},
        {LEVEL_BUCKET, 1000, "1s"},        {LEVEL_HOUR, QUARTER_MS, "1h"},
        {LEVEL_DAY, QUARTER_MS, "1d"},     {LEVEL_MONTH, QUARTER_MS, "1mo"},
        {LEVEL_YEAR, HOUR_MS, "1y"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[LEVEL_SUFFIX_SIZE];
        assert_string_equal(level_suffix(cases[i].level, cases[i].bucket_ms, text), cases[i].want);
    }
}

/* Windows of one level follow each other without gap or overlap, and lie in one of the next. */
static void check_tiling(struct calendar *calendar, const char *zone, int64_t from_ms,
                         int64_t to_ms)
{
    for (enum level level = LEVEL_BUCKET; level < LEVEL_YEAR; level++) {
        int64_t time_ms = calendar_window(calendar, level, from_ms).start_ms;
        while (time_ms < to_ms) {
            struct window window = calendar_window(calendar, level, time_ms);
            struct window last = calendar_window(calendar, level, window.end_ms - 1);
            struct window outer = calendar_window(calendar, level + 1, time_ms);
            if (window.start_ms != time_ms || window.end_ms <= time_ms ||
                last.start_ms != window.start_ms || last.end_ms != window.end_ms ||
                outer.start_ms > window.start_ms || outer.end_ms < window.end_ms)
                fail_msg("%s, level %d at %" PRId64 ": [%" PRId64 ", %" PRId64 ")", zone,
                         (int)level, time_ms, window.start_ms, window.end_ms);
            time_ms = window.end_ms;
        }
    }
}

static void test_tiling(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t bucket_ms;
        int fiscal_year_start;
        const char *from, *to;
    } cases[] = {
        {"America/New_York", QUARTER_MS, 1, "2010-01-01T00:00:00Z", "2040-01-01T00:00:00Z"},
        {"America/St_Johns", QUARTER_MS, 4, "2005-01-01T00:00:00Z", "2013-01-01T00:00:00Z"},
        {"America/St_Johns", MINUTE_MS, 4, "2010-06-01T00:00:00Z", "2012-01-01T00:00:00Z"},
        {"America/Havana", HOUR_MS, 1, "1995-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
        {"Australia/Lord_Howe", 30 * MINUTE_MS, 7, "1995-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
        {"Asia/Kathmandu", 5 * MINUTE_MS, 1, "1985-06-01T00:00:00Z", "1987-01-01T00:00:00Z"},
        {"Pacific/Apia", QUARTER_MS, 12, "2008-01-01T00:00:00Z", "2014-01-01T00:00:00Z"},
        {"Asia/Gaza", QUARTER_MS, 1, "2008-01-01T00:00:00Z", "2016-01-01T00:00:00Z"},
        {"Africa/Casablanca", QUARTER_MS, 1, "2008-01-01T00:00:00Z", "2020-01-01T00:00:00Z"},
        {"Antarctica/Troll", QUARTER_MS, 1, "2004-01-01T00:00:00Z", "2008-01-01T00:00:00Z"},
        /* Offsets of odd seconds: before all that is checked at creation, and still whole. */
        {"Africa/Monrovia", QUARTER_MS, 1, "1970-01-01T00:00:00Z", "1974-01-01T00:00:00Z"},
        {"Europe/Amsterdam", QUARTER_MS, 1, "1936-06-01T00:00:00Z", "1942-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct calendar *calendar =
            open_calendar(cases[i].zone, cases[i].bucket_ms, cases[i].fiscal_year_start);
        check_tiling(calendar, cases[i].zone, instant(cases[i].from), instant(cases[i].to));
        calendar_destroy(&calendar);
    }
}

/* The answer of a cached calendar does not depend on earlier questions. */
static void test_cache(void **state)
{
    (void)state;
    struct calendar *warm = open_calendar("America/St_Johns", QUARTER_MS, 4);
    uint64_t random = 20260301;
    for (int i = 0; i < 20000; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        int64_t time_ms =
            instant("2007-01-01T00:00:00Z") + (int64_t)(random >> 26) % (2000 * DAY_MS);
        enum level level = (enum level)(random >> 20 & 3) + 1;
        struct window window = calendar_window(warm, level, time_ms);
        assert_true(window.start_ms <= time_ms && time_ms < window.end_ms);
        if (i % 20 == 0) {
            struct calendar *cold = open_calendar("America/St_Johns", QUARTER_MS, 4);
            struct window want = calendar_window(cold, level, time_ms);
            expect_window("seed 20260301", window, want.start_ms, want.end_ms);
            calendar_destroy(&cold);
        }
    }
    expect_window("the first instant", calendar_window(warm, LEVEL_BUCKET, TIME_MIN_MS),
                  TIME_MIN_MS, TIME_MIN_MS + QUARTER_MS);
    for (enum level level = LEVEL_BUCKET; level < LEVEL_COUNT; level++) {
        assert_true(calendar_window(warm, level, TIME_MIN_MS).start_ms <= TIME_MIN_MS);
        assert_true(calendar_window(warm, level, TIME_MAX_MS).end_ms > TIME_MAX_MS);
    }
    calendar_destroy(&warm);
}

static int count_hours(struct calendar *calendar, struct window day)
{
    int hours = 0;
    for (int64_t time_ms = day.start_ms; time_ms < day.end_ms; hours++)
        time_ms = calendar_window(calendar, LEVEL_HOUR, time_ms).end_ms;
    return hours;
}

static int64_t date_start(struct calendar *calendar, const GDate *date)
{
    int64_t start_ms = 0;
    assert_int_equal(calendar_date_start(calendar, g_date_get_year(date),
                                         (int)g_date_get_month(date), g_date_get_day(date),
                                         &start_ms),
                     0);
    return start_ms;
}

/* The next line of `file` is this day. */
static void expect_line(FILE *file, const char *zone, const GDate *date, int64_t minutes, int hours)
{
    char got[64];
    char want[64] = "";
    (void)snprintf(got, sizeof(got), "%d-%02d-%02d %" PRId64 " %d\n", g_date_get_year(date),
                   (int)g_date_get_month(date), g_date_get_day(date), minutes, hours);
    if (fgets(want, sizeof(want), file) == NULL || strcmp(got, want) != 0)
        fail_msg("%s: got %swant %s", zone, got, want);
}

/* One zone of days.txt: `file` stands behind its line, and does so behind its last day on return.
 */
static void check_zone(FILE *file, const char *zone, int64_t start_s)
{
    struct calendar *calendar = open_calendar(zone, QUARTER_MS, 1);
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, 1, 1, 1990);
    assert_int_equal(date_start(calendar, &date), start_s * 1000);
    while (g_date_get_year(&date) < 2025) {
        GDate today = date;
        g_date_add_days(&date, 1);
        struct window day = {date_start(calendar, &today), date_start(calendar, &date)};
        int64_t minutes = (day.end_ms - day.start_ms) / MINUTE_MS;
        if (minutes > 0)
            expect_window(zone, calendar_window(calendar, LEVEL_DAY, day.end_ms - 1), day.start_ms,
                          day.end_ms);
        if (minutes != INT64_C(24) * 60)
            expect_line(file, zone, &today, minutes, count_hours(calendar, day));
        else if (g_date_get_day(&today) == 1) /* all of them would take seconds */
            assert_int_equal(count_hours(calendar, day), 24);
    }
    calendar_destroy(&calendar);
}

/* Every day of 35 years in zones of every kind, with the number of its hours, as zoneinfo has it.
 */
static void test_zoneinfo(void **state)
{
    (void)state;
    FILE *file = fopen("tests/data/calendar/days.txt", "r");
    if (file == NULL)
        fail_msg("tests/data/calendar/days.txt: run the tests from the root of the project");
    int zones = 0;
    char line[128];
    while (fgets(line, sizeof(line), file) != NULL) {
        char *save = NULL;
        const char *word = strtok_r(line, " \n", &save);
        if (word == NULL || word[0] == '#')
            continue;
        assert_string_equal(word, "zone");
        const char *zone = strtok_r(NULL, " \n", &save);
        const char *start = strtok_r(NULL, " \n", &save);
        assert_non_null(start);
        check_zone(file, zone, strtoll(start, NULL, 10));
        zones++;
    }
    (void)fclose(file);
    assert_int_equal(zones, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows), cmocka_unit_test(test_fiscal_year),
        cmocka_unit_test(test_create),  cmocka_unit_test(test_date_start),
        cmocka_unit_test(test_suffix),  cmocka_unit_test(test_tiling),
        cmocka_unit_test(test_cache),   cmocka_unit_test(test_zoneinfo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
