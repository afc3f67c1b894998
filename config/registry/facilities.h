/*
 * facilities.h - the table of facilities: names, group levels, time zone, country and grid region,
 * and when each reports.
 */
#ifndef GHGD_FACILITIES_H
#define GHGD_FACILITIES_H

#include "config/registry/countries.h"
#include "config/registry/tables.h"
#include "config/registry/zones.h"

struct facility_table {
    struct arena *arena; /* borrowed: the registry's */
    const struct tables_conf *conf;
    const struct country_table *countries;
    struct facility *rows; /* in the order of the file */
    uint32_t count, capacity;
    struct id_index ids;
    struct csv_refused refused;
    struct zone_table zones;
    struct date reporting_from; /* of windows.reporting_from; open if it is not given */
};

/* Borrows all three until facilities_fini(). */
void facilities_init(struct facility_table *table, struct arena *arena,
                     const struct tables_conf *conf, const struct country_table *countries);
void facilities_fini(struct facility_table *table);
/* Returns 0 (faults reported), or -ENOMEM. */
int facilities_load(struct facility_table *table, struct faults *faults) MUST_CHECK;
/* The facility, or NULL. */
const struct facility *facilities_find(const struct facility_table *table, const char *id);
const char *facilities_suggest(const struct facility_table *table, const char *found);

#endif
