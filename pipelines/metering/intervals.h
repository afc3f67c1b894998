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

/* A reading, or the lines of a bill, that lies over a moment. */
struct interval_candidate {
    const struct reading *reading; /* of a bill: its first line */
    struct stretch whole;          /* its time without what jitter leaves to a later reading */
    /* Totals, once known: the rest that better readings leave, over the time that they leave; and
     * how much of that time the sweep has passed. */
    bool known;
    int64_t rest, left_ms, passed_ms;
};

/* A part of time over which the same readings lie. */
struct interval_part {
    struct stretch time;
    const struct interval_candidate *best; /* it counts, */
    int128 activity;                       /* and books that */
    bool held; /* or nothing: a total that the readings in it contradict */
    const struct interval_candidate *candidates; /* all of them, the best too */
    uint32_t count;
};

/* Sums `whole` with all rules for overlaps, and gives each part of it that some reading covers to
 * `take`, if that is not NULL, in order of time. The part is borrowed for the call. */
void intervals_walk(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                    struct stretch whole,
                    void (*take)(void *context, const struct interval_part *part), void *context);

/* The first line of the bill that the reading is a line of: mostly itself. */
const struct reading *intervals_first_line(const struct journal *journal,
                                           const struct reading *reading);

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
