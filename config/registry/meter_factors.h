/*
 * meter_factors.h - which factor rates a meter, and since when.
 *
 * A meter's factor is chosen while the table of meters is read. An era of a facility begins where
 * an edition of one of its factors does, at the start of that local date; the first begins with
 * time.
 */
#ifndef GHGD_METER_FACTORS_H
#define GHGD_METER_FACTORS_H

#include "config/registry/meters.h"

/* Chooses by the row's column `factor`: an id, `none`, or empty or `auto` for electricity by place.
 * Checks every edition against what the meter counts. Sets parsed->factor,
 * parsed->meter.factor_name. Returns 0, ERR_CONFIG after reporting a fault, or -ENOMEM. */
int factor_choose(struct meter_row *parsed, struct meter_table *table,
                  const struct csv_row *row) MUST_CHECK;

/* Fills the registry's eras, as the kernels want them, and the meters' cell_max. `order` gives the
 * table's row of each of the registry's meters, which are in their places. Returns 0 (faults
 * reported), or -ENOMEM. */
int eras_build(struct registry *registry, const struct meter_table *meters, const uint32_t *order,
               struct faults *faults) MUST_CHECK;

#endif
