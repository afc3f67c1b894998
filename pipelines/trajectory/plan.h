/*
 * plan.h - a target year before it is lived: what of the past and of the tables makes its budget.
 *
 * Months of past years are those that were measured, if each facility that counts has a final row
 * on all of their days, else those of the history. A year gives shares if all of its months are
 * known. With two such years or more they are the median's, with one only if it is the base year;
 * else every day counts alike. The forecast's model gets the years that follow each other up to the
 * year before, by months. A year that the history has as a whole is a base, and a total of the year
 * before or of closed years. Nothing here is kept: a plan is made again whenever one of its inputs
 * may have changed. Pure.
 */
#ifndef GHGD_PLAN_H
#define GHGD_PLAN_H

#include "config/targets/past.h"
#include "pipelines/trajectory/course.h"

struct plan_input {
    const struct targets *targets;
    const struct registry *registry;
    const struct target *target;
    const struct day_ledger *ledger; /* of the subject, shares applied */
    uint8_t days_off;                /* a bit per weekday, 1 << 0 is Monday */
    int64_t nonworking;              /* what a day off counts, of PART_ONE */
    int64_t base_threshold;
};

enum plan_outcome {
    PLAN_MADE,
    PLAN_BASE_UNKNOWN, /* the base year has not been measured whole, and the history lacks it */
    PLAN_BASE_CHANGED, /* what was measured, with changes, leaves a base that is not in 1 ..
                          BASE_MG_MAX */
    PLAN_NOT_ALLOWED   /* the target says nothing of that year */
};

/* line: kept by the caller, as the plan refers to it. */
enum plan_outcome plan_make(struct course_plan *plan_out, struct target_line *line_out,
                            const struct plan_input *input, int year);

#endif
