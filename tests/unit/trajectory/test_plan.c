/* Plans of target years: what the history and the measured days make of them. */
#include "pipelines/trajectory/plan.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/timestamp.h"

#define T INT64_C(1000000000) /* a tonne in milligrams */
enum { ROWS_MAX = 600, SUNDAY = 1 << 6, SCOPE_1 = 1 << 1 };

static const struct local_time utc[] = {{NULL, 0}};

/* A facility, a target of 4.2 % a year from 2019 to 2030 for it, and what is known of it. */
struct bench {
    struct facility facility;
    struct registry registry;
    struct history_row rows[ROWS_MAX]; /* by year, then month */
    struct targets targets;
    struct target target;
    struct day_ledger *ledger;
    struct plan_input input;
    struct course_plan plan;
    struct target_line line;
};

static void make(struct bench *bench)
{
    *bench = (struct bench){
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

static void fini(struct bench *bench)
{
    day_ledger_destroy(&bench->ledger);
}

static void put_month(struct bench *bench, int year, int month, int64_t mg)
{
    assert_true(bench->targets.history_count < ROWS_MAX);
    bench->rows[bench->targets.history_count++] =
        (struct history_row){.year = (int16_t)year, .month = (uint8_t)month, .scope = 1, .mg = mg};
}

/* A day is so many milligrams, one in January `january` times as many. */
static void put_history(struct bench *bench, int year, int64_t day_mg, int january)
{
    struct civil_year civil = civil_year_named(year, 1);
    for (int i = 0; i < YEAR_MONTHS; i++) {
        int32_t days = civil.month_first[i + 1] - civil.month_first[i];
        put_month(bench, year, i + 1, day_mg * days * (i == 0 ? january : 1));
    }
}

static void put_day(struct bench *bench, int32_t day, int64_t mg, bool whole)
{
    const struct day_total total = {
        .mg = {9, mg, 9, 9}, .known = true, .final = true, .whole = whole};
    assert_true(day_ledger_set(bench->ledger, day, &total));
}

static void measure(struct bench *bench, int32_t first_day, int32_t end_day, int64_t day_mg)
{
    for (int32_t day = first_day; day < end_day; day++)
        put_day(bench, day, day_mg, true);
}

static void measure_year(struct bench *bench, int year, int64_t day_mg)
{
    measure(bench, civil_day(year, 1, 1), civil_day(year + 1, 1, 1), day_mg);
}

static void plan(struct bench *bench, int year)
{
    assert_int_equal(plan_make(&bench->plan, &bench->line, &bench->input, year), PLAN_MADE);
    assert_ptr_equal(bench->plan.line, &bench->line);
    assert_int_equal(bench->plan.year.year, year);
}

/* January's part, and that of all other days: numerator / denominator, up to 12 parts of 1e9. */
static void expect_january(const struct bench *bench, int64_t numerator, int64_t denominator)
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
    struct bench bench;
    make(&bench);
    put_history(&bench, 2021, 10 * T, 2); /* 365 + 31 = 396 shares of a day */
    put_history(&bench, 2022, 70 * T, 4); /* 365 + 93 = 458 */
    plan(&bench, 2025);
    assert_int_equal(bench.plan.shares.basis, SHARES_MEDIAN);
    assert_int_equal(plan_past_years(&bench.input, 2025), 2);
    /* January: 31 * (2 / 396 + 4 / 458); each other day 1 / 396 + 1 / 458. Over both: */
    expect_january(&bench, INT64_C(31) * (2 * 458 + 4 * 396),
                   INT64_C(31) * (2 * 458 + 4 * 396) + INT64_C(334) * (458 + 396));
    fini(&bench);
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
        struct bench bench;
        make(&bench);
        put_history(&bench, cases[i].year, 10 * T, 3);
        plan(&bench, 2025);
        if (bench.plan.shares.basis != cases[i].want || plan_past_years(&bench.input, 2025) != 1)
            fail_msg("%s: basis %d", cases[i].name, bench.plan.shares.basis);
        if (cases[i].want == SHARES_BASE_YEAR)
            expect_january(&bench, 93, 334 + 93);
        else
            expect_january(&bench, 31, 365);
        fini(&bench);
    }
}

/* Ten years before the base year count, those before do not, and the planned year itself does not.
 */
static void test_which_years(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    plan(&bench, 2025);
    assert_int_equal(bench.plan.shares.basis, SHARES_LINEAR);
    assert_int_equal(plan_past_years(&bench.input, 2025), 0);
    for (int year = 2007; year <= 2025; year++)
        put_history(&bench, year, 10 * T, 1);
    assert_int_equal(plan_past_years(&bench.input, 2025), 2025 - 2009);
    assert_int_equal(plan_past_years(&bench.input, 2020), 2020 - 2009);
    bench.target.base_year = 1995;
    assert_int_equal(plan_past_years(&bench.input, 2025), 2025 - 2007);
    fini(&bench);
}

