/* Plans of target years: what the history and the measured days make of them. */
#include "pipelines/trajectory/plan.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/trajectory/plan_bench.h"

enum { SUNDAY = 1 << 6 };

/* January's part, and that of all other days: numerator / denominator, up to 12 parts of 1e9. */
static void expect_january(const struct plan_bench *bench, int64_t numerator, int64_t denominator)
{
    enum { TOLERANCE = 12 };
    int64_t want = PART_ONE * numerator / denominator;
    int64_t got = bench->plan.shares.month[0];
    if (got < want - TOLERANCE || got > want + TOLERANCE)
        fail_msg("January has %" PRId64 ", not %" PRId64, got, want);
}

/* 2025 has 365 days. Past Januaries count two and four times as much a day: the mean of both years'
 * parts of a working day is taken. */
static void test_two_years(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_put_history(&bench, 2021, 10 * T, 2); /* 365 + 31 = 396 shares of a day */
    plan_bench_put_history(&bench, 2022, 70 * T, 4); /* 365 + 93 = 458 */
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.plan.shares.basis, SHARES_MEDIAN);
    assert_int_equal(bench.plan.past_years, 2);
    /* January: 31 * (2 / 396 + 4 / 458); each other day 1 / 396 + 1 / 458. Over both: */
    expect_january(&bench, INT64_C(31) * (2 * 458 + 4 * 396),
                   INT64_C(31) * (2 * 458 + 4 * 396) + INT64_C(334) * (458 + 396));
    plan_bench_fini(&bench);
}

/* One past year gives shares only if it is the base year. */
static void test_one_year(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int year;
        enum shares_basis want;
    } cases[] = {
        {"the base year", 2019, SHARES_BASE_YEAR},
        {"the year before it", 2018, SHARES_LINEAR},
        {"the year after it", 2020, SHARES_LINEAR},
        {"ten years before it", 2009, SHARES_LINEAR},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct plan_bench bench;
        plan_bench_init(&bench);
        plan_bench_put_history(&bench, cases[i].year, 10 * T, 3);
        plan_bench_plan(&bench, 2025);
        if (bench.plan.shares.basis != cases[i].want || bench.plan.past_years != 1)
            fail_msg("%s: basis %d", cases[i].name, bench.plan.shares.basis);
        if (cases[i].want == SHARES_BASE_YEAR)
            expect_january(&bench, 93, 334 + 93);
        else
            expect_january(&bench, 31, 365);
        plan_bench_fini(&bench);
    }
}

/* Ten years before the base year count, those before do not, and the planned year itself does not.
 */
static void test_which_years(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.plan.shares.basis, SHARES_LINEAR);
    assert_int_equal(plan_bench_past_years(&bench, 2025), 0);
    for (int year = 2007; year <= 2025; year++)
        plan_bench_put_history(&bench, year, 10 * T, 1);
    assert_int_equal(plan_bench_past_years(&bench, 2025), 2025 - 2009);
    assert_int_equal(plan_bench_past_years(&bench, 2020), 2020 - 2009);
    bench.target.base_year = 1995;
    assert_int_equal(plan_bench_past_years(&bench, 2025), 2025 - 2007);
    plan_bench_fini(&bench);
}

static void test_earliest_year(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    for (int year = TARGET_YEAR_MIN; year < 1997; year++)
        plan_bench_put_history(&bench, year, 10 * T, 1);
    bench.target.base_year = 1995;
    assert_int_equal(plan_bench_past_years(&bench, 1997), 1997 - TARGET_YEAR_MIN);
    plan_bench_fini(&bench);
}

/* Measured months differ from those of the history. Each month is taken from either of them. */
static void test_measured(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_put_history(&bench, 2019, 10 * T, 1);
    plan_bench_put_history(&bench, 2024, 10 * T, 1);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.plan.last_closed_mg, 3660 * T);
    plan_bench_measure(&bench, civil_day(2024, 3, 1), civil_day(2024, 4, 1), 20 * T);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.plan.last_closed_mg, 3660 * T + 310 * T);
    assert_int_equal(bench.plan.last_year_mg[2], 620 * T);
    assert_int_equal(bench.plan.last_year_mg[3], 300 * T);
    plan_bench_measure_year(&bench, 2024, 7 * T);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.plan.last_closed_mg, INT64_C(366) * 7 * T);
    plan_bench_fini(&bench);
}

