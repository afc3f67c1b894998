/*
 * archived_days.h - the daily rows of a facility as a database has them.
 *
 * A row that was written again counts as it is now. Masses come back as the whole milligrams that
 * they were. One owner, one thread; calls block.
 */
#ifndef GHGD_ARCHIVED_DAYS_H
#define GHGD_ARCHIVED_DAYS_H

#include "config/targets/targets.h"
#include "daemon/audit/archive.h"
#include "pipelines/rollup/day_ledger.h"

struct archived_days;

/* Local days. */
struct archived_span {
    int32_t first_day, end_day; /* [first_day, end_day), of archived_span_before() or within it */
};

/* The days up to `end_day`, as many as a ledger has. Days that calendars do not have are left
 * out, and at least one day is in it. */
struct archived_span archived_span_before(int64_t end_day);

/* The days of the facility. Returns 0, -ENOMEM, -ERANGE for a value that no row can have, or what
 * archive_read() returns; `why` has words. */
int archived_days_read(struct archived_days **days_out, struct archive *archive,
                       const struct config *config, uint32_t facility, struct archived_span span,
                       struct buffer *why) MUST_CHECK;
void archived_days_destroy(struct archived_days **days);

/* Whether there is any row of the day. */
bool archived_days_has(const struct archived_days *days, int32_t day);
/* Adds the facility's day to the subject's, shares applied; a total begins with `whole` set. A day
 * without a row adds the time in which meters were expected to report. Nothing is added if no part
 * of the facility counts on that day. */
void archived_days_add(const struct archived_days *days, int32_t day, const struct targets *targets,
                       const struct target *target, struct day_total *total);
/* The end of the local day. */
int64_t archived_days_end_ms(const struct archived_days *days, int32_t day);

#endif
