/*
 * group_sum.h - what several facilities come to over several days: a sum of facility-days.
 *
 * Emissions are those under control, as the rows of facilities are summed: a facility under control
 * counts whole. Beside them stands the equity part of CO2e. A share is applied to a facility, day,
 * scope and figure, and rounded there, half to even. Everything above is addition of whole numbers,
 * so the order does not matter, and a month or a year is the sum of its days. Pure.
 */
#ifndef GHGD_GROUP_SUM_H
#define GHGD_GROUP_SUM_H

#include "config/targets/targets.h"
#include "pipelines/groups/day_record.h"

struct group_sum {
    uint8_t scopes; /* a bit for each that has a reading */
    struct figures scope[DAY_SCOPES];
    int128 equity_mg[DAY_SCOPES]; /* of CO2e */
    struct figures coverage;
    int128 weight_covered, weight_total;
    uint64_t days, days_missing, days_open;  /* facility-days: all that count; those without a
                                                record; those whose record is not final */
    uint32_t facilities, facilities_missing; /* that count; that lack the record of a day */
    uint64_t revisions;
};

/* Whether any part of a facility with these shares counts. */
bool group_sum_counts(const int64_t share[APPROACH_COUNT]);
/* Adds a day of a facility; some part of it counts. */
void group_sum_add_day(struct group_sum *sum, const struct day_figures *day,
                       const int64_t share[APPROACH_COUNT]);
/* Adds a day that is missing: so long meters were expected to report on it. */
void group_sum_add_missing(struct group_sum *sum, int64_t expected_ms);
/* Adds another sum. Its facilities are others: they are added, too. */
void group_sum_add(struct group_sum *sum, const struct group_sum *term);
/* Each day of each facility is there, and final. */
bool group_sum_is_final(const struct group_sum *sum);

#endif
