#include "base/decimal.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define INT128_MAX ((int128)(~(uint128)0 >> 1))

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct decimal want;
    } cases[] = {
        {"0", {0, 0}},
        {"-0", {0, 0}},
        {"0.000", {0, 0}},
        {"0e99999999999999999999", {0, 0}},
        {"1", {1, 0}},
        {"+1", {1, 0}},
        {"-1.50", {-15, 1}},
        {"1.50", {15, 1}},
        {"10", {10, 0}},
        {"100.00", {100, 0}},
        {"0.1", {1, 1}},
        {"0.000001", {1, 6}},
        {"12.5e3", {125, -2}},
        {"1E+2", {1, -2}},
        {"1e-2", {1, 2}},
        {"100e-2", {1, 0}},
        {"999999999999999999", {999999999999999999, 0}},
        {"-999999999999999999", {-999999999999999999, 0}},
        {"0.999999999999999999", {999999999999999999, 18}},
        {"123456789012345678000", {123456789012345678, -3}},
        {"1.00000000000000000000000000000", {1, 0}},
        {"0.000000000000000000000000000000000001", {1, 36}},
        {"1e20", {100, -18}},
        {"1e35", {100000000000000000, -18}},
        {"100e-38", {1, 36}},
        {"1e00000000000000000000000000000000002", {1, -2}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal got = {-77, -77};
        int err = decimal_parse(&got, cases[i].text, strlen(cases[i].text));
        if (err != 0 || got.digits != cases[i].want.digits || got.scale != cases[i].want.scale)
            fail_msg("\"%s\": got %d, %" PRId64 "e%d", cases[i].text, err, got.digits, -got.scale);
    }
}

static void test_parse_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"1234567890123456789", ERR_RANGE},
        {"0.1234567890123456789", ERR_RANGE},
        {"1.0000000000000000001", ERR_RANGE},
        {"1e36", ERR_RANGE},
        {"1e-37", ERR_RANGE},
        {"1e99999999999999999999", ERR_RANGE},
        {"1e-99999999999999999999", ERR_RANGE},
        {"", ERR_SYNTAX},
        {"-", ERR_SYNTAX},
        {"+", ERR_SYNTAX},
        {"--1", ERR_SYNTAX},
        {"01", ERR_SYNTAX},
        {"-00", ERR_SYNTAX},
        {".5", ERR_SYNTAX},
        {"5.", ERR_SYNTAX},
        {"1.e5", ERR_SYNTAX},
        {"1e", ERR_SYNTAX},
        {"1e+", ERR_SYNTAX},
        {"1e1.5", ERR_SYNTAX},
        {"1,5", ERR_SYNTAX},
        {"1.234.5", ERR_SYNTAX},
        {" 1", ERR_SYNTAX},
        {"1 ", ERR_SYNTAX},
        {"1_000", ERR_SYNTAX},
        {"0x10", ERR_SYNTAX},
        {"NaN", ERR_SYNTAX},
        {"Infinity", ERR_SYNTAX},
        {"1234567890123456789x", ERR_SYNTAX},
    };
    struct decimal got = {-77, -77};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int err = decimal_parse(&got, cases[i].text, strlen(cases[i].text));
        if (err != cases[i].want)
            fail_msg("\"%s\": got %d", cases[i].text, err);
    }
    assert_int_equal(decimal_parse(&got, "1\0", 2), ERR_SYNTAX);
    assert_true(got.digits == -77 && got.scale == -77); /* a failed call changes nothing */
}

/* Zeros beyond any limit of digits, before and behind the point, cancel their exponent. */
static void test_parse_long(void **state)
{
    (void)state;
    enum { ZEROS = 100000 };
    static char text[ZEROS + 32];
    memset(text, '0', sizeof(text));
    text[0] = '1';
    int size = snprintf(text + ZEROS + 1, 16, "e-%d", ZEROS);
    struct decimal got;
    assert_int_equal(decimal_parse(&got, text, (size_t)(ZEROS + 1 + size)), 0);
    assert_true(got.digits == 1 && got.scale == 0);
    memset(text, '0', sizeof(text));
    text[1] = '.';
    size = snprintf(text + ZEROS + 2, 16, "25e%d", ZEROS + 1);
    assert_int_equal(decimal_parse(&got, text, (size_t)(ZEROS + 2 + size)), 0);
    assert_true(got.digits == 25 && got.scale == 1);
}

