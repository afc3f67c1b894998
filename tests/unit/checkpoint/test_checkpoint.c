/* The checkpoint store against librdkafka's in-process mock cluster. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "tests/unit/checkpoint/store.h"
#include "tests/unit/forked.h"

#define MIB ((size_t)1 << 20)

static void keep_pointer(char out[POINTER_TEXT_SIZE], const struct heard *heard)
{
    memcpy(out, heard->pointer, POINTER_TEXT_SIZE);
}

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
    keep_pointer(pointer, &store.heard[2]);
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

/* When a chain has grown larger than its base, the next write begins a new chain. */
static void test_chain_ends(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 1000, 1);
    for (int i = 2; i < 5; i++) {
        assert_false(checkpoint_wants_full(store.checkpoint, 0));
        store_write(&store, 0, 10 * (int64_t)i, 400000, i);
    }
    assert_true(checkpoint_wants_full(store.checkpoint, 0));
    store_write(&store, 0, 50, 1200, 5);
    store_write(&store, 0, 60, 30, 6);
    assert_int_equal(checkpoint_get_stats(store.checkpoint)->full_writes, 2);
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[0]);
    store_close(&store, 1000);
    store_open(&store);
    assert_int_equal(store_restore(&store, 0, 60, pointer), 0);
    store_expect(&store, 0, (int[]){5, 6}, (size_t[]){1200, 30}, 2);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

static void run_for_a_while(struct store *store)
{
    for (uint64_t until = uv_hrtime() + 500000000; uv_hrtime() < until;)
        uv_run(&store->loop, UV_RUN_ONCE);
}

/* If the brokers refuse a record, the write fails, not the store; the next write is full. */
static void test_refused_write(void **state)
{
    (void)state;
    static const rd_kafka_resp_err_t codes[] = {
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, /* ends the client, which is replaced */
    };
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 2 * MIB, 1);
    int failures = 0;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        assert_false(checkpoint_wants_full(store.checkpoint, 0));
        rd_kafka_mock_push_request_errors(store.mock, STORE_PRODUCE, 1, codes[i]);
        store_begin_write(&store, 0, 20, 2 * MIB, 2);
        store_wait(&store, &store.heard[0].write_failures, ++failures);
        assert_false(checkpoint_is_writing(store.checkpoint, 0));
        assert_true(checkpoint_wants_full(store.checkpoint, 0));
        assert_int_equal(checkpoint_get_stats(store.checkpoint)->waiting_bytes, 0);
        for (int tries = 0; checkpoint_wants_full(store.checkpoint, 0); tries++) {
            int before = store.heard[0].write_failures + store.heard[0].written;
            if (tries > 0)
                run_for_a_while(&store);
            assert_true(tries < 10); /* until there is a client again */
            store_begin_write(&store, 0, 30, 3000, 3);
            while (store.heard[0].write_failures + store.heard[0].written == before)
                uv_run(&store.loop, UV_RUN_ONCE);
            failures = store.heard[0].write_failures;
        }
        store_write(&store, 0, 31, 50, 4);
    }
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[0]);
    store_close(&store, 1000);
    store_open(&store);
    assert_int_equal(store_restore(&store, 0, 31, pointer), 0);
    store_expect(&store, 0, (int[]){3, 4}, (size_t[]){3000, 50}, 2);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* While brokers are away a write waits; all partitions share what may be under way. */
