/* Why emissions differ from those of the year before: three effects that sum to the milligram. */
#include "pipelines/trajectory/effects.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KG INT64_C(1000000)

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct effect_side now, before;
        struct effects want;
    } cases[] = {
        {"a factor alone",
         {1100 * KG, 2000, 50},
         {1000 * KG, 2000, 50},
         {true, 100 * KG, 0, 0, 100 * KG}},
        {"a factor alone, by a milligram",
         {INT64_C(900000000000001), 2000, 50},
         {INT64_C(900000000000000), 2000, 50},
         {true, 1, 0, 0, 1}},
        {"a factor alone, by less than a double tells",
         {INT64_C(900000000000000001), 2000, 50},
         {INT64_C(900000000000000000), 2000, 50},
         {true, 1, 0, 0, 1}},
        {"production alone",
         {1200 * KG, 2400, 60},
         {1000 * KG, 2000, 50},
         {true, 200 * KG, 200 * KG, 0, 0}},
        {"efficiency alone",
         {1200 * KG, 2400, 50},
         {1000 * KG, 2000, 50},
         {true, 200 * KG, 0, 200 * KG, 0}},
        {"no production: activity as a whole",
         {1200 * KG, 2400, 0},
         {1000 * KG, 2000, 0},
         {true, 200 * KG, 200 * KG, 0, 0}},
        {"production of one side: as if of none",
         {1200 * KG, 2400, 60},
         {1000 * KG, 2000, 0},
         {true, 200 * KG, 200 * KG, 0, 0}},
        {"production up, efficiency as much down: nothing differs",
         {1000 * KG, 2000, 100},
         {1000 * KG, 2000, 50},
         {true, 0, 693147181, -693147181, 0}},
        /* L = 320 / ln(1.32) = 1152.60: ln 1.2, ln(1.1 / 1.2), ln(1.32 / 1.1) of it */
        {"all three",
         {1320 * KG, 2200, 60},
         {1000 * KG, 2000, 50},
         {true, 320 * KG, 210144917, -100289834, 210144917}},
        {"all lower",
         {500 * KG, 1000, 50},
         {1000 * KG, 2000, 100},
         {true, -500 * KG, -500 * KG, 0, 0}},
        {"the same", {700 * KG, 10, 5}, {700 * KG, 10, 5}, {true, 0, 0, 0, 0}},
        {"what is taken up, twice as much",
         {-200 * KG, 20, 0},
         {-100 * KG, 10, 0},
         {true, -100 * KG, -100 * KG, 0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct effects got = effects_split(&cases[i].now, &cases[i].before);
        const struct effects *want = &cases[i].want;
        if (got.split != want->split || got.total_mg != want->total_mg ||
            got.activity_mg != want->activity_mg || got.efficiency_mg != want->efficiency_mg ||
            got.carbon_mg != want->carbon_mg)
            fail_msg("%s: got %d, %" PRId64 ": %" PRId64 ", %" PRId64 ", %" PRId64, cases[i].name,
                     got.split, got.total_mg, got.activity_mg, got.efficiency_mg, got.carbon_mg);
    }
}

static void test_zero_and_missing(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct effect_side now, before;
        struct effects want;
    } cases[] = {
        {"a source that is new", {50, 10, 5}, {0, 0, 5}, {true, 50, 50, 0, 0}},
        {"a source that ended", {0, 0, 5}, {50, 10, 5}, {true, -50, -50, 0, 0}},
        {"idle both times", {0, 0, 0}, {0, 0, 0}, {true, 0, 0, 0, 0}},
        {"without a factor both times", {0, 20, 5}, {0, 10, 5}, {true, 0, 0, 0, 0}},
        {"a factor that was 0", {50, 10, 5}, {0, 10, 5}, {true, 50, 0, 0, 50}},
        {"a factor that was 0, and more activity", {50, 20, 5}, {0, 10, 5}, {false, 50, 0, 0, 0}},
        {"a factor that was 0, and more production", {50, 10, 6}, {0, 10, 5}, {false, 50, 0, 0, 0}},
        {"no activity, but mass", {50, 10, 5}, {40, 0, 5}, {false, 10, 0, 0, 0}},
        {"no activity on both sides", {50, 0, 5}, {40, 0, 5}, {false, 10, 0, 0, 0}},
        {"another sign of mass", {-50, 10, 5}, {40, 10, 5}, {false, -90, 0, 0, 0}},
        {"another sign of activity", {50, -10, 5}, {40, 10, 5}, {false, 10, 0, 0, 0}},
        {"no number", {50, NAN, 5}, {40, 10, 5}, {false, 10, 0, 0, 0}},
        {"no number of a new source", {50, NAN, 5}, {0, 0, 5}, {false, 50, 0, 0, 0}},
        {"endless", {50, INFINITY, 5}, {40, 10, 5}, {false, 10, 0, 0, 0}},
        {"a ratio that no double holds", {50, 1e300, 5}, {40, 1e-300, 5}, {false, 10, 0, 0, 0}},
        {"production that is no number", {50, 10, NAN}, {40, 8, 5}, {true, 10, 10, 0, 0}},
        {"the largest", {INT64_MAX, 10, 5}, {INT64_MIN, 10, 5}, {false, INT64_MAX, 0, 0, 0}},
        {"the least", {INT64_MIN, 10, 5}, {INT64_MAX, 10, 5}, {false, -INT64_MAX, 0, 0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct effects got = effects_split(&cases[i].now, &cases[i].before);
        const struct effects *want = &cases[i].want;
        if (got.split != want->split || got.total_mg != want->total_mg ||
            got.activity_mg != want->activity_mg || got.efficiency_mg != want->efficiency_mg ||
            got.carbon_mg != want->carbon_mg)
            fail_msg("%s: got %d, %" PRId64 ": %" PRId64 ", %" PRId64 ", %" PRId64, cases[i].name,
                     got.split, got.total_mg, got.activity_mg, got.efficiency_mg, got.carbon_mg);
    }
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* The effects of any two sides sum to the difference. A factor that does not differ has none. */
static void test_sums(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        struct effect_side side[2];
        for (int j = 0; j < 2; j++)
            side[j] = (struct effect_side){(int64_t)(next(&seed) << next(&seed) % 24),
                                           (double)(1 + next(&seed) % 100000) / 7,
                                           (double)(next(&seed) % 100)};
        if (i % 3 == 0)
            side[1].activity = side[0].activity;
        if (i % 4 == 0)
            side[1].production = side[0].production;
        struct effects got = effects_split(&side[0], &side[1]);
        assert_int_equal(got.total_mg, side[0].mg - side[1].mg);
        if (!got.split)
            continue;
        if (got.activity_mg + got.efficiency_mg + got.carbon_mg != got.total_mg)
            fail_msg("%d: the sum is not the difference", i);
        if (i % 12 == 0 && (got.activity_mg != 0 || got.efficiency_mg != 0))
            fail_msg("%d: a factor alone moved more than the carbon effect", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_zero_and_missing),
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
