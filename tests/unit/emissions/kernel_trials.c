#include "tests/unit/emissions/kernel_trials.h"

#include "base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Every count of columns up to four vectors of the widest tier and a tail, at every skew of a cache
 * line. */
enum {
    COLUMNS_MAX = 4 * 8 + 3,
    ROWS_MAX = 3,
    FACTORS = 3,
    SKEW_MAX = 8,
    GUARD = 8,
    CELLS = ROWS_MAX * COLUMNS_MAX,
    SUMS = ROWS_MAX * FACTORS * COLUMNS_MAX
};

static const int64_t guard_value = INT64_C(0x5a5a5a5a5a5a5a5a);

struct trial {
    _Alignas(64) int64_t activity[SKEW_MAX + CELLS];
    _Alignas(64) int64_t before[SKEW_MAX + CELLS];
    _Alignas(64) double factor[SKEW_MAX + FACTORS * COLUMNS_MAX];
    _Alignas(64) int64_t scratch[COLUMNS_MAX + GUARD];
    uint32_t ends[COLUMNS_MAX];
    bool wide; /* some products are not narrow */
};

static uint64_t random_next(uint64_t *random) /* xorshift64* */
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * UINT64_C(2685821657736338717);
}

static int64_t random_signed(uint64_t *random, int64_t most)
{
    int64_t value = (int64_t)(random_next(random) % (uint64_t)most) >> (random_next(random) % 51);
    return random_next(random) % 2 == 0 ? value : -value;
}

/* Factors that bring the largest of `most` just below the limit, halves, and factors of trials with
 * wide products. */
static double random_factor(uint64_t *random, int64_t most, bool wide)
{
    double unit = (double)(random_next(random) >> 11) * 0x1p-53; /* [0, 1) */
    double limit = (double)(KERNEL_NARROW - 1) / (double)(most + 1);
    switch (random_next(random) % 4) {
    case 0:
        return (double)(random_next(random) % 2) * 0.5;
    case 1:
        return unit * limit;
    case 2:
        return wide ? unit * limit * 1000 : 1;
    default:
        return unit;
    }
}

/* With running sums, the sum before a cell and the one behind it stay within the limit. */
static void fill(struct trial *trial, uint64_t *random)
{
    int64_t most = CELL_MAX >> (random_next(random) % 48);
    trial->wide = random_next(random) % 4 == 0;
    for (size_t i = 0; i < sizeof(trial->activity) / sizeof(*trial->activity); i++) {
        trial->activity[i] = random_signed(random, most / 2 + 1);
        trial->before[i] = random_signed(random, most / 2 + 1);
    }
    for (size_t i = 0; i < sizeof(trial->factor) / sizeof(*trial->factor); i++)
        trial->factor[i] = random_factor(random, most, trial->wide);
}

/* Divides the columns into series of random lengths; returns their number. */
static size_t divide(struct trial *trial, size_t columns, uint64_t *random)
{
    size_t series = 0;
    for (size_t end = 0; end < columns; series++) {
        size_t length = 1 + random_next(random) % (random_next(random) % 2 == 0 ? 4 : columns);
        end = end + length < columns ? end + length : columns;
        trial->ends[series] = (uint32_t)end;
    }
    return series;
}

static bool is_guarded(const int64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (from[i] != guard_value)
            return false;
    return true;
}

static bool agree(const struct kernels *tier, struct trial *trial,
                  const struct kernel_matrix *matrix, bool rates)
{
    static int64_t want[SUMS + GUARD];
    static int64_t got[SUMS + GUARD];
    for (size_t i = 0; i < SUMS + GUARD; i++)
        want[i] = got[i] = guard_value;
    for (size_t i = 0; i < COLUMNS_MAX + GUARD; i++)
        trial->scratch[i] = guard_value;
    size_t count = matrix->rows * matrix->series * (rates ? matrix->factors : 1);
    if (rates) {
        bool narrow = kernels_scalar.rate(matrix, want);
        if (tier->rate(matrix, got) != narrow)
            return false;
        if (!narrow) /* what is there then is of no use, but lies where it should */
            return trial->wide && is_guarded(got + count, GUARD);
    } else {
        kernels_scalar.sum(matrix, want);
        tier->sum(matrix, got);
    }
    return memcmp(want, got, sizeof(got)) == 0 && is_guarded(got + count, GUARD) &&
           is_guarded(trial->scratch + matrix->columns, GUARD);
}

static bool try_columns(const struct kernels *tier, struct trial *trial, size_t columns,
                        uint64_t *random, char why[TRIAL_TEXT_SIZE])
{
    for (size_t skew = 0; skew < SKEW_MAX; skew++) {
        /* the arrays are skewed against each other, too */
        struct kernel_matrix matrix = {.activity = trial->activity + skew,
                                       .factor = trial->factor + (skew * 5 + 1) % SKEW_MAX,
                                       .ends = trial->ends,
                                       .scratch = trial->scratch,
                                       .rows = skew % (ROWS_MAX + 1),
                                       .columns = columns,
                                       .factors = FACTORS,
                                       .series = divide(trial, columns, random)};
        for (int running = 0; running < 2; running++) {
            matrix.before = running != 0 ? trial->before + (skew * 3 + 2) % SKEW_MAX : NULL;
            if (agree(tier, trial, &matrix, true) && agree(tier, trial, &matrix, false))
                continue;
            (void)snprintf(why, TRIAL_TEXT_SIZE,
                           "%s, columns %zu, skew %zu, %s running sums, %s products", tier->name,
                           columns, skew, running != 0 ? "with" : "without",
                           trial->wide ? "wide" : "narrow");
            return false;
        }
    }
    return true;
}

bool kernel_trials(const struct kernels *tier, uint64_t seed, char why[TRIAL_TEXT_SIZE])
{
    static struct trial trial;
    for (int round = 0; round < 60; round++) {
        fill(&trial, &seed);
        for (size_t columns = 0; columns <= COLUMNS_MAX; columns++)
            if (!try_columns(tier, &trial, columns, &seed, why))
                return false;
    }
    return true;
}
