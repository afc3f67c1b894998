/* The checkpoint store against librdkafka's in-process mock cluster. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "tests/unit/ingest/apart.h"
#include "tests/unit/state/store.h"

enum { MIB = 1 << 20 };

/* A chain of one and of several records, of nothing too, comes back as it was, by another process.
 */
static void test_chain_comes_back(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 2), 0);
    assert_true(checkpoint_wants_full(store.checkpoint, 2));
    const int seeds[] = {1, 2, 3, 4};
    const size_t sizes[] = {3 * MIB / 2 + 1, 1000, 0, CHECKPOINT_RECORD_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
        store_write(&store, 2, 100 + (int64_t)i, sizes[i], seeds[i]);
        assert_false(checkpoint_wants_full(store.checkpoint, 2));
    }
    const struct checkpoint_stats *stats = checkpoint_get_stats(store.checkpoint);
    assert_int_equal(stats->writes, 4);
    assert_int_equal(stats->full_writes, 1);
    assert_int_equal(stats->records, 3 + 1 + 1 + 1);
    assert_int_equal(stats->waiting_bytes, 0);
    assert_true(stats->ready);
    char pointer[POINTER_TEXT_SIZE];
    strcpy(pointer, store.heard[2].pointer);
    store_close(&store, 1000);

    store_open(&store);
    assert_int_equal(store_restore(&store, 2, 103, pointer), 0);
    store_expect(&store, 2, seeds, sizes, ARRAY_LEN(seeds));
    assert_int_equal(store.heard[2].at.offset, 103);
    assert_int_equal(store.heard[2].at.skip, 4);
    assert_true(checkpoint_wants_full(store.checkpoint, 2));
    stats = checkpoint_get_stats(store.checkpoint);
    assert_int_equal(stats->restores, 1);
    assert_int_equal(stats->restored_bytes, sizes[0] + sizes[1] + sizes[3]);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_comes_back),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
