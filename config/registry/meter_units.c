/* The columns of units, the digits of a register, and bounds. */
#include <stdio.h>
#include <string.h>

#include "config/registry/meter_columns.h"

enum { DIGITS_MAX = 18 };

/* Some units of the quantity, for a fault: "kWh, MWh, GJ"; as rates "W, kW" or "kg/h, t/h". */
static void list_units(char *text, size_t size, enum quantity quantity, bool rate)
{
    enum { LISTED_MAX = 8 };
    bool power = rate && quantity_dimension(quantity) == DIMENSION_ENERGY;
    size_t used = 0;
    size_t listed = 0;
    const char *name;
    text[0] = '\0';
    for (size_t i = 0; (name = unit_name_at(i)) != NULL && listed < LISTED_MAX; i++) {
        struct unit unit;
        if (!unit_find(&unit, name, strlen(name)) || !unit_fits(&unit, quantity) ||
            unit.rate != power || used >= size)
            continue;
        int n = snprintf(text + used, size - used, "%s%s%s", used == 0 ? "" : ", ", name,
                         rate && !power ? "/h" : "");
        used += n > 0 ? (size_t)n : 0;
        listed++;
    }
}

static void report_unit(const struct csv_row *row, const char *text)
{
    const char *names[128];
    size_t count = 0;
    while (count < ARRAY_LEN(names) && (names[count] = unit_name_at(count)) != NULL)
        count++;
    const char *near = faults_suggest(text, names, count);
    if (near != NULL)
        csv_fault(row, METER_UNIT, "\"%s\" is not a unit; did you mean \"%s\"?", text, near);
    else
        csv_fault(row, METER_UNIT,
                  "\"%s\" is not a unit; accepted: units such as kWh, GJ, kg, t, L, Nm3, Sm3, m3, "
                  "unit, and for gauges kW, m3/h, kg/h, L/min",
                  text);
}

/* Steam is weighed, and counts as heat. */
static bool check_steam(const struct csv_row *row, const struct unit *unit, enum quantity quantity)
{
    if (quantity_dimension(quantity) != DIMENSION_ENERGY) {
        csv_fault(row, METER_QUANTITY, "\"%s\" beside steam; accepted: heat, energy, or empty",
                  row->cells[METER_QUANTITY].text);
        return false;
    }
    if (unit->dimension != DIMENSION_MASS) {
        csv_fault(row, METER_UNIT,
                  "\"%s\" is no mass; steam is weighed, and counts as heat; accepted: t, kg, or "
                  "empty columns steam and feedwater",
                  row->cells[METER_UNIT].text);
        return false;
    }
    return true;
}

static bool read_quantity(struct meter_row *parsed, const struct csv_row *row,
                          const struct unit *unit)
{
    const char *names[QUANTITY_COUNT];
    for (int i = 0; i < QUANTITY_COUNT; i++)
        names[i] = quantity_name((enum quantity)i);
    int quantity = meter_quantity_by_conditions(row, unit);
    if (!cell_choice(&quantity, row, METER_QUANTITY, names, QUANTITY_COUNT))
        return false;
    if (quantity < 0) {
        csv_fault(row, METER_QUANTITY,
                  "empty; \"%s\" may be a volume of gas or of a liquid: "
                  "accepted are gas_volume, volume",
                  row->cells[METER_UNIT].text);
        return false;
    }
    if (meter_is_steam(row)) {
        parsed->meter.quantity = (uint8_t)quantity;
        return check_steam(row, unit, (enum quantity)quantity);
    }
    if (!unit_fits(unit, (enum quantity)quantity)) {
        char list[512];
        list_units(list, sizeof(list), (enum quantity)quantity, parsed->meter.kind == KIND_GAUGE);
        csv_fault(row, METER_UNIT, "\"%s\" does not measure %s; accepted: units such as %s",
                  row->cells[METER_UNIT].text, names[quantity], list);
        return false;
    }
    parsed->meter.quantity = (uint8_t)quantity;
    return true;
}

static bool read_basis(struct meter_row *parsed, const struct csv_row *row, const struct unit *unit)
{
    static const char *const names[] = {"", "ncv", "gcv"};
    int basis = BASIS_NONE;
    if (!cell_choice(&basis, row, METER_BASIS, names, ARRAY_LEN(names)))
        return false;
    if (unit->basis != BASIS_NONE && basis != BASIS_NONE && basis != unit->basis) {
        csv_fault(row, METER_BASIS, "%s contradicts the unit \"%s\"", names[basis],
                  row->cells[METER_UNIT].text);
        return false;
    }
    parsed->activity = (struct activity_unit){parsed->meter.quantity, unit->state,
                                              basis != BASIS_NONE ? (uint8_t)basis : unit->basis};
    parsed->read = parsed->activity;
    parsed->conversion = (struct ratio){1, 1};
    return true;
}

