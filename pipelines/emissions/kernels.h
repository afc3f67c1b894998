/*
 * kernels.h - the vectorised core: a matrix of cells in, sums by series out.
 *
 * kernels_scalar.c is the definition; every tier gives its bits. Rounding happens cell by cell,
 * half to even; sums are of integers. Pure. Thread: any.
 */
#ifndef GHGD_KERNELS_H
#define GHGD_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Buckets of one facility that are rated alike: rows of buckets x columns of meters. Columns are
 * ordered by series. The arrays need no alignment and do not overlap. */
struct kernel_matrix {
    const int64_t *activity; /* [rows][columns], each within CELL_MAX of 0 */
    /* The running sum before each cell: a cell is rated as the difference of two rounded running
     * sums, so that meters which are spread evenly do not drift. NULL: 0 before each. */
    const int64_t *before;
    const double *factor; /* [factors][columns], |activity * factor| < 2^62 */
    const uint32_t *ends; /* [series]: the column behind the last of each */
    int64_t *scratch;     /* [columns] */
    size_t rows, columns, factors, series;
};

/* A rounded product below it is narrow: AVX2 rounds it by an addition, and 2048 differences of two
 * of them (SERIES_METERS_MAX) fit 64 bits. */
#define KERNEL_NARROW (INT64_C(1) << 51)

struct kernels {
    const char *name; /* "scalar", "avx2", "avx512", "neon" */

    /* sums_out[rows][factors][series]: sums of llrint(activity * factor) over a series' columns.
     * Returns whether every product was narrow; if not, sums_out holds nothing of use. */
    bool (*rate)(const struct kernel_matrix *matrix, int64_t *sums_out);

    /* sums_out[rows][series]: the sums of the activity itself. */
    void (*sum)(const struct kernel_matrix *matrix, int64_t *sums_out);
};

extern const struct kernels kernels_scalar, kernels_avx2, kernels_avx512, kernels_neon;

/* The definition, for one cell. */
int64_t kernels_rate_cell(int64_t activity, double factor);
/* Sums that kernel->rate() cannot hold: the sums of one row of the matrix and one row of factors.
 */
void kernels_rate_wide(const struct kernel_matrix *matrix, size_t row, size_t factor,
                       __int128 *sums_out);

/* The best tier this CPU and OS can run. */
const struct kernels *kernels_best(void);
/* "auto" or a tier's name; NULL if there is no such tier or the machine lacks it. */
const struct kernels *kernels_find(const char *name);

/* --- for the vector tiers: each compiles them with its own flags --- */

/* Series are mostly short: the compiler's own loop is as good as any. */
static inline int64_t *sum_by_series(const struct kernel_matrix *matrix, const int64_t *cells,
                                     int64_t *sums_out)
{
    size_t column = 0;
    for (size_t series = 0; series < matrix->series; series++) {
        uint64_t sum = 0; /* unsigned: wide cells may wrap */
        for (; column < matrix->ends[series]; column++)
            sum += (uint64_t)cells[column];
        *sums_out++ = (int64_t)sum;
    }
    return sums_out;
}

static inline void sum_activity(const struct kernel_matrix *matrix, int64_t *sums_out)
{
    for (size_t row = 0; row < matrix->rows; row++)
        sums_out = sum_by_series(matrix, matrix->activity + row * matrix->columns, sums_out);
}

#endif
