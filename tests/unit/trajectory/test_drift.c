/* Performance drift: what a baseline tells, and how soon a drift is seen. */
#include "pipelines/trajectory/drift.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST_DAY = 18262 /* 2020-01-01 */, YEAR = 365, TWO_YEARS = 2 * YEAR };

/* A number of [-1, 1). */
static double noise(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)*seed * 0x1p-63;
}

/* 5 t a day, 20 kg a unit of 100, weekends off, a season of 4 %, noise that lasts. */
static void make_days(struct drift_day days[], int32_t first_day, uint32_t count, double spread,
                      uint64_t seed)
{
    double lasting = 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t day = first_day + (int32_t)i;
        bool off = (day + 3) % 7 >= 5;
        double production = off ? 10 : 100 + 20 * noise(&seed);
        lasting = 0.5 * lasting + noise(&seed);
        double mg = 5e9 + 20e6 * production - (off ? 1e9 : 0) +
                    0.28e9 * sin(6.283185307179586 * day / 365.2425) + spread * 7e9 * lasting;
        days[i] = (struct drift_day){.day = day,
                                     .mg = llrint(mg),
                                     .production = production,
                                     .factor = off ? 0.3 : 1,
                                     .known = true};
    }
}

static void add_drift(struct drift_day days[], uint32_t from, uint32_t to, double part)
{
    for (uint32_t i = from; i < to; i++)
        days[i].mg = llrint((double)days[i].mg * (1 + part));
}

/* The first day of an alarm, or -1. */
static int32_t first_alarm(struct drift_state *state, const struct drift_baseline *baseline,
                           const struct drift_day days[], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct drift_judgement judgement = drift_judge(state, baseline, &days[i]);
        if (judgement.alarm_cusum || judgement.alarm_ewma)
            return (int32_t)i;
    }
    return -1;
}

static void test_expected(void **state)
{
    (void)state;
    static struct drift_day days[3 * YEAR];
    make_days(days, FIRST_DAY, 3 * YEAR, 0.02, 1);
    struct drift_baseline baseline;
    drift_fit(&baseline, days, TWO_YEARS);
    assert_true(baseline.usable && baseline.with_production);
    assert_true(fabs(baseline.per_unit - 20e6) < 1e6);
    assert_true(baseline.autocorrelation > 0.4 && baseline.autocorrelation < 0.6);
    assert_true(baseline.k >= 0.3 && baseline.k <= 0.5);
    assert_true(baseline.h >= 5);
    struct drift_state drift = {0};
    double squares = 0;
    double sum = 0;
    for (uint32_t i = TWO_YEARS; i < 3 * YEAR; i++) {
        struct drift_judgement judgement = drift_judge(&drift, &baseline, &days[i]);
        assert_true(fabs(judgement.expected_mg - (double)days[i].mg) < 0.1 * (double)days[i].mg);
        squares += judgement.residual * judgement.residual;
        sum += judgement.residual;
    }
    assert_true(squares / YEAR > 0.7 && squares / YEAR < 1.4);
    assert_true(fabs(sum / YEAR) < 0.3);
    assert_int_equal(drift.days, YEAR);
}

/* Twenty sites: few alarms without a drift, and a drift of 5 % is seen within a month. */
static void test_drift_is_seen(void **state)
{
    (void)state;
    static struct drift_day days[3 * YEAR];
    uint32_t false_alarms = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make_days(days, FIRST_DAY, 3 * YEAR, 0.02, seed);
        struct drift_baseline baseline;
        drift_fit(&baseline, days, TWO_YEARS);
        struct drift_state drift = {0};
        false_alarms += first_alarm(&drift, &baseline, days + TWO_YEARS, YEAR) >= 0;
        add_drift(days, TWO_YEARS + 181, 3 * YEAR, 0.05);
        drift = (struct drift_state){0};
        for (uint32_t i = TWO_YEARS; i < TWO_YEARS + 181; i++)
            (void)drift_judge(&drift, &baseline, &days[i]);
        drift_reset(&drift);
        int32_t seen = first_alarm(&drift, &baseline, days + TWO_YEARS + 181, YEAR - 181);
        if (seen < 0 || seen > 30)
            fail_msg("seed %" PRIu64 ": seen on day %d", seed, seen);
        assert_in_range(drift.since_day, FIRST_DAY + TWO_YEARS + 181,
                        FIRST_DAY + TWO_YEARS + 181 + seen);
    }
    assert_true(false_alarms <= 10); /* half an alarm a year */
}

/* Production is a tenth higher, with what it needs. There are no more alarms than without. */
static void test_growth_is_no_drift(void **state)
{
    (void)state;
    static struct drift_day days[3 * YEAR];
    int alarms = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make_days(days, FIRST_DAY, 3 * YEAR, 0.01, seed);
        struct drift_baseline baseline;
        drift_fit(&baseline, days, TWO_YEARS);
        struct drift_state drift = {0};
        alarms -= first_alarm(&drift, &baseline, days + TWO_YEARS, YEAR) >= 0;
        for (uint32_t i = TWO_YEARS; i < 3 * YEAR; i++) {
            days[i].mg += llrint(20e6 * days[i].production * 0.1);
            days[i].production *= 1.1;
        }
        drift = (struct drift_state){0};
        alarms += first_alarm(&drift, &baseline, days + TWO_YEARS, YEAR) >= 0;
    }
    assert_true(alarms <= 2);
}

