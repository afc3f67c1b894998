/*
 * The columns of physical conditions: a gas at line conditions becomes a volume at its reference
 * state, and a mass of steam becomes heat. Both are one exact ratio, a part of the meter's scale.
 */
#include <string.h>

#include "config/registry/meter_columns.h"
#include "config/units/conditions.h"
#include "config/units/steam.h"

static const uint8_t gas_columns[] = {METER_LINE_PRESSURE, METER_LINE_TEMPERATURE, METER_LINE_Z,
                                      METER_REFERENCE,     METER_REFERENCE_Z,      METER_CORRECTED};
enum { LINE_COLUMNS = 3 }; /* the first of them describe the line */

/* The first of the columns that is not empty, or METER_COLUMNS. */
static size_t first_given(const struct csv_row *row, const uint8_t *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!cell_is_empty(row, columns[i]))
            return columns[i];
    return METER_COLUMNS;
}

/* Returns whether low <= value <= high, which are fractions as text. */
static bool lies_between(mpq_srcptr value, const char *low, const char *high)
{
    mpq_t bound;
    mpq_init(bound);
    int err = fraction_parse(bound, low, strlen(low));
    bool lies = err == 0 && mpq_cmp(value, bound) >= 0;
    err = fraction_parse(bound, high, strlen(high));
    lies = err == 0 && lies && mpq_cmp(value, bound) <= 0;
    mpq_clear(bound);
    return lies;
}

static const char *text_of(const struct csv_row *row, size_t column)
{
    return row->cells[column].text;
}

/* The air pressure at the meter, in Pa: 0.4 to 1.2 bar are all places where people work. */
static bool read_atmosphere(mpq_t pascal_out, const struct csv_row *row)
{
    enum pressure_kind kind;
    bool read = pressure_parse(pascal_out, &kind, text_of(row, METER_ATMOSPHERE)) == 0 &&
                kind != PRESSURE_GAUGE && lies_between(pascal_out, "40000", "120000");
    if (!read)
        csv_fault(row, METER_ATMOSPHERE,
                  "\"%s\" is not accepted; an absolute pressure from 40 to 120 kPa is, such as "
                  "101.325 kPa",
                  text_of(row, METER_ATMOSPHERE));
    return read;
}

/* Adds the atmosphere to a pressure that needs it. `fallback` is NULL where it has to be said. */
static bool make_absolute(mpq_t pascal, enum pressure_kind kind, const struct csv_row *row,
                          const char *fallback)
{
    bool empty = cell_is_empty(row, METER_ATMOSPHERE);
    if (kind == PRESSURE_ABSOLUTE && !empty) {
        csv_fault(row, METER_ATMOSPHERE,
                  "\"%s\", beside an absolute pressure; accepted: empty, or a pressure above the "
                  "atmosphere, such as 20 kPa(g)",
                  text_of(row, METER_ATMOSPHERE));
        return false;
    }
    if (kind == PRESSURE_ABSOLUTE)
        return true;
    if (empty && fallback == NULL) {
        csv_fault(row, METER_ATMOSPHERE,
                  "empty beside a pressure above the atmosphere; accepted: the air pressure at the "
                  "meter, such as 101.325 kPa");
        return false;
    }
    mpq_t atmosphere;
    mpq_init(atmosphere);
    bool read = empty ? fraction_parse(atmosphere, fallback, strlen(fallback)) == 0
                      : read_atmosphere(atmosphere, row);
    mpq_add(pascal, pascal, atmosphere);
    mpq_clear(atmosphere);
    return read;
}

/* --- gas --- */

static bool read_line_pressure(mpq_t pascal_out, const struct csv_row *row)
{
    enum pressure_kind kind;
    const char *text = text_of(row, METER_LINE_PRESSURE);
    if (pressure_parse(pascal_out, &kind, text) < 0 || kind == PRESSURE_UNSAID) {
        csv_fault(row, METER_LINE_PRESSURE,
                  "\"%s\" is not accepted; a pressure is that says whether it is above the "
                  "atmosphere (g) or absolute (a), such as 20 kPa(g), 1.2 bar(a), 15 psi(g)",
                  text);
        return false;
    }
    if (!make_absolute(pascal_out, kind, row, NULL))
        return false;
    if (lies_between(pascal_out, "1000", "100000000"))
        return true;
    csv_fault(row, METER_LINE_PRESSURE,
              "\"%s\" is not the pressure of a gas line; accepted: 1 kPa to 100 MPa, absolute",
              text);
    return false;
}