static void test_earliest_year(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    for (int year = TARGET_YEAR_MIN; year < 1997; year++)
        put_history(&bench, year, 10 * T, 1);
    bench.target.base_year = 1995;
    assert_int_equal(plan_past_years(&bench.input, 1997), 1997 - TARGET_YEAR_MIN);
    fini(&bench);
}

/* Measured months differ from those of the history. Each month is taken from either of them. */
static void test_measured(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    put_history(&bench, 2019, 10 * T, 1);
    put_history(&bench, 2024, 10 * T, 1);
    plan(&bench, 2025);
    assert_int_equal(bench.plan.last_closed_mg, 3660 * T);
    measure(&bench, civil_day(2024, 3, 1), civil_day(2024, 4, 1), 20 * T);
    plan(&bench, 2025);
    assert_int_equal(bench.plan.last_closed_mg, 3660 * T + 310 * T);
    assert_int_equal(bench.plan.last_year_mg[2], 620 * T);
    assert_int_equal(bench.plan.last_year_mg[3], 300 * T);
    measure_year(&bench, 2024, 7 * T);
    plan(&bench, 2025);
    assert_int_equal(bench.plan.last_closed_mg, INT64_C(366) * 7 * T);
    fini(&bench);
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
            struct bench bench;
            make(&bench);
            measure(&bench, civil_day(2024, 1, 1), lacks ? day : civil_day(2025, 1, 1), 7 * T);
            if (lacks)
                measure(&bench, day + 1, civil_day(2025, 1, 1), 7 * T);
            else
                put_day(&bench, day, 7 * T, false);
            plan(&bench, 2025);
            if (bench.plan.last_closed_mg != -1 || plan_past_years(&bench.input, 2025) != 0 ||
                bench.plan.last_year_mg[1] != (cases[i].february ? INT64_C(29) * 7 * T : -1))
                fail_msg("%s: %" PRId64, cases[i].name, bench.plan.last_year_mg[1]);
            put_month(&bench, 2024, 2, 1000 * T);
            plan(&bench, 2025);
            assert_int_equal(bench.plan.last_year_mg[1],
                             cases[i].february ? INT64_C(29) * 7 * T : 1000 * T);
            put_day(&bench, day, 7 * T, true);
            plan(&bench, 2025);
            assert_int_equal(bench.plan.last_closed_mg, INT64_C(366) * 7 * T);
            fini(&bench);
        }
    }
}

/* A base that is to be measured comes from the base year, measured or of the history, or is not
 * known. */
static void test_base(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    plan(&bench, 2025);
    assert_int_equal(bench.line.versions[0].base_mg, 100000 * T);
    bench.target.base_mg = -1;
    bench.target.base_from = BASE_MEASURED;
    measure(&bench, civil_day(2019, 1, 1), civil_day(2019, 12, 31), 7 * T);
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2025), PLAN_BASE_UNKNOWN);
    measure(&bench, civil_day(2019, 12, 31), civil_day(2020, 1, 1), 8 * T);
    plan(&bench, 2025);
    assert_int_equal(bench.line.versions[0].base_mg, INT64_C(364) * 7 * T + 8 * T);
    plan(&bench, 2020);
    assert_int_equal(bench.line.versions[0].base_mg, INT64_C(364) * 7 * T + 8 * T);
    assert_int_equal(bench.plan.shares.basis, SHARES_BASE_YEAR);
    bench.target.base_year = 2018;
    put_history(&bench, 2018, 10 * T, 1);
    plan(&bench, 2025);
    assert_int_equal(bench.line.versions[0].base_mg, 3650 * T);
    fini(&bench);
}

/* Nothing can be cut from a base of nothing. */
static void test_base_of_nothing(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    bench.target.base_mg = -1;
    measure_year(&bench, 2019, 0);
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2025), PLAN_BASE_UNKNOWN);
    measure_year(&bench, 2019, 1);
    plan(&bench, 2025);
    assert_int_equal(bench.line.versions[0].base_mg, 365);
    fini(&bench);
}

/* Changes of a base that was measured may leave none. */
static void test_base_changed(void **state)
{
    (void)state;
    struct base_change change = {.day = civil_day(2021, 1, 1), .delta_mg = -365 * T};
    struct bench bench;
    make(&bench);
    bench.target.base_mg = -1;
    bench.target.changes = &change;
    bench.target.changes_count = 1;
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2025), PLAN_BASE_UNKNOWN);
    measure_year(&bench, 2019, T);
    assert_int_equal(plan_make(&bench.plan, &bench.line, &bench.input, 2025), PLAN_BASE_CHANGED);
    change.delta_mg++;
    plan(&bench, 2025);
    assert_int_equal(bench.line.versions[1].base_mg, 1);
    fini(&bench);
}

