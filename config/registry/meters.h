/*
 * meters.h - the table of meters: what each counts, how it is read, and which factor rates it.
 *
 * An id may stand in several rows with validities that do not overlap: versions of one meter, whose
 * multiplier, unit or factor changed.
 */
#ifndef GHGD_METERS_H
#define GHGD_METERS_H

#include "config/registry/conversion_table.h"
#include "config/registry/facilities.h"

enum meter_column {
    METER_ID,
    METER_FACILITY,
    METER_KIND,
    METER_QUANTITY,
    METER_UNIT,
    METER_MULTIPLIER,
    METER_DIGITS,
    METER_DECIMALS,
    METER_MODULUS,
    METER_RESTARTS,
    METER_MAX_RATE,
    METER_INTERVAL,
    METER_STAMP,
    METER_HOLD,
    METER_SCHEDULE,
    METER_EXPECTED_EVERY,
    METER_BETWEEN,
    METER_RECONCILE,
    METER_SCOPE,
    METER_CATEGORY,
    METER_SOURCE,
    METER_FACTOR,
    METER_BASIS,
    METER_NEGATIVE,
    METER_ROLE,
    METER_PARENT,
    METER_TOLERANCE,
    METER_LINE_PRESSURE,
    METER_LINE_TEMPERATURE,
    METER_LINE_Z,
    METER_ATMOSPHERE,
    METER_REFERENCE,
    METER_REFERENCE_Z,
    METER_CORRECTED,
    METER_STEAM,
    METER_FEEDWATER,
    METER_ON_CONFLICT,
    METER_MAX_AMOUNT,
    METER_CAPACITY,
    METER_ACCRUE,
    METER_VALID_FROM,
    METER_VALID_TO,
    METER_COLUMNS
};

struct meter_row {
    struct meter meter; /* without series and what depends on its place among the others */
    struct activity_unit activity; /* what it counts */
    struct activity_unit read;     /* what its readings are in: the same, or m3 of a line, or kg */
    struct ratio conversion;       /* canonical units of `activity` in one of `read` */
    bool rate;                     /* gauges: its units are per hour */
    struct ratio multiplier;       /* that of the column times the conversion */
    uint8_t scope;
    const char *category, *source;
    const char *parent; /* the id of its main meter; "" if none */
    uint32_t factor;    /* first edition in the factor table, or ID_INDEX_NONE for `none` */
    uint32_t next;      /* the next version of the id, or ID_INDEX_NONE */
    int line, parent_column;
    int tolerance_column; /* 0: it is not given */
};

struct meter_table {
    struct arena *arena; /* borrowed: the registry's */
    const struct facility_table *facilities;
    const struct factor_table *factors;
    struct conversion_table conversions; /* every edition of the factors that meters have */
    struct meter_row *rows;              /* in the order of the file */
    uint32_t count, capacity;
    struct id_index ids; /* first version by id */
    struct csv_refused refused;
    uint32_t states_assumed; /* meters whose gas volume names no state */
    int state_assumed_line;  /* of the first */
    uint32_t bounds_missing; /* registers and intervals without max_rate */
    int bound_missing_line;  /* of the first */
    uint32_t unbounded;      /* meters that are expected from their own first reading */
    int unbounded_line;      /* of the first */
    uint8_t *grid_reported;  /* by facility: its missing grid factor was reported */
};

void meters_init(struct meter_table *table, struct arena *arena,
                 const struct facility_table *facilities, const struct factor_table *factors);
void meters_fini(struct meter_table *table);
/* Returns 0 (faults reported), or -ENOMEM. */
int meters_load(struct meter_table *table, const struct tables_conf *conf,
                struct faults *faults) MUST_CHECK;

#endif