static bool read_line_temperature(mpq_t kelvin_out, const struct csv_row *row)
{
    const char *text = text_of(row, METER_LINE_TEMPERATURE);
    if (temperature_parse(kelvin_out, text) == 0 && lies_between(kelvin_out, "173.15", "673.15"))
        return true;
    csv_fault(row, METER_LINE_TEMPERATURE,
              "\"%s\" is not accepted; a temperature from -100 to 400 C is, such as 25 C, 77 F, "
              "298.15 K",
              text);
    return false;
}

/* A compressibility; 1 if the cell is empty. */
static bool read_z(mpq_t z_out, const struct csv_row *row, size_t column)
{
    mpq_set_ui(z_out, 1, 1);
    if (cell_is_empty(row, column))
        return true;
    if (!cell_fraction(z_out, row, column))
        return false;
    if (lies_between(z_out, "0.2", "2"))
        return true;
    csv_fault(row, column, "\"%s\" is not a compressibility; accepted: 0.2 to 2, 1 if empty",
              text_of(row, column));
    return false;
}

/* V_std / V = P / P_std x T_std / T x Z_std / Z. */
static bool read_volume_ratio(mpq_t ratio_out, const struct csv_row *row, enum state state)
{
    mpq_t kelvin;
    mpq_t pascal;
    mpq_t z;
    mpq_inits(kelvin, pascal, z, NULL);
    state_conditions(ratio_out, pascal, state);
    mpq_div(ratio_out, ratio_out, pascal);
    bool read = read_line_pressure(pascal, row) && read_line_temperature(kelvin, row) &&
                read_z(z, row, METER_LINE_Z);
    if (read) {
        mpq_mul(ratio_out, ratio_out, pascal);
        mpq_div(ratio_out, ratio_out, kelvin);
        mpq_div(ratio_out, ratio_out, z);
        read = read_z(z, row, METER_REFERENCE_Z);
        mpq_mul(ratio_out, ratio_out, z);
    }
    mpq_clears(kelvin, pascal, z, NULL);
    return read;
}

/* The state at which the volume counts. */
static bool read_reference(enum state *state_out, const struct csv_row *row,
                           const struct unit *unit)
{
    const struct csv_cell *cell = &row->cells[METER_REFERENCE];
    struct unit reference;
    *state_out = unit->state;
    if (cell->size == 0)
        return true;
    if (cell->size > UNIT_BYTES_MAX || !unit_find(&reference, cell->text, cell->size) ||
        reference.state == STATE_NONE || reference.rate) {
        csv_fault(row, METER_REFERENCE,
                  "\"%s\" names no state; accepted: Nm3 (0 C), Sm3 (15 C), m3_20C (20 C), scf (68 "
                  "F)",
                  cell->text);
        return false;
    }
    if (unit->state != STATE_NONE && unit->state != reference.state) {
        csv_fault(row, METER_REFERENCE, "\"%s\" contradicts the unit \"%s\"", cell->text,
                  text_of(row, METER_UNIT));
        return false;
    }
    *state_out = reference.state;
    return true;
}

/* Returns false for line conditions of a volume that has none any more, or lacks some. */
static bool check_line(const struct csv_row *row, const struct unit *unit, bool corrected)
{
    if (corrected) {
        csv_fault(row, METER_CORRECTED,
                  "yes, so the readings are at the reference state already, and line conditions "
                  "would correct them twice; accepted: no or empty, or empty line_ columns");
        return false;
    }
    if (unit->state != STATE_NONE) {
        csv_fault(row, METER_UNIT,
                  "\"%s\" is a volume at %s already, and line conditions would correct it twice; "
                  "accepted: m3, ft3, ccf, or empty line_ columns",
                  text_of(row, METER_UNIT), state_text(unit->state));
        return false;
    }
    static const struct {
        uint8_t column;
        const char *accepted;
    } needed[] = {
        {METER_LINE_PRESSURE, "a pressure such as 20 kPa(g) or 121.325 kPa(a)"},
        {METER_LINE_TEMPERATURE, "a temperature such as 25 C"},
        {METER_REFERENCE, "the state at which the volume counts, Nm3, Sm3, m3_20C or scf"},
    };
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (!cell_is_empty(row, needed[i].column))
            continue;
        csv_fault(row, needed[i].column,
                  "empty; a volume at line conditions needs it; accepted: %s", needed[i].accepted);
        return false;
    }
    return true;
}