static void test_outside(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
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
    fini(&bench);
}

/* Given weights count more than past years. */
static void test_given(void **state)
{
    (void)state;
    static const int64_t weights[YEAR_MONTHS] = {400000000, 600000000};
    struct bench bench;
    make(&bench);
    put_history(&bench, 2018, 10 * T, 3);
    put_history(&bench, 2019, 10 * T, 3);
    bench.target.weights = weights;
    plan(&bench, 2025);
    assert_int_equal(bench.plan.shares.basis, SHARES_GIVEN);
    assert_int_equal(bench.plan.shares.month[0], 400000000);
    assert_int_equal(bench.plan.shares.month[1], 600000000);
    fini(&bench);
}

/* An intensity is due by production: whatever is known or given, its year is linear, and it needs
 * no base. */
static void test_intensity(void **state)
{
    (void)state;
    static const int64_t weights[YEAR_MONTHS] = {400000000, 600000000};
    struct bench bench;
    make(&bench);
    put_history(&bench, 2018, 10 * T, 3);
    put_history(&bench, 2019, 10 * T, 3);
    bench.target.form = TARGET_INTENSITY;
    bench.target.intensity = 5000;
    bench.target.base_mg = -1;
    bench.target.base_from = BASE_NONE;
    bench.target.base_year = 2020;
    bench.target.weights = weights;
    plan(&bench, 2030);
    assert_int_equal(bench.plan.shares.basis, SHARES_LINEAR);
    expect_january(&bench, 31, 365);
    fini(&bench);
}

/* The years after the base year: 2020 and 2021. 100,000 t less 4.2 % and 8.4 % were allowed. */
static void test_closed_years(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    plan(&bench, 2020); /* no year is closed: nothing was emitted or allowed */
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, 0);
    assert_int_equal(bench.plan.allowed_since_base_mg, 0);
    assert_int_equal(bench.plan.last_closed_mg, -1);
    measure_year(&bench, 2021, 200 * T);
    plan(&bench, 2022);
    assert_false(bench.plan.years_closed_known); /* 2020 lacks */
    assert_int_equal(bench.plan.last_closed_mg, 73000 * T);
    put_history(&bench, 2020, 100 * T, 1);
    plan(&bench, 2022);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, 36600 * T + 73000 * T);
    assert_int_equal(bench.plan.allowed_since_base_mg, 95800 * T + 91600 * T);
    assert_int_equal(bench.plan.last_closed_mg, 73000 * T);
    assert_int_equal(bench.plan.last_year_mg[0], 6200 * T);
    plan(&bench, 2023);
    assert_false(bench.plan.years_closed_known); /* 2022 lacks */
    assert_int_equal(bench.plan.last_closed_mg, -1);
    fini(&bench);
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
    struct bench bench;
    make(&bench);
    bench.target.changes = changes;
    bench.target.changes_count = ARRAY_LEN(changes);
    put_history(&bench, 2020, 100 * T, 1);
    put_history(&bench, 2021, 200 * T, 1);
    plan(&bench, 2022);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.allowed_since_base_mg, 95800 * T + 80000 * T / 1000 * 916);
    fini(&bench);
}

/* Sums that 64 bits cannot hold are not known. */
static void test_closed_years_too_large(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    bench.target.base_mg = BASE_MG_MAX;
    for (int year = 2020; year < 2022; year++)
        for (int month = 1; month <= YEAR_MONTHS; month++)
            put_month(&bench, year, month, INT64_C(700000000000000000));
    plan(&bench, 2021);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, INT64_C(8400000000000000000));
    plan(&bench, 2022);
    assert_false(bench.plan.years_closed_known);
    fini(&bench);
}

/* The largest months that rows may have together make no year that 64 bits cannot hold. */
static void test_largest_months(void **state)
{
    (void)state;
    enum { PER_MONTH = 31 };
    struct bench bench;
    make(&bench);
    measure_year(&bench, 2018, BASE_MG_MAX / PER_MONTH);
    measure_year(&bench, 2019, BASE_MG_MAX / PER_MONTH);
    for (int month = 1; month <= YEAR_MONTHS; month++)
        put_month(&bench, 2020, month, BASE_MG_MAX);
    plan(&bench, 2020);
    assert_int_equal(bench.plan.last_year_mg[0], MONTH_MG_MAX);
    assert_int_equal(bench.plan.last_closed_mg, MONTH_MG_MAX * YEAR_MONTHS);
    assert_int_equal(bench.plan.shares.basis, SHARES_MEDIAN);
    plan(&bench, 2021);
    assert_int_equal(bench.plan.last_year_mg[0], -1); /* the history's are not bounded */
    fini(&bench);
}

