/* Open days: they follow each other, their rows and hours have no gap, also where clocks change. */
#include "pipelines/rollup/site_days.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "tests/unit/rollup/site_fixture.h"

/* 2026-03-04T00:00:00Z: clocks in New York go on at the 8th. */
#define MARCH_4_MS INT64_C(1772582400000)

static void test_hours(void **state)
{
    (void)state;
    static const struct {
        const char *name, *time_zone, *day;
        int64_t bucket_ms;
        uint32_t rows, hours;
    } cases[] = {
        {"an ordinary day", "America/New_York", "2026-03-09T12:00:00Z", 15 * MINUTE_MS, 96, 24},
        {"clocks go on", "America/New_York", "2026-03-08T12:00:00Z", 15 * MINUTE_MS, 92, 23},
        {"clocks go back", "America/New_York", "2026-11-01T12:00:00Z", 15 * MINUTE_MS, 100, 25},
        {"half an hour off", "Asia/Kolkata", "2026-03-09T12:00:00Z", 15 * MINUTE_MS, 96, 24},
        {"clocks go on by half an hour", "Australia/Lord_Howe", "2026-10-04T01:00:00Z",
         15 * MINUTE_MS, 94, 24},
        {"clocks go back by half an hour", "Australia/Lord_Howe", "2026-04-05T01:00:00Z",
         15 * MINUTE_MS, 98, 25},
        {"one row an hour", "America/New_York", "2026-03-09T12:00:00Z", HOUR_MS, 24, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site_fixture fixture;
        int64_t time_ms = 0;
        assert_int_equal(timestamp_parse(&time_ms, cases[i].day, strlen(cases[i].day)), 0);
        site_fixture_init(&fixture, cases[i].time_zone, cases[i].bucket_ms, time_ms);
        const struct day *day = site_day(fixture.site, 0);
        if (day->end_row - day->first_row != cases[i].rows || day->hours_count != cases[i].hours)
            fail_msg("%s: %" PRId64 " rows, %" PRIu32 " hours", cases[i].name,
                     day->end_row - day->first_row, day->hours_count);
        for (int64_t row = day->first_row; day->hours_count > 0 && row < day->end_row; row++) {
            uint32_t hour = site_hour_index(day, row);
            struct window window =
                calendar_window(fixture.site->calendar, LEVEL_HOUR, row * cases[i].bucket_ms);
            if (site_row_from(fixture.site, window.start_ms) !=
                    day->first_row + day->hour_row[hour] ||
                site_row_from(fixture.site, window.end_ms) !=
                    day->first_row + day->hour_row[hour + 1])
                fail_msg("%s: row %" PRId64 " is in hour %" PRIu32, cases[i].name, row, hour);
        }
        site_fixture_fini(&fixture);
    }
}

/* Every row from the first to the last is in one day, and no other row is. */
static void check_days(const struct site *site)
{
    int64_t row = site_day(site, 0)->first_row;
    assert_null(site_find_day(site, row - 1));
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        assert_int_equal(day->first_row, row);
        for (; row < day->end_row; row++)
            assert_ptr_equal(site_find_day(site, row), day);
    }
    assert_ptr_equal(site_newest_day(site), site_find_day(site, row - 1));
    assert_null(site_find_day(site, row));
}

/* The ring goes round while clocks go on: there is room for the horizon, and not for more. */
static void test_ring(void **state)
{
    (void)state;
    struct site_fixture fixture;
    site_fixture_init(&fixture, "America/New_York", 15 * MINUTE_MS, MARCH_4_MS);
    struct site *site = fixture.site;
    for (int turn = 0; turn < 12; turn++) {
        while (site_has_room(site))
            site_open_next_day(site);
        check_days(site);
        int64_t rows = site_newest_day(site)->end_row - site_day(site, 0)->first_row;
        assert_true(rows <= site->panel->rows && rows > site->panel->rows - 100);
        int64_t second_row = site_day(site, 1)->first_row;
        struct mark *mark = &site->row_marks[panel_slot(site->panel, second_row - 1)];
        mark->touches = 1;
        site_drop_oldest_day(site);
        assert_int_equal(mark->touches, 0);
        assert_int_equal(site_day(site, 0)->first_row, second_row);
        check_days(site);
    }
    site_fixture_fini(&fixture);
}

/* Instants before 1970 round to the row that began before them. */
static void test_rows(void **state)
{
    (void)state;
    static const struct {
        int64_t time_ms, row, row_from;
    } cases[] = {{0, 0, 0},      {1, 0, 1},   {899999, 0, 1},
                 {900000, 1, 1}, {-1, -1, 0}, {-900000, -1, -1}};
    struct site_fixture fixture;
    site_fixture_init(&fixture, "America/New_York", 15 * MINUTE_MS, MARCH_4_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t row = site_row(fixture.site, cases[i].time_ms);
        int64_t from = site_row_from(fixture.site, cases[i].time_ms);
        if (row != cases[i].row || from != cases[i].row_from)
            fail_msg("%" PRId64 " ms: %" PRId64 ", %" PRId64, cases[i].time_ms, row, from);
    }
    site_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests_name("site_days", tests, NULL, NULL);
}