/* Without line conditions a volume is corrected, or its row says nothing of conditions. */
static bool check_no_line(const struct csv_row *row, const struct unit *unit, bool corrected)
{
    bool said = !cell_is_empty(row, METER_CORRECTED);
    if (said && !corrected && unit->state != STATE_NONE) {
        csv_fault(
            row, METER_CORRECTED,
            "no, but the unit \"%s\" is a volume at a reference state; accepted: yes, or empty",
            text_of(row, METER_UNIT));
        return false;
    }
    if (said && !corrected) {
        csv_fault(row, METER_LINE_PRESSURE,
                  "empty; a volume that is not corrected needs line_pressure, line_temperature and "
                  "reference");
        return false;
    }
    if (!cell_is_empty(row, METER_REFERENCE_Z)) {
        csv_fault(row, METER_REFERENCE_Z,
                  "without line conditions nothing is corrected; accepted: empty");
        return false;
    }
    if (!cell_is_empty(row, METER_REFERENCE) && !corrected && unit->state == STATE_NONE) {
        csv_fault(row, METER_CORRECTED,
                  "empty beside a reference; accepted: yes if the readings are at that state, or "
                  "line_pressure and line_temperature");
        return false;
    }
    return true;
}

static bool read_gas(mpq_t ratio_out, struct meter_row *parsed, const struct csv_row *row,
                     const struct unit *unit)
{
    size_t given = first_given(row, gas_columns, ARRAY_LEN(gas_columns));
    if (given == METER_COLUMNS)
        return true;
    if (parsed->meter.quantity != QUANTITY_GAS_VOLUME) {
        csv_fault(
            row, given,
            "only a volume of gas has line conditions and a reference; accepted for %s: empty",
            quantity_name(parsed->meter.quantity));
        return false;
    }
    bool corrected = false;
    enum state state;
    if (!cell_bool(&corrected, row, METER_CORRECTED) || !read_reference(&state, row, unit))
        return false;
    bool line = first_given(row, gas_columns, LINE_COLUMNS) != METER_COLUMNS;
    if (line ? !check_line(row, unit, corrected) : !check_no_line(row, unit, corrected))
        return false;
    parsed->activity.state = (uint8_t)state;
    if (!line) {
        parsed->read.state = (uint8_t)(unit->state == STATE_NONE ? STATE_NONE : state);
        return true;
    }
    return read_volume_ratio(ratio_out, row, state);
}

/* --- steam --- */

/* "saturated 7 bar(g)", or an enthalpy. */
static bool read_steam(mpq_t enthalpy_out, const struct csv_row *row)
{
    static const char word[] = "saturated ";
    const char *text = text_of(row, METER_STEAM);
    if (text[0] == '\0') {
        csv_fault(row, METER_STEAM,
                  "empty beside feedwater; accepted: saturated steam, such as \"saturated 7 "
                  "bar(g)\", or an enthalpy, such as 2964 kJ/kg");
        return false;
    }
    if (strncmp(text, word, strlen(word)) != 0) {
        if (enthalpy_parse(enthalpy_out, text) == 0 && lies_between(enthalpy_out, "100", "5000"))
            return true;
        csv_fault(row, METER_STEAM,
                  "\"%s\" is not accepted; saturated steam is, such as \"saturated 7 bar(g)\", or "
                  "an enthalpy from 100 to 5000 kJ/kg, such as 2964 kJ/kg",
                  text);
        return false;
    }
    enum pressure_kind kind;
    if (pressure_parse(enthalpy_out, &kind, text + strlen(word)) < 0 || kind == PRESSURE_UNSAID) {
        csv_fault(row, METER_STEAM,
                  "\"%s\" is not accepted; a pressure is that says whether it is above the "
                  "atmosphere (g) or absolute (a), such as saturated 7 bar(g)",
                  text);
        return false;
    }
    int64_t enthalpy;
    if (!make_absolute(enthalpy_out, kind, row, "101325"))
        return false;
    if (steam_enthalpy(&enthalpy, enthalpy_out) < 0) {
        csv_fault(row, METER_STEAM,
                  "\"%s\" is outside the table of saturated steam; accepted: %d kPa to %d MPa, "
                  "absolute, or an enthalpy in kJ/kg",
                  text, STEAM_PRESSURE_MIN_KPA, STEAM_PRESSURE_MAX_KPA / 1000);
        return false;
    }
    mpq_set_si(enthalpy_out, enthalpy, 1);
    return true;
}

