/* The course of a target: its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/trajectory/course_bench.h"

/* B 74,800 t, 30 April, 27,300 t: linear 24,592 (+11 %); with W 0.375 28,050 (-2.7 %). */
static void test_april(void **state)
{
    (void)state;
    static const int64_t weights[YEAR_MONTHS] = {90000000, 60000000, 110000000, 115000000,
                                                 80000000, 80000000, 80000000,  80000000,
                                                 80000000, 80000000, 80000000,  65000000};
    int64_t factors[YEAR_DAYS_MAX];
    for (int i = 0; i < YEAR_DAYS_MAX; i++)
        factors[i] = PART_ONE;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t april_30 = civil_day(2025, 4, 30);
    course_bench_put(&bench, civil_day(2025, 1, 1), 27300 * T, 100);
    course_bench_put(&bench, civil_day(2024, 12, 31), 9 * T, 100); /* of another year */
    course_bench_put(&bench, civil_day(2025, 5, 1), 9 * T, 100);   /* of a later day */
    assert_true(course_bench_close(&bench, april_30, false));
    assert_int_equal(bench.row.base_version, 1);
    assert_int_equal(bench.row.base_mg, 100000 * T);
    assert_int_equal(bench.row.budget_mg, 74800 * T);
    assert_int_equal(bench.row.ytd_mg, 27300 * T);
    assert_int_equal((bench.row.due_mg + T / 2) / T, 24592);
    assert_int_equal(bench.row.slip, 1101);
    assert_true(bench.row.counted);
    assert_true(bench.row.closed);

    shares_given(&bench.plans[0].shares, &bench.plans[0].year, factors, weights);
    assert_true(course_bench_close(&bench, april_30 + 1, false));
    course_bench_fini(&bench);
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    shares_given(&bench.plans[0].shares, &bench.plans[0].year, factors, weights);
    course_bench_put(&bench, civil_day(2025, 1, 1), 27300 * T, 100);
    assert_true(course_bench_close(&bench, april_30, false));
    assert_int_equal(bench.row.share, 375000000);
    assert_int_equal(bench.row.due_mg, 28050 * T);
    assert_int_equal(bench.row.slip, -267);
    assert_true(bench.row.forecast.given);
    assert_int_equal(bench.row.forecast.ratio_mg, 72800 * T);
    course_bench_fini(&bench);
}

/* A day counts from W = 0.1 on, with 80 % of coverage, if something is due. */
static void test_counted(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t first = civil_day(2025, 1, 1);
    course_bench_put(&bench, first, T, 100);
    assert_true(course_bench_close(&bench, first + 35, false)); /* 36 / 365 */
    assert_false(bench.row.counted);
    assert_false(bench.row.forecast.given);
    assert_true(bench.row.slip != INT32_MIN);
    bench.conf.share_min = shares_until(&bench.plans[0].shares, 36); /* reached is enough */
    assert_true(course_bench_close(&bench, first + 36, false));
    assert_true(bench.row.counted);
    assert_true(
        course_bench_hour(&bench, first + 37, PART_ONE, false)); /* the running day never counts */
    assert_false(bench.row.counted);

    course_bench_put(&bench, first + 1, 0, 60); /* 160 of 200: exactly 80 % */
    assert_true(course_bench_close(&bench, first + 37, false));
    assert_true(bench.row.counted);
    assert_int_equal(bench.row.covered_ms, 160);
    assert_int_equal(bench.row.expected_ms, 200);
    course_bench_put(&bench, first + 1, 0, 59);
    assert_true(course_bench_close(&bench, first + 38, false));
    assert_false(bench.row.counted);
    course_bench_fini(&bench);

    course_bench_init(&bench, &linear_target, 100000 * T, 2025); /* nothing is expected */
    bench.conf.share_min = 0;
    assert_true(course_bench_close(&bench, first + 60, false));
    assert_false(bench.row.counted);
    course_bench_fini(&bench);

    struct target nothing = linear_target; /* a budget of 0 in the last year */
    nothing.cut = PART_ONE;
    course_bench_init(&bench, &nothing, 100000 * T, 2030);
    course_bench_put(&bench, civil_day(2030, 1, 1), T, 100);
    assert_true(course_bench_close(&bench, civil_day(2030, 6, 1), false));
    assert_int_equal(bench.row.budget_mg, 0);
    assert_int_equal(bench.row.slip, INT32_MIN);
    assert_false(bench.row.counted);
    course_bench_fini(&bench);
}

