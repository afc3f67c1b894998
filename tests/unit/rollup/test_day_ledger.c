/* The ledger of days: a ring of dates. */
#include "tests/unit/failing_malloc.h"

#include "pipelines/rollup/day_ledger.h"

static struct day_total total_of(int64_t mg)
{
    return (struct day_total){.mg = {1, mg, 10 * mg, 100 * mg},
                              .estimated_mg = {0, 1, 2, 4},
                              .production_micro = 7,
                              .covered_ms = 3,
                              .expected_ms = 4,
                              .known = true};
}

static void put(struct day_ledger *ledger, int32_t day, int64_t mg, bool taken)
{
    struct day_total total = total_of(mg);
    assert_int_equal(day_ledger_set(ledger, day, &total), taken);
}

static int64_t mg_on(const struct day_ledger *ledger, int32_t day)
{
    const struct day_total *total = day_ledger_get(ledger, day);
    return total != NULL ? total->mg[1] : -1;
}

static void test_ring(void **state)
{
    (void)state;
    struct day_ledger *ledger = NULL;
    int32_t first = 0;
    int32_t last = 0;
    assert_int_equal(day_ledger_create(&ledger, 5), 0);
    assert_false(day_ledger_span(ledger, &first, &last));
    assert_null(day_ledger_get(ledger, 0));
    put(ledger, 2, 12, true); /* not in order, and around day 0 */
    put(ledger, -1, 9, true);
    put(ledger, 1, 11, true);
    put(ledger, -2, 8, true);
    put(ledger, -3, 7, false); /* five days: -2 .. 2 */
    assert_null(day_ledger_get(ledger, -3));
    assert_null(day_ledger_get(ledger, 0)); /* nothing is known of it */
    assert_null(day_ledger_get(ledger, 3)); /* -2 has its slot */
    assert_int_equal(mg_on(ledger, -2), 8);
    assert_int_equal(mg_on(ledger, 2), 12);
    assert_true(day_ledger_span(ledger, &first, &last));
    assert_int_equal(first, -2);
    assert_int_equal(last, 2);

    put(ledger, 2, 22, true); /* again, with another total */
    assert_int_equal(mg_on(ledger, 2), 22);
    put(ledger, 4, 14, true); /* -2 and -1 are forgotten */
    assert_null(day_ledger_get(ledger, -1));
    assert_null(day_ledger_get(ledger, 3));
    assert_int_equal(mg_on(ledger, 1), 11);
    assert_true(day_ledger_span(ledger, &first, &last));
    assert_int_equal(first, 1);
    assert_int_equal(last, 4);
    put(ledger, 1000, 1, true);
    assert_null(day_ledger_get(ledger, 4));
    assert_null(day_ledger_get(ledger, 999));
    assert_true(day_ledger_span(ledger, &first, &last));
    assert_int_equal(first, 1000);
    assert_int_equal(last, 1000);
    const struct day_total unknown = {0};
    assert_true(day_ledger_set(ledger, 1000, &unknown)); /* taken back */
    assert_false(day_ledger_span(ledger, &first, &last));
    day_ledger_destroy(&ledger);
    assert_null(ledger);
}

static void test_sums(void **state)
{
    (void)state;
    struct day_ledger *ledger = NULL;
    assert_int_equal(day_ledger_create(&ledger, LEDGER_DAYS_MAX), 0);
    put(ledger, 100, 2, true);
    put(ledger, 101, 3, true);
    struct days_sum sum = {0};
    for (int32_t day = 99; day < 103; day++)
        assert_int_equal(day_ledger_add(ledger, day, 1U << 1 | 1U << 3, &sum),
                         day == 100 || day == 101);
    assert_int_equal(sum.mg, 505);
    assert_int_equal(sum.estimated_mg, 10);
    assert_int_equal(sum.production_micro, 14);
    assert_int_equal(sum.covered_ms, 6);
    assert_int_equal(sum.expected_ms, 8);
    sum = (struct days_sum){0};
    assert_true(day_ledger_add(ledger, 100, 1U << 2, &sum));
    assert_int_equal(sum.mg, 20);
    day_ledger_destroy(&ledger);
}

static int make_one(void)
{
    struct day_ledger *ledger = NULL;
    int err = day_ledger_create(&ledger, 5);
    day_ledger_destroy(&ledger);
    return err;
}

static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(make_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
