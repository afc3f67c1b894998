/*
 * rekey.h - the stage before the intake if the input topic is not keyed by facility. It writes the
 * events to a topic that is keyed so, and the intake reads that topic.
 *
 *     input.topic -> consumer (group GROUP-rekey) -> splitter -> input.rekey_topic -> intake
 *
 * An offset of the input is committed only when everything before it is acknowledged: in the keyed
 * topic, or as a dead letter. So nothing is lost. An event that is sent again after a crash is a
 * duplicate with the same place in its headers, and the journal recognises it. An event without a
 * known facility (undecodable, no meter, an unknown meter) ends here, by the same rules as in the
 * intake. The queue is bounded: when it is full the partitions wait. The loop thread owns it.
 */
#ifndef GHGD_REKEY_H
#define GHGD_REKEY_H

#include <uv.h>

#include "config/config.h"
#include "pipelines/ingest/outcome.h"
#include "pipelines/kafka/consumer.h"
#include "pipelines/kafka/producer.h"

struct rekey;

struct rekey_callbacks {
    void (*ready)(void *context); /* the keyed topic is there: it can be read and written */
    void (*failed)(void *context, const char *why); /* the client cannot go on */
    void (*closed)(void *context);
    void *context;
};

struct rekey_stats {
    uint64_t events;                  /* read, whatever became of them */
    uint64_t outcomes[OUTCOME_COUNT]; /* of those that ended here */
    uint64_t messages, bytes;         /* taken from the input topic, whole */
};

/* The configuration outlives it and has input.rekey. It makes sure of the keyed topic first
 * (rekey_topic.h), and begins once that is there; if it cannot be, `failed` says why. Returns 0 or
 * negative; `why` says more. */
int rekey_create(struct rekey **rekey_out, uv_loop_t *loop, const struct config *config,
                 const struct rekey_callbacks *callbacks, struct buffer *why) MUST_CHECK;
/* Takes no more messages; what was taken is still sent and committed. */
void rekey_pause(struct rekey *rekey);
/* Waits for at most timeout_ms until everything is acknowledged, commits, leaves the group, then
 * calls `closed`. */
void rekey_close(struct rekey *rekey, int64_t timeout_ms);

/* Why the keyed topic is still waited for; NULL if it is not. */
const char *rekey_get_wait(const struct rekey *rekey);
const struct rekey_stats *rekey_get_stats(const struct rekey *rekey);
const struct consumer_stats *rekey_get_consumer_stats(const struct rekey *rekey);
const struct producer_stats *rekey_get_deadletter_stats(const struct rekey *rekey);
/* Counts of messages of the keyed topic. */
const struct producer_stats *rekey_get_run_stats(const struct rekey *rekey);
/* The partitions of the input topic. Fills up to `max` entries; returns their number. */
size_t rekey_get_partitions(const struct rekey *rekey, struct consumer_partition_stats *out,
                            size_t max);

#endif
