/* A chain and a partition with each of our own allocations failing in turn. */
#include "tests/unit/failing_malloc.h"

#include <string.h>

#include "base/limits.h"
#include "pipelines/checkpoint/checkpoint_partition.h"

#define POINTER "ghgd2 epoch=0000000000000007 number=1 base=0 end=1"

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    (void)context;
    (void)partition;
    (void)why;
    assert_int_equal(size, 10000);
    assert_int_equal(((const uint8_t *)bytes)[size - 1], 0);
    return 0;
}

/* The two pieces of a checkpoint, and two messages of others behind them. */
static int add_messages(struct chain *chain, const char *prefix, struct buffer *why)
{
    static uint8_t piece[5000];
    static uint8_t bytes[sizeof(piece) + RECORD_HEADER_BYTES];
    struct record record = {.epoch = 7,
                            .number = 1,
                            .at = {3, 0},
                            .payload_bytes = 2 * sizeof(piece),
                            .pieces = 2,
                            .bytes = piece,
                            .size = sizeof(piece)};
    int err = 0;
    for (int64_t offset = 0; offset < 4 && err == 0; offset++) {
        char key[RECORD_KEY_BYTES_MAX];
        record.sequence = (uint64_t)offset;
        record.piece = (uint32_t)(offset % 2);
        record_encode(&record, NULL, bytes);
        struct chain_message message = {offset, key, bytes, 0, sizeof(bytes), 0};
        message.key_size =
            record_key_print(key, prefix, offset < 2 ? 7 : (uint64_t)offset, record.sequence);
        err = chain_add(chain, &message, why);
    }
    return err;
}

static int run_chain(void)
{
    struct checkpoint_partition *stored = NULL;
    struct obsolete_keys obsolete = {0};
    struct buffer why;
    buffer_init(&why, 4096);
    int err = checkpoint_partition_create(&stored, "plant", "events", 0);
    if (err < 0)
        return err;
    struct chain_conf conf = {.prefix = stored->prefix,
                              .metadata = POINTER,
                              .committed = 3,
                              .handler = {on_payload, NULL}};
    err = chain_create(&stored->chain, &conf, &why);
    if (err == 0)
        err = add_messages(stored->chain, stored->prefix, &why);
    if (err == 0) {
        assert_true(chain_is_complete(stored->chain));
        chain_take_obsolete(stored->chain, &obsolete);
        if (obsolete.forgotten > 0)
            err = -ENOMEM; /* the chain is good all the same: some records stay in the topic */
        else
            assert_int_equal(obsolete_keys_count(&obsolete), 4);
    }
    obsolete_keys_fini(&obsolete);
    checkpoint_partition_destroy(&stored);
    buffer_fini(&why);
    return err;
}

static void test_failing(void **state)
{
    (void)state;
    fail_each_allocation(run_chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
