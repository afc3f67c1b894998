/*
 * Eight cells at a time; a mask serves the tail alone, since a masked store is slower where the
 * arrays do not fit the caches.
 */
#include "pipelines/emissions/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* The first `live` of eight lanes, live < 8. */
static __mmask8 lanes(size_t live)
{
    return (__mmask8)((1U << live) - 1);
}

static __m512i rate_8(__m512i activity, __m512d factor)
{
    return _mm512_cvtpd_epi64(_mm512_mul_pd(_mm512_cvtepi64_pd(activity), factor));
}

/* A lane that is not live holds 0 and gives 0. */
static __m512i rate_cells(__m512i activity, __m512i before, __m512d factor, __m512i *bits)
{
    __m512i until = rate_8(_mm512_add_epi64(before, activity), factor);
    __m512i from = rate_8(before, factor);
    *bits = _mm512_or_si512(*bits, _mm512_abs_epi64(until));
    *bits = _mm512_or_si512(*bits, _mm512_abs_epi64(from));
    return _mm512_sub_epi64(until, from);
}

static void rate_row(const int64_t *activity, const int64_t *before, const double *factor,
                     int64_t *mass_out, size_t n, __m512i *bits)
{
    size_t i = 0;
    __m512i none = _mm512_setzero_si512();
    for (; n - i >= 8; i += 8) {
        __m512i sum = before != NULL ? _mm512_loadu_si512(before + i) : none;
        __m512i mass =
            rate_cells(_mm512_loadu_si512(activity + i), sum, _mm512_loadu_pd(factor + i), bits);
        _mm512_storeu_si512(mass_out + i, mass);
    }
    if (i == n)
        return;
    __mmask8 live = lanes(n - i);
    __m512i sum = before != NULL ? _mm512_maskz_loadu_epi64(live, before + i) : none;
    __m512i mass = rate_cells(_mm512_maskz_loadu_epi64(live, activity + i), sum,
                              _mm512_maskz_loadu_pd(live, factor + i), bits);
    _mm512_mask_storeu_epi64(mass_out + i, live, mass);
}

static bool rate_avx512(const struct kernel_matrix *matrix, int64_t *sums_out)
{
    __m512i bits = _mm512_setzero_si512();
    for (size_t row = 0; row < matrix->rows; row++) {
        size_t first = row * matrix->columns;
        const int64_t *before = matrix->before != NULL ? matrix->before + first : NULL;
        for (size_t factor = 0; factor < matrix->factors; factor++) {
            rate_row(matrix->activity + first, before, matrix->factor + factor * matrix->columns,
                     matrix->scratch, matrix->columns, &bits);
            sums_out = sum_by_series(matrix, matrix->scratch, sums_out);
        }
    }
    return (uint64_t)_mm512_reduce_or_epi64(bits) < (uint64_t)KERNEL_NARROW;
}

const struct kernels kernels_avx512 = {.name = "avx512", .rate = rate_avx512, .sum = sum_activity};

#endif
