/* How a year is planned: shares of months and days. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/trajectory/shares.h"

static void fill(int64_t factors[YEAR_DAYS_MAX], int64_t factor)
{
    for (int i = 0; i < YEAR_DAYS_MAX; i++)
        factors[i] = factor;
}

/* Every day of a month gets the factor. */
static void fill_month(int64_t factors[], const struct civil_year *year, int month, int64_t factor)
{
    for (int32_t day = year->month_first[month]; day < year->month_first[month + 1]; day++)
        factors[day - year->first_day] = factor;
}

/* Shares of months sum to PART_ONE, those of days to their months, and none is below 0. */
static void check_sums(const struct shares *shares)
{
    int64_t sum = 0;
    for (int month = 0; month < YEAR_MONTHS; month++) {
        int64_t days = 0;
        for (int32_t day = shares->year.month_first[month];
             day < shares->year.month_first[month + 1]; day++) {
            assert_true(shares->day[day - shares->year.first_day] >= 0);
            days += shares->day[day - shares->year.first_day];
        }
        assert_int_equal(days, shares->month[month]);
        sum += days;
    }
    assert_int_equal(sum, PART_ONE);
    assert_int_equal(shares_until(shares, shares->year.days - 1), PART_ONE);
    assert_int_equal(shares_until(shares, -1), 0);
}

static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t whole, weights[4];
        uint32_t count;
        int64_t want[4];
    } cases[] = {
        {"thirds: the first gets what is left", 100, {1, 1, 1}, 3, {34, 33, 33}},
        {"two are left, ties to the earlier", 101, {1, 1, 1}, 3, {34, 34, 33}},
        {"the largest rest wins over an earlier one", 10, {1, 2, 3}, 3, {2, 3, 5}},
        {"a rest of two thirds before one of one third", 1, {1, 2}, 2, {0, 1}},
        {"nothing to cut", 0, {5, 7}, 2, {0, 0}},
        {"a weight of nothing gets nothing", 7, {0, 1, 0, 1}, 4, {0, 4, 0, 3}},
        {"one takes all", INT64_MAX, {1}, 1, {INT64_MAX}},
        {"large numbers",
         INT64_MAX,
         {INT64_C(1) << 60, INT64_C(1) << 60},
         2,
         {INT64_C(1) << 62, (INT64_C(1) << 62) - 1}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t parts[4] = {0};
        shares_cut(parts, cases[i].whole, cases[i].weights, cases[i].count);
        for (uint32_t k = 0; k < cases[i].count; k++) {
            if (parts[k] != cases[i].want[k])
                fail_msg("%s: part %" PRIu32 " is %" PRId64 ", not %" PRId64, cases[i].name, k,
                         parts[k], cases[i].want[k]);
        }
    }
}

/* 1e9 / 365 is 2,739,726.03: ten parts are left, for the first ten days. */
static void test_linear(void **state)
{
    (void)state;
    struct shares shares;
    struct civil_year year = civil_year_named(2026, 1);
    shares_linear(&shares, &year);
    check_sums(&shares);
    assert_int_equal(shares.basis, SHARES_LINEAR);
    assert_int_equal(shares.day[0], 2739727);
    assert_int_equal(shares.day[9], 2739727);
    assert_int_equal(shares.day[10], 2739726);
    assert_int_equal(shares.day[364], 2739726);
    assert_int_equal(shares.month[0], 31 * 2739726 + 10);
    assert_int_equal(shares.month[1], 28 * 2739726);
    assert_int_equal(shares_until(&shares, 119), 120 * 2739726 + 10); /* 30 April */

    year = civil_year_named(2028, 1);
    shares_linear(&shares, &year);
    check_sums(&shares);
    assert_int_equal(shares.day[159], 2732241); /* 160 parts are left */
    assert_int_equal(shares.day[160], 2732240);
    assert_int_equal(shares.day[365], 2732240);
    assert_int_equal(shares.month[1], 29 * 2732241);
}

