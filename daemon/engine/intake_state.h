/*
 * intake_state.h - struct intake, for the files that make it up: intake.c, intake_messages.c and
 * intake_rows.c; nobody else looks into it.
 */
#ifndef GHGD_INTAKE_STATE_H
#define GHGD_INTAKE_STATE_H

#include "daemon/engine/checkpointer.h"
#include "daemon/engine/intake.h"
#include "daemon/engine/refused/refusals.h"

struct intake {
    uv_loop_t *loop;
    uv_timer_t tick;
    const struct config *config;
    struct intake_callbacks callbacks;
    struct shard_context context;
    size_t memory_used; /* sites, and what partitions and queues may take */
    struct consumer *consumer;
    struct producer *producer; /* of dead letters */
    struct refusals refusals;
    struct checkpointer *checkpointer;
    struct assigned_set assigned_set;
    uint32_t cursor; /* the partition whose rows are taken first */
    bool paused, held;
    int64_t session_ms;
    int64_t close_timeout_ms;
    uint64_t close_at_ms;    /* uv_now(): no partition is waited for longer; 0: not closing */
    struct shard_stats gone; /* outcomes and counters of partitions that went away */
};

static inline int64_t intake_now_ms(const struct intake *intake)
{
    return (int64_t)uv_now(intake->loop);
}

/* The longest that a request to the sink can be under way. */
int64_t intake_sink_timeout_ms(const struct intake *intake, uint32_t sink);

/* intake_messages.c: the consumer's and the parking's callbacks. */
size_t intake_on_messages(void *context, int32_t number, rd_kafka_message_t **messages,
                          size_t count);
void intake_on_pushed_out(void *context, int32_t number);

/* intake_rows.c: what is suspect is written once more as soon as nothing older can arrive. */
void intake_check_healing(struct intake *intake);
/* The partition has caught up, and what it writes from now on can prove that the database runs. */
void intake_heal_again(struct intake *intake, struct assigned *assigned);

#endif
