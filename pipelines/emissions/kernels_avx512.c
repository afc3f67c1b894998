/*
 * Eight cells at a time; a mask serves the tail alone, since a masked store is slower where the
 * arrays do not fit the caches.
 */
#include "pipelines/emissions/kernels.h"

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

static void rate_avx512(const int64_t *activity, const double *factor, int64_t *mg_out, size_t n)
{
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        __m512i mass = rate_8(_mm512_loadu_si512(activity + i), _mm512_loadu_pd(factor + i));
        _mm512_storeu_si512(mg_out + i, mass);
    }
    __mmask8 live = lanes(n - i);
    __m512i units = _mm512_maskz_loadu_epi64(live, activity + i);
    __m512i mass = rate_8(units, _mm512_maskz_loadu_pd(live, factor + i));
    _mm512_mask_storeu_epi64(mg_out + i, live, mass);
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
    if (n - i >= 8) {
        even = _mm512_add_epi64(even, _mm512_loadu_si512(values + i));
        i += 8;
    }
    odd = _mm512_add_epi64(odd, _mm512_maskz_loadu_epi64(lanes(n - i), values + i));
    return (int64_t)across(_mm512_add_epi64(even, odd));
}

static uint64_t sum_u32_avx512(const uint32_t *values, size_t n)
{
    const __m512i low_half = _mm512_set1_epi64(0xffffffff);
    __m512i low = _mm512_setzero_si512();
    __m512i high = _mm512_setzero_si512();
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        __m512i sixteen = _mm512_loadu_si512(values + i);
        low = _mm512_add_epi64(low, _mm512_and_si512(sixteen, low_half));
        high = _mm512_add_epi64(high, _mm512_srli_epi64(sixteen, 32));
    }
    __m512i rest = _mm512_maskz_loadu_epi32((__mmask16)((1U << (n - i)) - 1), values + i);
    low = _mm512_add_epi64(low, _mm512_and_si512(rest, low_half));
    high = _mm512_add_epi64(high, _mm512_srli_epi64(rest, 32));
    return across(_mm512_add_epi64(low, high));
}

const struct kernels kernels_avx512 = {
    .name = "avx512",
    .rate = rate_avx512,
    .sum = sum_avx512,
    .sum_u32 = sum_u32_avx512,
};
