#include "config/registry/conversion.h"

#include <stdio.h>

/* A place on the chain: a dimension, and for volumes the state. */
struct node {
    uint8_t dimension, state;
};

static bool node_is(struct node a, struct node b)
{
    return a.dimension == b.dimension && a.state == b.state;
}

/* Crosses a bridge in either direction. Returns false if it does not begin here. */
static bool cross(const struct bridge *bridge, struct node *node, mpq_t ratio)
{
    if (!bridge->known)
        return false;
    struct node from = {bridge->from, bridge->from_state};
    struct node to = {bridge->to, STATE_NONE};
    if (node_is(*node, from)) {
        mpq_mul(ratio, ratio, bridge->ratio);
        *node = to;
    } else if (node_is(*node, to)) {
        mpq_div(ratio, ratio, bridge->ratio);
        *node = from;
    } else {
        return false;
    }
    return true;
}

/* The ways that two bridges allow: none, one of them, or both in either order. Multiplies `ratio`
 * by those on the way; without a way it is left as it was. */
static bool find_way(const struct factor_row *row, struct node start, struct node goal, mpq_t ratio)
{
    const struct bridge *const ways[][2] = {
        {NULL, NULL},
        {&row->heat, NULL},
        {&row->density, NULL},
        {&row->heat, &row->density},
        {&row->density, &row->heat},
    };
    bool found = false;
    mpq_t product;
    mpq_init(product);
    for (size_t i = 0; !found && i < ARRAY_LEN(ways); i++) {
        struct node node = start;
        bool open = true;
        mpq_set(product, ratio);
        for (size_t step = 0; step < 2 && open && ways[i][step] != NULL; step++)
            open = cross(ways[i][step], &node, product);
        found = open && node_is(node, goal);
    }
    if (found)
        mpq_set(ratio, product);
    mpq_clear(product);
    return found;
}

/* The state at which the factor knows a volume of gas; STATE_NONE if it names none. */
static enum state factor_state(const struct factor_row *row)
{
    if (row->unit.dimension == DIMENSION_VOLUME)
        return row->unit.state;
    if (row->density.known)
        return row->density.from_state;
    return row->heat.known && row->heat.from == DIMENSION_VOLUME ? row->heat.from_state
                                                                 : STATE_NONE;
}

static struct node start_of(const struct factor_row *row, struct activity_unit activity)
{
    struct node node = {(uint8_t)quantity_dimension(activity.quantity), activity.state};
    if (activity.quantity == QUANTITY_GAS_VOLUME && activity.state == STATE_NONE)
        node.state = (uint8_t)factor_state(row);
    return node;
}

/* Factor units in one canonical unit of the activity. Returns false without a way. */
static bool units_per_activity(const struct factor_row *row, struct activity_unit activity,
                               mpq_t units_out)
{
    fraction_from_ratio(units_out, quantity_scale(activity.quantity));
    const struct node goal = {row->unit.dimension, row->unit.state};
    if (!find_way(row, start_of(row, activity), goal, units_out))
        return false;
    mpq_t scale;
    mpq_init(scale);
    unit_scale(scale, &row->unit);
    mpq_div(units_out, units_out, scale);
    mpq_clear(scale);
    return true;
}

static bool has_way(const struct factor_row *row, struct activity_unit activity)
{
    mpq_t units;
    mpq_init(units);
    bool found = units_per_activity(row, activity, units);
    mpq_clear(units);
    return found;
}

static bool other_state_would_do(const struct factor_row *row, struct activity_unit activity)
{
    activity.state = (uint8_t)factor_state(row);
    return activity.quantity == QUANTITY_GAS_VOLUME && has_way(row, activity);
}

enum fit conversion_fit(const struct factor_row *row, struct activity_unit activity)
{
    if (!has_way(row, activity))
        return other_state_would_do(row, activity) ? FIT_STATE : FIT_QUANTITY;
    bool energy = quantity_dimension(activity.quantity) == DIMENSION_ENERGY;
    if (energy && activity.basis != row->basis) {
        if (activity.basis == BASIS_NONE)
            return FIT_BASIS_MISSING;
        return row->basis == BASIS_NONE ? FIT_BASIS_NEEDLESS : FIT_BASIS;
    }
    if (!energy && activity.basis != BASIS_NONE)
        return FIT_BASIS_NEEDLESS;
    bool assumed = activity.quantity == QUANTITY_GAS_VOLUME && activity.state == STATE_NONE &&
                   factor_state(row) != STATE_NONE;
    return assumed ? FIT_STATE_ASSUMED : FIT_RIGHT;
}

