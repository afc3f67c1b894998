/* Ranges of keys: added, merged, cut, and bounded; compared with a plain set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pipelines/checkpoint/obsolete_keys.h"

static void expect(const struct obsolete_keys *obsolete, const struct key_range *want, size_t count)
{
    assert_int_equal(obsolete->count, count);
    if (count > 0)
        assert_memory_equal(obsolete->ranges, want, count * sizeof(*want));
}

static void test_merging_and_cutting(void **state)
{
    (void)state;
    struct obsolete_keys obsolete = {0};
    obsolete_keys_add(&obsolete, (struct key_range){5, 10, 20});
    obsolete_keys_add(&obsolete, (struct key_range){5, 30, 40});
    obsolete_keys_add(&obsolete, (struct key_range){4, 20, 30});
    expect(&obsolete, (struct key_range[]){{4, 20, 30}, {5, 10, 20}, {5, 30, 40}}, 3);
    obsolete_keys_add(&obsolete, (struct key_range){5, 20, 30}); /* touches both */
    expect(&obsolete, (struct key_range[]){{4, 20, 30}, {5, 10, 40}}, 2);
    obsolete_keys_add(&obsolete, (struct key_range){5, 12, 13});
    obsolete_keys_add(&obsolete, (struct key_range){5, 9, 10});
    expect(&obsolete, (struct key_range[]){{4, 20, 30}, {5, 9, 40}}, 2);
    obsolete_keys_remove(&obsolete, (struct key_range){5, 15, 16});
    expect(&obsolete, (struct key_range[]){{4, 20, 30}, {5, 9, 15}, {5, 16, 40}}, 3);
    obsolete_keys_remove(&obsolete, (struct key_range){5, 14, 17});
    obsolete_keys_remove(&obsolete, (struct key_range){4, 0, 100});
    obsolete_keys_remove(&obsolete, (struct key_range){6, 0, 100});
    obsolete_keys_remove(&obsolete, (struct key_range){5, 0, 9});
    expect(&obsolete, (struct key_range[]){{5, 9, 14}, {5, 17, 40}}, 2);
    assert_int_equal(obsolete_keys_count(&obsolete), 5 + 23);
    obsolete_keys_remove(&obsolete, (struct key_range){5, 10, 39});
    expect(&obsolete, (struct key_range[]){{5, 9, 10}, {5, 39, 40}}, 2);
    obsolete_keys_fini(&obsolete);
    expect(&obsolete, NULL, 0);
}

static void test_nonsense_changes_nothing(void **state)
{
    (void)state;
    static const struct key_range cases[] = {{1, 5, 5}, {1, 6, 5}, {1, UINT64_MAX, 0}};
    struct obsolete_keys obsolete = {0};
    obsolete_keys_add(&obsolete, (struct key_range){1, 0, 10});
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        obsolete_keys_add(&obsolete, cases[i]);
        obsolete_keys_remove(&obsolete, cases[i]);
        expect(&obsolete, (struct key_range[]){{1, 0, 10}}, 1);
    }
    obsolete_keys_fini(&obsolete);
}

static void test_bounds(void **state)
{
    (void)state;
    struct obsolete_keys obsolete = {0};
    for (uint64_t i = 0; i < OBSOLETE_RANGES_MAX + 3; i++)
        obsolete_keys_add(&obsolete, (struct key_range){i, 1, 5});
    assert_int_equal(obsolete.count, OBSOLETE_RANGES_MAX);
    assert_int_equal(obsolete.forgotten, 3 * 4);
    obsolete_keys_remove(&obsolete, (struct key_range){0, 2, 3}); /* no room for the second half */
    assert_int_equal(obsolete_keys_count(&obsolete), 4 * OBSOLETE_RANGES_MAX);
    obsolete_keys_add(&obsolete, (struct key_range){3, 5, 6}); /* needs none */
    assert_int_equal(obsolete_keys_count(&obsolete), 4 * OBSOLETE_RANGES_MAX + 1);
    struct obsolete_keys other = {0};
    obsolete_keys_add(&other, (struct key_range){3, 6, 7});
    obsolete_keys_move(&obsolete, &other);
    assert_int_equal(obsolete_keys_count(&obsolete), 4 * OBSOLETE_RANGES_MAX + 2);
    assert_int_equal(other.count, 0);
    obsolete_keys_fini(&obsolete);
}

enum { EPOCHS = 3, KEYS = 60 };

static void check_like_set(const struct obsolete_keys *obsolete, bool set[EPOCHS][KEYS])
{
    bool got[EPOCHS][KEYS] = {{0}};
    for (uint32_t i = 0; i < obsolete->count; i++) {
        const struct key_range *range = &obsolete->ranges[i];
        assert_true(range->first < range->end && range->end <= KEYS);
        const struct key_range *before = i > 0 ? range - 1 : NULL;
        if (before != NULL && before->epoch == range->epoch)
            assert_true(before->end < range->first); /* or they would have been merged */
        else if (before != NULL)
            assert_true(before->epoch < range->epoch);
        for (uint64_t key = range->first; key < range->end; key++)
            got[range->epoch][key] = true;
    }
    assert_memory_equal(got, set, sizeof(got));
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 8;
}

static void test_like_a_set(void **state)
{
    (void)state;
    uint64_t random = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random);
    for (int run = 0; run < 200; run++) {
        struct obsolete_keys obsolete = {0};
        bool set[EPOCHS][KEYS] = {{0}};
        for (int step = 0; step < 60; step++) {
            struct key_range range = {next_random(&random) % EPOCHS, next_random(&random) % KEYS,
                                      0};
            range.end = range.first + next_random(&random) % (KEYS - range.first) + 1;
            bool adds = next_random(&random) % 2 == 0;
            for (uint64_t key = range.first; key < range.end; key++)
                set[range.epoch][key] = adds;
            if (adds)
                obsolete_keys_add(&obsolete, range);
            else
                obsolete_keys_remove(&obsolete, range);
            check_like_set(&obsolete, set);
        }
        obsolete_keys_fini(&obsolete);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merging_and_cutting),
        cmocka_unit_test(test_nonsense_changes_nothing),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_like_a_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
