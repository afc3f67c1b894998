/* A course's row and change of level as rows of the output: all numbers, and which are null. */
#include "pipelines/trajectory/course_rows.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "config/targets/civil.h"

#define T INT64_C(1000000000) /* a tonne in milligrams */
#define DAY_MS INT64_C(86400000)
#define STAMP_MS INT64_C(1777593600000)

static const struct target april_target = {.id = "hz-2030",
                                           .name = "hz",
                                           .level = TARGET_FACILITY,
                                           .scopes = 1 << 1 | 1 << 2,
                                           .year_start = 4,
                                           .facility = 3,
                                           .meter = REGISTRY_NONE};

static struct course_told told_of(void)
{
    return (struct course_told){
        .target = &april_target,
        .row = {.stamp_ms = STAMP_MS,
                .day = civil_day(2025, 12, 31), /* of the year 2026 */
                .closed = true,
                .counted = true,
                .base_version = 2,
                .base_mg = 94000 * T,
                .budget_mg = 74800 * T,
                .share = 375000000,
                .due_mg = 28050 * T,
                .ytd_mg = 27300 * T,
                .estimated_mg = 300 * T,
                .covered_ms = 2,
                .expected_ms = 3,
                .slip = -267,
                .trailing_mg = 80000 * T,
                .forecast = {.share = 375000000,
                             .given = true,
                             .ratio_mg = 72800 * T,
                             .model_mg = 73000 * T,
                             .deviation_mg = 500 * T,
                             .interval_given = true,
                             .low_mg = 72000 * T,
                             .high_mg = 74000 * T,
                             .probability = 125,
                             .used_up_day = 364},
                .needed = {.to_end_known = true, .to_end = 65500000, .cumulative = 93500000},
                .achieved = 476190476,
                .overshoot_mg = -5 * T,
                .level = ALERT_WARNING},
        .transition = {.event = COURSE_ENTERED,
                       .from = ALERT_WATCH,
                       .to = ALERT_WARNING,
                       .base_version = 2,
                       .number = 7,
                       .stamp_ms = STAMP_MS,
                       .day_end_ms = STAMP_MS - 3600000,
                       .since_ms = STAMP_MS - 40 * DAY_MS},
        .sources = {{5, 20000 * T}, {6, 7000 * T}, {REGISTRY_NONE, 0}}};
}

static void expect_numbers(const char *name, const struct row *row,
                           const int64_t want[COURSE_NUMBERS])
{
    for (int i = 0; i < COURSE_NUMBERS; i++)
        if (row->course[i] != want[i])
            fail_msg("%s: number %d is %" PRId64 ", not %" PRId64, name, i, row->course[i],
                     want[i]);
}

/* The row of told_of(), without the numbers of a transition. */
static void want_all(int64_t want[COURSE_NUMBERS])
{
    const int64_t all[COURSE_NUMBERS] = {
        [COURSE_STAMP] = STAMP_MS,
        [COURSE_DAY] = INT64_C(1767139200000), /* 2025-12-31T00:00Z */
        [COURSE_BASE_VERSION] = 2,
        [COURSE_BASE] = 94000 * T,
        [COURSE_BUDGET] = 74800 * T,
        [COURSE_SHARE] = 375000000,
        [COURSE_DUE] = 28050 * T,
        [COURSE_YTD] = 27300 * T,
        [COURSE_YTD_ESTIMATED] = 300 * T,
        [COURSE_OVER] = -750 * T,
        [COURSE_COVERAGE] = 666666667,
        [COURSE_SLIP] = -267,
        [COURSE_FORECAST] = 73000 * T,
        [COURSE_FORECAST_LOW] = 72000 * T,
        [COURSE_FORECAST_HIGH] = 74000 * T,
        [COURSE_FORECAST_RATIO] = 72800 * T,
        [COURSE_MISS_PROBABILITY] = 125,
        [COURSE_USED_UP_DAY] = INT64_C(1774915200000), /* 2026-03-31T00:00Z */
        [COURSE_TRAILING] = 80000 * T,
        [COURSE_NEEDED_TO_END] = 65500000,
        [COURSE_NEEDED_CUMULATIVE] = 93500000,
        [COURSE_ACHIEVED] = 476190476,
        [COURSE_OVERSHOOT] = -5 * T,
        [COURSE_LEVEL] = ALERT_WARNING,
        [COURSE_RESTATED] = 0,
        [COURSE_COUNTED] = 1,
        [COURSE_FORECAST_KNOWN] = 1,
        [COURSE_INTERVAL_KNOWN] = 1,
        [COURSE_USED_UP] = 1,
        [COURSE_SOURCE_1] = 5,
        [COURSE_SOURCE_2] = 6,
        [COURSE_SOURCE_3] = NULL_NUMBER,
        [COURSE_SOURCE_1_YTD] = 20000 * T,
        [COURSE_SOURCE_2_YTD] = 7000 * T,
        [COURSE_SOURCE_3_YTD] = NULL_NUMBER,
        [COURSE_EVENT] = NULL_NUMBER,
        [COURSE_NUMBER] = NULL_NUMBER,
        [COURSE_LEVEL_FROM] = NULL_NUMBER,
        [COURSE_STARTED] = NULL_NUMBER,
        [COURSE_ENDED] = NULL_NUMBER,
    };
    memcpy(want, all, sizeof(all));
}

