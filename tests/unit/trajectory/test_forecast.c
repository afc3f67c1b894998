/* Where the year ends, how sure that is, and what is still needed. */
#include "pipelines/trajectory/forecast.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TONNE INT64_C(1000000000)

/* Given weights: W is 0.1 at the end of January and 0.375 at the end of April. */
static const int64_t weights[YEAR_MONTHS] = {100000000, 100000000, 90000000, 85000000,
                                             78125000,  78125000,  78125000, 78125000,
                                             78125000,  78125000,  78125000, 78125000};

static void make_shares(struct shares *shares, const int64_t months[YEAR_MONTHS])
{
    struct civil_year year = civil_year_named(2025, 1);
    int64_t factors[YEAR_DAYS_MAX];
    for (int i = 0; i < YEAR_DAYS_MAX; i++)
        factors[i] = PART_ONE;
    if (months == NULL)
        shares_linear(shares, &year);
    else
        shares_given(shares, &year, factors, months);
}

static int last_day(int month)
{
    struct civil_year year = civil_year_named(2025, 1);
    return year.month_first[month] - year.month_first[month - 1];
}

/* The end of a day of 2025, nothing known of other years. */
static struct forecast_input input_of(const struct shares *shares, int64_t months[YEAR_MONTHS],
                                      int month, int day)
{
    struct forecast_input input = {.shares = shares,
                                   .month_mg = months,
                                   .day_of_year =
                                       civil_day(2025, month, day) - shares->year.first_day,
                                   .part = PART_ONE,
                                   .budget_mg = 74800 * TONNE,
                                   .share_min = 100000000,
                                   .residuals = {.deviation_mg = -1, .level_mg = -1}};
    for (int i = 0; i < month; i++)
        input.ytd_mg += months[i];
    return input;
}

static void test_worked_example(void **state)
{
    (void)state;
    struct shares shares;
    make_shares(&shares, weights);
    int64_t months[YEAR_MONTHS] = {7200 * TONNE, 7300 * TONNE, 6600 * TONNE, 6200 * TONNE};
    struct forecast_input input = input_of(&shares, months, 4, 30);
    struct forecast forecast;
    forecast_make(&forecast, &input);
    assert_true(forecast.given);
    assert_int_equal(forecast.share, 375000000);
    assert_int_equal(forecast.ratio_mg, 72800 * TONNE);
    assert_int_equal(forecast.deviation_mg, -1);
    assert_int_equal(forecast.probability, -1);
    assert_false(forecast.interval_given);
}

static void test_early_year(void **state)
{
    (void)state;
    struct shares shares;
    make_shares(&shares, weights);
    int64_t months[YEAR_MONTHS] = {7000 * TONNE};
    struct forecast forecast;
    struct forecast_input input = input_of(&shares, months, 1, 31);
    forecast_make(&forecast, &input);
    assert_true(forecast.given); /* exactly a tenth */
    assert_int_equal(forecast.ratio_mg, 70000 * TONNE);
    input.part = PART_ONE - PART_ONE / 1000;
    input.residuals = (struct residuals){.deviation_mg = TONNE, .months = 24};
    forecast_make(&forecast, &input);
    assert_false(forecast.given);
    assert_true(forecast.share > 99990000 && forecast.share < 100000000);
    assert_int_equal(forecast.probability, -1);
    assert_int_equal(forecast.used_up_day, -1);
    assert_false(forecast.interval_given);
    input.share_min = 0;
    input.day_of_year = 0;
    input.part = 0;
    forecast_make(&forecast, &input);
    assert_false(forecast.given); /* W is 0 */
}

/* All as planned: both rules say so. Then the level rises in July, and the model sees more of it.
 */
