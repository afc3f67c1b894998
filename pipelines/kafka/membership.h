/*
 * membership.h - our place in the consumer group: which partitions it gave us, where each begins,
 * what was committed, and how they go away again.
 *
 *     NONE -> STARTING (offsets are asked for) -> ASSIGNED -> REVOKING (last commits) -> NONE
 *
 * A revocation waits, bounded, until the handler has released every partition and its last commits
 * were answered; one that was lost waits for nothing.
 *
 * Eager: an assignment is always whole, and revoked whole before the next. Embedded in the
 * consumer, which polls the queues and hands every event on. The loop thread owns it.
 */
#ifndef GHGD_MEMBERSHIP_H
#define GHGD_MEMBERSHIP_H

#include "base/log.h"
#include "pipelines/kafka/consumer.h"
#include "pipelines/kafka/group_offsets.h"
#include "pipelines/kafka/partition.h"

enum membership_state { MEMBER_NONE, MEMBER_STARTING, MEMBER_ASSIGNED, MEMBER_REVOKING };

struct membership {
    /* Set by the consumer, which owns all of it. */
    uv_loop_t *loop;
    uv_async_t *wake;
    rd_kafka_t *client;
    rd_kafka_queue_t *replies; /* to our own requests: commits */
    const char *group, *topic;
    int start_policy;
    const struct consumer_callbacks *callbacks;
    struct consumer_stats *stats;

    enum membership_state state;
    bool leaving;                  /* takes no partition any more */
    bool began;                    /* the group is known to have had an offset */
    bool rewind;                   /* some partition begins elsewhere: assign them all again */
    bool lost;                     /* REVOKING: the partitions are not ours any more */
    bool all_released;             /* REVOKING: only commits are waited for */
    struct partition **partitions; /* by id */
    uint32_t partitions_count;
    /* Offsets that the group is known to have had, by id: -1 if it had none. It forgets those of a
     * topic that is deleted, and only so while it has members. */
    int64_t *known_offsets;
    uint32_t known_count;
    rd_kafka_topic_partition_list_t *given; /* STARTING: what the group gave us */
    struct group_offsets offsets;           /* and where it begins; the consumer hears the answer */
    uint64_t given_number, asked_number;    /* of what was given last, and asked for last */
    uintptr_t token;            /* rises; every commit carries it, and its answer brings it back */
    uintptr_t assignment_token; /* answers with an earlier one are not of this assignment */
    uintptr_t confirm_token;    /* and with an earlier one than this confirm nothing */
    bool confirm_wanted, confirm_sent;
    uint64_t retry_at_ms;     /* STARTING: when to ask again; 0 while an answer is awaited */
    uint64_t revoke_until_ms; /* REVOKING: when to stop waiting for the handler, then commits */
    const char *failure;      /* why this client cannot go on; NULL while it can */
    struct log_limit limit;
};

/* Frees its assignment, without a word to the group, and what it knew of earlier ones. */
void membership_fini(struct membership *membership);

struct partition *membership_find(const struct membership *membership, int32_t id);

/* The three kinds of event that concern the group; what they bring is borrowed. */
void membership_on_rebalance(struct membership *membership, rd_kafka_event_t *event);
void membership_on_offsets(struct membership *membership, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t *offsets);
void membership_on_commit(struct membership *membership, rd_kafka_event_t *event);

/* Remembers a commit; membership_step() sends it. Passes over a partition that is not ours any
 * more. Returns 0 or -ENOMEM. */
int membership_commit(struct membership *membership, int32_t partition, int64_t offset,
                      const char *metadata) MUST_CHECK;
/* The same on our own behalf, and the handler does not hear of the answer: what the group has
 * already, to see whether it accepts it. Without memory it is put off until the next call. (If a
 * partition has no offset, its beginning is committed unasked, until the group has one:
 * partition_begin_at().) */
void membership_confirm(struct membership *membership);
/* Does what is due: commits, a repeated request, the end of a revocation. Cheap. */
void membership_step(struct membership *membership);

/* The handler has no more to commit for the partition. */
void membership_release(struct membership *membership, int32_t partition);
/* Whether a revocation waits for the handler. */
bool membership_waits_for_handler(const struct membership *membership);

/* Takes no partition from now on; answers what the group is waiting for. */
void membership_leave(struct membership *membership);
/* All partitions are gone already; tells the handler. */
void membership_lose(struct membership *membership);

#endif
