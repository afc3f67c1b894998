/* The output of `ghgd trajectory` for a subject, byte by byte. */
#include "daemon/trajectory/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"

#define T INT64_C(1000000000) /* a tonne in milligrams */
enum { TEXT_MAX = 1 << 16, DAYS_MAX = 4 };

#define HEADS                                                                                      \
    "target,day,stamp,base_version,budget_kg,share,due_kg,ytd_kg,ytd_estimated_kg,coverage,"       \
    "unmetered_scopes,slip_percent,forecast_kg,forecast_low_kg,forecast_high_kg,forecast_ratio_"   \
    "kg,"                                                                                          \
    "miss_probability,used_up,trailing_kg,achieved,overshoot_kg,needed_to_end,needed_cumulative,"  \
    "budget_gone,counted,level,event,number\n"

/* A subject of a group, judged on the last days of January, February and on 2 March 2025. */
struct bench {
    struct registry registry;
    struct config config;
    struct target target;
    struct judged_day days[DAYS_MAX];
    struct target_subject subject;
    struct buffer out;
};

static struct judged_day day_of(int month, int of_month, int64_t ytd_mg, int32_t slip)
{
    int32_t day = civil_day(2025, month, of_month);
    return (struct judged_day){
        .row = {.stamp_ms = (day + 1) * DAY_MS + 65 * MINUTE_MS,
                .day = day,
                .closed = true,
                .base_version = 1,
                .base_mg = 100000 * T,
                .budget_mg = 74800 * T,
                .share = 250000000,
                .due_mg = 18700 * T,
                .ytd_mg = ytd_mg,
                .covered_ms = 2,
                .expected_ms = 3,
                .slip = slip,
                .trailing_mg = -1,
                .forecast = {.deviation_mg = -1, .probability = -1, .used_up_day = -1},
                .needed = {.cumulative = INT64_MIN},
                .achieved = INT64_MIN,
                .overshoot_mg = INT64_MIN}};
}

static void make(struct bench *bench)
{
    *bench = (struct bench){
        .registry = {.group_levels = {"region"}},
        .target = {.id = "north",
                   .name = "cn",
                   .level = TARGET_GROUP,
                   .scopes = 1 << 1 | 1 << 2,
                   .approach = APPROACH_EQUITY,
                   .year_start = 1,
                   .form = TARGET_LINEAR,
                   .base_year = 2019,
                   .target_year = 2030},
        .days = {day_of(1, 30, 1 * T, INT32_MIN), day_of(1, 31, 18000 * T, -374),
                 day_of(2, 28, 18701234499999, 1), day_of(3, 2, 18701234500000, 12345)}};
    bench->config.registry = &bench->registry;
    bench->config.trajectory.share_min = PART_ONE / 10;
    bench->config.trajectory.coverage_min = 800000000;
    bench->subject = (struct target_subject){.target = &bench->target,
                                             .known_day = bench->days[0].row.day,
                                             .final_day = bench->days[3].row.day,
                                             .plan.year = civil_year_named(2025, 1),
                                             .outcome = PLAN_MADE,
                                             .plan.shares.years = 4,
                                             .plan.past_years = 5,
                                             .days = bench->days,
                                             .days_count = DAYS_MAX};
    buffer_init(&bench->out, TEXT_MAX);
}

static void fini(struct bench *bench)
{
    buffer_fini(&bench->out);
}

static void expect(struct bench *bench, enum report_format format, const char *want)
{
    buffer_clear(&bench->out);
    report_add(&bench->out, format, &bench->config, &bench->subject);
    assert_string_equal(buffer_text(&bench->out), want);
}

/* The last row knows all that a row may know. */
static void know_all(struct bench *bench)
{
    struct course_row *row = &bench->days[3].row;
    row->base_version = 2;
    row->counted = true;
    row->estimated_mg = 1;
    row->level = ALERT_CRITICAL;
    row->forecast = (struct forecast){.given = true,
                                      .ratio_mg = 74804938000000,
                                      .model_mg = 74804938000001,
                                      .deviation_mg = 0,
                                      .low_mg = -1,
                                      .high_mg = INT64_MAX,
                                      .probability = 1000,
                                      .used_up_day = 364};
    row->trailing_mg = 70000 * T + 1;
    row->needed = (struct needed){true, 65500000, 93449000, false};
    row->achieved = -4761905;
    row->overshoot_mg = -12 * T - 500001;
    bench->days[3].transition = (struct course_transition){.event = COURSE_ENTERED,
                                                           .from = ALERT_OK,
                                                           .to = ALERT_CRITICAL,
                                                           .base_version = 2,
                                                           .number = 7};
}