static void test_model(void **state)
{
    (void)state;
    struct shares shares;
    make_shares(&shares, weights);
    int64_t months[YEAR_MONTHS];
    for (int i = 0; i < YEAR_MONTHS; i++)
        months[i] = weights[i] * 70000;
    struct forecast forecast;
    for (int month = 1; month <= YEAR_MONTHS; month++) {
        struct forecast_input input = input_of(&shares, months, month, last_day(month));
        input.before_mg = 70000 * INT64_C(1000000000);
        forecast_make(&forecast, &input);
        assert_int_equal(forecast.ratio_mg, 70000 * TONNE);
        assert_true(llabs(forecast.model_mg - 70000 * TONNE) < 1000);
    }
    for (int i = 6; i < YEAR_MONTHS; i++)
        months[i] = months[i] / 20 * 21;
    int64_t year_mg = 0;
    for (int i = 0; i < YEAR_MONTHS; i++)
        year_mg += months[i];
    for (int month = 8; month < YEAR_MONTHS; month++) {
        struct forecast_input input = input_of(&shares, months, month, last_day(month));
        forecast_make(&forecast, &input);
        assert_true(forecast.model_mg > forecast.ratio_mg);
        assert_true(year_mg - forecast.model_mg < (year_mg - forecast.ratio_mg) * 9 / 10);
    }
    struct forecast_input input = input_of(&shares, months, 12, 31);
    forecast_make(&forecast, &input);
    assert_int_equal(forecast.model_mg, year_mg);
    assert_int_equal(forecast.ratio_mg, year_mg);
}

/* In February past years weigh more than two months; in October they do not. */
static void test_model_remembers(void **state)
{
    (void)state;
    struct shares shares;
    make_shares(&shares, weights);
    int64_t months[YEAR_MONTHS];
    for (int i = 0; i < YEAR_MONTHS; i++)
        months[i] = weights[i] * 77000;
    static const struct {
        int month;
        int64_t least, most;
    } cases[] = {{2, 70000 * TONNE, 74500 * TONNE}, {10, 76500 * TONNE, 77000 * TONNE}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct forecast_input input =
            input_of(&shares, months, cases[i].month, last_day(cases[i].month));
        input.residuals = (struct residuals){.deviation_mg = 300 * TONNE,
                                             .months = 36,
                                             .level_mg = 70000 * TONNE,
                                             .level_deviation_mg = 1500 * TONNE};
        struct forecast forecast;
        forecast_make(&forecast, &input);
        if (forecast.model_mg < cases[i].least || forecast.model_mg > cases[i].most)
            fail_msg("month %d: model %" PRId64, cases[i].month, forecast.model_mg);
    }
}

static void test_deviation(void **state)
{
    (void)state;
    struct shares shares;
    make_shares(&shares, weights);
    int64_t months[YEAR_MONTHS] = {7200 * TONNE, 7300 * TONNE, 6600 * TONNE, 6200 * TONNE};
    static const struct {
        const char *name;
        int day;
        int64_t part, open_mg, want;
    } cases[] = {
        {"eight months are left", 30, PART_ONE, 0, INT64_C(2828427120000)},
        {"half of April, too", 15, PART_ONE, 0, INT64_C(2915475950000)},
        {"half a day is part of it", 15, PART_ONE / 2, 0, INT64_C(2918332860000)},
        {"what is open, in quadrature", 30, PART_ONE, 1000 * TONNE, INT64_C(3000000000000)},
        {"below nothing is open", 30, PART_ONE, -5 * TONNE, INT64_C(2828427120000)},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct forecast_input input = input_of(&shares, months, 4, cases[i].day);
        input.part = cases[i].part;
        input.open_mg = cases[i].open_mg;
        input.residuals = (struct residuals){.deviation_mg = 1000 * TONNE, .months = 24};
        struct forecast forecast;
        forecast_make(&forecast, &input);
        if (forecast.deviation_mg != cases[i].want)
            fail_msg("%s: got %" PRId64, cases[i].name, forecast.deviation_mg);
        assert_true(forecast.interval_given);
        assert_true(forecast.low_mg < forecast.model_mg && forecast.model_mg < forecast.high_mg);
        assert_true(forecast.high_mg - forecast.low_mg > 2 * forecast.deviation_mg);
    }
}

