#include "tests/unit/state/registry_builder.h"

#include <string.h>

#include "base/timestamp.h"

static struct facility *add_facility(struct plant *plant, const char *id)
{
    struct registry *registry = &plant->registry;
    uint32_t index = registry->facilities_count;
    if (index > 0 && strcmp(plant->facilities[index - 1].id, id) == 0)
        return &plant->facilities[index - 1];
    ASSERT(index < PLANT_FACILITIES_MAX);
    struct facility *facility = &plant->facilities[index];
    *facility = (struct facility){.id = id,
                                  .time_zone = "America/New_York",
                                  .meters_first = registry->meters_count,
                                  .series_first = registry->series_count,
                                  .eras_first = index,
                                  .eras_count = 1};
    plant->eras[index] = (struct factor_era){
        .from_ms = INT64_MIN, .factor = plant->factors[index], .factor_id = plant->factor_ids};
    int err = id_index_set(&plant->facility_ids, id, index);
    ASSERT(err == 0);
    registry->facilities_count = registry->eras_count = index + 1;
    return facility;
}

static void add_series(struct plant *plant, struct facility *facility,
                       const struct built_meter *meter)
{
    struct registry *registry = &plant->registry;
    struct series *last = &plant->series[registry->series_count - (facility->series_count > 0)];
    if (facility->series_count > 0 && strcmp(last->category, meter->category) == 0 &&
        strcmp(last->source, meter->source) == 0) {
        last->meters_count++;
        return;
    }
    plant->series[registry->series_count++] =
        (struct series){.facility = registry->facilities_count - 1,
                        .meters_first = registry->meters_count,
                        .meters_count = 1,
                        .scope = 1,
                        .category = meter->category,
                        .source = meter->source};
    facility->series_count++;
}

void plant_init(struct plant *plant, const struct built_meter *meters_in, size_t count)
{
    ASSERT(count <= PLANT_METERS_MAX);
    *plant = (struct plant){0};
    struct registry *registry = &plant->registry;
    registry->meters = plant->meters;
    registry->series = plant->series;
    registry->facilities = plant->facilities;
    registry->eras = plant->eras;
    registry->facility_ids = &plant->facility_ids;
    for (size_t i = 0; i < count; i++) {
        struct facility *facility = add_facility(plant, meters_in[i].facility);
        add_series(plant, facility, &meters_in[i]);
        plant->meters[registry->meters_count++] = (struct meter){
            .id = meters_in[i].id,
            .facility = registry->facilities_count - 1,
            .series = registry->series_count - 1,
            .next_version = REGISTRY_NONE,
            .first_version = (uint32_t)i,
            .readings_max = 1024,
            .kind = meters_in[i].kind,
            .expected = meters_in[i].kind != KIND_DELIVERY,
            .interval_ms = 15 * MINUTE_MS,
            .hold_ms = 30 * MINUTE_MS,
            .valid_from_ms =
                meters_in[i].valid_from_ms > 0 ? meters_in[i].valid_from_ms : INT64_MIN,
            .valid_to_ms = INT64_MAX,
            .expected_from_ms =
                meters_in[i].valid_from_ms > 0 ? meters_in[i].valid_from_ms : INT64_MIN,
            .own.scale = {meters_in[i].multiplier > 0 ? meters_in[i].multiplier : 1, 1},
            .cell_max = CELL_MAX};
        plant->factors[registry->facilities_count - 1][facility->meters_count++] =
            meters_in[i].factor;
    }
    for (uint32_t i = 0; i < registry->facilities_count; i++)
        for (uint32_t k = 0; k < plant->facilities[i].meters_count; k++)
            plant->factors[i][(size_t)RATE_ENERGY * plant->facilities[i].meters_count + k] =
                BUILT_ENERGY;
}

void plant_fini(struct plant *plant)
{
    id_index_fini(&plant->facility_ids);
}
