/* The definition: what every other tier must give, bit for bit. */
#include "pipelines/emissions/kernels.h"

#include <math.h>

int64_t kernels_rate_cell(int64_t activity, double factor)
{
    return llrint((double)activity * factor);
}

static int64_t rate_cell(const struct kernel_matrix *matrix, size_t row, size_t factor,
                         size_t column, uint64_t *bits)
{
    size_t cell = row * matrix->columns + column;
    double rate = matrix->factor[factor * matrix->columns + column];
    int64_t before = matrix->before != NULL ? matrix->before[cell] : 0;
    int64_t until = kernels_rate_cell(before + matrix->activity[cell], rate);
    int64_t from = kernels_rate_cell(before, rate);
    *bits |= (uint64_t)(until < 0 ? -until : until) | (uint64_t)(from < 0 ? -from : from);
    return until - from;
}

static bool rate_scalar(const struct kernel_matrix *matrix, int64_t *sums_out)
{
    uint64_t bits = 0;
    for (size_t row = 0; row < matrix->rows; row++)
        for (size_t factor = 0; factor < matrix->factors; factor++)
            for (size_t series = 0, column = 0; series < matrix->series; series++) {
                uint64_t sum = 0; /* unsigned: wide cells may wrap */
                for (; column < matrix->ends[series]; column++)
                    sum += (uint64_t)rate_cell(matrix, row, factor, column, &bits);
                *sums_out++ = (int64_t)sum;
            }
    return bits < (uint64_t)KERNEL_NARROW;
}

void kernels_rate_wide(const struct kernel_matrix *matrix, size_t row, size_t factor,
                       __int128 *sums_out)
{
    uint64_t bits = 0;
    for (size_t series = 0, column = 0; series < matrix->series; series++) {
        sums_out[series] = 0;
        for (; column < matrix->ends[series]; column++)
            sums_out[series] += rate_cell(matrix, row, factor, column, &bits);
    }
}

static void sum_scalar(const struct kernel_matrix *matrix, int64_t *sums_out)
{
    const int64_t *activity = matrix->activity;
    for (size_t row = 0; row < matrix->rows; row++, activity += matrix->columns)
        for (size_t series = 0, column = 0; series < matrix->series; series++) {
            int64_t sum = 0;
            for (; column < matrix->ends[series]; column++)
                sum += activity[column];
            *sums_out++ = sum;
        }
}

const struct kernels kernels_scalar = {.name = "scalar", .rate = rate_scalar, .sum = sum_scalar};