/* "80 C", or an enthalpy. */
static bool read_feedwater(mpq_t enthalpy_out, const struct csv_row *row)
{
    const char *text = text_of(row, METER_FEEDWATER);
    int64_t enthalpy;
    if (text[0] == '\0') {
        csv_fault(row, METER_FEEDWATER,
                  "empty beside steam; accepted: the temperature of the water from which it was "
                  "made, such as 80 C, or its enthalpy, such as 335 kJ/kg");
        return false;
    }
    if (enthalpy_parse(enthalpy_out, text) == 0 && lies_between(enthalpy_out, "0", "5000"))
        return true;
    if (temperature_parse(enthalpy_out, text) == 0 && feed_enthalpy(&enthalpy, enthalpy_out) == 0) {
        mpq_set_si(enthalpy_out, enthalpy, 1);
        return true;
    }
    csv_fault(row, METER_FEEDWATER,
              "\"%s\" is not accepted; the temperature of the water is from which the steam was "
              "made, from %d to %d C, such as 80 C, or its enthalpy, such as 335 kJ/kg",
              text, FEED_CELSIUS_MIN, FEED_CELSIUS_MAX);
    return false;
}

/* The heat in a kilogram, in canonical units of energy. */
static bool read_heat_ratio(mpq_t ratio_out, const struct meter_row *parsed,
                            const struct csv_row *row)
{
    mpq_t part;
    mpq_init(part);
    bool read = read_steam(ratio_out, row) && read_feedwater(part, row);
    mpq_sub(ratio_out, ratio_out, part);
    if (read && mpq_sgn(ratio_out) <= 0) {
        csv_fault(row, METER_FEEDWATER, "\"%s\" holds as much heat as the steam \"%s\", or more",
                  text_of(row, METER_FEEDWATER), text_of(row, METER_STEAM));
        read = false;
    }
    mpq_set_ui(part, 1000, 1); /* J in a kJ */
    mpq_mul(ratio_out, ratio_out, part);
    fraction_from_ratio(part, quantity_scale(parsed->meter.quantity));
    mpq_div(ratio_out, ratio_out, part);
    mpq_clear(part);
    return read;
}

bool meter_is_steam(const struct csv_row *row)
{
    return !cell_is_empty(row, METER_STEAM) || !cell_is_empty(row, METER_FEEDWATER);
}

int meter_quantity_by_conditions(const struct csv_row *row, const struct unit *unit)
{
    if (meter_is_steam(row))
        return QUANTITY_HEAT;
    bool gas = first_given(row, gas_columns, ARRAY_LEN(gas_columns)) != METER_COLUMNS;
    return unit->quantity < 0 && gas ? QUANTITY_GAS_VOLUME : unit->quantity;
}

bool meter_read_conditions(struct meter_row *parsed, const struct csv_row *row,
                           const struct unit *unit)
{
    mpq_t ratio;
    mpq_init(ratio);
    mpq_set_ui(ratio, 1, 1);
    bool read = read_gas(ratio, parsed, row, unit);
    if (read && meter_is_steam(row)) {
        parsed->read = (struct activity_unit){.quantity = QUANTITY_MASS};
        read = read_heat_ratio(ratio, parsed, row);
    } else if (read && !cell_is_empty(row, METER_ATMOSPHERE) &&
               cell_is_empty(row, METER_LINE_PRESSURE)) {
        csv_fault(row, METER_ATMOSPHERE,
                  "only a pressure above the atmosphere needs it; accepted: empty");
        read = false;
    }
    if (read && fraction_to_ratio(&parsed->conversion, ratio) < 0) {
        csv_fault(row, meter_is_steam(row) ? METER_STEAM : METER_LINE_PRESSURE,
                  "the exact ratio of these conditions has more than 18 digits; fewer decimals in "
                  "them, or pressures in the unit of the reference (kPa; psi for scf) are needed");
        read = false;
    }
    mpq_clear(ratio);
    return read;
}
