/* Writes of the checkpoint store with each of our own allocations failing in turn: a write fails as
 * a whole, and the next one, a full one, is not held back by what had been sent of it. */
#include "tests/unit/failing_malloc.h"

#include "base/limits.h"
#include "tests/unit/checkpoint/store.h"
#include "tests/unit/forked.h"

enum { PIECES = 3, ALLOCATIONS_MAX = 100 };

/* Returns whether an allocation failed. */
static bool write_once(struct store *store, long failing)
{
    struct heard *heard = &store->heard[0];
    int ended = heard->written + heard->write_failures;
    store_begin_write(store, 0, 100 + failing, (size_t)PIECES * CHECKPOINT_RECORD_BYTES,
                      (int)failing);
    fail_allocations(failing, 1);
    while (heard->written + heard->write_failures == ended)
        store_turn(store);
    bool failed = end_failing();
    checkpoint_check(store->checkpoint);
    assert_int_equal(checkpoint_get_stats(store->checkpoint)->waiting_bytes, 0);
    return failed;
}

static void test_writes(void **state)
{
    (void)state;
    if (!allocations_can_fail())
        skip();
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 1, 1, 1); /* the topic is checked */
    long failing = 0;
    while (failing < ALLOCATIONS_MAX && write_once(&store, failing))
        failing++;
    assert_in_range(failing, PIECES, ALLOCATIONS_MAX - 1);
    assert_true(store.heard[0].write_failures >= PIECES); /* one for each of its records */
    store_write(&store, 0, 1000, 100, 7);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_writes)};
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
