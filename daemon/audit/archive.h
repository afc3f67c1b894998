/*
 * archive.h - rows as a sink's store has them, read back for `ghgd audit`.
 *
 * InfluxDB 1.x and 2.x are asked in InfluxQL, VictoriaMetrics for raw samples, both for CSV; SQLite
 * is opened read-only. A file that rows are appended to cannot be read back. Calls block. One
 * owner, one thread.
 */
#ifndef GHGD_ARCHIVE_H
#define GHGD_ARCHIVE_H

#include "base/buffer.h"
#include "config/config.h"
#include "pipelines/sink/fields.h"

enum { ARCHIVE_FIELDS_MAX = 28 };
_Static_assert((int)FIGURE_COUNT + 4 <= (int)ARCHIVE_FIELDS_MAX, "ratios, revision, final");

/* Which rows: of one measurement and facility, of windows that begin in [from_ms, to_ms). */
struct archive_query {
    enum row_kind kind;
    enum level level;
    uint32_t facility;
    int64_t from_ms, to_ms;
};

/* A row as it is there. values[i] is field i of the measurement, counts and flags as numbers. */
struct archive_row {
    int64_t time_ms;  /* the window's start; VictoriaMetrics: within the window, later is newer */
    uint32_t series;  /* of the registry; NONE for coverage, and for tags that it does not know */
    bool is_stranger; /* its tags are of no series of the facility: `tags` says which */
    uint32_t present; /* a bit per field */
    double values[ARCHIVE_FIELDS_MAX];
    const char *tags; /* of a stranger: lives until the call returns */
};

/* The rows in some order. Returns 0 to go on, or negative to end the reading with that. */
typedef int (*archive_row_fn)(void *context, const struct archive_row *row);

struct archive;

/* Returns 0, -ENOTSUP (rows of this kind of sink cannot be read back), -ENOMEM, -EINVAL for a
 * malformed URL, or SQLite's error; `why` has words. */
int archive_open(struct archive **archive_out, const struct sink_conf *conf,
                 const struct registry *registry, int64_t bucket_ms, struct buffer *why) MUST_CHECK;
void archive_close(struct archive **archive);

/* Returns 0; -EIO if the store does not answer, or says no; -ERANGE... what `fn` returns. */
int archive_read(struct archive *archive, const struct archive_query *query, archive_row_fn fn,
                 void *context, struct buffer *why) MUST_CHECK;

#endif