static bool read_multiplier(struct meter_row *parsed, const struct csv_row *row)
{
    parsed->multiplier = parsed->conversion;
    if (cell_is_empty(row, METER_MULTIPLIER))
        return true;
    mpq_t multiplier;
    mpq_t conversion;
    mpq_inits(multiplier, conversion, NULL);
    bool read = cell_fraction(multiplier, row, METER_MULTIPLIER);
    fraction_from_ratio(conversion, parsed->conversion);
    mpq_mul(multiplier, multiplier, conversion);
    int err = fraction_to_ratio(&parsed->multiplier, multiplier);
    mpq_clears(multiplier, conversion, NULL);
    bool plain = parsed->conversion.num == 1 && parsed->conversion.den == 1;
    if (read && err < 0 && !plain)
        csv_fault(row, METER_MULTIPLIER,
                  "\"%s\" times the exact ratio of the meter's conditions has more than 18 digits; "
                  "accepted: a number above 0 with fewer digits",
                  row->cells[METER_MULTIPLIER].text);
    else if (read && err < 0)
        csv_fault(row, METER_MULTIPLIER,
                  "\"%s\" is not accepted; a number above 0 of at most 18 digits is",
                  row->cells[METER_MULTIPLIER].text);
    return read && err == 0;
}

bool meter_read_unit(struct meter_row *parsed, const struct csv_row *row)
{
    if (!cell_id(row, METER_UNIT))
        return false;
    const struct csv_cell *cell = &row->cells[METER_UNIT];
    struct unit unit;
    if (cell->size > UNIT_BYTES_MAX || !unit_find(&unit, cell->text, cell->size)) {
        report_unit(row, cell->text);
        return false;
    }
    bool gauge = parsed->meter.kind == KIND_GAUGE;
    if (unit.rate != gauge) {
        csv_fault(row, METER_UNIT,
                  gauge ? "\"%s\" is an amount, and a gauge reads a rate; accepted: "
                          "units such as kW, MW, m3/h, kg/h, L/min"
                        : "\"%s\" is a rate; accepted for this kind are amounts, "
                          "such as kWh, GJ, kg, L, Nm3",
                  cell->text);
        return false;
    }
    parsed->rate = gauge;
    if (!read_quantity(parsed, row, &unit) || !read_basis(parsed, row, &unit) ||
        !meter_read_conditions(parsed, row, &unit) || !read_multiplier(parsed, row))
        return false;
    memcpy(parsed->meter.own.unit, cell->text, cell->size);
    if (unit_ratio(&parsed->meter.own.scale, &unit, parsed->read.quantity, parsed->multiplier) == 0)
        return true;
    csv_fault(row, METER_MULTIPLIER, "\"%s\" times the unit \"%s\" has too many digits",
              row->cells[METER_MULTIPLIER].text, cell->text);
    return false;
}

/* Whether the column is empty, or the meter a register. */
static bool is_register_column(const struct meter_row *parsed, const struct csv_row *row,
                               size_t column)
{
    if (cell_is_empty(row, column) || parsed->meter.kind == KIND_REGISTER)
        return true;
    csv_fault(row, column,
              column == METER_RESTARTS
                  ? "only a register counts from zero; accepted for this kind: empty"
                  : "only a register wraps; accepted for this kind: empty");
    return false;
}

static bool read_digits(struct meter_row *parsed, const struct csv_row *row)
{
    int64_t digits = 0;
    int64_t decimals = 0;
    if (!cell_int(&digits, row, METER_DIGITS, 1, DIGITS_MAX) ||
        !cell_int(&decimals, row, METER_DECIMALS, 0, DIGITS_MAX))
        return false;
    if (digits == 0 && cell_is_empty(row, METER_DECIMALS))
        return true;
    if (!is_register_column(parsed, row, digits != 0 ? METER_DIGITS : METER_DECIMALS))
        return false;
    if (digits == 0 && cell_is_empty(row, METER_MODULUS)) {
        csv_fault(row, METER_DIGITS,
                  "empty beside decimals; all digits of the register are counted "
                  "here, those after the point too");
        return false;
    }
    if (digits != 0 && decimals >= digits) {
        csv_fault(row, METER_DECIMALS, "%s of %s digits; at least one stands before the point",
                  row->cells[METER_DECIMALS].text, row->cells[METER_DIGITS].text);
        return false;
    }
    struct decimal last = decimal_from_int(1, (int32_t)decimals);
    int err = decimal_to_micro(&parsed->meter.register_digit, last, parsed->meter.own.scale);
    struct decimal wrap = decimal_from_int(1, (int32_t)(decimals - digits));
    if (err == 0 && digits != 0)
        err = decimal_to_micro(&parsed->meter.register_modulus, wrap, parsed->meter.own.scale);
    if (err < 0)
        csv_fault(row, METER_DIGITS,
                  "a register of %s digits in \"%s\" holds more than can be counted",
                  row->cells[METER_DIGITS].text, row->cells[METER_UNIT].text);
    if (err == 0 && parsed->meter.register_modulus > REGISTER_MAX) {
        faults_warn(row->faults, row->file, row->line, row->cells[METER_DIGITS].column,
                    "digits: the register can show more than %lld %s; readings above that will be "
                    "refused, so that it is never seen to wrap",
                    (long long)(REGISTER_MAX / MICRO), quantity_unit(parsed->meter.quantity));
        parsed->meter.register_modulus = 0;
    }
    return err == 0;
}