static void test_formats(void **state)
{
    (void)state;
    assert_int_equal(report_format_find("text"), REPORT_TEXT);
    assert_int_equal(report_format_find("csv"), REPORT_CSV);
    assert_int_equal(report_format_find("json"), REPORT_JSON);
    static const char *const none[] = {"", "xml", "CSV", "json ", "tex"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(report_format_find(none[i]), -1);
}

static void test_heads(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, TEXT_MAX);
    report_add_heads(&out, REPORT_TEXT);
    report_add_heads(&out, REPORT_JSON);
    assert_int_equal(out.size, 0);
    report_add_heads(&out, REPORT_CSV);
    assert_string_equal(buffer_text(&out), HEADS);
    buffer_fini(&out);
}

static void test_csv(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    know_all(&bench);
    bench.days[1].transition.number = 6; /* of no event */
    bench.days[1].row.expected_ms = -1;  /* coverage of nothing is not known */
    bench.days[2].transition.event = COURSE_RETRACTED;
    expect(&bench, REPORT_CSV,
           "north,2025-01-30,2025-01-31T01:05:00Z,1,74800000,0.25,18700000,1000,0,0.666666667,,"
           ",,,,,,,,,,,,,0,ok,,\n"
           "north,2025-01-31,2025-02-01T01:05:00Z,1,74800000,0.25,18700000,18000000,0,,"
           ",-3.74,,,,,,,,,,,,,0,ok,,\n"
           "north,2025-02-28,2025-03-01T01:05:00Z,1,74800000,0.25,18700000,18701234.499999,0,"
           "0.666666667,,0.01,,,,,,,,,,,,,0,ok,retracted,0\n"
           "north,2025-03-02,2025-03-03T01:05:00Z,2,74800000,0.25,18700000,18701234.5,0.000001,"
           "0.666666667,,123.45,74804938.000001,-0.000001,9223372036854.775807,74804938,1,"
           "2025-12-31,70000000.000001,-0.004761905,-12000.500001,0.0655,0.093449,0,1,"
           "critical,entered,7\n");
    fini(&bench);
}

static void test_json(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    know_all(&bench);
    bench.subject.days = &bench.days[2];
    bench.subject.days_count = 2;
    bench.subject.unmetered = 1 << 3;
    bench.days[2].row.slip = -1;
    bench.days[2].row.expected_ms = 0;
    bench.days[2].row.level = ALERT_WARNING;
    expect(&bench, REPORT_JSON,
           "{\"target\":\"north\",\"day\":\"2025-02-28\",\"stamp\":\"2025-03-01T01:05:00Z\","
           "\"base_version\":1,\"budget_kg\":74800000,\"share\":0.25,\"due_kg\":18700000,"
           "\"ytd_kg\":18701234.499999,\"ytd_estimated_kg\":0,\"coverage\":null,"
           "\"unmetered_scopes\":\"3\",\"slip_percent\":-0.01,\"forecast_kg\":null,\"forecast_low_"
           "kg\":null,"
           "\"forecast_high_kg\":null,\"forecast_ratio_kg\":null,\"miss_probability\":null,"
           "\"used_up\":null,\"trailing_kg\":null,\"achieved\":null,\"overshoot_kg\":null,"
           "\"needed_to_end\":null,\"needed_cumulative\":null,\"budget_gone\":null,"
           "\"counted\":0,\"level\":\"warning\",\"event\":\"\",\"number\":null}\n"
           "{\"target\":\"north\",\"day\":\"2025-03-02\",\"stamp\":\"2025-03-03T01:05:00Z\","
           "\"base_version\":2,\"budget_kg\":74800000,\"share\":0.25,\"due_kg\":18700000,"
           "\"ytd_kg\":18701234.5,\"ytd_estimated_kg\":0.000001,\"coverage\":0.666666667,"
           "\"unmetered_scopes\":\"3\",\"slip_percent\":123.45,"
           "\"forecast_kg\":74804938.000001,"
           "\"forecast_low_kg\":-0.000001,\"forecast_high_kg\":9223372036854.775807,"
           "\"forecast_ratio_kg\":74804938,\"miss_probability\":1,\"used_up\":\"2025-12-31\","
           "\"trailing_kg\":70000000.000001,\"achieved\":-0.004761905,"
           "\"overshoot_kg\":-12000.500001,\"needed_to_end\":0.0655,"
           "\"needed_cumulative\":0.093449,\"budget_gone\":0,\"counted\":1,"
           "\"level\":\"critical\",\"event\":\"entered\",\"number\":7}\n");
    fini(&bench);
}