/* April to March: months are in the order of the year, and February comes eleventh. */
static void test_year_start(void **state)
{
    (void)state;
    struct shares shares;
    struct civil_year year = civil_year_named(2028, 4); /* 2027-04-01 up to 2028-03-31 */
    shares_linear(&shares, &year);
    check_sums(&shares);
    assert_int_equal(year.days, 366);
    assert_int_equal(shares.month[10], 29 * 2732240);
    assert_int_equal(shares.month[0], 30 * 2732241);
}

/* A year without days off: masses in proportion to days give each month 1 / 12 a day's length. */
static void test_one_year(void **state)
{
    (void)state;
    int64_t factors[YEAR_DAYS_MAX];
    fill(factors, PART_ONE);
    struct civil_year year = civil_year_named(2026, 1);
    struct past_year past = {0};
    for (int month = 0; month < YEAR_MONTHS; month++) {
        past.mg[month] = 1000;
        past.working[month] = 30 * (int64_t)PART_ONE;
    }
    past.mg[0] = 2000;
    struct shares shares;
    shares_of_past(&shares, &year, factors, &past, 1);
    check_sums(&shares);
    assert_int_equal(shares.basis, SHARES_BASE_YEAR);
    /* 2 * 31 / (365 + 31) and 28 / 396 */
    assert_int_equal(shares.month[0], 156565657); /* .6565: the rest is rounded up */
    assert_int_equal(shares.month[1], 70707071);
    assert_int_equal(shares.month[2], 78282828);
}

/* Masses of one month in some years; all others are such that a year sums to 1,200. */
static void year_with(struct past_year *past, int month, int64_t mg)
{
    for (int i = 0; i < YEAR_MONTHS; i++) {
        past->mg[i] = i == month ? mg * 11 : 1200 - mg;
        past->working[i] = 20 * (int64_t)PART_ONE;
    }
}

static void test_medians(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t mg[4]; /* of January, in parts of 1,200 */
        int64_t count;
        double want; /* of it in parts of the year; others share the rest */
        enum shares_basis basis;
    } cases[] = {
        {"one", {100}, 1, 100, SHARES_BASE_YEAR},
        {"the mean of two", {100, 300}, 2, 200, SHARES_MEDIAN},
        {"the middle of three", {700, 100, 300}, 3, 300, SHARES_MEDIAN},
        {"the middle two of four", {700, 100, 300, 200}, 4, 250, SHARES_MEDIAN},
        {"nothing in one of two", {0, 300}, 2, 150, SHARES_MEDIAN},
        {"an odd sum of two", {100, 201}, 2, 150.5, SHARES_MEDIAN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct past_year past[4];
        int64_t factors[YEAR_DAYS_MAX];
        struct civil_year year = civil_year_named(2026, 1);
        fill(factors, 0);
        for (int month = 0; month < YEAR_MONTHS; month++)
            factors[year.month_first[month] - year.first_day] = PART_ONE; /* one day works */
        for (int64_t k = 0; k < cases[i].count; k++)
            year_with(&past[k], 0, cases[i].mg[k]);
        struct shares shares;
        shares_of_past(&shares, &year, factors, past, (uint32_t)cases[i].count);
        check_sums(&shares);
        int64_t want = (int64_t)(cases[i].want / 1200 * PART_ONE);
        if (shares.month[0] - want > 1 || want - shares.month[0] > 1 ||
            shares.basis != cases[i].basis || shares.years != (uint32_t)cases[i].count)
            fail_msg("%s: %" PRId64 ", not %" PRId64, cases[i].name, shares.month[0], want);
        assert_int_equal(shares.day[0], shares.month[0]); /* and the month's other days nothing */
        assert_int_equal(shares.day[1], 0);
    }
}

