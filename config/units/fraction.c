#include "config/units/fraction.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/number_text.h"

_Static_assert(sizeof(long) == sizeof(int64_t), "GMP takes and gives a long");

/* A number in the making: digits / 10^decimals. Zeros wait until a digit follows them, so that
 * "1.500" has two digits. */
struct number {
    char digits[FRACTION_DIGITS_MAX + 1];
    size_t count, zeros;
    int64_t decimals;
    bool too_long;
};

static void take_digit(void *context, int digit, int step)
{
    struct number *number = context;
    number->decimals += step;
    if (digit == 0) {
        number->zeros += number->count > 0;
        return;
    }
    if (number->count + number->zeros >= FRACTION_DIGITS_MAX) {
        number->too_long = true;
        return;
    }
    memset(number->digits + number->count, '0', number->zeros);
    number->count += number->zeros;
    number->zeros = 0;
    number->digits[number->count++] = (char)('0' + digit);
}

static void set(mpq_t value_out, const struct number *number, int64_t exponent)
{
    mpz_t power;
    mpz_init(power);
    mpz_ui_pow_ui(power, 10, (unsigned long)(exponent < 0 ? -exponent : exponent));
    int err = mpz_set_str(mpq_numref(value_out), number->digits, 10);
    ASSERT(err == 0);
    if (exponent < 0) {
        mpz_set(mpq_denref(value_out), power);
    } else {
        mpz_mul(mpq_numref(value_out), mpq_numref(value_out), power);
        mpz_set_ui(mpq_denref(value_out), 1);
    }
    mpq_canonicalize(value_out);
    mpz_clear(power);
}

int fraction_parse(mpq_t value_out, const char *text, size_t size)
{
    struct number number = {.count = 0};
    struct number_frame frame;
    int err = number_read(&frame, text, size, take_digit, &number);
    if (err < 0)
        return err;
    if (number.count == 0) {
        mpq_set_ui(value_out, 0, 1);
        return 0;
    }
    int64_t exponent = frame.exponent - number.decimals + (int64_t)number.zeros;
    if (frame.negative || number.too_long || exponent < -FRACTION_EXPONENT_MAX ||
        exponent > FRACTION_EXPONENT_MAX)
        return ERR_RANGE;
    set(value_out, &number, exponent);
    return 0;
}

void fraction_from_ratio(mpq_t value_out, struct ratio ratio)
{
    ASSERT(ratio.num > 0 && ratio.den > 0);
    mpq_set_si(value_out, ratio.num, (unsigned long)ratio.den);
    mpq_canonicalize(value_out);
}

int fraction_to_ratio(struct ratio *ratio_out, mpq_srcptr value)
{
    if (mpq_sgn(value) <= 0 || !mpz_fits_slong_p(mpq_numref(value)) ||
        !mpz_fits_slong_p(mpq_denref(value)))
        return ERR_RANGE;
    *ratio_out = (struct ratio){mpz_get_si(mpq_numref(value)), mpz_get_si(mpq_denref(value))};
    return 0;
}

/* value * 2^shift: its whole part, and whether what is left rounds it up (half to even). */
static bool divide(mpz_t whole, mpq_srcptr value, long shift)
{
    mpz_t rest;
    mpz_t divisor;
    mpz_init(rest);
    mpz_init_set(divisor, mpq_denref(value));
    mpz_set(whole, mpq_numref(value));
    if (shift < 0)
        mpz_mul_2exp(divisor, divisor, (mp_bitcnt_t)-shift);
    else
        mpz_mul_2exp(whole, whole, (mp_bitcnt_t)shift);
    mpz_tdiv_qr(whole, rest, whole, divisor);
    mpz_mul_2exp(rest, rest, 1);
    int half = mpz_cmp(rest, divisor);
    mpz_clear(rest);
    mpz_clear(divisor);
    return half > 0 || (half == 0 && mpz_odd_p(whole));
}

double fraction_to_double(mpq_srcptr value)
{
    enum { SHIFT_MAX = DBL_MANT_DIG - DBL_MIN_EXP }; /* the last bit of the smallest doubles */
    ASSERT(mpq_sgn(value) >= 0);
    if (mpq_sgn(value) == 0)
        return 0;
    long shift = DBL_MANT_DIG - ((long)mpz_sizeinbase(mpq_numref(value), 2) -
                                 (long)mpz_sizeinbase(mpq_denref(value), 2));
    if (shift > SHIFT_MAX)
        shift = SHIFT_MAX;
    mpz_t whole;
    mpz_init(whole);
    bool up = divide(whole, value, shift);
    if (mpz_sizeinbase(whole, 2) > DBL_MANT_DIG) /* the first guess is one bit off at most */
        up = divide(whole, value, --shift);
    if (up)
        mpz_add_ui(whole, whole, 1);
    double nearest = ldexp(mpz_get_d(whole), (int)-shift);
    mpz_clear(whole);
    return nearest;
}
