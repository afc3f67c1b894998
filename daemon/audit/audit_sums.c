/* audit_sums.c - whether the hours of a database make its days, and the days its months. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/calendar/calendar.h"
#include "daemon/audit/audit.h"

enum { DAYS_MAX = 32, VALUE_TEXT_SIZE = 64 };

/* One window as one level gives it: whole millionths by field. */
struct total {
    bool any, final;
    int64_t first_ms;                    /* the start of its first row */
    int128 value[ARCHIVE_FIELDS_MAX];    /* in the whole numbers of the field */
    int32_t lacking[ARCHIVE_FIELDS_MAX]; /* the rows that do not know the field */
};

/* One series of a facility over a month. Coverage and energy have one of them. */
struct sums_line {
    struct total hours[DAYS_MAX], days[DAYS_MAX]; /* by day */
    struct total sum, month;                      /* of the days */
    /* The row before, which a newer one of the same window replaces. */
    int64_t last_start_ms;
    struct archive_row last;
};

struct ledger {
    struct audit *audit;
    struct archive *archive;
    uint32_t sink, facility;
    enum row_kind kind;
    struct calendar *calendar;
    struct window month;
    struct window days[DAYS_MAX];
    uint32_t days_count;
    struct sums_line *lines; /* by series of the facility */
    uint32_t lines_count;
    enum level level; /* being read */
    bool has_hours, has_days;
};

/* Masses, energy, activity and notes; of a whole facility, all seconds: what is expected of a
 * source is not told where it has no reading. Counts of unknown cells are left out: those of the
 * closed part of a window may rest on an earlier version, which did not count them in its days. */
static bool is_summed(enum row_kind kind, const struct field *field)
{
    if (field->type != FIELD_FIXED)
        return false;
    switch ((enum figure_adds)figure_table[field->figure].adds) {
    case ADDS_COVERED:
    case ADDS_EXPECTED:
        return !measurements[kind].is_series;
    case ADDS_UNKNOWN_CELL:
        return false;
    default:
        return true;
    }
}

static uint32_t find_field(const struct measurement *measurement, const char *name)
{
    uint32_t i = 0;
    while (i < measurement->fields_count && strcmp(measurement->fields[i].name, name) != 0)
        i++;
    return i;
}

static uint32_t day_of(const struct ledger *ledger, int64_t time_ms)
{
    uint32_t i = 0;
    while (i + 1 < ledger->days_count && ledger->days[i].end_ms <= time_ms)
        i++;
    return i;
}

static struct total *total_of(const struct ledger *ledger, struct sums_line *line, int64_t time_ms)
{
    switch (ledger->level) {
    case LEVEL_HOUR:
        return &line->hours[day_of(ledger, time_ms)];
    case LEVEL_DAY:
        return &line->days[day_of(ledger, time_ms)];
    default:
        return &line->month;
    }
}

static int128 whole_of(const struct field *field, double value)
{
    double unit = 1;
    for (unsigned i = 0; i < field->decimals; i++)
        unit *= 10;
    return (int128)rint(value * unit);
}

/* A flow that is null counts as 0, and what is formed of it is not known. A store may keep one that
 * has become null since; the count of those that are null tells so. */
static bool is_energy_lacking(const struct measurement *measurement, const struct archive_row *row,
                              uint32_t index)
{
    const uint8_t formed = 1U << BALANCE_OWN_USE | 1U << BALANCE_CONSUMPTION;
    if ((row->present >> index & 1) == 0)
        return (measurement->fields[index].nullable & formed) != 0;
    return row->values[find_field(measurement, "flows_unknown")] > 0;
}

/* Rows of an earlier version lack a field. A store may keep one that has become null since; the
 * count of unknown cells, a field of the same row, tells so. */
static bool is_lacking(const struct measurement *measurement, const struct archive_row *row,
                       uint32_t index)
{
    const struct field *field = &measurement->fields[index];
    if (!field->optional || field->type != FIELD_FIXED)
        return false;
    if (field->nullable != 0)
        return is_energy_lacking(measurement, row, index);
    if ((row->present >> index & 1) == 0)
        return true;
    for (uint32_t i = 0; i < measurement->fields_count; i++) {
        if (figure_table[field->figure].unknown != FIGURE_NONE &&
            measurement->fields[i].figure == figure_table[field->figure].unknown)
            return (row->present >> i & 1) == 0 || row->values[i] > 0;
    }
    return false;
}

