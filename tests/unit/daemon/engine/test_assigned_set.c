/* The partitions of a process: found by number, whatever comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/engine/assigned_set.h"

static struct assigned_set set;
static struct assigned partitions[PARTITIONS_MAX + 1];

static int set_up(void **state)
{
    (void)state;
    set = (struct assigned_set){0};
    return 0;
}

static void add(uint32_t i, int32_t number)
{
    partitions[i].number = number;
    assert_int_equal(assigned_set_add(&set, &partitions[i]), 0);
}

static void test_some(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        add(i, 10 + (int32_t)i);
    assert_ptr_equal(assigned_set_find(&set, 11), &partitions[1]);
    assert_null(assigned_set_find(&set, 13));
    assigned_set_remove(&set, &partitions[0]);
    assigned_set_remove(&set, &partitions[0]);
    assert_int_equal(set.count, 2);
    assert_null(assigned_set_find(&set, 10));
    assert_ptr_equal(assigned_set_find(&set, 12), &partitions[2]);
}

/* Numbers that want the same slot stand behind each other, and move up. */
static void test_same_slot(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++)
        add(i, INT32_MAX - 3 * ASSIGNED_SLOTS + (int32_t)i * ASSIGNED_SLOTS);
    assigned_set_remove(&set, &partitions[1]);
    for (uint32_t i = 0; i < 4; i++)
        assert_ptr_equal(assigned_set_find(&set, partitions[i].number),
                         i == 1 ? NULL : &partitions[i]);
    add(1, 5);
    assert_ptr_equal(assigned_set_find(&set, 5), &partitions[1]);
}

static void test_full(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PARTITIONS_MAX; i++)
        add(i, (int32_t)i * 3);
    partitions[PARTITIONS_MAX].number = 1;
    assert_int_equal(assigned_set_add(&set, &partitions[PARTITIONS_MAX]), ERR_FULL);
    for (uint32_t i = 0; i < PARTITIONS_MAX; i += 2)
        assigned_set_remove(&set, &partitions[i]);
    assert_int_equal(set.count, PARTITIONS_MAX / 2);
    for (int32_t number = 0; number < PARTITIONS_MAX * 3; number++) {
        const struct assigned *found = assigned_set_find(&set, number);
        bool there = number % 3 == 0 && number / 3 % 2 == 1;
        assert_ptr_equal(found, there ? &partitions[number / 3] : NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_some, set_up),
        cmocka_unit_test_setup(test_same_slot, set_up),
        cmocka_unit_test_setup(test_full, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
