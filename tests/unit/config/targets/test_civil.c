/* test_civil.c - days against GLib's calendar, and years that begin in any month. */
#include "config/targets/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glib.h>

enum { JULIAN_OF_EPOCH = 719163 }; /* GLib counts 0001-01-01 as day 1 */

static void test_days(void **state)
{
    (void)state;
    static const struct {
        int year, month, day;
        int32_t want;
        int weekday;
    } cases[] = {
        {1970, 1, 1, 0, 3},     {1969, 12, 31, -1, 2},     {2000, 2, 29, 11016, 1},
        {2000, 3, 1, 11017, 2}, {1900, 3, 1, -25508, 3},   {1900, 2, 28, -25509, 2},
        {2026, 7, 1, 20635, 2}, {2024, 2, 29, 19782, 3},   {2100, 2, 28, 47540, 6},
        {2100, 3, 1, 47541, 0}, {1600, 2, 29, -135081, 1}, {-400, 3, 1, -865565, 2},
        {0, 3, 1, -719468, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int32_t got = civil_day(cases[i].year, cases[i].month, cases[i].day);
        struct date back = civil_date(got);
        if (got != cases[i].want || civil_weekday(got) != cases[i].weekday ||
            back.year != cases[i].year || back.month != cases[i].month || back.day != cases[i].day)
            fail_msg("%d-%02d-%02d: got day %d, weekday %d, and back %d-%02d-%02d", cases[i].year,
                     cases[i].month, cases[i].day, got, civil_weekday(got), back.year, back.month,
                     back.day);
    }
}

static void test_every_day(void **state)
{
    (void)state;
    GDate *date = g_date_new_dmy(1, G_DATE_JANUARY, 1);
    for (; g_date_get_year(date) < 2400; g_date_add_days(date, 1)) {
        int32_t day = (int32_t)g_date_get_julian(date) - JULIAN_OF_EPOCH;
        struct date got = civil_date(day);
        if (got.year != g_date_get_year(date) || got.month != (int)g_date_get_month(date) ||
            got.day != g_date_get_day(date) ||
            civil_weekday(day) + 1 != (int)g_date_get_weekday(date) ||
            civil_day(got.year, got.month, got.day) != day)
            fail_msg("day %d: got %d-%02d-%02d", day, got.year, got.month, got.day);
    }
    g_date_free(date);
}

static void test_years(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct date date;
        int year_start, want;
        struct date first;
        int32_t days;
    } cases[] = {
        {"calendar", {2026, 12, 31}, 1, 2026, {2026, 1, 1}, 365},
        {"leap", {2024, 1, 1}, 1, 2024, {2024, 1, 1}, 366},
        {"before April", {2026, 3, 31}, 4, 2026, {2025, 4, 1}, 365},
        {"from April", {2026, 4, 1}, 4, 2027, {2026, 4, 1}, 365},
        {"with 29 February", {2023, 4, 1}, 4, 2024, {2023, 4, 1}, 366},
        {"December", {2025, 12, 1}, 12, 2026, {2025, 12, 1}, 365},
        {"end of November", {2025, 11, 30}, 12, 2025, {2024, 12, 1}, 365},
        {"February", {2024, 2, 1}, 2, 2025, {2024, 2, 1}, 366},
        {"before 1970", {1968, 6, 30}, 7, 1968, {1967, 7, 1}, 366},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int32_t day = civil_day(cases[i].date.year, cases[i].date.month, cases[i].date.day);
        int32_t first = civil_day(cases[i].first.year, cases[i].first.month, cases[i].first.day);
        struct civil_year got = civil_year_of(day, cases[i].year_start);
        if (got.year != cases[i].want || got.first_day != first || got.days != cases[i].days ||
            day < got.first_day || day >= got.month_first[12])
            fail_msg("%s: got %d, %d days", cases[i].name, got.year, got.days);
    }
}

static void test_years_follow_each_other(void **state)
{
    (void)state;
    for (int start = 1; start <= 12; start++)
        for (int year = 1899; year < 2200; year++) {
            struct civil_year now = civil_year_named(year, start);
            struct civil_year next = civil_year_named(year + 1, start);
            assert_int_equal(now.month_first[0], now.first_day);
            assert_int_equal(now.month_first[12], next.first_day);
            assert_int_equal(now.first_day + now.days, next.first_day);
            for (int i = 0; i < 12; i++) {
                struct date first = civil_date(now.month_first[i]);
                assert_int_equal(first.day, 1);
                assert_int_equal(first.month, (start - 1 + i) % 12 + 1);
                assert_int_equal(civil_year_of(now.month_first[i], start).year, year);
                assert_int_equal(civil_year_of(now.month_first[i + 1] - 1, start).year, year);
            }
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_years),
        cmocka_unit_test(test_years_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
