#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/units/fraction.h"

#define TEN_NINES "9999999999"
#define SIXTY_NINES TEN_NINES TEN_NINES TEN_NINES TEN_NINES TEN_NINES TEN_NINES
#define TEN_ZEROS "0000000000"
#define SIXTY_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"0.000e99999999999999999999", "0"},
        {"1", "1"},
        {"+1", "1"},
        {"0.1", "1/10"},
        {"0.5737", "5737/10000"},
        {"1.500", "3/2"},
        {"100", "100"},
        {"25e-2", "1/4"},
        {"25E+2", "2500"},
        {"10203.0405", "20406081/2000"},
        {"1e64", "1" TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS "0000"},
        {"10e63", "1" TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS "0000"},
        {"0." SIXTY_ZEROS "0001", "1/1" SIXTY_ZEROS "0000"},
        {"1e-64", "1/1" SIXTY_ZEROS "0000"},
        {SIXTY_NINES "9999", SIXTY_NINES "9999"},
        {"0." SIXTY_NINES "9999" SIXTY_ZEROS, SIXTY_NINES "9999/1" SIXTY_ZEROS "0000"},
        {"1." SIXTY_ZEROS SIXTY_ZEROS, "1"},
    };
    mpq_t got;
    mpq_t want;
    mpq_inits(got, want, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(mpq_set_str(want, cases[i].want, 10), 0);
        mpq_canonicalize(want);
        int err = fraction_parse(got, cases[i].text, strlen(cases[i].text));
        if (err != 0 || !mpq_equal(got, want))
            fail_msg("%s: %d", cases[i].text, err);
    }
    mpq_clears(got, want, NULL);
}

static void test_parse_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"", ERR_SYNTAX},
        {"-", ERR_SYNTAX},
        {".", ERR_SYNTAX},
        {".5", ERR_SYNTAX},
        {"5.", ERR_SYNTAX},
        {"05", ERR_SYNTAX},
        {"--5", ERR_SYNTAX},
        {"1e", ERR_SYNTAX},
        {"1e+", ERR_SYNTAX},
        {"1e5.0", ERR_SYNTAX},
        {"1 ", ERR_SYNTAX},
        {" 1", ERR_SYNTAX},
        {"1,5", ERR_SYNTAX},
        {"1/3", ERR_SYNTAX},
        {"0x10", ERR_SYNTAX},
        {"inf", ERR_SYNTAX},
        {"nan", ERR_SYNTAX},
        {"-1", ERR_RANGE},
        {"-1e-60", ERR_RANGE},
        {"1e65", ERR_RANGE},
        {"10e64", ERR_RANGE},
        {"1e-65", ERR_RANGE},
        {"0." SIXTY_ZEROS "00001", ERR_RANGE},
        {SIXTY_NINES "99999", ERR_RANGE},
        {"1" SIXTY_ZEROS "0001", ERR_RANGE},
        {"1e99999999999999999999", ERR_RANGE},
        {"1e-99999999999999999999", ERR_RANGE},
    };
    mpq_t got;
    mpq_init(got);
    mpq_set_ui(got, 7, 3);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int err = fraction_parse(got, cases[i].text, strlen(cases[i].text));
        if (err != cases[i].want)
            fail_msg("\"%s\": got %d", cases[i].text, err);
        assert_int_equal(mpq_cmp_ui(got, 7, 3), 0); /* a failed call changes nothing */
    }
    mpq_clear(got);
}

/* a / b * 2^power */
static double divided(const char *a, const char *b, long power)
{
    mpq_t left;
    mpq_t right;
    mpq_inits(left, right, NULL);
    assert_int_equal(mpq_set_str(left, a, 10), 0);
    assert_int_equal(mpq_set_str(right, b, 10), 0);
    mpq_div(left, left, right);
    if (power < 0)
        mpq_div_2exp(left, left, (mp_bitcnt_t)-power);
    else
        mpq_mul_2exp(left, left, (mp_bitcnt_t)power);
    double got = fraction_to_double(left);
    mpq_clears(left, right, NULL);
    return got;
}

