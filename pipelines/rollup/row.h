/*
 * row.h - one point of the output, before it is text: a pure function of panel, registry, calendar.
 *
 * Its key is (kind, level, facility, series, window start); under that key it overwrites its own
 * earlier revision. Names come from the registry of the same generation.
 */
#ifndef GHGD_ROW_H
#define GHGD_ROW_H

#include "config/calendar/calendar.h"
#include "config/registry/registry.h"
#include "pipelines/delivery/mark.h"
#include "pipelines/emissions/figures.h"

enum row_kind {
    ROW_EMISSIONS, /* emissions_15m, emissions_1h, ...: one per series */
    ROW_COVERAGE,  /* coverage_15m, coverage_1h, ...: one per facility, also when it is silent */
    ROW_ENERGY,    /* energy_15m, energy_1h, ...: beside each of those, if meters of the facility
                      count electricity */
    ROW_KIND_COUNT
};

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
    uint8_t kind, level;
    bool final;
    uint8_t unknown;           /* ROW_ENERGY: a bit for each of the energies that is null */
    uint32_t partition;        /* the shard that has to hear of the acknowledgement */
    uint32_t facility, series; /* series is REGISTRY_NONE, except for ROW_EMISSIONS */
    struct window window;
    uint32_t revision; /* changes after the watermark had passed the window: 0, 1, 2 ... */
    uint32_t version;  /* grows whenever the row's content may differ from an earlier write */
    uint32_t meters_expected, meters_reporting; /* ROW_COVERAGE */
    uint32_t flows_unknown;                     /* ROW_ENERGY: how many flows are null */
    int128 weight_covered, weight_total;        /* ROW_COVERAGE: site_weights.h */
    struct figures figures; /* from FIGURE_COVERED on; ROW_EMISSIONS: all of them */
};

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
