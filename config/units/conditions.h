/*
 * conditions.h - pressures and temperatures as tables state them, and what they do to a volume.
 *
 * Exact fractions: 25 C are 298.15 K, and 1 psi is the weight of a pound on a square inch, exactly.
 * Pure. Thread: any. The caller has initialised every fraction.
 */
#ifndef GHGD_CONDITIONS_H
#define GHGD_CONDITIONS_H

#include "config/units/units.h"

/* "20 kPa(g)", "1.2 bar(a)", "101.325 kPa": Pa, and whether it is above the atmosphere (g),
 * absolute (a), or does not say. Units: Pa, kPa, MPa, mbar, bar, psi. Returns 0 or ERR_SYNTAX. */
enum pressure_kind { PRESSURE_UNSAID, PRESSURE_GAUGE, PRESSURE_ABSOLUTE };
int pressure_parse(mpq_t pascal_out, enum pressure_kind *kind_out, const char *text) MUST_CHECK;
/* "25 C", "-4 C", "77 F", "298.15 K": K. Returns 0 or ERR_SYNTAX. */
int temperature_parse(mpq_t kelvin_out, const char *text) MUST_CHECK;
/* "2768.4 kJ/kg". Returns 0 or ERR_SYNTAX. */
int enthalpy_parse(mpq_t kj_per_kg_out, const char *text) MUST_CHECK;

/* The temperature in K and the absolute pressure in Pa of a state that is not STATE_NONE. */
void state_conditions(mpq_t kelvin_out, mpq_t pascal_out, enum state state);

#endif