static void test_from_double(void **state)
{
    (void)state;
    static const struct {
        double value;
        int want;
        struct decimal want_decimal;
    } cases[] = {
        {0.0, 0, {0, 0}},
        {-0.0, 0, {0, 0}},
        {0.1, 0, {1, 1}},
        {-0.3, 0, {-3, 1}},
        {1234.5678, 0, {12345678, 4}},
        {1e15, 0, {1, -15}},
        {123456789.0, 0, {123456789, 0}},
        {0.1 + 0.2, 0, {30000000000000004, 17}},
        {1e-7, 0, {1, 7}},
        {1.5e-9, 0, {15, 10}},
        {9007199254.740993, 0, {9007199254740993, 6}},
        {1e22, 0, {10000, -18}},
        {2251799813685248.5, 0, {22517998136852485, 1}},
        {9007199254740992.0, 0, {9007199254740992, 0}},
        {1.7976931348623157e308, ERR_RANGE, {0, 0}},
        {5e-324, ERR_RANGE, {0, 0}},
        {1e-40, ERR_RANGE, {0, 0}},
        {(double)INFINITY, ERR_RANGE, {0, 0}},
        {-(double)INFINITY, ERR_RANGE, {0, 0}},
        {(double)NAN, ERR_RANGE, {0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal got = {-77, -77};
        int err = decimal_from_double(&got, cases[i].value);
        struct decimal want = err == 0 ? cases[i].want_decimal : (struct decimal){-77, -77};
        if (err != cases[i].want || got.digits != want.digits || got.scale != want.scale)
            fail_msg("%.17g: got %d, %" PRId64 "e%d", cases[i].value, err, got.digits, -got.scale);
    }
}

static uint64_t random_state;

static uint64_t random_next(void) /* xorshift64* */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static int random_seed(void **state)
{
    (void)state;
    random_state = (uint64_t)time(NULL);
    print_message("seed %" PRIu64 "\n", random_state);
    return 0;
}

static double decimal_read_back(struct decimal decimal)
{
    char text[48];
    (void)snprintf(text, sizeof(text), "%" PRId64 "e%d", decimal.digits, -decimal.scale);
    return strtod(text, NULL);
}

static int significant_digits(int64_t digits)
{
    int count = 0;
    while (digits % 10 == 0 && digits != 0)
        digits /= 10;
    for (; digits != 0; digits /= 10)
        count++;
    return count;
}

/* Doubles of every size read back as themselves, and no shorter text does. */
static void test_double_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        double value = ldexp((double)(int64_t)random_next(), (int)(random_next() % 100) - 80);
        if (i % 2 == 0) /* as a meter would send it */
            value = (double)(int64_t)(random_next() >> (14 + random_next() % 40)) / 1e3;
        struct decimal decimal;
        int err = decimal_from_double(&decimal, value);
        if (err == ERR_RANGE)
            continue;
        assert_int_equal(err, 0);
        if (decimal_read_back(decimal) != value)
            fail_msg("%.17g came back as %" PRId64 "e%d", value, decimal.digits, -decimal.scale);
        char text[400];
        int count = significant_digits(decimal.digits);
        (void)snprintf(text, sizeof(text), "%.*g", count > 1 ? count - 1 : 1, value);
        if (count > 1 && strtod(text, NULL) == value)
            fail_msg("%.17g: %s is shorter than %" PRId64 "e%d", value, text, decimal.digits,
                     -decimal.scale);
    }
}

/* Text of random digits, point and exponent parses to its value, as the C library sees it. */
static void test_parse_random(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        int64_t whole = (int64_t)(random_next() % 1000000000);
        int64_t fraction = (int64_t)(random_next() % 100000000);
        int exponent = (int)(random_next() % 24) - 12;
        char text[64];
        int size = snprintf(text, sizeof(text), "%s%" PRId64 ".%08" PRId64 "e%d",
                            i % 3 == 0 ? "-" : "", whole, fraction, exponent);
        struct decimal decimal;
        assert_int_equal(decimal_parse(&decimal, text, (size_t)size), 0);
        if (decimal_read_back(decimal) != strtod(text, NULL))
            fail_msg("%s: got %" PRId64 "e%d", text, decimal.digits, -decimal.scale);
    }
}

/* The reference: naturals of 384 bits, which can be multiplied and compared, and no more. */
struct natural {
    uint32_t limbs[12];
};

static struct natural natural_mul(struct natural a, uint64_t factor)
{
    struct natural product = {0};
    uint32_t parts[2] = {(uint32_t)factor, (uint32_t)(factor >> 32)};
    for (size_t part = 0; part < 2; part++) {
        uint64_t carry = 0;
        for (size_t i = 0; i + part < ARRAY_LEN(a.limbs); i++) {
            carry += (uint64_t)a.limbs[i] * parts[part] + product.limbs[i + part];
            product.limbs[i + part] = (uint32_t)carry;
            carry >>= 32;
        }
        assert_int_equal(carry, 0);
    }
    return product;
}

