#include "daemon/audit/archive.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit/archive_driver.h"
#include "pipelines/sink/label.h"

static const struct archive_driver *find_driver(const struct sink_conf *conf)
{
    if (conf->type == SINK_SQLITE)
        return &archive_driver_sqlite;
    if (conf->type != SINK_INFLUX)
        return NULL;
    return conf->dialect == DIALECT_VICTORIA ? &archive_driver_victoria : &archive_driver_influx;
}

int archive_open(struct archive **archive_out, const struct sink_conf *conf,
                 const struct registry *registry, int64_t bucket_ms, struct buffer *why)
{
    const struct archive_driver *driver = find_driver(conf);
    if (driver == NULL) {
        buffer_add_str(why, conf->type == SINK_TOTALS
                                ? "its topic has days only; `ghgd groups` reads them"
                                : "rows that went to a file cannot be read back");
        return -ENOTSUP;
    }
    struct archive *archive = calloc(1, sizeof(*archive));
    if (archive == NULL)
        return -ENOMEM;
    *archive = (struct archive){
        .conf = conf, .registry = registry, .bucket_ms = bucket_ms, .driver = driver};
    int err = driver->open(archive, why);
    if (err < 0)
        free(archive);
    else
        *archive_out = archive;
    return err;
}

void archive_close(struct archive **archive)
{
    struct archive *gone = TAKE(*archive);
    if (gone == NULL)
        return;
    gone->driver->close(gone);
    free(gone);
}

int archive_read(struct archive *archive, const struct archive_query *query, archive_row_fn fn,
                 void *context, struct buffer *why)
{
    return archive->driver->read(archive, query, fn, context, why);
}

/* A name as it is after its way into a store. Line protocol cannot end a tag with a backslash. */
static void add_label(struct buffer *out, const char *name, bool is_line_protocol)
{
    label_add(out, name, LABEL_PLAIN);
    if (!is_line_protocol || out->size == 0 || out->data[out->size - 1] != '\\')
        return;
    out->size--;
    buffer_add_str(out, "\xef\xbf\xbd");
}

static bool is_label(const struct archive *archive, const char *name, const char *found)
{
    struct buffer label;
    buffer_init(&label, LABEL_BYTES_MAX);
    add_label(&label, name, archive->conf->type == SINK_INFLUX);
    const char *text = buffer_text(&label);
    bool same = text != NULL && strcmp(text, found) == 0;
    buffer_fini(&label);
    return same;
}

static bool is_series(const struct archive *archive, const struct series *series,
                      const struct archive_tags *tags)
{
    char scope[4] = {(char)('0' + series->scope), '\0'};
    return strcmp(scope, tags->scope) == 0 &&
           strcmp(quantity_unit((enum quantity)series->quantity), tags->unit) == 0 &&
           is_label(archive, series->source, tags->source) &&
           is_label(archive, series->category, tags->category);
}

void archive_set_series(const struct archive *archive, const struct archive_query *query,
                        const struct archive_tags *tags, struct archive_row *row,
                        struct buffer *scratch)
{
    row->series = REGISTRY_NONE;
    row->is_stranger = false;
    if (!measurements[query->kind].is_series)
        return;
    const struct facility *facility = &archive->registry->facilities[query->facility];
    for (uint32_t i = 0; i < facility->series_count; i++) {
        if (!is_series(archive, &archive->registry->series[facility->series_first + i], tags))
            continue;
        row->series = facility->series_first + i;
        return;
    }
    buffer_clear(scratch);
    buffer_printf(scratch, "scope=%s category=%s source=%s unit=%s", tags->scope, tags->category,
                  tags->source, tags->unit);
    row->is_stranger = true;
    row->tags = buffer_text(scratch);
}

void archive_set_field(struct archive_row *row, size_t index, const char *text)
{
    ASSERT(index < ARCHIVE_FIELDS_MAX);
    char *end;
    double value = strtod(text, &end);
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        value = text[0] == 't';
    } else if (end == text || *end != '\0' || !isfinite(value)) {
        return;
    }
    row->values[index] = value;
    row->present |= 1U << index;
}

void archive_add_quoted(struct buffer *out, const char *name, char quote)
{
    struct buffer label;
    buffer_init(&label, LABEL_BYTES_MAX);
    add_label(&label, name, true);
    buffer_add_char(out, quote);
    for (size_t i = 0; i < label.size; i++) {
        if (label.data[i] == quote || label.data[i] == '\\')
            buffer_add_char(out, '\\');
        buffer_add_char(out, label.data[i]);
    }
    buffer_add_char(out, quote);
    out->failed |= buffer_failed(&label);
    buffer_fini(&label);
}