/* A site that got 6 % better, and loses it again, has drifted; one that stays so has not. */
static void test_what_is_better_stays(void **state)
{
    (void)state;
    static struct drift_day days[3 * YEAR];
    make_days(days, FIRST_DAY, 3 * YEAR, 0.01, 4);
    struct drift_baseline baseline;
    drift_fit(&baseline, days, TWO_YEARS);
    add_drift(days, TWO_YEARS, TWO_YEARS + 150, -0.06);
    struct drift_state drift = {0};
    assert_int_equal(first_alarm(&drift, &baseline, days + TWO_YEARS, 150), -1);
    assert_true(drift.offset < 0);
    int32_t seen = first_alarm(&drift, &baseline, days + TWO_YEARS + 150, YEAR - 150);
    assert_in_range(seen, 0, 40);
}

static void test_an_alarm_ends(void **state)
{
    (void)state;
    static struct drift_day days[3 * YEAR];
    make_days(days, FIRST_DAY, 3 * YEAR, 0.01, 5);
    struct drift_baseline baseline;
    drift_fit(&baseline, days, TWO_YEARS);
    add_drift(days, TWO_YEARS, TWO_YEARS + 200, 0.1);
    struct drift_state drift = {0};
    assert_true(first_alarm(&drift, &baseline, days + TWO_YEARS, 30) >= 0);
    for (uint32_t i = TWO_YEARS + 30; i < TWO_YEARS + 200; i++) {
        struct drift_judgement judgement = drift_judge(&drift, &baseline, &days[i]);
        assert_true(judgement.alarm_cusum);
        assert_true(drift.cusum <= 2 * baseline.h);
    }
    int standing = 0;
    for (uint32_t i = TWO_YEARS + 200; i < TWO_YEARS + 260; i++)
        standing +=
            drift_judge(&drift, &baseline, &days[i]).alarm_cusum && drift.cusum <= baseline.h;
    assert_true(standing > 0); /* it ends at 0, not at h */
    assert_false(drift.alarm_cusum);
    assert_false(drift.alarm_ewma);
}

/* One day far off, or some that are not known, raise nothing and move the baseline little. */
static void test_odd_days(void **state)
{
    (void)state;
    static struct drift_day days[3 * YEAR];
    make_days(days, FIRST_DAY, 3 * YEAR, 0.01, 6);
    struct drift_baseline plain;
    drift_fit(&plain, days, TWO_YEARS);
    for (uint32_t i = 20; i < TWO_YEARS; i += 61)
        days[i].mg = i % 2 == 0 ? 0 : days[i].mg * 5;
    for (uint32_t i = 50; i < TWO_YEARS; i += 40)
        days[i].known = false;
    struct drift_baseline baseline;
    drift_fit(&baseline, days, TWO_YEARS);
    assert_true(baseline.usable);
    assert_true(fabs(baseline.per_unit / plain.per_unit - 1) < 0.02);
    assert_true(baseline.deviation < 2 * plain.deviation);
    struct drift_state drift = {0};
    days[TWO_YEARS + 10].mg *= 20;
    days[TWO_YEARS + 40].known = false;
    days[TWO_YEARS + 41].production = NAN;
    days[TWO_YEARS + 42].production = 1e300;
    days[TWO_YEARS + 43].factor = INFINITY;
    assert_int_equal(first_alarm(&drift, &baseline, days + TWO_YEARS, 100), -1);
    assert_int_equal(drift.days, 96);
    assert_true(isfinite(drift.cusum) && isfinite(drift.ewma) && isfinite(drift.low));
}

/* A day without emissions does not make the next one look high. */
static void test_day_after(void **state)
{
    (void)state;
    static struct drift_day days[3 * YEAR];
    make_days(days, FIRST_DAY, 3 * YEAR, 0.01, 6);
    struct drift_baseline baseline;
    drift_fit(&baseline, days, TWO_YEARS);
    struct drift_state drift = {0};
    days[TWO_YEARS].mg = 0;
    assert_true(drift_judge(&drift, &baseline, &days[TWO_YEARS]).residual <= -2.5);
    assert_true(drift_judge(&drift, &baseline, &days[TWO_YEARS + 1]).residual < 3);
}

/* h rises with noise that lasts longer than a day, and with a last year that is unlike the first.
 */
