#include "config/registry/meter_factors.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool suggests(const struct csv_row *row)
{
    return row->faults->errors < row->faults->errors_max;
}

static void report_unknown(const struct meter_table *table, const struct csv_row *row)
{
    const char *found = row->cells[METER_FACTOR].text;
    if (csv_is_refused(&table->factors->refused, found))
        return;
    const char *near = suggests(row) ? factors_suggest(table->factors, found) : NULL;
    if (near != NULL)
        csv_fault(row, METER_FACTOR, "there is no factor \"%s\"; did you mean \"%s\"?", found,
                  near);
    else
        csv_fault(row, METER_FACTOR,
                  "there is no factor \"%s\"; accepted: an id of the catalogue or of your factor "
                  "tables, auto for purchased electricity, none for activity outside the scopes",
                  found);
}

static void report_no_region(const struct meter_table *table, const struct csv_row *row,
                             const struct facility *facility)
{
    const char *near = suggests(row) ? factors_suggest_region(table->factors, facility->country,
                                                              facility->grid_region)
                                     : NULL;
    if (near != NULL)
        csv_fault(row, METER_FACTOR,
                  "no grid factor for the region \"%s\" of facility \"%s\"; did you mean \"%s\"?",
                  facility->grid_region, facility->id, near);
    else
        csv_fault(
            row, METER_FACTOR,
            "no grid factor for the region \"%s\" of facility \"%s\"; accepted: a region of "
            "%s in the catalogue, an empty grid_region for the national factor, or an id of a "
            "factor here",
            facility->grid_region, facility->id, facility->country);
}

/* Once per facility: a country without a factor has many meters. */
static void report_no_grid(struct meter_table *table, const struct csv_row *row,
                           const struct meter_row *parsed)
{
    const struct facility *facility = &table->facilities->rows[parsed->meter.facility];
    if (table->grid_reported[parsed->meter.facility]++ != 0) {
        row->faults->errors++;
        return;
    }
    if (facility->country[0] == '\0')
        csv_fault(row, METER_FACTOR,
                  "facility \"%s\" names no country, by which the factor of its electricity is "
                  "found; accepted: a country there, or an id of a factor here",
                  facility->id);
    else if (facility->grid_region[0] != '\0' &&
             factors_find_grid(table->factors, facility->country, "") != NULL)
        report_no_region(table, row, facility);
    else
        csv_fault(row, METER_FACTOR,
                  "no grid factor for the country \"%s\" of facility \"%s\"; accepted: an ISO 3166 "
                  "code that the catalogue has, or an id of a factor here",
                  facility->country, facility->id);
}

static const struct factor_row *choose_by_place(struct meter_table *table,
                                                const struct csv_row *row,
                                                const struct meter_row *parsed)
{
    const struct category *category = category_find(parsed->category);
    if (category == NULL || !category->by_place) {
        csv_fault(row, METER_FACTOR,
                  "empty; only purchased electricity finds its factor by place; accepted: an id of "
                  "a factor, or none for activity outside the scopes");
        return NULL;
    }
    const struct facility *facility = &table->facilities->rows[parsed->meter.facility];
    const struct factor_row *factor = NULL;
    if (facility->country[0] != '\0')
        factor = factors_find_grid(table->factors, facility->country, facility->grid_region);
    if (factor == NULL)
        report_no_grid(table, row, parsed);
    return factor;
}

static void report_misfit(const struct csv_row *row, const struct meter_row *parsed,
                          const struct factor_row *factor, enum fit fit)
{
    char accepted[256];
    conversion_accepted(factor, accepted, sizeof(accepted));
    const char *unit = row->cells[METER_UNIT].text;
    switch (fit) {
    case FIT_STATE:
        csv_fault(row, METER_UNIT,
                  "\"%s\" is a volume at %s, which does not fit factor \"%s\"; "
                  "accepted: %s",
                  unit, state_text(parsed->activity.state), factor->id, accepted);
        break;
    case FIT_BASIS_MISSING:
        csv_fault(row, METER_BASIS,
                  "empty; energy of a fuel is net (ncv) or gross (gcv), and factor "
                  "\"%s\" is for %s; accepted: %s",
                  factor->id, basis_text(factor->basis), accepted);
        break;
    case FIT_BASIS:
        csv_fault(row, METER_BASIS, "%s does not fit factor \"%s\", which is for %s; accepted: %s",
                  basis_text(parsed->activity.basis), factor->id, basis_text(factor->basis),
                  accepted);
        break;
    case FIT_BASIS_NEEDLESS:
        csv_fault(row, METER_BASIS,
                  "%s, but with factor \"%s\" and unit \"%s\" there is nothing "
                  "net or gross; accepted: empty",
                  basis_text(parsed->activity.basis), factor->id, unit);
        break;
    case FIT_RANGE:
        csv_fault(row, METER_FACTOR,
                  "by factor \"%s\" one %s has a mass of more than %lld kg, more than can be "
                  "counted exactly; the factor, its unit or its heat content is wrong",
                  factor->id, quantity_unit(parsed->activity.quantity), (long long)CELL_MAX);
        break;
    case FIT_HEAT:
        csv_fault(row, METER_FACTOR,
                  "by factor \"%s\" one %s has an energy of more than %lld GJ, more than can be "
                  "counted exactly; the heat content or the density of the factor is wrong",
                  factor->id, quantity_unit(parsed->activity.quantity), (long long)CELL_MAX);
        break;
    default:
        csv_fault(row, METER_UNIT, "\"%s\" (%s) does not fit factor \"%s\"; accepted: %s", unit,
                  quantity_name(parsed->activity.quantity), factor->id, accepted);
    }
}