/* A month is measured if each of its days is known and whole; else it is that of the history. */
static void test_not_measured(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct date date;
        bool february; /* is known then */
    } cases[] = {
        {"the first day", {2024, 2, 1}, false},
        {"the last day", {2024, 2, 29}, false},
        {"the last day before", {2024, 1, 31}, true},
        {"the first day after", {2024, 3, 1}, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int lacks = 0; lacks < 2; lacks++) {
            int32_t day = civil_day(cases[i].date.year, cases[i].date.month, cases[i].date.day);
            struct plan_bench bench;
            plan_bench_init(&bench);
            plan_bench_measure(&bench, civil_day(2024, 1, 1), lacks ? day : civil_day(2025, 1, 1),
                               7 * T);
            if (lacks)
                plan_bench_measure(&bench, day + 1, civil_day(2025, 1, 1), 7 * T);
            else
                plan_bench_put_day(&bench, day, 7 * T, false);
            plan_bench_plan(&bench, 2025);
            if (bench.plan.last_closed_mg != -1 || plan_bench_past_years(&bench, 2025) != 0 ||
                bench.plan.last_year_mg[1] != (cases[i].february ? INT64_C(29) * 7 * T : -1))
                fail_msg("%s: %" PRId64, cases[i].name, bench.plan.last_year_mg[1]);
            plan_bench_put_month(&bench, 2024, 2, 1000 * T);
            plan_bench_plan(&bench, 2025);
            assert_int_equal(bench.plan.last_year_mg[1],
                             cases[i].february ? INT64_C(29) * 7 * T : 1000 * T);
            plan_bench_put_day(&bench, day, 7 * T, true);
            plan_bench_plan(&bench, 2025);
            assert_int_equal(bench.plan.last_closed_mg, INT64_C(366) * 7 * T);
            plan_bench_fini(&bench);
        }
    }
}

/* A base that is to be measured comes from the base year, measured or of the history, or is not
 * known. */
static void test_base(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.line.versions[0].base_mg, 100000 * T);
    bench.target.base_mg = -1;
    bench.target.base_from = BASE_MEASURED;
    plan_bench_measure(&bench, civil_day(2019, 1, 1), civil_day(2019, 12, 31), 7 * T);
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2025), PLAN_BASE_UNKNOWN);
    plan_bench_measure(&bench, civil_day(2019, 12, 31), civil_day(2020, 1, 1), 8 * T);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.line.versions[0].base_mg, INT64_C(364) * 7 * T + 8 * T);
    plan_bench_plan(&bench, 2020);
    assert_int_equal(bench.line.versions[0].base_mg, INT64_C(364) * 7 * T + 8 * T);
    assert_int_equal(bench.plan.shares.basis, SHARES_BASE_YEAR);
    bench.target.base_year = 2018;
    plan_bench_put_history(&bench, 2018, 10 * T, 1);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.line.versions[0].base_mg, 3650 * T);
    plan_bench_fini(&bench);
}

/* Nothing can be cut from a base of nothing. */
static void test_base_of_nothing(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    bench.target.base_mg = -1;
    plan_bench_measure_year(&bench, 2019, 0);
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2025), PLAN_BASE_UNKNOWN);
    plan_bench_measure_year(&bench, 2019, 1);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.line.versions[0].base_mg, 365);
    plan_bench_fini(&bench);
}

/* Changes of a base that was measured may leave none. */
static void test_base_changed(void **state)
{
    (void)state;
    struct base_change change = {.day = civil_day(2021, 1, 1), .delta_mg = -365 * T};
    struct plan_bench bench;
    plan_bench_init(&bench);
    bench.target.base_mg = -1;
    bench.target.changes = &change;
    bench.target.changes_count = 1;
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2025), PLAN_BASE_UNKNOWN);
    plan_bench_measure_year(&bench, 2019, T);
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2025), PLAN_BASE_CHANGED);
    change.delta_mg++;
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.line.versions[1].base_mg, 1);
    plan_bench_fini(&bench);
}

static void test_outside(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    static const struct {
        int year;
        enum plan_outcome want;
    } cases[] = {{2018, PLAN_NOT_ALLOWED},
                 {2019, PLAN_NOT_ALLOWED},
                 {2020, PLAN_MADE},
                 {2030, PLAN_MADE},
                 {2031, PLAN_NOT_ALLOWED}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, cases[i].year),
                         cases[i].want);
    bench.target.base_mg = -1; /* whether the base is known does not matter then */
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2031), PLAN_NOT_ALLOWED);
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2030), PLAN_BASE_UNKNOWN);
    plan_bench_fini(&bench);
}

