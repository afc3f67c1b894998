#include "config/registry/conversion.h"

#include <stdio.h>
#include <string.h>

/* A place on the chain: a dimension, and for volumes the state. */
struct node {
    uint8_t dimension, state;
};

static bool node_is(struct node a, struct node b)
{
    return a.dimension == b.dimension && a.state == b.state;
}

/* Crosses a bridge in either direction. Returns 1, 0 if it does not begin here, or ERR_RANGE. */
static int cross(const struct bridge *bridge, struct node *node, struct fraction *ratio)
{
    if (!bridge->known)
        return 0;
    struct node from = {bridge->from, bridge->from_state};
    struct node to = {bridge->to, STATE_NONE};
    int err;
    if (node_is(*node, from)) {
        err = fraction_mul(ratio, *ratio, bridge->ratio);
        *node = to;
    } else if (node_is(*node, to)) {
        err = fraction_div(ratio, *ratio, bridge->ratio);
        *node = from;
    } else {
        return 0;
    }
    return err < 0 ? err : 1;
}

/* The ways that two bridges allow: none, one of them, or both in either order. */
static int find_way(const struct factor_row *row, struct node start, struct fraction *ratio)
{
    const struct bridge *const ways[][2] = {
        {NULL, NULL},
        {&row->heat, NULL},
        {&row->density, NULL},
        {&row->heat, &row->density},
        {&row->density, &row->heat},
    };
    const struct node goal = {row->unit.dimension, row->unit.state};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct node node = start;
        struct fraction product = *ratio;
        int err = 1;
        for (size_t step = 0; step < 2 && err > 0 && ways[i][step] != NULL; step++)
            err = cross(ways[i][step], &node, &product);
        if (err < 0)
            return err;
        if (err > 0 && node_is(node, goal)) {
            *ratio = product;
            return 1;
        }
    }
    return 0;
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

/* Factor units in one canonical unit of the activity. Returns 1, 0 without a way, or ERR_RANGE. */
static int units_per_activity(const struct factor_row *row, struct activity_unit activity,
                              struct fraction *ratio_out)
{
    struct fraction ratio = fraction_from_ratio(quantity_scale(activity.quantity));
    int found = find_way(row, start_of(row, activity), &ratio);
    if (found <= 0)
        return found;
    int err = fraction_div(&ratio, ratio, fraction_from_ratio(row->unit.scale));
    *ratio_out = ratio;
    return err < 0 ? err : 1;
}

static bool other_state_would_do(const struct factor_row *row, struct activity_unit activity)
{
    struct fraction ratio;
    activity.state = (uint8_t)factor_state(row);
    return activity.quantity == QUANTITY_GAS_VOLUME &&
           units_per_activity(row, activity, &ratio) > 0;
}

enum fit conversion_fit(const struct factor_row *row, struct activity_unit activity)
{
    struct fraction ratio;
    int found = units_per_activity(row, activity, &ratio);
    if (found < 0)
        return FIT_RANGE;
    if (found == 0)
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

int conversion_masses(struct fraction masses_out[GAS_COUNT], const struct factor_row *row,
                      struct activity_unit activity, const struct gwp *gwp)
{
    struct fraction units;
    struct fraction masses[GAS_COUNT];
    struct fraction co2e = row->mass[GAS_CO2E];
    int err = units_per_activity(row, activity, &units);
    if (err < 0)
        return err;
    ASSERT(err > 0);
    if (!row->unsplit) {
        struct fraction ch4;
        struct fraction n2o;
        err = fraction_mul(&ch4, row->mass[GAS_CH4], gwp->ch4);
        if (err == 0)
            err = fraction_mul(&n2o, row->mass[GAS_N2O], gwp->n2o);
        if (err == 0)
            err = fraction_add(&co2e, row->mass[GAS_CO2], ch4);
        if (err == 0)
            err = fraction_add(&co2e, co2e, n2o);
    }
    for (int gas = 0; gas < GAS_COUNT && err >= 0; gas++)
        err = fraction_mul(&masses[gas], gas == GAS_CO2E ? co2e : row->mass[gas], units);
    if (err < 0)
        return err;
    memcpy(masses_out, masses, sizeof(masses));
    return 0;
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
