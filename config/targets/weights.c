/*
 * weights.c - the table of given weights: twelve months of a target; see target_loader.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/durations.h"
#include "config/targets/target_loader.h"

enum { MONTHS = 12, MONTH_FAULTY = 0 /* comes first */ };
enum column { COLUMN_TARGET, COLUMN_MONTH, COLUMN_WEIGHT, COLUMN_NOTE, COLUMN_COUNT };

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_TARGET] = {"target", true},
    [COLUMN_MONTH] = {"month", true},
    [COLUMN_WEIGHT] = {"weight", true},
    [COLUMN_NOTE] = {"note", false},
};

static int read_row(void *context, const struct csv_row *row)
{
    static const struct exact weight = {PART_DECIMALS, 0, PART_ONE,
                                        "a weight from 0 to 1, to 9 decimals"};
    struct target_loader *loader = context;
    struct weight_entry entry = {.target = TARGET_FAULTY, .line = row->line};
    int64_t month = 0;
    bool good = cell_target(&entry.target, loader, row, COLUMN_TARGET);
    good = cell_id(row, COLUMN_MONTH) && cell_int(&month, row, COLUMN_MONTH, 1, MONTHS) && good;
    good = cell_id(row, COLUMN_WEIGHT) && cell_exact(&entry.weight, row, COLUMN_WEIGHT, &weight) &&
           good;
    entry.month = (int)month;
    if (entry.target >= loader->rows.count)
        return 0;
    const struct target *target = &((const struct target *)loader->rows.items)[entry.target];
    if (target->form == TARGET_INTENSITY) {
        csv_fault(
            row, COLUMN_TARGET,
            "\"%s\" is an intensity, whose budget follows production; accepted: a target in t",
            target->id);
        return 0;
    }
    if (!good)
        entry.month = MONTH_FAULTY; /* the sum would be wrong for this row alone */
    struct weight_entry *added = loader_add(loader, &loader->weights, row);
    if (added != NULL)
        *added = entry;
    return loader_result(loader);
}

static int compare(const void *left, const void *right)
{
    const struct weight_entry *a = left;
    const struct weight_entry *b = right;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    return a->month != b->month ? a->month - b->month : a->line - b->line;
}

/* The rows of one target, by month. False: they were faulty. */
static bool check(const struct target_loader *loader, const struct target *target,
                  const struct weight_entry *entries, uint32_t count)
{
    if (entries[0].month == MONTH_FAULTY)
        return false;
    int64_t sum = 0;
    uint32_t month = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && entries[i].month == entries[i - 1].month) {
            faults_error(loader->faults, loader->conf->weights, entries[i].line, 0,
                         "month %d of target \"%s\" stands in line %d already; accepted: each "
                         "month once",
                         entries[i].month, target->id, entries[i - 1].line);
            return false;
        }
        if (entries[i].month == (int)month + 1)
            month++;
        sum += entries[i].weight;
    }
    if (month < MONTHS) {
        faults_error(loader->faults, loader->conf->weights, entries[0].line, 0,
                     "the weights of target \"%s\" lack month %u; all twelve are needed",
                     target->id, month + 1);
        return false;
    }
    if (sum == PART_ONE)
        return true;
    struct buffer text;
    buffer_init(&text, 64);
    share_print(&text, sum);
    faults_error(loader->faults, loader->conf->weights, entries[0].line, 0,
                 "the weights of target \"%s\" sum to %s; they must sum to 1 exactly", target->id,
                 buffer_text(&text) == NULL ? "another number" : buffer_text(&text));
    buffer_fini(&text);
    return false;
}

int weights_load(struct target_loader *loader)
{
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, loader, NULL};
    int err = csv_table_read(loader->conf->weights, &schema, loader->faults);
    struct weight_entry *entries = loader->weights.items;
    uint32_t count = loader->weights.count;
    if (err < 0 || count == 0)
        return err;
    qsort(entries, count, sizeof(*entries), compare);
    uint32_t next;
    for (uint32_t first = 0; first < count; first = next) {
        next = first + 1;
        while (next < count && entries[next].target == entries[first].target)
            next++;
        struct target *target = &((struct target *)loader->rows.items)[entries[first].target];
        if (!check(loader, target, &entries[first], next - first))
            continue;
        int64_t *weights = arena_alloc(loader->targets->arena, MONTHS * sizeof(*weights));
        if (weights == NULL)
            return -ENOMEM;
        for (int i = 0; i < MONTHS; i++)
            weights[i] = entries[first + (uint32_t)(target->year_start - 1 + i) % MONTHS].weight;
        target->weights = weights;
    }
    return 0;
}
