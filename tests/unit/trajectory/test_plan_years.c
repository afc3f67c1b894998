/* Plans and the years that are over: totals, what they were allowed, and their level. */
#include "pipelines/trajectory/plan.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/trajectory/plan_bench.h"

/* The years after the base year: 2020 and 2021. 100,000 t less 4.2 % and 8.4 % were allowed. */
static void test_closed_years(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_plan(&bench, 2020); /* no year is closed: nothing was emitted or allowed */
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, 0);
    assert_int_equal(bench.plan.allowed_since_base_mg, 0);
    assert_int_equal(bench.plan.last_closed_mg, -1);
    plan_bench_measure_year(&bench, 2021, 200 * T);
    plan_bench_plan(&bench, 2022);
    assert_false(bench.plan.years_closed_known); /* 2020 lacks */
    assert_int_equal(bench.plan.last_closed_mg, 73000 * T);
    plan_bench_put_history(&bench, 2020, 100 * T, 1);
    plan_bench_plan(&bench, 2022);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, 36600 * T + 73000 * T);
    assert_int_equal(bench.plan.allowed_since_base_mg, 95800 * T + 91600 * T);
    assert_int_equal(bench.plan.last_closed_mg, 73000 * T);
    assert_int_equal(bench.plan.last_year_mg[0], 6200 * T);
    plan_bench_plan(&bench, 2023);
    assert_false(bench.plan.years_closed_known); /* 2022 lacks */
    assert_int_equal(bench.plan.last_closed_mg, -1);
    plan_bench_fini(&bench);
}

/* A closed year was allowed what it was judged by: from 2021 on 10 % less. */
static void test_closed_years_of_versions(void **state)
{
    (void)state;
    const struct base_change changes[] = {
        {.day = civil_day(2020, 7, 1), .delta_mg = -10000 * T},
        {.day = civil_day(2021, 12, 31), .delta_mg = -10000 * T, .at_once = true},
        {.day = civil_day(2022, 1, 1), .delta_mg = 50000 * T, .at_once = true},
    };
    struct plan_bench bench;
    plan_bench_init(&bench);
    bench.target.changes = changes;
    bench.target.changes_count = ARRAY_LEN(changes);
    plan_bench_put_history(&bench, 2020, 100 * T, 1);
    plan_bench_put_history(&bench, 2021, 200 * T, 1);
    plan_bench_plan(&bench, 2022);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.allowed_since_base_mg, 95800 * T + 80000 * T / 1000 * 916);
    plan_bench_fini(&bench);
}

/* Sums that 64 bits cannot hold are not known. */
static void test_closed_years_too_large(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    bench.target.base_mg = BASE_MG_MAX;
    for (int year = 2020; year < 2022; year++)
        for (int month = 1; month <= YEAR_MONTHS; month++)
            plan_bench_put_month(&bench, year, month, INT64_C(700000000000000000));
    plan_bench_plan(&bench, 2021);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, INT64_C(8400000000000000000));
    plan_bench_plan(&bench, 2022);
    assert_false(bench.plan.years_closed_known);
    plan_bench_fini(&bench);
}

/* The largest months that rows may have together make no year that 64 bits cannot hold. */
static void test_largest_months(void **state)
{
    (void)state;
    enum { PER_MONTH = 31 };
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_measure_year(&bench, 2018, BASE_MG_MAX / PER_MONTH);
    plan_bench_measure_year(&bench, 2019, BASE_MG_MAX / PER_MONTH);
    for (int month = 1; month <= YEAR_MONTHS; month++)
        plan_bench_put_month(&bench, 2020, month, BASE_MG_MAX);
    plan_bench_plan(&bench, 2020);
    assert_int_equal(bench.plan.last_year_mg[0], MONTH_MG_MAX);
    assert_int_equal(bench.plan.last_closed_mg, MONTH_MG_MAX * YEAR_MONTHS);
    assert_int_equal(bench.plan.shares.basis, SHARES_MEDIAN);
    plan_bench_plan(&bench, 2021);
    assert_int_equal(bench.plan.last_year_mg[0], -1); /* the history's are not bounded */
    plan_bench_fini(&bench);
}

/* The model follows the level of past years: the last of them is the last to be seen. */
static void test_level_of_past(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    for (int year = 2020; year < 2025; year++)
        plan_bench_put_history(&bench, year, (int64_t)(year - 2019) * 10 * T, 1);
    plan_bench_plan(&bench, 2025);
    assert_int_equal(bench.plan.residuals.months, 60);
    assert_in_range(bench.plan.residuals.level_mg, INT64_C(17000) * T,
                    19000 * T); /* 2024 emitted 18,300 t */
    plan_bench_fini(&bench);
}

