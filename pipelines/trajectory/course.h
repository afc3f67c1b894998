/*
 * course.h - the course of one target: daily totals in, budget, forecast and alert out.
 *
 * A course is told of every local day of its subject when it first becomes final, and of the
 * running day at each full hour of the watermark. It knows no clock: `stamp_ms` is the instant of
 * event time that the row stands for. A closed day is judged once; if it is told again, a row is
 * made and nothing is judged. The first closed day of a later year begins that year, for which the
 * level and its run of days stay.
 *
 * Earlier days may have changed since they were judged; the caller says so (`restated`). Then the
 * closed days of the target year are judged again with what is known now, from the level that the
 * year began with. If that ends lower, level and run become that, as a retraction. Else all stays
 * as judged. Rules and examples: docs/trajectory.md.
 *
 * The caller owns the ledger, the history and the plan's tables; a course keeps what must survive
 * in struct course_state, which is part of a saved state. Pure.
 */
#ifndef GHGD_COURSE_H
#define GHGD_COURSE_H

#include "config/options/settings.h"
#include "pipelines/rollup/day_ledger.h"
#include "pipelines/trajectory/forecast.h"
#include "pipelines/trajectory/slip.h"
#include "pipelines/trajectory/target_line.h"

struct course_conf {
    struct slip_conf slip;
    int64_t share_min;      /* 100,000,000: no forecast and no judgement below W = 0.1 */
    int64_t coverage_min;   /* 800,000,000: exactly 80 % counts */
    int64_t base_threshold; /* 50,000,000, for target_line_make() */
    bool by_model; /* forecast: model; the slip is that of the model's year end, if larger */
    /* Time without readings, and estimated mass, may be off by these parts: their deviations. */
    int64_t missing_deviation;   /* 1,000,000,000 */
    int64_t estimated_deviation; /* 150,000,000 */
};

struct course_conf course_conf_of(const struct trajectory_conf *conf);

/* The figures that all days of a target year share. */
struct course_plan {
    struct civil_year year;
    struct shares shares; /* of an intensity: linear */
    const struct target_line *line;
    struct residuals residuals;
    int64_t last_year_mg[YEAR_MONTHS]; /* of the year before; -1 unknown */
    uint32_t past_years;               /* whose months are known */
    uint32_t whole_years;              /* known as a whole only, by the history */
    bool years_closed_known;           /* of all years from the base year on: for what is needed */
    int64_t emitted_since_base_mg,
        allowed_since_base_mg; /* years after the base year, closed ones */
    int64_t last_closed_mg;    /* of the year before, once it is closed; -1 unknown */
};

struct course_state {
    int16_t year;       /* the target year that is judged; 0: none yet */
    int32_t closed_day; /* the last day that was judged or passed over; INT32_MIN: none */
    uint32_t number;    /* of transitions so far: with target and base version their id */
    struct slip_state slip;
    struct slip_state year_began; /* as the target year began */
    int64_t row_ms;               /* stamp of the newest row; INT64_MIN: none */
};
void course_init(struct course_state *state_out);

struct course_row {
    int64_t stamp_ms;
    int32_t day;
    bool closed;            /* the row of a day that became final; else of a full hour */
    bool restated, counted; /* counted: it is a closed day that counts for levels */
    uint16_t base_version;
    int64_t base_mg;
    int64_t budget_mg; /* B of the year; of an intensity: as due_mg */
    int64_t share;     /* W */
    int64_t due_mg;    /* B * W, half to even; of an intensity: by the production to date */
    int64_t ytd_mg, estimated_mg;
    int64_t covered_ms, expected_ms; /* of the year to date */
    int32_t slip;                    /* g; INT32_MIN: no budget is due yet */
    int64_t trailing_mg;             /* the last twelve complete months; -1: not known */
    struct forecast forecast;        /* an intensity has none */
    struct needed needed; /* cumulative is INT64_MIN if closed years or years ahead are not known */
    int64_t achieved;     /* of the year last closed, parts; INT64_MIN: not known */
    int64_t overshoot_mg; /* of closed years since the base; INT64_MIN: not known */
    uint8_t level;        /* enum alert_level after this row */
};

enum course_event { COURSE_NOTHING, COURSE_ENTERED, COURSE_LEFT, COURSE_RETRACTED };

struct course_transition {
    uint8_t event;         /* enum course_event */
    uint8_t from, to;      /* enum alert_level */
    uint16_t base_version; /* of the row */
    uint32_t number;       /* the first is 1 */
    int64_t stamp_ms;      /* of the row */
    int64_t day_end_ms;    /* of the last day that was judged */
    int64_t since_ms;      /* when the alert that goes on, or has ended, began: end of a day */
};

struct course_day {
    int32_t day;
    int64_t end_ms;   /* of the local day */
    int64_t stamp_ms; /* closed: end + delay + grace; else the full hour */
    int64_t part;     /* of the day that has passed, parts of PART_ONE; closed: PART_ONE */
    bool closed, restated;
};
/* The year up to a day, which grows day by day. */
struct year_to_date {
    struct days_sum sum;
    int64_t month_mg[YEAR_MONTHS];
    bool month_known[YEAR_MONTHS]; /* every day of it so far is in the ledger */
    int month;                     /* of the newest day */
    int32_t day_of_year;           /* the newest day; -1: none */
};
/* The year to date as a step has left it, a few days before its day. The caller keeps it, and
 * clears `used` when a day up to there changes in the ledger. */
struct year_memo {
    bool used;
    int32_t first_day; /* of the year */
    struct year_to_date ytd;
};

/* A step reads these. */
struct course_basis {
    const struct course_conf *conf;
    const struct course_plan *plan;
    const struct day_ledger *ledger;
    /* The end of other local days of the year, for days that are judged again. */
    int64_t (*day_end_ms)(void *context, int32_t day);
    void *context;
    struct year_memo *memo; /* of this course; NULL: the year is summed from its first day on */
};

/* Makes the row, and judges if the day is closed. The day lies in the plan's year. At most one
 * transition: from the level before the step to the one after it, COURSE_RETRACTED if judging again
 * lowered it below that; else COURSE_NOTHING. False: the target has no budget for the year, and
 * nothing is judged, made or changed. */
bool course_step(struct course_state *state, const struct course_basis *basis,
                 const struct course_day *day, struct course_row *row_out,
                 struct course_transition *transition_out);

#endif
