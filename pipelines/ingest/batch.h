/*
 * batch.h - decoded events on their way into a shard, in the order of the log.
 *
 * A process has one batch. The partition that applies messages borrows it, and leaves it empty. The
 * loop thread owns it; nothing is allocated per event. The shard reads an event soon after ingest
 * has written it, so a batch is small enough to stay in the caches of a processor meanwhile.
 */
#ifndef GHGD_BATCH_H
#define GHGD_BATCH_H

#include "base/limits.h"
#include "config/registry/registry.h"
#include "pipelines/ingest/refusal.h"

struct batch_event {
    int64_t start_ms, end_ms; /* instants have start_ms == end_ms */
    int64_t value;            /* micro-units; of the canonical unit times multiplier.
                                 Gauges: micro-units per hour */
    int64_t offset;           /* Kafka offset, or the ordinal in a file */
    int64_t arrived_ms;       /* Kafka timestamp of the message; INT64_MIN if none */
    uint32_t meter;      /* column of the registry: the version valid at the time. REGISTRY_NONE:
                            the event was refused, and is no reading */
    uint32_t refused_by; /* implausible, or in a unit that does not fit: the meter with that bound
                            or unit; else REGISTRY_NONE */
    uint16_t revision;
    uint8_t quality : 2, role : 3; /* enum quality, reading_role; an exchange has ROLE_FINAL, and a
                                      decision of a person decision_pack() as its value */
    uint8_t outcome;               /* enum outcome; the shard sets that of a reading */
    union {
        uint64_t id_hash; /* of the text of its `id`; 0: it has none. Registers, gauges: 0 */
        int64_t initial;  /* of an exchange: the first state of the new counter; `value` is the last
                             one of the old counter */
    };
    struct origin origin;
};

struct batch {
    uint32_t count;
    struct batch_event events[BATCH_EVENTS_MAX];
};

static inline bool batch_event_is_reading(const struct batch_event *event)
{
    return event->meter != REGISTRY_NONE;
}

static inline void batch_clear(struct batch *batch)
{
    batch->count = 0;
}

static inline bool batch_is_full(const struct batch *batch)
{
    return batch->count == BATCH_EVENTS_MAX;
}

/* The place of the next event; the batch is not full. */
static inline struct batch_event *batch_add(struct batch *batch)
{
    ASSERT(!batch_is_full(batch));
    return &batch->events[batch->count++];
}

#endif
