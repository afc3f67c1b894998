/*
 * unheard.h - the facilities of the table without a reading in this process, for /metrics and
 * /readyz: a walk in rounds, as the survey (survey.h).
 *
 * A process knows its own partitions only. So a facility may be unheard here and heard by another
 * process of the group. Facilities whose meters are all not valid yet, or not any more, are left
 * out. A round takes a single request, unless there are very many facilities.
 */
#ifndef GHGD_UNHEARD_H
#define GHGD_UNHEARD_H

#include "daemon/engine/intake.h"

enum { UNHEARD_NAMES_MAX = 10 };

struct unheard_round {
    uint64_t heard, unheard; /* facilities with and without a reading */
    uint32_t named;
    const char *names[UNHEARD_NAMES_MAX]; /* of unheard ones: the registry's ids, in its order */
};

struct unheard_walk {
    struct unheard_round round, last;
    uint32_t next_facility;
    bool has_last;
};

/* Whether some meter of the facility is valid then. */
bool unheard_is_due(const struct registry *registry, uint32_t facility, int64_t time_ms);
/* The time at which facilities have to be valid: the newest reading's, or now_ms if there is no
 * reading yet. False: the state of a partition here is not known, or there is no partition. */
bool unheard_find_time(const struct intake *intake, int64_t now_ms, int64_t *time_ms_out);
/* Adds one facility to the round. */
void unheard_add(struct unheard_round *round, const struct registry *registry, uint32_t facility,
                 bool heard);
/* Goes on by a piece of a few milliseconds. Returns the last whole round; NULL: no round has ended,
 * or unheard_find_time() returns false. */
const struct unheard_round *unheard_step(struct unheard_walk *walk, const struct intake *intake,
                                         const struct registry *registry, int64_t now_ms);

#endif
