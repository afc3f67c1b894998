/*
 * conversion.h - from a meter's activity to the mass of each gas, exactly, under one factor.
 *
 *     quantity -> (density) -> mass -> (heat content) -> energy -> kg of gas -> CO2e
 *
 * The chain is a fraction until it is a double: kg of gas per canonical unit of activity, which is
 * milligrams per micro-unit. A chain that the factor does not support is refused, never guessed:
 * net energy is not gross energy, and a volume at 15 C is not one at 0 C.
 */
#ifndef GHGD_CONVERSION_H
#define GHGD_CONVERSION_H

#include "config/registry/factors.h"

/* The thing that a meter counts. */
struct activity_unit {
    uint8_t quantity; /* enum quantity */
    uint8_t state;    /* enum state; STATE_NONE: at the state that the factor names */
    uint8_t basis;    /* enum basis */
};

enum fit {
    FIT_RIGHT,
    FIT_STATE_ASSUMED, /* the meter names no state of its gas; the factor's is taken */
    FIT_QUANTITY,      /* from here on misfits: no way from the quantity to the factor's unit */
    FIT_STATE,
    FIT_BASIS,          /* net against gross */
    FIT_BASIS_MISSING,  /* energy of a fuel: net or gross must be said */
    FIT_BASIS_NEEDLESS, /* the factor knows no basis */
    FIT_RANGE,          /* one unit has a mass that no cell can hold */
    FIT_HEAT            /* or an energy */
};

enum fit conversion_fit(const struct factor_row *row, struct activity_unit activity);

/* kg of each gas, and of CO2e under `gwp`, per canonical unit. The fit is FIT_RIGHT or
 * FIT_STATE_ASSUMED. The caller has initialised the masses. */
void conversion_masses(mpq_t masses_out[GAS_COUNT], const struct factor_row *row,
                       struct activity_unit activity, const struct gwp *gwp);
/* GJ of energy per canonical unit: of energy as it is metered, of a fuel by its heat content, on
 * the basis of the factor. 0: not known. `row` is NULL for a meter without a factor. */
double conversion_energy(const struct factor_row *row, struct activity_unit activity);
/* The column of the factor matrix: per micro-unit, in units of rate_decimals(), each rounded once
 * to the nearest double. */
void conversion_factors(double factors_out[RATE_COUNT], const struct factor_row *row,
                        struct activity_unit activity, const struct gwp *gwp);
/* The masses in kg, each rounded once to the nearest double. */
void conversion_rates(double rates_out[GAS_COUNT], const struct factor_row *row,
                      struct activity_unit activity, const struct gwp *gwp);

/* Writes the units that the factor would accept into `text`: "kWh or GJ with basis ncv; kg; L". */
void conversion_accepted(const struct factor_row *row, char *text, size_t size);

#endif