/* Works out the conversion of each edition. */
static int fit_editions(struct meter_row *parsed, struct meter_table *table,
                        const struct csv_row *row, const struct factor_row *first)
{
    for (const struct factor_row *edition = first; edition != NULL;
         edition = factors_next(table->factors, edition)) {
        const struct conversion *conversion;
        int err = conversion_table_add(&table->conversions, edition, parsed->activity, &conversion);
        if (err < 0)
            return err;
        if (conversion->fit > FIT_STATE_ASSUMED) {
            report_misfit(row, parsed, edition, conversion->fit);
            return ERR_CONFIG;
        }
        if (conversion->fit == FIT_STATE_ASSUMED && edition == first &&
            table->states_assumed++ == 0)
            table->state_assumed_line = row->line;
    }
    return 0;
}

static int choose_none(struct meter_row *parsed, struct meter_table *table,
                       const struct csv_row *row)
{
    if (parsed->scope != 0) {
        csv_fault(row, METER_FACTOR,
                  "none, in scope %u; accepted: an id of a factor, or scope 0 for "
                  "activity that is counted outside the scopes",
                  parsed->scope);
        return ERR_CONFIG;
    }
    const struct conversion *conversion;
    parsed->factor = ID_INDEX_NONE;
    parsed->meter.factor_name = "none";
    return conversion_table_add(&table->conversions, NULL, parsed->activity, &conversion);
}

int factor_choose(struct meter_row *parsed, struct meter_table *table, const struct csv_row *row)
{
    const char *text = row->cells[METER_FACTOR].text;
    const struct category *category = category_find(parsed->category);
    bool unrated = category != NULL && category->unrated;
    if (strcmp(text, "none") == 0 || (unrated && text[0] == '\0'))
        return choose_none(parsed, table, row);
    if (unrated) {
        csv_fault(row, METER_FACTOR,
                  "\"%s\", but %s has no factor: its generation is rated by the fuel, and what it "
                  "spares others is in no scope; accepted: none, or empty",
                  text, parsed->category);
        return ERR_CONFIG;
    }
    const struct factor_row *factor;
    if (text[0] == '\0' || strcmp(text, "auto") == 0) {
        factor = choose_by_place(table, row, parsed);
    } else {
        factor = factors_find(table->factors, text);
        if (factor == NULL)
            report_unknown(table, row);
    }
    if (factor == NULL)
        return ERR_CONFIG;
    int err = fit_editions(parsed, table, row, factor);
    if (err < 0)
        return err;
    parsed->factor = (uint32_t)(factor - table->factors->rows);
    parsed->meter.factor_name = factor->id;
    return 0;
}

struct builder {
    struct registry *registry;
    const struct meter_table *meters;
    const uint32_t *order;
    uint32_t capacity;
};

static const struct meter_row *row_of(const struct builder *builder, uint32_t column)
{
    return &builder->meters->rows[builder->order[column]];
}

static int date_start(const struct builder *builder, const struct facility *facility,
                      struct date date, int64_t *ms_out)
{
    const struct zone_table *zones = &builder->meters->facilities->zones;
    return zones_date_start(zones, facility->zone, date, ms_out);
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static uint32_t sort_unique(int64_t *times, uint32_t count)
{
    qsort(times, count, sizeof(*times), compare_times);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || times[kept - 1] != times[i])
            times[kept++] = times[i];
    return kept;
}

/* Where eras begin, sorted, the first at INT64_MIN. Returns their number, ERR_FULL, or -EINVAL. */
static int find_starts(const struct builder *builder, const struct facility *facility,
                       int64_t starts[FACTOR_VERSIONS_MAX])
{
    uint32_t count = 0;
    uint32_t last = ID_INDEX_NONE;
    const struct factor_table *factors = builder->meters->factors;
    starts[count++] = INT64_MIN;
    for (uint32_t i = 0; i < facility->meters_count; i++) {
        uint32_t factor = row_of(builder, facility->meters_first + i)->factor;
        if (factor == ID_INDEX_NONE || factor == last)
            continue;
        last = factor;
        for (uint32_t at = factors->rows[factor].next; at != ID_INDEX_NONE;
             at = factors->rows[at].next) {
            if (count == FACTOR_VERSIONS_MAX)
                count = sort_unique(starts, count);
            if (count == FACTOR_VERSIONS_MAX)
                return ERR_FULL;
            int err = date_start(builder, facility, factors->rows[at].valid_from, &starts[count]);
            if (err < 0)
                return err;
            count++;
        }
    }
    return (int)sort_unique(starts, count);
}

