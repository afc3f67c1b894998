/*
 * facilities.h - the table of facilities: names, group levels, time zone, country and grid region.
 */
#ifndef GHGD_FACILITIES_H
#define GHGD_FACILITIES_H

#include "base/arena.h"
#include "config/id_index.h"
#include "config/tables.h"

struct calendar;

struct facility_table {
    struct arena *arena;   /* borrowed: the registry's */
    struct facility *rows; /* in the order of the file */
    uint32_t count, capacity;
    struct id_index ids;
    const char **zones;          /* IANA names, each once */
    struct calendar **calendars; /* by zone */
    uint32_t zones_count, zones_capacity;
    struct id_index zone_ids;
};

void facilities_init(struct facility_table *table, struct arena *arena);
void facilities_fini(struct facility_table *table);
/* Returns 0 (faults reported), or -ENOMEM. */
int facilities_load(struct facility_table *table, const struct tables_conf *conf,
                    struct faults *faults) MUST_CHECK;
/* The facility, or NULL. */
const struct facility *facilities_find(const struct facility_table *table, const char *id);
const char *facilities_suggest(const struct facility_table *table, const char *found);

#endif
