/*
 * fraction.h - exact fractions, for what a table says before it is a double.
 *
 * A conversion chain (unit, density, calorific value, mass of gas, GWP) is a product of decimals.
 * GMP's mpq carries it exactly, and it is rounded to a double once, at its end. This header adds
 * what GMP lacks. Numbers are bounded where they come in, so no chain needs more than a kilobyte.
 * GMP aborts where there is no memory (docs/operations.md). Pure. Thread: any.
 */
#ifndef GHGD_FRACTION_H
#define GHGD_FRACTION_H

#include <gmp.h>

#include "base/decimal.h"

enum {
    FRACTION_DIGITS_MAX = 64,  /* significant digits of a number in a table */
    FRACTION_EXPONENT_MAX = 64 /* and of the power of ten behind its last one, up or down */
};

/* Parses a decimal as decimal_parse() does, that is not negative. Returns 0; ERR_SYNTAX; or
 * ERR_RANGE if it is negative or beyond the two maxima. A failed call leaves the value as it was.
 */
int fraction_parse(mpq_t value_out, const char *text, size_t size) MUST_CHECK;

void fraction_from_ratio(mpq_t value_out, struct ratio ratio);
/* Returns 0, or ERR_RANGE if it is not positive or does not fit. */
int fraction_to_ratio(struct ratio *ratio_out, mpq_srcptr value) MUST_CHECK;

/* The double that is nearest to a value >= 0, half to even (mpq_get_d() truncates). Infinity from
 * the half above DBL_MAX on. */
double fraction_to_double(mpq_srcptr value);

#endif
