/*
 * eras.h - the factors of every facility over time, as the kernels want them.
 *
 * An era begins where an edition of some factor of the facility does, at the start of that local
 * date; the first begins with time.
 */
#ifndef GHGD_ERAS_H
#define GHGD_ERAS_H

#include "config/registry/meters.h"

/* Fills the registry's eras and the meters' cell_max. `order` gives the table's row of each of the
 * registry's meters, which are in their places. Returns 0 (faults reported), or -ENOMEM. */
int eras_build(struct registry *registry, const struct meter_table *meters, const uint32_t *order,
               struct faults *faults) MUST_CHECK;

#endif
