/*
 * parking.h - events of meters that the registry does not know yet, kept until it does.
 *
 * They are part of a partition's checkpoint. After a restart or reload they are offered again to
 * the new registry. The re-keying stage has no checkpoint: it commits no offset beyond a parked
 * event. Parking is bounded in bytes. It is bounded in age by the horizon, beyond which events
 * would be late anyhow. Events that are pushed out go to the dead-letter topic as `unknown`. The
 * loop thread owns it.
 */
#ifndef GHGD_PARKING_H
#define GHGD_PARKING_H

#include <librdkafka/rdkafka.h>

#include "daemon/engine/refused/dead_letter.h"
#include "pipelines/ingest/refusal.h"

struct parking;

struct parking_stats {
    uint64_t events, bytes; /* now */
    uint64_t pushed_out;    /* sent to the dead-letter topic, ever */
};

struct parking_conf {
    struct producer *producer; /* borrowed, outlives it */
    int64_t bytes_max, age_max_ms;
    /* Hears of every event that had to leave for the dead-letter topic; may be NULL. */
    void (*pushed_out)(void *context, int32_t partition);
    void *context;
};

/* Returns 0 or -ENOMEM. */
int parking_create(struct parking **parking_out, const struct parking_conf *conf) MUST_CHECK;
/* Forgets what is parked. */
void parking_destroy(struct parking **parking);
/* Copies the event out of its message. Returns 0 or -ENOMEM. */
int parking_add(struct parking *parking, const rd_kafka_message_t *message,
                const struct refusal *refusal) MUST_CHECK;
/* Takes a letter that was parked in an earlier life, and is not known yet. */
void parking_put(struct parking *parking, struct outgoing **letter);
/* The oldest offset parked of the partition; INT64_MAX if none. */
int64_t parking_low_offset(const struct parking *parking, int32_t partition);
/* The number that the next event gets, of whatever partition. */
uint64_t parking_next_sequence(const struct parking *parking);
/* Appends a section (parked.h) with the partition's events from `since` on; 0: all. */
void parking_save(const struct parking *parking, int32_t partition, uint64_t since,
                  struct buffer *out);
/* The partition went away; its next owner has its events from the checkpoint. */
void parking_forget(struct parking *parking, int32_t partition);
const struct parking_stats *parking_get_stats(const struct parking *parking);

#endif