/* A forecast without an interval and a probability has its two masses. A forecast that is not given
 * has no number, whatever else stands there. */
static void test_parts_of_forecasts(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    know_all(&bench);
    bench.subject.days = &bench.days[3];
    bench.subject.days_count = 1;
    bench.days[3].row.forecast.deviation_mg = -1;
    bench.days[3].row.forecast.probability = -1;
    expect(&bench, REPORT_CSV,
           "north,2025-03-02,2025-03-03T01:05:00Z,2,74800000,0.25,18700000,18701234.5,0.000001,"
           "0.666666667,,123.45,74804938.000001,,,74804938,,2025-12-31,70000000.000001,"
           "-0.004761905,-12000.500001,0.0655,0.093449,0,1,critical,entered,7\n");
    bench.days[3].row.forecast.deviation_mg = 1;
    bench.days[3].row.forecast.probability = 1;
    bench.days[3].row.forecast.given = false;
    expect(&bench, REPORT_CSV,
           "north,2025-03-02,2025-03-03T01:05:00Z,2,74800000,0.25,18700000,18701234.5,0.000001,"
           "0.666666667,,123.45,,,,,,,70000000.000001,-0.004761905,-12000.500001,0.0655,"
           "0.093449,0,1,critical,entered,7\n");
    fini(&bench);
}

#define NEEDED_AFTER                                                                               \
    "north,2025-03-02,2025-03-03T01:05:00Z,2,74800000,0.25,18700000,18701234.5,0.000001,"          \
    "0.666666667,1+2,123.45,74804938.000001,-0.000001,9223372036854.775807,74804938,1,"            \
    "2024-04-01,70000000.000001,-0.004761905,-12000.500001,"

/* The end point alone is known, or the budget of all years is gone. The year begins in April, and
 * no scope has a meter. */
static void test_parts_of_needs(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    know_all(&bench);
    bench.target.year_start = 4;
    bench.subject.unmetered = 1 << 1 | 1 << 2;
    bench.subject.days = &bench.days[3];
    bench.subject.days_count = 1;
    struct course_row *row = &bench.days[3].row;
    row->forecast.used_up_day = 0;
    row->needed.cumulative = INT64_MIN;
    expect(&bench, REPORT_CSV, NEEDED_AFTER "0.0655,,,1,critical,entered,7\n");
    row->needed = (struct needed){true, -1, PART_ONE, true};
    expect(&bench, REPORT_CSV, NEEDED_AFTER "-0.000000001,1,1,1,critical,entered,7\n");
    row->needed.to_end_known = false;
    expect(&bench, REPORT_CSV, NEEDED_AFTER ",,,1,critical,entered,7\n");
    fini(&bench);
}

