#include "base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number_text.h"

enum {
    DIGITS_MAX = 18, /* 10^18 < 2^60 */
    SCALE_MIN = -18,
    SCALE_MAX = 36, /* 10^36 < 2^120 */
    MICRO_SCALE = 6
};

static const int64_t powers[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

_Static_assert(ARRAY_LEN(powers) == DIGITS_MAX + 1, "powers holds 10^0 to 10^18");

static int128 wide_power(int exponent)
{
    ASSERT(exponent >= 0 && exponent <= SCALE_MAX);
    return exponent <= DIGITS_MAX ? powers[exponent]
                                  : (int128)powers[DIGITS_MAX] * powers[exponent - DIGITS_MAX];
}

/* A number in the making. `scale` is 64 bits wide: text may be as long as a message. */
struct mantissa {
    int64_t digits, scale;
    int count;     /* digits taken since the first that is not 0 */
    bool too_long; /* digits other than 0 followed the 18th */
};

/* Each digit moves the decimal point by `step` if it is kept and by step - 1 if it is not. */
static inline void take_digit(void *number, int digit, int step)
{
    struct mantissa *m = number;
    if (m->count < DIGITS_MAX) {
        m->digits = m->digits * 10 + digit;
        m->count += m->digits != 0;
        m->scale += step;
    } else {
        m->too_long |= digit != 0;
        m->scale += step - 1;
    }
}

static int settle(struct decimal *decimal_out, const struct mantissa *m, bool negative)
{
    int64_t digits = m->digits;
    int64_t scale = m->scale;
    if (m->too_long)
        return ERR_RANGE;
    if (digits == 0)
        scale = 0;
    while (scale > 0 && digits % 10 == 0 && digits != 0) {
        digits /= 10;
        scale--;
    }
    while (scale < SCALE_MIN && digits < powers[DIGITS_MAX - 1]) {
        digits *= 10;
        scale++;
    }
    if (scale < SCALE_MIN || scale > SCALE_MAX)
        return ERR_RANGE;
    decimal_out->digits = negative ? -digits : digits;
    decimal_out->scale = (int32_t)scale;
    return 0;
}

int decimal_parse(struct decimal *decimal_out, const char *text, size_t size)
{
    struct mantissa m = {0};
    struct number_frame frame;
    int err = number_read(&frame, text, size, take_digit, &m);
    if (err < 0)
        return err;
    m.scale -= frame.exponent;
    return settle(decimal_out, &m, frame.negative);
}

/* A double gives back any text of at most 15 digits. So a number of 15 digits that reads back as
 * `value` is the only one, and dropping its zeros makes it the shortest. */
static bool from_double_in_micro(struct decimal *decimal_out, double value)
{
    const double limit = 1e15;
    double micro = value * 1e6;
    if (!(fabs(micro) < limit))
        return false;
    int64_t digits = llrint(micro);
    if ((double)digits / 1e6 != value)
        return false;
    *decimal_out = decimal_from_int(digits, MICRO_SCALE);
    return true;
}

int decimal_from_double(struct decimal *decimal_out, double value)
{
    if (!isfinite(value))
        return ERR_RANGE;
    if (from_double_in_micro(decimal_out, value))
        return 0;
    char text[32];
    int size = 0;
    for (int precision = 15; precision <= 17; precision++) {
        size = snprintf(text, sizeof(text), "%.*g", precision, value);
        ASSERT(size > 0 && (size_t)size < sizeof(text));
        if (strtod(text, NULL) == value)
            break;
    }
    return decimal_parse(decimal_out, text, (size_t)size);
}

struct decimal decimal_from_int(int64_t value, int32_t scale)
{
    while (scale > 0 && value % 10 == 0 && value != 0) {
        value /= 10;
        scale--;
    }
    return (struct decimal){.digits = value, .scale = value == 0 ? 0 : scale};
}

int decimal_whole(int64_t *whole_out, struct decimal value, int decimals)
{
    ASSERT(decimals >= 0 && decimals <= DIGITS_MAX);
    int power = value.digits == 0 ? 0 : decimals - value.scale;
    int64_t digits = value.digits;
    for (; power < 0 && digits % 10 == 0; power++)
        digits /= 10;
    if (power < 0)
        return ERR_SYNTAX;
    int64_t whole = 0;
    if (power > DIGITS_MAX || __builtin_mul_overflow(digits, powers[power], &whole))
        return ERR_RANGE;
    *whole_out = whole;
    return 0;
}

int128 greatest_divisor(int128 a, int128 b)
{
    while (b != 0) {
        int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

int128 div_round_even(int128 numerator, int128 denominator)
{
    ASSERT(denominator > 0);
    int128 quotient = numerator / denominator;
    int128 rest = numerator % denominator;
    int sign = rest < 0 ? -1 : 1;
    int128 above = rest * sign;
    int128 below = denominator - above; /* compared without doubling, which could overflow */
    if (above > below || (above == below && (quotient & 1) != 0))
        quotient += sign;
    return quotient;
}

/* The cases of a 64-bit division: twenty times faster than the wide one. */
static int64_t div_round_even_64(int64_t numerator, int64_t denominator)
{
    int64_t quotient = numerator / denominator;
    int64_t rest = numerator % denominator;
    int64_t sign = rest < 0 ? -1 : 1;
    int64_t above = rest * sign;
    int64_t below = denominator - above;
    return quotient + (above > below || (above == below && (quotient & 1) != 0) ? sign : 0);
}

/* numerator * 10^power / den, power >= 0. If the product does not fit 128 bits, the quotient is
 * at least 2^127 / 2^63 and does not fit either. */
static int scale_up(int64_t *micro_out, int128 numerator, int power, int64_t den)
{
    int128 scaled = 0;
    if (__builtin_mul_overflow(numerator, wide_power(power), &scaled))
        return ERR_RANGE;
    int128 result = div_round_even(scaled, den);
    if (result < INT64_MIN || result > INT64_MAX)
        return ERR_RANGE;
    *micro_out = (int64_t)result;
    return 0;
}

/* numerator / (den * 10^power), |numerator| < 2^123. If the divisor does not fit 128 bits, the
 * quotient is below a sixteenth. */
static int scale_down(int64_t *micro_out, int128 numerator, int power, int64_t den)
{
    int128 divisor = 0;
    if (__builtin_mul_overflow((int128)den, wide_power(power), &divisor)) {
        *micro_out = 0;
        return 0;
    }
    int128 result = 0;
    if (divisor <= INT64_MAX && numerator <= INT64_MAX && numerator >= -INT64_MAX)
        result = div_round_even_64((int64_t)numerator, (int64_t)divisor);
    else
        result = div_round_even(numerator, divisor);
    if (result < INT64_MIN || result > INT64_MAX)
        return ERR_RANGE;
    *micro_out = (int64_t)result;
    return 0;
}

int decimal_to_micro(int64_t *micro_out, struct decimal value, struct ratio ratio)
{
    int power = MICRO_SCALE - value.scale;
    if (ratio.den == 1 && power >= 0 && power <= DIGITS_MAX) {
        int64_t micro = 0;
        if (__builtin_mul_overflow(value.digits, powers[power], &micro) ||
            __builtin_mul_overflow(micro, ratio.num, &micro))
            return ERR_RANGE; /* both factors are whole: a product that is too large stays so */
        *micro_out = micro;
        return 0;
    }
    int128 numerator = (int128)value.digits * ratio.num;
    return power >= 0 ? scale_up(micro_out, numerator, power, ratio.den)
                      : scale_down(micro_out, numerator, -power, ratio.den);
}
