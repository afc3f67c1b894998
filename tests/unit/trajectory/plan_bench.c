#include "tests/unit/trajectory/plan_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SCOPE_1 = 1 << 1 };

static const struct local_time utc[] = {{NULL, 0}};

void plan_bench_init(struct plan_bench *bench)
{
    *bench = (struct plan_bench){
        .facility = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .country = "DE"},
        .target = {.level = TARGET_ALL,
                   .form = TARGET_LINEAR,
                   .scopes = SCOPE_1,
                   .year_start = 1,
                   .base_year = 2019,
                   .base_from = BASE_VALIDATED,
                   .base_mg = 100000 * T,
                   .target_year = 2030,
                   .cut = 462000000}};
    bench->registry = (struct registry){
        .facilities = &bench->facility, .facilities_count = 1, .local_times = utc};
    bench->targets.history = bench->rows;
    assert_int_equal(day_ledger_create(&bench->ledger, LEDGER_DAYS_MAX), 0);
    bench->input = (struct plan_input){.targets = &bench->targets,
                                       .registry = &bench->registry,
                                       .target = &bench->target,
                                       .ledger = bench->ledger,
                                       .nonworking = PART_ONE,
                                       .base_threshold = 50000000};
}

void plan_bench_fini(struct plan_bench *bench)
{
    day_ledger_destroy(&bench->ledger);
}

void plan_bench_put_month(struct plan_bench *bench, int year, int month, int64_t mg)
{
    assert_true(bench->targets.history_count < PLAN_BENCH_ROWS_MAX);
    bench->rows[bench->targets.history_count++] =
        (struct history_row){.year = (int16_t)year, .month = (uint8_t)month, .scope = 1, .mg = mg};
}

void plan_bench_put_history(struct plan_bench *bench, int year, int64_t day_mg, int january)
{
    struct civil_year civil = civil_year_named(year, 1);
    for (int i = 0; i < YEAR_MONTHS; i++) {
        int32_t days = civil.month_first[i + 1] - civil.month_first[i];
        plan_bench_put_month(bench, year, i + 1, day_mg * days * (i == 0 ? january : 1));
    }
}

void plan_bench_put_day(struct plan_bench *bench, int32_t day, int64_t mg, bool whole)
{
    const struct day_total total = {
        .mg = {9, mg, 9, 9}, .known = true, .final = true, .whole = whole};
    assert_true(day_ledger_set(bench->ledger, day, &total));
}

void plan_bench_measure(struct plan_bench *bench, int32_t first_day, int32_t end_day,
                        int64_t day_mg)
{
    for (int32_t day = first_day; day < end_day; day++)
        plan_bench_put_day(bench, day, day_mg, true);
}

void plan_bench_measure_year(struct plan_bench *bench, int year, int64_t day_mg)
{
    plan_bench_measure(bench, civil_day(year, 1, 1), civil_day(year + 1, 1, 1), day_mg);
}

void plan_bench_plan(struct plan_bench *bench, int year)
{
    assert_int_equal(plan_make(&bench->plan, &bench->line, &bench->input, year), PLAN_MADE);
    assert_ptr_equal(bench->plan.line, &bench->line);
    assert_int_equal(bench->plan.year.year, year);
}

uint32_t plan_bench_past_years(struct plan_bench *bench, int year)
{
    plan_bench_plan(bench, year);
    return bench->plan.past_years;
}