static void test_to_double(void **state)
{
    (void)state;
    static const struct {
        const char *name, *a, *b;
        long power;
        double want;
    } cases[] = {
        {"one", "1", "1", 0, 1.0},
        {"tenth", "1", "10", 0, 0.1},
        {"third", "1", "3", 0, 1.0 / 3},
        {"two thirds round up", "2", "3", 0, 2.0 / 3},
        {"grid", "5737", "10000", 0, 0.5737},
        {"zero", "0", "7", 0, 0.0},
        {"53 bits", "9007199254740991", "1", 0, 9007199254740991.0},
        {"a tie, to even below", "9007199254740993", "1", 0, 9007199254740992.0},
        {"a tie, to even above", "9007199254740995", "1", 0, 9007199254740996.0},
        {"just above a tie", "900719925474099301", "100", 0, 9007199254740994.0},
        {"just below a tie", "900719925474099499", "100", 0, 9007199254740994.0},
        {"all ones carry into a power of two", "18014398509481983", "1", 0, 18014398509481984.0},
        {"a hair above a tie", "9007199254740993" SIXTY_ZEROS "1", "1" SIXTY_ZEROS "0", 0,
         9007199254740994.0},
        {"a hair below a tie", "9007199254740992" SIXTY_NINES, "1" SIXTY_ZEROS, 0,
         9007199254740992.0},
        {"large", "1" TEN_ZEROS TEN_ZEROS TEN_ZEROS "0000000", "1", 0, 1e37},
        {"small", "1", "1" TEN_ZEROS "0000000", 0, 1e-17},
        {"pi", "314159265358979323", "100000000000000000", 0, 3.14159265358979323},
        {"lb per MWh", "319191897", "1000000000", 0, 0.319191897},
        {"DBL_MAX", "9007199254740991", "1", 971, DBL_MAX},
        {"below the half above DBL_MAX", "36028797018963965", "4", 971, DBL_MAX},
        {"the half above DBL_MAX", "18014398509481983", "2", 971, (double)INFINITY},
        {"beyond any double", "1", "1", 2000, (double)INFINITY},
        {"DBL_MIN", "1", "1", -1022, DBL_MIN},
        {"the largest below DBL_MIN", "4503599627370495", "1", -1074, 0x0.fffffffffffffp-1022},
        {"between both, a tie", "9007199254740991", "1", -1075, DBL_MIN},
        {"few bits are left, a tie down", "5", "1", -1075, 0x1p-1073},
        {"few bits are left, a tie up", "7", "1", -1075, 0x1p-1072},
        {"few bits are left, above a tie", "501", "100", -1075, 0x3p-1074},
        {"few bits are left, a hair above a tie", "5" SIXTY_ZEROS "1", "1" SIXTY_ZEROS "0", -1075,
         0x3p-1074},
        {"the smallest", "1", "1", -1074, 0x1p-1074},
        {"above half of the smallest", "501", "1000", -1074, 0x1p-1074},
        {"half of the smallest", "1", "2", -1074, 0.0},
        {"below any double", "1", "1", -3000, 0.0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double got = divided(cases[i].a, cases[i].b, cases[i].power);
        if (got != cases[i].want)
            fail_msg("%s: got %a, want %a", cases[i].name, got, cases[i].want);
    }
}

static gmp_randstate_t source;

static void random_fraction(mpq_t value_out, mp_bitcnt_t bits_max)
{
    mpz_rrandomb(mpq_numref(value_out), source, 1 + gmp_urandomm_ui(source, bits_max));
    mpz_rrandomb(mpq_denref(value_out), source, 1 + gmp_urandomm_ui(source, bits_max));
    mpq_canonicalize(value_out);
}

/* Where both numbers are doubles, IEEE division is the nearest, too. */
static void test_to_double_divided(void **state)
{
    (void)state;
    mpq_t value;
    mpq_init(value);
    for (int i = 0; i < 100000; i++) {
        random_fraction(value, DBL_MANT_DIG);
        double want = mpz_get_d(mpq_numref(value)) / mpz_get_d(mpq_denref(value));
        if (fraction_to_double(value) != want)
            fail_msg("%a", want);
    }
    mpq_clear(value);
}

/* |value - of| */
static void distance(mpq_t distance_out, mpq_srcptr value, double of)
{
    mpq_set_d(distance_out, of);
    mpq_sub(distance_out, distance_out, value);
    mpq_abs(distance_out, distance_out);
}

/* No neighbour is nearer; one that is as near is odd. */
static void test_to_double_any(void **state)
{
    (void)state;
    mpq_t value;
    mpq_t got;
    mpq_t other;
    mpq_inits(value, got, other, NULL);
    for (int i = 0; i < 100000; i++) {
        random_fraction(value, 900);
        double nearest = fraction_to_double(value);
        int exponent = 0;
        bool odd = ((int64_t)ldexp(frexp(nearest, &exponent), DBL_MANT_DIG) & 1) != 0;
        distance(got, value, nearest);
        for (int side = 0; side < 2; side++) {
            distance(other, value, nextafter(nearest, side == 0 ? 0 : (double)INFINITY));
            int order = mpq_cmp(got, other);
            if (order > 0 || (order == 0 && odd))
                fail_msg("run %d: %a", i, nearest);
        }
    }
    mpq_clears(value, got, other, NULL);
}

static void test_ratio(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int want;
        struct ratio want_ratio;
    } cases[] = {
        {"2.5", 0, {5, 2}},
        {"12e3", 0, {12000, 1}},
        {"9223372036854775807", 0, {INT64_MAX, 1}},
        {"9223372036854775808", ERR_RANGE, {0, 0}},
        {"5e-19", 0, {1, 2000000000000000000}},
        {"1e-19", ERR_RANGE, {0, 0}},
        {"1e64", ERR_RANGE, {0, 0}},
        {"0", ERR_RANGE, {0, 0}},
    };
    mpq_t value;
    mpq_init(value);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ratio got = {0, 0};
        assert_int_equal(fraction_parse(value, cases[i].value, strlen(cases[i].value)), 0);
        int err = fraction_to_ratio(&got, value);
        if (err != cases[i].want || got.num != cases[i].want_ratio.num ||
            got.den != cases[i].want_ratio.den)
            fail_msg("%s: got %d, %lld/%lld", cases[i].value, err, (long long)got.num,
                     (long long)got.den);
    }
    fraction_from_ratio(value, (struct ratio){18, 24});
    assert_int_equal(mpq_cmp_ui(value, 3, 4), 0);
    fraction_from_ratio(value, (struct ratio){INT64_MAX, INT64_MAX});
    assert_int_equal(mpq_cmp_ui(value, 1, 1), 0);
    mpq_clear(value);
}

int main(void)
{
    gmp_randinit_default(source);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),         cmocka_unit_test(test_parse_refused),
        cmocka_unit_test(test_to_double),     cmocka_unit_test(test_to_double_divided),
        cmocka_unit_test(test_to_double_any), cmocka_unit_test(test_ratio),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    gmp_randclear(source);
    return failed;
}
