/* archive_victoria.c - rows out of VictoriaMetrics, by the export of raw samples: one per field. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit/archive_driver.h"

enum {
    MATCH_BYTES_MAX = 16 << 10,
    PATH_BYTES_MAX = 64 << 10,
    SAMPLES_BYTES_MAX = 1 << 30,
    CELLS = 7 /* time, name, scope, category, source, unit, value */
};

/* One value of one row. */
struct sample {
    int64_t time_ms;
    uint32_t series, field;
    double value;
};

struct gathering {
    struct archive *archive;
    const struct archive_query *query;
    archive_row_fn fn;
    void *context;
    struct buffer samples; /* of struct sample */
    struct buffer scratch;
    char prefix[MEASUREMENT_NAME_SIZE + 1]; /* "emissions_1d_", before a field's name */
};

static void add_seconds(struct buffer *path, const char *name, int64_t time_ms)
{
    struct buffer text;
    buffer_init(&text, 64);
    buffer_add_fixed(&text, time_ms, 3);
    archive_http_add(path, '&', name, buffer_text(&text));
    buffer_fini(&text);
}

static void add_path(struct buffer *path, const struct gathering *gathering)
{
    const struct archive *archive = gathering->archive;
    const struct archive_query *query = gathering->query;
    struct buffer match;
    buffer_init(&match, MATCH_BYTES_MAX);
    buffer_printf(&match, "{__name__=~\"%s.+\",facility=", gathering->prefix);
    archive_add_quoted(&match, archive->registry->facilities[query->facility].id, '"');
    if (archive->conf->database != NULL && archive->conf->database[0] != '\0') {
        buffer_add_str(&match, ",db=");
        archive_add_quoted(&match, archive->conf->database, '"');
    }
    buffer_add_char(&match, '}');
    const char *text = buffer_text(&match);
    buffer_add_str(path, "/api/v1/export/csv?reduce_mem_usage=1");
    archive_http_add(path, '&', "format",
                     "__timestamp__:unix_ms,__name__,scope,category,source,unit,__value__");
    archive_http_add(path, '&', "match[]", text != NULL ? text : "");
    add_seconds(path, "start", query->from_ms);
    add_seconds(path, "end", query->to_ms - 1);
    path->failed |= text == NULL;
    buffer_fini(&match);
}

static uint32_t find_field(const struct gathering *gathering, const char *name)
{
    const struct measurement *measurement = &measurements[gathering->query->kind];
    size_t size = strlen(gathering->prefix);
    if (strncmp(name, gathering->prefix, size) != 0)
        return UINT32_MAX;
    for (uint32_t i = 0; i < measurement->fields_count; i++) {
        if (strcmp(measurement->fields[i].name, name + size) == 0)
            return i;
    }
    return UINT32_MAX;
}

/* Strangers are told at once, field by field; the others when all is there. */
static int take_row(void *context, char **cells, uint32_t count)
{
    struct gathering *gathering = context;
    if (count != CELLS)
        return -EPROTO;
    struct sample sample = {.time_ms = strtoll(cells[0], NULL, 10),
                            .field = find_field(gathering, cells[1])};
    if (sample.field == UINT32_MAX)
        return 0;
    struct archive_row row = {.time_ms = sample.time_ms};
    const struct archive_tags tags = {cells[2], cells[3], cells[4], cells[5]};
    archive_set_series(gathering->archive, gathering->query, &tags, &row, &gathering->scratch);
    archive_set_field(&row, sample.field, cells[6]);
    if (row.is_stranger)
        return gathering->fn(gathering->context, &row);
    sample.series = row.series;
    sample.value = row.values[sample.field];
    buffer_add(&gathering->samples, &sample, sizeof(sample));
    return buffer_failed(&gathering->samples) ? -ENOMEM : 0;
}

static int compare_samples(const void *a, const void *b)
{
    const struct sample *one = a;
    const struct sample *other = b;
    if (one->series != other->series)
        return one->series < other->series ? -1 : 1;
    if (one->time_ms != other->time_ms)
        return one->time_ms < other->time_ms ? -1 : 1;
    return one->field < other->field ? -1 : one->field > other->field;
}

/* Samples of one series and time are one row. */
static int give_rows(struct gathering *gathering)
{
    struct sample *samples = (struct sample *)(void *)gathering->samples.data;
    size_t count = gathering->samples.size / sizeof(*samples);
    if (count == 0)
        return 0;
    qsort(samples, count, sizeof(*samples), compare_samples);
    struct archive_row row = {.time_ms = samples[0].time_ms, .series = samples[0].series};
    for (size_t i = 0; i < count; i++) {
        if (samples[i].series != row.series || samples[i].time_ms != row.time_ms) {
            int err = gathering->fn(gathering->context, &row);
            if (err < 0)
                return err;
            row = (struct archive_row){.time_ms = samples[i].time_ms, .series = samples[i].series};
        }
        row.values[samples[i].field] = samples[i].value;
        row.present |= 1U << samples[i].field;
    }
    return gathering->fn(gathering->context, &row);
}

static int victoria_read(struct archive *archive, const struct archive_query *query,
                         archive_row_fn fn, void *context, struct buffer *why)
{
    struct gathering gathering = {.archive = archive, .query = query, .fn = fn, .context = context};
    char name[MEASUREMENT_NAME_SIZE];
    (void)snprintf(gathering.prefix, sizeof(gathering.prefix), "%s_",
                   measurement_name(name, query->kind, query->level, archive->bucket_ms));
    struct buffer path;
    buffer_init(&path, PATH_BYTES_MAX);
    buffer_init(&gathering.samples, SAMPLES_BYTES_MAX);
    buffer_init(&gathering.scratch, MATCH_BYTES_MAX);
    add_path(&path, &gathering);
    int err = archive_http_get_csv(archive, &path, take_row, &gathering, why);
    if (err == 0)
        err = give_rows(&gathering);
    buffer_fini(&gathering.scratch);
    buffer_fini(&gathering.samples);
    buffer_fini(&path);
    return err;
}

const struct archive_driver archive_driver_victoria = {archive_http_open, archive_http_close,
                                                       victoria_read};
