/*
 * consumer.h - one Kafka consumer on the loop: a member of the group, its partitions, its lag.
 *
 * librdkafka's threads fetch and decompress; this thread drains the partition queues in bounded
 * slices, round robin with a rotating start, and hands whole messages on. Pressure goes upstream:
 * a partition whose handler says stop is not drained until consumer_resume().
 */
#ifndef GHGD_CONSUMER_H
#define GHGD_CONSUMER_H

#include <librdkafka/rdkafka.h>
#include <uv.h>

#include "config/config.h"
#include "pipelines/kafka/data_loss.h"

struct consumer;

struct consumer_callbacks {
    /* The group gave us the partition. committed: where it begins, -1 if the group has no offset
     * yet and the start policy decides. metadata: of that offset ("" if none); borrowed. Returns 0;
     * or, of one without an offset, 1: nothing of it is taken before consumer_begin(); or negative:
     * the partition is refused and the reason was logged. */
    int (*assigned)(void *context, int32_t partition, int64_t committed, const char *metadata);
    /* The group wants the partition back, and it is still ours: nothing of it is offered any more,
     * but last commits are accepted, and waited for. Returns true if consumer_release() tells, now
     * or later, that they have been asked for; no answer to the group is delayed by more than 10 s
     * or a third of max.poll.interval.ms. NULL: there is never anything to say. */
    bool (*revoking)(void *context, int32_t partition);
    /* The partition is gone. lost: without `revoking`, or before it was released; another member
     * may have had it for a while. */
    void (*revoked)(void *context, int32_t partition, bool lost);
    /* A commit of consumer_commit() in this assignment was answered: the group has it, or refuses
     * it (logged). NULL: the owner does not need to know. */
    void (*committed)(void *context, int32_t partition, int64_t offset, bool accepted);
    /* The group had no offset of the partition, and has one now: its beginning, or that of
     * consumer_commit(). NULL: the owner does not need to know. */
    void (*started)(void *context, int32_t partition);
    /* The group has shown, after consumer_confirm(), that we are a member. NULL: never asked. */
    void (*confirmed)(void *context);
    /* A slice of messages in offset order. Returns how many were taken; fewer than count stops the
     * partition until consumer_resume(), and the rest is offered again then. Messages are borrowed.
     */
    size_t (*messages)(void *context, int32_t partition, rd_kafka_message_t **messages,
                       size_t count);
    /* The end of the log as of the assignment has been reached (at once if it was empty). */
    void (*caught_up)(void *context, int32_t partition);
    /* By policy the partition then goes on at loss->to, or is halted: nothing more of it is offered
     * in this assignment. The others go on. */
    void (*data_lost)(void *context, int32_t partition, const struct data_loss *loss);
    /* The client cannot go on (fatal error): leave with an error. */
    void (*failed)(void *context, const char *why);
    void (*closed)(void *context);
    void *context;
};

/* The metadata of the commit that says where a group without offsets began, so that a restart
 * before its first commit neither skips messages nor takes missing ones for never read. */
#define CONSUMER_START_METADATA "ghgd2 start"

struct consumer_stats {
    uint64_t messages, bytes, rebalances, errors, commits, commit_failures;
    uint64_t gaps;  /* jumps of the offset: compaction and transaction markers leave them too */
    uint64_t stale; /* messages that librdkafka gave again, dropped */
    uint64_t losses, lost_messages; /* by retention; not known for a topic that was made again */
    uint64_t offset_refusals;       /* the coordinator did not tell where our partitions begin */
    const char *offsets_refused; /* its last answer, while they wait for a better one; else NULL */
    uint32_t assigned;
};
struct consumer_partition_stats {
    int64_t next_offset, log_end, lag; /* -1 if not known yet */
    int32_t partition;
    bool stopped, caught_up;
    bool halted;           /* data was lost, and the policy is to stop */
    struct data_loss loss; /* if it is halted */
};

/* Builds the client; nothing is read before consumer_start(). `why` receives librdkafka's words on
 * failure. */
int consumer_create(struct consumer **consumer_out, uv_loop_t *loop, const struct kafka_conf *conf,
                    const char *topic, const struct consumer_callbacks *callbacks,
                    struct buffer *why) MUST_CHECK;
/* Joins the group: once, and not after consumer_close(). A topic that is made only afterwards is
 * found minutes later. Returns 0 or ERR_CONFIG; `why` has librdkafka's words. */
int consumer_start(struct consumer *consumer, struct buffer *why) MUST_CHECK;
/* After `assigned` returned 1: the partition begins where the start policy says. If it had been
 * read before, up to `expected` as was saved at saved_ms, the group has forgotten an offset. That
 * is told as data loss, and by policy the partition begins with the oldest message or is halted.
 * expected -1: the partition was never read. */
void consumer_begin(struct consumer *consumer, int32_t partition, int64_t expected,
                    int64_t saved_ms);
void consumer_resume(struct consumer *consumer, int32_t partition);
/* Commits asynchronously; the metadata travels with the offset. One per partition at a time: a
 * later call replaces one that waits. Returns 0, or -ENOMEM and nothing is committed. */
int consumer_commit(struct consumer *consumer, int32_t partition, int64_t offset,
                    const char *metadata) MUST_CHECK;
/* Asks the group whether we are a member still: only a commit that is sent after this tells, and
 * one is. `confirmed` follows, or a revocation; calling again before that asks once more if need
 * be. */
void consumer_confirm(struct consumer *consumer);
/* The group has given our partitions away; the event that says so may still be on its way. */
bool consumer_is_lost(const struct consumer *consumer);
/* Nothing more is to be committed for a partition that is being revoked. */
void consumer_release(struct consumer *consumer, int32_t partition);
/* The partition begins again, with the oldest message that is left. Not from `messages`. */
void consumer_rewind(struct consumer *consumer, int32_t partition);
/* The value in force of a property that is a number; -1 if the client has no such value. */
int64_t consumer_get_setting(const struct consumer *consumer, const char *property);
/* Leaves the group, if it has been started: revokes everything, then calls `closed`; 5 s after the
 * last partition was released also if no broker listens. */
void consumer_close(struct consumer *consumer);
const struct consumer_stats *consumer_get_stats(const struct consumer *consumer);
/* Fills up to `max` entries; returns their number. */
size_t consumer_get_partitions(const struct consumer *consumer,
                               struct consumer_partition_stats *out, size_t max);

#endif
