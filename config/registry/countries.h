/*
 * countries.h - ISO 3166-1: two letters, three letters, and an English name; also EU for EU-27.
 *
 * The table is data, shipped beside the factors (config/factors/countries.csv).
 */
#ifndef GHGD_COUNTRIES_H
#define GHGD_COUNTRIES_H

#include "base/arena.h"
#include "base/faults.h"
#include "base/id_index.h"

struct country {
    const char *code, *code3, *name;
    const char *other_names; /* separated by '|' */
};

struct country_table {
    struct arena *arena; /* borrowed: the registry's; keeps the texts */
    struct country *rows;
    uint32_t count, capacity;
    struct id_index names; /* every code and name in small letters: its row */
};

void countries_init(struct country_table *table, struct arena *arena);
void countries_fini(struct country_table *table);
/* Returns 0 (faults reported), or -ENOMEM. */
int countries_load(struct country_table *table, const char *path, struct faults *faults) MUST_CHECK;
/* By any of its codes and names ("Vietnam", "UK"), or NULL; letter case does not count. */
const struct country *countries_find(const struct country_table *table, const char *text);
/* The name that is nearest to what was found, or NULL. */
const char *countries_suggest(const struct country_table *table, const char *found);

#endif