/* kg of CO2e in one unit of the factor. */
static void co2e_of(mpq_t co2e_out, const struct factor_row *row, const struct gwp *gwp)
{
    if (row->unsplit) {
        mpq_set(co2e_out, row->mass[GAS_CO2E]);
        return;
    }
    mpq_t part;
    mpq_init(part);
    mpq_mul(part, row->mass[GAS_CH4], gwp->ch4);
    mpq_add(co2e_out, row->mass[GAS_CO2], part);
    mpq_mul(part, row->mass[GAS_N2O], gwp->n2o);
    mpq_add(co2e_out, co2e_out, part);
    mpq_clear(part);
}

void conversion_masses(mpq_t masses_out[GAS_COUNT], const struct factor_row *row,
                       struct activity_unit activity, const struct gwp *gwp)
{
    mpq_t units;
    mpq_init(units);
    bool found = units_per_activity(row, activity, units);
    ASSERT(found);
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_set(masses_out[gas], row->mass[gas]);
    co2e_of(masses_out[GAS_CO2E], row, gwp);
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_mul(masses_out[gas], masses_out[gas], units);
    mpq_clear(units);
}

double conversion_energy(const struct factor_row *row, struct activity_unit activity)
{
    const struct node goal = {DIMENSION_ENERGY, STATE_NONE};
    double energy_gj = 0;
    mpq_t joules;
    mpq_t giga;
    mpq_inits(joules, giga, NULL);
    mpq_set_ui(giga, 1000000000, 1);
    fraction_from_ratio(joules, quantity_scale(activity.quantity));
    bool found = quantity_dimension(activity.quantity) == DIMENSION_ENERGY;
    if (!found && row != NULL)
        found = find_way(row, start_of(row, activity), goal, joules);
    mpq_div(joules, joules, giga);
    if (found)
        energy_gj = fraction_to_double(joules);
    mpq_clears(joules, giga, NULL);
    return energy_gj;
}

void conversion_rates(double rates_out[GAS_COUNT], const struct factor_row *row,
                      struct activity_unit activity, const struct gwp *gwp)
{
    mpq_t masses[GAS_COUNT];
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_init(masses[gas]);
    conversion_masses(masses, row, activity, gwp);
    for (int gas = 0; gas < GAS_COUNT; gas++) {
        rates_out[gas] = fraction_to_double(masses[gas]);
        mpq_clear(masses[gas]);
    }
}

/* kg per unit are mg per micro-unit. Micrograms are a thousand times more. */
void conversion_factors(double factors_out[RATE_COUNT], const struct factor_row *row,
                        struct activity_unit activity, const struct gwp *gwp)
{
    mpq_t masses[GAS_COUNT];
    mpq_t finer;
    mpq_init(finer);
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_init(masses[gas]);
    conversion_masses(masses, row, activity, gwp);
    for (int gas = 0; gas < GAS_COUNT; gas++) {
        mpq_set_ui(finer, rate_decimals((enum rate)gas) == 9 ? 1000 : 1, 1);
        mpq_mul(masses[gas], masses[gas], finer);
        factors_out[gas] = fraction_to_double(masses[gas]);
        mpq_clear(masses[gas]);
    }
    mpq_clear(finer);
    factors_out[RATE_CO2E_UNSPLIT] = row->unsplit ? factors_out[RATE_CO2E] : 0;
    factors_out[RATE_ENERGY] =
        conversion_energy(row, activity); /* GJ per unit: kJ per micro-unit */
}

void conversion_accepted(const struct factor_row *row, char *text, size_t size)
{
    static const char *const volumes[STATE_COUNT] = {
        [STATE_NONE] = "m3",
        [STATE_0C] = "Nm3 (0 C, or m3 taken as such)",
        [STATE_15C] = "Sm3 (15 C, or m3 taken as such)",
        [STATE_20C] = "m3_20C (20 C, or m3 taken as such)",
        [STATE_68F] = "scf (68 F)",
    };
    char energy[48];
    (void)snprintf(energy, sizeof(energy), "%s%s",
                   row->basis == BASIS_NONE ? "kWh or GJ" : "kWh or GJ with basis ",
                   basis_text(row->basis));
    const struct {
        struct activity_unit activity;
        const char *words;
    } tries[] = {
        {{QUANTITY_ENERGY, STATE_NONE, row->basis}, energy},
        {{QUANTITY_MASS, STATE_NONE, BASIS_NONE}, "kg"},
        {{QUANTITY_GAS_VOLUME, STATE_NONE, BASIS_NONE}, volumes[factor_state(row)]},
        {{QUANTITY_VOLUME, STATE_NONE, BASIS_NONE}, "L"},
        {{QUANTITY_ITEM, STATE_NONE, BASIS_NONE}, "unit"},
    };
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(tries) && used < size; i++) {
        bool liquid_twice = i == 2 && factor_state(row) == STATE_NONE && row->density.known;
        if (conversion_fit(row, tries[i].activity) > FIT_STATE_ASSUMED || liquid_twice)
            continue;
        int n = snprintf(text + used, size - used, "%s%s", used == 0 ? "" : "; ", tries[i].words);
        used += n > 0 ? (size_t)n : 0;
    }
}
