/*
 * factor_choice.h - which factor rates a meter, and whether the meter fits it.
 */
#ifndef GHGD_FACTOR_CHOICE_H
#define GHGD_FACTOR_CHOICE_H

#include "config/registry/meters.h"

/* Chooses by the row's column `factor`: an id, `none`, or empty or `auto` for electricity by place.
 * Checks every edition against what the meter counts. Sets parsed->factor,
 * parsed->meter.factor_name. Returns false after reporting a fault. */
bool factor_choose(struct meter_row *parsed, struct meter_table *table, const struct csv_row *row);

#endif