/* Working days decide: a holiday that moves takes its mass along. */
static void test_working_days(void **state)
{
    (void)state;
    struct civil_year year = civil_year_named(2027, 1);
    int64_t factors[YEAR_DAYS_MAX];
    struct past_year past[2];
    for (int month = 0; month < YEAR_MONTHS; month++) {
        for (int i = 0; i < 2; i++) {
            past[i].working[month] = 20 * (int64_t)PART_ONE;
            past[i].mg[month] = 2000;
        }
    }
    past[0].working[0] =
        10 * (int64_t)PART_ONE; /* the new year once in January, then in February */
    past[0].mg[0] = 1000;
    past[1].working[1] = 10 * (int64_t)PART_ONE;
    past[1].mg[1] = 1000;
    fill(factors, 0);
    for (int month = 0; month < YEAR_MONTHS; month++)
        for (int i = 0; i < (month == 1 ? 5 : 20); i++)
            factors[year.month_first[month] - year.first_day + i] = PART_ONE;
    struct shares shares;
    shares_of_past(&shares, &year, factors, past, 2);
    check_sums(&shares);
    assert_int_equal(shares.month[0], 88888889); /* 20 / 225 */
    assert_int_equal(shares.month[1], 22222222); /* 5 / 225 */
    assert_int_equal(shares.day[31], 4444445);   /* two parts are left, for the first two days */
    assert_int_equal(shares.day[32], 4444445);
    assert_int_equal(shares.day[33], 4444444);
    assert_int_equal(shares.day[36], 0);
}

/* A day off has a factor of its own. */
static void test_nonworking_factor(void **state)
{
    (void)state;
    struct civil_year year = civil_year_named(2026, 1);
    int64_t factors[YEAR_DAYS_MAX];
    fill(factors, PART_ONE);
    for (int32_t i = 0; i < year.days; i++) {
        if (civil_weekday(year.first_day + i) == 6)
            factors[i] = PART_ONE / 4;
    }
    assert_int_equal(shares_working(&year, factors, 1), 25 * (int64_t)PART_ONE); /* 24 + 4 / 4 */
    int64_t months[YEAR_MONTHS] = {0, PART_ONE};
    struct shares shares;
    shares_given(&shares, &year, factors, months);
    check_sums(&shares);
    assert_int_equal(shares.basis, SHARES_GIVEN);
    assert_int_equal(shares.day[31], 10000000); /* 1 February 2026 is a Sunday */
    assert_int_equal(shares.day[32], 40000000);
}

/* Months without working days: this year, in one past year, in all of them, and given ones. */
static void test_months_off(void **state)
{
    (void)state;
    struct civil_year year = civil_year_named(2026, 1);
    int64_t factors[YEAR_DAYS_MAX];
    struct past_year past[2];
    fill(factors, PART_ONE);
    fill_month(factors, &year, 7, 0); /* August of this year */
    for (int month = 0; month < YEAR_MONTHS; month++) {
        past[0].working[month] = past[1].working[month] = 30 * (int64_t)PART_ONE;
        past[0].mg[month] = past[1].mg[month] = 300;
    }
    past[0].working[3] = 0; /* April of one past year: the other one tells */
    past[0].mg[3] = 0;
    past[0].mg[4] = 600;                         /* so that both years have the same sum */
    past[0].working[9] = past[1].working[9] = 0; /* October of all past years */
    struct shares shares;
    shares_of_past(&shares, &year, factors, past, 2);
    check_sums(&shares);
    assert_int_equal(shares.month[7], 0);
    assert_int_equal(shares.month[9], 0);
    /* May counts 1.5 times, April as the other months: 303 days, and half of May's 31. */
    assert_int_equal(shares.month[3], 94191523);  /* 30 / 318.5 */
    assert_int_equal(shares.month[4], 145996860); /* 46.5 / 318.5 */

    int64_t months[YEAR_MONTHS] = {[7] = PART_ONE};
    shares_given(&shares, &year, factors, months);
    check_sums(&shares);
    assert_int_equal(shares.day[year.month_first[7] - year.first_day], 32258065);
}