/* Before the first and after the last target year there is no row, and nothing changes. */
static void test_no_budget(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2030);
    bench.conf.share_min = 0;
    int32_t last = civil_day(2030, 12, 31);
    course_bench_expect(&bench, last - 2, (const int32_t[]){300, 300, 300}, "..w");
    struct course_state before = bench.state;
    course_bench_put(&bench, last + 1, 900 * T, 100);
    assert_false(course_bench_close(&bench, last + 1, true));
    assert_false(course_bench_hour(&bench, last + 1, 5, true));
    assert_memory_equal(&bench.state, &before, sizeof(before));
    course_bench_fini(&bench);
    course_bench_init(&bench, &linear_target, 100000 * T, 2019);
    assert_false(course_bench_close(&bench, civil_day(2019, 12, 31), false));
    assert_true(course_bench_close(&bench, civil_day(2020, 1, 1), false));
    course_bench_fini(&bench);
}

/* W of the running day, and its row. */
static void test_running_day(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 1, 1);
    course_bench_put(&bench, day, 10 * T, 100);
    course_bench_put(&bench, day + 1, 20 * T, 50);
    assert_true(course_bench_hour(&bench, day + 1, PART_ONE / 4, false));
    assert_int_equal(bench.row.share, 2739727 + 684932); /* 684,931.75 */
    assert_int_equal(bench.row.ytd_mg, 30 * T);
    assert_int_equal(bench.row.covered_ms, 150);
    assert_int_equal(bench.row.due_mg, 3424659 * INT64_C(74800));
    assert_int_equal(bench.state.closed_day, INT32_MIN);
    assert_int_equal(bench.state.row_ms, bench.row.stamp_ms);
    assert_true(course_bench_hour(&bench, day, 0, false)); /* nothing is due yet */
    assert_int_equal(bench.row.share, 0);
    assert_int_equal(bench.row.slip, INT32_MIN);
    assert_true(bench.state.row_ms > bench.row.stamp_ms); /* an older stamp */
    course_bench_fini(&bench);
}

/* forecast: model. The larger of both slips counts. */
static void test_by_model(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    for (int32_t day = civil_day(2025, 1, 1); day < civil_day(2025, 7, 1); day++)
        course_bench_emit(&bench, day, day < civil_day(2025, 5, 1) ? -300 : 100);
    int32_t last = civil_day(2025, 6, 30);
    bench.conf.by_model = false;
    assert_true(course_bench_close(&bench, last - 1, false));
    assert_int_equal(bench.row.slip, 100);
    bench.conf.by_model = true;
    assert_true(course_bench_close(&bench, last, false));
    int32_t year_end = slip_of(bench.row.forecast.model_mg, bench.row.budget_mg, PART_ONE);
    assert_true(year_end > 100); /* the newest months are the worst */
    assert_int_equal(bench.row.slip, year_end);
    for (int32_t day = civil_day(2025, 1, 1); day < civil_day(2025, 7, 1); day++)
        course_bench_emit(&bench, day, day < civil_day(2025, 6, 1) ? 900 : 100);
    assert_true(course_bench_close(&bench, last, false));
    assert_true(slip_of(bench.row.forecast.model_mg, bench.row.budget_mg, PART_ONE) < 100);
    assert_int_equal(bench.row.slip, 100);
    course_bench_fini(&bench);
}

/* P(miss) makes days critical, if history tells the deviation. */
static void test_probability(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 11, 1);
    bench.plans[0].residuals.deviation_mg = 10 * T;
    course_bench_expect(&bench, day, (const int32_t[]){40, 40, 40}, "..C");
    assert_int_equal(bench.row.forecast.probability, 1000);
    course_bench_fini(&bench);
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    course_bench_expect(&bench, day, (const int32_t[]){40, 40, 40}, "...");
    assert_int_equal(bench.row.forecast.probability, -1);
    course_bench_fini(&bench);
}

