/*
 * units.h - the units that tables and events may use, and their exact ratios.
 *
 * A unit belongs to a dimension. A volume may name the state at which it holds (Nm3: 0 C, 101.325
 * kPa); "m3" names none, and is then at the state that the factor names. Energy of fuels is net or
 * gross (kWh_ncv, kWh_gcv); "kWh" alone leaves that to the column `basis`. A unit over a time (kW,
 * Nm3/h, L/min) is a rate, and its scale is per hour. Pure. Thread: any.
 */
#ifndef GHGD_UNITS_H
#define GHGD_UNITS_H

#include "base/measure.h"
#include "config/units/fraction.h"

enum dimension { DIMENSION_ENERGY, DIMENSION_MASS, DIMENSION_VOLUME, DIMENSION_ITEM };

/* The temperature and pressure at which a volume of gas is stated. */
enum state { STATE_NONE, STATE_0C, STATE_15C, STATE_20C, STATE_68F, STATE_COUNT };

enum basis { BASIS_NONE, BASIS_NCV, BASIS_GCV, BASIS_COUNT };

struct unit {
    const char *name; /* the spelling of the table; of "Nm3/h" it is "Nm3" */
    uint8_t dimension, state, basis;
    bool rate;             /* per hour */
    int quantity;          /* what it measures if nothing else is said; -1: must be said ("m3") */
    struct ratio amount;   /* J, kg, m3 or items in one of it; not always in lowest terms */
    struct ratio per_hour; /* rates: how many of its times are an hour; else 1 */
};

/* Finds a unit, with its suffix of basis and of time. Names are exact: "mW" is not "MW". */
bool unit_find(struct unit *unit_out, const char *text, size_t size);

/* The dimension in which a quantity is counted, and its canonical unit in J, kg, m3 or items. */
enum dimension quantity_dimension(enum quantity quantity);
struct ratio quantity_scale(enum quantity quantity);
/* J, kg, m3 or items in one of the unit, for rates per hour. */
void unit_scale(mpq_t scale_out, const struct unit *unit);
/* The canonical unit of the quantity in one of the unit, `multiplier` times. Returns 0, or
 * ERR_RANGE if that has too many digits for a ratio. */
int unit_ratio(struct ratio *ratio_out, const struct unit *unit, enum quantity quantity,
               struct ratio multiplier) MUST_CHECK;
/* True if amounts of this unit are an amount of the quantity: Nm3 is no volume of a liquid. */
bool unit_fits(const struct unit *unit, enum quantity quantity);

/* The name of every unit in turn, then NULL: for listings and suggestions. */
const char *unit_name_at(size_t index);
/* The other spellings of that unit, separated by spaces. */
const char *unit_aliases_at(size_t index);

const char *state_text(enum state state); /* "0 C and 101.325 kPa" */
const char *basis_text(enum basis basis); /* "ncv", "gcv"; "" for none */

#endif
