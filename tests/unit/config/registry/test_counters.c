/* Versions of registers: which go on from one another, and what a state is to each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/registry/counters.h"

#define U INT64_C(1000000)

static struct meter meter_of(int64_t num, int64_t den, int64_t modulus)
{
    return (struct meter){.kind = KIND_REGISTER,
                          .own.scale = {num, den},
                          .register_modulus = modulus,
                          .next_version = REGISTRY_NONE,
                          .valid_from_ms = INT64_MIN,
                          .valid_to_ms = INT64_MAX};
}

static void test_rescale(void **state)
{
    (void)state;
    static const struct {
        int64_t from_num, from_den, to_num, to_den, value, want;
        bool good;
    } cases[] = {
        {80, 1, 120, 1, 80 * U, 120 * U, true},
        {80, 1, 120, 1, -80 * U, -120 * U, true},
        {3, 10, 7, 10, 300, 700, true},
        {1, 1, 1, 1000, 1499, 1, true}, /* to the nearest micro-unit */
        {1, 1, 1, 1000, 1500, 2, true}, /* half to even */
        {1, 1, 1, 1000, 2500, 2, true},
        {1, 1, 1, 1, REGISTER_MAX, REGISTER_MAX, true},
        {1, 1, 2, 1, REGISTER_MAX, 0, false},
        {1, 1, 2, 1, -REGISTER_MAX, 0, false},
        {INT64_MAX, 1, INT64_MAX, 1, 5, 5, true},
        {1, INT64_MAX, INT64_MAX, 1, REGISTER_MAX, 0, false}, /* more than 128 bits */
        {7, 3, 11, 5, 0, 0, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct meter from = meter_of(cases[i].from_num, cases[i].from_den, 0);
        struct meter to = meter_of(cases[i].to_num, cases[i].to_den, 0);
        int64_t value;
        assert_int_equal(counters_rescale(&value, &from, &to, cases[i].value), cases[i].good);
        if (cases[i].good && value != cases[i].want)
            fail_msg("case %zu: %lld", i, (long long)value);
    }
}

/* Four versions, the third with other digits; another facility's has nothing to do with them. */
static void make_versions(struct meter meters[6])
{
    for (uint32_t i = 0; i < 6; i++)
        meters[i] = meter_of(i + 1, 1, U * (i == 2 ? 5 : 10) * (i + 1));
    for (uint32_t i = 0; i < 4; i++) {
        meters[i].next_version = i < 3 ? i + 1 : 4;
        meters[i].valid_from_ms = i == 0 ? INT64_MIN : INT64_C(100) * i;
        meters[i].valid_to_ms = INT64_C(100) * i + 100;
    }
    meters[4].facility = 1;
    meters[4].valid_from_ms = 400;
}

static void test_link(void **state)
{
    (void)state;
    struct meter meters[6];
    struct registry registry = {.meters = meters, .meters_count = 6};
    make_versions(meters);
    meters[1].readings_max = 700;
    meters[4].readings_max = 900;
    counters_link(&registry);
    static const int64_t from_ms[] = {INT64_MIN, INT64_MIN, 200, 300};
    static const int64_t to_ms[] = {200, 200, 300, 400};
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(meters[i].versioned);
        assert_int_equal(meters[i].first_version, 0);
        assert_int_equal(meters[i].readings_max, 700);
        assert_true(meters[i].counter_from_ms == from_ms[i]);
        assert_true(meters[i].counter_to_ms == to_ms[i]);
    }
    assert_false(meters[4].versioned); /* the only one at its facility */
    assert_false(meters[5].versioned); /* the only one of its id */
}

static void test_next(void **state)
{
    (void)state;
    struct meter meters[6];
    struct registry registry = {.meters = meters, .meters_count = 6};
    make_versions(meters);
    counters_link(&registry);
    assert_int_equal(counters_next(&registry, 1, REGISTRY_NONE), 0);
    assert_int_equal(counters_next(&registry, 1, 0), 2);
    assert_int_equal(counters_next(&registry, 1, 2), 3);
    assert_int_equal(counters_next(&registry, 1, 3), REGISTRY_NONE);
    assert_int_equal(counters_next(&registry, 4, REGISTRY_NONE), REGISTRY_NONE);
    assert_int_equal(counters_next(&registry, 5, REGISTRY_NONE), REGISTRY_NONE);
}

/* Each of these changes alone makes another counter of it. */
static void test_other_counters(void **state)
{
    (void)state;
    for (int change = 0; change < 6; change++) {
        struct meter meters[2] = {meter_of(2, 1, 20 * U), meter_of(3, 1, 30 * U)};
        struct registry registry = {.meters = meters, .meters_count = 2};
        meters[0].next_version = 1;
        meters[1].valid_from_ms = meters[0].valid_to_ms = 100;
        meters[0].register_digit = 2 * U;
        meters[1].register_digit = change == 1 ? U : 3 * U;
        meters[1].register_modulus += change == 2;
        meters[1].negative = change == 3;
        meters[1].restarts = change == 4;
        meters[1].kind = change == 5 ? KIND_INTERVAL : KIND_REGISTER;
        counters_link(&registry);
        assert_int_equal(meters[0].versioned, change != 5);
        assert_true((meters[0].counter_to_ms == INT64_MAX) == (change == 0));
        assert_true((meters[1].counter_from_ms == INT64_MIN) == (change == 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rescale),
        cmocka_unit_test(test_link),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_other_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
