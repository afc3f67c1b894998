/*
 * subject.h - a target's subject over the days that a database has, and its course through them.
 */
#ifndef GHGD_SUBJECT_H
#define GHGD_SUBJECT_H

#include "config/config.h"
#include "daemon/trajectory/archived_days.h"
#include "pipelines/trajectory/plan.h"

/* One day: its row, and perhaps a change of level. */
struct judged_day {
    struct course_row row;
    struct course_transition transition; /* event is COURSE_NOTHING: none */
};

struct target_subject {
    const struct target *target;
    int32_t first_day, end_day;   /* the days that are asked for */
    struct day_total *totals;     /* of each of them */
    int64_t *end_ms;              /* of each of them */
    uint8_t unmetered;            /* scopes without a meter, as target_unmetered() tells them */
    int32_t known_day, final_day; /* the first that is known, and the last that is final */
    struct day_ledger *ledger;
    /* The last target year that was judged. */
    struct course_plan plan;
    struct target_line line;
    enum plan_outcome outcome; /* of the year of the last final day */
    struct judged_day *days;   /* of all years that were judged, in order */
    uint32_t days_count;
};

/* 0 or -ENOMEM. */
int subject_make(struct target_subject *subject_out, const struct target *target, int32_t first_day,
                 int32_t end_day) MUST_CHECK;
void subject_fini(struct target_subject *subject);
/* Adds a facility that the target has. */
void subject_add(struct target_subject *subject, const struct config *config,
                 const struct archived_days *days);
/* All facilities are added: judges every day up to the last final one. */
void subject_judge(struct target_subject *subject, const struct config *config);
/* The last day that was judged, if it is of the plan's year; NULL: there is nothing to judge now.
 */
const struct judged_day *subject_last(const struct target_subject *subject);

#endif