static void test_probability(void **state)
{
    (void)state;
    struct shares shares;
    make_shares(&shares, weights);
    int64_t months[YEAR_MONTHS] = {7200 * TONNE, 7300 * TONNE, 6600 * TONNE, 6200 * TONNE};
    static const struct {
        const char *name;
        int64_t deviation_mg, open_mg, budget_mg;
        int32_t want;
    } cases[] = {
        /* F is 72,800; with nothing of months and 1,000 open, s_F is 1,000. */
        {"on budget", 0, 1000 * TONNE, 72800 * TONNE, 500},
        {"a deviation under it", 0, 1000 * TONNE, 73800 * TONNE, 159},
        {"two over it", 0, 1000 * TONNE, 70800 * TONNE, 977},
        {"just 0.9", 0, 1000 * TONNE, 71519 * TONNE, 900},
        {"just not 0.9", 0, 1000 * TONNE, 71524 * TONNE, 899},
        {"hopeless", 0, 1000 * TONNE, 1 * TONNE, 1000},
        {"safe", 0, 1000 * TONNE, INT64_MAX, 0},
        {"certain, over", 0, 0, 72800 * TONNE - 1, 1000},
        {"certain, on budget", 0, 0, 72800 * TONNE, 0},
        {"from months: 1,000 / sqrt(8) each", INT64_C(353553390593), 0, 73800 * TONNE, 159},
        {"months unknown", -1, 1000 * TONNE, 72800 * TONNE, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct forecast_input input = input_of(&shares, months, 4, 30);
        input.budget_mg = cases[i].budget_mg;
        input.open_mg = cases[i].open_mg;
        input.residuals = (struct residuals){.deviation_mg = cases[i].deviation_mg, .months = 24};
        struct forecast forecast;
        forecast_make(&forecast, &input);
        if (forecast.probability != cases[i].want)
            fail_msg("%s: got %d", cases[i].name, forecast.probability);
    }
}

/* The probability and the day go by the forecast that is asked for. */
static void test_by_model(void **state)
{
    (void)state;
    struct shares shares;
    make_shares(&shares, weights);
    int64_t months[YEAR_MONTHS];
    for (int i = 0; i < YEAR_MONTHS; i++)
        months[i] = weights[i] * (i < 5 ? 70000 : 84000);
    struct forecast_input input = input_of(&shares, months, 8, 31);
    input.residuals = (struct residuals){.deviation_mg = 100 * TONNE, .months = 24};
    struct forecast forecast;
    forecast_make(&forecast, &input);
    input.budget_mg = (forecast.model_mg + forecast.ratio_mg) / 2;
    forecast_make(&forecast, &input);
    assert_true(forecast.ratio_mg < input.budget_mg && input.budget_mg < forecast.model_mg);
    assert_true(forecast.probability < 500);
    assert_int_equal(forecast.used_up_day, -1);
    input.by_model = true;
    forecast_make(&forecast, &input);
    assert_true(forecast.probability > 500);
    assert_true(forecast.used_up_day > 334);
}

static void test_residuals(void **state)
{
    (void)state;
    static const int64_t even[YEAR_MONTHS] = {83333333, 83333333, 83333334, 83333333,
                                              83333333, 83333334, 83333333, 83333333,
                                              83333334, 83333333, 83333333, 83333334};
    struct past_year past[3] = {0};
    for (int year = 0; year < 3; year++)
        for (int month = 0; month < YEAR_MONTHS; month++)
            past[year].mg[month] = 100000000;
    past[0].mg[0] += 12000000;
    past[0].mg[1] -= 12000000;
    past[1].mg[0] -= 12000000;
    past[1].mg[1] += 12000000;
    struct residuals residuals = residuals_of(even, past, 1);
    assert_int_equal(residuals.deviation_mg, -1);
    assert_int_equal(residuals.months, 12);
    assert_int_equal(residuals.level_mg, -1);
    residuals = residuals_of(even, past, 0);
    assert_int_equal(residuals.deviation_mg, -1);
    residuals = residuals_of(even, past, 2);
    assert_int_equal(residuals.deviation_mg, 5004346); /* sqrt(4 * 12^2 / 23) */
    assert_int_equal(residuals.months, 24);
    assert_true(llabs(residuals.level_mg - 1200000000) < 12000000);
    residuals = residuals_of(even, past, 3);
    assert_int_equal(residuals.deviation_mg, 4056740); /* sqrt(4 * 12^2 / 35) */
    for (int month = 0; month < YEAR_MONTHS; month++)
        past[2].mg[month] = 130000000; /* all of a year higher: its months are as planned */
    residuals = residuals_of(even, past, 3);
    assert_int_equal(residuals.deviation_mg, 4056740);
    assert_true(residuals.level_mg > 1440000000 && residuals.level_mg <= 1560000000);
    assert_true(residuals.level_deviation_mg > 60000000);
}

static void test_used_up(void **state)
{
    (void)state;
    struct shares linear;
    make_shares(&linear, NULL);
    int64_t months[YEAR_MONTHS];
    for (int i = 0; i < YEAR_MONTHS; i++)
        months[i] = last_day(i + 1) * (1000 * TONNE);
    static const struct {
        const char *name;
        int64_t budget_t;
        int month;
        int32_t want;
    } cases[] = {
        {"exactly at the year's end is not beyond it", 365000, 6, -1},
        {"a day before", 364000, 6, 364},
        {"at the end of 1 July", 181500, 6, 181},
        {"on a day of a month that has passed", 40500, 6, 40},
        {"at the end of January it was not yet beyond", 31000, 6, 31},
        {"of 15 days, the last passes it", 180500, 6, 180},
        {"nothing was allowed", 0, 6, 0},
        {"less than nothing", -1, 6, 0},
        {"at the year's end it is known", 365000, 12, -1},
        {"and a tonne less is not enough", 364999, 12, 364},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct forecast_input input =
            input_of(&linear, months, cases[i].month, last_day(cases[i].month));
        input.budget_mg = cases[i].budget_t * TONNE;
        struct forecast forecast;
        forecast_make(&forecast, &input);
        if (forecast.used_up_day != cases[i].want)
            fail_msg("%s: got %d", cases[i].name, forecast.used_up_day);
    }
}

static void test_needed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t now, end, remaining;
        int years;
        struct needed want;
    } cases[] = {
        {"80,000 -> 53,800 in 5 years", 80000, 53800, 287800, 5, {true, 65500000, 93500000, false}},
        {"already there", 50000, 53800, 287800, 5, {true, -15200000, -50400000, false}},
        {"room", 80000, 53800, 400000, 5, {true, 65500000, 0, false}},
        {"one year", 80000, 60000, 60000, 1, {true, 250000000, 250000000, false}},
        {"budget gone, exactly", 80000, 53800, 160000, 5, {true, 65500000, 200000000, true}},
        {"not quite", 80000, 53800, 160001, 5, {true, 65500000, 199999167, false}},
        {"overspent", 80000, 53800, -80000, 5, {true, 65500000, 400000000, true}},
        {"no year is left", 80000, 53800, 287800, 0, {0}},
        {"nothing was emitted", 0, 53800, 287800, 5, {0}},
        {"a sink", -5, 53800, 287800, 5, {0}},
        {"the largest", INT64_MAX, INT64_MIN, INT64_MIN, INT32_MAX, {true, 1, 1, true}},
        {"a small one against a large one",
         1,
         INT64_MIN,
         INT64_MIN,
         1,
         {true, INT64_MAX, INT64_MAX, true}},
        {"and the other way", 1, INT64_MAX, INT64_MAX, 1, {true, -INT64_MAX, -INT64_MAX, false}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct needed got =
            needed_rates(cases[i].now, cases[i].end, cases[i].remaining, cases[i].years);
        if (got.to_end_known != cases[i].want.to_end_known || got.to_end != cases[i].want.to_end ||
            got.cumulative != cases[i].want.cumulative ||
            got.budget_gone != cases[i].want.budget_gone)
            fail_msg("%s: got %d, %" PRId64 ", %" PRId64 ", %d", cases[i].name, got.to_end_known,
                     got.to_end, got.cumulative, got.budget_gone);
    }
}

