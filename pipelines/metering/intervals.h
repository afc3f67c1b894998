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

/* The amount that better readings leave of a total, over the time that they leave; and how much of
 * that time the sweep has passed. */
struct interval_rest {
    int64_t amount, left_ms, passed_ms;
};

/* A reading, or the lines of a bill, that lies over a moment. */
struct interval_candidate {
    const struct reading *reading; /* of a bill: its first line */
    struct stretch whole;          /* its time without what jitter leaves to a later reading */
    /* Totals, once known. A total that windows closed before journal->base_ms have booked, before
     * readings changed it, has two rests: what they booked, and what is left from then on. */
    bool known;
    struct interval_rest rest, closed;
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

/* Whether better readings contradict a total, whose rest is known: the rest is below zero, or they
 * leave none of its time and do not sum to it. They stand, and the rest is the difference. */
bool intervals_is_contradicted(const struct meter *meter, const struct interval_candidate *total);

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

/* Keeps apart what windows before floor_ms have booked of a total, if `reading` is about to change
 * its rest: what belongs there is booked from the floor on. If totals lie within each other, the
 * outer one is meant. */
void intervals_move_base(const struct meter *meter, struct journal *journal,
                         const struct reading *reading, int64_t floor_ms);
/* Forgets readings that no longer decide about a cell at or after floor_ms. If a total reaches
 * beyond it, those within the total do, because its rest is figured from them. */
void intervals_forget(const struct meter *meter, struct journal *journal, int64_t floor_ms);

#endif
