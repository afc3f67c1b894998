/*
 * projection.h - the journal of a meter becomes the activity of one bucket.
 *
 * A pure function of the readings: order of arrival, batches and repetition cannot change it. The
 * pieces into which a reading or a register difference is cut always sum to the whole, because each
 * is a difference of one rounded running sum.
 */
#ifndef GHGD_PROJECTION_H
#define GHGD_PROJECTION_H

#include "config/registry/registry.h"
#include "pipelines/metering/journal.h"

struct cell {
    int64_t activity;      /* micro-units; |activity| <= meter->cell_max */
    uint32_t covered_ms;   /* of the bucket; deliveries: 0, or what estimated_ms is a part of */
    uint32_t estimated_ms; /* covered by estimated readings */
    uint32_t spread_ms;    /* covered, but the shape over a longer time is assumed to be even */
    uint32_t held_ms;      /* not covered: readings are there, and contradict each other */
    int64_t moved_ms;      /* time before the floor whose amount is booked here; not below 0 */
    uint32_t glitches;     /* readings in it that were left aside */
    uint32_t conflicts;    /* readings in it that had another value of the same rank */
    bool present;          /* some reading touches the bucket */
    bool held; /* the sum cannot be held (registers that wrap again and again): 0 booked */
};

/* Projects [start_ms, start_ms + length_ms). length_ms <= 1 h. */
void projection_cell(struct cell *cell_out, const struct meter *meter,
                     const struct journal *journal, int64_t start_ms, int64_t length_ms);

#endif
