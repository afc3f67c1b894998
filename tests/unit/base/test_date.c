#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct date want; /* year 0: refused */
    } cases[] = {
        {"2026-01-01", {2026, 1, 1}},
        {"1900-01-01", {1900, 1, 1}},
        {"2199-12-31", {2199, 12, 31}},
        {"2024-02-29", {2024, 2, 29}},
        {"2000-02-29", {2000, 2, 29}},
        {"2100-02-29", {0, 0, 0}}, /* no leap year */
        {"2026-02-29", {0, 0, 0}},
        {"2026-04-31", {0, 0, 0}},
        {"2026-13-01", {0, 0, 0}},
        {"2026-00-01", {0, 0, 0}},
        {"2026-01-00", {0, 0, 0}},
        {"1899-12-31", {0, 0, 0}},
        {"2200-01-01", {0, 0, 0}},
        {"2026-1-1", {0, 0, 0}},
        {"2026/01/01", {0, 0, 0}},
        {"2026-01-01 ", {0, 0, 0}},
        {"2026-01-0x", {0, 0, 0}},
        {"-026-01-01", {0, 0, 0}},
        {"", {0, 0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct date got = {0, 0, 0};
        int err = date_parse(&got, cases[i].text, strlen(cases[i].text));
        if (err != (cases[i].want.year == 0 ? ERR_SYNTAX : 0) || date_cmp(got, cases[i].want) != 0)
            fail_msg("%s: error %d, %d-%d-%d", cases[i].text, err, got.year, got.month, got.day);
    }
}

static void test_order(void **state)
{
    (void)state;
    static const struct date days[] = {{2025, 12, 31}, {2026, 1, 1}, {2026, 1, 2}, {2026, 2, 1}};
    for (size_t i = 0; i + 1 < ARRAY_LEN(days); i++) {
        assert_true(date_cmp(days[i], days[i + 1]) < 0);
        assert_true(date_cmp(days[i + 1], days[i]) > 0);
        assert_int_equal(date_cmp(days[i], days[i]), 0);
    }
    assert_true(date_is_open((struct date){0, 0, 0}));
    assert_false(date_is_open(days[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