static void test_row_of_a_closed_day(void **state)
{
    (void)state;
    struct course_told told = told_of();
    struct row row;
    int64_t want[COURSE_NUMBERS];
    memset(&row, 0xff, sizeof(row));
    want_all(want);
    course_put_row(&row, &told, ROW_TRAJECTORY);
    expect_numbers("closed", &row, want);
    assert_int_equal(row.kind, ROW_TRAJECTORY);
    assert_int_equal(row.level, LEVEL_DAY);
    assert_int_equal(row.window.start_ms, STAMP_MS);
    assert_int_equal(row.window.end_ms, STAMP_MS);
    assert_int_equal(row.facility, 3);
    assert_int_equal(row.series, REGISTRY_NONE);
    assert_ptr_equal(row.target, &april_target);
    assert_int_equal(row.version, 0);
    assert_true(row.final);
}

static void test_row_of_an_hour(void **state)
{
    (void)state;
    struct course_told told = told_of();
    struct row row;
    int64_t want[COURSE_NUMBERS];
    want_all(want);
    told.row.closed = told.row.counted = false;
    told.row.restated = true;
    want[COURSE_COUNTED] = 0;
    want[COURSE_RESTATED] = 1;
    course_put_row(&row, &told, ROW_TRAJECTORY);
    expect_numbers("hour", &row, want);
    assert_int_equal(row.level, LEVEL_HOUR);
}

static void test_row_of_now(void **state)
{
    (void)state;
    struct course_told told = told_of();
    struct row row;
    int64_t want[COURSE_NUMBERS];
    want_all(want);
    const struct window year = {INT64_C(1743465600000), INT64_C(1775001600000)};
    course_put_now(&row, &told, year, 42);
    expect_numbers("now", &row, want);
    assert_int_equal(row.kind, ROW_TRAJECTORY_NOW);
    assert_int_equal(row.level, LEVEL_YEAR);
    assert_int_equal(row.window.start_ms, year.start_ms);
    assert_int_equal(row.window.end_ms, year.end_ms);
    assert_int_equal(row.version, 42);
}

static void test_row_of_a_group(void **state)
{
    (void)state;
    struct target group = april_target;
    group.level = TARGET_GROUP;
    group.facility = REGISTRY_NONE;
    struct course_told told = told_of();
    told.target = &group;
    struct row row;
    course_put_row(&row, &told, ROW_TRAJECTORY);
    assert_int_equal(row.facility, REGISTRY_NONE);
}

