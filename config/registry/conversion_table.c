#include "config/registry/conversion_table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"

int conversion_table_init(struct conversion_table *table, const struct factor_table *factors)
{
    *table = (struct conversion_table){.factors = factors};
    table->first = malloc((factors->count + 1) * sizeof(*table->first));
    if (table->first == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i <= factors->count; i++)
        table->first[i] = ID_INDEX_NONE;
    return 0;
}

void conversion_table_fini(struct conversion_table *table)
{
    free(table->first);
    free(table->rows);
    *table = (struct conversion_table){0};
}

static bool alike(struct activity_unit a, struct activity_unit b)
{
    return a.quantity == b.quantity && a.state == b.state && a.basis == b.basis;
}

static uint32_t *first_of(const struct conversion_table *table, const struct factor_row *edition)
{
    size_t at = edition == NULL ? table->factors->count : (size_t)(edition - table->factors->rows);
    ASSERT(at <= table->factors->count);
    return &table->first[at];
}

const struct conversion *conversion_table_find(const struct conversion_table *table,
                                               const struct factor_row *edition,
                                               struct activity_unit activity)
{
    uint32_t at = *first_of(table, edition);
    while (at != ID_INDEX_NONE && !alike(table->rows[at].activity, activity))
        at = table->rows[at].next;
    return at == ID_INDEX_NONE ? NULL : &table->rows[at];
}

/* Micro-units of activity, milligrams and kilojoules must all fit a cell. */
static enum fit find_range(const struct conversion *conversion)
{
    for (int gas = 0; gas < GAS_COUNT; gas++)
        if (conversion->kg[gas] > (double)CELL_MAX)
            return FIT_RANGE;
    return conversion->factors[RATE_ENERGY] > (double)CELL_MAX ? FIT_HEAT : conversion->fit;
}

static void work_out(struct conversion *conversion, const struct factor_row *edition,
                     const struct gwp *gwp)
{
    struct activity_unit activity = conversion->activity;
    if (edition == NULL) {
        conversion->factors[RATE_ENERGY] = conversion_energy(NULL, activity);
        return;
    }
    conversion->fit = conversion_fit(edition, activity);
    if (conversion->fit > FIT_STATE_ASSUMED)
        return;
    conversion_rates(conversion->kg, edition, activity, gwp);
    conversion_factors(conversion->factors, edition, activity, gwp);
    conversion->fit = find_range(conversion);
}

static int make_room(struct conversion_table *table)
{
    if (table->count < table->capacity)
        return 0;
    uint32_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
    struct conversion *rows = realloc(table->rows, capacity * sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    table->rows = rows;
    table->capacity = capacity;
    return 0;
}

int conversion_table_add(struct conversion_table *table, const struct factor_row *edition,
                         struct activity_unit activity, const struct conversion **conversion_out)
{
    *conversion_out = conversion_table_find(table, edition, activity);
    if (*conversion_out != NULL)
        return 0;
    int err = make_room(table);
    if (err < 0)
        return err;
    uint32_t *first = first_of(table, edition);
    struct conversion *added = &table->rows[table->count];
    *added = (struct conversion){.activity = activity, .next = *first};
    work_out(added, edition, &table->factors->gwp);
    *first = table->count++;
    *conversion_out = added;
    return 0;
}
