/* The columns of amounts: the bounds of deliveries and stocks. */
#include <stdio.h>
#include <string.h>

#include "config/registry/meter_columns.h"

/* A number and a unit of the meter's quantity. */
static bool read_amount(int64_t *amount_out, const struct meter_row *parsed, const char *text)
{
    size_t number = strcspn(text, " ");
    size_t skip = number + strspn(text + number, " ");
    struct decimal value;
    struct unit unit;
    struct ratio scale;
    return decimal_parse(&value, text, number) == 0 && value.digits > 0 &&
           unit_find(&unit, text + skip, strlen(text + skip)) && !unit.rate &&
           unit_fits(&unit, parsed->meter.quantity) &&
           (unit.state == parsed->activity.state || unit.state == STATE_NONE) &&
           unit_ratio(&scale, &unit, parsed->meter.quantity, (struct ratio){1, 1}) == 0 &&
           decimal_to_micro(amount_out, value, scale) == 0 && *amount_out > 0;
}

static bool read_bound(int64_t *amount_out, const char **text_out, const struct meter_row *parsed,
                       const struct csv_row *row, size_t column)
{
    const char *text = row->cells[column].text;
    if (!read_amount(amount_out, parsed, text)) {
        csv_fault(row, column,
                  "\"%s\" is not accepted; a number above 0 with a unit of the meter's quantity "
                  "is, such as 30000 %s",
                  text, quantity_unit((enum quantity)parsed->meter.quantity));
        return false;
    }
    *text_out = text; /* of the row until it is kept */
    return true;
}

/* A slip in one dip would set a rate that runs on, and no balance holds it. */
static bool read_accrue(struct meter *meter, const struct csv_row *row)
{
    const struct csv_cell *cell = &row->cells[METER_ACCRUE];
    if (!cell_bool(&meter->accrues, row, METER_ACCRUE))
        return false;
    if (!cell_is_empty(row, METER_ACCRUE) && meter->kind != KIND_STOCK) {
        csv_fault(row, METER_ACCRUE,
                  "only a stock goes on behind its last dip; accepted for this kind: empty");
        return false;
    }
    if (meter->accrues && meter->capacity == 0)
        faults_warn(row->faults, row->file, row->line, cell->column,
                    "accrue \"%s\" without capacity: a dip far too high would be a rate that goes "
                    "on; give the most that the stock can hold, such as 40000 L",
                    cell->text);
    return true;
}

static bool read_capacity(struct meter_row *parsed, const struct csv_row *row)
{
    struct meter *meter = &parsed->meter;
    if (cell_is_empty(row, METER_CAPACITY))
        return true;
    if (meter->kind != KIND_STOCK) {
        csv_fault(row, METER_CAPACITY,
                  "only a stock has a capacity; accepted for this kind: empty");
        return false;
    }
    return read_bound(&meter->capacity, &meter->capacity_text, parsed, row, METER_CAPACITY);
}

bool meter_read_amounts(struct meter_row *parsed, const struct csv_row *row)
{
    struct meter *meter = &parsed->meter;
    if (meter->kind == KIND_STOCK && meter->negative) {
        csv_fault(row, METER_NEGATIVE,
                  "a stock has no readings below zero: transfers and credits are events of their "
                  "own; accepted for this kind: no, or empty");
        return false;
    }
    if (!cell_is_empty(row, METER_MAX_AMOUNT)) {
        if (meter->kind != KIND_DELIVERY && meter->kind != KIND_STOCK) {
            csv_fault(row, METER_MAX_AMOUNT,
                      "only deliveries and stocks are bounded by an amount; accepted for this "
                      "kind: empty, and a rate in max_rate");
            return false;
        }
        if (!read_bound(&meter->amount_max, &meter->amount_max_text, parsed, row, METER_MAX_AMOUNT))
            return false;
    }
    return read_capacity(parsed, row) && read_accrue(meter, row);
}
