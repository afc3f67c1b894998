/*
 * drift.h - performance drift: whether a facility's days lie above what production and season
 * explain, long before the year's total tells.
 *
 * Daily emissions are compared with a baseline: level, production, working days and season, fitted
 * to the baseline's days. Residuals are freed of their autocorrelation, divided by their deviation,
 * bounded, and put into a one-sided CUSUM, C = max(0, C + e - k), which alarms above h, and into an
 * EWMA, Z = Z + DRIFT_WEIGHT * (e - Z), which alarms above its limit. k, h and the limit are set
 * for each facility from the residuals of its own baseline, so that at most half an alarm a year is
 * expected of a site that does not drift (docs/forecast.md). Pure; every processor gives the same:
 * no libm but sqrt() and what round_9() rounds.
 */
#ifndef GHGD_DRIFT_H
#define GHGD_DRIFT_H

#include "base/base.h"

enum { DRIFT_BASELINE_MIN = 180, DRIFT_BASELINE_MAX = 3 * 366 };

#define DRIFT_WEIGHT 0.2 /* of a day in the EWMA */

struct drift_day {
    int64_t mg;
    double production; /* 0 if there is no production meter */
    double factor;     /* working day 1, day off `nonworking` */
    int32_t day;       /* from 1970 */
    bool known;        /* false: it is passed over */
};

struct drift_baseline {
    bool usable; /* days enough, and some deviation */
    bool with_production;
    /* expected = level + per_unit * production + off_day * (1 - factor) + season; mg */
    double level, per_unit, off_day;
    double weekday[7]; /* Monday is 0 */
    /* Sine and cosine of one and two periods a year; 0 if the baseline is shorter than a year. */
    double season[4];
    double autocorrelation; /* lag 1, of residuals */
    double deviation;       /* of residuals freed of it; mg */
    double bound;           /* of a day's residual; mg */
    double k, h;
    double limit; /* of the EWMA, in deviations of a residual */
};
/* Days in their order. Not usable: fewer than DRIFT_BASELINE_MIN are known, or all fit exactly. */
void drift_fit(struct drift_baseline *baseline_out, const struct drift_day days[], uint32_t count);

struct drift_state {
    double cusum, ewma;
    double low;           /* of low residuals, as cusum */
    double offset;        /* the expected value moves by so many deviations: 0 or below */
    double last_residual; /* of last_day, in mg, before anything is taken off */
    int32_t last_day;
    bool begun, alarm_cusum, alarm_ewma;
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
