/*
 * daily.h - daily emissions of sites for bench/forecast and bench/slip: read from files, or
 * simulated.
 *
 * A file has a header line `site,date,kg,production` and a line a day, sites one after the other,
 * days in their order; an empty kg is a day that is not known, an empty production is 0. The
 * simulator's sites have a base load, production with slow swings, days off that move with the
 * lunar year, a season, weather, noise that lasts, and years of different levels.
 */
#ifndef GHGD_BENCH_DAILY_H
#define GHGD_BENCH_DAILY_H

#include "pipelines/trajectory/shares.h"

struct daily {
    char name[64];
    int32_t first_day;
    uint32_t count;
    double *kg;         /* NaN: not known */
    double *production; /* NaN: no production meter */
    double *factor;     /* of the day: 1, or `nonworking` on a day off */
};

struct dailies {
    struct daily *sites;
    uint32_t count;
};

/* Arguments of both programs: [--seed N] [--sites N] [--days-off FILE] [DIR]. */
struct daily_options {
    uint64_t seed;
    uint32_t sites;
    bool simulate;
    const char *folder;   /* to read; NULL: none is there */
    const char *days_off; /* dates on which all of its sites are as on a weekend; NULL: none */
};
/* Ends the program if they are not understood. */
void daily_options(struct daily_options *options_out, int argc, char **argv);

/* Reads each file of DIR whose name ends in .csv, by name. days_off: a file with a date a line, for
 * want of a table of holidays; or NULL. Ends the program if one is bad. */
void dailies_read(struct dailies *dailies_out, const char *folder, const char *days_off);
/* sites of whole calendar years, each from the first on. */
void dailies_simulate(struct dailies *dailies_out, uint32_t sites, int first_year, int years,
                      uint64_t seed);
void dailies_free(struct dailies *dailies);

/* Multiplies everything from `day` on: a drift. */
void daily_drift(struct daily *copy_out, const struct daily *daily, int32_t day, double times);
void daily_free(struct daily *daily);

/* The year of that name is there, and 95 % of its days are known. */
bool daily_has_year(const struct daily *daily, int year);
/* Milligrams of a day; a day that is not known counts as the mean of the known days around it. */
int64_t daily_mg(const struct daily *daily, int32_t day);
/* Months' masses and working days of a year that is there. */
void daily_past(struct past_year *past_out, const struct daily *daily, int year);
/* The factors of a year's days as parts of PART_ONE. */
void daily_factors(int64_t factors_out[YEAR_DAYS_MAX], const struct daily *daily,
                   const struct civil_year *year);
/* A number of [0, 1); the same everywhere. */
double daily_random(uint64_t *seed);

#endif
