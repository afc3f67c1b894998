/*
 * record_writer.h - sends records and tombstones to a topic, that of checkpoints or of alerts;
 * tells what became of each.
 *
 * A shipment is one message with its bytes. It is ours until it was delivered or has failed, which
 * comes from record_writer_turn() for every shipment, once and never from within a send. In order
 * within a partition. A client that has failed for good is replaced: what was under way fails.
 * The loop thread owns it.
 */
#ifndef GHGD_RECORD_WRITER_H
#define GHGD_RECORD_WRITER_H

#include <librdkafka/rdkafka.h>
#include <uv.h>

#include "config/config.h"
#include "pipelines/kafka/client.h"

struct record_writer;

struct shipment {
    struct shipment *older, *newer; /* the writer's */
    int32_t partition;
    rd_kafka_resp_err_t code; /* what became of it */
    int64_t offset;
    uint64_t epoch;  /* of the assignment or try that sends it */
    uint64_t number; /* of its checkpoint, or 1; 0: a tombstone */
    uint32_t piece;
    size_t key_size, size;
    char bytes[]; /* key, then value */
};

/* Borrows the shipment. */
typedef void (*shipped_fn)(void *context, const struct shipment *shipment);

/* Everything that its pointers lead to outlives it. */
struct record_writer_conf {
    const struct kafka_conf *kafka;
    const char *topic;
    enum client_kind kind;          /* CLIENT_WRITER or CLIENT_TOTALS */
    const char *name, *error_event; /* of the client in log lines; of the line with its errors */
    uv_async_t *wake;               /* is sent when there is something to do */
};

/* Returns 0, -ENOMEM or ERR_CONFIG (`why`). */
int record_writer_create(struct record_writer **writer_out, const struct record_writer_conf *conf,
                         struct buffer *why) MUST_CHECK;
/* From now on `wake`, which is a live handle by now, is sent. */
void record_writer_listen(struct record_writer *writer);
/* Records under way are given up. */
void record_writer_destroy(struct record_writer **writer);

/* A shipment with room for key and value, to be filled in; NULL: no memory. */
struct shipment *shipment_create(size_t key_size, size_t size);
/* Takes *shipment. */
void record_writer_send(struct record_writer *writer, struct shipment **shipment);
/* Reports what was shipped, at most a turn's worth: `wake` is sent again if there is more. */
void record_writer_turn(struct record_writer *writer, uint64_t now_ms, shipped_fn shipped,
                        void *context);
/* Shipments that are not reported yet: all of them; all but the tombstones. */
size_t record_writer_waiting(const struct record_writer *writer);
size_t record_writer_waiting_records(const struct record_writer *writer);
/* Asserts that lists and counts agree, by a walk over them. */
void record_writer_check(const struct record_writer *writer);

#endif
