/*
 * gwp.h - global warming potentials over 100 years: what turns methane and nitrous oxide into CO2e.
 *
 * The shipped table gwp.csv holds the sets AR4, AR5, AR6; one set is in force at a time.
 */
#ifndef GHGD_GWP_H
#define GHGD_GWP_H

#include "config/registry/fraction.h"
#include "config/registry/table_cell.h"

struct gwp {
    mpq_t ch4, n2o; /* kg CO2e per kg */
};

void gwp_init(struct gwp *gwp);
void gwp_fini(struct gwp *gwp);
/* Reads the set from the table. Returns 0 (faults reported), or -ENOMEM. */
int gwp_load(struct gwp *gwp, const char *path, const char *set, struct faults *faults) MUST_CHECK;

#endif
