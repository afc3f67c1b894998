/*
 * drift.h - performance drift: whether a facility's days lie above what production and season
 * explain, long before the year's total tells.
 *
 * Daily emissions are compared with a baseline: level, production, working days and season, fitted
 * to the baseline's days. Residuals are freed of their autocorrelation, divided by their deviation,
 * and put into a one-sided CUSUM, C = max(0, C + e - k), which alarms above h, and into an EWMA. k
 * and h are set for each facility from the residuals of its own baseline, so that at most half an
 * alarm a year is expected of a site that does not drift. Pure; deterministic (round_9()).
 */
#ifndef GHGD_DRIFT_H
#define GHGD_DRIFT_H

#include "base/base.h"

enum { DRIFT_BASELINE_MIN = 180, DRIFT_BASELINE_MAX = 3 * 366 };

struct drift_day {
    int32_t day;         /* from 1970 */
    int64_t mg;
    double production;   /* 0 if there is no production meter */
    double factor;       /* working day 1, day off `nonworking` */
    bool known;          /* false: it is passed over */
};

struct drift_baseline {
    bool usable;           /* days enough, and some deviation */
    bool with_production;
    double level, per_unit, off_day; /* see drift.c: mg a day, mg a unit, ... */
    double season[4];      /* sine and cosine of one and two periods a year */
    double autocorrelation; /* lag 1, of residuals */
    double deviation;      /* of residuals freed of it */
    double k, h;
};
void drift_fit(struct drift_baseline *baseline_out, const struct drift_day days[], uint32_t count);

struct drift_state {
    double cusum, ewma, last_residual;
    bool begun;
    int32_t since_day; /* on which the sum last left 0: about when it began */
    uint32_t days;     /* judged since it was begun or reset */
};
struct drift_judgement {
    double expected_mg, residual; /* residual in deviations */
    bool alarm_cusum, alarm_ewma;
};
struct drift_judgement drift_judge(struct drift_state *state, const struct drift_baseline *baseline,
                                   const struct drift_day *day);
/* A cause was found and acknowledged. */
void drift_reset(struct drift_state *state);

#endif
