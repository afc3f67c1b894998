#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/registry/fraction.h"

static struct fraction fraction(const char *text)
{
    struct decimal decimal;
    struct fraction result;
    assert_int_equal(decimal_parse(&decimal, text, strlen(text)), 0);
    assert_int_equal(fraction_from_decimal(&result, decimal), 0);
    return result;
}

static void test_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *a, *b;
        double quotient;
    } cases[] = {
        {"one", "1", "1", 1.0},
        {"tenth", "1", "10", 0.1},
        {"third", "1", "3", 1.0 / 3},
        {"grid", "0.5737", "1", 0.5737},
        {"zero", "0", "7", 0.0},
        {"ties to even down", "9007199254740993", "1", 9007199254740992.0},
        {"ties to even up", "9007199254740995", "1", 9007199254740996.0},
        {"just above a tie", "900719925474099301", "100", 9007199254740994.0},
        {"large", "1e17", "1e-20", 1e37},
        {"small", "1", "1e17", 1e-17},
        {"pi", "3.14159265358979323", "1", 3.14159265358979323},
        {"lb per MWh", "319.191897", "1000", 0.319191897},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fraction result;
        assert_int_equal(fraction_div(&result, fraction(cases[i].a), fraction(cases[i].b)), 0);
        if (fraction_to_double(result) != cases[i].quotient)
            fail_msg("%s: got %.17g", cases[i].name, fraction_to_double(result));
    }
    struct fraction sum;
    struct fraction big = fraction("1e17");
    assert_int_equal(fraction_mul(&big, big, big), 0);
    assert_int_equal(fraction_add(&sum, fraction("0.1"), fraction("0.2")), 0);
    assert_true(sum.num == 3 && sum.den == 10);
    assert_int_equal(fraction_mul(&sum, big, big), ERR_RANGE);
    assert_int_equal(fraction_add(&sum, big, fraction("1e-36")), ERR_RANGE);
    struct fraction negative;
    assert_int_equal(fraction_from_decimal(&negative, decimal_from_int(-1, 0)), ERR_RANGE);
    struct ratio ratio;
    assert_int_equal(fraction_to_ratio(&ratio, big), ERR_RANGE);
    assert_int_equal(fraction_to_ratio(&ratio, fraction("0")), ERR_RANGE);
    assert_int_equal(fraction_to_ratio(&ratio, fraction("2.5")), 0);
    assert_true(ratio.num == 5 && ratio.den == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fractions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
