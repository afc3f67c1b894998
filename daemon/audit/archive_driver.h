/*
 * archive_driver.h - what a kind of store implements for archive.c.
 */
#ifndef GHGD_ARCHIVE_DRIVER_H
#define GHGD_ARCHIVE_DRIVER_H

#include "daemon/audit/archive.h"

struct archive {
    const struct sink_conf *conf;
    const struct registry *registry;
    int64_t bucket_ms;
    const struct archive_driver *driver;
    void *store; /* the driver's */
};

/* Calls block. Returns 0 or negative; `why` may have words then. close() is called only after an
 * open() that returned 0. read() gives every row of the query to fn, and returns what fn returned
 * if that is not 0. */
struct archive_driver {
    int (*open)(struct archive *archive, struct buffer *why);
    void (*close)(struct archive *archive);
    int (*read)(struct archive *archive, const struct archive_query *query, archive_row_fn fn,
                void *context, struct buffer *why);
};

extern const struct archive_driver archive_driver_influx, archive_driver_victoria,
    archive_driver_sqlite;

/* The tags of a row as a store gives them; "" where it has none. */
struct archive_tags {
    const char *scope, *category, *source, *unit;
};
/* Finds the series of the facility that is written with these tags, and enters it into the row. If
 * there is no such series, enters a text about the tags, which `scratch` holds. */
void archive_set_series(const struct archive *archive, const struct archive_query *query,
                        const struct archive_tags *tags, struct archive_row *row,
                        struct buffer *scratch);
/* Enters field `index` from its text: a number, true or false; text that is neither is not there.
 */
void archive_set_field(struct archive_row *row, size_t index, const char *text);

/* The facility's id, or another name, as stores have it, in quotes, with a backslash before the
 * quote and before a backslash. */
void archive_add_quoted(struct buffer *out, const char *name, char quote);

/* CSV in pieces: fn gets the cells of each row, NUL-terminated, valid during the call. */
struct archive_csv;
typedef int (*archive_csv_fn)(void *context, char **cells, uint32_t count);
int archive_csv_open(struct archive_csv **csv_out, archive_csv_fn fn, void *context) MUST_CHECK;
/* Returns 0, -EPROTO for a row of too many cells or bytes, or what fn returned. */
int archive_csv_take(struct archive_csv *csv, const char *data, size_t size) MUST_CHECK;
/* The last row may lack its end. */
int archive_csv_end(struct archive_csv *csv) MUST_CHECK;
void archive_csv_close(struct archive_csv **csv);

/* A store behind HTTP: what its driver opens and closes with. Open returns 0, -ENOMEM, or -EINVAL
 * with words if the sink has no url. */
int archive_http_open(struct archive *archive, struct buffer *why) MUST_CHECK;
void archive_http_close(struct archive *archive);
/* GET of conf->url with `path` behind it; `fn` gets each row of the CSV that answers, as it comes.
 * Returns 0, -ENOMEM, -EIO with words, or as archive_csv_take(). */
int archive_http_get_csv(struct archive *archive, struct buffer *path, archive_csv_fn fn,
                         void *context, struct buffer *why) MUST_CHECK;
/* Appends "name=" and the value percent-encoded, after '?' or '&'. */
void archive_http_add(struct buffer *path, char before, const char *name, const char *value);

#endif
