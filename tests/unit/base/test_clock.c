#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_wall(void **state)
{
    (void)state;
    assert_true(clock_wall_ms() > INT64_C(1700000000000)); /* 2023: these are milliseconds */
    assert_true(clock_wall_ms() < INT64_C(17000000000000));
}

static void test_steady(void **state)
{
    (void)state;
    int64_t before_ms = clock_steady_ms();
    for (int i = 0; i < 1000; i++) {
        int64_t now_ms = clock_steady_ms();
        assert_true(now_ms >= before_ms);
        before_ms = now_ms;
    }
}

static void test_boot_and_cpu(void **state)
{
    (void)state;
    assert_true(clock_boot_ms() >= clock_steady_ms() - 1000); /* it counts suspended time too */
    int64_t before_us = clock_cpu_us();
    int64_t until_ms = clock_steady_ms() + 20;
    while (clock_steady_ms() < until_ms)
        ;
    assert_true(clock_cpu_us() > before_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wall),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_boot_and_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
