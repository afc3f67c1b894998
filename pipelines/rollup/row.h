/*
 * row.h - one point of the output, before it is text: a pure function of panel, registry, calendar.
 *
 * Its key is (kind, level, facility, series, window start); under that key it overwrites its own
 * earlier revision. Names come from the registry of the same generation. A row of a target has the
 * target in place of the series, and its numbers in place of the figures.
 */
#ifndef GHGD_ROW_H
#define GHGD_ROW_H

#include "config/calendar/calendar.h"
#include "config/registry/registry.h"
#include "pipelines/delivery/mark.h"
#include "pipelines/emissions/figures.h"

struct target;

enum row_kind {
    ROW_EMISSIONS,    /* emissions_15m, emissions_1h, ...: one per series */
    ROW_COVERAGE,     /* coverage_15m, coverage_1h, ...: one per facility, also when it is silent */
    ROW_ENERGY,       /* energy_15m, energy_1h, ...: beside each of those, if meters of the facility
                         count electricity */
    ROW_WINDOW_KINDS, /* those above are of a facility's windows, those below of a target */
    ROW_TRAJECTORY = ROW_WINDOW_KINDS, /* one at each stamp; never written with other content */
    ROW_TRAJECTORY_NOW,                /* one for each target year, in place */
    ROW_ALERT,                         /* one for each change of level, at the stamp of its row */
    ROW_KIND_COUNT
};

/* The numbers of a row of a target, in the place of a source's figures. Masses are milligrams of
 * CO2e, parts are of 1e9, instants and dates (00:00 UTC of them) are milliseconds since 1970.
 * NULL_NUMBER: the number is not known, or does not exist. */
enum course_number {
    COURSE_STAMP, /* the instant that it stands for */
    COURSE_DAY,   /* a date */
    COURSE_BASE_VERSION,
    COURSE_BASE,
    COURSE_BUDGET,
    COURSE_SHARE, /* W: the part of the budget that is due */
    COURSE_DUE,
    COURSE_YTD, /* year to date */
    COURSE_YTD_ESTIMATED,
    COURSE_OVER,     /* year to date less what is due */
    COURSE_COVERAGE, /* of the year to date: a part */
    COURSE_SLIP,     /* g: 0.0001 */
    COURSE_FORECAST, /* the model's year end, and its interval */
    COURSE_FORECAST_LOW,
    COURSE_FORECAST_HIGH,
    COURSE_FORECAST_RATIO,   /* year to date by share */
    COURSE_MISS_PROBABILITY, /* 0.001 */
    COURSE_USED_UP_DAY,      /* a date */
    COURSE_TRAILING,         /* the last twelve complete months */
    COURSE_NEEDED_TO_END,    /* parts a year */
    COURSE_NEEDED_CUMULATIVE,
    COURSE_ACHIEVED,  /* a part */
    COURSE_OVERSHOOT, /* of closed years */
    COURSE_LEVEL,     /* enum alert_level, after the row */
    COURSE_RESTATED,  /* 0 or 1 */
    COURSE_COUNTED,   /* 0 or 1 */
    /* Known or not: a store that merges fields keeps the value of one that became null. 0 or 1. */
    COURSE_FORECAST_KNOWN,
    COURSE_INTERVAL_KNOWN,
    COURSE_USED_UP,
    /* ROW_ALERT and ROW_TRAJECTORY_NOW: the largest contributions. registry->series; if the target
     * is of no facility, registry->facilities. */
    COURSE_SOURCE_1,
    COURSE_SOURCE_2,
    COURSE_SOURCE_3,
    COURSE_SOURCE_1_YTD,
    COURSE_SOURCE_2_YTD,
    COURSE_SOURCE_3_YTD,
    /* ROW_ALERT alone. */
    COURSE_EVENT,  /* enum course_event */
    COURSE_NUMBER, /* of the target's changes of level */
    COURSE_LEVEL_FROM,
    COURSE_STARTED, /* the level left ok */
    COURSE_ENDED,   /* it is ok again */
    COURSE_NUMBERS
};
#define NULL_NUMBER INT64_MIN

/* The numbers of a row of ROW_ENERGY, in the places of a source's figures. Micro-kWh, and ms. */
enum balance {
    BALANCE_IMPORT,
    BALANCE_EXPORT,
    BALANCE_GENERATION,
    BALANCE_OWN_USE,     /* generation - export */
    BALANCE_CONSUMPTION, /* import + generation - export */
    BALANCE_ENERGIES,
    BALANCE_IMPORT_COVERED = BALANCE_ENERGIES,
    BALANCE_IMPORT_EXPECTED,
    BALANCE_EXPORT_COVERED,
    BALANCE_EXPORT_EXPECTED,
    BALANCE_GENERATION_COVERED,
    BALANCE_GENERATION_EXPECTED,
    BALANCE_COUNT
};
_Static_assert((int)BALANCE_COUNT <= (int)FIGURE_COVERED, "from there on it has figures too");

struct row {
    uint8_t kind, level; /* of a target: LEVEL_DAY a closed day, LEVEL_HOUR a running one,
                            LEVEL_YEAR the year */
    bool final;
    uint8_t unknown;    /* ROW_ENERGY: a bit for each of the energies that is null */
    uint32_t partition; /* the shard that has to hear of the acknowledgement */
    /* series is REGISTRY_NONE, except for ROW_EMISSIONS; so is the facility of a target that is of
     * a group or the whole. */
    uint32_t facility, series;
    struct window window; /* of a stamp: both ends are the stamp */
    uint32_t revision;    /* changes after the watermark had passed the window: 0, 1, 2 ... */
    uint32_t version;     /* grows whenever the row's content may differ from an earlier write */
    uint32_t meters_expected, meters_reporting; /* ROW_COVERAGE */
    uint32_t flows_unknown;                     /* ROW_ENERGY: how many flows are null */
    const struct target *target;                /* not of ROW_WINDOW_KINDS: it outlives the row */
    int128 weight_covered, weight_total;        /* ROW_COVERAGE: site_weights.h */
    union {
        struct figures figures; /* from FIGURE_COVERED on; ROW_EMISSIONS: all of them */
        int64_t course[COURSE_NUMBERS];
    };
};
_Static_assert(sizeof(int64_t[COURSE_NUMBERS]) <= sizeof(struct figures), "a row does not grow");

/* Rows that travel together to one sink. The sink owns a block from submit until it is done. */
struct block {
    uint32_t count, capacity;
    uint32_t sink;                   /* index of the sink it is for */
    int64_t taken_ms;                /* the loop's time when its rows were taken */
    enum block_end end;              /* set by the sink, when it gives the block back */
    const struct registry *registry; /* kept alive until the block is done */
    struct row *rows;
};

int block_create(struct block **block_out, uint32_t capacity) MUST_CHECK;
void block_destroy(struct block **block);

#endif
