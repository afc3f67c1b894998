/*
 * registry.h - meters, facilities, series and factors as loaded: dense ids, immutable once built.
 *
 * A reload builds a new registry and swaps it. Everyone may read it, from any thread. Meters are
 * ordered by facility, then by series, then by id: a facility's meters are one run of columns, and
 * so are a series' meters within it.
 */
#ifndef GHGD_REGISTRY_H
#define GHGD_REGISTRY_H

#include "base/decimal.h"
#include "base/limits.h"
#include "base/measure.h"
#include "config/calendar/schedule.h"

enum { REGISTRY_NONE = UINT32_MAX };

enum stamp { STAMP_NONE, STAMP_START, STAMP_END };

/* How a reading in one unit becomes micro-units of the canonical unit, multiplier included. */
struct unit_scale {
    char unit[32]; /* as written in events and tables */
    struct ratio scale;
};

/* One version of a meter: the same id has several when its multiplier or factor changes. */
struct meter {
    const char *id;
    uint32_t facility, series;
    uint32_t parent;        /* if has_parent: column of the first version of its main meter */
    uint32_t next_version;  /* column of the next version of the same id, by valid_from; or NONE */
    uint32_t first_version; /* column of the first version of the same id */
    uint32_t readings_max;  /* capacity of the meter's journal within the horizon */
    uint32_t tolerance_ppm; /* of the main meter: how far sub-meters or a check meter may be off */
    uint8_t kind, quantity; /* enum meter_kind, enum quantity */
    uint8_t stamp;          /* enum stamp: what a lone `time` of an interval meter means */
    uint8_t on_conflict;    /* enum conflict_policy */
    bool negative;          /* readings below zero are accepted */
    bool versioned;  /* registers: there are others of the same id (config/registry/counters.h) */
    bool restarts;   /* registers: after a fall the value counts from zero */
    bool accrues;    /* stocks: consumption goes on behind the last dip, at the last rate */
    bool total;      /* intervals: one that better ones lie in is the total of its time */
    bool step;       /* gauges: a sample holds until the next; else a line joins the two */
    bool has_parent; /* its main meter counts the rest only */
    bool check;      /* it is kept beside others, and books nothing */
    bool expected;   /* counts towards coverage (not deliveries, not check meters) */
    /* Bounds of every reading: the plausible maximum in canonical micro-units per hour, 0
     * unknown; |activity| of a cell, CELL_MAX, or less so that no mass exceeds it. */
    int64_t rate_max, cell_max;
    struct calendar_length length, every; /* of the calendar, if `interval` or every_ms is one */
    int64_t interval_ms; /* nominal distance of readings, > 0; about, for lengths of calendar */
    int64_t every_ms;    /* documents: until the next one is due; about, as well; 0: not told */
    int64_t hold_ms;     /* gauges: the longest time that a sample speaks for */
    int64_t register_modulus; /* registers: canonical micro-units at which it wraps; 0 unknown */
    int64_t register_digit;   /* registers: one unit of the last digit; 0: as they are written */
    /* Registers, if versioned: [from, to) of their counter, which may outlast the version. */
    int64_t counter_from_ms, counter_to_ms;
    const char *rate_max_text; /* rate_max as the table has it, for people; NULL unknown */
    int64_t amount_max,
        capacity; /* of one delivery, of a stock: canonical micro-units; 0 unknown */
    const char *amount_max_text, *capacity_text; /* for people; NULL unknown */
    int64_t valid_from_ms, valid_to_ms; /* [from, to) in UTC; INT64_MIN and INT64_MAX if open */
    /* From then on it is expected to report, if at all: valid_from, or else the option
     * windows.reporting_from. INT64_MIN: from its own first reading. */
    int64_t expected_from_ms;
    const struct schedule
        *schedule;         /* of local clocks: it is expected within it only; NULL: always */
    struct unit_scale own; /* for events without `unit` */
    uint32_t units_first, units_count; /* registry->units: what other units events may use */
    const char *factor_name;           /* for people: the factor that rates it now */
};

/* One line of the output: what a facility emits from one source. */
struct series {
    uint32_t facility;
    uint32_t meters_first, meters_count;
    uint8_t scope;    /* 0 outside the scopes, 1, 2, 3 */
    uint8_t quantity; /* unit of its activity */
    uint8_t flow;     /* enum flow: its part of the balance of electricity */
    const char *category, *source;
};

/* The factor matrix of a facility's meters over a span of time. Doubles, per micro-unit of activity
 * and in units of rate_decimals(): factor[row * meters_count + (column - meters_first)]. */
struct factor_era {
    int64_t from_ms;           /* until the next era's from_ms */
    const double *factor;      /* RATE_COUNT rows of the facility's meters_count */
    const uint32_t *factor_id; /* per meter: registry->factors, or REGISTRY_NONE */
};

struct facility {
    const char *id, *name;
    const char *groups[GROUP_LEVELS_MAX]; /* NULL where a level is empty */
    const char *time_zone, *country, *grid_region;
    uint32_t zone;                      /* registry->zones */
    uint8_t flows;                      /* a bit per enum flow that some meter of it books */
    int64_t valid_from_ms, valid_to_ms; /* [from, to) in UTC, which bounds that of its meters */
    uint32_t meters_first, meters_count;
    uint32_t series_first, series_count;
    uint32_t eras_first, eras_count; /* registry->eras; at least one, from INT64_MIN on */
};

/* One edition of a factor, for explanations and the catalogue listing. */
struct factor {
    const char *name, *edition, *issuer, *source, *table, *basis, *gases, *boundary, *conditions,
        *confidence, *unit, *note;
    const char *valid_from, *valid_to;
};

struct id_index;

struct registry {
    uint64_t generation; /* counts up with every registry built by this process */
    struct meter *meters;
    struct series *series;
    struct facility *facilities;
    struct factor_era *eras;
    struct unit_scale *units;
    struct factor *factors;
    const char **zones;                   /* IANA names */
    const struct local_time *local_times; /* of the zones */
    const char *group_levels[GROUP_LEVELS_MAX];
    uint32_t meters_count, series_count, facilities_count, eras_count, units_count, factors_count,
        zones_count, group_levels_count;
    const char *gwp_set;                       /* "AR5" */
    struct id_index *meter_ids, *facility_ids; /* the first version; the facility */
    struct arena *arena;                       /* owns every string and array above */
};

void registry_destroy(struct registry **registry);

/* The first version of the meter with this id, or REGISTRY_NONE. Hot: one hash, no allocation. */
uint32_t registry_find_meter(const struct registry *registry, const char *id, size_t size);
/* The version valid at `time_ms` in the chain that begins at `meter`, or REGISTRY_NONE. */
uint32_t registry_meter_at(const struct registry *registry, uint32_t meter, int64_t time_ms);
/* The unit scale of an event's `unit` for this meter; NULL if the unit is unknown to it, and then
 * *known_out tells whether it is a unit at all. */
const struct unit_scale *registry_find_unit(const struct registry *registry, uint32_t meter,
                                            const char *unit, size_t size, bool *known_out);
/* How long of [from_ms, to_ms) the meter is expected to report, as far as the tables say. */
int64_t registry_expected_time(const struct registry *registry, const struct meter *meter,
                               int64_t from_ms, int64_t to_ms);
uint32_t registry_find_facility(const struct registry *registry, const char *id, size_t size);
/* The era of the facility in which `time_ms` lies. */
const struct factor_era *registry_era_at(const struct registry *registry,
                                         const struct facility *facility, int64_t time_ms);

#endif