static void test_alerts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum course_event event;
        enum alert_level from, to;
        int64_t since_ms, started_ms, ended_ms;
    } cases[] = {
        {"entered", COURSE_ENTERED, ALERT_OK, ALERT_CRITICAL, 1000, 1000, NULL_NUMBER},
        {"left to a level", COURSE_LEFT, ALERT_CRITICAL, ALERT_WARNING, 1000, 1000, NULL_NUMBER},
        {"left", COURSE_LEFT, ALERT_WATCH, ALERT_OK, 1000, 1000, STAMP_MS - 3600000},
        {"retracted", COURSE_RETRACTED, ALERT_WARNING, ALERT_OK, 1000, 1000, STAMP_MS - 3600000},
        {"since never", COURSE_LEFT, ALERT_WATCH, ALERT_OK, INT64_MIN, NULL_NUMBER,
         STAMP_MS - 3600000},
        {"since 1970", COURSE_ENTERED, ALERT_OK, ALERT_WATCH, 0, 0, NULL_NUMBER},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct course_told told = told_of();
        struct row row;
        int64_t want[COURSE_NUMBERS];
        want_all(want);
        told.transition.event = (uint8_t)cases[i].event;
        told.transition.from = (uint8_t)cases[i].from;
        told.transition.to = (uint8_t)cases[i].to;
        told.transition.since_ms = cases[i].since_ms;
        want[COURSE_EVENT] = cases[i].event;
        want[COURSE_NUMBER] = 7;
        want[COURSE_LEVEL_FROM] = cases[i].from;
        want[COURSE_LEVEL] = cases[i].to;
        want[COURSE_STARTED] = cases[i].started_ms;
        want[COURSE_ENDED] = cases[i].ended_ms;
        course_put_row(&row, &told, ROW_ALERT);
        expect_numbers(cases[i].name, &row, want);
        assert_int_equal(row.kind, ROW_ALERT);
        assert_int_equal(row.level, LEVEL_DAY);
        assert_int_equal(row.window.start_ms, STAMP_MS);
    }
}

/* Nothing that is not known is 0. */
static void test_nothing_known(void **state)
{
    (void)state;
    struct course_told told = {
        .target = &april_target,
        .row = {.stamp_ms = STAMP_MS,
                .day = civil_day(2025, 4, 1),
                .slip = INT32_MIN,
                .trailing_mg = -1,
                .forecast = {.deviation_mg = -1, .probability = -1, .used_up_day = -1},
                .needed = {.cumulative = INT64_MIN},
                .achieved = INT64_MIN,
                .overshoot_mg = INT64_MIN},
        .sources = {{REGISTRY_NONE, 0}, {REGISTRY_NONE, 0}, {REGISTRY_NONE, 0}}};
    static const enum course_number known[] = {COURSE_DAY,
                                               COURSE_BASE_VERSION,
                                               COURSE_BUDGET,
                                               COURSE_SHARE,
                                               COURSE_DUE,
                                               COURSE_YTD,
                                               COURSE_YTD_ESTIMATED,
                                               COURSE_OVER,
                                               COURSE_LEVEL,
                                               COURSE_RESTATED,
                                               COURSE_COUNTED,
                                               COURSE_FORECAST_KNOWN,
                                               COURSE_INTERVAL_KNOWN,
                                               COURSE_USED_UP};
    int64_t want[COURSE_NUMBERS];
    for (int i = 0; i < COURSE_NUMBERS; i++)
        want[i] = NULL_NUMBER;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        want[known[i]] = 0;
    want[COURSE_STAMP] = STAMP_MS;
    want[COURSE_DAY] = INT64_C(1743465600000);
    struct row row;
    course_put_row(&row, &told, ROW_TRAJECTORY);
    expect_numbers("nothing", &row, want);
}

/* A forecast without what needs more: each is null by itself. */
static void test_forecast_in_part(void **state)
{
    (void)state;
    struct course_told told = told_of();
    struct row row;
    int64_t want[COURSE_NUMBERS];
    told.row.forecast.interval_given = false;
    told.row.forecast.probability = -1;
    told.row.forecast.used_up_day = -1;
    want_all(want);
    want[COURSE_FORECAST_LOW] = want[COURSE_FORECAST_HIGH] = NULL_NUMBER;
    want[COURSE_MISS_PROBABILITY] = want[COURSE_USED_UP_DAY] = NULL_NUMBER;
    want[COURSE_INTERVAL_KNOWN] = want[COURSE_USED_UP] = 0;
    course_put_row(&row, &told, ROW_TRAJECTORY);
    expect_numbers("no interval", &row, want);

    told.row.forecast.probability = 0;
    told.row.forecast.used_up_day = 0;
    want[COURSE_MISS_PROBABILITY] = 0;
    want[COURSE_USED_UP_DAY] = INT64_C(1743465600000); /* the year's first day */
    want[COURSE_USED_UP] = 1;
    course_put_row(&row, &told, ROW_TRAJECTORY);
    expect_numbers("no probability is not null", &row, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_of_a_closed_day),
        cmocka_unit_test(test_row_of_an_hour),
        cmocka_unit_test(test_row_of_now),
        cmocka_unit_test(test_row_of_a_group),
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_forecast_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