static void add_row(const struct ledger *ledger, struct total *total, const struct archive_row *row,
                    int sign)
{
    const struct measurement *measurement = &measurements[ledger->kind];
    uint32_t final = find_field(measurement, "final");
    total->final = (row->present >> final & 1) != 0 && row->values[final] != 0;
    total->any = true;
    for (uint32_t i = 0; i < measurement->fields_count; i++) {
        if (is_lacking(measurement, row, i))
            total->lacking[i] += sign;
        else if ((row->present >> i & 1) != 0 && is_summed(ledger->kind, &measurement->fields[i]))
            total->value[i] += sign * whole_of(&measurement->fields[i], row->values[i]);
    }
}

static int on_row(void *context, const struct archive_row *row)
{
    struct ledger *ledger = context;
    if (row->is_stranger)
        return 0; /* a source that the tables no longer have */
    uint32_t first = ledger->audit->config->registry->facilities[ledger->facility].series_first;
    uint32_t index = measurements[ledger->kind].is_series ? row->series - first : 0;
    struct sums_line *line = &ledger->lines[index];
    struct window window = calendar_window(ledger->calendar, ledger->level, row->time_ms);
    struct total *total = total_of(ledger, line, row->time_ms);
    if (line->last_start_ms == window.start_ms)
        add_row(ledger, total, &line->last, -1);
    if (!total->any)
        total->first_ms = window.start_ms;
    add_row(ledger, total, row, 1);
    line->last_start_ms = window.start_ms;
    line->last = *row;
    line->last.tags = NULL;
    ledger->has_hours |= ledger->level == LEVEL_HOUR;
    ledger->has_days |= ledger->level == LEVEL_DAY;
    return 0;
}

static int read_level(struct ledger *ledger, enum level level, struct buffer *why)
{
    if ((ledger->audit->config->sinks[ledger->sink].skips >> level & 1) != 0)
        return 0;
    ledger->level = level;
    for (uint32_t i = 0; i < ledger->lines_count; i++)
        ledger->lines[i].last_start_ms = INT64_MIN;
    const struct archive_query query = {.kind = ledger->kind,
                                        .level = level,
                                        .facility = ledger->facility,
                                        .from_ms = ledger->month.start_ms,
                                        .to_ms = ledger->month.end_ms};
    return archive_read(ledger->archive, &query, on_row, ledger, why);
}

/* --- comparing --- */

static void value_text(char text[VALUE_TEXT_SIZE], const struct field *field, int128 value)
{
    struct buffer out;
    buffer_init(&out, VALUE_TEXT_SIZE - 1);
    buffer_add_fixed(&out, value, field->decimals);
    (void)snprintf(text, VALUE_TEXT_SIZE, "%s", buffer_failed(&out) ? "?" : buffer_text(&out));
    buffer_fini(&out);
}

/* A double holds 2^53 whole numbers exactly; beyond that each of the parts may be off by some. */
static bool is_same(int128 a, int128 b)
{
    int128 size = a < 0 ? -a : a;
    int128 slack = size >> 46;
    return size < (int128)1 << 52 ? a == b : a - b <= slack && b - a <= slack;
}

/* The hours before a facility's first reading have no row, though its meters may be expected. */
static bool expects_before(const struct field *field, const struct total *hours,
                           const struct audit_place *place)
{
    return field->figure == FIGURE_EXPECTED && (!hours->any || hours->first_ms > place->start_ms);
}

static void compare(struct ledger *ledger, struct audit_place *place, const struct total *parts,
                    const struct total *whole)
{
    const struct measurement *measurement = &measurements[ledger->kind];
    if (!parts->any && !whole->any)
        return;
    if (!whole->any)
        audit_tell(ledger->audit, place, NULL, "a row, as of its parts", "nothing");
    if (!whole->any || !whole->final)
        return;
    for (uint32_t i = 0; i < measurement->fields_count; i++) {
        if (!is_summed(ledger->kind, &measurement->fields[i]) || parts->lacking[i] > 0 ||
            whole->lacking[i] > 0 || is_same(parts->value[i], whole->value[i]) ||
            (place->level == LEVEL_DAY && expects_before(&measurement->fields[i], parts, place)))
            continue;
        char expected[VALUE_TEXT_SIZE];
        char found[VALUE_TEXT_SIZE];
        value_text(expected, &measurement->fields[i], parts->value[i]);
        value_text(found, &measurement->fields[i], whole->value[i]);
        audit_tell(ledger->audit, place, measurement->fields[i].name, expected, found);
    }
}

