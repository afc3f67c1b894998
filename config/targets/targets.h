/*
 * targets.h - the targets of a group, and the tables that go with them, as loaded.
 *
 * Targets stand above the registry of facilities and meters. Like it, they are const once built,
 * any thread may read them, and a reload builds new ones. Masses are whole milligrams of CO2e;
 * shares and percentages are whole parts of 1e9 (PART_ONE), so nothing here is a double. Days are
 * calendar dates without a zone, counted from 1970-01-01 (config/targets/civil.h).
 *
 * The rules and their sources: docs/targets.md.
 */
#ifndef GHGD_TARGETS_H
#define GHGD_TARGETS_H

#include "config/registry/registry.h"

enum {
    TARGETS_MAX = 4096,
    TARGET_YEARS_MAX = 100,     /* of a path, and from base year to target year */
    BASE_CHANGES_MAX = 256,     /* of one target */
    HISTORY_ROWS_MAX = 1 << 20, /* 1,000 facilities, 40 years of months, two scopes */
    OWNERSHIP_ROWS_MAX = 1 << 16,
    HOLIDAYS_MAX = 1 << 16,
    TARGET_YEAR_MIN = 1990, /* no scheme has an earlier base year */
    TARGET_YEAR_MAX = 2199  /* as far as dates go */
};
/* So a base, and a sum of shares of it, fit 64 bits: 100 Mt of one history row, 1 Gt of a base. */
#define HISTORY_MG_MAX (INT64_C(100000000) * 1000000000)
#define BASE_MG_MAX (INT64_C(1000000000) * 1000000000)
/* For a unit of production; a million units fit too. */
#define INTENSITY_MG_MAX (INT64_C(9000) * 1000000000)

/* The facilities that a target is about. */
enum target_level { TARGET_FACILITY, TARGET_GROUP, TARGET_ALL };

/* The part of a facility that counts: all of it under control, or the share that is owned. */
enum approach { APPROACH_CONTROL, APPROACH_EQUITY, APPROACH_COUNT };

/* Where the emissions of the base year come from. */
enum base_from {
    BASE_VALIDATED, /* given in the table */
    BASE_HISTORY,   /* every facility's base year stands in the history */
    BASE_MEASURED,  /* of at least one facility it does not: it is measured, or will be */
    BASE_NONE       /* an intensity has none */
};

/* How the allowed emissions of a year follow. */
enum target_form {
    TARGET_LINEAR,   /* in points of the base year: E(y) = base * (1 - cut * (y - base_year) /
                        (target_year - base_year)) */
    TARGET_PATH,     /* a table of yearly values; it scales with the base in force */
    TARGET_INTENSITY /* mass per unit of production, in the target year or from a path */
};

/* A year's value of a path: milligrams, or milligrams per unit of production. */
struct path_year {
    int16_t year;
    int64_t value;
};

/* One change of the base: structure, boundary, method, error. */
struct base_change {
    int32_t day;      /* from which on it is known */
    bool at_once;     /* recalc_from: date; else from the next target year on */
    int64_t delta_mg; /* of the base emissions */
    const char *cause, *evidence;
};

struct target {
    const char *id;
    const char *name;    /* of the group, or the facility's id; "all" for the whole */
    uint8_t level;       /* enum target_level */
    uint8_t group_level; /* registry->group_levels, if level is TARGET_GROUP */
    uint8_t scopes;      /* a bit per scope: 1 << 1, 1 << 2, 1 << 3 */
    uint8_t approach;    /* enum approach */
    uint8_t form;        /* enum target_form */
    uint8_t year_start;  /* month 1 .. 12; a year is named by the calendar year in which it ends */
    uint32_t facility;   /* registry->facilities, if level is TARGET_FACILITY */
    uint32_t meter;      /* production meter of an intensity; REGISTRY_NONE */
    int16_t base_year, target_year;
    int16_t submitted; /* year in which it was submitted for validation; 0: not given */
    uint8_t base_from; /* enum base_from */
    int64_t base_mg;   /* BASE_VALIDATED, BASE_HISTORY: > 0, shares applied; else -1 */
    int64_t cut;       /* TARGET_LINEAR: the cut by the target year, parts of the base */
    int64_t intensity; /* TARGET_INTENSITY without a path: mg per unit of production, in the
                          canonical unit of the meter (kg, unit, m3, ...) */
    const struct path_year *path; /* by year; NULL if there is no path */
    uint32_t path_count;
    const struct base_change *changes; /* by day */
    uint32_t changes_count;
    const int64_t *weights; /* 12 given parts, from the month year_start on; NULL: not given */
    const char *file;       /* where its row is, for people */
    int line;
};

