/*
 * ownership.c - the table of shares of facilities; see target_loader.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/targets/civil.h"
#include "config/targets/target_loader.h"

enum column {
    COLUMN_FACILITY,
    COLUMN_EQUITY,
    COLUMN_CONTROL,
    COLUMN_FROM,
    COLUMN_TO,
    COLUMN_NOTE,
    COLUMN_COUNT
};

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_FACILITY] = {"facility", true},
    [COLUMN_EQUITY] = {"equity", true},
    [COLUMN_CONTROL] = {"control", true},
    [COLUMN_FROM] = {"from", false},
    [COLUMN_TO] = {"to", false},
    [COLUMN_NOTE] = {"note", false},
};

static bool read_day(int32_t *day_out, const struct csv_row *row, size_t column)
{
    struct date date = {0};
    if (!cell_date(&date, row, column))
        return false;
    if (!date_is_open(date))
        *day_out = civil_day(date.year, date.month, date.day);
    return true;
}

static bool read_days(struct ownership *owned, const struct csv_row *row)
{
    owned->from_day = INT32_MIN;
    owned->to_day = INT32_MAX;
    bool good = read_day(&owned->from_day, row, COLUMN_FROM);
    if (!read_day(&owned->to_day, row, COLUMN_TO) || !good)
        return false;
    if (owned->from_day < owned->to_day)
        return true;
    csv_fault(row, COLUMN_TO,
              "\"%s\" is not after from \"%s\"; it is the first day on which the shares no longer "
              "hold",
              row->cells[COLUMN_TO].text, row->cells[COLUMN_FROM].text);
    return false;
}

static int read_row(void *context, const struct csv_row *row)
{
    static const struct exact equity = {PART_DECIMALS, 0, PART_ONE,
                                        "a share from 0 to 1, to 9 decimals, such as 0.72"};
    static const struct exact control = {0, 0, 1, "1, or 0 for a facility without control"};
    struct target_loader *loader = context;
    struct ownership owned = {0};
    int64_t controlled = 0;
    bool good = cell_facility(&owned.facility, loader, row, COLUMN_FACILITY);
    good = cell_id(row, COLUMN_EQUITY) &&
           cell_exact(&owned.share[APPROACH_EQUITY], row, COLUMN_EQUITY, &equity) && good;
    good = cell_id(row, COLUMN_CONTROL) && cell_exact(&controlled, row, COLUMN_CONTROL, &control) &&
           good;
    if (!read_days(&owned, row) || !good)
        return 0;
    owned.share[APPROACH_CONTROL] = controlled * PART_ONE;
    struct ownership_entry *added = loader_add(loader, &loader->ownerships, row);
    if (added != NULL)
        *added = (struct ownership_entry){owned, row->line};
    return loader_result(loader);
}

static int compare(const void *left, const void *right)
{
    const struct ownership_entry *a = left;
    const struct ownership_entry *b = right;
    if (a->row.facility != b->row.facility)
        return a->row.facility < b->row.facility ? -1 : 1;
    if (a->row.from_day != b->row.from_day)
        return a->row.from_day < b->row.from_day ? -1 : 1;
    return a->line - b->line;
}

static void check_overlap(const struct target_loader *loader, const struct ownership_entry *a,
                          const struct ownership_entry *b)
{
    if (a->row.facility != b->row.facility || a->row.to_day <= b->row.from_day)
        return;
    bool later = a->line > b->line;
    faults_error(
        loader->faults, loader->conf->ownership, later ? a->line : b->line, 0,
        "the shares of facility \"%s\" overlap with those of line %d; the later row begins "
        "when the earlier one ends: its from is the other's to",
        loader->registry->facilities[a->row.facility].id, later ? b->line : a->line);
}

int ownership_load(struct target_loader *loader)
{
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, loader, NULL};
    int err = csv_table_read(loader->conf->ownership, &schema, loader->faults);
    struct ownership_entry *entries = loader->ownerships.items;
    uint32_t count = loader->ownerships.count;
    if (err < 0 || count == 0)
        return err;
    qsort(entries, count, sizeof(*entries), compare);
    struct ownership *kept = arena_alloc(loader->targets->arena, count * sizeof(*kept));
    if (kept == NULL)
        return -ENOMEM;
    const struct ownership_entry *last = &entries[0]; /* of those before, the one that ends last */
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            check_overlap(loader, last, &entries[i]);
        if (entries[i].row.facility != last->row.facility ||
            entries[i].row.to_day > last->row.to_day)
            last = &entries[i];
        kept[i] = entries[i].row;
    }
    loader->targets->ownerships = kept;
    loader->targets->ownerships_count = count;
    return 0;
}