/* Text shows the coverage of nothing as 0, and of too much as what 64 bits hold. */
static void test_extreme_coverage(void **state)
{
    (void)state;
    static const struct {
        int64_t covered_ms, expected_ms;
        const char *want;
    } cases[] = {{5, 0, " 0.00 %;"},
                 {5, -1, " 0.00 %;"},
                 {-5, 2, " 0.00 %;"},
                 {3, 2, " 150.00 %;"},
                 {INT64_MAX, 1, " 922337203685.48 %;"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        char want[64];
        make(&bench);
        bench.days[3].row.covered_ms = cases[i].covered_ms;
        bench.days[3].row.expected_ms = cases[i].expected_ms;
        report_add(&bench.out, REPORT_TEXT, &bench.config, &bench.subject);
        (void)snprintf(want, sizeof(want), "; coverage%s", cases[i].want);
        if (strstr(buffer_text(&bench.out), want) == NULL)
            fail_msg("%s: %s", cases[i].want, buffer_text(&bench.out));
        fini(&bench);
    }
}

#define MONTHS                                                                                     \
    "  up to             emitted t            due t       slip       forecast t      P   "         \
    "coverage  level\n"
#define JANUARY                                                                                    \
    "  2025-01-31        18000.000        18700.000    -3.74 %                -      -    "        \
    "66.67 %  ok\n"
#define FEBRUARY                                                                                   \
    "  2025-02-28        18701.234        18700.000    +0.01 %                -      -    "        \
    "66.67 %  ok\n"

/* Masses are rounded to the kilogram, half to even. */
static void test_text(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    know_all(&bench);
    bench.subject.plan.shares.basis = SHARES_MEDIAN;
    bench.days[0].transition = (struct course_transition){.event = COURSE_LEFT,
                                                          .from = ALERT_WARNING,
                                                          .to = ALERT_WATCH,
                                                          .base_version = 1,
                                                          .number = 6};
    expect(&bench, REPORT_TEXT,
           "north: region cn, scope 1 2, equity share\n"
           "  budget of 2025: 74800.000 t (base 100000.000 t in 2019, version 2), over the year by "
           "the median of past years (4)\n"
           "  up to 2025-03-02: 18701.234 t of 18700.000 t due, +123.45 %; coverage 66.67 %; level "
           "critical\n"
           "  forecast of the year: 74804.938 t (80 %: 0.000 to 9223372036.855); year to date by "
           "share: 74804.938 t; probability of a miss 1.000; the budget is used up on 2025-12-31\n"
           "  last twelve complete months: 70000.000 t\n"
           "  achieved of the target by 2024: -0.48 %\n"
           "  emitted beyond what was allowed since 2019: -12.001 t\n"
           "  needed a year up to 2030: 6.55 % of last year's emissions, 9.34 % for the budget of "
           "all years together\n" MONTHS JANUARY FEBRUARY
           "  2025-03-02        18701.234        18700.000  +123.45 %        74804.938  1.000    "
           "66.67 %  critical\n"
           "  2025-01-30: warning -> watch, at - (north-1-6)\n"
           "  2025-03-02: ok -> critical, at +123.45 % (north-2-7)\n");
    fini(&bench);
}

/* A forecast says which months an interval and a probability lack. */
static void test_text_without_interval(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    know_all(&bench);
    struct forecast *forecast = &bench.days[3].row.forecast;
    forecast->deviation_mg = -1;
    forecast->probability = -1;
    forecast->used_up_day = -1;
    bench.subject.plan.residuals.months = 12;
    report_add(&bench.out, REPORT_TEXT, &bench.config, &bench.subject);
    assert_non_null(strstr(
        buffer_text(&bench.out),
        "  forecast of the year: 74804.938 t; year to date by share: 74804.938 t; no interval and "
        "no probability of a miss: 24 months of the years up to this one are needed, known are "
        "12\n"));
    fini(&bench);
}

/* Nothing is printed of what is not known. */
static void test_text_of_little(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    bench.target.level = TARGET_ALL;
    bench.target.scopes = 1 << 3;
    bench.target.approach = APPROACH_CONTROL;
    bench.subject.days_count = 1;
    bench.subject.plan.past_years = 1;
    expect(&bench, REPORT_TEXT,
           "north: all facilities, scope 3, control\n"
           "  budget of 2025: 74800.000 t (base 100000.000 t in 2019, version 1), over the year by "
           "every day alike, as no two years of the past are known\n"
           "  up to 2025-01-30: 1.000 t of 18700.000 t due, -; coverage 66.67 %; level ok (the day "
           "does not count: coverage is below trajectory.coverage_min of 80%; nothing is due "
           "yet)\n" MONTHS
           "  2025-01-30            1.000        18700.000          -                -      -    "
           "66.67 %  ok\n");
    fini(&bench);
}

static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *want;
        int64_t share, covered_ms, expected_ms, budget_mg, ytd_mg;
        int form;
        int32_t slip;
    } cases[] = {
        {"W is 9.9999999%, below trajectory.share_min of 10%", PART_ONE / 10 - 1, 8, 10, T, T,
         TARGET_LINEAR, 5},
        {"W is 2%, below trajectory.share_min of 10%", PART_ONE / 50, 8, 10, T, T, TARGET_LINEAR,
         5},
        {"coverage is below trajectory.coverage_min of 80%", PART_ONE / 10, 799999, 1000000, T, T,
         TARGET_LINEAR, 5},
        {"nothing is expected of its meters: deliveries need expected_every", PART_ONE / 10, 0, 0,
         T, T, TARGET_LINEAR, 5},
        {"nothing is due yet", PART_ONE / 10, 8, 10, T, T, TARGET_LINEAR, INT32_MIN},
        {"the budget is 0", PART_ONE / 10, 8, 10, 0, 0, TARGET_LINEAR, INT32_MIN},
        {"the budget is 0, and there are emissions", PART_ONE / 10, 8, 10, 0, 1, TARGET_LINEAR,
         INT32_MIN},
        {"nothing is due, as nothing was produced", PART_ONE / 10, 8, 10, 0, 1, TARGET_INTENSITY,
         INT32_MIN},
        {"W is 0%, below trajectory.share_min of 10%; coverage is below "
         "trajectory.coverage_min of 80%; the budget is 0, and there are emissions",
         0, 7, 10, 0, 1, TARGET_LINEAR, INT32_MIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        char want[300];
        make(&bench);
        bench.target.form = (uint8_t)cases[i].form;
        struct course_row *row = &bench.days[3].row;
        row->share = cases[i].share;
        row->covered_ms = cases[i].covered_ms;
        row->expected_ms = cases[i].expected_ms;
        row->budget_mg = cases[i].budget_mg;
        row->ytd_mg = cases[i].ytd_mg;
        row->slip = cases[i].slip;
        report_add(&bench.out, REPORT_TEXT, &bench.config, &bench.subject);
        (void)snprintf(want, sizeof(want), "; level ok (the day does not count: %s)\n",
                       cases[i].want);
        if (strstr(buffer_text(&bench.out), want) == NULL)
            fail_msg("%s: %s", cases[i].want, buffer_text(&bench.out));
        row->counted = true;
        buffer_clear(&bench.out);
        report_add(&bench.out, REPORT_TEXT, &bench.config, &bench.subject);
        assert_null(strstr(buffer_text(&bench.out), "does not count"));
        fini(&bench);
    }
}

