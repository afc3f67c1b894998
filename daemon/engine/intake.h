/*
 * intake.h - from Kafka into the shards: partitions come and go, messages are fed, state is kept.
 *
 * A partition that is assigned is restored first (checkpointer.h), and then takes messages. It
 * writes no rows until it has caught up with the end of the log as of its assignment. The exception
 * is rows of a day that has to leave. Rows that an earlier owner had under way may still arrive:
 * takeover.h. When it is revoked, it is saved a last time before the group is told. The loop thread
 * owns it.
 */
#ifndef GHGD_INTAKE_H
#define GHGD_INTAKE_H

#include <uv.h>

#include "config/config.h"
#include "daemon/engine/assigned_set.h"
#include "daemon/engine/row_writer.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/kafka/consumer.h"
#include "pipelines/kafka/producer.h"
#include "pipelines/state/shard.h"

struct intake;

/* All borrowed, and outlive it. */
struct intake_conf {
    uv_loop_t *loop;
    const struct config *config;
    struct assigned_set *assigned_set;
    struct row_writer *row_writer;
    void (*failed)(void *context, const char *why); /* the client cannot go on */
    void *context;
};

struct intake_partition {
    const struct assigned *assigned;
    struct consumer_partition_stats consumed;
};

/* Makes everything; partitions come after intake_start(). Returns 0 or negative; `why` says more.
 * After a failure too *intake_out has to be closed, unless it is NULL. */
int intake_create(struct intake **intake_out, const struct intake_conf *conf,
                  struct buffer *why) MUST_CHECK;
/* Joins the group: once the topic that it reads is there. As consumer_start(). */
int intake_start(struct intake *intake, struct buffer *why) MUST_CHECK;
/* Takes no more messages; what is in the shards stays to be written. */
void intake_pause(struct intake *intake);
/* Saves every partition within timeout_ms, leaves the group, flushes dead letters for at most
 * timeout_ms, then calls `closed`. */
void intake_close(struct intake *intake, int64_t timeout_ms, void (*closed)(void *context),
                  void *context);

/* How long the group believes in a member that says nothing. */
int64_t intake_get_session_ms(const struct intake *intake);
struct assigned_set *intake_get_assigned_set(struct intake *intake);
/* For metrics and readiness: fills up to max entries; returns their number. */
size_t intake_get_partitions(struct intake *intake, struct intake_partition *out, size_t max);
/* Outcomes and counters of this process that stand in no shard: of events that never reached one,
 * and of shards that went away. The other members are 0. */
void intake_get_elsewhere(const struct intake *intake, struct shard_stats *stats_out);
/* By outcome: what became of the facility's readings, as shard_get_outcomes(), summed over the
 * partitions here. False: none of them has it. */
bool intake_get_facility(const struct intake *intake, uint32_t facility,
                         uint64_t outcomes_out[OUTCOME_COUNT]);
/* The readings of one meter (registry->meters), as shard_get_journal(), in the first partition here
 * that has them; NULL: none of the partitions has. */
const struct journal *intake_get_journal(const struct intake *intake, uint32_t meter);
/* As shard_find_overdue(), in all partitions here. */
bool intake_find_overdue(const struct intake *intake, uint32_t meter, struct overdue *overdue_out);
/* As shard_find_standing(), in the first partition here that has some of its facility. */
bool intake_find_standing(const struct intake *intake, uint32_t meter,
                          struct meter_standing *standing_out);
/* As shard_find_rest(), in the first partition here that has some. */
bool intake_find_rest(const struct intake *intake, uint32_t facility,
                      struct negative_rest *rest_out);
/* Whether the partition here that the facility belongs to has an accepted reading of it. */
bool intake_has_heard(const struct intake *intake, uint32_t facility);
/* The end of the newest reading of all partitions here; INT64_MIN: they have none. False: there are
 * no partitions, or the state of one is not restored. */
bool intake_find_newest(const struct intake *intake, int64_t *newest_ms_out);
const struct consumer_stats *intake_get_consumer_stats(const struct intake *intake);
const struct producer_stats *intake_get_deadletter_stats(const struct intake *intake);
const struct checkpoint_stats *intake_get_checkpoint_stats(const struct intake *intake);
/* The memory that memory_max counts: sites, and the most that partitions and queues may take. */
size_t intake_get_memory(const struct intake *intake);

#endif
