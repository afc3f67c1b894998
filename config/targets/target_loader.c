#include "config/targets/target_loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *loader_add(struct target_loader *loader, struct grown *rows, const struct csv_row *row)
{
    if (rows->count == rows->count_max) {
        if (!rows->full)
            csv_fault(row, 0, "more than %u rows in tables of this kind", rows->count_max);
        rows->full = true;
        return NULL;
    }
    if (rows->count == rows->capacity) {
        uint32_t capacity = rows->capacity == 0 ? 64 : rows->capacity * 2;
        void *items = realloc(rows->items, capacity * rows->item_size);
        if (items == NULL) {
            loader->failed_memory = true;
            return NULL;
        }
        rows->items = items;
        rows->capacity = capacity;
    }
    void *added = (char *)rows->items + rows->count++ * rows->item_size;
    memset(added, 0, rows->item_size);
    return added;
}

int loader_result(const struct target_loader *loader)
{
    return loader->failed_memory ? -ENOMEM : 0;
}

const char *loader_text(struct target_loader *loader, const struct csv_row *row, size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    const char **kept = &loader->texts[column];
    if (*kept != NULL && strcmp(*kept, cell->text) == 0)
        return *kept;
    *kept = arena_text(loader->targets->arena, cell->text, cell->size);
    loader->failed_memory = loader->failed_memory || *kept == NULL;
    return *kept;
}

bool cell_exact(int64_t *value_out, const struct csv_row *row, size_t column,
                const struct exact *exact)
{
    const struct csv_cell *cell = &row->cells[column];
    if (cell->size == 0)
        return true;
    struct decimal decimal;
    int64_t value = 0;
    int err = decimal_parse(&decimal, cell->text, cell->size);
    if (err == 0)
        err = decimal_whole(&value, decimal, exact->decimals);
    else
        err = ERR_RANGE;
    if (err == ERR_SYNTAX && exact->decimals > 0) {
        csv_fault(row, column, "\"%s\" has more than %d decimals; accepted: %s", cell->text,
                  exact->decimals, exact->accepted);
        return false;
    }
    if (err < 0 || value < exact->min || value > exact->max) {
        csv_fault(row, column, "\"%s\" is not accepted; %s is", cell->text, exact->accepted);
        return false;
    }
    *value_out = value;
    return true;
}

const char *loader_suggest(const struct target_loader *loader, const char *found, uint32_t count,
                           const char *(*get)(const struct target_loader *loader, uint32_t index))
{
    if (loader->faults->errors >= loader->faults->errors_max)
        return NULL;
    const char **words = calloc(count + 1, sizeof(*words));
    if (words == NULL)
        return NULL;
    uint32_t words_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        words[words_count] = get(loader, i);
        words_count += words[words_count] != NULL;
    }
    const char *near = faults_suggest(found, words, words_count);
    free(words);
    return near;
}

static const char *facility_id(const struct target_loader *loader, uint32_t index)
{
    return loader->registry->facilities[index].id;
}

bool cell_facility(uint32_t *facility_out, const struct target_loader *loader,
                   const struct csv_row *row, size_t column)
{
    if (!cell_id(row, column))
        return false;
    const struct registry *registry = loader->registry;
    const struct csv_cell *cell = &row->cells[column];
    *facility_out = registry_find_facility(registry, cell->text, cell->size);
    if (*facility_out != REGISTRY_NONE)
        return true;
    const char *near = loader_suggest(loader, cell->text, registry->facilities_count, facility_id);
    if (near != NULL)
        csv_fault(row, column, "\"%s\" is not a facility; did you mean \"%s\"?", cell->text, near);
    else
        csv_fault(row, column, "\"%s\" is not a facility; accepted: an id of tables.facilities",
                  cell->text);
    return false;
}

static const char *target_id(const struct target_loader *loader, uint32_t index)
{
    return ((const struct target *)loader->rows.items)[index].id;
}

bool cell_target(uint32_t *target_out, const struct target_loader *loader,
                 const struct csv_row *row, size_t column)
{
    if (!cell_id(row, column))
        return false;
    const struct csv_cell *cell = &row->cells[column];
    *target_out = id_index_find(&loader->ids, cell->text, cell->size);
    if (*target_out != ID_INDEX_NONE)
        return true;
    const char *near = loader_suggest(loader, cell->text, loader->rows.count, target_id);
    if (near != NULL)
        csv_fault(row, column, "\"%s\" is not a target; did you mean \"%s\"?", cell->text, near);
    else
        csv_fault(row, column, "\"%s\" is not a target; accepted: an id of tables.targets",
                  cell->text);
    return false;
}
