/* The course of a target: rows, levels, restatements. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/trajectory/course.h"

#define T INT64_C(1000000000)
#define DAY_MS INT64_C(86400000)

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

static const struct target linear = {.form = TARGET_LINEAR,
                                     .scopes = 1U << 1 | 1U << 2,
                                     .year_start = 1,
                                     .base_year = 2019,
                                     .target_year = 2030,
                                     .cut = 462000000};

/* A course with a plan of two years, beside its ledger. */
struct bench {
    struct course_conf conf;
    struct target target;
    struct target_line line;
    struct course_plan plans[2];
    struct day_ledger *ledger;
    struct course_state state;
    struct course_row row;
    struct course_transition change;
    uint32_t changes; /* of levels so far */
};

static int64_t day_end_ms(void *context, int32_t day)
{
    (void)context;
    return (int64_t)(day + 1) * DAY_MS;
}

/* Two target years from `year` on, linear, nothing known of others. */
static void bench_init(struct bench *bench, const struct target *target, int64_t base_mg, int year)
{
    *bench = (struct bench){.conf = standard, .target = *target};
    target_line_make(&bench->line, &bench->target, base_mg, 50000000);
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

static void bench_fini(struct bench *bench)
{
    day_ledger_destroy(&bench->ledger);
}

static void put(struct bench *bench, int32_t day, int64_t mg, int64_t covered_s)
{
    const struct day_total total = {.mg = {5, mg, 0, 7}, /* 0 and 3 are not of the target */
                                    .covered_s = covered_s,
                                    .expected_s = 100,
                                    .known = true};
    assert_true(day_ledger_set(bench->ledger, day, &total));
}

static bool step(struct bench *bench, const struct course_day *day)
{
    struct course_plan *plan = &bench->plans[day->day >= bench->plans[1].year.first_day];
    struct course_basis basis = {
        .conf = &bench->conf, .plan = plan, .ledger = bench->ledger, .day_end_ms = day_end_ms};
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

static bool close_day(struct bench *bench, int32_t day, bool restated)
{
    const struct course_day told = {.day = day,
                                    .end_ms = day_end_ms(NULL, day),
                                    .stamp_ms = day_end_ms(NULL, day) + 1000,
                                    .part = PART_ONE,
                                    .closed = true,
                                    .restated = restated};
    return step(bench, &told);
}

static bool hour(struct bench *bench, int32_t day, int64_t part, bool restated)
{
    const struct course_day told = {.day = day,
                                    .end_ms = day_end_ms(NULL, day),
                                    .stamp_ms = day_end_ms(NULL, day - 1) + part,
                                    .part = part,
                                    .restated = restated};
    return step(bench, &told);
}

/* Such that the year to date is `over` (0.01 %) above the budget to date. */
static void emit(struct bench *bench, int32_t day, int32_t over)
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
    put(bench, day, (int64_t)(want - sum.mg), 100);
}

/* From `first` on, a day each; what levels follow, a letter a day. */
static void expect_levels(struct bench *bench, int32_t first, const int32_t over[],
                          const char *levels)
{
    for (size_t i = 0; levels[i] != '\0'; i++) {
        int32_t day = first + (int32_t)i;
        emit(bench, day, over[i]);
        assert_true(close_day(bench, day, false));
        if (".awC"[bench->row.level] != levels[i] || bench->row.slip != over[i])
            fail_msg("day %zu: level %d, slip %d", i, bench->row.level, bench->row.slip);
    }
}

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
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t april_30 = civil_day(2025, 4, 30);
    put(&bench, civil_day(2025, 1, 1), 27300 * T, 100);
    put(&bench, civil_day(2024, 12, 31), 9 * T, 100); /* of another year */
    put(&bench, civil_day(2025, 5, 1), 9 * T, 100);   /* of a later day */
    assert_true(close_day(&bench, april_30, false));
    assert_int_equal(bench.row.base_version, 1);
    assert_int_equal(bench.row.base_mg, 100000 * T);
    assert_int_equal(bench.row.budget_mg, 74800 * T);
    assert_int_equal(bench.row.ytd_mg, 27300 * T);
    assert_int_equal((bench.row.due_mg + T / 2) / T, 24592);
    assert_int_equal(bench.row.slip, 1101);
    assert_true(bench.row.counted);
    assert_true(bench.row.closed);

    shares_given(&bench.plans[0].shares, &bench.plans[0].year, factors, weights);
    assert_true(close_day(&bench, april_30 + 1, false));
    bench_fini(&bench);
    bench_init(&bench, &linear, 100000 * T, 2025);
    shares_given(&bench.plans[0].shares, &bench.plans[0].year, factors, weights);
    put(&bench, civil_day(2025, 1, 1), 27300 * T, 100);
    assert_true(close_day(&bench, april_30, false));
    assert_int_equal(bench.row.share, 375000000);
    assert_int_equal(bench.row.due_mg, 28050 * T);
    assert_int_equal(bench.row.slip, -267);
    assert_true(bench.row.forecast.given);
    assert_int_equal(bench.row.forecast.ratio_mg, 72800 * T);
    bench_fini(&bench);
}