static void test_nothing_to_go_by(void **state)
{
    (void)state;
    struct civil_year year = civil_year_named(2026, 1);
    int64_t factors[YEAR_DAYS_MAX];
    fill(factors, PART_ONE);
    struct past_year past[2] = {0};
    for (int month = 0; month < YEAR_MONTHS; month++)
        past[0].working[month] = past[1].working[month] = 30 * (int64_t)PART_ONE;
    struct shares linear;
    struct shares shares;
    shares_linear(&linear, &year);
    shares_of_past(&shares, &year, factors, past, 2);
    assert_memory_equal(&shares, &linear, sizeof(shares));
    for (int month = 0; month < YEAR_MONTHS; month++)
        past[1].mg[month] = -5; /* less than nothing counts as nothing */
    shares_of_past(&shares, &year, factors, past, 2);
    assert_memory_equal(&shares, &linear, sizeof(shares));

    past[1].mg[6] = 9; /* one year that tells something: not a median */
    shares_of_past(&shares, &year, factors, past, 2);
    check_sums(&shares);
    assert_int_equal(shares.basis, SHARES_BASE_YEAR);
    assert_int_equal(shares.years, 1);
    assert_int_equal(shares.month[6], PART_ONE);
    fill_month(factors, &year, 6, 0); /* but in this year nothing works in that month */
    shares_of_past(&shares, &year, factors, past, 2);
    assert_memory_equal(&shares, &linear, sizeof(shares));
}

/* The largest numbers that are allowed, in every place, and primes so that nothing cancels. */
static void test_largest(void **state)
{
    (void)state;
    struct civil_year year = civil_year_named(2028, 1);
    int64_t factors[YEAR_DAYS_MAX];
    struct past_year past[SHARES_YEARS_MAX];
    fill(factors, PART_ONE);
    for (int i = 0; i < SHARES_YEARS_MAX; i++) {
        for (int month = 0; month < YEAR_MONTHS; month++) {
            past[i].mg[month] = INT64_MAX / 12 - 1000003L * i * month;
            past[i].working[month] = MONTH_WORKING_MAX - 13L * i - month;
        }
    }
    struct shares shares;
    shares_of_past(&shares, &year, factors, past, SHARES_YEARS_MAX);
    check_sums(&shares);
    for (int month = 0; month < YEAR_MONTHS; month++)
        assert_true(shares.month[month] > 79000000 && shares.month[month] < 85000000);
}

/* Equal weights by different ways have equal rests, and then the earlier gets what is left. */
static void test_exact_ties(void **state)
{
    (void)state;
    struct civil_year year = civil_year_named(2026, 1);
    int64_t factors[YEAR_DAYS_MAX];
    struct past_year past = {0};
    fill(factors, 0);
    /* Three months have a third each: 7 a day on 3 days, 3 a day on 7 days, 21 on one. */
    static const int days[3] = {3, 7, 1};
    for (int month = 0; month < YEAR_MONTHS; month++)
        past.working[month] = 10 * (int64_t)PART_ONE;
    for (int k = 0; k < 3; k++) {
        int month = 2 + 4 * k;
        past.mg[month] = 21 / days[k];
        for (int i = 0; i < days[k]; i++)
            factors[year.month_first[month] - year.first_day + i] = PART_ONE;
    }
    struct shares shares;
    shares_of_past(&shares, &year, factors, &past, 1);
    check_sums(&shares);
    assert_int_equal(shares.month[2], 333333334);
    assert_int_equal(shares.month[6], 333333333);
    assert_int_equal(shares.month[10], 333333333);
}

/* The running day counts in proportion to the time of it that has passed. */
static void test_running_day(void **state)
{
    (void)state;
    struct civil_year year = civil_year_named(2026, 1);
    struct shares shares;
    shares_linear(&shares, &year);
    shares.day[1] = 5;
    assert_int_equal(shares_at(&shares, 0, 0), 0);
    assert_int_equal(shares_at(&shares, 0, PART_ONE), 2739727);
    assert_int_equal(shares_at(&shares, 1, PART_ONE), 2739732);
    assert_int_equal(shares_at(&shares, 1, PART_ONE / 2), 2739729); /* 2.5: half to even */
    assert_int_equal(shares_at(&shares, 1, 3 * ((int64_t)PART_ONE / 10)),
                     2739729); /* 1.5: half to even */
    assert_int_equal(shares_at(&shares, 2, 0), 2739732);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_year_start),
        cmocka_unit_test(test_one_year),
        cmocka_unit_test(test_medians),
        cmocka_unit_test(test_working_days),
        cmocka_unit_test(test_nonworking_factor),
        cmocka_unit_test(test_months_off),
        cmocka_unit_test(test_nothing_to_go_by),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_exact_ties),
        cmocka_unit_test(test_running_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