/* Given weights count more than past years. */
static void test_given(void **state)
{
    (void)state;
    static const int64_t weights[YEAR_MONTHS] = {400000000, 600000000};
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_put_history(&bench, 2018, 10 * T, 3);
    plan_bench_put_history(&bench, 2019, 10 * T, 3);
    bench.target.weights = weights;
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.plan.shares.basis, SHARES_GIVEN);
    assert_int_equal(bench.plan.shares.month[0], 400000000);
    assert_int_equal(bench.plan.shares.month[1], 600000000);
    plan_bench_fini(&bench);
}

/* An intensity is due by production: whatever is known or given, its year is linear, and it needs
 * no base. */
static void test_intensity(void **state)
{
    (void)state;
    static const int64_t weights[YEAR_MONTHS] = {400000000, 600000000};
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_put_history(&bench, 2018, 10 * T, 3);
    plan_bench_put_history(&bench, 2019, 10 * T, 3);
    bench.target.form = TARGET_INTENSITY;
    bench.target.intensity = 5000;
    bench.target.base_mg = -1;
    bench.target.base_from = BASE_NONE;
    bench.target.base_year = 2020;
    bench.target.weights = weights;
    plan_bench_plan(&bench, 2030);
    assert_int_equal(bench.plan.shares.basis, SHARES_LINEAR);
    expect_january(&bench, 31, 365);
    plan_bench_fini(&bench);
}

/* Sundays do not count. A past year's months are divided by their own working days: an even year
 * stays even by working day. */
static void test_working_days(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    bench.input.days_off = SUNDAY;
    bench.input.nonworking = 0;
    for (int year = 2018; year <= 2019; year++) {
        struct civil_year civil = civil_year_named(year, 1);
        for (int i = 0; i < YEAR_MONTHS; i++) {
            int64_t working = 0;
            for (int32_t day = civil.month_first[i]; day < civil.month_first[i + 1]; day++)
                working += civil_weekday(day) != 6;
            plan_bench_put_month(&bench, year, i + 1, working * T);
        }
    }
    plan_bench_plan(&bench, 2025); /* it has 52 Sundays, 4 of them in January */
    assert_int_equal(bench.plan.shares.basis, SHARES_MEDIAN);
    expect_january(&bench, 27, 313);
    assert_int_equal(bench.plan.shares.day[4], 0); /* 5 January */
    assert_int_not_equal(bench.plan.shares.day[5], 0);
    plan_bench_fini(&bench);
}

/* The year 2025 of a target from April on: April 2024 to March 2025. */
static void test_year_from_april(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    bench.target.year_start = 4;
    bench.target.base_year = 2024;
    bench.target.base_mg = -1;
    plan_bench_put_history(&bench, 2023, 10 * T, 1); /* from April on */
    plan_bench_put_history(&bench, 2024, 20 * T, 1); /* up to March, and the year 2025 */
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.plan.year.first_day, civil_day(2024, 4, 1));
    assert_int_equal(bench.line.versions[0].base_mg, 2750 * T + INT64_C(91) * 20 * T);
    assert_int_equal(bench.plan.shares.basis, SHARES_BASE_YEAR);
    assert_int_equal(bench.plan.last_year_mg[0], 300 * T);  /* April */
    assert_int_equal(bench.plan.last_year_mg[9], 620 * T);  /* January */
    assert_int_equal(bench.plan.last_year_mg[10], 580 * T); /* February */
    assert_int_equal(bench.plan.last_closed_mg, 2750 * T + INT64_C(91) * 20 * T);
    assert_int_equal(plan_bench_past_years(&bench, 2025), 1); /* 2023 lacks its first months */
    plan_bench_measure(&bench, civil_day(2024, 4, 1), civil_day(2025, 4, 1), 30 * T);
    plan_bench_plan(&bench, 2026);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, INT64_C(365) * 30 * T);
    plan_bench_fini(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_years),    cmocka_unit_test(test_one_year),
        cmocka_unit_test(test_which_years),  cmocka_unit_test(test_earliest_year),
        cmocka_unit_test(test_measured),     cmocka_unit_test(test_not_measured),
        cmocka_unit_test(test_base),         cmocka_unit_test(test_base_of_nothing),
        cmocka_unit_test(test_base_changed), cmocka_unit_test(test_outside),
        cmocka_unit_test(test_given),        cmocka_unit_test(test_intensity),
        cmocka_unit_test(test_working_days), cmocka_unit_test(test_year_from_april),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
