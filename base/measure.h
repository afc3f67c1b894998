/*
 * measure.h - the words of metering that every step shares: kinds, qualities, quantities, gases,
 * and the categories of the GHG Protocol.
 *
 * Quantities fix the canonical unit in which activity is held, in whole micro-units.
 */
#ifndef GHGD_MEASURE_H
#define GHGD_MEASURE_H

#include "base/base.h"

/* The meaning of a meter's readings. Belongs to the meter, not to the event. */
enum meter_kind {
    KIND_INTERVAL, /* a quantity over [start, end) */
    KIND_REGISTER, /* a cumulative register at an instant; differences are the activity */
    KIND_GAUGE,    /* power or flow at an instant; integrated by trapezoids */
    KIND_DELIVERY, /* fuel received at an instant, booked whole when it was received */
    KIND_STOCK,    /* a tank or yard: dips, deliveries; the balance between dips is the activity */
    KIND_COUNT
};

/* Two values of one meter, time and rank: which of them stays. */
enum conflict_policy {
    CONFLICT_LAST,  /* the one that stands later in the log */
    CONFLICT_HOLD,  /* the first one; the later is refused */
    CONFLICT_LARGER /* the larger one */
};

/* From the worst to the best, so that a larger number is the better one. */
enum quality { QUALITY_ESTIMATED, QUALITY_INVOICE, QUALITY_EDITED, QUALITY_ACTUAL, QUALITY_COUNT };

/* The part that a reading plays in its journal. */
enum reading_role {
    ROLE_READING,  /* a value of the meter; of a stock: a delivery */
    ROLE_FINAL,    /* registers, exchange: the last state of the old counter, */
    ROLE_INITIAL,  /* and the first of the new one, which follows it in the journal */
    ROLE_DIP,      /* stocks: what is there */
    ROLE_TRANSFER, /* stocks: given out or sold */
    ROLE_CREDIT,   /* stocks: a delivery that is taken back */
    ROLE_MOVED,    /* deliveries: one was here and stands at another time now; 0, so that what was
                      written of its bucket is written again */
    ROLE_DECISION, /* a person's word on a reading: decisions.h */
    ROLE_COUNT
};

/* The value of a decision: whether it drops its reading, and the role of that. */
static inline int64_t decision_pack(bool drops, enum reading_role role)
{
    return (int64_t)role << 1 | drops;
}

static inline bool decision_drops(int64_t value)
{
    return (value & 1) != 0;
}

static inline enum reading_role decision_role(int64_t value)
{
    return (enum reading_role)(value >> 1);
}

/* The dimension of a meter's activity; each has one canonical unit. */
enum quantity {
    QUANTITY_ENERGY,     /* kWh */
    QUANTITY_HEAT,       /* GJ  */
    QUANTITY_MASS,       /* kg  */
    QUANTITY_GAS_VOLUME, /* m3 at the state that the unit names (Nm3, Sm3, ...) */
    QUANTITY_VOLUME,     /* L, of a liquid */
    QUANTITY_ITEM,       /* unit */
    QUANTITY_COUNT
};

/* The gases of factors. */
enum gas {
    GAS_CO2, /* fossil */
    GAS_CH4,
    GAS_N2O,
    GAS_BIOGENIC_CO2, /* outside the scopes, on its own line */
    GAS_CO2E,         /* under the chosen GWP set; rounded by itself, not summed from the gases */
    GAS_COUNT
};

/* The rows of the factor matrix: what a cell's activity is rated by. The gases come first. A factor
 * of 0 is one of no emissions, except in the row of energy: there it is one that is not known. */
enum rate {
    RATE_CO2 = GAS_CO2,
    RATE_CH4 = GAS_CH4,
    RATE_N2O = GAS_N2O,
    RATE_BIOGENIC_CO2 = GAS_BIOGENIC_CO2,
    RATE_CO2E = GAS_CO2E,
    RATE_CO2E_UNSPLIT = GAS_COUNT, /* that of CO2e where it does not tell the gases apart, or 0 */
    RATE_ENERGY,                   /* GJ: energy as it is metered, and the heat content of fuels */
    RATE_COUNT,
    RATE_NONE = RATE_COUNT
};

enum { MICRO = 1000000 };

const char *meter_kind_name(enum meter_kind kind);
const char *quality_name(enum quality quality);
const char *quantity_name(enum quantity quantity);
const char *quantity_unit(enum quantity quantity); /* the canonical unit, as in the tag `unit` */
/* A cell that is rated by the row becomes a whole number of 10^-decimals of the row's unit, kg or
 * GJ. That is milligrams, and kilojoules, which are the micro-units of a meter in GJ; micrograms
 * for trace gases, whose milligrams would mostly be rounded away. */
unsigned rate_decimals(enum rate rate);

/* The parts of a site's balance of electricity: consumption = import + generation - export. */
enum flow { FLOW_NONE, FLOW_IMPORT, FLOW_EXPORT, FLOW_GENERATION, FLOW_COUNT };

/* A category of the GHG Protocol, and what each of its meters is if the table says nothing else. */
struct category {
    const char *name;
    uint8_t scope;
    uint8_t flow;  /* enum flow */
    bool by_place; /* its factor is found by country and grid region, and it is never netted */
    bool unrated;  /* it has no factor of its own: what it emitted is counted elsewhere */
};
enum { CATEGORY_COUNT = 10 };
extern const struct category categories[CATEGORY_COUNT];
/* Returns NULL if the name is none of them. */
const struct category *category_find(const char *name);
/* The flow of meters of this category that count the quantity. Only energy, which counts in kWh, is
 * electricity: generation of heat has no flow. */
enum flow flow_of(const char *category, enum quantity quantity);

/* Finds the word of `size` bytes; returns its number or -1. */
int quality_find(const char *name, size_t size);

#endif