/* Past years without emissions are not those that shares are of. */
static void test_bases_of_shares(void **state)
{
    (void)state;
    static const struct {
        enum shares_basis basis;
        uint32_t past_years, whole_years;
        const char *want;
    } cases[] = {
        {SHARES_LINEAR, 0, 0, "every day alike, as no two years of the past are known"},
        {SHARES_LINEAR, 1, 0, "every day alike, as no two years of the past are known"},
        {SHARES_LINEAR, 1, 3,
         "every day alike, as no two years of the past are known by months (as a whole: 3; add "
         "their months to tables.history, or weights to tables.weights)"},
        {SHARES_LINEAR, 2, 0, "every day alike, as past years have no emissions to go by"},
        {SHARES_BASE_YEAR, 1, 1, "the months of the base year"},
        {SHARES_BASE_YEAR, 2, 0, "the months of the one past year that has emissions"},
        {SHARES_MEDIAN, 5, 2, "the median of past years (4)"},
        {SHARES_GIVEN, 5, 1, "weights that are given"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        char want[200];
        make(&bench);
        bench.subject.plan.whole_years = cases[i].whole_years;
        bench.subject.plan.shares.basis = cases[i].basis;
        bench.subject.plan.past_years = cases[i].past_years;
        report_add(&bench.out, REPORT_TEXT, &bench.config, &bench.subject);
        (void)snprintf(want, sizeof(want), "over the year by %s\n", cases[i].want);
        if (strstr(buffer_text(&bench.out), want) == NULL)
            fail_msg("%s: %s", cases[i].want, buffer_text(&bench.out));
        fini(&bench);
    }
}

/* The months of the plan's year are listed, and no others. */
static void test_text_of_two_years(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    bench.target.level = TARGET_FACILITY;
    bench.subject.plan.year = civil_year_named(2026, 3); /* from March 2025 on */
    bench.subject.plan.shares.basis = SHARES_GIVEN;
    bench.days[3].row.counted = true;
    bench.days[3].row.needed = (struct needed){true, -10000000, INT64_MIN, false};
    expect(&bench, REPORT_TEXT,
           "north: facility cn, scope 1 2, equity share\n"
           "  budget of 2026: 74800.000 t (base 100000.000 t in 2019, version 1), over the year by "
           "weights that are given\n"
           "  up to 2025-03-02: 18701.234 t of 18700.000 t due, +123.45 %; coverage 66.67 %; level "
           "ok\n"
           "  needed a year up to 2030: -1.00 % of last year's emissions\n" MONTHS
           "  2025-03-02        18701.234        18700.000  +123.45 %                -      -    "
           "66.67 %  ok\n");
    fini(&bench);
}

static void test_text_of_an_intensity(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    bench.target.form = TARGET_INTENSITY;
    bench.subject.days_count = 2;
    bench.subject.unmetered = 1 << 1 | 1 << 2;
    bench.days[1].row.counted = true;
    bench.days[1].row.needed = (struct needed){true, 65500000, 0, true};
    expect(&bench, REPORT_TEXT,
           "north: region cn, scope 1 2, equity share\n"
           "  budget of 2025: by production\n"
           "  up to 2025-01-31: 18000.000 t of 18700.000 t due, -3.74 %; coverage 66.67 %; level "
           "ok; no meter has scope 1 or 2, which counts as 0 t\n"
           "  needed a year up to 2030: 6.55 % of last year's emissions; the budget of all years "
           "together is used up\n" MONTHS JANUARY);
    fini(&bench);
}

/* Rows of closed years are no course of a year that has none. */
static void test_rows_of_closed_years(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench);
    know_all(&bench);
    bench.subject.plan.year = civil_year_named(2026, 1);
    expect(&bench, REPORT_TEXT,
           "north: region cn, scope 1 2, equity share\n"
           "  nothing to judge: it allows emissions of 2020 to 2030\n");
    bench.target.form = TARGET_INTENSITY; /* without a path */
    expect(&bench, REPORT_TEXT,
           "north: region cn, scope 1 2, equity share\n"
           "  nothing to judge: it allows emissions of 2030 only, as it has no path\n");
    bench.target.path_count = 1;
    expect(&bench, REPORT_TEXT,
           "north: region cn, scope 1 2, equity share\n"
           "  nothing to judge: it allows emissions of 2020 to 2030\n");
    bench.subject.first_day = bench.subject.plan.year.first_day + 1;
    expect(&bench, REPORT_TEXT,
           "north: region cn, scope 1 2, equity share\n"
           "  nothing to judge: 2026 began before the days that are read\n");
    fini(&bench);
}

