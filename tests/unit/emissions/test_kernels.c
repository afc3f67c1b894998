#include "pipelines/emissions/kernels.h"

#include "base/base.h"
#include "base/limits.h"
#include "tests/unit/emissions/kernel_trials.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const tiers[] = {"scalar", "avx2", "avx512", "neon"};

static void check_tier(const char *name)
{
    const struct kernels *tier = kernels_find(name);
    if (tier == NULL) {
        skip();
        return;
    }
    assert_string_equal(tier->name, name);
    char why[TRIAL_TEXT_SIZE];
    uint64_t seed = 20260301;
    print_message("seed %" PRIu64 "\n", seed);
    if (!kernel_trials(tier, seed, why))
        fail_msg("%s", why);
}

static void test_avx2_is_scalar(void **state)
{
    (void)state;
    check_tier("avx2");
}

static void test_avx512_is_scalar(void **state)
{
    (void)state;
    check_tier("avx512");
}

static void test_neon_is_scalar(void **state)
{
    (void)state;
    check_tier("neon");
}

/* A matrix of one cell. */
static int64_t rate_one(const struct kernels *tier, const int64_t *before, int64_t activity,
                        double factor, bool *narrow_out)
{
    const uint32_t end = 1;
    int64_t scratch[1];
    int64_t sum = 0;
    const struct kernel_matrix matrix = {.activity = &activity,
                                         .before = before,
                                         .factor = &factor,
                                         .ends = &end,
                                         .scratch = scratch,
                                         .rows = 1,
                                         .columns = 1,
                                         .factors = 1,
                                         .series = 1};
    *narrow_out = tier->rate(&matrix, &sum);
    return sum;
}

/* The results of the definition itself, in every tier. */
static void test_rounding(void **state)
{
    (void)state;
    static const struct {
        int64_t activity;
        double factor;
        int64_t want;
    } cases[] = {
        {0, 5.0, 0},
        {1, 0.5, 0},
        {3, 0.5, 2},
        {5, 0.5, 2},
        {-1, 0.5, 0},
        {-3, 0.5, -2},
        {-5, 0.5, -2},
        {1, 0.49999999999999994, 0},
        {1, 0.50000000000000011, 1},
        {-1, 0.50000000000000011, -1},
        {CELL_MAX, 1.0, CELL_MAX},
        {-CELL_MAX, 1.0, -CELL_MAX},
        {CELL_MAX, 0.5, INT64_C(1) << 50}, /* 2^50 - 0.5, to even */
        {1, (double)CELL_MAX, CELL_MAX},
        {1, (double)CELL_MAX - 0.5, CELL_MAX - 1},
        {-1, (double)CELL_MAX - 0.5, -CELL_MAX + 1},
        {1000000, 0.404933, 404933},
    };
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        const struct kernels *tier = kernels_find(tiers[t]);
        for (size_t i = 0; tier != NULL && i < ARRAY_LEN(cases); i++) {
            bool narrow;
            int64_t got = rate_one(tier, NULL, cases[i].activity, cases[i].factor, &narrow);
            if (!narrow || got != cases[i].want)
                fail_msg("%s, row %zu: got %" PRId64, tiers[t], i, got);
        }
    }
}

/* A product is narrow up to the last one, and every tier says so. */
static void test_narrow(void **state)
{
    (void)state;
    static const struct {
        int64_t activity;
        double factor;
        bool want;
    } cases[] = {
        {1, (double)(KERNEL_NARROW - 1), true},
        {1, (double)KERNEL_NARROW, false},
        {1, (double)KERNEL_NARROW - 0.5, false},
        {-1, (double)KERNEL_NARROW - 0.5, false},
        {-1, (double)(KERNEL_NARROW - 1), true},
        {CELL_MAX, 1, true},
        {CELL_MAX, 2, false},
        {-CELL_MAX, 1000, false},
        {CELL_MAX / 1000, 1000, true},
        {0, 1e9, true},
    };
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        const struct kernels *tier = kernels_find(tiers[t]);
        for (size_t i = 0; tier != NULL && i < ARRAY_LEN(cases); i++) {
            bool narrow;
            (void)rate_one(tier, NULL, cases[i].activity, cases[i].factor, &narrow);
            if (narrow != cases[i].want)
                fail_msg("%s, row %zu", tiers[t], i);
        }
    }
}

/* A meter that is spread evenly: cell by cell each would be rounded to nothing; as differences of
 * running sums they come to the whole. */
static void test_running_sums(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        const struct kernels *tier = kernels_find(tiers[t]);
        if (tier == NULL)
            continue;
        bool narrow;
        int64_t alone = 0;
        int64_t running = 0;
        for (int64_t before = -500; before < 500; before++) {
            alone += rate_one(tier, NULL, 1, 0.4, &narrow);
            running += rate_one(tier, &before, 1, 0.4, &narrow);
        }
        assert_true(alone == 0 && running == 400);
    }
}

/* The longest series of the largest cells still fits. */
static void test_largest_sums(void **state)
{
    (void)state;
    static int64_t cells[SERIES_METERS_MAX];
    static int64_t before[SERIES_METERS_MAX];
    static int64_t scratch[SERIES_METERS_MAX];
    static double factor[SERIES_METERS_MAX];
    const uint32_t end = SERIES_METERS_MAX;
    for (size_t i = 0; i < SERIES_METERS_MAX; i++) {
        cells[i] = 2 * -CELL_MAX;
        before[i] = CELL_MAX;
        factor[i] = 1;
    }
    const struct kernel_matrix matrix = {.activity = cells,
                                         .before = before,
                                         .factor = factor,
                                         .ends = &end,
                                         .scratch = scratch,
                                         .rows = 1,
                                         .columns = SERIES_METERS_MAX,
                                         .factors = 1,
                                         .series = 1};
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        const struct kernels *tier = kernels_find(tiers[t]);
        if (tier == NULL)
            continue;
        int64_t sum;
        assert_true(tier->rate(&matrix, &sum));
        assert_true(sum == 2 * -CELL_MAX * SERIES_METERS_MAX);
        tier->sum(&matrix, &sum);
        assert_true(sum == 2 * -CELL_MAX * SERIES_METERS_MAX);
    }
}

static void test_find(void **state)
{
    (void)state;
    static const char *const refused[] = {"", "AVX2", "avx", "avx5122", "best", "auto "};
    assert_ptr_equal(kernels_find("scalar"), &kernels_scalar);
    assert_ptr_equal(kernels_find("auto"), kernels_best());
    assert_ptr_equal(kernels_find(kernels_best()->name), kernels_best());
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_null(kernels_find(refused[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_avx2_is_scalar), cmocka_unit_test(test_avx512_is_scalar),
        cmocka_unit_test(test_neon_is_scalar), cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_narrow),         cmocka_unit_test(test_running_sums),
        cmocka_unit_test(test_largest_sums),   cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
