/*
 * decimal.h - decimal numbers as they were written, and their exact conversion to whole
 * micro-units. No binary floating point lies on the way of a reading.
 *
 * A struct decimal is digits * 10^-scale. A struct ratio is a positive fraction in lowest terms, by
 * which a reading is multiplied; arithmetic of fractions is config/units/fraction.h.
 * Everything here is pure. Thread: any.
 */
#ifndef GHGD_DECIMAL_H
#define GHGD_DECIMAL_H

#include "base/base.h"

struct decimal {
    int64_t digits; /* signed; |digits| < 10^18 */
    int32_t scale;  /* -18 .. 36: number of decimals; negative means trailing zeros */
};

struct ratio {
    int64_t num, den; /* both > 0, coprime */
};

/* Parses a number as number_text.h reads it. Trailing zeros of the fraction are dropped first, so
 * "1.50" is 15e-1. Returns 0; ERR_SYNTAX; ERR_RANGE if more than 18 significant digits remain or
 * the scale leaves its range. */
int decimal_parse(struct decimal *decimal_out, const char *text, size_t size) MUST_CHECK;

/* The shortest decimal that reads back as exactly this double (0.1 is 1e-1, not 0.1000...0555).
 * Returns 0, or ERR_RANGE for infinities, NaN and what decimal_parse would refuse. */
int decimal_from_double(struct decimal *decimal_out, double value) MUST_CHECK;

struct decimal decimal_from_int(int64_t value, int32_t scale);

/* Shares and percentages are whole parts of it. */
enum { PART_ONE = 1000000000, PART_DECIMALS = 9 };

/* value * 10^decimals as a whole number, exactly; 0 <= decimals <= 18. Returns 0; ERR_SYNTAX if the
 * value has more decimals; or ERR_RANGE if the result does not fit an int64. */
int decimal_whole(int64_t *whole_out, struct decimal value, int decimals) MUST_CHECK;

/* value * ratio in whole micro-units (1e-6), rounded once, half to even.
 * Returns 0, or ERR_RANGE if the result does not fit an int64. */
int decimal_to_micro(int64_t *micro_out, struct decimal value, struct ratio ratio) MUST_CHECK;

/* numerator / denominator, rounded half to even. The denominator is > 0. */
int128 div_round_even(int128 numerator, int128 denominator);
/* The greatest number that divides both; neither is < 0. a if b is 0. */
int128 greatest_divisor(int128 a, int128 b);
/* The largest whole number that is not greater than the quotient. The denominator is > 0. */
static inline int128 div_floor(int128 numerator, int128 denominator)
{
    ASSERT(denominator > 0);
    int64_t narrow = (int64_t)numerator;
    int64_t divisor = (int64_t)denominator;
    if (narrow == numerator && divisor == denominator) /* 64-bit division is much faster */
        return narrow / divisor - (narrow % divisor < 0);
    return numerator / denominator - (numerator % denominator < 0);
}

#endif