static void test_limits_of_a_site(void **state)
{
    (void)state;
    static struct drift_day days[TWO_YEARS];
    struct drift_baseline baseline;
    make_days(days, FIRST_DAY, TWO_YEARS, 0.01, 7);
    drift_fit(&baseline, days, 600);
    double plain = baseline.h;
    for (uint32_t i = 0; i < TWO_YEARS; i++)
        days[i].mg += llrint(0.15e9 * sin((double)i * 6.283185307179586 / 60));
    drift_fit(&baseline, days, 600);
    assert_true(baseline.h > plain + 2);
    make_days(days, FIRST_DAY, TWO_YEARS, 0.01, 7);
    drift_fit(&baseline, days, TWO_YEARS);
    plain = baseline.h;
    for (uint32_t i = 0; i < TWO_YEARS;
         i++) /* a trend that the whole explains, and the first not */
        days[i].mg += llrint(1e6 * i);
    drift_fit(&baseline, days, TWO_YEARS);
    assert_true(baseline.h > plain + 2);
    assert_true(baseline.limit == baseline.h / 5);
}

static void test_not_usable(void **state)
{
    (void)state;
    static struct drift_day days[DRIFT_BASELINE_MAX];
    static const struct {
        const char *name;
        uint32_t count, unknown;
        double production;
        int64_t mg;
        double spread;
        bool usable;
    } cases[] = {
        {"no days", 0, 0, 0, 1000, 0.1, false},
        {"a day too few", DRIFT_BASELINE_MIN - 1, 0, 0, 1000000, 0.1, false},
        {"just enough", DRIFT_BASELINE_MIN, 0, 0, 1000000, 0.1, true},
        {"one of them is not known", DRIFT_BASELINE_MIN, 1, 0, 1000000, 0.1, false},
        {"always the same", TWO_YEARS, 0, 0, 1000000, 0, false},
        {"nothing is emitted", TWO_YEARS, 0, 0, 0, 0, false},
        {"more is taken up", TWO_YEARS, 0, 0, -1000000, 0.1, false},
        {"production that never differs", TWO_YEARS, 0, 50, 1000000, 0.1, true},
        {"production that is no number", TWO_YEARS, 0, NAN, 1000000, 0.1, false},
        {"production beyond belief", TWO_YEARS, 0, 1e300, 1000000, 0.1, false},
        {"large masses", DRIFT_BASELINE_MAX, 0, 1e17, INT64_C(8000000000000000000), 0.1, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t seed = 9;
        for (uint32_t day = 0; day < cases[i].count; day++)
            days[day] = (struct drift_day){
                .day = FIRST_DAY + (int32_t)day,
                .mg = llrint((double)cases[i].mg * (1 + cases[i].spread * noise(&seed))),
                .production = cases[i].production,
                .factor = 1,
                .known = day >= cases[i].unknown};
        struct drift_baseline baseline;
        drift_fit(&baseline, days, cases[i].count);
        if (baseline.usable != cases[i].usable)
            fail_msg("%s: %susable", cases[i].name, baseline.usable ? "" : "not ");
        if (!baseline.usable)
            continue;
        assert_true(isfinite(baseline.level) && isfinite(baseline.deviation));
        struct drift_state drift = {0};
        for (uint32_t day = 0; day < 100; day++) {
            struct drift_day next = {.day = INT32_MAX - 100 + (int32_t)day,
                                     .mg = day % 2 == 0 ? INT64_MAX : INT64_MIN,
                                     .production = day % 3 == 0 ? 9e17 : -9e17,
                                     .factor = 1,
                                     .known = true};
            struct drift_judgement judgement = drift_judge(&drift, &baseline, &next);
            assert_true(fabs(judgement.residual) <= 3);
            assert_true(isfinite(drift.cusum) && isfinite(drift.ewma) && isfinite(drift.low));
        }
    }
}

/* Without a year's days no season is told, and without two no trend. */
static void test_short_baseline(void **state)
{
    (void)state;
    static struct drift_day days[TWO_YEARS];
    make_days(days, FIRST_DAY, TWO_YEARS, 0.01, 7);
    struct drift_baseline baseline;
    drift_fit(&baseline, days, 200);
    assert_true(baseline.usable);
    for (int i = 0; i < 4; i++)
        assert_true(baseline.season[i] == 0);
    drift_fit(&baseline, days, YEAR);
    assert_true(fabs(baseline.season[0] - 0.28e9) < 0.05e9);
}

/* The same days give the same bytes. */
static void test_deterministic(void **state)
{
    (void)state;
    static struct drift_day days[3 * YEAR];
    make_days(days, FIRST_DAY, 3 * YEAR, 0.03, 8);
    struct drift_baseline baselines[2];
    memset(baselines, 0, sizeof(baselines));
    drift_fit(&baselines[0], days, 3 * YEAR);
    drift_fit(&baselines[1], days, 3 * YEAR);
    assert_true(baselines[0].h == baselines[1].h && baselines[0].level == baselines[1].level &&
                baselines[0].deviation == baselines[1].deviation &&
                baselines[0].limit == baselines[1].limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected),           cmocka_unit_test(test_drift_is_seen),
        cmocka_unit_test(test_growth_is_no_drift), cmocka_unit_test(test_what_is_better_stays),
        cmocka_unit_test(test_an_alarm_ends),      cmocka_unit_test(test_odd_days),
        cmocka_unit_test(test_day_after),          cmocka_unit_test(test_limits_of_a_site),
        cmocka_unit_test(test_not_usable),         cmocka_unit_test(test_short_baseline),
        cmocka_unit_test(test_deterministic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
