#include "base/buffer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_appends(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_add(&buffer, "abc", 2);
    buffer_add_str(&buffer, "cd");
    buffer_add_char(&buffer, '=');
    buffer_add_int(&buffer, -7);
    buffer_printf(&buffer, " %s %03d", "x", 5);
    buffer_printf(&buffer, "%s", "");
    assert_string_equal(buffer_text(&buffer), "abcd=-7 x 005");
    buffer_clear(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    for (int i = 0; i < 10000; i++)
        buffer_add_str(&buffer, "0123456789");
    assert_false(buffer_failed(&buffer));
    assert_int_equal(buffer.size, 100000);
    for (size_t i = 0; i < buffer.size; i++)
        assert_int_equal(buffer.data[i], '0' + (char)(i % 10));
    buffer_fini(&buffer);
}

static void test_limit(void **state)
{
    (void)state;
    static const struct {
        size_t limit;
        const char *text;
        bool want_failed;
    } cases[] = {
        {0, "", false},      {0, "a", true},        {5, "12345", false},
        {5, "123456", true}, {255, "12345", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer buffer;
        buffer_init(&buffer, cases[i].limit);
        buffer_printf(&buffer, "%s", cases[i].text);
        assert_int_equal(buffer_failed(&buffer), cases[i].want_failed);
        buffer_clear(&buffer);
        buffer_add_str(&buffer, cases[i].text);
        assert_int_equal(buffer_failed(&buffer), cases[i].want_failed);
        if (!cases[i].want_failed)
            assert_string_equal(buffer_text(&buffer), cases[i].text);
        buffer_fini(&buffer);
    }
}

static void test_failure_stays(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 4);
    buffer_add_str(&buffer, "abc");
    buffer_add_str(&buffer, "de");
    buffer_add_char(&buffer, 'f'); /* would fit, but a gap before it must not go unseen */
    assert_true(buffer_failed(&buffer));
    assert_null(buffer_text(&buffer));
    assert_int_equal(buffer.size, 3);
    buffer_clear(&buffer);
    buffer_add_str(&buffer, "abcd");
    assert_string_equal(buffer_text(&buffer), "abcd");
    buffer_fini(&buffer);
}

static void test_int(void **state)
{
    (void)state;
    static const int64_t cases[] = {0,    1,     -1,    9,          10,        99,       100,
                                    -100, 12345, 99999, 1234567890, INT64_MAX, INT64_MIN};
    struct buffer buffer;
    buffer_init(&buffer, 64);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char want[32];
        (void)snprintf(want, sizeof(want), "%" PRId64, cases[i]);
        buffer_clear(&buffer);
        buffer_add_int(&buffer, cases[i]);
        assert_string_equal(buffer_text(&buffer), want);
    }
    buffer_fini(&buffer);
}

#define INT128_MAX ((int128)(~(uint128)0 >> 1))

static void test_fixed(void **state)
{
    (void)state;
    const int128 e18 = 1000000000000000000;
    const struct {
        int128 value;
        unsigned decimals;
        const char *want;
    } cases[] = {
        {0, 0, "0"},
        {0, 6, "0"},
        {1250000, 6, "1.25"},
        {-1250000, 6, "-1.25"},
        {1000000, 6, "1"},
        {120000000, 6, "120"},
        {1, 6, "0.000001"},
        {-1, 6, "-0.000001"},
        {10, 6, "0.00001"},
        {100000, 6, "0.1"},
        {1234567, 6, "1.234567"},
        {100, 0, "100"},
        {-5, 0, "-5"},
        {15, 1, "1.5"},
        {INT64_MIN, 6, "-9223372036854.775808"},
        {e18 * 20, 18, "20"},
        {e18 * 100 + 7, 18, "100.000000000000000007"},
        {e18 * e18, 6, "1000000000000000000000000000000"},
        {INT128_MAX, 0, "170141183460469231731687303715884105727"},
        {-INT128_MAX - 1, 38, "-1.70141183460469231731687303715884105728"},
        {1, 38, "0.00000000000000000000000000000000000001"},
    };
    struct buffer buffer;
    buffer_init(&buffer, 64);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&buffer);
        buffer_add_fixed(&buffer, cases[i].value, cases[i].decimals);
        assert_string_equal(buffer_text(&buffer), cases[i].want);
    }
    buffer_fini(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),       cmocka_unit_test(test_limit),
        cmocka_unit_test(test_failure_stays), cmocka_unit_test(test_int),
        cmocka_unit_test(test_fixed),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
