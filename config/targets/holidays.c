/*
 * holidays.c - tables of days off, of days that are worked, and of weekdays off; see
 * target_loader.h.
 */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "config/targets/civil.h"
#include "config/targets/target_loader.h"

enum column {
    COLUMN_DATE,
    COLUMN_COUNTRY,
    COLUMN_FACILITY,
    COLUMN_NAME,
    COLUMN_WORKS,
    COLUMN_SOURCE,
    COLUMN_NOTE,
    COLUMN_COUNT
};

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_DATE] = {"date", true},          [COLUMN_COUNTRY] = {"country", false},
    [COLUMN_FACILITY] = {"facility", false}, [COLUMN_NAME] = {"name", false},
    [COLUMN_WORKS] = {"works", false},       [COLUMN_SOURCE] = {"source", false},
    [COLUMN_NOTE] = {"note", false},
};

struct holiday_reading {
    struct target_loader *loader;
    const char *file;
};

static bool read_country(const struct csv_row *row)
{
    const struct csv_cell *cell = &row->cells[COLUMN_COUNTRY];
    if (cell->size == 0 ||
        (cell->size == 2 && g_ascii_isupper(cell->text[0]) && g_ascii_isupper(cell->text[1])))
        return true;
    csv_fault(row, COLUMN_COUNTRY,
              "\"%s\" is not accepted; a code of ISO 3166-1 of two letters is, such as CN",
              cell->text);
    return false;
}

/* The facility or country that has the day. */
static bool read_subject(struct holiday *holiday, const struct target_loader *loader,
                         const struct csv_row *row)
{
    holiday->facility = REGISTRY_NONE;
    if (cell_is_empty(row, COLUMN_FACILITY))
        return read_country(row);
    if (!cell_is_empty(row, COLUMN_COUNTRY)) {
        csv_fault(row, COLUMN_COUNTRY,
                  "given beside a facility; accepted: one of both, or neither for everywhere");
        return false;
    }
    return cell_facility(&holiday->facility, loader, row, COLUMN_FACILITY);
}

/* Rows of weekdays have a day before all others, Monday first. */
static bool is_weekday(const struct holiday *holiday)
{
    return holiday->day < INT32_MIN + WEEKDAYS;
}

/* A date, or a weekday. */
static bool read_day(struct holiday *holiday, const struct csv_row *row)
{
    const struct csv_cell *cell = &row->cells[COLUMN_DATE];
    struct date date;
    if (!cell_id(row, COLUMN_DATE))
        return false;
    for (int i = 0; i < WEEKDAYS; i++) {
        if (strcmp(cell->text, date_weekday_name(i)) == 0) {
            holiday->day = INT32_MIN + i;
            return true;
        }
    }
    if (date_parse(&date, cell->text, cell->size) == 0) {
        holiday->day = civil_day(date.year, date.month, date.day);
        return true;
    }
    csv_fault(row, COLUMN_DATE,
              "\"%s\" is no date and no weekday; accepted: YYYY-MM-DD, from 1900 to 2199, or Mon, "
              "Tue, Wed, Thu, Fri, Sat, Sun",
              cell->text);
    return false;
}

static int read_row(void *context, const struct csv_row *row)
{
    struct holiday_reading *reading = context;
    struct target_loader *loader = reading->loader;
    struct holiday holiday = {0};
    bool good = read_day(&holiday, row);
    good = read_subject(&holiday, loader, row) && good;
    good = cell_name(row, COLUMN_NAME) && good;
    good = cell_bool(&holiday.works, row, COLUMN_WORKS) && good;
    if (!good)
        return 0;
    struct holiday_entry *added = loader_add(loader, &loader->holidays, row);
    if (added == NULL)
        return loader_result(loader);
    holiday.name = loader_text(loader, row, COLUMN_NAME);
    if (!cell_is_empty(row, COLUMN_COUNTRY))
        holiday.country = loader_text(loader, row, COLUMN_COUNTRY);
    *added = (struct holiday_entry){holiday, reading->file, row->line};
    return loader_result(loader);
}

