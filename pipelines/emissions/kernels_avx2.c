/*
 * Four cells at a time. AVX2 cannot convert 64-bit integers, so the conversion is one addition. In
 * [2^52, 2^53) doubles are the whole numbers, with the number in the low bits. 1.5 * 2^52 is the
 * middle, so numbers within 2^51 of zero are moved there and back. Moving a product there rounds it
 * half to even, as llrint does. A product that is not narrow is moved elsewhere, and is told by its
 * size.
 */
#include "pipelines/emissions/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

static const double middle = 6755399441055744.0; /* 1.5 * 2^52 */

/* The first `live` of four lanes. */
static __m256i lanes_64(size_t live)
{
    static const int64_t masks[] = {-1, -1, -1, -1, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(masks + 4 - live));
}

/* The rounded mass as a double in the middle's binade; *most grows to the largest magnitude. */
static __m256d rate_4(__m256i activity, __m256d factor, __m256d *most)
{
    const __m256d middles = _mm256_set1_pd(middle);
    const __m256d sign = _mm256_set1_pd(-0.0);
    __m256i moved = _mm256_add_epi64(activity, _mm256_castpd_si256(middles));
    __m256d units = _mm256_sub_pd(_mm256_castsi256_pd(moved), middles);
    __m256d mass = _mm256_add_pd(_mm256_mul_pd(units, factor), middles);
    __m256d rounded = _mm256_sub_pd(mass, middles);
    *most = _mm256_max_pd(*most, _mm256_andnot_pd(sign, rounded));
    return mass;
}

/* The difference of two numbers in the middle's binade is that of their bits. */
static __m256i rate_cells(__m256i activity, __m256i before, __m256d factor, __m256d *most)
{
    __m256d until = rate_4(_mm256_add_epi64(before, activity), factor, most);
    __m256d from = rate_4(before, factor, most);
    return _mm256_sub_epi64(_mm256_castpd_si256(until), _mm256_castpd_si256(from));
}

static void rate_row(const int64_t *activity, const int64_t *before, const double *factor,
                     int64_t *mass_out, size_t n, __m256d *most)
{
    size_t i = 0;
    __m256i none = _mm256_setzero_si256();
    for (; n - i >= 4; i += 4) {
        __m256i sum = before != NULL ? _mm256_loadu_si256((const __m256i *)(before + i)) : none;
        __m256i units = _mm256_loadu_si256((const __m256i *)(activity + i));
        __m256i mass = rate_cells(units, sum, _mm256_loadu_pd(factor + i), most);
        _mm256_storeu_si256((__m256i *)(mass_out + i), mass);
    }
    if (i == n)
        return;
    __m256i live = lanes_64(n - i);
    __m256i sum =
        before != NULL ? _mm256_maskload_epi64((const long long *)(before + i), live) : none;
    __m256i units = _mm256_maskload_epi64((const long long *)(activity + i), live);
    __m256i mass = rate_cells(units, sum, _mm256_maskload_pd(factor + i, live), most);
    _mm256_maskstore_epi64((long long *)(mass_out + i), live, mass);
}

static bool is_narrow(__m256d most)
{
    const __m256d narrow = _mm256_set1_pd((double)KERNEL_NARROW);
    return _mm256_movemask_pd(_mm256_cmp_pd(most, narrow, _CMP_NLT_UQ)) == 0;
}

static bool rate_avx2(const struct kernel_matrix *matrix, int64_t *sums_out)
{
    __m256d most = _mm256_setzero_pd();
    for (size_t row = 0; row < matrix->rows; row++) {
        size_t first = row * matrix->columns;
        const int64_t *before = matrix->before != NULL ? matrix->before + first : NULL;
        for (size_t factor = 0; factor < matrix->factors; factor++) {
            rate_row(matrix->activity + first, before, matrix->factor + factor * matrix->columns,
                     matrix->scratch, matrix->columns, &most);
            sums_out = sum_by_series(matrix, matrix->scratch, sums_out);
        }
    }
    return is_narrow(most);
}

const struct kernels kernels_avx2 = {.name = "avx2", .rate = rate_avx2, .sum = sum_activity};

#endif
