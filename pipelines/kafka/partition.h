/*
 * partition.h - one assigned partition: its queue, what was fetched and not yet taken, where it is.
 *
 *     queue -> held -> the consumer's handler
 *
 * `received` follows the newest message out of the queue, `held` are those that the handler has
 * not taken. A message below `received` is a stale one and dropped. The consumer owns its
 * partitions; only the loop thread touches them, except `woken`.
 */
#ifndef GHGD_PARTITION_H
#define GHGD_PARTITION_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <uv.h>

#include "pipelines/kafka/consumer.h"

enum {
    PARTITION_HELD_MAX = 512,        /* messages of a slice: more makes no call cheaper */
    PARTITION_SLICE_BYTES = 64 << 10 /* and bytes: large messages hold hundreds of events each */
};

enum partition_state {
    PARTITION_OPEN,      /* what arrives is offered to the handler */
    PARTITION_UNDECIDED, /* the handler has yet to say whether it was read before */
    PARTITION_STOPPED,   /* the handler took fewer than it was offered */
    PARTITION_HALTED,    /* data was lost and the policy is to stop */
};

/* The handler hears of the answers to its own commits only. */
enum commit_owner { COMMIT_NONE, COMMIT_HANDLERS, COMMIT_OURS };

/* Where the partition began is told to a group that has no offset of it, unless more is. */
enum start_commit { START_NEEDLESS, START_SOUGHT, START_DUE };

struct partition {
    int32_t id;
    atomic_uint woken; /* there may be messages in the queue. Thread: any; no flag beside it, as
                          compilers read neighbouring bytes at once */
    rd_kafka_queue_t *queue;
    uv_async_t *async; /* of the loop that drains the queue */
    enum partition_state state;
    bool caught_up;
    bool has_offset;   /* the group has one, so the next owner knows that there was one before */
    bool released;     /* revoking: its last commits have been asked for */
    int64_t start;     /* where to begin: an offset, or librdkafka's BEGINNING or END */
    int64_t received;  /* -1 until a start at BEGINNING or END is known */
    int64_t log_end;   /* as of the assignment; -1 until the first answer */
    int64_t lost_from; /* offset that is gone, until the next one is known; else -1 */
    int64_t taken_ms;  /* Kafka timestamp of the last message taken; INT64_MIN if none */
    bool forgotten;    /* lost_from is from a state that was saved at saved_ms */
    int64_t saved_ms;
    struct data_loss loss;     /* of a halted one */
    enum commit_owner waiting; /* the commit that is sent next */
    int64_t commit_offset;
    char *commit_metadata;
    enum commit_owner under_way;
    enum start_commit start_commit;
    int64_t start_offset;     /* START_DUE: where it began */
    uint64_t start_due_at_ms; /* uv_now(): when it is to be said again */
    int64_t granted_offset;   /* what the group has, as far as we know; -1: nothing */
    char *granted_metadata;
    uint32_t held_first, held_count;
    rd_kafka_message_t *held[PARTITION_HELD_MAX];
};

/* Gets the partition's queue apart from the client's, before it is assigned. Returns 0 or -ENOMEM.
 */
int partition_create(struct partition **partition_out, rd_kafka_t *client, const char *topic,
                     int32_t id, uv_async_t *async) MUST_CHECK;
/* Before the partition is unassigned: librdkafka must hold none of its messages then. */
void partition_destroy(struct partition **partition);

/* Starts at an offset, or at BEGINNING or END: forgets what was received. */
void partition_rewind(struct partition *partition, int64_t start);

/* Gets messages that have arrived, at most a slice, when no message is held. Other events (the
 * log's end, data loss, errors) go to `fn`, whose message is borrowed. Returns whether anything
 * came.
 */
typedef void (*partition_event_fn)(void *context, struct partition *partition,
                                   const rd_kafka_message_t *event);
bool partition_fill(struct partition *partition, struct consumer_stats *stats,
                    partition_event_fn fn, void *context);
/* The first `count` held messages were taken: destroys them. */
void partition_take(struct partition *partition, size_t count);

/* The offset that the handler has to get next; -1 if not known yet. */
int64_t partition_next(const struct partition *partition);
/* The group has no offset of it and is to get this one, unless a commit says more. */
void partition_begin_at(struct partition *partition, int64_t offset);
/* A commit that waits to be sent, and replaces one that waits. Returns 0 or -ENOMEM. */
int partition_put_commit(struct partition *partition, int64_t offset, const char *metadata,
                         enum commit_owner owner) MUST_CHECK;
/* There is nothing left before this offset: the end of the log, or of what can be read of it. */
void partition_reach(struct partition *partition, int64_t offset);

#endif
