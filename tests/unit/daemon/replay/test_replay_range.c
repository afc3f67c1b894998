/* Which part of the log a replay reads. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "daemon/replay/replay_range.h"

#define MIN_MS INT64_C(60000)

static struct meter meters[] = {
    {.id = "quick", .expected = true, .interval_ms = 15 * MIN_MS},
    {.id = "tank", .expected = false, .interval_ms = 366 * DAY_MS},
};
static const char *zones[] = {"Etc/UTC", "Asia/Tokyo"};
static struct registry registry = {
    .meters = meters, .meters_count = 2, .zones = zones, .zones_count = 2};
static const struct config config = {.registry = &registry,
                                     .window = {.bucket_ms = 15 * MIN_MS,
                                                .allowed_delay_ms = 5 * MIN_MS,
                                                .grace_ms = 10 * MIN_MS,
                                                .horizon_ms = 2 * DAY_MS,
                                                .early_tolerance_ms = HOUR_MS,
                                                .fiscal_year_start = 4}};
#define LEAD_MS (HOUR_MS + 2 * DAY_MS + 5 * MIN_MS)

static int64_t parse(const char *text)
{
    int64_t time_ms;
    if (timestamp_parse(&time_ms, text, strlen(text)) != 0)
        fail_msg("%s is no time", text);
    return time_ms;
}

static void test_reading_begins(void **state)
{
    (void)state;
    static const struct {
        const char *name, *from, *until, *start;
    } cases[] = {
        {"last night: the day before in Tokyo begins first", "2026-11-20T03:00:00Z",
         "2026-11-22T08:00:00Z", "2026-11-19T15:00:00Z"},
        {"this month is not over", "2026-11-02T12:00:00Z", "2026-11-22T08:00:00Z",
         "2026-11-01T15:00:00Z"},
        {"last month is over, the year is not", "2026-10-31T12:00:00Z", "2026-11-22T08:00:00Z",
         "2026-09-30T15:00:00Z"},
        {"the fiscal year is over", "2026-03-20T00:00:00Z", "2026-11-22T08:00:00Z",
         "2025-03-31T15:00:00Z"},
        {"a year that ends now may be over", "2026-03-31T00:00:00Z", "2026-04-01T00:00:00Z",
         "2025-03-31T15:00:00Z"},
        {"one that ends later than the tolerance is not", "2026-03-31T20:00:00Z",
         "2026-03-31T22:30:00Z", "2026-03-31T20:00:00Z"},
        {"within the running day: the hour", "2026-11-22T07:20:00Z", "2026-11-22T08:00:00Z",
         "2026-11-22T07:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct replay_range range;
        assert_int_equal(
            replay_range_plan(&range, &config, parse(cases[i].from), parse(cases[i].until)), 0);
        char text[TIMESTAMP_TEXT_SIZE];
        timestamp_format(text, range.read_from_ms + LEAD_MS);
        if (strcmp(text, cases[i].start) != 0)
            fail_msg("%s: %s", cases[i].name, text);
    }
}

static void test_slow_meter_needs_more(void **state)
{
    (void)state;
    int64_t from_ms = parse("2026-11-20T03:00:00Z");
    struct replay_range quick;
    struct replay_range slow;
    assert_int_equal(replay_range_plan(&quick, &config, from_ms, from_ms + 2 * DAY_MS), 0);
    meters[0].interval_ms = 30 * DAY_MS;
    assert_int_equal(replay_range_plan(&slow, &config, from_ms, from_ms + 2 * DAY_MS), 0);
    meters[0].interval_ms = 15 * MIN_MS;
    assert_int_equal(quick.lead_ms, LEAD_MS);
    assert_int_equal(slow.lead_ms, HOUR_MS + 60 * DAY_MS);
    assert_int_equal(slow.read_from_ms, quick.read_from_ms + LEAD_MS - slow.lead_ms);
    assert_int_equal(replay_range_right_ms(&slow, from_ms), from_ms + slow.lead_ms);
}

static void test_lost_windows_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *from, *right, *want;
    } cases[] = {
        {"2026-03-20T00:00:00Z", "2026-05-02T00:00:00Z",
         "year from 2025-04, month 2026-03, month 2026-04, month 2026-05"},
        {"2026-10-20T00:00:00Z", "2026-10-21T00:00:00Z", "month 2026-10"},
        {"2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z", "day 2026-11-20, day 2026-11-21"},
        {"2026-11-20T12:00:00Z", "2026-11-19T15:00:00Z", ""},
        {"2026-11-22T07:00:00Z", "2026-11-22T07:30:00Z", "hours and buckets before it"},
        {"2026-11-22T07:00:00Z", "2026-11-22T07:00:00Z", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct replay_range range;
        assert_int_equal(
            replay_range_plan(&range, &config, parse(cases[i].from), parse("2026-11-22T08:00:00Z")),
            0);
        struct buffer names;
        buffer_init(&names, 4096);
        assert_int_equal(replay_range_name_lost(&range, &config, parse(cases[i].right), &names), 0);
        if (strcmp(buffer_text(&names), cases[i].want) != 0)
            fail_msg("%s, right from %s: %s", cases[i].from, cases[i].right, buffer_text(&names));
        buffer_fini(&names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_begins),
        cmocka_unit_test(test_slow_meter_needs_more),
        cmocka_unit_test(test_lost_windows_are_named),
    };
    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