/* The edition in force from `from_ms` on. */
static const struct factor_row *edition_at(const struct builder *builder,
                                           const struct facility *facility, uint32_t first,
                                           int64_t from_ms)
{
    const struct factor_table *factors = builder->meters->factors;
    const struct factor_row *edition = &factors->rows[first];
    const struct factor_row *next;
    while ((next = factors_next(factors, edition)) != NULL) {
        int64_t start_ms = INT64_MAX;
        int err = date_start(builder, facility, next->valid_from, &start_ms);
        ASSERT(err == 0); /* find_starts() asked for the same date */
        if (start_ms > from_ms)
            break;
        edition = next;
    }
    return edition;
}

struct rated {
    const struct meter_row *row;
    const struct conversion *conversion;
    uint32_t factor_id;
};

static bool rates_alike(const struct meter_row *a, const struct meter_row *b)
{
    return a->factor == b->factor && a->activity.quantity == b->activity.quantity &&
           a->activity.state == b->activity.state && a->activity.basis == b->activity.basis;
}

static void rate(const struct builder *builder, const struct facility *facility,
                 const struct meter_row *row, int64_t from_ms, struct rated *rated)
{
    if (rated->row != NULL && rates_alike(rated->row, row))
        return;
    const struct factor_row *edition =
        row->factor == ID_INDEX_NONE ? NULL : edition_at(builder, facility, row->factor, from_ms);
    rated->row = row;
    rated->conversion =
        conversion_table_find(&builder->meters->conversions, edition, row->activity);
    rated->factor_id = edition == NULL ? REGISTRY_NONE : edition->text;
    ASSERT(rated->conversion != NULL); /* factor_choose() added those of all editions */
}

/* Lowers what a cell may hold so that none of its masses reaches CELL_MAX milligrams, nor its
 * energy as many kilojoules. */
static void bound_cell(struct meter *meter, const struct rated *rated)
{
    double most = fmax(1, rated->conversion->factors[RATE_ENERGY]);
    for (int gas = 0; gas < GAS_COUNT; gas++)
        most = fmax(most, rated->conversion->kg[gas]);
    int64_t limit = (int64_t)floor((double)CELL_MAX / most);
    if (limit < meter->cell_max)
        meter->cell_max = limit;
}

static int fill_era(struct builder *builder, const struct facility *facility,
                    struct factor_era *era)
{
    struct registry *registry = builder->registry;
    size_t count = facility->meters_count;
    double *factor = arena_alloc(registry->arena, count * RATE_COUNT * sizeof(*factor) + 1);
    uint32_t *factor_id = arena_alloc(registry->arena, count * sizeof(*factor_id) + 1);
    if (factor == NULL || factor_id == NULL)
        return -ENOMEM;
    struct rated rated = {.row = NULL};
    for (size_t i = 0; i < count; i++) {
        uint32_t column = facility->meters_first + (uint32_t)i;
        rate(builder, facility, row_of(builder, column), era->from_ms, &rated);
        for (size_t at = 0; at < RATE_COUNT; at++)
            factor[at * count + i] = rated.conversion->factors[at];
        factor_id[i] = rated.factor_id;
        bound_cell(&registry->meters[column], &rated);
    }
    era->factor = factor;
    era->factor_id = factor_id;
    return 0;
}

static int make_room(struct builder *builder, uint32_t more)
{
    struct registry *registry = builder->registry;
    if (registry->eras_count + more <= builder->capacity)
        return 0;
    uint32_t capacity = builder->capacity * 2 + more;
    struct factor_era *eras = arena_alloc(registry->arena, capacity * sizeof(*eras));
    if (eras == NULL)
        return -ENOMEM;
    if (registry->eras_count > 0)
        memcpy(eras, registry->eras, registry->eras_count * sizeof(*eras));
    registry->eras = eras;
    builder->capacity = capacity;
    return 0;
}

int eras_build(struct registry *registry, const struct meter_table *meters, const uint32_t *order,
               struct faults *faults)
{
    struct builder builder = {.registry = registry, .meters = meters, .order = order};
    int err = make_room(&builder, registry->facilities_count + 1);
    for (uint32_t i = 0; i < registry->meters_count; i++)
        registry->meters[i].cell_max = CELL_MAX;
    for (uint32_t i = 0; err == 0 && i < registry->facilities_count; i++) {
        struct facility *facility = &registry->facilities[i];
        int64_t starts[FACTOR_VERSIONS_MAX];
        int count = find_starts(&builder, facility, starts);
        if (count < 0) {
            faults_error(faults, meters->facilities->conf->facilities, 0, 0,
                         "the factors of facility \"%s\" change on more than %d dates",
                         facility->id, FACTOR_VERSIONS_MAX - 1);
            return 0;
        }
        err = make_room(&builder, (uint32_t)count);
        facility->eras_first = registry->eras_count;
        facility->eras_count = (uint32_t)count;
        for (int at = 0; err == 0 && at < count; at++) {
            struct factor_era *era = &registry->eras[registry->eras_count++];
            era->from_ms = starts[at];
            err = fill_era(&builder, facility, era);
        }
    }
    return err;
}
