/*
 * message_applier.h - messages of one partition, or of a file, on their way into a shard.
 *
 *     message -> decoder -> resolve -> batch -> shard
 *
 * A shard may stop in the middle of a batch, because a window that leaves the horizon still has to
 * be written. The position then says how far it came within the message, and it goes on there when
 * the message is offered again: every event is applied once, and counted once.
 */
#ifndef GHGD_MESSAGE_APPLIER_H
#define GHGD_MESSAGE_APPLIER_H

#include "pipelines/checkpoint/checkpoint_record.h"
#include "pipelines/ingest/batch.h"
#include "pipelines/ingest/decoder.h"
#include "pipelines/state/shard.h"

struct message_applier;

struct message_applier_conf {
    const struct decode_conf *decode;
    const struct registry *registry;
    struct shard *shard; /* borrowed */
    struct batch *batch; /* borrowed; empty between calls, so that appliers share it */
    bool parks_unknown;  /* events of unknown meters are parked, not refused */
    /* Makes sure that every event of the batch could be refused. False: not now; the batch is not
     * applied, and offered again. NULL: it always could. */
    bool (*make_sure)(void *context, const struct batch *batch);
    /* Hears of every event that was not used and has to be kept apart, in order, once. */
    void (*refused)(void *context, const struct refusal *refusal);
    void *context;
};

/* A refusal's origin.message is an index into those of the call. */
struct raw_message {
    const void *bytes;
    size_t size;
    int64_t offset;
    int64_t arrived_ms; /* Kafka timestamp; INT64_MIN if none */
    bool native;        /* it says that it is native JSON (native_header.h) */
};

int message_applier_create(struct message_applier **applier_out,
                           const struct message_applier_conf *conf) MUST_CHECK;
void message_applier_destroy(struct message_applier **applier);

/* Takes the messages in order, from *at on, and moves that along; bytes are borrowed during the
 * call. Returns how many were taken whole; fewer than count: the shard is blocked, or make_sure()
 * was false; offer the rest again, beginning with the same message. */
size_t message_applier_take(struct message_applier *applier, struct log_position *at,
                            const struct raw_message *messages, size_t count);

/* The same for events that had been parked: each message is one event, and was counted as read and
 * parked before. */
size_t message_applier_take_again(struct message_applier *applier,
                                  const struct raw_message *messages, size_t count);

/* A parked event has left for the dead letters: it counts as unknown now. */
void message_applier_unpark(struct message_applier *applier);

/* Events read, and the outcomes of those that never reached the shard; the others are its own. */
struct event_account {
    uint64_t read;
    uint64_t outcomes[OUTCOME_COUNT];
};
/* Counts over the partition's whole log: this life and those before, as a checkpoint keeps them. */
void message_applier_get_account(const struct message_applier *applier,
                                 struct event_account *account_out);
void message_applier_set_earlier(struct message_applier *applier,
                                 const struct event_account *earlier);

/* Counts of this life alone. No count ever falls, so a parked event stays parked here. */
uint64_t message_applier_events_read(const struct message_applier *applier);
void message_applier_add_outcomes(const struct message_applier *applier,
                                  uint64_t counts[OUTCOME_COUNT]);

#endif