/* Where a counter wraps that does not use all of its digits. */
static bool read_modulus(struct meter_row *parsed, const struct csv_row *row)
{
    const struct csv_cell *cell = &row->cells[METER_MODULUS];
    if (cell_is_empty(row, METER_MODULUS))
        return true;
    if (!is_register_column(parsed, row, METER_MODULUS))
        return false;
    struct decimal value;
    int64_t modulus = 0;
    if (decimal_parse(&value, cell->text, cell->size) < 0 ||
        decimal_to_micro(&modulus, value, parsed->meter.own.scale) < 0 || modulus <= 0) {
        csv_fault(row, METER_MODULUS,
                  "\"%s\" is not accepted; a number above 0 in the meter's unit is, such as 65536",
                  cell->text);
        return false;
    }
    if (parsed->meter.register_modulus != 0 && modulus > parsed->meter.register_modulus) {
        csv_fault(row, METER_MODULUS,
                  "\"%s\" is more than a register of %s digits can show; accepted: less, or no "
                  "digits",
                  cell->text, row->cells[METER_DIGITS].text);
        return false;
    }
    parsed->meter.register_modulus = modulus;
    return true;
}

bool meter_read_register(struct meter_row *parsed, const struct csv_row *row)
{
    return read_digits(parsed, row) && read_modulus(parsed, row);
}

bool meter_read_restarts(struct meter_row *parsed, const struct csv_row *row)
{
    if (!cell_bool(&parsed->meter.restarts, row, METER_RESTARTS) ||
        !is_register_column(parsed, row, METER_RESTARTS))
        return false;
    if (!parsed->meter.restarts || parsed->meter.rate_max > 0)
        return true;
    csv_fault(row, METER_RESTARTS,
              "yes without max_rate: nothing tells a restart from a wrong reading; accepted beside "
              "an empty max_rate: no");
    return false;
}

/* Canonical units of the activity in one of a unit that bounds the meter: one of its readings,
 * which are converted as they are, or one of the activity itself. */
static bool bound_scale(struct ratio *scale_out, const struct meter_row *parsed,
                        const struct unit *unit)
{
    if (unit_fits(unit, parsed->read.quantity) && unit->state == parsed->read.state)
        return unit_ratio(scale_out, unit, parsed->read.quantity, parsed->conversion) == 0;
    return unit_fits(unit, parsed->meter.quantity) &&
           (unit->state == parsed->activity.state || unit->state == STATE_NONE) &&
           unit_ratio(scale_out, unit, parsed->meter.quantity, (struct ratio){1, 1}) == 0;
}

bool meter_read_max_rate(struct meter_row *parsed, const struct csv_row *row)
{
    if (cell_is_empty(row, METER_MAX_RATE))
        return true;
    const char *text = row->cells[METER_MAX_RATE].text;
    if (parsed->meter.kind == KIND_DELIVERY || parsed->meter.kind == KIND_STOCK) {
        csv_fault(row, METER_MAX_RATE,
                  "a delivery is an amount at one time and has no rate; accepted for this kind: "
                  "empty, and an amount in max_amount");
        return false;
    }
    size_t number = strcspn(text, " ");
    size_t skip = number + strspn(text + number, " ");
    struct decimal value;
    struct unit unit;
    struct ratio scale;
    bool good = decimal_parse(&value, text, number) == 0 && value.digits > 0 &&
                unit_find(&unit, text + skip, strlen(text + skip)) && unit.rate &&
                bound_scale(&scale, parsed, &unit) &&
                decimal_to_micro(&parsed->meter.rate_max, value, scale) == 0 &&
                parsed->meter.rate_max > 0;
    parsed->meter.rate_max_text = text; /* of the row until it is kept */
    if (!good) {
        char list[256];
        list_units(list, sizeof(list), parsed->meter.quantity, true);
        csv_fault(row, METER_MAX_RATE,
                  "\"%s\" is not accepted; a number above 0 with a rate is, such as %s", text,
                  list);
    }
    return good;
}
