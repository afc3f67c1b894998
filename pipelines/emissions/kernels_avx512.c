/* Eight cells at a time; the mask serves the tail. */
#include "pipelines/emissions/kernels.h"

#include <immintrin.h>

/* The first n - i of eight lanes, at most all. */
static __mmask8 lanes(size_t n, size_t i)
{
    return n - i < 8 ? (__mmask8)((1U << (n - i)) - 1) : 0xff;
}

static void rate_avx512(const int64_t *activity, const double *factor, int64_t *mg_out, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 live = lanes(n, i);
        __m512d units = _mm512_cvtepi64_pd(_mm512_maskz_loadu_epi64(live, activity + i));
        __m512d mass = _mm512_mul_pd(units, _mm512_maskz_loadu_pd(live, factor + i));
        _mm512_mask_storeu_epi64(mg_out + i, live, _mm512_cvtpd_epi64(mass));
    }
}

static uint64_t across(__m512i sums)
{
    return (uint64_t)_mm512_reduce_add_epi64(sums);
}

static int64_t sum_avx512(const int64_t *values, size_t n)
{
    __m512i even = _mm512_setzero_si512();
    __m512i odd = _mm512_setzero_si512(); /* two chains: an addition need not wait for the last */
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        even = _mm512_add_epi64(even, _mm512_loadu_si512(values + i));
        odd = _mm512_add_epi64(odd, _mm512_loadu_si512(values + i + 8));
    }
    for (; i < n; i += 8)
        even = _mm512_add_epi64(even, _mm512_maskz_loadu_epi64(lanes(n, i), values + i));
    return (int64_t)across(_mm512_add_epi64(even, odd));
}

static uint64_t sum_u32_avx512(const uint32_t *values, size_t n)
{
    __m512i sums = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 8) {
        __m256i eight = _mm256_maskz_loadu_epi32(lanes(n, i), values + i);
        sums = _mm512_add_epi64(sums, _mm512_cvtepu32_epi64(eight));
    }
    return across(sums);
}

const struct kernels kernels_avx512 = {
    .name = "avx512",
    .rate = rate_avx512,
    .sum = sum_avx512,
    .sum_u32 = sum_u32_avx512,
};