static void test_achieved(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t base, now, end;
        bool known;
        int64_t want;
    } cases[] = {
        {"100,000 -> 58,000, now 80,000", 100000, 80000, 58000, true, 476190476},
        {"rising", 100000, 110000, 58000, true, -238095238},
        {"beyond it", 100000, 37000, 58000, true, 1500000000},
        {"a target above the base", 100, 110, 120, true, 500000000},
        {"base and end are equal", 100, 90, 100, false, 0},
        {"bounded", INT64_MAX, INT64_MIN, INT64_MAX - 1, true, INT64_MAX},
        {"bounded below", INT64_MIN, INT64_MAX, INT64_MIN + 1, true, INT64_MAX},
        {"bounded, rising", 1, INT64_MAX, 0, true, -INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = 0;
        bool known = achieved_part(&got, cases[i].base, cases[i].now, cases[i].end);
        if (known != cases[i].known || got != cases[i].want)
            fail_msg("%s: got %d, %" PRId64, cases[i].name, known, got);
    }
}

static void test_round_9(void **state)
{
    (void)state;
    static const struct {
        double value, want;
    } cases[] = {
        {0, 0},
        {1, 1},
        {123456788.5, 123456788}, /* half to even */
        {123456789.5, 123456790},
        {-123456789.5, -123456790},
        {1.0 / 3, 0.333333333},
        {-2.0 / 3, -0.666666667},
        {99999999.95, 100000000},
        {999999999.4, 999999999},
        {1234567891e20, 1.23456789e29},
        {1.7976931348623157e308, 1.79769313e308},
        {2.2250738585072014e-308, 2.22507386e-308},
        {4.9406564584124654e-324, 4.9406564584124654e-324},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double got = round_9(cases[i].value);
        if (got != cases[i].want)
            fail_msg("%.17g: got %.17g", cases[i].value, got);
    }
    assert_true(isnan(round_9(NAN)));
    assert_true(isinf(round_9(INFINITY)));
}

