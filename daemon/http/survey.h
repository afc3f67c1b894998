/*
 * survey.h - what stands in the journals of this process, for /metrics: a walk in rounds.
 *
 * A scrape must not look at every reading of a large process. So each takes the walk further by a
 * bounded piece, and shows the last round that came to its end. A meter counts as it is when its
 * turn comes.
 */
#ifndef GHGD_SURVEY_H
#define GHGD_SURVEY_H

#include "daemon/engine/intake.h"

enum { SURVEY_METERS_MAX = 100 };

/* A meter that has something held, left aside or overdue; its versions are one. Ids are the
 * registry's. */
struct survey_meter {
    const char *meter, *facility, *reason; /* why something is held */
    uint64_t held_ms, left_aside, overdue_ms;
};

struct survey_round {
    uint64_t rollovers, breaks, left_aside, stretches;
    uint64_t unlisted; /* meters without room; each version counts */
    uint32_t listed;
    struct survey_meter meters[SURVEY_METERS_MAX]; /* in the order of the registry */
};

struct survey_walk {
    struct survey_round round, last;
    uint32_t next_meter;
    bool has_last;
};

/* Adds one meter to the round. */
void survey_add(struct survey_round *round, const struct registry *registry, uint32_t meter,
                const struct meter_standing *standing);
/* Goes on by a piece of at most a few milliseconds. Returns the last whole round, or NULL. */
const struct survey_round *survey_step(struct survey_walk *survey, const struct intake *intake,
                                       const struct registry *registry);

#endif