static void test_nothing_to_judge(void **state)
{
    (void)state;
    static const struct {
        enum plan_outcome outcome;
        uint32_t days;
        bool final;
        const char *want;
    } cases[] = {
        {PLAN_NOT_ALLOWED, 0, false, "  no day of it is final in the database yet\n"},
        {PLAN_BASE_UNKNOWN, 0, true,
         "  no base: not every day of 2019 was measured, and the history lacks some; add rows to "
         "tables.history, or base_t to the target\n"},
        {PLAN_BASE_UNKNOWN, 2, true,
         "  no base: not every day of 2019 was measured, and the history lacks some; add rows to "
         "tables.history, or base_t to the target\n"},
        {PLAN_BASE_CHANGED, 2, true,
         "  no base: what was measured in 2019, with the changes of tables.base_changes, leaves "
         "none "
         "that is above 0, and at most 1000000000 t\n"},
        {PLAN_NOT_ALLOWED, 0, true, "  nothing to judge: it allows emissions of 2020 to 2030\n"},
        {PLAN_NOT_ALLOWED, 2, true, "  nothing to judge: it allows emissions of 2020 to 2030\n"},
        {PLAN_MADE, 0, true, "  nothing to judge: it allows emissions of 2020 to 2030\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        make(&bench);
        bench.subject.outcome = cases[i].outcome;
        bench.subject.days_count = cases[i].days;
        if (!cases[i].final)
            bench.subject.final_day = INT32_MIN;
        struct buffer want;
        buffer_init(&want, TEXT_MAX);
        buffer_printf(&want, "north: region cn, scope 1 2, equity share\n%s", cases[i].want);
        expect(&bench, REPORT_TEXT, buffer_text(&want));
        buffer_fini(&want);
        bench.subject.days_count = 0;
        expect(&bench, REPORT_CSV, "");
        expect(&bench, REPORT_JSON, "");
        fini(&bench);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_parts_of_forecasts),
        cmocka_unit_test(test_parts_of_needs),
        cmocka_unit_test(test_extreme_coverage),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_without_interval),
        cmocka_unit_test(test_text_of_little),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_bases_of_shares),
        cmocka_unit_test(test_text_of_two_years),
        cmocka_unit_test(test_text_of_an_intensity),
        cmocka_unit_test(test_rows_of_closed_years),
        cmocka_unit_test(test_nothing_to_judge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