static void test_outage(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    for (int i = 0; i < STORE_PARTITIONS; i++)
        assert_int_equal(checkpoint_open(store.checkpoint, i), 0);
    store_write(&store, 0, 10, 100, 1);
    rd_kafka_mock_broker_set_down(store.mock, STORE_BROKER);
    assert_true(checkpoint_has_room(store.checkpoint));
    size_t size = 17 * MIB;
    for (int i = 0; i < STORE_PARTITIONS; i++)
        store_begin_write(&store, i, 20, size, 10 + i);
    assert_false(checkpoint_has_room(store.checkpoint));
    assert_int_equal(checkpoint_get_stats(store.checkpoint)->waiting_bytes,
                     size * STORE_PARTITIONS);
    for (int i = 0; i < 20; i++)
        uv_run(&store.loop, UV_RUN_ONCE);
    rd_kafka_mock_broker_set_up(store.mock, STORE_BROKER);
    for (int i = 0; i < STORE_PARTITIONS; i++)
        store_wait(&store, &store.heard[i].written, i == 0 ? 2 : 1);
    const struct checkpoint_stats *stats = checkpoint_get_stats(store.checkpoint);
    assert_int_equal(stats->write_failures, 0);
    assert_int_equal(stats->waiting_bytes, 0);
    assert_true(checkpoint_has_room(store.checkpoint));
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* All partitions at once, in several pieces, restored at once. */
static void test_many_partitions(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    char pointers[STORE_PARTITIONS][POINTER_TEXT_SIZE];
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        assert_int_equal(checkpoint_open(store.checkpoint, i), 0);
        store_begin_write(&store, i, 20 + i, 4 * MIB, i);
    }
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        store_wait(&store, &store.heard[i].written, 1);
        keep_pointer(pointers[i], &store.heard[i]);
    }
    store_close(&store, 1000);
    store_open(&store);
    for (int i = 0; i < STORE_PARTITIONS; i++)
        assert_int_equal(checkpoint_restore(store.checkpoint, i, 20 + i, pointers[i]), 0);
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        store_wait(&store, &store.heard[i].restored, 1);
        assert_int_equal(store.heard[i].err, 0);
        store_expect(&store, i, &i, (size_t[]){4 * MIB}, 1);
    }
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* Two processes believe that they own the partition: each finds its own chain. */
static void test_zombie(void **state)
{
    (void)state;
    struct store store;
    struct store zombie;
    store_open_cluster(&store);
    zombie = store;
    store_open(&store);
    store_open(&zombie);
    assert_int_equal(checkpoint_open(store.checkpoint, 1), 0);
    assert_int_equal(checkpoint_open(zombie.checkpoint, 1), 0);
    for (int i = 1; i <= 3; i++) {
        store_write(&zombie, 1, 10 * (int64_t)i + 5, MIB / 2, 20 + i);
        store_write(&store, 1, 10 * (int64_t)i, MIB / 2, i);
    }
    store_write(&zombie, 1, 45, 10, 24);
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[1]);
    store_close(&zombie, 1000);
    store_close(&store, 1000);
    buffer_fini(&zombie.heard[1].bytes);

    store_open(&store);
    assert_int_equal(store_restore(&store, 1, 30, pointer), 0);
    store_expect(&store, 1, (int[]){1, 2, 3}, (size_t[]){MIB / 2, MIB / 2, MIB / 2}, 3);
    /* All but what the zombie wrote before the chain began. */
    store_wait_number(&store, &checkpoint_get_stats(store.checkpoint)->obsolete, 3 + 3);
    store_write(&store, 1, 40, 10, 5);
    checkpoint_committed(store.checkpoint, 1, 40);
    store_wait_number(&store, &checkpoint_get_stats(store.checkpoint)->tombstones, 6);
    store_close(&store, 1000);
    assert_int_equal(store_count(&store, 1, true), 6);
    store_close_cluster(&store);
}

static uint64_t tombstones(const struct store *store)
{
    return checkpoint_get_stats(store->checkpoint)->tombstones;
}