static int natural_cmp(struct natural a, struct natural b)
{
    for (size_t i = ARRAY_LEN(a.limbs); i-- > 0;)
        if (a.limbs[i] != b.limbs[i])
            return a.limbs[i] < b.limbs[i] ? -1 : 1;
    return 0;
}

static struct natural natural_add(struct natural a, struct natural b)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < ARRAY_LEN(a.limbs); i++) {
        carry += (uint64_t)a.limbs[i] + b.limbs[i];
        a.limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return a;
}

static struct natural natural_power(struct natural a, int exponent)
{
    for (; exponent > 0; exponent--)
        a = natural_mul(a, 10);
    return a;
}

/* Is `err`, `got` the right answer? With |value| * ratio = top / bottom, exactly:
 * |2 top - 2 got bottom| <= bottom, and equal to it only where got is even. */
static bool is_right(struct decimal value, struct ratio ratio, int err, int64_t got)
{
    const struct natural one = {{1}};
    bool negative = value.digits < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)value.digits : (uint64_t)value.digits;
    struct natural top = natural_mul(natural_mul(one, magnitude), (uint64_t)ratio.num);
    struct natural bottom = natural_mul(one, (uint64_t)ratio.den);
    top = natural_mul(natural_power(top, value.scale < 6 ? 6 - value.scale : 0), 2);
    bottom = natural_power(bottom, value.scale > 6 ? value.scale - 6 : 0);
    uint64_t result =
        err == 0 ? (got < 0 ? 0 - (uint64_t)got : (uint64_t)got) : (uint64_t)INT64_MAX + negative;
    struct natural middle = natural_mul(natural_mul(bottom, result), 2);
    struct natural high = natural_add(middle, bottom);
    if (err != 0) /* beyond the last that fits; its upper tie goes to it only if it is even */
        return negative ? natural_cmp(top, high) > 0 : natural_cmp(top, high) >= 0;
    if (got != 0 && (got < 0) != negative)
        return false;
    bool even = result % 2 == 0;
    int above = natural_cmp(top, high);
    int below = natural_cmp(natural_add(top, bottom), middle);
    return (above < 0 || (above == 0 && even)) && (below > 0 || (below == 0 && even));
}

static void check_micro(struct decimal value, struct ratio ratio)
{
    int64_t got = 0;
    int err = decimal_to_micro(&got, value, ratio);
    if (!is_right(value, ratio, err, got))
        fail_msg("%" PRId64 "e%d * %" PRId64 "/%" PRId64 ": got %d, %" PRId64, value.digits,
                 -value.scale, ratio.num, ratio.den, err, got);
}

static void test_to_micro_table(void **state)
{
    (void)state;
    static const struct {
        struct decimal value;
        struct ratio ratio;
        int want;
        int64_t want_micro;
    } cases[] = {
        {{15, 1}, {1, 1}, 0, 1500000},
        {{-15, 1}, {1000, 1}, 0, -1500000000},
        {{1, 6}, {1, 1}, 0, 1},
        {{1, 7}, {1, 1}, 0, 0},
        {{5, 7}, {1, 1}, 0, 0}, /* half to even */
        {{15, 7}, {1, 1}, 0, 2},
        {{25, 7}, {1, 1}, 0, 2},
        {{-15, 7}, {1, 1}, 0, -2},
        {{-25, 7}, {1, 1}, 0, -2},
        {{25000001, 13}, {1, 1}, 0, 3},
        {{1, 0}, {5, 18}, 0, 277778}, /* MJ as kWh */
        {{9, 0}, {5, 18}, 0, 2500000},
        {{1, 36}, {INT64_MAX, INT64_MAX - 1}, 0, 0},
        {{0, 0}, {INT64_MAX, 1}, 0, 0},
        {{9223372036854775, 3}, {1, 1}, 0, INT64_C(9223372036854775000)},
        {{9223372036855, 0}, {1, 1}, ERR_RANGE, 0},
        {{-9223372036855, 0}, {1, 1}, ERR_RANGE, 0},
        {{999999999999999999, -18}, {INT64_MAX, 1}, ERR_RANGE, 0},
        {{999999999999999999, -18}, {1, INT64_MAX}, ERR_RANGE, 0},
        {{999999999999999999, 0}, {3, 2}, ERR_RANGE, 0},
        {{1, -13}, {1, 1}, ERR_RANGE, 0},
        {{1, 0}, {INT64_MAX, 1}, ERR_RANGE, 0},
        {{1, 6}, {INT64_MAX, 1}, 0, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = -77;
        int err = decimal_to_micro(&got, cases[i].value, cases[i].ratio);
        if (err != cases[i].want || got != (err == 0 ? cases[i].want_micro : -77))
            fail_msg("row %zu: got %d, %" PRId64, i, err, got);
        check_micro(cases[i].value, cases[i].ratio);
    }
}

static struct ratio random_ratio(void)
{
    struct ratio ratio = {.num = (int64_t)(random_next() >> (1 + random_next() % 62)) | 1,
                          .den = (int64_t)(random_next() >> (1 + random_next() % 62)) | 1};
    if (random_next() % 3 == 0)
        ratio.den = 1;
    if (random_next() % 3 == 0)
        ratio.num = (int64_t[]){1, 10, 100, 1000, 5, 12, 48}[random_next() % 7];
    if (random_next() % 3 == 0)
        ratio.den = (int64_t[]){1, 2, 4, 18, 3, 3600}[random_next() % 6];
    return ratio;
}

static void test_to_micro_random(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct decimal value = {.digits = (int64_t)(random_next() % 1000000000000000000) >>
                                          (random_next() % 60),
                                .scale = (int32_t)(random_next() % 55) - 18};
        if (i % 2 == 0)
            value.scale = (int32_t)(random_next() % 10);
        if (random_next() % 2 == 0)
            value.digits = -value.digits;
        check_micro(value, random_ratio());
    }
}

