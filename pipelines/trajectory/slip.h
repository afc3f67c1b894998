/*
 * slip.h - the level of one slip alert, judged once for each closed local day.
 *
 * Pure state, no clock: the same days in the same order give the same levels. Only counted days
 * are put into it; others are passed over, and the run goes on after them. A level is entered when
 * the last `enter_days` counted days are all at or above it, straight to the highest that all of
 * them reach. It is left to the level below when the last `leave_days` counted days are all below
 * its threshold less `margin` (of critical: with the probability of a miss below its threshold,
 * too), no sooner than `dwell` after it was entered, between ends of days; a level that is fallen
 * to is entered then. The days counted stay counted, so a fall goes one level a closed day. Rules
 * and examples: docs/trajectory.md.
 */
#ifndef GHGD_SLIP_H
#define GHGD_SLIP_H

#include "base/base.h"

enum alert_level { ALERT_OK, ALERT_WATCH, ALERT_WARNING, ALERT_CRITICAL, ALERT_LEVELS };

enum { SLIP_RUN_MAX = 31 };

/* Slips are in 0.01 %, probabilities in 0.001. */
struct slip_conf {
    int32_t threshold[ALERT_LEVELS]; /* rising; [ALERT_OK] is not used; 50, 200, 500 */
    int32_t margin;                  /* 100 */
    int32_t probability;             /* 900: at or above it a day is critical */
    uint32_t enter_days, leave_days; /* 3, 3; 1 .. SLIP_RUN_MAX */
    int64_t dwell_ms;                /* 24 h */
};

/* A counted day. */
struct slip_day {
    int64_t end_ms;      /* of the local day */
    int32_t slip;        /* g, as slip_of() rounds it */
    int32_t probability; /* of a miss; -1: not known */
};

struct slip_state {
    uint8_t level;
    uint8_t count;      /* of the days below that are there */
    int64_t entered_ms; /* end of the day on which the level was entered; INT64_MIN: never */
    int64_t since_ms;   /* end of the day on which the level left ALERT_OK; INT64_MIN: it is that */
    /* The last counted days, the newest last. */
    int32_t slip[SLIP_RUN_MAX];
    int32_t probability[SLIP_RUN_MAX];
};

void slip_init(struct slip_state *state_out);
/* Judges one counted day. Returns the level before. */
enum alert_level slip_judge(struct slip_state *state, const struct slip_conf *conf,
                            const struct slip_day *day);
/* emitted / (budget * share) - 1 in 0.01 %, exactly and then half to even, bounded to +-INT32_MAX.
 * budget and share (parts of 1e9) are above 0. */
int32_t slip_of(int64_t emitted_mg, int64_t budget_mg, int64_t share);

#endif