/* A day counts from W = 0.1 on, with 80 % of coverage, if something is due. */
static void test_counted(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t first = civil_day(2025, 1, 1);
    put(&bench, first, T, 100);
    assert_true(close_day(&bench, first + 35, false)); /* 36 / 365 */
    assert_false(bench.row.counted);
    assert_false(bench.row.forecast.given);
    assert_true(bench.row.slip != INT32_MIN);
    bench.conf.share_min = shares_until(&bench.plans[0].shares, 36); /* reached is enough */
    assert_true(close_day(&bench, first + 36, false));
    assert_true(bench.row.counted);
    assert_true(hour(&bench, first + 37, PART_ONE, false)); /* the running day never counts */
    assert_false(bench.row.counted);

    put(&bench, first + 1, 0, 60); /* 160 of 200: exactly 80 % */
    assert_true(close_day(&bench, first + 37, false));
    assert_true(bench.row.counted);
    assert_int_equal(bench.row.covered_s, 160);
    assert_int_equal(bench.row.expected_s, 200);
    put(&bench, first + 1, 0, 59);
    assert_true(close_day(&bench, first + 38, false));
    assert_false(bench.row.counted);
    bench_fini(&bench);

    bench_init(&bench, &linear, 100000 * T, 2025); /* nothing is expected */
    bench.conf.share_min = 0;
    assert_true(close_day(&bench, first + 60, false));
    assert_false(bench.row.counted);
    bench_fini(&bench);

    struct target nothing = linear; /* a budget of 0 in the last year */
    nothing.cut = PART_ONE;
    bench_init(&bench, &nothing, 100000 * T, 2030);
    put(&bench, civil_day(2030, 1, 1), T, 100);
    assert_true(close_day(&bench, civil_day(2030, 6, 1), false));
    assert_int_equal(bench.row.budget_mg, 0);
    assert_int_equal(bench.row.slip, INT32_MIN);
    assert_false(bench.row.counted);
    bench_fini(&bench);
}

/* Days that do not count are passed over, and the run goes on after them. */
static void test_run_goes_on(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    expect_levels(&bench, day, (const int32_t[]){250, 250}, "..");
    put(&bench, civil_day(2025, 1, 1), 0, -1000000); /* no coverage */
    emit(&bench, day + 2, -900);
    assert_true(close_day(&bench, day + 2, false));
    assert_false(bench.row.counted);
    assert_int_equal(bench.row.level, ALERT_OK);
    put(&bench, civil_day(2025, 1, 1), 0, 100);
    expect_levels(&bench, day + 3, (const int32_t[]){250}, "w");
    assert_int_equal(bench.change.event, COURSE_ENTERED);
    assert_int_equal(bench.change.from, ALERT_OK);
    assert_int_equal(bench.change.to, ALERT_WARNING);
    assert_int_equal(bench.change.number, 1);
    assert_int_equal(bench.change.base_version, 1);
    assert_int_equal(bench.change.day_end_ms, day_end_ms(NULL, day + 3));
    assert_int_equal(bench.change.since_ms, day_end_ms(NULL, day + 3));
    expect_levels(&bench, day + 4, (const int32_t[]){-90, -90, -90, -90}, "wwa.");
    assert_int_equal(bench.change.event, COURSE_LEFT);
    assert_int_equal(bench.change.number, 3);
    assert_int_equal(bench.change.since_ms, day_end_ms(NULL, day + 3));
    bench_fini(&bench);
}

