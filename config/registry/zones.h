/*
 * zones.h - the time zones of the facilities: each once, with a calendar that knows its dates.
 */
#ifndef GHGD_ZONES_H
#define GHGD_ZONES_H

#include "base/arena.h"
#include "base/id_index.h"
#include "config/csv/table_cell.h"

struct calendar;

struct zone_table {
    struct arena *arena; /* borrowed: the registry's; keeps the names */
    int64_t bucket_ms;
    int fiscal_year_start;
    const char **names;
    struct calendar **calendars;
    uint32_t count, capacity;
    struct id_index ids;
};

void zones_init(struct zone_table *table, struct arena *arena, int64_t bucket_ms,
                int fiscal_year_start);
void zones_fini(struct zone_table *table);
/* The number of the zone, which is added if it is new. Returns 0, -ENOMEM, or as calendar_create():
 * -ENOENT for what is no IANA name, -EINVAL if its hours do not begin at the edge of a bucket. */
int zones_find(struct zone_table *table, const char *name, size_t size,
               uint32_t *zone_out) MUST_CHECK;
/* The first instant of the local date. Returns 0, or -EINVAL for no date. */
int zones_date_start(const struct zone_table *table, uint32_t zone, struct date date,
                     int64_t *ms_out) MUST_CHECK;

/* The cell's instant: a local date's first one, or RFC 3339 with an offset. An empty cell leaves
 * *ms_out. Reports what is wrong, and then returns false. */
bool zones_cell_instant(int64_t *ms_out, const struct zone_table *table, uint32_t zone,
                        const struct csv_row *row, size_t column);

enum { ZONE_NAME_SIZE = 64 };
/* Guesses the zone that an unknown name meant: the one with the nearest name, else the first of the
 * country (ISO 3166 code, or ""). Reads the lists that tzdata installs beside its
 * zones. Returns `name`, or NULL if nothing is near or the lists are not installed. */
const char *zone_suggest(char name[ZONE_NAME_SIZE], const char *found, const char *country);

#endif