static void check_bounds(const struct forecast *forecast)
{
    assert_in_range(forecast->share, 0, PART_ONE);
    assert_true(forecast->probability >= -1 && forecast->probability <= 1000);
    assert_true(forecast->used_up_day >= -1 && forecast->used_up_day < YEAR_DAYS_MAX);
    assert_true(forecast->deviation_mg >= -1);
    assert_true(!forecast->interval_given || forecast->low_mg <= forecast->high_mg);
}

/* Every mixture of extremes, also of those that no caller has. The sanitizers look on. */
static void test_extremes(void **state)
{
    (void)state;
    static const int64_t extremes[] = {INT64_MIN, -1, 0, 1, 74800 * TONNE, INT64_MAX};
    enum { COUNT = ARRAY_LEN(extremes), MIXTURES = COUNT * COUNT * COUNT * COUNT * COUNT };
    struct shares plans[2];
    make_shares(&plans[0], weights);
    static const int64_t one_month[YEAR_MONTHS] = {[5] = PART_ONE};
    make_shares(&plans[1], one_month);
    static const int32_t days[] = {0, 31, 165, 180, 364};
    for (int mixture = 0; mixture < MIXTURES; mixture++) {
        int left = mixture;
        int64_t value[5];
        for (int i = 0; i < 5; i++, left /= COUNT)
            value[i] = extremes[left % (int)COUNT];
        int64_t months[YEAR_MONTHS];
        for (int i = 0; i < YEAR_MONTHS; i++)
            months[i] = value[0];
        struct forecast_input input = {.shares = &plans[mixture % 2],
                                       .month_mg = months,
                                       .day_of_year = days[mixture % (int)ARRAY_LEN(days)],
                                       .part = mixture % 3 * INT64_C(500000000),
                                       .ytd_mg = value[1],
                                       .budget_mg = value[2],
                                       .before_mg = value[3],
                                       .open_mg = value[4],
                                       .by_model = mixture % 7 < 3,
                                       .residuals = {.deviation_mg = value[3] < -1 ? -1 : value[3],
                                                     .months = mixture % 2 == 0 ? 24 : 0,
                                                     .level_mg = value[4],
                                                     .level_deviation_mg = value[2]}};
        struct forecast forecast;
        forecast_make(&forecast, &input);
        check_bounds(&forecast);
    }
}

static void test_residual_extremes(void **state)
{
    (void)state;
    static const int64_t extremes[] = {INT64_MIN, 0, INT64_MAX};
    for (int mixture = 0; mixture < 27; mixture++) {
        struct past_year past[3];
        for (int month = 0; month < YEAR_MONTHS; month++) {
            past[0].mg[month] = extremes[mixture % 3];
            past[1].mg[month] = extremes[mixture / 3 % 3];
            past[2].mg[month] = extremes[(mixture / 9 + month) % 3];
        }
        struct residuals residuals = residuals_of(weights, past, 3);
        assert_true(residuals.deviation_mg >= 0);
        assert_true(residuals.level_deviation_mg >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_example), cmocka_unit_test(test_early_year),
        cmocka_unit_test(test_model),          cmocka_unit_test(test_model_remembers),
        cmocka_unit_test(test_deviation),      cmocka_unit_test(test_probability),
        cmocka_unit_test(test_by_model),       cmocka_unit_test(test_residuals),
        cmocka_unit_test(test_used_up),        cmocka_unit_test(test_needed),
        cmocka_unit_test(test_achieved),       cmocka_unit_test(test_round_9),
        cmocka_unit_test(test_extremes),       cmocka_unit_test(test_residual_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
