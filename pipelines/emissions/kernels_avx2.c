/*
 * Four cells at a time. AVX2 cannot convert 64-bit integers, so the conversion is one addition: in
 * [2^52, 2^53) doubles are the whole numbers, with the number in the low bits. 1.5 * 2^52 is the
 * middle, so what lies within 2^51 of zero is moved there and back; moving a product there rounds
 * it half to even, as llrint does.
 */
#include "pipelines/emissions/kernels.h"

#include <immintrin.h>

static const double middle = 6755399441055744.0; /* 1.5 * 2^52 */

/* The first `live` of four lanes. */
static __m256i lanes_64(size_t live)
{
    static const int64_t masks[] = {-1, -1, -1, -1, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(masks + 4 - live));
}

static __m256i rate_4(__m256i activity, __m256d factor)
{
    const __m256d middles = _mm256_set1_pd(middle);
    const __m256i middle_bits = _mm256_castpd_si256(middles);
    __m256d units =
        _mm256_sub_pd(_mm256_castsi256_pd(_mm256_add_epi64(activity, middle_bits)), middles);
    __m256d mass = _mm256_mul_pd(units, factor);
    return _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(mass, middles)), middle_bits);
}

static void rate_avx2(const int64_t *activity, const double *factor, int64_t *mg_out, size_t n)
{
    size_t i = 0;
    for (; n - i >= 4; i += 4) {
        __m256i units = _mm256_loadu_si256((const __m256i *)(activity + i));
        __m256i mass = rate_4(units, _mm256_loadu_pd(factor + i));
        _mm256_storeu_si256((__m256i *)(mg_out + i), mass);
    }
    if (i == n)
        return;
    __m256i live = lanes_64(n - i);
    __m256i units = _mm256_maskload_epi64((const long long *)(activity + i), live);
    __m256i mass = rate_4(units, _mm256_maskload_pd(factor + i, live));
    _mm256_maskstore_epi64((long long *)(mg_out + i), live, mass);
}

static uint64_t across(__m256i sums)
{
    __m128i pair = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    return (uint64_t)_mm_cvtsi128_si64(pair) + (uint64_t)_mm_extract_epi64(pair, 1);
}

static int64_t sum_avx2(const int64_t *values, size_t n)
{
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256(); /* two chains: an addition need not wait for the last */
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        even = _mm256_add_epi64(even, _mm256_loadu_si256((const __m256i *)(values + i)));
        odd = _mm256_add_epi64(odd, _mm256_loadu_si256((const __m256i *)(values + i + 4)));
    }
    uint64_t sum = across(_mm256_add_epi64(even, odd));
    for (; i < n; i++)
        sum += (uint64_t)values[i];
    return (int64_t)sum;
}

static uint64_t sum_u32_avx2(const uint32_t *values, size_t n)
{
    const __m256i low_half = _mm256_set1_epi64x(0xffffffff);
    __m256i low = _mm256_setzero_si256();
    __m256i high = _mm256_setzero_si256();
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        __m256i eight = _mm256_loadu_si256((const __m256i *)(values + i));
        low = _mm256_add_epi64(low, _mm256_and_si256(eight, low_half));
        high = _mm256_add_epi64(high, _mm256_srli_epi64(eight, 32));
    }
    uint64_t sum = across(_mm256_add_epi64(low, high));
    for (; i < n; i++)
        sum += values[i];
    return sum;
}

const struct kernels kernels_avx2 = {
    .name = "avx2",
    .rate = rate_avx2,
    .sum = sum_avx2,
    .sum_u32 = sum_u32_avx2,
};
