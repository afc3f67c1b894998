/* archive_influx.c - rows out of InfluxDB, by InfluxQL: 1.x, and 2.x, where a bucket is a database.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit/archive_driver.h"

enum { QUERY_BYTES_MAX = 32 << 10, PATH_BYTES_MAX = 4 * QUERY_BYTES_MAX };

static const char *const series_tags[] = {"scope", "category", "source", "unit"};

struct reading_rows {
    struct archive *archive;
    const struct archive_query *query;
    const struct measurement *measurement;
    archive_row_fn fn;
    void *context;
    struct buffer *why;
    struct buffer scratch;
    bool refused; /* the words follow in the next row */
};

/* --- the question --- */

static void add_columns(struct buffer *q, const struct measurement *measurement)
{
    for (size_t i = 0; i < measurement->fields_count; i++)
        buffer_printf(q, "%s\"%s\"", i > 0 ? "," : "", measurement->fields[i].name);
    for (size_t i = 0; measurement->is_series && i < ARRAY_LEN(series_tags); i++)
        buffer_printf(q, ",\"%s\"", series_tags[i]);
}

static void add_statement(struct buffer *q, const struct archive *archive,
                          const struct archive_query *query)
{
    const struct sink_conf *conf = archive->conf;
    char name[MEASUREMENT_NAME_SIZE];
    buffer_add_str(q, "SELECT ");
    add_columns(q, &measurements[query->kind]);
    buffer_add_str(q, " FROM ");
    if (conf->dialect == DIALECT_INFLUX1 && conf->retention_policy != NULL) {
        archive_add_quoted(q, conf->retention_policy, '"');
        buffer_add_char(q, '.');
    }
    buffer_printf(q, "\"%s\" WHERE \"facility\" = ",
                  measurement_name(name, query->kind, query->level, archive->bucket_ms));
    archive_add_quoted(q, archive->registry->facilities[query->facility].id, '\'');
    buffer_printf(q, " AND time >= %" PRId64 "ms AND time < %" PRId64 "ms", query->from_ms,
                  query->to_ms);
}

static void add_path(struct buffer *path, const struct archive *archive,
                     const struct archive_query *query)
{
    const struct sink_conf *conf = archive->conf;
    bool is_v2 = conf->dialect == DIALECT_INFLUX2;
    const char *database = is_v2 ? conf->bucket : conf->database;
    struct buffer q;
    buffer_init(&q, QUERY_BYTES_MAX);
    add_statement(&q, archive, query);
    const char *text = buffer_text(&q);
    buffer_add_str(path, "/query?epoch=ms&chunked=true");
    archive_http_add(path, '&', "db", database != NULL ? database : "");
    archive_http_add(path, '&', "q", text != NULL ? text : "");
    path->failed |= text == NULL;
    buffer_fini(&q);
}

/* --- the answer: name, tags, time, fields, tags of the series --- */

static int take_row(void *context, char **cells, uint32_t count)
{
    struct reading_rows *reading = context;
    const struct measurement *measurement = reading->measurement;
    size_t fields = measurement->fields_count;
    size_t want = 3 + fields + (measurement->is_series ? ARRAY_LEN(series_tags) : 0);
    if (count == 1) {
        if (reading->refused)
            buffer_printf(reading->why, "InfluxDB: %s", cells[0]);
        bool ends = reading->refused;
        reading->refused = true;
        return ends ? -EIO : 0;
    }
    if (count != want) {
        buffer_printf(reading->why, "InfluxDB: a row of %" PRIu32 " columns instead of %zu", count,
                      want);
        return -EIO;
    }
    if (strcmp(cells[2], "time") == 0)
        return 0;
    struct archive_row row = {.time_ms = strtoll(cells[2], NULL, 10)};
    for (size_t i = 0; i < fields; i++)
        archive_set_field(&row, i, cells[3 + i]);
    struct archive_tags tags = {"", "", "", ""};
    if (measurement->is_series)
        tags = (struct archive_tags){cells[3 + fields], cells[4 + fields], cells[5 + fields],
                                     cells[6 + fields]};
    archive_set_series(reading->archive, reading->query, &tags, &row, &reading->scratch);
    return reading->fn(reading->context, &row);
}

static int influx_read(struct archive *archive, const struct archive_query *query,
                       archive_row_fn fn, void *context, struct buffer *why)
{
    struct reading_rows reading = {.archive = archive,
                                   .query = query,
                                   .measurement = &measurements[query->kind],
                                   .fn = fn,
                                   .context = context,
                                   .why = why};
    struct buffer path;
    buffer_init(&path, PATH_BYTES_MAX);
    buffer_init(&reading.scratch, QUERY_BYTES_MAX);
    add_path(&path, archive, query);
    int err = archive_http_get_csv(archive, &path, take_row, &reading, why);
    buffer_fini(&reading.scratch);
    buffer_fini(&path);
    return err;
}

const struct archive_driver archive_driver_influx = {archive_http_open, archive_http_close,
                                                     influx_read};