/* Records go when the group has committed a newer chain, no sooner, and all of them. */
static void test_tombstones(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 3 * MIB, 1); /* 4 records */
    checkpoint_committed(store.checkpoint, 0, 10);
    store_write(&store, 0, 20, 5 * MIB, 2); /* 7, as a chain's second, if it is very large */
    checkpoint_committed(store.checkpoint, 0, 20);
    assert_true(checkpoint_wants_full(store.checkpoint, 0));
    store_write(&store, 0, 20, 100, 3);
    checkpoint_committed(store.checkpoint, 0, 20); /* the chain is not known */
    run_for_a_while(&store);
    assert_int_equal(tombstones(&store), 0);
    store_write(&store, 0, 21, 100, 4);
    checkpoint_committed(store.checkpoint, 0, 19); /* no news */
    run_for_a_while(&store);
    assert_int_equal(tombstones(&store), 0);
    checkpoint_committed(store.checkpoint, 0, 21); /* an unanswered one may still come behind it */
    run_for_a_while(&store);
    assert_int_equal(tombstones(&store), 0);
    checkpoint_committed(store.checkpoint, 0, 22);
    store_wait_number(&store, &checkpoint_get_stats(store.checkpoint)->tombstones, 11);
    run_for_a_while(&store);
    assert_int_equal(tombstones(&store), 11);
    assert_int_equal(checkpoint_get_stats(store.checkpoint)->obsolete, 0);
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[0]);
    store_close(&store, 1000);
    assert_int_equal(store_count(&store, 0, true), 11);

    store_open(&store);
    assert_int_equal(store_restore(&store, 0, 21, pointer), 0);
    store_expect(&store, 0, (int[]){3, 4}, (size_t[]){100, 100}, 2);
    store_wait_number(&store, &checkpoint_get_stats(store.checkpoint)->obsolete, 2);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* A process that dies between a commit and its tombstones leaves them to the next one. */
static void test_tombstones_are_inherited(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 60 * MIB / 16, 1); /* 5 records */
    store_write(&store, 0, 20, 5 * MIB, 2);       /* 7 */
    store_write(&store, 0, 30, 100, 3);
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[0]);
    store_close(&store, 1000);
    store_open(&store);
    assert_int_equal(store_restore(&store, 0, 30, pointer), 0);
    store_write(&store, 0, 31, 100, 4);
    rd_kafka_mock_push_request_errors(store.mock, STORE_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    checkpoint_committed(store.checkpoint, 0, 31); /* some fail */
    run_for_a_while(&store);
    assert_true(tombstones(&store) < 13);
    assert_int_equal(checkpoint_get_stats(store.checkpoint)->obsolete, 13);
    checkpoint_committed(store.checkpoint, 0, 31); /* all are tried again */
    store_wait_number(&store, &checkpoint_get_stats(store.checkpoint)->tombstones, 13);
    run_for_a_while(&store);
    assert_int_equal(checkpoint_get_stats(store.checkpoint)->obsolete, 0);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* A pointer that cannot be followed, and what is said of it. */
static void test_unreadable(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 100, 1);
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[0]);
    checkpoint_forget(store.checkpoint, 0);
    const struct {
        const char *name, *metadata, *why;
        int64_t committed;
    } cases[] = {
        {"not ours", "v1 ck=4", "is no pointer", 10},
        {"newer", "ghgd3 epoch=1", "newer ghgd", 10},
        {"out of range", "ghgd2 epoch=0000000000000001 number=1 base=40 end=41",
         "no longer has the record at offset 40", 10},
        {"another epoch", "ghgd2 epoch=0000000000000001 number=1 base=0 end=0", "not of its epoch",
         10},
        {"another offset", pointer, "stands at offset 10 of the input, and the group at 11", 11},
    };
    int failures = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int err = store_restore(&store, 0, cases[i].committed, cases[i].metadata);
        const char *why = store.heard[0].why;
        if (err != ERR_PROTOCOL || strstr(why, cases[i].why) == NULL ||
            strstr(why, "partition 0") == NULL)
            fail_msg("%s: %d, %s", cases[i].name, err, why);
        assert_int_equal(checkpoint_get_stats(store.checkpoint)->restore_errors, ++failures);
    }
    store.payload_result = ERR_CONFIG;
    assert_int_equal(store_restore(&store, 0, 10, pointer), ERR_CONFIG);
    assert_non_null(strstr(store.heard[0].why, "windows.bucket was 1h"));
    store.payload_result = 0;
    assert_int_equal(store_restore(&store, 0, 10, pointer), 0); /* it can be tried again */
    checkpoint_forget(store.checkpoint, 0);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0); /* or begun with nothing */
    store_write(&store, 0, 12, 100, 1);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* The group has no offset: what another has saved is found, and goes once there is a newer state.
 */
