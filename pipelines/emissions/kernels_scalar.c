/* The definition: what every other tier must give, bit for bit. */
#include "pipelines/emissions/kernels.h"

#include <math.h>

static void rate_scalar(const int64_t *activity, const double *factor, int64_t *mg_out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mg_out[i] = llrint((double)activity[i] * factor[i]);
}

static int64_t sum_scalar(const int64_t *values, size_t n)
{
    uint64_t sum = 0; /* unsigned: should the caller be wrong, all tiers wrap alike */
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)values[i];
    return (int64_t)sum;
}

static uint64_t sum_u32_scalar(const uint32_t *values, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum;
}

const struct kernels kernels_scalar = {
    .name = "scalar",
    .rate = rate_scalar,
    .sum = sum_scalar,
    .sum_u32 = sum_u32_scalar,
};