static int compare_subject(const struct holiday *a, const struct holiday *b)
{
    if (a->day != b->day)
        return a->day < b->day ? -1 : 1;
    if (a->facility != b->facility)
        return a->facility < b->facility ? -1 : 1;
    return strcmp(a->country == NULL ? "" : a->country, b->country == NULL ? "" : b->country);
}

static int compare(const void *left, const void *right)
{
    const struct holiday_entry *a = left;
    const struct holiday_entry *b = right;
    int order = compare_subject(&a->row, &b->row);
    if (order == 0)
        order = strcmp(a->file, b->file);
    return order != 0 ? order : a->line - b->line;
}

/* Two holidays may fall on one day; it is off and worked only by mistake. */
static void check(const struct target_loader *loader, const struct holiday_entry *before,
                  const struct holiday_entry *entry)
{
    if (compare_subject(&before->row, &entry->row) != 0 || before->row.works == entry->row.works)
        return;
    char day[16];
    if (is_weekday(&entry->row)) {
        (void)snprintf(day, sizeof(day), "%s", date_weekday_name(entry->row.day - INT32_MIN));
    } else {
        struct date date = civil_date(entry->row.day);
        (void)snprintf(day, sizeof(day), "%d-%02d-%02d", date.year, date.month, date.day);
    }
    faults_error(loader->faults, entry->file, entry->line, 0,
                 "%s is worked and off for the same facility, country or everywhere: %s:%d; "
                 "accepted: one of both",
                 day, before->file, before->line);
}

/* The narrowest rows decide, all of them together. */
static void apply_weekday(struct weekend *weekend, const struct holiday *holiday,
                          enum holiday_of of)
{
    if (of == HOLIDAY_OF_OTHERS || of < weekend->of)
        return;
    if (of > weekend->of)
        *weekend = (struct weekend){.of = (uint8_t)of};
    if (!holiday->works)
        weekend->days_off |= (uint8_t)(1U << (holiday->day - INT32_MIN));
}

/* The first `count` entries are rows of weekdays. */
static int make_weekends(const struct target_loader *loader, const struct holiday_entry *entries,
                         uint32_t count)
{
    const struct registry *registry = loader->registry;
    size_t size = registry->facilities_count * sizeof(struct weekend);
    if (count == 0 || size == 0)
        return 0;
    struct weekend *weekends = arena_alloc(loader->targets->arena, size);
    if (weekends == NULL)
        return -ENOMEM;
    memset(weekends, 0, size);
    for (uint32_t i = 0; i < count; i++) {
        const struct holiday *row = &entries[i].row;
        if (i > 0 && compare_subject(&entries[i - 1].row, row) == 0)
            continue;
        bool one = row->facility != REGISTRY_NONE;
        uint32_t facility = one ? row->facility : 0;
        uint32_t end = one ? facility + 1 : registry->facilities_count;
        for (; facility < end; facility++)
            apply_weekday(&weekends[facility], row, holiday_of(row, registry, facility));
    }
    loader->targets->weekends = weekends;
    return 0;
}

int holidays_load(struct target_loader *loader)
{
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < loader->conf->holidays_count; i++) {
        struct holiday_reading reading = {loader, loader->conf->holidays[i]};
        const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, &reading, NULL};
        err = csv_table_read(reading.file, &schema, loader->faults);
    }
    struct holiday_entry *entries = loader->holidays.items;
    uint32_t count = loader->holidays.count;
    if (err < 0 || count == 0)
        return err;
    qsort(entries, count, sizeof(*entries), compare);
    struct holiday *kept = arena_alloc(loader->targets->arena, count * sizeof(*kept));
    if (kept == NULL)
        return -ENOMEM;
    uint32_t weekdays = 0; /* rows of them; they are the first */
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            check(loader, &entries[i - 1], &entries[i]);
        if (is_weekday(&entries[i].row))
            weekdays++;
        else
            kept[i - weekdays] = entries[i].row;
    }
    loader->targets->holidays = kept;
    loader->targets->holidays_count = count - weekdays;
    return make_weekends(loader, entries, weekdays);
}