/* A day that is told again makes a row, and is not judged again; also an older one. */
static void test_told_twice(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    expect_levels(&bench, day, (const int32_t[]){250, 250}, "..");
    struct course_state before = bench.state;
    for (int i = 0; i < 3; i++) {
        assert_true(close_day(&bench, day + 1 - i, false));
        assert_int_equal(bench.change.event, COURSE_NOTHING);
        assert_memory_equal(&bench.state, &before, sizeof(before));
    }
    expect_levels(&bench, day + 2, (const int32_t[]){250}, "w");
    assert_true(close_day(&bench, day + 2, true));
    assert_int_equal(bench.change.event, COURSE_NOTHING);
    bench_fini(&bench);
}

/* Level and run go on into the next year, with its figures. */
static void test_next_year(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    bench.conf.share_min = 0;
    int32_t last = civil_day(2025, 12, 31);
    expect_levels(&bench, last - 3, (const int32_t[]){300, 300, 300, 550}, "..ww");
    assert_true(hour(&bench, last + 1, PART_ONE / 2, false)); /* of the new year, not judged yet */
    assert_int_equal(bench.state.year, 2025);
    assert_int_equal(bench.row.budget_mg, 70600 * T);
    expect_levels(&bench, last + 1, (const int32_t[]){550, 550}, "wC");
    assert_int_equal(bench.state.year, 2026);
    assert_int_equal(bench.state.year_began.level, ALERT_WARNING);
    assert_int_equal(bench.state.year_began.count, 4);
    assert_int_equal(bench.change.since_ms, day_end_ms(NULL, last - 1));
    /* Days of the new year become good: what it began with stays. */
    put(&bench, last + 1, 0, 100);
    put(&bench, last + 2, 0, 100);
    assert_true(hour(&bench, last + 3, PART_ONE, true));
    assert_int_equal(bench.change.event, COURSE_RETRACTED);
    assert_int_equal(bench.row.level, ALERT_WARNING);
    assert_int_equal(bench.change.day_end_ms, day_end_ms(NULL, last + 2));
    assert_true(bench.row.restated);
    bench_fini(&bench);
}

/* Before the first and after the last target year there is no row, and nothing changes. */
static void test_no_budget(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2030);
    bench.conf.share_min = 0;
    int32_t last = civil_day(2030, 12, 31);
    expect_levels(&bench, last - 2, (const int32_t[]){300, 300, 300}, "..w");
    struct course_state before = bench.state;
    put(&bench, last + 1, 900 * T, 100);
    assert_false(close_day(&bench, last + 1, true));
    assert_false(hour(&bench, last + 1, 5, true));
    assert_memory_equal(&bench.state, &before, sizeof(before));
    bench_fini(&bench);
    bench_init(&bench, &linear, 100000 * T, 2019);
    assert_false(close_day(&bench, civil_day(2019, 12, 31), false));
    assert_true(close_day(&bench, civil_day(2020, 1, 1), false));
    bench_fini(&bench);
}