/* Years before a gap tell nothing of this year's level, though they give shares. */
static void test_level_after_a_gap(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    plan_bench_put_history(&bench, 2018, 10 * T, 1);
    plan_bench_put_history(&bench, 2019, 10 * T, 1);
    plan_bench_put_history(&bench, 2020, 10 * T, 1);
    plan_bench_put_history(&bench, 2022, 90 * T, 1);
    plan_bench_put_history(&bench, 2023, 90 * T, 1);
    plan_bench_plan(&bench, 2024);
    assert_int_equal(bench.plan.residuals.months, 24);
    assert_in_range(bench.plan.residuals.level_mg, 32000 * T, 33500 * T);
    assert_int_equal(plan_bench_past_years(&bench, 2024), 5);
    plan_bench_plan(&bench, 2022); /* 2021 lacks: the level of 2020 is not that of its end */
    assert_int_equal(bench.plan.residuals.months, 0);
    assert_int_equal(bench.plan.residuals.level_mg, -1);
    assert_int_equal(bench.plan.shares.basis, SHARES_MEDIAN);
    plan_bench_fini(&bench);
}

/* Years that the history has as one row are a base, last year's total and closed years. They tell
 * no months: neither shares, nor the deviation of months. */
static void test_whole_years(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    bench.target.base_mg = -1;
    bench.target.base_from = BASE_MEASURED;
    plan_bench_put_month(&bench, 2019, 0, 90000 * T);
    plan_bench_put_month(&bench, 2020, 0, 86000 * T);
    plan_bench_put_month(&bench, 2021, 0, 84000 * T);
    plan_bench_plan(&bench, 2022);
    assert_int_equal(bench.line.versions[0].base_mg, 90000 * T);
    assert_int_equal(bench.plan.past_years, 0);
    assert_int_equal(bench.plan.whole_years, 3);
    assert_int_equal(bench.plan.shares.basis, SHARES_LINEAR);
    assert_int_equal(bench.plan.residuals.months, 0);
    assert_int_equal(bench.plan.last_closed_mg, 84000 * T);
    assert_int_equal(bench.plan.last_year_mg[0], -1);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, 170000 * T);
    plan_bench_plan(&bench, 2023); /* 2022 lacks */
    assert_int_equal(bench.plan.last_closed_mg, -1);
    assert_false(bench.plan.years_closed_known);
    plan_bench_measure_year(&bench, 2022, 200 * T); /* by months */
    plan_bench_plan(&bench, 2023);
    assert_int_equal(bench.plan.past_years, 1);
    assert_int_equal(bench.plan.whole_years, 3);
    assert_int_equal(bench.plan.emitted_since_base_mg, 170000 * T + 73000 * T);
    assert_int_equal(bench.plan.shares.basis, SHARES_LINEAR); /* it is not the base year */
    plan_bench_measure(&bench, civil_day(2021, 7, 1), civil_day(2022, 1, 1), 999 * T);
    plan_bench_plan(&bench, 2023); /* half of a year does not take the place of its row */
    assert_int_equal(bench.plan.emitted_since_base_mg, 170000 * T + 73000 * T);
    plan_bench_measure(&bench, civil_day(2021, 1, 1), civil_day(2021, 7, 1), 999 * T);
    plan_bench_plan(&bench, 2023);
    assert_int_equal(bench.plan.emitted_since_base_mg, 86000 * T + INT64_C(364635) * T + 73000 * T);
    plan_bench_fini(&bench);
}

/* A row of a calendar year is none of a target year from April on. */
static void test_whole_years_from_april(void **state)
{
    (void)state;
    struct plan_bench bench;
    plan_bench_init(&bench);
    bench.target.year_start = 4;
    bench.target.base_mg = -1;
    plan_bench_put_month(&bench, 2018, 0, 90000 * T);
    plan_bench_put_month(&bench, 2019, 0, 90000 * T);
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2020), PLAN_BASE_UNKNOWN);
    assert_int_equal(bench.plan.whole_years, 0);
    plan_bench_fini(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_years),
        cmocka_unit_test(test_closed_years_of_versions),
        cmocka_unit_test(test_closed_years_too_large),
        cmocka_unit_test(test_largest_months),
        cmocka_unit_test(test_level_of_past),
        cmocka_unit_test(test_level_after_a_gap),
        cmocka_unit_test(test_whole_years),
        cmocka_unit_test(test_whole_years_from_april),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
