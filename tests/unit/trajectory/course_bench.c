#include "tests/unit/trajectory/course_bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct course_conf standard = {.slip = {.threshold = {0, 50, 200, 500},
                                                     .margin = 100,
                                                     .probability = 900,
                                                     .enter_days = 3,
                                                     .leave_days = 3,
                                                     .dwell_ms = DAY_MS},
                                            .share_min = 100000000,
                                            .coverage_min = 800000000,
                                            .missing_deviation = PART_ONE,
                                            .estimated_deviation = 150000000};

const struct target linear_target = {.form = TARGET_LINEAR,
                                     .scopes = 1U << 1 | 1U << 2,
                                     .year_start = 1,
                                     .base_year = 2019,
                                     .target_year = 2030,
                                     .cut = 462000000};

int64_t course_bench_end_ms(void *context, int32_t day)
{
    (void)context;
    return (int64_t)(day + 1) * DAY_MS;
}

void course_bench_init(struct course_bench *bench, const struct target *target, int64_t base_mg,
                       int year)
{
    *bench = (struct course_bench){.conf = standard, .target = *target};
    assert_true(target_line_make(&bench->line, &bench->target, base_mg, 50000000));
    for (int i = 0; i < 2; i++) {
        struct course_plan *plan = &bench->plans[i];
        *plan = (struct course_plan){.year = civil_year_named(year + i, target->year_start),
                                     .line = &bench->line,
                                     .residuals = {.deviation_mg = -1, .level_mg = -1},
                                     .last_closed_mg = -1};
        shares_linear(&plan->shares, &plan->year);
        for (int month = 0; month < YEAR_MONTHS; month++)
            plan->last_year_mg[month] = -1;
    }
    assert_int_equal(day_ledger_create(&bench->ledger, LEDGER_DAYS_MAX), 0);
    course_init(&bench->state);
}

void course_bench_fini(struct course_bench *bench)
{
    day_ledger_destroy(&bench->ledger);
}

void course_bench_put(struct course_bench *bench, int32_t day, int64_t mg, int64_t covered_ms)
{
    const struct day_total total = {.mg = {5, mg, 0, 7}, /* 0 and 3 are not of the target */
                                    .covered_ms = covered_ms,
                                    .expected_ms = 100,
                                    .known = true};
    assert_true(day_ledger_set(bench->ledger, day, &total));
}

static bool step(struct course_bench *bench, const struct course_day *day)
{
    struct course_plan *plan = &bench->plans[day->day >= bench->plans[1].year.first_day];
    struct course_basis basis = {.conf = &bench->conf,
                                 .plan = plan,
                                 .ledger = bench->ledger,
                                 .day_end_ms = course_bench_end_ms};
    if (!course_step(&bench->state, &basis, day, &bench->row, &bench->change))
        return false;
    if (bench->change.event != COURSE_NOTHING) {
        assert_int_equal(bench->change.number, ++bench->changes);
        assert_int_equal(bench->change.to, bench->state.slip.level);
        assert_int_equal(bench->change.stamp_ms, day->stamp_ms);
    }
    assert_int_equal(bench->row.level, bench->state.slip.level);
    assert_int_equal(bench->state.number, bench->changes);
    return true;
}

bool course_bench_close(struct course_bench *bench, int32_t day, bool restated)
{
    const struct course_day told = {.day = day,
                                    .end_ms = course_bench_end_ms(NULL, day),
                                    .stamp_ms = course_bench_end_ms(NULL, day) + 1000,
                                    .part = PART_ONE,
                                    .closed = true,
                                    .restated = restated};
    return step(bench, &told);
}

bool course_bench_hour(struct course_bench *bench, int32_t day, int64_t part, bool restated)
{
    const struct course_day told = {.day = day,
                                    .end_ms = course_bench_end_ms(NULL, day),
                                    .stamp_ms = course_bench_end_ms(NULL, day - 1) + part,
                                    .part = part,
                                    .restated = restated};
    return step(bench, &told);
}

void course_bench_emit(struct course_bench *bench, int32_t day, int32_t over)
{
    const struct course_plan *plan = &bench->plans[day >= bench->plans[1].year.first_day];
    int64_t budget = 0;
    assert_true(
        target_line_allowed(&budget, &bench->line, &bench->line.versions[0], plan->year.year));
    struct days_sum sum = {0};
    for (int32_t earlier = plan->year.first_day; earlier < day; earlier++)
        (void)day_ledger_add(bench->ledger, earlier, bench->target.scopes, &sum);
    int128 share = shares_until(&plan->shares, day - plan->year.first_day);
    int128 want = (int128)budget * share / PART_ONE * (10000 + over) / 10000;
    course_bench_put(bench, day, (int64_t)(want - sum.mg), 100);
}

void course_bench_expect(struct course_bench *bench, int32_t first, const int32_t over[],
                         const char *levels)
{
    for (size_t i = 0; levels[i] != '\0'; i++) {
        int32_t day = first + (int32_t)i;
        course_bench_emit(bench, day, over[i]);
        assert_true(course_bench_close(bench, day, false));
        if (".awC"[bench->row.level] != levels[i] || bench->row.slip != over[i])
            fail_msg("day %zu: level %d, slip %d", i, bench->row.level, bench->row.slip);
    }
}
