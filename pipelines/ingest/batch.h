/*
 * batch.h - a few thousand readings as columns, and the events that were refused on the way.
 *
 * The loop thread owns a batch and reuses it; nothing is allocated per event. A column index is an
 * event. If a later step refuses it, `outcome` of that index says so. If an earlier step refused
 * it, it never became a reading, and stands in the list `refused` only.
 */
#ifndef GHGD_BATCH_H
#define GHGD_BATCH_H

#include "base/limits.h"
#include "pipelines/ingest/event.h"

/* Where an event came from, and its bytes, borrowed from the message that the caller holds. */
struct origin {
    uint32_t message; /* index of the message among those the caller holds for this batch */
    uint32_t index;   /* position of the event within its message */
    uint32_t size;
    const void *bytes;
};

struct refusal {
    struct origin origin;
    int64_t offset;
    enum outcome outcome;
};

struct batch {
    uint32_t count, refused_count;
    uint32_t meter[BATCH_EVENTS_MAX];   /* column of the registry: the version valid at the time */
    int64_t start_ms[BATCH_EVENTS_MAX]; /* instants have start_ms == end_ms */
    int64_t end_ms[BATCH_EVENTS_MAX];
    int64_t value[BATCH_EVENTS_MAX]; /* micro-units; of the canonical unit times multiplier.
                                        Gauges: micro-units per hour */
    uint16_t revision[BATCH_EVENTS_MAX];
    uint8_t quality[BATCH_EVENTS_MAX];
    uint8_t outcome[BATCH_EVENTS_MAX];    /* enum outcome, set by the shard */
    int64_t offset[BATCH_EVENTS_MAX];     /* Kafka offset, or the ordinal in a file */
    int64_t arrived_ms[BATCH_EVENTS_MAX]; /* Kafka timestamp of the message; INT64_MIN if none */
    struct origin origin[BATCH_EVENTS_MAX];
    struct refusal refused[BATCH_EVENTS_MAX];
};

static inline void batch_clear(struct batch *batch)
{
    batch->count = 0;
    batch->refused_count = 0;
}

static inline bool batch_is_full(const struct batch *batch)
{
    return batch->count == BATCH_EVENTS_MAX || batch->refused_count == BATCH_EVENTS_MAX;
}

#endif
