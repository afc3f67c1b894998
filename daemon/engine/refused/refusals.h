/*
 * refusals.h - the refused events of a process: each becomes a letter, which is parked or sent.
 *
 *     room and memory for all events -> the shard judges them -> letters of the refused ones
 *
 * A shard that has applied a batch cannot take it back, so nothing may fail after it. Before it,
 * both queues are asked for room and the letters' memory is reserved. If either is short, the
 * events are taken later. The loop thread owns it.
 */
#ifndef GHGD_REFUSALS_H
#define GHGD_REFUSALS_H

#include <librdkafka/rdkafka.h>

#include "base/log.h"
#include "daemon/engine/refused/dead_letter.h"
#include "daemon/engine/refused/parking.h"
#include "pipelines/ingest/batch.h"

struct refusals {
    struct dead_letters letters;
    struct parking *parking;
    rd_kafka_message_t **messages; /* being applied; refusals name them by index */
    struct outgoing *letter;       /* or the parked event that is offered once more */
    bool short_of_memory;          /* refusals_make_sure() was false last */
    struct log_limit memory_limit;
};

/* How many of the messages the queue of dead letters could take whole, if every event were bad. */
size_t refusals_count_affordable(const struct refusals *refusals,
                                 rd_kafka_message_t *const *messages, size_t count);
/* Whether the queue could take the letter of a parked event that is offered once more. */
bool refusals_can_offer(const struct refusals *refusals, const struct outgoing *letter);
/* As make_sure and refused of struct message_applier_conf; context: struct refusals. */
bool refusals_make_sure(void *context, const struct batch *batch);
void refusals_take(void *context, const struct refusal *refusal);

#endif