static void test_div(void **state)
{
    (void)state;
    const struct {
        int128 num, den, want_even, want_floor;
    } cases[] = {
        {0, 1, 0, 0},
        {7, 2, 4, 3},
        {5, 2, 2, 2},
        {-5, 2, -2, -3},
        {-7, 2, -4, -4},
        {1, 2, 0, 0},
        {-1, 2, 0, -1},
        {-1, 3, 0, -1},
        {2, 3, 1, 0},
        {-2, 3, -1, -1},
        {6, 3, 2, 2},
        {-6, 3, -2, -2},
        {INT128_MAX, INT128_MAX, 1, 1},
        {INT128_MAX / 2, INT128_MAX, 0, 0},
        {INT128_MAX / 2 + 1, INT128_MAX, 1, 0},
        {-INT128_MAX - 1, 1, -INT128_MAX - 1, -INT128_MAX - 1},
        {-INT128_MAX - 1, INT128_MAX, -1, -2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (div_round_even(cases[i].num, cases[i].den) != cases[i].want_even)
            fail_msg("row %zu: div_round_even", i);
        if (div_floor(cases[i].num, cases[i].den) != cases[i].want_floor)
            fail_msg("row %zu: div_floor", i);
    }
}

static void test_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int decimals, want_err;
        int64_t want;
    } cases[] = {
        {"0", 9, 0, 0},
        {"0.000", 0, 0, 0},
        {"0.72", 9, 0, 720000000},
        {"1", 9, 0, 1000000000},
        {"-6000", 9, 0, -INT64_C(6000000000000)},
        {"1.50", 1, 0, 15},
        {"150e-1", 0, 0, 15},
        {"155e-1", 0, ERR_SYNTAX, 0},
        {"1e3", 2, 0, 100000},
        {"0.0000000001", 9, ERR_SYNTAX, 0},
        {"0.123456789", 9, 0, 123456789},
        {"123.4567", 3, ERR_SYNTAX, 0},
        {"9223372036.85477580", 9, 0, INT64_C(9223372036854775800)},
        {"-9.22337203685477580e9", 9, 0, -INT64_C(9223372036854775800)},
        {"9223372036.85477581", 9, ERR_RANGE, 0},
        {"1e10", 9, ERR_RANGE, 0},
        {"1e18", 18, ERR_RANGE, 0},
        {"0e18", 18, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal value = {0};
        int64_t got = 0;
        int err = decimal_parse(&value, cases[i].text, strlen(cases[i].text));
        if (err == 0)
            err = decimal_whole(&got, value, cases[i].decimals);
        if (err != cases[i].want_err || got != cases[i].want)
            fail_msg("%s to %d decimals: got %d, %" PRId64, cases[i].text, cases[i].decimals, err,
                     got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refused),
        cmocka_unit_test(test_parse_long),
        cmocka_unit_test(test_from_double),
        cmocka_unit_test(test_double_round_trip),
        cmocka_unit_test(test_parse_random),
        cmocka_unit_test(test_to_micro_table),
        cmocka_unit_test(test_to_micro_random),
        cmocka_unit_test(test_div),
        cmocka_unit_test(test_whole),
    };
    return cmocka_run_group_tests_name("decimal", tests, random_seed, NULL);
}