static void test_search(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(store_search(&store, 0), 0);
    assert_int_equal(store.heard[0].found.offset, -1);
    int64_t began_ms = (int64_t)time(NULL) * 1000;
    store_write(&store, 0, 10, MIB, 1); /* two records; the partition is as after an opening */
    store_write(&store, 0, 20, 100, 2);
    store_close(&store, 1000);

    store_open(&store);
    assert_int_equal(store_search(&store, 0), 0);
    assert_int_equal(store.heard[0].found.offset, 20);
    assert_true(store.heard[0].found.saved_ms >= began_ms);
    assert_int_equal(store_search(&store, 1), 0);
    assert_int_equal(store.heard[1].found.offset, -1);
    assert_true(checkpoint_wants_full(store.checkpoint, 0));
    store_write(&store, 0, 5, 100, 3);
    checkpoint_committed(store.checkpoint, 0, 5);
    store_wait_number(&store, &checkpoint_get_stats(store.checkpoint)->tombstones, 3);
    checkpoint_forget(store.checkpoint, 0);
    assert_int_equal(checkpoint_search(store.checkpoint, 0), 0);
    checkpoint_forget(store.checkpoint, 0); /* nothing is heard of it */
    assert_int_equal(store_search(&store, 0), 0);
    assert_int_equal(store.heard[0].searched, 2);
    assert_int_equal(store.heard[0].found.offset, 5);
    assert_int_equal(store.heard[0].payloads, 0);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* The topic was made again: its log does not reach as far as the pointer. */
static void test_log_ends_early(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 100, 1);
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[0]);
    checkpoint_forget(store.checkpoint, 0);
    char *end = strstr(pointer, "end=0");
    assert_non_null(end);
    end[4] = '5';
    assert_int_equal(store_restore(&store, 0, 10, pointer), ERR_PROTOCOL);
    assert_non_null(strstr(store.heard[0].why, "ends at offset 1, before the record at 5"));
    assert_int_equal(store_restore(&store, 1, 10, pointer), ERR_PROTOCOL);
    assert_non_null(strstr(store.heard[1].why, "ends at offset 0, before the record at 5"));
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* A forgotten partition calls back no more, and can be opened again at once. */
static void test_forgotten(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    checkpoint_forget(store.checkpoint, 3);
    checkpoint_committed(store.checkpoint, 3, 7);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 3 * MIB, 1);
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[0]);
    for (int turns = 0; turns < 8; turns++) {
        store_begin_write(&store, 0, 20, 3 * MIB, 2);
        for (int i = 0; i < turns; i++)
            uv_run(&store.loop, UV_RUN_NOWAIT);
        bool written = store.heard[0].written > 1;
        checkpoint_forget(store.checkpoint, 0);
        assert_int_equal(checkpoint_restore(store.checkpoint, 0, 10, pointer), 0);
        for (int i = 0; i < turns; i++)
            uv_run(&store.loop, UV_RUN_NOWAIT);
        assert_int_equal(store.heard[0].written, written ? 2 : 1);
        checkpoint_forget(store.checkpoint, 0);
        assert_int_equal(checkpoint_get_stats(store.checkpoint)->waiting_bytes, 0);
        store.heard[0].written = 1;
        store.heard[0].restored = 0;
        assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    }
    store_write(&store, 0, 30, 100, 3);
    checkpoint_forget(store.checkpoint, 0);
    assert_int_equal(store_restore(&store, 0, 30, store.heard[0].pointer), 0);
    store_expect(&store, 0, (int[]){3}, (size_t[]){100}, 1);
    assert_int_equal(store.heard[0].write_failures, 0);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* A write that is abandoned leaves nothing: its pieces are followed by tombstones. */
static void test_abandoned_write(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 100, 1);
    rd_kafka_mock_broker_set_down(store.mock, STORE_BROKER);
    store_begin_write(&store, 0, 20, MIB, 2); /* 2 pieces */
    run_for_a_while(&store);
    checkpoint_forget(store.checkpoint, 0);
    rd_kafka_mock_broker_set_up(store.mock, STORE_BROKER);
    store_wait_number(&store, &checkpoint_get_stats(store.checkpoint)->tombstones, 2);
    assert_int_equal(store.heard[0].written, 1);
    assert_int_equal(store_restore(&store, 0, 10, store.heard[0].pointer), 0);
    store_wait_number(&store, &checkpoint_get_stats(store.checkpoint)->obsolete, 1);
    assert_int_equal(checkpoint_get_stats(store.checkpoint)->obsolete, 1);
    store_close(&store, 1000);
    store_close_cluster(&store);
}

