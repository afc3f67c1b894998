/*
 * history.c - the table of emissions from before the daemon; see target_loader.h.
 */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/targets/target_loader.h"

enum column {
    COLUMN_FACILITY,
    COLUMN_PERIOD,
    COLUMN_SCOPE,
    COLUMN_KG,
    COLUMN_EVIDENCE,
    COLUMN_NOTE,
    COLUMN_COUNT
};

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_FACILITY] = {"facility", true},  [COLUMN_PERIOD] = {"period", true},
    [COLUMN_SCOPE] = {"scope", true},        [COLUMN_KG] = {"kg", true},
    [COLUMN_EVIDENCE] = {"evidence", false}, [COLUMN_NOTE] = {"note", false},
};

/* A number of `size` digits; -1: it is no number. */
static int digits(const char *text, size_t size)
{
    int number = 0;
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isdigit(text[i]))
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* YYYY or YYYY-MM. */
static bool read_period(struct history_row *history, const struct csv_row *row)
{
    enum { YEAR_SIZE = 4, MONTH_SIZE = 7 };
    const struct csv_cell *cell = &row->cells[COLUMN_PERIOD];
    bool month = cell->size == MONTH_SIZE && cell->text[YEAR_SIZE] == '-';
    int year_number = cell->size == YEAR_SIZE || month ? digits(cell->text, YEAR_SIZE) : -1;
    int month_number = month ? digits(cell->text + YEAR_SIZE + 1, 2) : 0;
    if (year_number < TARGET_YEAR_MIN || year_number > TARGET_YEAR_MAX ||
        (month && (month_number < 1 || month_number > 12))) {
        csv_fault(row, COLUMN_PERIOD,
                  "\"%s\" is not accepted; a calendar year or one of its months is, from %d to %d: "
                  "2019, 2019-07",
                  cell->text, TARGET_YEAR_MIN, TARGET_YEAR_MAX);
        return false;
    }
    history->year = (int16_t)year_number;
    history->month = (uint8_t)month_number;
    return true;
}

static int read_row(void *context, const struct csv_row *row)
{
    static const struct exact kg = {
        6, 0, HISTORY_MG_MAX, "kg CO2e from 0 to 100000000000, to the milligram (6 decimals)"};
    struct target_loader *loader = context;
    struct history_row history = {0};
    int64_t scope = 0;
    bool good = cell_facility(&history.facility, loader, row, COLUMN_FACILITY);
    good = read_period(&history, row) && good;
    good = cell_id(row, COLUMN_SCOPE) && cell_int(&scope, row, COLUMN_SCOPE, 1, 3) && good;
    good = cell_id(row, COLUMN_KG) && cell_exact(&history.mg, row, COLUMN_KG, &kg) && good;
    good = cell_name(row, COLUMN_EVIDENCE) && good;
    good = cell_name(row, COLUMN_NOTE) && good;
    if (!good)
        return 0;
    struct history_entry *added = loader_add(loader, &loader->history, row);
    if (added == NULL)
        return loader_result(loader);
    history.scope = (uint8_t)scope;
    history.note = loader_text(loader, row, COLUMN_NOTE);
    history.evidence = loader_text(loader, row, COLUMN_EVIDENCE);
    *added = (struct history_entry){history, row->line};
    return loader_result(loader);
}

static int compare_year(const struct history_entry *a, const struct history_entry *b)
{
    if (a->row.facility != b->row.facility)
        return a->row.facility < b->row.facility ? -1 : 1;
    if (a->row.scope != b->row.scope)
        return a->row.scope - b->row.scope;
    return a->row.year - b->row.year;
}

static int compare(const void *left, const void *right)
{
    const struct history_entry *a = left;
    const struct history_entry *b = right;
    int order = compare_year(a, b);
    if (order == 0)
        order = a->row.month - b->row.month;
    return order != 0 ? order : a->line - b->line;
}

/* A row of the year comes before those of its months. */
static void check_twice(const struct target_loader *loader, const struct history_entry *before,
                        const struct history_entry *entry)
{
    const char *facility = loader->registry->facilities[entry->row.facility].id;
    bool same = before->row.month == entry->row.month;
    const struct history_entry *later = before->line > entry->line ? before : entry;
    const struct history_entry *first = later == before ? entry : before;
    char month[8] = "";
    if (later->row.month != 0)
        (void)snprintf(month, sizeof(month), "-%02d", later->row.month);
    if (same)
        faults_error(loader->faults, loader->conf->history, later->line, 0,
                     "facility \"%s\" has scope %d of %d%s in line %d already; accepted: one row",
                     facility, later->row.scope, later->row.year, month, first->line);
    else
        faults_error(loader->faults, loader->conf->history, later->line, 0,
                     "facility \"%s\" has scope %d of %d as a year and as months (line %d); "
                     "accepted: either of them",
                     facility, later->row.scope, later->row.year, first->line);
}

static void check(const struct target_loader *loader, const struct history_entry *entries,
                  uint32_t count)
{
    uint32_t year = 0; /* the first entry of this year */
    bool told = false;
    for (uint32_t i = 1; i < count; i++) {
        if (compare_year(&entries[year], &entries[i]) != 0) {
            year = i;
            told = false;
            continue;
        }
        if (entries[i - 1].row.month == entries[i].row.month) {
            check_twice(loader, &entries[i - 1], &entries[i]);
        } else if (entries[year].row.month == 0 && !told) {
            check_twice(loader, &entries[year], &entries[i]);
            told = true; /* once a year is enough */
        }
    }
}

int history_load(struct target_loader *loader)
{
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, loader, NULL};
    int err = csv_table_read(loader->conf->history, &schema, loader->faults);
    struct history_entry *entries = loader->history.items;
    uint32_t count = loader->history.count;
    if (err < 0 || count == 0)
        return err;
    qsort(entries, count, sizeof(*entries), compare);
    check(loader, entries, count);
    struct history_row *kept = arena_alloc(loader->targets->arena, count * sizeof(*kept));
    if (kept == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        kept[i] = entries[i].row;
    loader->targets->history = kept;
    loader->targets->history_count = count;
    return 0;
}
