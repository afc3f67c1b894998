/*
 * unit_lists.h - what other units the events of a meter may use, with its multiplier in.
 *
 * Meters that count alike share one list.
 */
#ifndef GHGD_UNIT_LISTS_H
#define GHGD_UNIT_LISTS_H

#include "config/registry/meters.h"

/* Fills the registry's units and the meters' units_first and units_count. `order` gives the table's
 * row of each of the registry's meters. Returns 0 or -ENOMEM. */
int unit_lists_build(struct registry *registry, const struct meter_table *meters,
                     const uint32_t *order) MUST_CHECK;

#endif
