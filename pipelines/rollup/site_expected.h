/*
 * site_expected.h - from when on the meters of a site are expected to report, and how long in a
 * window.
 *
 * A meter is expected from the time that the registry says (meter->expected_from_ms), but not
 * before the fiscal year of the facility's first reading. If the registry says none, it is expected
 * from its own first reading. It is expected up to its valid_to, not outside of its schedule, and
 * not beyond the newest bucket of the shard. First readings are state: they follow from the log,
 * and nothing else changes them.
 */
#ifndef GHGD_SITE_EXPECTED_H
#define GHGD_SITE_EXPECTED_H

#include "pipelines/rollup/site.h"

size_t site_expected_size(const struct facility *facility);
/* No meter has reported. Returns 0 or -ENOMEM. */
int site_expected_create(struct site_expected **expected_out,
                         const struct facility *facility) MUST_CHECK;
void site_expected_destroy(struct site_expected **expected);
/* An accepted reading of the column starts then, not before the site's oldest open day. If it is
 * the column's first one, windows that are known expect more than before: they are written again.
 * Returns whether the facility begins earlier than before: then site_open_lead() has to follow. */
bool site_hear(struct site *site, uint32_t column, int64_t start_ms);

/* From when on the column is expected; INT64_MAX: it is not, or not yet. */
int64_t site_expected_from(const struct site *site, uint32_t column);
/* Adds the expected time of rows [from, to) to figures[series], in ms. Buckets that have not come
 * yet are not expected to hold readings. */
void site_expect(const struct site *site, const struct site_clock *clock, int64_t from_row,
                 int64_t to_row, struct figures *figures);
/* The same of [from_ms, to_ms), which has passed. */
void site_expect_span(const struct site *site, int64_t from_ms, int64_t to_ms,
                      struct figures *figures);
/* Whether some meter is expected in [from_ms, to_ms). */
bool site_is_expected(const struct site *site, int64_t from_ms, int64_t to_ms);
/* How many meters are expected at some time of [from_ms, to_ms), which is not empty. One counts
 * once, whatever number of versions it has then. */
uint32_t site_count_expected(const struct site *site, int64_t from_ms, int64_t to_ms);
/* Grows whenever a window of rows [from, to) comes to expect more, by the log alone. */
int64_t site_count_expectations(const struct site *site, const struct site_clock *clock,
                                int64_t from_row, int64_t to_row);

#endif