/* Time without readings, and estimates, widen the deviation. */
static void test_open(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    bench.plans[0].residuals.deviation_mg = 1;
    int32_t day = civil_day(2025, 12, 31);
    course_bench_put(&bench, day - 1, 50000 * T, 80); /* a quarter as much again may be missing */
    assert_true(course_bench_close(&bench, day - 1, false));
    assert_int_equal(bench.row.forecast.deviation_mg, 12500 * T);
    bench.conf.missing_deviation = PART_ONE / 2;
    assert_true(course_bench_close(&bench, day - 1, false));
    assert_int_equal(bench.row.forecast.deviation_mg, 6250 * T);
    struct day_total total = *day_ledger_get(bench.ledger, day - 1);
    total.covered_ms = 120; /* more than expected: nothing is missing */
    total.estimated_mg[1] = 1000 * T;
    total.estimated_mg[3] = 9000 * T; /* not of the target */
    assert_true(day_ledger_set(bench.ledger, day - 1, &total));
    assert_true(course_bench_close(&bench, day, false));
    assert_int_equal(bench.row.forecast.deviation_mg, 150 * T);
    assert_int_equal(bench.row.estimated_mg, 1000 * T);
    total.estimated_mg[1] = -1000 * T; /* less than nothing leaves nothing open */
    assert_true(day_ledger_set(bench.ledger, day - 1, &total));
    assert_true(course_bench_close(&bench, day, false));
    assert_int_equal(bench.row.forecast.deviation_mg, 0);
    course_bench_fini(&bench);
}

/* Without months of past years, the model starts with the total of the year before, if that is
 * known. */
static void test_year_before(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t last = civil_day(2025, 3, 31);
    for (int32_t day = civil_day(2025, 1, 1); day <= last; day++)
        course_bench_put(&bench, day, 10 * T, 100);
    assert_true(course_bench_close(&bench, last, false));
    int64_t alone_mg = bench.row.forecast.model_mg;
    assert_in_range(alone_mg, 3649 * T, 3651 * T);
    bench.plans[0].last_closed_mg = 7300 * T;
    assert_true(course_bench_close(&bench, last, false));
    assert_true(bench.row.forecast.model_mg > alone_mg + 300 * T);
    bench.plans[0].residuals.level_mg = 7300 * T; /* of months, which decide */
    assert_true(course_bench_close(&bench, last, false));
    assert_int_equal(bench.row.forecast.model_mg, alone_mg);
    course_bench_fini(&bench);
}

/* An intensity: the budget to date is that of the production to date. */
static void test_intensity(void **state)
{
    (void)state;
    const struct target intensity = {.form = TARGET_INTENSITY,
                                     .scopes = 1U << 1,
                                     .year_start = 4,
                                     .base_year = 2024,
                                     .target_year = 2027,
                                     .intensity = 2500000}; /* 2.5 kg a unit */
    struct course_bench bench;
    course_bench_init(&bench, &intensity, 0, 2027);
    int32_t day = civil_day(2026, 6, 1);
    struct day_total total = {.mg = {0, 26 * T, 0, 0},
                              .production_micro = 10000 * INT64_C(1000000),
                              .covered_ms = 1,
                              .expected_ms = 1,
                              .known = true};
    assert_true(day_ledger_set(bench.ledger, day, &total));
    for (int i = 0; i < 3; i++)
        assert_true(course_bench_close(&bench, day + i, false));
    assert_int_equal(bench.row.due_mg, 25 * T);
    assert_int_equal(bench.row.budget_mg, 25 * T);
    assert_int_equal(bench.row.slip, 400);
    assert_int_equal(bench.row.level, ALERT_WARNING);
    assert_int_equal(bench.row.forecast.probability, -1);
    assert_false(bench.row.forecast.given);
    assert_int_equal(bench.row.achieved, INT64_MIN);
    assert_int_equal(bench.row.overshoot_mg, INT64_MIN);
    total.production_micro = 0;
    assert_true(day_ledger_set(bench.ledger, day, &total));
    assert_true(course_bench_close(&bench, day + 3, false));
    assert_int_equal(bench.row.slip, INT32_MIN); /* nothing is allowed without production */
    assert_false(bench.row.counted);
    course_bench_fini(&bench);
}

