/*
 * intake.h - from Kafka into the shards: partitions come and go, messages are fed, state is kept.
 *
 * A partition that is assigned is brought back first (checkpointer.h), takes messages then, and
 * writes nothing until it has caught up with the end of the log as of its assignment, but what has
 * to go for it to go on. Rows that an earlier owner had under way may still arrive: until none can,
 * what is written is written again in the end (struct healing). When it is revoked, it is saved a
 * last time before the group is told. The loop thread owns it.
 */
#ifndef GHGD_INTAKE_H
#define GHGD_INTAKE_H

#include <uv.h>

#include "config/config.h"
#include "daemon/engine/assigned_set.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/kafka/consumer.h"
#include "pipelines/kafka/producer.h"
#include "pipelines/state/shard.h"

struct intake;
struct kernels;

struct intake_callbacks {
    void (*rows_wanted)(void *context); /* a shard waits for rows to be taken, or has caught up */
    void (*failed)(void *context, const char *why); /* the client cannot go on */
    /* Our partitions have gone: rows of theirs that are under way are to be given up. */
    void (*revoked)(void *context);
    /* The group has given them away, and has not said so yet. */
    void (*lost)(void *context);
    void (*confirmed)(void *context); /* after intake_hold(): the group knows us as a member */
    void (*closed)(void *context);
    void *context;
};

struct intake_partition {
    const struct assigned *assigned;
    struct consumer_partition_stats consumed;
};

/* Makes everything; partitions come after intake_start(). Returns 0 or negative; `why` says more.
 */
int intake_create(struct intake **intake_out, uv_loop_t *loop, const struct config *config,
                  const struct kernels *kernels, const struct intake_callbacks *callbacks,
                  struct buffer *why) MUST_CHECK;
/* Joins the group: once the topic that it reads is there. As consumer_start(). */
int intake_start(struct intake *intake, struct buffer *why) MUST_CHECK;

/* Rows for one sink: of every partition, what must go for it to go on; and if `due`, of those that
 * are live, everything dirty. Returns the number of rows appended to the block. */
uint32_t intake_take_rows(struct intake *intake, uint32_t sink, bool due, struct block *block);
void intake_rows_settled(struct intake *intake, const struct block *block);
void intake_rows_abandoned(struct intake *intake, const struct block *block);
/* As in struct sink_callbacks. */
void intake_rows_proven(struct intake *intake, uint32_t sink, int64_t before_ms);
void intake_rows_lost(struct intake *intake, uint32_t sink);
/* Goes on with the partitions that had stopped and can take more. */
void intake_resume(struct intake *intake);

/* What intake_mark_dirty() has found. */
struct intake_marked {
    uint64_t windows;
    uint32_t partitions, waiting; /* waiting: not caught up yet, and write nothing until then */
    int64_t open_ms;              /* as shard_open_ms(), of all of them */
};
/* Every window of the state that ends after from_ms is dirty for the sink, as by
 * shard_mark_dirty(). */
void intake_mark_dirty(struct intake *intake, uint32_t sink, int64_t from_ms,
                       struct intake_marked *marked_out);

/* Windows of partitions without an event for the idle timeout may be called final. */
void intake_check_idle(struct intake *intake, int64_t now_ms, int64_t wall_ms);
/* Takes no more messages; what is in the shards stays to be written. */
void intake_pause(struct intake *intake);
/* Takes no messages and gives no rows until intake_release(), and asks the group whether we are a
 * member still: `confirmed` tells. */
void intake_hold(struct intake *intake);
void intake_release(struct intake *intake);
/* Every live partition has all its rows settled with every sink. */
bool intake_is_drained(const struct intake *intake);
/* Saves every partition within timeout_ms, leaves the group, flushes dead letters for at most
 * timeout_ms, then calls `closed`. */
void intake_close(struct intake *intake, int64_t timeout_ms);

/* How long the group believes in a member that says nothing. */
int64_t intake_get_session_ms(const struct intake *intake);
/* For metrics and readiness: fills up to max entries; returns their number. */
size_t intake_get_partitions(struct intake *intake, struct intake_partition *out, size_t max);
/* Outcomes and counters of this process that stand in no shard: of events that never reached one,
 * and of shards that went away. The other members are 0. */
void intake_get_elsewhere(const struct intake *intake, struct shard_stats *stats_out);
/* By outcome: what became of the facility's readings, as shard_get_outcomes(), summed over the
 * partitions here. False: none of them has it. */
bool intake_get_facility(const struct intake *intake, uint32_t facility,
                         uint64_t outcomes_out[OUTCOME_COUNT]);
const struct consumer_stats *intake_get_consumer_stats(const struct intake *intake);
const struct producer_stats *intake_get_deadletter_stats(const struct intake *intake);
const struct checkpoint_stats *intake_get_checkpoint_stats(const struct intake *intake);
/* What memory_max counts: sites, and the most that partitions and queues may take. */
size_t intake_get_memory(const struct intake *intake);

#endif
