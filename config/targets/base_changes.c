/*
 * base_changes.c - the ledger of base years: changes of a target's base, with their causes; see
 * target_loader.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/targets/civil.h"
#include "config/targets/target_loader.h"

enum column {
    COLUMN_TARGET,
    COLUMN_DATE,
    COLUMN_CAUSE,
    COLUMN_DELTA_T,
    COLUMN_EVIDENCE,
    COLUMN_RECALC_FROM,
    COLUMN_NOTE,
    COLUMN_COUNT
};

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_TARGET] = {"target", true},      [COLUMN_DATE] = {"date", true},
    [COLUMN_CAUSE] = {"cause", true},        [COLUMN_DELTA_T] = {"delta_t", true},
    [COLUMN_EVIDENCE] = {"evidence", false}, [COLUMN_RECALC_FROM] = {"recalc_from", false},
    [COLUMN_NOTE] = {"note", false},
};

static bool read_day(int32_t *day_out, const struct csv_row *row)
{
    struct date date = {0};
    if (!cell_id(row, COLUMN_DATE) || !cell_date(&date, row, COLUMN_DATE))
        return false;
    *day_out = civil_day(date.year, date.month, date.day);
    return true;
}

/* The checks that depend on the target. */
static bool check_target(const struct target_loader *loader, const struct change_entry *entry,
                         const struct csv_row *row)
{
    if (entry->target == TARGET_FAULTY)
        return false;
    const struct target *target = &((const struct target *)loader->rows.items)[entry->target];
    if (target->form == TARGET_INTENSITY) {
        csv_fault(row, COLUMN_TARGET,
                  "\"%s\" is an intensity, which has no base that changes; accepted: a target in t",
                  target->id);
        return false;
    }
    struct civil_year base = civil_year_named(target->base_year, target->year_start);
    if (entry->row.day >= base.first_day)
        return true;
    csv_fault(row, COLUMN_DATE,
              "\"%s\" lies before the base year %d of \"%s\"; accepted: a day on or after its "
              "first one",
              row->cells[COLUMN_DATE].text, target->base_year, target->id);
    return false;
}

static int read_row(void *context, const struct csv_row *row)
{
    static const struct exact delta = {9, -BASE_MG_MAX, BASE_MG_MAX,
                                       "t CO2e with their sign, to 9 decimals, such as -6000"};
    static const char *const words[] = {"year", "date"};
    struct target_loader *loader = context;
    struct change_entry entry = {.line = row->line};
    int from = 0;
    bool good = cell_target(&entry.target, loader, row, COLUMN_TARGET);
    good = read_day(&entry.row.day, row) && good;
    good = cell_id(row, COLUMN_CAUSE) && good;
    good = cell_id(row, COLUMN_DELTA_T) &&
           cell_exact(&entry.row.delta_mg, row, COLUMN_DELTA_T, &delta) && good;
    good = cell_name(row, COLUMN_EVIDENCE) && good;
    good = cell_choice(&from, row, COLUMN_RECALC_FROM, words, ARRAY_LEN(words)) && good;
    if (!good || !check_target(loader, &entry, row))
        return 0;
    struct change_entry *added = loader_add(loader, &loader->changes, row);
    if (added == NULL)
        return loader_result(loader);
    entry.row.at_once = from == 1;
    entry.row.cause = loader_text(loader, row, COLUMN_CAUSE);
    entry.row.evidence = loader_text(loader, row, COLUMN_EVIDENCE);
    *added = entry;
    return loader_result(loader);
}

static int compare(const void *left, const void *right)
{
    const struct change_entry *a = left;
    const struct change_entry *b = right;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    if (a->row.day != b->row.day)
        return a->row.day < b->row.day ? -1 : 1;
    return a->line - b->line;
}

int base_changes_load(struct target_loader *loader)
{
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, loader, NULL};
    int err = csv_table_read(loader->conf->base_changes, &schema, loader->faults);
    struct change_entry *entries = loader->changes.items;
    uint32_t count = loader->changes.count;
    if (err < 0 || count == 0)
        return err;
    qsort(entries, count, sizeof(*entries), compare);
    struct base_change *kept = arena_alloc(loader->targets->arena, count * sizeof(*kept));
    if (kept == NULL)
        return -ENOMEM;
    loader->changes_kept = kept;
    for (uint32_t i = 0; i < count; i++) {
        struct target *target = &((struct target *)loader->rows.items)[entries[i].target];
        kept[i] = entries[i].row;
        if (target->changes_count == 0)
            target->changes = &kept[i];
        if (++target->changes_count == BASE_CHANGES_MAX + 1)
            faults_error(loader->faults, loader->conf->base_changes, entries[i].line, 0,
                         "more than %d changes of target \"%s\"", BASE_CHANGES_MAX, target->id);
    }
    return 0;
}
