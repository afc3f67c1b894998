/*
 * submeters.h - a main meter carries what its sub-meters do not: their rest. A check meter carries
 * nothing.
 *
 * The panel holds what each meter shows. This forms, bucket by bucket, what each of them counts: a
 * pure function of the cells of one bucket, in whole micro-units.
 *
 *   the main covers the bucket: it counts its amount less what counts below it, also below zero;
 *   else: it counts nothing and covers nothing, and what is below it counts by itself.
 *
 * So the meters of a family together count what the main shows, or what the meters below it show.
 * A sub-meter may be a main meter itself. All versions of one id are one meter. The owner of the
 * panel owns this; all memory is taken when it is created.
 */
#ifndef GHGD_SUBMETERS_H
#define GHGD_SUBMETERS_H

#include "pipelines/metering/panel.h"

struct submeters;

/* Whether any meter of the facility has a main meter, or is a check meter. */
bool submeters_exist(const struct meter *meters, const struct facility *facility);
/* The bytes that submeters_create() takes for a facility that has them; 0 for one that has none. */
size_t submeters_size(const struct meter *meters, const struct facility *facility, uint32_t rows);
/* `meters` are those of the registry, and outlive it; `rows` are formed together at most.
 * *submeters_out is NULL if the facility needs none. Returns 0 or -ENOMEM. */
int submeters_create(struct submeters **submeters_out, const struct meter *meters,
                     const struct facility *facility, uint32_t rows) MUST_CHECK;
void submeters_destroy(struct submeters **submeters);

/* Forms what the meters count in `rows` buckets from start_ms on. `shown` are the cells of the
 * panel. The result holds until the next call. */
struct panel_row submeters_form(struct submeters *submeters, const struct panel_row *shown,
                                int64_t start_ms, int64_t length_ms, uint32_t rows);

/* Days are judged as a whole: clocks and long readings move energy between buckets, not between
 * days. A main meter, and a check meter, says how much of what the main meter shows is tolerated.
 */
struct submeters_judgement {
    uint32_t negative_rests;    /* main meters whose rest is below zero by more than that */
    uint32_t check_differences; /* check meters that differ by more from their main meters */
    /* The main meter whose rest is furthest below zero beyond its tolerance; the first among
     * equals. UINT32_MAX: none. It is the column of its first version within the facility. */
    uint32_t worst;
    int64_t worst_shown, worst_rest; /* of it: micro-units; at most those that 64 bits hold */
};
/* Judges the rows [from, to) of the panel, which have been projected. Buckets count that the main
 * meter covers, and for a check meter those that both cover. */
struct submeters_judgement submeters_judge(struct submeters *submeters, const struct panel *panel,
                                           int64_t from_row, int64_t to_row);

#endif