/* Sundays do not count. A past year's months are divided by their own working days: an even year
 * stays even by working day. */
static void test_working_days(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    bench.input.days_off = SUNDAY;
    bench.input.nonworking = 0;
    for (int year = 2018; year <= 2019; year++) {
        struct civil_year civil = civil_year_named(year, 1);
        for (int i = 0; i < YEAR_MONTHS; i++) {
            int64_t working = 0;
            for (int32_t day = civil.month_first[i]; day < civil.month_first[i + 1]; day++)
                working += civil_weekday(day) != 6;
            put_month(&bench, year, i + 1, working * T);
        }
    }
    plan(&bench, 2025); /* it has 52 Sundays, 4 of them in January */
    assert_int_equal(bench.plan.shares.basis, SHARES_MEDIAN);
    expect_january(&bench, 27, 313);
    assert_int_equal(bench.plan.shares.day[4], 0); /* 5 January */
    assert_int_not_equal(bench.plan.shares.day[5], 0);
    fini(&bench);
}

/* The year 2025 of a target from April on: April 2024 to March 2025. */
static void test_year_from_april(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    bench.target.year_start = 4;
    bench.target.base_year = 2024;
    bench.target.base_mg = -1;
    put_history(&bench, 2023, 10 * T, 1); /* from April on */
    put_history(&bench, 2024, 20 * T, 1); /* up to March, and the year 2025 */
    plan(&bench, 2025);
    assert_int_equal(bench.plan.year.first_day, civil_day(2024, 4, 1));
    assert_int_equal(bench.line.versions[0].base_mg, 2750 * T + INT64_C(91) * 20 * T);
    assert_int_equal(bench.plan.shares.basis, SHARES_BASE_YEAR);
    assert_int_equal(bench.plan.last_year_mg[0], 300 * T);  /* April */
    assert_int_equal(bench.plan.last_year_mg[9], 620 * T);  /* January */
    assert_int_equal(bench.plan.last_year_mg[10], 580 * T); /* February */
    assert_int_equal(bench.plan.last_closed_mg, 2750 * T + INT64_C(91) * 20 * T);
    assert_int_equal(plan_past_years(&bench.input, 2025), 1); /* 2023 lacks its first months */
    measure(&bench, civil_day(2024, 4, 1), civil_day(2025, 4, 1), 30 * T);
    plan(&bench, 2026);
    assert_true(bench.plan.years_closed_known);
    assert_int_equal(bench.plan.emitted_since_base_mg, INT64_C(365) * 30 * T);
    fini(&bench);
}

/* The model follows the level of past years: the last of them is the last to be seen. */
static void test_level_of_past(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    for (int year = 2020; year < 2025; year++)
        put_history(&bench, year, (int64_t)(year - 2019) * 10 * T, 1);
    plan(&bench, 2025);
    assert_int_equal(bench.plan.residuals.months, 60);
    assert_in_range(bench.plan.residuals.level_mg, INT64_C(17000) * T,
                    19000 * T); /* 2024 emitted 18,300 t */
    fini(&bench);
}

/* Years before a gap tell nothing of this year's level, though they give shares. */
static void test_level_after_a_gap(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    put_history(&bench, 2018, 10 * T, 1);
    put_history(&bench, 2019, 10 * T, 1);
    put_history(&bench, 2020, 10 * T, 1);
    put_history(&bench, 2022, 90 * T, 1);
    put_history(&bench, 2023, 90 * T, 1);
    plan(&bench, 2024);
    assert_int_equal(bench.plan.residuals.months, 24);
    assert_in_range(bench.plan.residuals.level_mg, 32000 * T, 33500 * T);
    assert_int_equal(plan_past_years(&bench.input, 2024), 5);
    plan(&bench, 2022); /* 2021 lacks: the level of 2020 is not that of its end */
    assert_int_equal(bench.plan.residuals.months, 0);
    assert_int_equal(bench.plan.residuals.level_mg, -1);
    assert_int_equal(bench.plan.shares.basis, SHARES_MEDIAN);
    fini(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_years),
        cmocka_unit_test(test_one_year),
        cmocka_unit_test(test_which_years),
        cmocka_unit_test(test_earliest_year),
        cmocka_unit_test(test_measured),
        cmocka_unit_test(test_not_measured),
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_base_of_nothing),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_base_changed),
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_intensity),
        cmocka_unit_test(test_closed_years),
        cmocka_unit_test(test_closed_years_of_versions),
        cmocka_unit_test(test_closed_years_too_large),
        cmocka_unit_test(test_largest_months),
        cmocka_unit_test(test_working_days),
        cmocka_unit_test(test_year_from_april),
        cmocka_unit_test(test_level_of_past),
        cmocka_unit_test(test_level_after_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