/* Closing waits for what is under way, but not for ever. */
static void test_close(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    store_close(&store, 1000); /* while the topic is being checked */
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    store_write(&store, 0, 10, 100, 1);
    store_begin_write(&store, 0, 20, 100, 2);
    store_close(&store, 10000);
    assert_int_equal(store.heard[0].written, 2);
    char pointer[POINTER_TEXT_SIZE];
    keep_pointer(pointer, &store.heard[0]);

    store_open(&store);
    assert_int_equal(store_restore(&store, 0, 20, pointer), 0);
    rd_kafka_mock_broker_set_down(store.mock, STORE_BROKER);
    store_begin_write(&store, 0, 30, 3 * MIB, 3);
    assert_int_equal(checkpoint_restore(store.checkpoint, 1, 20, pointer), 0);
    uint64_t began_ms = uv_hrtime() / 1000000;
    store_close(&store, 300);
    assert_true(uv_hrtime() / 1000000 - began_ms < 5000);
    assert_int_equal(store.heard[0].write_failures, 0);
    assert_int_equal(store.heard[1].restored, 0);
    rd_kafka_mock_broker_set_up(store.mock, STORE_BROKER);
    store_close_cluster(&store);
}

/* More partitions of the input than of the topic, and no right to add them. */
static void test_too_few_partitions(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    assert_int_equal(rd_kafka_mock_topic_create(store.mock, "wide", STORE_PARTITIONS + 1, 1), 0);
    store.config.input.topic = "wide";
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    uint64_t began_ms = uv_hrtime() / 1000000;
    while (!store.failed && uv_hrtime() / 1000000 < began_ms + STORE_WAIT_MS)
        uv_run(&store.loop, UV_RUN_ONCE);
    assert_true(store.failed);
    store_begin_write(&store, 0, 20, 100, 2); /* which nothing will end */
    began_ms = uv_hrtime() / 1000000;
    store_close(&store, 60000);
    assert_true(uv_hrtime() / 1000000 < began_ms + 30000);
    store_close_cluster(&store);
}

static void test_misuse(void **state)
{
    (void)state;
    struct store store;
    store_open_cluster(&store);
    store_open(&store);
    assert_int_equal(checkpoint_open(store.checkpoint, 0), 0);
    struct log_position at = {1, 0};
    struct buffer payload;
    buffer_init(&payload, 4);
    payload.size = (size_t)CHECKPOINT_BYTES_MAX + 1;
    assert_int_equal(checkpoint_write(store.checkpoint, 0, &at, true, &payload), ERR_RANGE);
    payload.size = 0;
    buffer_add_str(&payload, "too long");
    assert_true(buffer_failed(&payload));
    assert_int_equal(checkpoint_write(store.checkpoint, 0, &at, true, &payload), -ENOMEM);
    buffer_fini(&payload);
    assert_false(checkpoint_is_writing(store.checkpoint, 0));
    store_write(&store, 0, 1, 100, 2);
    store_close(&store, 1000);
    store.config.kafka.brokers = "nowhere:0";
    struct buffer why;
    buffer_init(&why, 1024);
    assert_int_equal(uv_loop_init(&store.loop), 0);
    assert_int_equal(checkpoint_create(&store.checkpoint, &store.loop, &store.config,
                                       &(struct checkpoint_callbacks){0}, &why),
                     ERR_CONFIG);
    assert_int_equal(uv_loop_close(&store.loop), 0);
    buffer_fini(&why);
    store_close_cluster(&store);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_comes_back),
        cmocka_unit_test(test_chain_ends),
        cmocka_unit_test(test_refused_write),
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_many_partitions),
        cmocka_unit_test(test_zombie),
        cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_tombstones_are_inherited),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_too_few_partitions),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_abandoned_write),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_log_ends_early),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
