/* The notice of a row, whose numbers a course has put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/timestamp.h"
#include "config/targets/civil.h"
#include "pipelines/notice/notice_row.h"
#include "pipelines/trajectory/course_rows.h"

#define T INT64_C(1000000000)

static struct series series[] = {
    {.scope = 2, .category = "purchased electricity", .source = "grid"},
    {.scope = 1, .category = "stationary combustion", .source = ""}};
static struct facility facilities[] = {{.id = "hz", .name = "Hangzhou mill"},
                                       {.id = "sz", .name = ""}};
static struct registry registry = {.series = series,
                                   .series_count = ARRAY_LEN(series),
                                   .facilities = facilities,
                                   .facilities_count = ARRAY_LEN(facilities)};
static const struct target mill = {.id = "hz-2030",
                                   .name = "hz",
                                   .level = TARGET_FACILITY,
                                   .scopes = 6,
                                   .year_start = 4,
                                   .facility = 0};
static const struct target group = {.id = "asia-2030",
                                    .name = "Asia",
                                    .level = TARGET_GROUP,
                                    .scopes = 2,
                                    .year_start = 1,
                                    .facility = REGISTRY_NONE};

/* A warning on the last day of 2025 at UTC+8. */
static struct course_told told_of(const struct target *target)
{
    int64_t end_ms = civil_day(2026, 1, 1) * DAY_MS - 8 * HOUR_MS;
    return (struct course_told){.target = target,
                                .row = {.stamp_ms = end_ms + HOUR_MS + 5 * MINUTE_MS,
                                        .day = civil_day(2025, 12, 31),
                                        .closed = true,
                                        .base_version = 2,
                                        .base_mg = 94000 * T,
                                        .budget_mg = 74800 * T,
                                        .due_mg = 28050 * T,
                                        .ytd_mg = 29000 * T,
                                        .covered_ms = 2,
                                        .expected_ms = 3,
                                        .slip = 339,
                                        .forecast = {.given = true,
                                                     .model_mg = 77000 * T,
                                                     .interval_given = true,
                                                     .low_mg = 76000 * T,
                                                     .high_mg = 78000 * T,
                                                     .probability = 875},
                                        .level = ALERT_WARNING},
                                .transition = {.event = COURSE_ENTERED,
                                               .from = ALERT_WATCH,
                                               .to = ALERT_WARNING,
                                               .base_version = 2,
                                               .number = 7,
                                               .day_end_ms = end_ms,
                                               .since_ms = end_ms - 3 * DAY_MS},
                                .sources = {{0, 20000 * T}, {1, 7000 * T}, {REGISTRY_NONE, 0}}};
}

static struct alert_notice notice_of(const struct course_told *told)
{
    struct row row;
    course_put_row(&row, told, ROW_ALERT);
    return notice_of_row(&row, &registry);
}

static void test_facility(void **state)
{
    (void)state;
    struct course_told told = told_of(&mill);
    struct alert_notice notice = notice_of(&told);
    assert_string_equal(notice.target, "hz-2030");
    assert_string_equal(notice.subject, "hz");
    assert_string_equal(notice.name, "Hangzhou mill");
    assert_int_equal(notice.scopes, 6);
    assert_false(notice.test || notice.intensity);
    assert_int_equal(notice.event, COURSE_ENTERED);
    assert_int_equal(notice.from, ALERT_WATCH);
    assert_int_equal(notice.to, ALERT_WARNING);
    assert_int_equal(notice.base_version, 2);
    assert_int_equal(notice.number, 7);
    assert_int_equal(notice.year, 2026);
    assert_int_equal(notice.year_end_day, civil_day(2026, 3, 31));
    assert_int_equal(notice.day, civil_day(2025, 12, 31));
    assert_int_equal(notice.since_day, civil_day(2025, 12, 28));
    assert_int_equal(notice.start_ms, told.transition.since_ms);
    assert_int_equal(notice.budget_mg, 74800 * T);
    assert_int_equal(notice.due_mg, 28050 * T);
    assert_int_equal(notice.ytd_mg, 29000 * T);
    assert_int_equal(notice.slip, 339);
    assert_int_equal(notice.coverage, 666666667);
    assert_int_equal(notice.forecast_mg, 77000 * T);
    assert_int_equal(notice.low_mg, 76000 * T);
    assert_int_equal(notice.high_mg, 78000 * T);
    assert_int_equal(notice.miss, 875);
    assert_string_equal(notice.sources[0].name, "grid");
    assert_int_equal(notice.sources[0].ytd_mg, 20000 * T);
    assert_string_equal(notice.sources[1].name, "stationary combustion");
    assert_null(notice.sources[2].name);
}

static void test_group(void **state)
{
    (void)state;
    struct course_told told = told_of(&group);
    told.transition.event = COURSE_LEFT;
    told.transition.to = told.row.level = ALERT_OK;
    struct alert_notice notice = notice_of(&told);
    assert_string_equal(notice.name, "Asia");
    assert_int_equal(notice.year, 2025);
    assert_int_equal(notice.end_ms, told.transition.day_end_ms);
    assert_string_equal(notice.sources[0].name, "Hangzhou mill");
    assert_string_equal(notice.sources[1].name, "sz"); /* it has no name */
}

/* The day that ends at an instant, by the zone's offset from UTC. */
static void test_days(void **state)
{
    (void)state;
    static const int64_t offsets_min[] = {-719, -480, 0, 345, 480, 719};
    for (size_t i = 0; i < ARRAY_LEN(offsets_min); i++) {
        struct course_told told = told_of(&mill);
        int32_t day = civil_day(2025, 6, 30);
        told.transition.since_ms = (day + 1) * DAY_MS - offsets_min[i] * MINUTE_MS;
        assert_int_equal(notice_of(&told).since_day, day);
    }
}

static void test_unknown(void **state)
{
    (void)state;
    struct course_told told = told_of(&mill);
    told.row.forecast.given = false;
    told.row.expected_ms = 0;
    told.row.slip = INT32_MIN;
    told.transition.since_ms = INT64_MIN;
    told.sources[0].index = REGISTRY_NONE;
    struct alert_notice notice = notice_of(&told);
    assert_int_equal(notice.forecast_mg, NOTICE_UNKNOWN);
    assert_int_equal(notice.low_mg, NOTICE_UNKNOWN);
    assert_int_equal(notice.miss, NOTICE_UNKNOWN);
    assert_int_equal(notice.coverage, NOTICE_UNKNOWN);
    assert_int_equal(notice.slip, NOTICE_UNKNOWN);
    assert_int_equal(notice.since_day, INT32_MIN);
    assert_int_equal(notice.start_ms, told.row.stamp_ms);
    assert_null(notice.sources[0].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_facility),
                                       cmocka_unit_test(test_group), cmocka_unit_test(test_days),
                                       cmocka_unit_test(test_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
