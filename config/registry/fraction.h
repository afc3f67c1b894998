/*
 * fraction.h - exact non-negative fractions of 128 bits, for what a table says before it is a
 * double.
 *
 * A conversion chain (unit, density, calorific value, mass of gas, GWP) is a product of decimals;
 * it is carried exactly and rounded to a double once, at its end. Pure. Thread: any.
 */
#ifndef GHGD_FRACTION_H
#define GHGD_FRACTION_H

#include "base/decimal.h"

struct fraction {
    uint128 num, den; /* den > 0, coprime; zero is 0/1 */
};

struct fraction fraction_from_int(uint64_t value);
struct fraction fraction_from_ratio(struct ratio ratio);
/* Returns 0, or ERR_RANGE if the decimal is negative or does not fit. */
int fraction_from_decimal(struct fraction *fraction_out, struct decimal decimal) MUST_CHECK;

/* Each returns 0, or ERR_RANGE if the result in lowest terms does not fit. */
int fraction_mul(struct fraction *result_out, struct fraction a, struct fraction b) MUST_CHECK;
int fraction_add(struct fraction *result_out, struct fraction a, struct fraction b) MUST_CHECK;
/* b is not zero. */
int fraction_div(struct fraction *result_out, struct fraction a, struct fraction b) MUST_CHECK;

bool fraction_is_zero(struct fraction fraction);
/* The nearest double, half to even: right in the last bit. */
double fraction_to_double(struct fraction fraction);
/* Returns 0, or ERR_RANGE if it is zero or does not fit. */
int fraction_to_ratio(struct ratio *ratio_out, struct fraction fraction) MUST_CHECK;

#endif
