#include "pipelines/emissions/kernels.h"

#include "base/base.h"
#include "base/limits.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Every count up to four vectors of the widest tier and a tail, at every skew of a cache line. */
enum { COUNT_MAX = 4 * 8 + 3, SKEW_MAX = 8, GUARD = 8, ROOM = SKEW_MAX + COUNT_MAX + GUARD };

static const int64_t guard_value = INT64_C(0x5a5a5a5a5a5a5a5a);

struct arrays {
    _Alignas(64) int64_t activity[ROOM];
    _Alignas(64) double factor[ROOM];
    _Alignas(64) uint32_t covered_ms[ROOM];
};

static uint64_t random_next(uint64_t *random) /* xorshift64* */
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * UINT64_C(2685821657736338717);
}

/* Activities of every size up to CELL_MAX, factors that bring the mass up to CELL_MAX as well, and
 * products that are halves. */
static void fill(struct arrays *arrays, uint64_t *random)
{
    for (size_t i = 0; i < ROOM; i++) {
        int64_t activity =
            (int64_t)(random_next(random) % (uint64_t)CELL_MAX) >> (random_next(random) % 51);
        double factor = (double)(random_next(random) >> 11) * 0x1p-53; /* [0, 1) */
        switch (random_next(random) % 5) {
        case 0:
            factor = (double)(random_next(random) % 8) * 0.5;
            activity >>= 2;
            break;
        case 1:
            factor *= (double)CELL_MAX / (double)(activity + 1);
            break;
        case 2:
            activity = i % 2 == 0 ? CELL_MAX : 0;
            break;
        default:
            break;
        }
        arrays->activity[i] = random_next(random) % 2 == 0 ? activity : -activity;
        arrays->factor[i] = factor;
        arrays->covered_ms[i] = (uint32_t)random_next(random);
    }
}

static void check_rate(const struct kernels *tier, const struct arrays *arrays, size_t skew,
                       size_t n)
{
    static _Alignas(64) double factor[ROOM];
    _Alignas(64) int64_t want[ROOM];
    _Alignas(64) int64_t got[ROOM];
    for (size_t i = 0; i < ROOM; i++)
        want[i] = got[i] = guard_value;
    /* the arrays are skewed against each other, too */
    size_t factor_skew = (skew * 5 + 1) % SKEW_MAX;
    size_t out_skew = (skew * 3 + 2) % SKEW_MAX;
    memcpy(factor + factor_skew, arrays->factor + skew, n * sizeof(*factor));
    kernels_scalar.rate(arrays->activity + skew, factor + factor_skew, want + out_skew, n);
    tier->rate(arrays->activity + skew, factor + factor_skew, got + out_skew, n);
    for (size_t i = 0; i < ROOM; i++)
        if (got[i] != want[i])
            fail_msg("rate, n %zu, skew %zu, at %zu: got %" PRId64 ", want %" PRId64, n, skew, i,
                     got[i], want[i]);
}

static void check_sums(const struct kernels *tier, const struct arrays *arrays, size_t skew,
                       size_t n)
{
    if (tier->sum(arrays->activity + skew, n) != kernels_scalar.sum(arrays->activity + skew, n))
        fail_msg("sum, n %zu, skew %zu", n, skew);
    if (tier->sum_u32(arrays->covered_ms + skew, n) !=
        kernels_scalar.sum_u32(arrays->covered_ms + skew, n))
        fail_msg("sum_u32, n %zu, skew %zu", n, skew);
}

static void check_tier(const char *name)
{
    const struct kernels *tier = kernels_find(name);
    if (tier == NULL) {
        skip();
        return;
    }
    assert_string_equal(tier->name, name);
    static struct arrays arrays;
    uint64_t random = 20260301;
    print_message("seed %" PRIu64 "\n", random);
    for (int round = 0; round < 50; round++) {
        fill(&arrays, &random);
        for (size_t n = 0; n <= COUNT_MAX; n++)
            for (size_t skew = 0; skew < SKEW_MAX; skew++) {
                check_rate(tier, &arrays, skew, n);
                check_sums(tier, &arrays, skew, n);
            }
    }
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

/* What the definition itself must give, in every tier there is. */
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
    static const char *const tiers[] = {"scalar", "avx2", "avx512"};
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        const struct kernels *tier = kernels_find(tiers[t]);
        for (size_t i = 0; tier != NULL && i < ARRAY_LEN(cases); i++) {
            int64_t got = guard_value;
            tier->rate(&cases[i].activity, &cases[i].factor, &got, 1);
            if (got != cases[i].want)
                fail_msg("%s, row %zu: got %" PRId64, tiers[t], i, got);
        }
    }
}

/* The largest series of the largest cells still fits. */
static void test_largest_sums(void **state)
{
    (void)state;
    static int64_t cells[SERIES_METERS_MAX];
    static uint32_t times[SERIES_METERS_MAX];
    static const char *const tiers[] = {"scalar", "avx2", "avx512"};
    for (size_t i = 0; i < SERIES_METERS_MAX; i++) {
        cells[i] = -CELL_MAX;
        times[i] = UINT32_MAX;
    }
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        const struct kernels *tier = kernels_find(tiers[t]);
        if (tier == NULL)
            continue;
        assert_true(tier->sum(cells, SERIES_METERS_MAX) == -CELL_MAX * SERIES_METERS_MAX);
        assert_true(tier->sum_u32(times, SERIES_METERS_MAX) ==
                    (uint64_t)UINT32_MAX * SERIES_METERS_MAX);
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
        cmocka_unit_test(test_rounding),       cmocka_unit_test(test_largest_sums),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
