#include "config/registry/factor_choice.h"

#include <string.h>

static bool suggests(const struct csv_row *row)
{
    return row->faults->errors < row->faults->errors_max;
}

static void report_unknown(const struct meter_table *table, const struct csv_row *row)
{
    const char *found = row->cells[METER_FACTOR].text;
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
    default:
        csv_fault(row, METER_UNIT, "\"%s\" (%s) does not fit factor \"%s\"; accepted: %s", unit,
                  quantity_name(parsed->activity.quantity), factor->id, accepted);
    }
}

/* Micro-units of activity and milligrams must both fit a cell. */
static bool is_too_heavy(const struct meter_table *table, const struct factor_row *edition,
                         struct activity_unit activity)
{
    double rates[GAS_COUNT];
    bool heavy = false;
    conversion_rates(rates, edition, activity, &table->factors->gwp);
    for (int gas = 0; gas < GAS_COUNT; gas++)
        heavy = heavy || rates[gas] > (double)CELL_MAX;
    return heavy;
}

static bool fits(struct meter_row *parsed, struct meter_table *table, const struct csv_row *row,
                 const struct factor_row *first)
{
    for (const struct factor_row *edition = first; edition != NULL;
         edition = factors_next(table->factors, edition)) {
        enum fit fit = conversion_fit(edition, parsed->activity);
        if (fit == FIT_STATE_ASSUMED && edition == first && table->states_assumed++ == 0)
            table->state_assumed_line = row->line;
        if (fit <= FIT_STATE_ASSUMED && is_too_heavy(table, edition, parsed->activity))
            fit = FIT_RANGE;
        if (fit > FIT_STATE_ASSUMED) {
            report_misfit(row, parsed, edition, fit);
            return false;
        }
    }
    return true;
}

static bool choose_none(struct meter_row *parsed, const struct csv_row *row)
{
    if (parsed->scope != 0) {
        csv_fault(row, METER_FACTOR,
                  "none, in scope %u; accepted: an id of a factor, or scope 0 for "
                  "activity that is counted outside the scopes",
                  parsed->scope);
        return false;
    }
    parsed->factor = ID_INDEX_NONE;
    parsed->meter.factor_name = "none";
    return true;
}

bool factor_choose(struct meter_row *parsed, struct meter_table *table, const struct csv_row *row)
{
    const char *text = row->cells[METER_FACTOR].text;
    if (strcmp(text, "none") == 0)
        return choose_none(parsed, row);
    const struct factor_row *factor;
    if (text[0] == '\0' || strcmp(text, "auto") == 0) {
        factor = choose_by_place(table, row, parsed);
    } else {
        factor = factors_find(table->factors, text);
        if (factor == NULL)
            report_unknown(table, row);
    }
    if (factor == NULL || !fits(parsed, table, row, factor))
        return false;
    parsed->factor = (uint32_t)(factor - table->factors->rows);
    parsed->meter.factor_name = factor->id;
    return true;
}
