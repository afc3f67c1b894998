#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "pipelines/ingest/numeric.h"

static struct numeric float_of(float value)
{
    return (struct numeric){.form = NUMERIC_FLOAT, .single = value};
}

/* The fewest digits that read back as the float, by trying. */
static int shortest(char text[32], float value)
{
    int digits = 1;
    do {
        (void)snprintf(text, 32, "%.*e", digits - 1, (double)value);
    } while (strtof(text, NULL) != value && digits++ < FLT_DECIMAL_DIG);
    return digits;
}

static int digits_of(int64_t digits)
{
    int count = 0;
    while (digits % 10 == 0 && digits != 0)
        digits /= 10;
    for (; digits != 0; digits /= 10)
        count++;
    return count;
}

static void check_float(float value)
{
    struct numeric number = float_of(value);
    struct decimal decimal;
    char want[32];
    char got[64];
    int err = numeric_to_decimal(&decimal, &number);
    int digits = shortest(want, value);
    if (err == ERR_RANGE) {
        if (fabsf(value) < 1e36F && fabsf(value) > 1e-28F)
            fail_msg("%s is not held", want);
        return;
    }
    assert_int_equal(err, 0);
    (void)snprintf(got, sizeof(got), "%" PRId64 "e%d", decimal.digits, -decimal.scale);
    if (strtof(got, NULL) != value || digits_of(decimal.digits) > digits)
        fail_msg("%s became %s", want, got);
}

static void test_floats(void **state)
{
    (void)state;
    static const float values[] = {
        0.0F,        -0.0F,     0.1F,    16.1F,        1.0F / 3,      0.3F,        1e-5F,
        1e-10F,      1e10F,     1e-30F,  1e30F,        16777215.0F,   16777216.0F, 16777218.0F,
        33554432.0F, FLT_MIN,   FLT_MAX, FLT_EPSILON,  8388607.5F,    8388608.5F,  0.5F,
        123456.79F,  9999.995F, 2.5e-7F, 1.17549e-38F, 4.7683716e-7F,
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        check_float(values[i]);
        check_float(-values[i]);
    }
}

/* All exponents, and the decimals that meters send. */
static void test_random_floats(void **state)
{
    (void)state;
    uint64_t random = 20260301;
    print_message("seed %" PRIu64 "\n", random);
    for (int i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t bits = (uint32_t)(random >> 32);
        float value = 0;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value))
            check_float(value);
        check_float((float)(bits % 1000000) / 1000);
        check_float((float)(bits % 10000000) / 100);
    }
}

static void test_no_numbers(void **state)
{
    (void)state;
    static const struct numeric cases[] = {
        {.form = NUMERIC_FLOAT, .single = NAN},       {.form = NUMERIC_FLOAT, .single = INFINITY},
        {.form = NUMERIC_FLOAT, .single = -INFINITY}, {.form = NUMERIC_DOUBLE, .real = NAN},
        {.form = NUMERIC_DOUBLE, .real = INFINITY},   {.form = NUMERIC_DOUBLE, .real = -INFINITY},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal decimal;
        int64_t whole;
        assert_int_equal(numeric_to_decimal(&decimal, &cases[i]), ERR_SYNTAX);
        assert_int_equal(numeric_to_whole(&whole, &cases[i]), ERR_SYNTAX);
    }
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        struct numeric number;
        int err;
        struct decimal want;
    } cases[] = {
        {{.form = NUMERIC_INT, .integer = 0}, 0, {0, 0}},
        {{.form = NUMERIC_INT, .integer = -7}, 0, {-7, 0}},
        {{.form = NUMERIC_INT, .integer = 999999999999999999}, 0, {999999999999999999, 0}},
        {{.form = NUMERIC_INT, .integer = -999999999999999999}, 0, {-999999999999999999, 0}},
        {{.form = NUMERIC_INT, .integer = 1000000000000000000}, 0, {100000000000000000, -1}},
        {{.form = NUMERIC_INT, .integer = 9000000000000000000}, 0, {900000000000000000, -1}},
        {{.form = NUMERIC_UINT, .whole = UINT64_C(18000000000000000000)},
         0,
         {180000000000000000, -2}},
        {{.form = NUMERIC_INT, .integer = 1000000000000000001}, ERR_RANGE, {0, 0}},
        {{.form = NUMERIC_INT, .integer = INT64_MIN}, ERR_RANGE, {0, 0}},
        {{.form = NUMERIC_INT, .integer = INT64_MAX}, ERR_RANGE, {0, 0}},
        {{.form = NUMERIC_UINT, .whole = UINT64_MAX}, ERR_RANGE, {0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal got = {0, 0};
        int err = numeric_to_decimal(&got, &cases[i].number);
        if (err != cases[i].err || got.digits != cases[i].want.digits ||
            got.scale != cases[i].want.scale)
            fail_msg("case %zu: %d, %" PRId64 "e%d", i, err, got.digits, -got.scale);
    }
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        struct numeric number;
        int err;
        int64_t want;
    } cases[] = {
        {{.form = NUMERIC_INT, .integer = INT64_MIN}, 0, INT64_MIN},
        {{.form = NUMERIC_DOUBLE, .real = 7}, 0, 7},
        {{.form = NUMERIC_DOUBLE, .real = -0x1p63}, 0, INT64_MIN},
        {{.form = NUMERIC_FLOAT, .single = 16777216}, 0, 16777216},
        {{.form = NUMERIC_TEXT, .text = "-9223372036854775808", .size = 20}, 0, INT64_MIN},
        {{.form = NUMERIC_TEXT, .text = "9223372036854775807", .size = 19}, 0, INT64_MAX},
        {{.form = NUMERIC_TEXT, .text = "1.50e1", .size = 6}, 0, 15},
        {{.form = NUMERIC_UINT, .whole = UINT64_C(1) << 63}, ERR_RANGE, 0},
        {{.form = NUMERIC_DOUBLE, .real = 0x1p63}, ERR_RANGE, 0},
        {{.form = NUMERIC_DOUBLE, .real = -1e300}, ERR_RANGE, 0},
        {{.form = NUMERIC_DOUBLE, .real = 7.5}, ERR_SYNTAX, 0},
        {{.form = NUMERIC_FLOAT, .single = 0.5F}, ERR_SYNTAX, 0},
        {{.form = NUMERIC_TEXT, .text = "9223372036854775808", .size = 19}, ERR_RANGE, 0},
        {{.form = NUMERIC_TEXT, .text = "1e19", .size = 4}, ERR_RANGE, 0},
        {{.form = NUMERIC_TEXT, .text = "1.5", .size = 3}, ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = 0;
        int err = numeric_to_whole(&got, &cases[i].number);
        if (err != cases[i].err || got != cases[i].want)
            fail_msg("case %zu: %d, %" PRId64, i, err, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats),        cmocka_unit_test(test_random_floats),
        cmocka_unit_test(test_no_numbers),    cmocka_unit_test(test_integers),
        cmocka_unit_test(test_whole_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