/* An earlier version wrote no rows of energy: the month that it began has more than its days. */
static bool is_begun_earlier(const struct ledger *ledger, const struct sums_line *line)
{
    uint32_t with_row = 0;
    for (uint32_t i = 0; i < ledger->days_count; i++)
        with_row += line->days[i].any;
    return ledger->kind == ROW_ENERGY && with_row < ledger->days_count;
}

static void compare_line(struct ledger *ledger, uint32_t index)
{
    const struct registry *registry = ledger->audit->config->registry;
    struct sums_line *line = &ledger->lines[index];
    struct audit_place place = {
        .sink = ledger->sink, .kind = ledger->kind, .facility = ledger->facility};
    place.series = measurements[ledger->kind].is_series
                       ? registry->facilities[ledger->facility].series_first + index
                       : REGISTRY_NONE;
    place.level = LEVEL_DAY;
    for (uint32_t i = 0; i < ledger->days_count && ledger->has_days; i++) {
        place.start_ms = ledger->days[i].start_ms;
        if (ledger->has_hours)
            compare(ledger, &place, &line->hours[i], &line->days[i]);
        line->sum.any |= line->days[i].any;
        for (uint32_t f = 0; f < ARCHIVE_FIELDS_MAX; f++) {
            line->sum.value[f] += line->days[i].value[f];
            line->sum.lacking[f] += line->days[i].lacking[f];
        }
    }
    place.level = LEVEL_MONTH;
    place.start_ms = ledger->month.start_ms;
    bool gets_months = (ledger->audit->config->sinks[ledger->sink].skips >> LEVEL_MONTH & 1) == 0;
    if (ledger->has_days && gets_months && !is_begun_earlier(ledger, line))
        compare(ledger, &place, &line->sum, &line->month);
}

/* --- months, facilities, sinks --- */

static void divide_month(struct ledger *ledger)
{
    ledger->days_count = 0;
    for (int64_t time_ms = ledger->month.start_ms;
         time_ms < ledger->month.end_ms && ledger->days_count < DAYS_MAX;
         time_ms = ledger->days[ledger->days_count - 1].end_ms)
        ledger->days[ledger->days_count++] = calendar_window(ledger->calendar, LEVEL_DAY, time_ms);
}

static int sum_month(struct ledger *ledger, struct buffer *why)
{
    memset(ledger->lines, 0, ledger->lines_count * sizeof(*ledger->lines));
    ledger->has_hours = ledger->has_days = false;
    divide_month(ledger);
    int err = read_level(ledger, LEVEL_HOUR, why);
    if (err == 0)
        err = read_level(ledger, LEVEL_DAY, why);
    if (err == 0)
        err = read_level(ledger, LEVEL_MONTH, why);
    for (uint32_t i = 0; i < ledger->lines_count && err == 0; i++)
        compare_line(ledger, i);
    return err;
}

static int sum_facility(struct ledger *ledger, struct buffer *why)
{
    const struct audit *audit = ledger->audit;
    const struct facility *facility = &audit->config->registry->facilities[ledger->facility];
    int err =
        calendar_create(&ledger->calendar, facility->time_zone, audit->config->window.bucket_ms,
                        audit->config->window.fiscal_year_start);
    if (err < 0)
        return err;
    ledger->lines_count = facility->series_count > 0 ? facility->series_count : 1;
    ledger->lines = calloc(ledger->lines_count, sizeof(*ledger->lines));
    err = ledger->lines == NULL ? -ENOMEM : 0;
    for (int kind = 0; kind < ROW_WINDOW_KINDS && err == 0; kind++) {
        ledger->kind = (enum row_kind)kind;
        ledger->month = calendar_window(ledger->calendar, LEVEL_MONTH, audit->from_ms);
        while (err == 0 && ledger->month.end_ms <= audit->until_ms) {
            err = sum_month(ledger, why);
            ledger->month = calendar_window(ledger->calendar, LEVEL_MONTH, ledger->month.end_ms);
        }
    }
    free(ledger->lines);
    calendar_destroy(&ledger->calendar);
    return err;
}

int audit_sums(struct audit *audit, struct buffer *why)
{
    int err = 0;
    for (uint32_t sink = 0; sink < audit->config->sinks_count && err == 0; sink++) {
        if (audit->archives[sink] == NULL)
            continue;
        struct ledger ledger = {.audit = audit, .archive = audit->archives[sink], .sink = sink};
        for (uint32_t i = 0; i < audit->config->registry->facilities_count && err == 0; i++) {
            ledger.facility = i;
            err = sum_facility(&ledger, why);
            audit_print(audit, NULL);
        }
        if (err < 0)
            buffer_printf(why, " (sink \"%s\")", audit->config->sinks[sink].name);
    }
    return err;
}
