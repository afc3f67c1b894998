/*
 * tables.h - from CSV tables (facilities, meters, factors) to a registry.
 *
 * All faults of all tables are reported in one go. Docs: docs/configuration.md, "Tables".
 */
#ifndef GHGD_TABLES_H
#define GHGD_TABLES_H

#include "base/faults.h"
#include "config/registry/registry.h"

struct tables_conf {
    const char *facilities, *meters; /* paths, already resolved against the YAML file's folder */
    const char *const *factors;      /* further factor tables, searched before the shipped ones */
    uint32_t factors_count;
    const char *catalogue; /* folder of the shipped catalogue (config/factors) */
    const char *countries; /* path of the shipped table of countries */
    const char *group_levels[GROUP_LEVELS_MAX];
    uint32_t group_levels_count;
    const char *gwp_set; /* AR4, AR5, AR6 */
    int64_t bucket_ms, horizon_ms;
    int fiscal_year_start;
    int on_conflict;            /* enum conflict_policy, of meters whose row says nothing */
    const char *reporting_from; /* YYYY-MM-DD, or NULL */
};

/* Builds a registry. Returns 0; ERR_CONFIG with every fault in `faults`; or -ENOMEM. */
int registry_build(struct registry **registry_out, const struct tables_conf *conf,
                   struct faults *faults) MUST_CHECK;

#endif
