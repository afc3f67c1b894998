#include "pipelines/sink/backoff.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_waits_double_up_to_the_longest(void **state)
{
    (void)state;
    static const int64_t upper_ms[] = {500, 1000, 2000, 4000, 8000, 10000, 10000};
    struct backoff backoff;
    backoff_init(&backoff, 500, 10000, 42);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(upper_ms); i++) {
            int64_t wait_ms = backoff_next_ms(&backoff);
            assert_in_range(wait_ms, upper_ms[i] / 2, upper_ms[i]);
        }
        assert_in_range(backoff_slow_ms(&backoff), 5000, 10000);
        backoff_reset(&backoff);
    }
}

static void test_seed_decides(void **state)
{
    (void)state;
    struct backoff one;
    struct backoff same;
    struct backoff other;
    backoff_init(&one, 1000, 1 << 20, 7);
    backoff_init(&same, 1000, 1 << 20, 7);
    backoff_init(&other, 1000, 1 << 20, 8);
    int different = 0;
    for (int i = 0; i < 10; i++) {
        int64_t wait_ms = backoff_next_ms(&one);
        assert_int_equal(wait_ms, backoff_next_ms(&same));
        different += wait_ms != backoff_next_ms(&other);
    }
    assert_true(different >= 5);
}

static void test_bounds_are_mended(void **state)
{
    (void)state;
    static const struct {
        int64_t min_ms, max_ms, first_ms, last_ms;
    } cases[] = {
        {0, 0, 100, 100},
        {-5, -5, 100, 100},
        {5000, 10, 5000, 5000},
        {100, INT64_MAX, 100, 3600000},
        {INT64_MAX, INT64_MAX, 3600000, 3600000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct backoff backoff;
        backoff_init(&backoff, cases[i].min_ms, cases[i].max_ms, i);
        assert_in_range(backoff_next_ms(&backoff), cases[i].first_ms / 2, cases[i].first_ms);
        for (int n = 0; n < 30; n++)
            (void)backoff_next_ms(&backoff);
        assert_in_range(backoff_next_ms(&backoff), cases[i].last_ms / 2, cases[i].last_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_double_up_to_the_longest),
        cmocka_unit_test(test_seed_decides),
        cmocka_unit_test(test_bounds_are_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
