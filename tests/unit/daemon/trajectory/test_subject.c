/* A target's subject over the days of a database: gaps, first years, and what counts at the end. */
#include "daemon/trajectory/subject.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/timestamp.h"

#define T INT64_C(1000000000) /* a tonne in milligrams */
enum { SCOPE_1 = 1 << 1, EXPECTED_MS = 1000, HISTORY_MAX = 24 };

static const struct local_time utc[] = {{NULL, 0}};

/* A facility, and a target of 4.2 % a year from 2019 to 2030 for it, which allows 74,800 t in 2025.
 */
struct bench {
    struct facility facility;
    struct registry registry;
    struct history_row history[HISTORY_MAX];
    struct targets targets;
    struct target target;
    struct config config;
    struct target_subject subject;
};

static void make(struct bench *bench)
{
    *bench = (struct bench){
        .facility = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .country = "DE"},
        .target = {.id = "north",
                   .level = TARGET_ALL,
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
    bench->targets.history = bench->history;
    bench->config.registry = &bench->registry;
    bench->config.targets = &bench->targets;
    bench->config.trajectory = (struct trajectory_conf){.nonworking = PART_ONE,
                                                        .base_change_min = PART_ONE / 20,
                                                        .share_min = PART_ONE / 10,
                                                        .coverage_min = 800000000,
                                                        .watch = PART_ONE / 200,
                                                        .warning = PART_ONE / 50,
                                                        .critical = PART_ONE / 20,
                                                        .margin = PART_ONE / 100,
                                                        .miss_probability = 900000000,
                                                        .enter_days = 3,
                                                        .leave_days = 3};
    assert_int_equal(
        subject_make(&bench->subject, &bench->target, civil_day(2023, 7, 1), civil_day(2026, 7, 1)),
        0);
}

static void fini(struct bench *bench)
{
    subject_fini(&bench->subject);
}

static struct day_total *total_of(struct bench *bench, int32_t day)
{
    return &bench->subject.totals[day - bench->subject.first_day];
}

/* Rows of the days up to `end`, final and covered. */
static void put(struct bench *bench, int32_t first, int32_t end, int64_t day_mg)
{
    for (int32_t day = first; day < end; day++)
        *total_of(bench, day) = (struct day_total){.mg = {0, day_mg},
                                                   .covered_ms = EXPECTED_MS,
                                                   .expected_ms = EXPECTED_MS,
                                                   .known = true,
                                                   .final = true,
                                                   .whole = true};
}

static void judge(struct bench *bench)
{
    subject_judge(&bench->subject, &bench->config);
}

/* A month without rows between months that have some is that of the history. */
static void test_gap(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    put(&bench, civil_day(2024, 1, 1), civil_day(2025, 3, 1), 10 * T);
    for (int32_t day = civil_day(2024, 6, 1); day < civil_day(2024, 7, 1); day++)
        *total_of(&bench, day) = (struct day_total){.expected_ms = EXPECTED_MS};
    judge(&bench);
    assert_int_equal(bench.subject.plan.last_year_mg[4], 310 * T);
    assert_int_equal(bench.subject.plan.last_year_mg[5], -1);
    assert_int_equal(bench.subject.plan.last_closed_mg, -1);
    const struct day_total *filler = day_ledger_get(bench.subject.ledger, civil_day(2024, 6, 15));
    assert_non_null(filler);
    assert_true(filler->final && !filler->whole);
    fini(&bench);
    make(&bench);
    put(&bench, civil_day(2024, 1, 1), civil_day(2025, 3, 1), 10 * T);
    for (int32_t day = civil_day(2024, 6, 1); day < civil_day(2024, 7, 1); day++)
        *total_of(&bench, day) = (struct day_total){.whole = true}; /* no facility counts on it */
    bench.history[0] = (struct history_row){.year = 2024, .month = 6, .scope = 1, .mg = 777 * T};
    bench.targets.history_count = 1;
    judge(&bench);
    assert_int_equal(bench.subject.plan.last_year_mg[5], 777 * T);
    assert_int_equal(bench.subject.plan.last_closed_mg, 3360 * T + 777 * T);
    fini(&bench);
}

/* The first row that was judged. */
static const struct course_row *first_row(const struct bench *bench)
{
    assert_true(bench->subject.days_count > 0);
    assert_non_null(bench->subject.days);
    return &bench->subject.days[0].row;
}

/* Rows begin on 1 July, and meters were to report from some day of the year on: up to then, nothing
 * is covered. */
static void test_first_year(void **state)
{
    (void)state;
    static const struct {
        struct date from;
        int32_t missing; /* days */
        bool counts;     /* the last of the 62 days with rows */
    } cases[] = {
        {{2024, 6, 1}, 181, false}, {{2025, 1, 1}, 181, false}, {{2025, 6, 1}, 30, false},
        {{2025, 6, 15}, 16, false}, {{2025, 6, 16}, 15, true},  {{2025, 7, 1}, 0, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        make(&bench);
        const int32_t july = civil_day(2025, 7, 1);
        for (int32_t day = civil_day(cases[i].from.year, cases[i].from.month, cases[i].from.day);
             day < july; day++)
            *total_of(&bench, day) = (struct day_total){.expected_ms = EXPECTED_MS};
        put(&bench, july, july + 62, 100 * T);
        judge(&bench);
        assert_int_equal(bench.subject.known_day, july);
        assert_int_equal(bench.subject.days_count, 62);
        assert_int_equal(first_row(&bench)->day, july);
        assert_int_equal(first_row(&bench)->covered_ms, EXPECTED_MS);
        assert_int_equal(first_row(&bench)->expected_ms, EXPECTED_MS * (cases[i].missing + 1));
        assert_int_equal(first_row(&bench)->ytd_mg, 100 * T);
        assert_int_equal(bench.subject.days[61].row.counted, cases[i].counts);
        fini(&bench);
    }
}

/* A site that joins a group on 1 July is expected from then on only; the days before are whole. */
static void test_joined_later(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    const int32_t july = civil_day(2025, 7, 1);
    put(&bench, civil_day(2025, 1, 1), july + 62, 100 * T);
    for (int32_t day = july; day < july + 62; day++) {
        total_of(&bench, day)->covered_ms += INT64_C(3) * EXPECTED_MS;
        total_of(&bench, day)->expected_ms += INT64_C(3) * EXPECTED_MS;
    }
    judge(&bench);
    assert_int_equal(first_row(&bench)->day, civil_day(2025, 1, 1));
    const struct course_row *row = &bench.subject.days[181].row;
    assert_int_equal(row->day, july);
    assert_int_equal(row->covered_ms, row->expected_ms);
    assert_int_equal(row->expected_ms, EXPECTED_MS * (181 + 4));
    fini(&bench);
}

/* A year that began before the days that were asked for is not judged. */
static void test_cut_year(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    put(&bench, bench.subject.first_day, civil_day(2024, 1, 6), 100 * T);
    judge(&bench);
    assert_int_equal(bench.subject.days_count, 5);
    assert_int_equal(first_row(&bench)->day, civil_day(2024, 1, 1));
    fini(&bench);
}

static int level_of(const struct bench *bench, uint32_t index)
{
    return index >= bench->subject.days_count || bench->subject.days == NULL
               ? -1
               : bench->subject.days[index].row.level;
}

/* Days of closed years say nothing about the year that cannot be judged. */
static void test_last(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    assert_null(subject_last(&bench.subject));
    put(&bench, civil_day(2024, 1, 1), civil_day(2025, 1, 2), 1000 * T);
    judge(&bench);
    assert_int_equal(bench.subject.unmetered, SCOPE_1); /* the facility has no meters */
    assert_ptr_equal(subject_last(&bench.subject), &bench.subject.days[366]);
    assert_int_equal(subject_last(&bench.subject)->row.level, ALERT_CRITICAL);
    fini(&bench);
    make(&bench);
    bench.target.target_year = 2024; /* the last day is of a year that it does not allow */
    put(&bench, civil_day(2024, 1, 1), civil_day(2025, 1, 2), 1000 * T);
    judge(&bench);
    assert_int_equal(bench.subject.days_count, 366);
    assert_int_equal(level_of(&bench, 365), ALERT_CRITICAL);
    assert_int_equal(bench.subject.outcome, PLAN_NOT_ALLOWED);
    assert_null(subject_last(&bench.subject));
    fini(&bench);
    make(&bench);
    static const struct path_year path[] = {{2024, 100}};
    bench.target.form = TARGET_INTENSITY;
    bench.target.base_mg = -1;
    bench.target.base_from = BASE_NONE;
    bench.target.path = path;
    bench.target.path_count = 1;
    put(&bench, civil_day(2024, 1, 1), civil_day(2025, 1, 2), 1000 * T);
    judge(&bench);
    assert_int_equal(bench.subject.days_count, 366);
    assert_int_equal(bench.subject.outcome, PLAN_MADE); /* of 2025, which has no value */
    assert_null(subject_last(&bench.subject));
    fini(&bench);
}

/* Half of each day lacks, and a tenth of the rest is estimated: the parts that these masses may be
 * off by are options. Past years are alike, so they add next to nothing. */
static void test_open(void **state)
{
    (void)state;
    enum { DAYS = 91 };
    static const struct {
        int64_t missing, estimated, want_mg;
    } cases[] = {
        {PART_ONE, 0, 10 * T * DAYS},
        {PART_ONE / 4, 0, 10 * T * DAYS / 4},
        {0, PART_ONE / 2, T * DAYS / 2},
        {PART_ONE, PART_ONE, 11 * T * DAYS},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        make(&bench);
        for (int month = 0; month < HISTORY_MAX; month++) {
            struct civil_year year = civil_year_named(2022 + month / 12, 1);
            int32_t days = year.month_first[month % 12 + 1] - year.month_first[month % 12];
            bench.history[month] = (struct history_row){.year = year.year,
                                                        .month = (uint8_t)(month % 12 + 1),
                                                        .scope = 1,
                                                        .mg = 10 * T * days};
        }
        bench.targets.history_count = HISTORY_MAX;
        bench.config.trajectory.missing_deviation = cases[i].missing;
        bench.config.trajectory.estimated_deviation = cases[i].estimated;
        int32_t first = civil_day(2024, 1, 1);
        put(&bench, first, first + DAYS, 10 * T);
        for (int32_t day = first; day < first + DAYS; day++) {
            total_of(&bench, day)->expected_ms = INT64_C(2) * EXPECTED_MS;
            total_of(&bench, day)->estimated_mg[1] = T;
        }
        judge(&bench);
        assert_int_equal(bench.subject.plan.residuals.months, HISTORY_MAX);
        int64_t got_mg = bench.subject.days[DAYS - 1].row.forecast.deviation_mg;
        if (got_mg < cases[i].want_mg || got_mg > cases[i].want_mg + T)
            fail_msg("%zu: %" PRId64, i, got_mg);
        fini(&bench);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gap),          cmocka_unit_test(test_first_year),
        cmocka_unit_test(test_joined_later), cmocka_unit_test(test_cut_year),
        cmocka_unit_test(test_last),         cmocka_unit_test(test_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
