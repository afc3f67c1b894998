/*
 * kernels.h - the vectorised core: arrays and a count in, arrays out.
 *
 * kernels_scalar.c is the definition; every tier gives its bits. Rounding happens in rate only,
 * cell by cell, half to even; sums are of integers. Pure. Thread: any.
 */
#ifndef GHGD_KERNELS_H
#define GHGD_KERNELS_H

#include <stddef.h>
#include <stdint.h>

struct kernels {
    const char *name; /* "scalar", "avx2", "avx512" */

    /* mg_out[i] = activity[i] * factor[i], rounded. |activity| and |product| < 2^51 (CELL_MAX):
     * checked at the door. The arrays need no alignment and do not overlap. */
    void (*rate)(const int64_t *activity, const double *factor, int64_t *mg_out, size_t n);

    /* The sum of n values; the caller knows that it fits (SERIES_METERS_MAX). */
    int64_t (*sum)(const int64_t *values, size_t n);
    uint64_t (*sum_u32)(const uint32_t *values, size_t n);
};

extern const struct kernels kernels_scalar, kernels_avx2, kernels_avx512;

/* The best tier this CPU and OS can run. */
const struct kernels *kernels_best(void);
/* "auto" or a tier's name; NULL if there is no such tier or the machine lacks it. */
const struct kernels *kernels_find(const char *name);

#endif
