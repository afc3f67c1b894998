/*
 * registry_builder.h - the group of five factories of the demonstration: what their meters would
 * show.
 *
 * Shifts, weekends and the sun follow each factory's own clock. Everything is a pure function of
 * meter, time and seed, in whole thousandths of the meter's unit.
 */
#ifndef GHGD_FACTORIES_H
#define GHGD_FACTORIES_H

#include "base/base.h"
#include "base/timestamp.h"

enum { FACTORY_FACILITIES = 5, FACTORY_STEP_MS = 5 * MINUTE_MS };

/* The machine or process behind a meter. */
enum factory_load {
    LOAD_THREE_SHIFTS, /* Monday to Saturday around the clock, a dip at each change */
    LOAD_TWO_SHIFTS,   /* Monday to Saturday, 06 to 22, a break at noon */
    LOAD_FRIDAY_OFF,   /* Saturday to Thursday, 08 to 20 */
    LOAD_OFFICE_DAY,   /* Monday to Friday, 08 to 17:30, lunch */
    LOAD_SUN,          /* daylight and clouds */
    LOAD_BACKUP,       /* hours in which the public grid fails */
    LOAD_DELIVERY      /* a tank lorry in the morning */
};

enum factory_reading { READING_INTERVAL, READING_REGISTER, READING_GAUGE, READING_DELIVERY };

struct factory_meter {
    const char *id;
    uint32_t facility;
    enum factory_reading reading;
    enum factory_load load;
    int64_t interval_ms;                   /* a multiple of FACTORY_STEP_MS */
    int64_t base_milli;                    /* per hour, always */
    int64_t load_milli;                    /* per hour more, at full load; of a delivery, in all */
    int64_t register_milli, modulus_milli; /* what a register shows first, and where it wraps */
    int64_t resolution_milli;              /* last digit that is shown */
};

struct factory_facility {
    const char *id, *time_zone;
    bool msgpack; /* its gateway speaks MessagePack, the others JSON */
};

/* A factory's own clock. */
struct factory_clock {
    int64_t day;     /* of the local calendar, counted from 1970-01-01 */
    int32_t minute;  /* of the day */
    int32_t weekday; /* 0 Sunday .. 6 Saturday */
};

extern const struct factory_facility factory_facilities[FACTORY_FACILITIES];
extern const struct factory_meter factory_meters[];
extern const uint32_t factory_meters_count;

/* 64 bits that look random, always the same for the same numbers. */
uint64_t factory_dice(uint64_t seed, uint64_t which, uint64_t when);

/* The flow through the meter, in thousandths of its unit an hour (a delivery: now). */
int64_t factory_rate(const struct factory_meter *meter, const struct factory_clock *clock,
                     uint64_t seed);

#endif
