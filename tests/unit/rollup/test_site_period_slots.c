/* Months and years of a site: how they are found and made, and which of them go. */
#include "pipelines/rollup/site_periods.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_marks.h"
#include "tests/unit/rollup/site_fixture.h"

static int64_t instant(const char *text)
{
    int64_t time_ms = 0;
    assert_int_equal(timestamp_parse(&time_ms, text, strlen(text)), 0);
    return time_ms;
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *time, *start, *end;
        enum level level;
        bool is_new;
    } cases[] = {
        {"2026-03-04T00:00:00Z", "2026-02-28T18:30:00Z", "2026-03-31T18:30:00Z", LEVEL_MONTH, true},
        {"2026-03-31T18:29:59Z", "2026-02-28T18:30:00Z", "2026-03-31T18:30:00Z", LEVEL_MONTH,
         false},
        {"2026-02-28T18:30:00Z", "2026-02-28T18:30:00Z", "2026-03-31T18:30:00Z", LEVEL_MONTH,
         false},
        {"2026-03-31T18:30:00Z", "2026-03-31T18:30:00Z", "2026-04-30T18:30:00Z", LEVEL_MONTH, true},
        {"2026-03-04T00:00:00Z", "2025-12-31T18:30:00Z", "2026-12-31T18:30:00Z", LEVEL_YEAR, true},
        {"2026-12-31T18:29:59Z", "2025-12-31T18:30:00Z", "2026-12-31T18:30:00Z", LEVEL_YEAR, false},
    };
    struct site_fixture fixture;
    site_fixture_init(&fixture, "Asia/Kolkata", 15 * MINUTE_MS, instant(cases[0].time));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fixture.site->changed = false;
        struct period *period =
            site_find_period(fixture.site, cases[i].level, instant(cases[i].time));
        assert_non_null(period);
        if (!period->used || period->level != cases[i].level ||
            period->window.start_ms != instant(cases[i].start) ||
            period->window.end_ms != instant(cases[i].end) ||
            fixture.site->changed != cases[i].is_new)
            fail_msg("%s, level %d", cases[i].time, (int)cases[i].level);
    }
    site_fixture_fini(&fixture);
}

/* There are SITE_PERIODS_MAX of them; a day needs its month and its year. */
static void test_room(void **state)
{
    (void)state;
    const int64_t begin_ms = instant("2026-03-04T00:00:00Z");
    struct site_fixture fixture;
    site_fixture_init(&fixture, "Etc/UTC", 15 * MINUTE_MS, begin_ms);
    for (int64_t i = 1; i < SITE_PERIODS_MAX; i++)
        assert_non_null(site_find_period(fixture.site, LEVEL_MONTH, begin_ms + i * 31 * DAY_MS));
    assert_false(site_has_periods(fixture.site, begin_ms)); /* room for the month alone */
    assert_non_null(site_find_period(fixture.site, LEVEL_MONTH, begin_ms));
    assert_null(site_find_period(fixture.site, LEVEL_YEAR, begin_ms));
    assert_null(site_find_period(fixture.site, LEVEL_MONTH, begin_ms - 31 * DAY_MS));
    site_fixture_fini(&fixture);
}

/* The oldest open day is 2026-03-04. */
static void test_drop(void **state)
{
    (void)state;
    enum { ACTIVITY = 7 };
    static const struct {
        const char *time;
        enum level level;
        bool dirty, goes;
        int balance;
    } cases[] = {
        {"2025-11-30T00:00:00Z", LEVEL_MONTH, false, true, 0},
        {"2025-11-30T00:00:00Z", LEVEL_MONTH, true, false, 0},
        {"2025-12-31T00:00:00Z", LEVEL_MONTH, false, false, 0}, /* January may be weighed by it */
        {"2026-02-28T00:00:00Z", LEVEL_MONTH, false, false, 0}, /* March will */
        {"2026-03-01T00:00:00Z", LEVEL_MONTH, false, false, 0},
        {"2026-04-01T00:00:00Z", LEVEL_MONTH, false, false, 0},
        {"2025-12-31T00:00:00Z", LEVEL_YEAR, false, true, -ACTIVITY},
        {"2025-12-31T00:00:00Z", LEVEL_YEAR, true, false, 0},
        {"2026-01-01T00:00:00Z", LEVEL_YEAR, false, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site_fixture fixture;
        site_fixture_init(&fixture, "Etc/UTC", 15 * MINUTE_MS, instant("2026-03-04T00:00:00Z"));
        struct site *site = fixture.site;
        struct period *period = site_find_period(site, cases[i].level, instant(cases[i].time));
        assert_non_null(period);
        period->closed[0].value[FIGURE_ACTIVITY] = ACTIVITY;
        if (cases[i].dirty)
            site_mark_dirty(site, NULL, &period->mark, 1);
        site_drop_periods(site);
        if (period->used == cases[i].goes || site->balance[0] != cases[i].balance)
            fail_msg("row %zu: used %d, balance %d", i, period->used, (int)site->balance[0]);
        site_fixture_fini(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_drop),
    };
    return cmocka_run_group_tests_name("site_period_slots", tests, NULL, NULL);
}
