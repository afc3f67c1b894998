#include "config/registry/registry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/arena.h"
#include "base/id_index.h"
#include "config/units/units.h"

void registry_destroy(struct registry **registry)
{
    struct registry *gone = TAKE(*registry);
    if (gone == NULL)
        return;
    if (gone->meter_ids != NULL)
        id_index_fini(gone->meter_ids);
    if (gone->facility_ids != NULL)
        id_index_fini(gone->facility_ids);
    arena_destroy(&gone->arena);
    free(gone);
}

uint32_t registry_find_meter(const struct registry *registry, const char *id, size_t size)
{
    return id_index_find(registry->meter_ids, id, size);
}

uint32_t registry_meter_at(const struct registry *registry, uint32_t meter, int64_t time_ms)
{
    while (meter != REGISTRY_NONE) {
        const struct meter *version = &registry->meters[meter];
        if (time_ms < version->valid_from_ms)
            return REGISTRY_NONE;
        if (time_ms < version->valid_to_ms)
            return meter;
        meter = version->next_version;
    }
    return REGISTRY_NONE;
}

const struct unit_scale *registry_find_unit(const struct registry *registry, uint32_t meter,
                                            const char *unit, size_t size, bool *known_out)
{
    const struct meter *found = &registry->meters[meter];
    *known_out = true;
    if (strlen(found->own.unit) == size && memcmp(found->own.unit, unit, size) == 0)
        return &found->own;
    const struct unit_scale *scales = registry->units + found->units_first;
    for (uint32_t i = 0; i < found->units_count; i++)
        if (strlen(scales[i].unit) == size && memcmp(scales[i].unit, unit, size) == 0)
            return &scales[i];
    struct unit known;
    *known_out = unit_find(&known, unit, size);
    return NULL;
}

int64_t registry_expected_time(const struct registry *registry, const struct meter *meter,
                               int64_t from_ms, int64_t to_ms)
{
    from_ms = MAX(from_ms, meter->expected_from_ms);
    to_ms = MIN(to_ms, meter->valid_to_ms);
    if (!meter->expected || from_ms >= to_ms)
        return 0;
    if (meter->schedule == NULL)
        return to_ms - from_ms;
    uint32_t zone = registry->facilities[meter->facility].zone;
    return schedule_time(meter->schedule, &registry->local_times[zone], from_ms, to_ms);
}

uint32_t registry_find_facility(const struct registry *registry, const char *id, size_t size)
{
    return id_index_find(registry->facility_ids, id, size);
}

const struct factor_era *registry_era_at(const struct registry *registry,
                                         const struct facility *facility, int64_t time_ms)
{
    const struct factor_era *eras = registry->eras + facility->eras_first;
    uint32_t low = 0;
    uint32_t high = facility->eras_count;
    while (high - low > 1) { /* eras[low].from_ms <= time_ms < eras[high].from_ms */
        uint32_t middle = low + (high - low) / 2;
        if (eras[middle].from_ms <= time_ms)
            low = middle;
        else
            high = middle;
    }
    return &eras[low];
}
