/*
 * target_tables.h - from CSV tables (targets, weights, changes of base years, ownership, history,
 * holidays) to the targets.
 *
 * All faults of all tables are reported in one go. Docs: docs/targets.md.
 */
#ifndef GHGD_TARGET_TABLES_H
#define GHGD_TARGET_TABLES_H

#include "base/faults.h"
#include "config/targets/targets.h"

/* Paths, already resolved against the YAML file's folder; NULL: there is no such table. */
struct targets_conf {
    const char *targets, *weights, *base_changes, *ownership, *history;
    const char *const *holidays;
    uint32_t holidays_count;
    int year_start; /* of targets that say nothing; 1 .. 12 */
    bool mcap_sat;  /* warn of targets that the criteria would not let pass */
};

/* Borrows the registry during the call. Returns 0; ERR_CONFIG with every fault in `faults`; or
 * -ENOMEM. *targets_out is NULL if there is no table at all. */
int targets_build(struct targets **targets_out, const struct targets_conf *conf,
                  const struct registry *registry, struct faults *faults) MUST_CHECK;

#endif
