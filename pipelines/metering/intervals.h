/*
 * intervals.h - interval readings over one bucket: each gives its part, and where they overlap, the
 * best one counts at every moment. docs/metering.md states the rules.
 *
 * Two readings of equal rank that overlap by at most a tenth of the shorter one do not: the earlier
 * ends where the later begins. Lines of one bill (same period, same rank) count as one reading.
 */
#ifndef GHGD_INTERVALS_H
#define GHGD_INTERVALS_H

#include "config/registry/registry.h"
#include "pipelines/metering/pieces.h"

enum {
    OVERLAP_DEPTH_MAX = 64
}; /* readings of one meter over one moment; the worst beyond are ignored */

void intervals_sum(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                   struct stretch bucket);

/* Whether two readings that overlap, in the order of the journal, both keep their values: stamps
 * that jitter, or lines of one bill. */
bool intervals_agree(const struct reading *earlier, const struct reading *later);

/* The time over which cells change when `reading` comes in, or takes the place of one of its
 * identity: its own, that of readings that end where it begins, and of totals that it lies in. */
struct stretch intervals_changed(const struct meter *meter, const struct journal *journal,
                                 const struct reading *reading);

/* Readings that ended up to then no longer decide about a cell at or after floor_ms: floor_ms. If a
 * total reaches beyond floor_ms, its start, because its rest is figured from the readings in it. */
int64_t intervals_needed_from(const struct meter *meter, const struct journal *journal,
                              int64_t floor_ms);

#endif
