/*
 * Text that parses as a decimal keeps the promises of its struct, is the number that the C library
 * reads, and comes back as itself after it was written. Bytes taken as a double come back too. The
 * exact fractions of tables agree with both.
 */
#include "base/decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/units/fraction.h"

enum { SCALE_MIN = -18, SCALE_MAX = 36, TEXT_SIZE_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int write_decimal(char *text, size_t size, struct decimal decimal)
{
    return snprintf(text, size, "%" PRId64 "e%" PRId32, decimal.digits, -decimal.scale);
}

static void check_decimal(struct decimal decimal)
{
    ASSERT(decimal.digits > -1000000000000000000 && decimal.digits < 1000000000000000000);
    ASSERT(decimal.scale >= SCALE_MIN && decimal.scale <= SCALE_MAX);
    char text[64];
    int size = write_decimal(text, sizeof(text), decimal);
    struct decimal again;
    int err = decimal_parse(&again, text, (size_t)size);
    ASSERT(err == 0);
    ASSERT(again.digits == decimal.digits);
    ASSERT(again.scale == decimal.scale);
}

/* Micro-units of one are the value, rounded: within a half of it, as doubles can tell. */
static void check_micro(struct decimal decimal, double value)
{
    int64_t micro = 0;
    const struct ratio one = {1, 1};
    double want = value * 1e6;
    if (decimal_to_micro(&micro, decimal, one) == 0)
        ASSERT(fabs((double)micro - want) <= 0.5 + fabs(want) * 0x1p-50);
    else
        ASSERT(fabs(want) >= 0x1.fffffffffff00p62);
}

/* If decimal_parse() takes a number that is not negative, fraction_parse() takes it too. The C
 * library reads the double that is nearest to it. */
static void check_fraction(const char *text, size_t size)
{
    struct decimal decimal;
    mpq_t exact;
    mpq_init(exact);
    bool taken = fraction_parse(exact, text, size) == 0;
    if (taken)
        ASSERT(fraction_to_double(exact) == fabs(strtod(text, NULL))); /* "-0" is 0 */
    else if (decimal_parse(&decimal, text, size) == 0)
        ASSERT(decimal.digits < 0);
    mpq_clear(exact);
}

static void check_double(const uint8_t *data, size_t size)
{
    double value = 0;
    memcpy(&value, data, size < sizeof(value) ? size : sizeof(value));
    struct decimal decimal;
    if (decimal_from_double(&decimal, value) != 0)
        return;
    char text[64];
    write_decimal(text, sizeof(text), decimal);
    ASSERT(strtod(text, NULL) == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_double(data, size);
    if (size >= TEXT_SIZE_MAX)
        return 0;
    char text[TEXT_SIZE_MAX];
    memcpy(text, data, size);
    text[size] = '\0';
    check_fraction(text, size);
    struct decimal decimal;
    if (decimal_parse(&decimal, text, size) != 0)
        return 0;
    char *end = NULL;
    double value = strtod(text, &end);
    ASSERT(end == text + size);
    check_decimal(decimal);
    char canonical[64];
    write_decimal(canonical, sizeof(canonical), decimal);
    ASSERT(strtod(canonical, NULL) == value);
    check_micro(decimal, value);
    return 0;
}
