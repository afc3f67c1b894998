/*
 * parking.h - events of meters that the registry does not know yet, kept until it does.
 *
 * A reload or restart reads them again from the log, because no offset is committed beyond a parked
 * event. So parking is bounded in bytes, and in age by the horizon, beyond which they would be late
 * anyhow: what is pushed out goes to the dead-letter topic as `unknown`. The loop thread owns it.
 */
#ifndef GHGD_PARKING_H
#define GHGD_PARKING_H

#include <librdkafka/rdkafka.h>

#include "pipelines/ingest/batch.h"
#include "pipelines/ingest/deadletter.h"

struct parking;

struct parking_stats {
    uint64_t events, bytes; /* now */
    uint64_t pushed_out;    /* sent to the dead-letter topic, ever */
};

/* deadletter is borrowed and outlives it. Returns 0 or -ENOMEM. */
int parking_create(struct parking **parking_out, struct deadletter *deadletter, int64_t bytes_max,
                   int64_t age_max_ms) MUST_CHECK;
/* Forgets what is parked: it is read again after the next start. */
void parking_destroy(struct parking **parking);
/* Copies the event out of its message. Returns 0 or -ENOMEM. */
int parking_add(struct parking *parking, const rd_kafka_message_t *message,
                const struct refusal *refusal) MUST_CHECK;
/* The oldest offset parked of the partition; INT64_MAX if none. */
int64_t parking_low_offset(const struct parking *parking, int32_t partition);
/* The partition went away; its next owner reads and parks its events itself. */
void parking_forget(struct parking *parking, int32_t partition);
const struct parking_stats *parking_get_stats(const struct parking *parking);

#endif
