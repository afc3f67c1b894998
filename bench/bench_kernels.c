/*
 * The kernels of each tier beside scalar, in the same run: a matrix of buckets and meters becomes
 * sums by series. One bucket is what a live facility asks for, many are a backlog.
 */
#include "base/base.h"
#include "base/measure.h"
#include "pipelines/emissions/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MAX = 512, CELLS = 1 << 15, ROUNDS = 15 };

struct arrays {
    int64_t activity[CELLS], before[CELLS];
    double factor[RATE_COUNT * COLUMNS_MAX];
    int64_t scratch[COLUMNS_MAX];
    uint32_t ends[COLUMNS_MAX];
    int64_t sums[RATE_COUNT * CELLS];
};

static volatile int64_t result; /* a sum without a reader would not be formed */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The best of some rounds: what disturbs a round only ever makes it slower. */
static double seconds_per_cell(const struct kernels *tier, const struct kernel_matrix *matrix,
                               struct arrays *arrays)
{
    size_t cells = matrix->rows * matrix->columns;
    ASSERT(cells > 0);
    size_t repeats = (size_t)CELLS * 16 / cells;
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        for (size_t i = 0; i < repeats; i++) {
            (void)tier->rate(matrix, arrays->sums);
            result = arrays->sums[i % matrix->series];
        }
        double elapsed = seconds_now() - start;
        best = elapsed < best ? elapsed : best;
    }
    return best / (double)(repeats * cells);
}

static void compare(struct arrays *arrays, size_t rows, size_t columns, size_t meters_each,
                    bool running)
{
    static const char *const tiers[] = {"scalar", "avx2", "avx512", "neon"};
    struct kernel_matrix matrix = {.activity = arrays->activity,
                                   .before = running ? arrays->before : NULL,
                                   .factor = arrays->factor,
                                   .ends = arrays->ends,
                                   .scratch = arrays->scratch,
                                   .rows = rows,
                                   .columns = columns,
                                   .factors = RATE_COUNT};
    for (size_t end = 0; end < columns; matrix.series++) {
        end = end + meters_each < columns ? end + meters_each : columns;
        arrays->ends[matrix.series] = (uint32_t)end;
    }
    double scalar = seconds_per_cell(&kernels_scalar, &matrix, arrays);
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        const struct kernels *tier = kernels_find(tiers[t]);
        if (tier == NULL)
            continue;
        double seconds = seconds_per_cell(tier, &matrix, arrays);
        printf("%-7s %7zu %7zu %7zu %8s %10.2f %10.2f\n", tier->name, rows, columns, matrix.series,
               running ? "running" : "", seconds * 1e9, scalar / seconds);
    }
}

int main(void)
{
    static struct arrays arrays;
    for (size_t i = 0; i < CELLS; i++) {
        arrays.activity[i] = (int64_t)(i * 2654435761U % 1000000007U);
        arrays.before[i] = (int64_t)i * 1000;
    }
    for (size_t i = 0; i < ARRAY_LEN(arrays.factor); i++)
        arrays.factor[i] = 0.404933;
    printf("%-7s %7s %7s %7s %8s %10s %10s\n", "tier", "buckets", "meters", "series", "", "ns/cell",
           "x scalar");
    compare(&arrays, 1, 20, 3, false);
    compare(&arrays, 25, 20, 3, false);
    compare(&arrays, 1, 512, 64, false);
    compare(&arrays, 64, 512, 64, false);
    compare(&arrays, 64, 512, 64, true);
    return 0;
}
