/*
 * course_bytes.h - the state of a facility's targets as bytes and back: daily totals, courses, and
 * the rows that they told. It is a part of what a payload says of the facility:
 *
 *   uint number of the series whose activity is the production, plus one
 *   int day from which on the production is known
 *   int earliest day that has changed since courses were told
 *   uint count of days; int the first; per day: int flags (1 known, 2 final, 4 whole), and if the
 *     day is known the numbers of struct day_total
 *   uint 1 if something of the courses has changed, and then:
 *     int watermark up to which they were judged
 *     uint count; per course: text target, its state, uint stamps that were told; twice: uint 1 if
 *       there is a row of `trajectory_now`, uint version, uint sinks that need it, the row;
 *       uint 1 if its level has ever changed, the row of the newest change
 *     per row that some sink needs: uint sinks, text target, the row; 0
 *
 * A target is known by its id. The loader skips a target that the facility has no more.
 */
#ifndef GHGD_COURSE_BYTES_H
#define GHGD_COURSE_BYTES_H

#include "pipelines/rollup/site_totals.h"
#include "pipelines/state/payload.h"
#include "pipelines/trajectory/courses.h"

/* courses: NULL like the site's totals if the facility has no target. full: all of it; else what
 * changed since the last payload. */
void course_bytes_save(const struct site *site, const struct courses *courses, bool full,
                       struct buffer *out);
/* The payload is in safe hands. */
void course_bytes_saved(struct site *site, struct courses *courses);

/* Takes it; targets that the facility no longer has are skipped. The site's days have
 * been loaded. Returns 0, -ENOMEM, or ERR_SYNTAX. */
int course_bytes_take(struct site *site, struct courses *courses,
                      const struct dictionary *dictionary, const struct payload_names *names,
                      struct packed *packed) MUST_CHECK;
/* All payloads are there. A facility without daily totals so far begins with its open days.
 * watermark_ms: of the shard. */
void course_bytes_end(struct site *site, struct courses *courses, uint8_t new_sinks,
                      int64_t watermark_ms);

#endif