/* Earlier days turn out lower: the level becomes what they now give, with their run. */
static void test_retracted(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    expect_levels(&bench, day, (const int32_t[]){600, 600, 600, 600}, "..CC");
    /* Only the newest day and the one before stay where they were. */
    put(&bench, day + 2, 0, 100);
    emit(&bench, day + 3, 600);
    put(&bench, day, 0, 100);
    emit(&bench, day + 1, 0);
    emit(&bench, day + 2, 600);
    emit(&bench, day + 3, 600);
    assert_true(hour(&bench, day + 4, PART_ONE / 4, true));
    assert_int_equal(bench.change.event, COURSE_RETRACTED);
    assert_int_equal(bench.change.from, ALERT_CRITICAL);
    assert_int_equal(bench.change.to, ALERT_OK);
    assert_int_equal(bench.change.number, 2);
    assert_int_equal(bench.change.since_ms, day_end_ms(NULL, day + 2));
    assert_int_equal(bench.change.day_end_ms, day_end_ms(NULL, day + 3));
    assert_int_equal(bench.state.slip.since_ms, INT64_MIN);
    /* The run is that of the days as judged again: one more is the third. */
    expect_levels(&bench, day + 4, (const int32_t[]){600}, "C");
    bench_fini(&bench);
}

/* Judged again, it would be higher: all stays as judged. */
static void test_restated_upwards(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    expect_levels(&bench, day, (const int32_t[]){100, 100, 100, 0}, "..aa");
    struct course_state before = bench.state;
    put(&bench, day, 40000 * T, 100);
    assert_true(hour(&bench, day + 4, PART_ONE / 4, true));
    assert_int_equal(bench.change.event, COURSE_NOTHING);
    assert_int_equal(bench.row.level, ALERT_WATCH);
    assert_memory_equal(&bench.state.slip, &before.slip, sizeof(before.slip));
    /* Changed back, but not marked: nothing is judged again. */
    put(&bench, day, 0, 100);
    assert_true(hour(&bench, day + 4, PART_ONE / 3, false));
    assert_int_equal(bench.row.level, ALERT_WATCH);
    bench_fini(&bench);
}

/* The third bad day closes at the stamp that tells that the first two were good. */
static void test_closed_and_restated(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    expect_levels(&bench, day, (const int32_t[]){250, 250}, "..");
    emit(&bench, day, 0);
    emit(&bench, day + 1, 0);
    emit(&bench, day + 2, 250);
    assert_true(close_day(&bench, day + 2, true));
    assert_int_equal(bench.row.level, ALERT_OK);
    assert_int_equal(bench.change.event, COURSE_NOTHING);
    /* The run is theirs: two more bad days are needed. */
    expect_levels(&bench, day + 3, (const int32_t[]){250, 250}, ".w");
    bench_fini(&bench);
}

/* A saved state goes on as if nothing had happened, from any day; numbers grow by one. */
static void test_saved(void **state)
{
    (void)state;
    static const int32_t over[] = {600, 600, 600, 0, 0, 0, 0, -90, -90, -90, 300, 300, 300, 0};
    char levels[2][ARRAY_LEN(over) + 1];
    for (size_t saved_at = 0; saved_at < ARRAY_LEN(over); saved_at++) {
        struct bench bench;
        bench_init(&bench, &linear, 100000 * T, 2025);
        for (size_t i = 0; i < ARRAY_LEN(over); i++) {
            int32_t day = civil_day(2025, 6, 1) + (int32_t)i;
            emit(&bench, day, over[i]);
            assert_true(close_day(&bench, day, false));
            levels[saved_at > 0][i] = ".awC"[bench.row.level];
            if (i != saved_at)
                continue;
            struct course_state saved;
            memcpy(&saved, &bench.state, sizeof(saved));
            course_init(&bench.state);
            bench.state = saved;
        }
        levels[saved_at > 0][ARRAY_LEN(over)] = '\0';
        assert_string_equal(levels[saved_at > 0], "..CCCwaaa...ww");
        assert_int_equal(bench.state.number, 5);
        bench_fini(&bench);
    }
}

