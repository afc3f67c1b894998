/*
 * store.h - a checkpoint store before librdkafka's in-process mock cluster, and what it called
 * back.
 */
#ifndef GHGD_TEST_STORE_H
#define GHGD_TEST_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint_record.h"

enum { STORE_PARTITIONS = 4, STORE_WAIT_MS = 60000, STORE_BROKER = 1, STORE_PRODUCE = 0 };
#define STORE_INPUT "events"
#define STORE_TOPIC "plant-checkpoint"

/* The records of one partition. */
struct heard {
    int written, write_failures, restored, searched, payloads;
    struct log_position at; /* of the last written or restored */
    char pointer[POINTER_TEXT_SIZE];
    struct checkpoint_find found;
    int err;
    char why[1024];
    struct buffer bytes; /* all payloads restored, one after the other */
};

struct store {
    uv_loop_t loop;
    rd_kafka_t *client; /* hosts the mock, and produces what a test makes by hand */
    rd_kafka_mock_cluster_t *mock;
    struct config config;
    struct checkpoint *checkpoint;
    struct heard heard[STORE_PARTITIONS];
    int payload_result; /* what payload() is to say */
    bool failed, closed;
};

void store_open_cluster(struct store *store);
void store_close_cluster(struct store *store);
void store_open(struct store *store);
/* And the loop. */
void store_close(struct store *store, int64_t timeout_ms);

/* One turn of the loop; the store's counts are checked after it. */
void store_turn(struct store *store);
/* Runs the loop until *count is at least `want`. */
void store_wait(struct store *store, const int *count, int want);
void store_wait_number(struct store *store, const uint64_t *number, uint64_t want);
/* Writes a payload of `size` bytes that `seed` determines, and waits; the pointer is in heard. */
void store_write(struct store *store, int32_t partition, int64_t offset, size_t size, int seed);
/* Begins to. */
void store_begin_write(struct store *store, int32_t partition, int64_t offset, size_t size,
                       int seed);
/* Restores from what is in `metadata`, and waits. Returns restored()'s err. */
int store_restore(struct store *store, int32_t partition, int64_t committed, const char *metadata);
/* Looks for what there is without a pointer, and waits. Returns searched()'s err. */
int store_search(struct store *store, int32_t partition);
/* The restored payloads are those of these seeds and sizes. */
void store_expect(struct store *store, int32_t partition, const int *seeds, const size_t *sizes,
                  size_t count);
/* Puts a message into a partition of the checkpoint topic, value NULL for a tombstone. */
void store_put(struct store *store, int32_t partition, const char *key, const void *value,
               size_t size);
void store_fill(struct buffer *out, size_t size, int seed);
/* Messages in the partition, those without a value. */
int64_t store_count(struct store *store, int32_t partition, bool tombstones);

#endif