/* A facility's shares from a day on, until another one. */
struct ownership {
    uint32_t facility;
    int32_t from_day, to_day;      /* [from, to); INT32_MIN and INT32_MAX if open */
    int64_t share[APPROACH_COUNT]; /* control is 0 or PART_ONE */
};

/* A month or year of a facility before the daemon had it: imported, never added to what is
 * measured. */
struct history_row {
    uint32_t facility;
    int16_t year;
    uint8_t month; /* 1 .. 12; 0: all of the calendar year */
    uint8_t scope;
    int64_t mg;
    const char *evidence, *note;
};

/* A day off, or a day that is worked, of a facility, of a country ("CN"), or everywhere. */
struct holiday {
    int32_t day;
    uint32_t facility;   /* REGISTRY_NONE: not of one facility */
    const char *country; /* NULL: everywhere */
    bool works;          /* people work on it, also on a weekday off or a holiday */
    const char *name;
};

/* Whom a holiday is about, as a facility sees it; the highest decides. */
enum holiday_of { HOLIDAY_OF_OTHERS, HOLIDAY_OF_ALL, HOLIDAY_OF_COUNTRY, HOLIDAY_OF_FACILITY };

/* The weekdays off of a facility, as the tables of holidays give them. */
struct weekend {
    uint8_t of;       /* enum holiday_of; HOLIDAY_OF_OTHERS: the tables give none */
    uint8_t days_off; /* a bit per day, 1 << 0 is Monday */
};

struct targets {
    struct target *targets;         /* by id */
    struct ownership *ownerships;   /* by facility, then day */
    struct history_row *history;    /* by facility, then scope, year, month */
    struct holiday *holidays;       /* by day */
    const struct weekend *weekends; /* by facility; NULL: no table gives weekdays */
    uint32_t targets_count, ownerships_count, history_count, holidays_count;
    struct arena *arena; /* owns every string and array above */
};

void targets_destroy(struct targets **targets);

/* The part of the facility that counts on that day: PART_ONE for a facility without rows, 0 outside
 * the rows of a listed one. */
int64_t targets_share(const struct targets *targets, uint32_t facility, int32_t day,
                      enum approach approach);

/* mass * share / PART_ONE, half to even: the only place where a share is applied. The share is from
 * 0 to PART_ONE. */
int64_t share_of(int64_t mass, int64_t share);
/* The part that counts of a mass that was emitted evenly from first_day up to end_day. It is cut
 * where shares change, and rounded once in each stretch. */
int64_t targets_share_of_span(const struct targets *targets, uint32_t facility,
                              enum approach approach, int64_t mass, int32_t first_day,
                              int32_t end_day);

/* The history's row of a facility, scope and month; month 0 is the whole calendar year. NULL: there
 * is no such row. */
const struct history_row *targets_history(const struct targets *targets, uint32_t facility,
                                          int scope, int year, int month);

enum holiday_of holiday_of(const struct holiday *holiday, const struct registry *registry,
                           uint32_t facility);
/* The weekdays off of the facility: those of the tables, else `days_off`. */
uint8_t targets_days_off(const struct targets *targets, uint32_t facility, uint8_t days_off);
/* Whether people work there on that day: as the facility's row says, else its country's, else that
 * of everywhere; without any, if it is no weekday off. days_off: if the tables give no weekdays of
 * the facility; a bit per day, 1 << 0 is Monday. */
bool targets_works(const struct targets *targets, const struct registry *registry,
                   uint32_t facility, int32_t day, uint8_t days_off);

/* Whether the target is about that facility, too. */
bool target_has(const struct target *target, const struct registry *registry, uint32_t facility);
/* The target's scopes that no meter of its facilities has, a bit each as in `scopes`: nothing is
 * measured of them, so they count as 0. */
uint8_t target_unmetered(const struct target *target, const struct registry *registry);

#endif
