/*
 * meter_columns.h - the cells of a row of the table of meters, by subject, into a struct meter_row.
 *
 * Every function reports what is wrong itself and then returns false. Those of units come in this
 * order, after the kind; those of times need the facility.
 */
#ifndef GHGD_METER_COLUMNS_H
#define GHGD_METER_COLUMNS_H

#include "config/registry/meters.h"

/* Unit, quantity, basis, conditions, multiplier. */
bool meter_read_unit(struct meter_row *parsed, const struct csv_row *row);
/* Line conditions of gas, enthalpies of steam: how the unit of a reading becomes that of the
 * activity. Called by meter_read_unit() once quantity and basis are known. Sets parsed->conversion,
 * and the part of parsed->read and parsed->activity that follows from it. */
bool meter_read_conditions(struct meter_row *parsed, const struct csv_row *row,
                           const struct unit *unit);
/* The quantity if the table names none: gas where the row has conditions of a gas, heat of steam,
 * else that of the unit, or -1. */
int meter_quantity_by_conditions(const struct csv_row *row, const struct unit *unit);
/* Whether the row counts a mass of steam as heat. */
bool meter_is_steam(const struct csv_row *row);
/* Digits, decimals and modulus: where a register wraps. */
bool meter_read_register(struct meter_row *parsed, const struct csv_row *row);
/* "500 kW", "1200 Nm3/h": what the meter can plausibly see, per hour. */
bool meter_read_max_rate(struct meter_row *parsed, const struct csv_row *row);
/* "30000 L", "25 t": the largest delivery, and the most that a stock can hold; and whether the
 * stock goes on behind its last dip. */
bool meter_read_amounts(struct meter_row *parsed, const struct csv_row *row);
/* Whether a register counts from zero after a fall; behind max_rate. */
bool meter_read_restarts(struct meter_row *parsed, const struct csv_row *row);

/* Role and parent, whose fit meters_check_parents() judges. */
bool meter_read_role(struct meter_row *parsed, const struct csv_row *row);
/* Interval, stamp, hold, between, reconcile, and how many readings the journal holds. */
bool meter_read_times(struct meter_row *parsed, const struct csv_row *row,
                      const struct tables_conf *conf);
/* When in the week the meter is expected; behind its times. Returns 0; ERR_CONFIG, which it has
 * reported; or -ENOMEM. */
int meter_read_schedule(struct meter_row *parsed, const struct meter_table *table,
                        const struct csv_row *row, const struct tables_conf *conf) MUST_CHECK;
/* The version's first instant, and the first after it. */
bool meter_read_validity(struct meter_row *parsed, const struct meter_table *table,
                         const struct csv_row *row);

/* Whether each parent is a meter of the same facility, quantity and factor, and none is above
 * itself. Returns 0 (faults reported), or -ENOMEM. */
int meters_check_parents(const struct meter_table *table, const char *file,
                         struct faults *faults) MUST_CHECK;
/* Warns of tolerances with which nothing is compared; the table has no fault. Returns 0 or -ENOMEM.
 */
int meters_warn_of_tolerances(const struct meter_table *table, const char *file,
                              struct faults *faults) MUST_CHECK;

#endif
