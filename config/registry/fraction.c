#include "config/registry/fraction.h"

#include <math.h>

static uint128 common_divisor(uint128 a, uint128 b)
{
    while (b != 0) {
        uint128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static struct fraction reduced(uint128 num, uint128 den)
{
    uint128 divisor = common_divisor(num, den);
    return (struct fraction){num / divisor, den / divisor};
}

struct fraction fraction_from_int(uint64_t value)
{
    return (struct fraction){value, 1};
}

struct fraction fraction_from_ratio(struct ratio ratio)
{
    ASSERT(ratio.num > 0 && ratio.den > 0);
    return reduced((uint128)ratio.num, (uint128)ratio.den);
}

int fraction_from_decimal(struct fraction *fraction_out, struct decimal decimal)
{
    if (decimal.digits < 0)
        return ERR_RANGE;
    uint128 num = (uint128)decimal.digits;
    uint128 den = 1;
    for (int32_t i = decimal.scale; num != 0 && i > 0; i--)
        den *= 10; /* at most 10^36 */
    for (int32_t i = decimal.scale; num != 0 && i < 0; i++)
        num *= 10; /* at most 10^18 * 10^18 */
    *fraction_out = reduced(num, den);
    return 0;
}

int fraction_mul(struct fraction *result_out, struct fraction a, struct fraction b)
{
    struct fraction left = reduced(a.num, b.den);
    struct fraction right = reduced(b.num, a.den);
    struct fraction result;
    if (__builtin_mul_overflow(left.num, right.num, &result.num) ||
        __builtin_mul_overflow(left.den, right.den, &result.den))
        return ERR_RANGE;
    *result_out = result;
    return 0;
}

int fraction_div(struct fraction *result_out, struct fraction a, struct fraction b)
{
    ASSERT(b.num != 0);
    return fraction_mul(result_out, a, (struct fraction){b.den, b.num});
}

int fraction_add(struct fraction *result_out, struct fraction a, struct fraction b)
{
    uint128 divisor = common_divisor(a.den, b.den);
    uint128 left;
    uint128 right;
    uint128 den;
    uint128 num;
    if (__builtin_mul_overflow(a.num, b.den / divisor, &left) ||
        __builtin_mul_overflow(b.num, a.den / divisor, &right) ||
        __builtin_mul_overflow(a.den, b.den / divisor, &den) ||
        __builtin_add_overflow(left, right, &num))
        return ERR_RANGE;
    *result_out = reduced(num, den);
    return 0;
}

bool fraction_is_zero(struct fraction fraction)
{
    return fraction.num == 0;
}

/* Long division, one bit at a time: 64 bits of quotient, then whether anything is left. */
double fraction_to_double(struct fraction fraction)
{
    if (fraction.num == 0)
        return 0;
    uint128 whole = fraction.num / fraction.den;
    uint128 rest = fraction.num % fraction.den;
    int exponent = 0;
    while (whole >> 64 != 0) { /* too many bits: keep them as "something is left" */
        rest |= whole & 1;
        whole >>= 1;
        exponent++;
    }
    while (exponent <= 0 && whole >> 63 == 0 && exponent > -1000) {
        bool carry = rest >> 127 != 0;
        rest <<= 1;
        whole <<= 1;
        if (carry || rest >= fraction.den) {
            rest -= fraction.den;
            whole |= 1;
        }
        exponent--;
    }
    uint64_t bits = (uint64_t)whole;
    uint64_t low = bits & 0x7ff;
    uint64_t kept = bits >> 11;
    if (low > 0x400 || (low == 0x400 && (rest != 0 || (kept & 1) != 0)))
        kept++;
    return ldexp((double)kept, exponent + 11);
}

int fraction_to_ratio(struct ratio *ratio_out, struct fraction fraction)
{
    if (fraction.num == 0 || fraction.num > INT64_MAX || fraction.den > INT64_MAX)
        return ERR_RANGE;
    *ratio_out = (struct ratio){(int64_t)fraction.num, (int64_t)fraction.den};
    return 0;
}