/* W of the running day, and its row. */
static void test_running_day(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t day = civil_day(2025, 1, 1);
    put(&bench, day, 10 * T, 100);
    put(&bench, day + 1, 20 * T, 50);
    assert_true(hour(&bench, day + 1, PART_ONE / 4, false));
    assert_int_equal(bench.row.share, 2739727 + 684932); /* 684,931.75 */
    assert_int_equal(bench.row.ytd_mg, 30 * T);
    assert_int_equal(bench.row.covered_s, 150);
    assert_int_equal(bench.row.due_mg, 3424659 * INT64_C(74800));
    assert_int_equal(bench.state.closed_day, INT32_MIN);
    assert_int_equal(bench.state.row_ms, bench.row.stamp_ms);
    assert_true(hour(&bench, day, 0, false)); /* nothing is due yet */
    assert_int_equal(bench.row.share, 0);
    assert_int_equal(bench.row.slip, INT32_MIN);
    assert_true(bench.state.row_ms > bench.row.stamp_ms); /* an older stamp */
    bench_fini(&bench);
}

/* A new base at once: from its day on, also when days are judged again. */
static void test_new_base(void **state)
{
    (void)state;
    const struct base_change changes[] = {
        {.day = civil_day(2025, 6, 3), .delta_mg = -6000 * T, .at_once = true}};
    struct target target = linear;
    target.changes = changes;
    target.changes_count = 1;
    struct bench bench;
    bench_init(&bench, &target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    expect_levels(&bench, day, (const int32_t[]){0, 0}, "..");
    emit(&bench, day + 2, 0); /* by the old base; 100 / 94 of the new budget */
    assert_true(close_day(&bench, day + 2, false));
    assert_int_equal(bench.row.base_version, 2);
    assert_int_equal(bench.row.base_mg, 94000 * T);
    assert_int_equal(bench.row.budget_mg, 70312 * T);
    assert_int_equal(bench.row.slip, 638);
    for (int i = 3; i < 5; i++) {
        emit(&bench, day + i, 0);
        assert_true(close_day(&bench, day + i, i == 4));
    }
    assert_int_equal(bench.row.level, ALERT_CRITICAL);
    assert_int_equal(bench.change.base_version, 2);
    assert_int_equal(bench.change.number, 1);
    bench_fini(&bench);
}

/* forecast: model. The larger of both slips counts. */
static void test_by_model(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    for (int32_t day = civil_day(2025, 1, 1); day < civil_day(2025, 7, 1); day++)
        emit(&bench, day, day < civil_day(2025, 5, 1) ? -300 : 100);
    int32_t last = civil_day(2025, 6, 30);
    bench.conf.by_model = false;
    assert_true(close_day(&bench, last - 1, false));
    assert_int_equal(bench.row.slip, 100);
    bench.conf.by_model = true;
    assert_true(close_day(&bench, last, false));
    int32_t year_end = slip_of(bench.row.forecast.model_mg, bench.row.budget_mg, PART_ONE);
    assert_true(year_end > 100); /* the newest months are the worst */
    assert_int_equal(bench.row.slip, year_end);
    for (int32_t day = civil_day(2025, 1, 1); day < civil_day(2025, 7, 1); day++)
        emit(&bench, day, day < civil_day(2025, 6, 1) ? 900 : 100);
    assert_true(close_day(&bench, last, false));
    assert_true(slip_of(bench.row.forecast.model_mg, bench.row.budget_mg, PART_ONE) < 100);
    assert_int_equal(bench.row.slip, 100);
    bench_fini(&bench);
}

/* P(miss) makes days critical, if history tells the deviation. */
static void test_probability(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    int32_t day = civil_day(2025, 11, 1);
    bench.plans[0].residuals.deviation_mg = 10 * T;
    expect_levels(&bench, day, (const int32_t[]){40, 40, 40}, "..C");
    assert_int_equal(bench.row.forecast.probability, 1000);
    bench_fini(&bench);
    bench_init(&bench, &linear, 100000 * T, 2025);
    expect_levels(&bench, day, (const int32_t[]){40, 40, 40}, "...");
    assert_int_equal(bench.row.forecast.probability, -1);
    bench_fini(&bench);
}

/* Time without readings, and estimates, widen the deviation. */
static void test_open(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    bench.plans[0].residuals.deviation_mg = 1;
    int32_t day = civil_day(2025, 12, 31);
    put(&bench, day - 1, 50000 * T, 80); /* a quarter as much again may be missing */
    assert_true(close_day(&bench, day - 1, false));
    assert_int_equal(bench.row.forecast.deviation_mg, 12500 * T);
    bench.conf.missing_deviation = PART_ONE / 2;
    assert_true(close_day(&bench, day - 1, false));
    assert_int_equal(bench.row.forecast.deviation_mg, 6250 * T);
    struct day_total total = *day_ledger_get(bench.ledger, day - 1);
    total.covered_s = 120; /* more than expected: nothing is missing */
    total.estimated_mg[1] = 1000 * T;
    total.estimated_mg[3] = 9000 * T; /* not of the target */
    assert_true(day_ledger_set(bench.ledger, day - 1, &total));
    assert_true(close_day(&bench, day, false));
    assert_int_equal(bench.row.forecast.deviation_mg, 150 * T);
    assert_int_equal(bench.row.estimated_mg, 1000 * T);
    total.estimated_mg[1] = -1000 * T; /* less than nothing leaves nothing open */
    assert_true(day_ledger_set(bench.ledger, day - 1, &total));
    assert_true(close_day(&bench, day, false));
    assert_int_equal(bench.row.forecast.deviation_mg, 0);
    bench_fini(&bench);
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
    struct bench bench;
    bench_init(&bench, &intensity, 0, 2027);
    int32_t day = civil_day(2026, 6, 1);
    struct day_total total = {.mg = {0, 26 * T, 0, 0},
                              .production_micro = 10000 * INT64_C(1000000),
                              .covered_s = 1,
                              .expected_s = 1,
                              .known = true};
    assert_true(day_ledger_set(bench.ledger, day, &total));
    for (int i = 0; i < 3; i++)
        assert_true(close_day(&bench, day + i, false));
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
    assert_true(close_day(&bench, day + 3, false));
    assert_int_equal(bench.row.slip, INT32_MIN); /* nothing is allowed without production */
    assert_false(bench.row.counted);
    bench_fini(&bench);
}

/* Twelve complete months: of this year those that are over, of the year before the others. */
static void test_trailing(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2025);
    struct course_plan *plan = &bench.plans[0];
    for (int month = 0; month < YEAR_MONTHS; month++)
        plan->last_year_mg[month] = (int64_t)1 << month;
    int32_t first = civil_day(2025, 1, 1);
    for (int32_t day = first; day < civil_day(2025, 3, 1); day++)
        put(&bench, day, day < civil_day(2025, 2, 1) ? 10000 : 1000000, 100);
    assert_true(close_day(&bench, civil_day(2025, 1, 30), false));
    assert_int_equal(bench.row.trailing_mg, 4095);
    assert_true(hour(&bench, civil_day(2025, 1, 31), PART_ONE, false)); /* it is not closed */
    assert_int_equal(bench.row.trailing_mg, 4095);
    assert_true(close_day(&bench, civil_day(2025, 1, 31), false));
    assert_int_equal(bench.row.trailing_mg, 4094 + 310000);
    assert_true(close_day(&bench, civil_day(2025, 2, 28), false));
    assert_int_equal(bench.row.trailing_mg, 4092 + 310000 + 28000000);
    plan->last_year_mg[1] = -1; /* not needed any more */
    assert_true(close_day(&bench, civil_day(2025, 3, 1), false));
    assert_int_equal(bench.row.trailing_mg, 4092 + 310000 + 28000000);
    plan->last_year_mg[2] = -1;
    assert_true(close_day(&bench, civil_day(2025, 3, 2), false));
    assert_int_equal(bench.row.trailing_mg, -1);
    plan->last_year_mg[2] = 4;
    const struct day_total unknown = {0};
    assert_true(
        day_ledger_set(bench.ledger, first + 5, &unknown)); /* a day of January is missing */
    assert_true(close_day(&bench, civil_day(2025, 3, 3), false));
    assert_int_equal(bench.row.trailing_mg, -1);
    bench_fini(&bench);
}

