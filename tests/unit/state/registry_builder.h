/*
 * registry_builder.h - registries built from a list of meters, so that two of them can differ a
 * little.
 */
#ifndef GHGD_TEST_PLANT_H
#define GHGD_TEST_PLANT_H

#include "base/id_index.h"
#include "config/registry/registry.h"

enum { PLANT_METERS_MAX = 16, PLANT_FACILITIES_MAX = 4 };
#define BUILT_ENERGY 0.0036 /* GJ per unit, of each meter */

/* In the order of columns: by facility, then by series. */
struct built_meter {
    const char *facility, *id;
    uint8_t kind;
    const char *category, *source;
    double factor; /* mg of CO2 per micro-unit */
    int64_t multiplier, valid_from_ms;
};

struct plant {
    struct registry registry;
    struct meter meters[PLANT_METERS_MAX];
    struct series series[PLANT_METERS_MAX];
    struct facility facilities[PLANT_FACILITIES_MAX];
    struct factor_era eras[PLANT_FACILITIES_MAX];
    double factors[PLANT_FACILITIES_MAX][RATE_COUNT * PLANT_METERS_MAX];
    uint32_t factor_ids[PLANT_METERS_MAX];
    struct id_index facility_ids;
};

void plant_init(struct plant *plant, const struct built_meter *meters, size_t count);
void plant_fini(struct plant *plant);

#endif