/* Twelve complete months: of this year those that are over, of the year before the others. */
static void test_trailing(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    struct course_plan *plan = &bench.plans[0];
    for (int month = 0; month < YEAR_MONTHS; month++)
        plan->last_year_mg[month] = (int64_t)1 << month;
    int32_t first = civil_day(2025, 1, 1);
    for (int32_t day = first; day < civil_day(2025, 3, 1); day++)
        course_bench_put(&bench, day, day < civil_day(2025, 2, 1) ? 10000 : 1000000, 100);
    assert_true(course_bench_close(&bench, civil_day(2025, 1, 30), false));
    assert_int_equal(bench.row.trailing_mg, 4095);
    assert_true(
        course_bench_hour(&bench, civil_day(2025, 1, 31), PART_ONE, false)); /* it is not closed */
    assert_int_equal(bench.row.trailing_mg, 4095);
    assert_true(course_bench_close(&bench, civil_day(2025, 1, 31), false));
    assert_int_equal(bench.row.trailing_mg, 4094 + 310000);
    assert_true(course_bench_close(&bench, civil_day(2025, 2, 28), false));
    assert_int_equal(bench.row.trailing_mg, 4092 + 310000 + 28000000);
    plan->last_year_mg[1] = -1; /* not needed any more */
    assert_true(course_bench_close(&bench, civil_day(2025, 3, 1), false));
    assert_int_equal(bench.row.trailing_mg, 4092 + 310000 + 28000000);
    plan->last_year_mg[2] = -1;
    assert_true(course_bench_close(&bench, civil_day(2025, 3, 2), false));
    assert_int_equal(bench.row.trailing_mg, -1);
    plan->last_year_mg[2] = 4;
    const struct day_total unknown = {0};
    assert_true(
        day_ledger_set(bench.ledger, first + 5, &unknown)); /* a day of January is missing */
    assert_true(course_bench_close(&bench, civil_day(2025, 3, 3), false));
    assert_int_equal(bench.row.trailing_mg, -1);
    course_bench_fini(&bench);
}

/* 80,000 t in the year last closed: 6.55 % a year to 53,800 in five years; R 287,800: 9.35 %. */
static void test_progress(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2026);
    struct course_plan *plan = &bench.plans[0];
    int32_t day = civil_day(2026, 1, 1);
    assert_true(course_bench_close(&bench, day, false)); /* nothing is known */
    assert_false(bench.row.needed.to_end_known);
    assert_int_equal(bench.row.needed.cumulative, INT64_MIN);
    assert_int_equal(bench.row.achieved, INT64_MIN);
    assert_int_equal(bench.row.overshoot_mg, INT64_MIN);
    plan->last_closed_mg = 80000 * T;
    assert_true(course_bench_close(&bench, day + 1, false));
    assert_true(bench.row.needed.to_end_known);
    assert_int_equal(bench.row.needed.to_end, 65500000);
    assert_int_equal(bench.row.needed.cumulative, INT64_MIN);
    assert_int_equal(bench.row.achieved, 432900433); /* 20,000 / 46,200 */
    plan->years_closed_known = true;
    plan->allowed_since_base_mg = 511800 * T; /* 95,800 .. 74,800 */
    plan->emitted_since_base_mg = 535000 * T;
    assert_true(course_bench_close(&bench, day + 2, false));
    assert_int_equal(bench.row.overshoot_mg, 23200 * T);
    assert_int_equal(bench.row.needed.cumulative, 93500000); /* 311,000 of five years less that */
    assert_false(bench.row.needed.budget_gone);
    plan->emitted_since_base_mg = 900000 * T;
    assert_true(course_bench_close(&bench, day + 3, false));
    assert_true(bench.row.needed.budget_gone);

    struct target other = linear_target; /* 100,000 -> 58,000: 47.6 % */
    other.cut = 420000000;
    assert_true(target_line_make(&bench.line, &other, 100000 * T, 50000000));
    assert_true(course_bench_close(&bench, day + 4, false));
    assert_int_equal(bench.row.achieved, 476190476);
    course_bench_fini(&bench);

    static const struct path_year path[] = {{2026, 70000 * T}, {2028, 60000 * T}};
    struct target holes = {.form = TARGET_PATH,
                           .scopes = 1U << 1,
                           .year_start = 1,
                           .base_year = 2024,
                           .target_year = 2028,
                           .path = path,
                           .path_count = 2};
    course_bench_init(&bench, &holes, 100000 * T, 2026);
    bench.plans[0].last_closed_mg = 80000 * T;
    bench.plans[0].years_closed_known = true;
    assert_true(course_bench_close(&bench, day, false)); /* 2027 has no value */
    assert_true(bench.row.needed.to_end_known);
    assert_int_equal(bench.row.needed.cumulative, INT64_MIN);
    assert_false(bench.row.needed.budget_gone);
    course_bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_april),       cmocka_unit_test(test_counted),
        cmocka_unit_test(test_no_budget),   cmocka_unit_test(test_running_day),
        cmocka_unit_test(test_by_model),    cmocka_unit_test(test_probability),
        cmocka_unit_test(test_open),        cmocka_unit_test(test_intensity),
        cmocka_unit_test(test_trailing),    cmocka_unit_test(test_progress),
        cmocka_unit_test(test_year_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
