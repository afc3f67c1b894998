/*
 * backoff.h - how long to wait before the next try: twice as long each time, with jitter.
 *
 * The wait is drawn from the upper half of its range, so that many writers that lost the same
 * server do not come back in step. Pure except for its own state.
 */
#ifndef GHGD_BACKOFF_H
#define GHGD_BACKOFF_H

#include "base/base.h"

struct backoff {
    int64_t min_ms, max_ms;
    int64_t next_ms; /* the upper end of the next wait */
    uint64_t random;
};

/* Bounds of 0 or in the wrong order are mended: at least 100 ms, at most an hour. */
void backoff_init(struct backoff *backoff, int64_t min_ms, int64_t max_ms, uint64_t seed);
/* After a success: the next wait is short again. */
void backoff_reset(struct backoff *backoff);
/* The wait before the next try. */
int64_t backoff_next_ms(struct backoff *backoff);
/* A wait near the longest: for what a person has to mend. */
int64_t backoff_slow_ms(struct backoff *backoff);

#endif
