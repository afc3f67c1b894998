/*
 * steam.h - the enthalpy of saturated steam and of feed water, from a table.
 *
 * The table holds values of IAPWS-IF97 to 0.01 kJ/kg. Between them the enthalpy is interpolated
 * linearly, in exact fractions, and then rounded to a whole kJ/kg: every machine has the same, and
 * so has everyone with a pencil. The error is at most 0.75 kJ/kg. Pure. Thread: any.
 */
#ifndef GHGD_STEAM_H
#define GHGD_STEAM_H

#include "config/units/fraction.h"

enum {
    STEAM_PRESSURE_MIN_KPA = 50, /* absolute */
    STEAM_PRESSURE_MAX_KPA = 10000,
    FEED_CELSIUS_MIN = 0,
    FEED_CELSIUS_MAX = 200
};

/* kJ/kg of dry saturated steam at the absolute pressure in Pa. Returns 0, or ERR_RANGE outside the
 * table. */
int steam_enthalpy(int64_t *kj_per_kg_out, mpq_srcptr pressure_pa) MUST_CHECK;
/* kJ/kg of water at the temperature in K and at its own boiling pressure: 1 kJ/kg less than at 15
 * bar. Returns 0, or ERR_RANGE outside the table. */
int feed_enthalpy(int64_t *kj_per_kg_out, mpq_srcptr temperature_k) MUST_CHECK;

#endif
