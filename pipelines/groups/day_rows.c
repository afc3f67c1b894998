#include "pipelines/groups/day_rows.h"

#include <errno.h>
#include <stdio.h>

#include "config/targets/past.h"

/* The other parts of a record and one source more fit beside them. */
enum { SERIES_BYTES_MAX = DAY_RECORD_BYTES_MAX / 2 };

void day_rows_init(struct day_rows *rows)
{
    *rows = (struct day_rows){0};
    buffer_init(&rows->series, DAY_RECORD_BYTES_MAX);
}

void day_rows_fini(struct day_rows *rows)
{
    buffer_fini(&rows->series);
}

void day_rows_clear(struct day_rows *rows)
{
    rows->record = (struct day_record){0};
    rows->count = 0;
    rows->too_large = false;
    buffer_clear(&rows->series);
}

static void add_figures(struct day_rows *rows, struct day_values *sum, const struct row *row,
                        size_t first_figure)
{
    for (size_t i = first_figure; i < FIGURE_COUNT; i++) {
        int128 value = row->figures.value[i];
        int64_t next = 0;
        if (i == FIGURE_ACTIVITY || (i >= FIGURES_NOTED && !row->figures.noted))
            continue;
        if (value < -INT64_MAX || value > INT64_MAX ||
            __builtin_add_overflow(sum->value[i], (int64_t)value, &next) || next == INT64_MIN)
            rows->too_large = true;
        else
            sum->value[i] = next;
    }
}

static void add_source(struct day_rows *rows, const struct registry *registry,
                       const struct row *row)
{
    const struct series *series = &registry->series[row->series];
    struct day_figures *figures = &rows->record.figures;
    ASSERT(series->scope < DAY_SCOPES);
    figures->scopes |= (uint8_t)(1U << series->scope);
    add_figures(rows, &figures->scope[series->scope], row, 0);
    if (series->scope != 0)
        return;
    int128 activity = row->figures.value[FIGURE_ACTIVITY];
    if (activity < -INT64_MAX || activity > INT64_MAX || rows->series.size > SERIES_BYTES_MAX) {
        rows->too_large = true;
        return;
    }
    day_series_add(&rows->series, series->category, series->source,
                   quantity_unit((enum quantity)series->quantity), (int64_t)activity);
    rows->record.series_count++;
}

static int end_day(struct day_rows *rows, const struct registry *registry, const struct row *row)
{
    const struct facility *facility = &registry->facilities[row->facility];
    struct day_record *record = &rows->record;
    (void)snprintf(record->facility, sizeof(record->facility), "%s", facility->id);
    record->day = past_local_day(registry, facility->zone, row->window.start_ms);
    record->figures.version = row->version;
    record->figures.final = row->final;
    record->figures.revision = row->revision;
    record->figures.meters_expected = row->meters_expected;
    record->figures.meters_reporting = row->meters_reporting;
    record->figures.weight_covered = row->weight_covered;
    record->figures.weight_total = row->weight_total;
    add_figures(rows, &record->figures.coverage, row, FIGURE_COVERED);
    record->series = rows->series.data;
    record->series_size = rows->series.size;
    if (buffer_failed(&rows->series))
        return -ENOMEM;
    return rows->too_large ? ERR_RANGE : 1;
}

int day_rows_add(struct day_rows *rows, const struct registry *registry, const struct row *row)
{
    ASSERT(row->level == LEVEL_DAY);
    if (rows->record.facility[0] != '\0') /* the day before is whole */
        day_rows_clear(rows);
    rows->count++;
    if (row->kind == ROW_COVERAGE)
        return end_day(rows, registry, row);
    if (row->kind == ROW_EMISSIONS)
        add_source(rows, registry, row);
    return 0;
}
