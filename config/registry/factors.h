/*
 * factors.h - emission factors as tables state them: one row an edition, several editions an id.
 *
 * A row says how many kg (or lb, g, t) of each gas one unit of activity gives. A heat content and a
 * density lead to that unit from others. Editions of one id follow each other: each holds from its
 * valid_from until the next one's. The first also holds before, and the last as long as no later
 * one is known. The same loader reads the shipped catalogue and a user's own tables; an id that an
 * earlier table holds hides that id in the later ones.
 */
#ifndef GHGD_FACTORS_H
#define GHGD_FACTORS_H

#include "base/arena.h"
#include "base/id_index.h"
#include "config/csv/table_cell.h"
#include "config/registry/countries.h"
#include "config/registry/registry.h"
#include "config/units/fraction.h"
#include "config/units/units.h"

/* Global warming potentials over 100 years: they turn methane and nitrous oxide into CO2e. The
 * shipped table gwp.csv holds the sets AR4, AR5, AR6; one set is in force at a time. */
struct gwp {
    mpq_t ch4, n2o; /* kg CO2e per kg */
};

void gwp_init(struct gwp *gwp);
void gwp_fini(struct gwp *gwp);
/* Reads the set from the table. Returns 0 (faults reported), or -ENOMEM. */
int gwp_load(struct gwp *gwp, const char *path, const char *set, struct faults *faults) MUST_CHECK;

/* One bridge of a conversion chain: this many `to` are in one `from`. */
struct bridge {
    bool known;
    uint8_t from, from_state, to; /* enum dimension, enum state */
    mpq_t ratio;                  /* in J, kg, m3 */
};

struct factor_row {
    const char *id, *country, *region; /* "" if none; the first of a region's names */
    uint32_t text;                     /* index of its struct factor */
    uint32_t next;                     /* the next edition of the id, or ID_INDEX_NONE */
    struct date valid_from, valid_to;  /* valid_to: the first day on which it is provisional */
    struct unit unit;
    uint8_t basis;         /* enum basis, of its unit and of its heat content */
    bool unsplit;          /* knows CO2e only */
    mpq_t mass[GAS_COUNT]; /* kg per unit */
    struct bridge heat, density;
    const char *file; /* where it stands, for faults */
    int line;
};

struct factor_table {
    struct arena *arena; /* borrowed: the registry's */
    const struct country_table *countries;
    struct factor_row *rows;
    struct factor *texts; /* the same, for people; in the arena's keeping after factors_end() */
    uint32_t count, capacity;
    struct id_index ids; /* first edition by id */
    struct csv_refused refused;
    struct id_index grids; /* first edition by "country" and "country/region" */
    const char *gwp_set;   /* in force; rows of another set are left out */
    struct gwp gwp;
};

void factors_init(struct factor_table *table, struct arena *arena, const char *gwp_set,
                  const struct country_table *countries);
void factors_fini(struct factor_table *table);

/* Each returns 0 (faults reported), or -ENOMEM. Users' tables come first, then the catalogue. */
int factors_load(struct factor_table *table, const char *path, struct faults *faults) MUST_CHECK;
/* The GWP set, then every table of the folder. */
int factors_load_catalogue(struct factor_table *table, const char *folder,
                           struct faults *faults) MUST_CHECK;

/* The first edition of an id, or of the grid of a place, or NULL. A region is written as in the
 * catalogue ("guangdong", "CAMX"), also with the country before it ("CN-guangdong"); letter case,
 * spaces, '-' and '_' do not count. */
const struct factor_row *factors_find(const struct factor_table *table, const char *id);
const struct factor_row *factors_find_grid(const struct factor_table *table, const char *country,
                                           const char *region);
const struct factor_row *factors_next(const struct factor_table *table,
                                      const struct factor_row *row);
/* The id, or the region of a country, that is nearest to what was found, or NULL. */
const char *factors_suggest(const struct factor_table *table, const char *found);
const char *factors_suggest_region(const struct factor_table *table, const char *country,
                                   const char *found);

#endif
