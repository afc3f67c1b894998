#include "pipelines/ingest/numeric.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOAT_DECIMALS_MAX = 10 };
static const double powers[FLOAT_DECIMALS_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5,
                                                      1e6, 1e7, 1e8, 1e9, 1e10};

/* True if the double lies in the middle between two floats: then rounding it to float may not give
 * what rounding the decimal would have given. */
static bool is_between_floats(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return (bits & 0x1fffffff) == 0x10000000;
}

/* A float has 24 bits and 5^10 has 24: value * 10^k is exact as a double, and so the first k whose
 * nearest whole number reads back has the fewest decimals. */
static bool from_float_fast(struct decimal *decimal_out, float value)
{
    if (!(fabsf(value) < 0x1p24F))
        return false;
    for (int32_t k = 0; k <= FLOAT_DECIMALS_MAX; k++) {
        double digits = rint((double)value * powers[k]);
        double back = digits / powers[k];
        if (is_between_floats(back))
            return false;
        if ((float)back == value) {
            *decimal_out = decimal_from_int((int64_t)digits, k);
            return true;
        }
    }
    return false;
}

static int decimal_from_float(struct decimal *decimal_out, float value)
{
    if (!isfinite(value))
        return ERR_SYNTAX;
    if (from_float_fast(decimal_out, value))
        return 0;
    char text[32];
    int size = 0;
    for (int precision = 6; precision <= 9; precision++) {
        size = snprintf(text, sizeof(text), "%.*g", precision, (double)value);
        ASSERT(size > 0 && (size_t)size < sizeof(text));
        if (strtof(text, NULL) == value)
            break;
    }
    return decimal_parse(decimal_out, text, (size_t)size);
}

/* The magnitude may need more digits than a decimal holds, unless it ends in zeros. */
static int decimal_from_whole(struct decimal *decimal_out, uint64_t magnitude, bool negative)
{
    const uint64_t held_max = UINT64_C(999999999999999999);
    int32_t scale = 0;
    for (; magnitude > held_max && magnitude % 10 == 0; scale--)
        magnitude /= 10;
    if (magnitude > held_max)
        return ERR_RANGE;
    *decimal_out = (struct decimal){
        .digits = negative ? -(int64_t)magnitude : (int64_t)magnitude,
        .scale = scale,
    };
    return 0;
}

int numeric_to_decimal(struct decimal *decimal_out, const struct numeric *number)
{
    switch (number->form) {
    case NUMERIC_INT:
        return number->integer < 0
                   ? decimal_from_whole(decimal_out, -(uint64_t)number->integer, true)
                   : decimal_from_whole(decimal_out, (uint64_t)number->integer, false);
    case NUMERIC_UINT:
        return decimal_from_whole(decimal_out, number->whole, false);
    case NUMERIC_FLOAT:
        return decimal_from_float(decimal_out, number->single);
    case NUMERIC_DOUBLE:
        return isfinite(number->real) ? decimal_from_double(decimal_out, number->real) : ERR_SYNTAX;
    case NUMERIC_TEXT:
        return decimal_parse(decimal_out, number->text, number->size);
    }
    return ERR_SYNTAX;
}

static int whole_from_double(int64_t *whole_out, double value)
{
    if (!isfinite(value) || floor(value) != value)
        return ERR_SYNTAX;
    if (value < (double)INT64_MIN || value >= -(double)INT64_MIN)
        return ERR_RANGE;
    *whole_out = (int64_t)value;
    return 0;
}

/* Text that is not plain digits: 1.0, 17e8. */
static int whole_from_decimal(int64_t *whole_out, const char *text, size_t size)
{
    struct decimal decimal;
    int err = decimal_parse(&decimal, text, size);
    if (err < 0)
        return err;
    if (decimal.scale > 0)
        return ERR_SYNTAX;
    int64_t whole = decimal.digits;
    for (int32_t i = decimal.scale; i < 0; i++)
        if (__builtin_mul_overflow(whole, 10, &whole))
            return ERR_RANGE;
    *whole_out = whole;
    return 0;
}

static int whole_from_text(int64_t *whole_out, const char *text, size_t size)
{
    bool negative = size > 0 && text[0] == '-';
    bool overflow = false;
    int64_t whole = 0;
    for (size_t i = negative; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return whole_from_decimal(whole_out, text, size);
        int digit = text[i] - '0';
        overflow |= __builtin_mul_overflow(whole, 10, &whole) ||
                    __builtin_sub_overflow(whole, digit, &whole);
    }
    if (overflow || (!negative && whole == INT64_MIN))
        return ERR_RANGE;
    *whole_out = negative ? whole : -whole; /* summed below zero: there is one more of them */
    return 0;
}

int numeric_to_whole(int64_t *whole_out, const struct numeric *number)
{
    switch (number->form) {
    case NUMERIC_INT:
        *whole_out = number->integer;
        return 0;
    case NUMERIC_UINT:
        return ERR_RANGE;
    case NUMERIC_FLOAT:
        return whole_from_double(whole_out, (double)number->single);
    case NUMERIC_DOUBLE:
        return whole_from_double(whole_out, number->real);
    case NUMERIC_TEXT:
        return whole_from_text(whole_out, number->text, number->size);
    }
    return ERR_SYNTAX;
}
