/* Two cells at a time, on 64-bit ARM. Its conversions are those of the definition: every 64-bit
 * integer to the nearest double and back, half to even. */
#include "pipelines/emissions/kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

static int64x2_t rate_2(int64x2_t activity, float64x2_t factor)
{
    return vcvtnq_s64_f64(vmulq_f64(vcvtq_f64_s64(activity), factor));
}

static int64x2_t rate_cells(int64x2_t activity, int64x2_t before, float64x2_t factor,
                            uint64x2_t *bits)
{
    int64x2_t until = rate_2(vaddq_s64(before, activity), factor);
    int64x2_t from = rate_2(before, factor);
    *bits = vorrq_u64(*bits, vreinterpretq_u64_s64(vabsq_s64(until)));
    *bits = vorrq_u64(*bits, vreinterpretq_u64_s64(vabsq_s64(from)));
    return vsubq_s64(until, from);
}

static void rate_row(const int64_t *activity, const int64_t *before, const double *factor,
                     int64_t *mass_out, size_t n, uint64x2_t *bits)
{
    size_t i = 0;
    int64x2_t none = vdupq_n_s64(0);
    for (; n - i >= 2; i += 2) {
        int64x2_t sum = before != NULL ? vld1q_s64(before + i) : none;
        vst1q_s64(mass_out + i,
                  rate_cells(vld1q_s64(activity + i), sum, vld1q_f64(factor + i), bits));
    }
    if (i == n)
        return;
    int64x2_t sum = before != NULL ? vcombine_s64(vld1_s64(before + i), vdup_n_s64(0)) : none;
    int64x2_t units = vcombine_s64(vld1_s64(activity + i), vdup_n_s64(0));
    float64x2_t factors = vcombine_f64(vld1_f64(factor + i), vdup_n_f64(0));
    mass_out[i] = vgetq_lane_s64(rate_cells(units, sum, factors, bits), 0);
}

static bool rate_neon(const struct kernel_matrix *matrix, int64_t *sums_out)
{
    uint64x2_t bits = vdupq_n_u64(0);
    for (size_t row = 0; row < matrix->rows; row++) {
        size_t first = row * matrix->columns;
        const int64_t *before = matrix->before != NULL ? matrix->before + first : NULL;
        for (size_t factor = 0; factor < matrix->factors; factor++) {
            rate_row(matrix->activity + first, before, matrix->factor + factor * matrix->columns,
                     matrix->scratch, matrix->columns, &bits);
            sums_out = sum_by_series(matrix, matrix->scratch, sums_out);
        }
    }
    return (vgetq_lane_u64(bits, 0) | vgetq_lane_u64(bits, 1)) < (uint64_t)KERNEL_NARROW;
}

const struct kernels kernels_neon = {.name = "neon", .rate = rate_neon, .sum = sum_activity};

#endif