/* 80,000 t in the year last closed: 6.55 % a year to 53,800 in five years; R 287,800: 9.35 %. */
static void test_progress(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, &linear, 100000 * T, 2026);
    struct course_plan *plan = &bench.plans[0];
    int32_t day = civil_day(2026, 1, 1);
    assert_true(close_day(&bench, day, false)); /* nothing is known */
    assert_false(bench.row.needed.to_end_known);
    assert_int_equal(bench.row.needed.cumulative, INT64_MIN);
    assert_int_equal(bench.row.achieved, INT64_MIN);
    assert_int_equal(bench.row.overshoot_mg, INT64_MIN);
    plan->last_closed_mg = 80000 * T;
    assert_true(close_day(&bench, day + 1, false));
    assert_true(bench.row.needed.to_end_known);
    assert_int_equal(bench.row.needed.to_end, 65500000);
    assert_int_equal(bench.row.needed.cumulative, INT64_MIN);
    assert_int_equal(bench.row.achieved, 432900433); /* 20,000 / 46,200 */
    plan->years_closed_known = true;
    plan->allowed_since_base_mg = 511800 * T; /* 95,800 .. 74,800 */
    plan->emitted_since_base_mg = 535000 * T;
    assert_true(close_day(&bench, day + 2, false));
    assert_int_equal(bench.row.overshoot_mg, 23200 * T);
    assert_int_equal(bench.row.needed.cumulative, 93500000); /* 311,000 of five years less that */
    assert_false(bench.row.needed.budget_gone);
    plan->emitted_since_base_mg = 900000 * T;
    assert_true(close_day(&bench, day + 3, false));
    assert_true(bench.row.needed.budget_gone);

    struct target other = linear; /* 100,000 -> 58,000: 47.6 % */
    other.cut = 420000000;
    target_line_make(&bench.line, &other, 100000 * T, 50000000);
    assert_true(close_day(&bench, day + 4, false));
    assert_int_equal(bench.row.achieved, 476190476);
    bench_fini(&bench);

    static const struct path_year path[] = {{2026, 70000 * T}, {2028, 60000 * T}};
    struct target holes = {.form = TARGET_PATH,
                           .scopes = 1U << 1,
                           .year_start = 1,
                           .base_year = 2024,
                           .target_year = 2028,
                           .path = path,
                           .path_count = 2};
    bench_init(&bench, &holes, 100000 * T, 2026);
    bench.plans[0].last_closed_mg = 80000 * T;
    bench.plans[0].years_closed_known = true;
    assert_true(close_day(&bench, day, false)); /* 2027 has no value */
    assert_true(bench.row.needed.to_end_known);
    assert_int_equal(bench.row.needed.cumulative, INT64_MIN);
    assert_false(bench.row.needed.budget_gone);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_april),
        cmocka_unit_test(test_counted),
        cmocka_unit_test(test_run_goes_on),
        cmocka_unit_test(test_told_twice),
        cmocka_unit_test(test_next_year),
        cmocka_unit_test(test_no_budget),
        cmocka_unit_test(test_retracted),
        cmocka_unit_test(test_restated_upwards),
        cmocka_unit_test(test_closed_and_restated),
        cmocka_unit_test(test_saved),
        cmocka_unit_test(test_running_day),
        cmocka_unit_test(test_new_base),
        cmocka_unit_test(test_by_model),
        cmocka_unit_test(test_probability),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_intensity),
        cmocka_unit_test(test_trailing),
        cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
