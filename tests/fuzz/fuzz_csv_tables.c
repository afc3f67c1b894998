/*
 * Any bytes as a table of facilities, meters or factors (the first byte says which): the loader
 * must end with a registry that is whole, or name a fault.
 */
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/registry/tables.h"

#define FOLDER "tests/data/tables/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_schedule(const struct registry *registry, const struct meter *meter)
{
    const struct schedule *schedule = meter->schedule;
    int64_t day_ms = INT64_C(86400000);
    ASSERT(schedule->count > 0 && schedule->week_min <= SCHEDULE_WEEK_MIN);
    for (uint32_t i = 0; i < schedule->count; i++) {
        ASSERT(schedule->spans[i].from_min < schedule->spans[i].to_min);
        ASSERT(i == 0 || schedule->spans[i - 1].to_min < schedule->spans[i].from_min);
    }
    int64_t year_ms =
        schedule_time(schedule, &registry->local_times[registry->facilities[meter->facility].zone],
                      0, 364 * day_ms);
    ASSERT(year_ms >= 0 && year_ms <= 364 * day_ms);
}

static void check_meter(const struct registry *registry, uint32_t column)
{
    const struct meter *meter = &registry->meters[column];
    ASSERT(meter->facility < registry->facilities_count);
    ASSERT(meter->series < registry->series_count);
    ASSERT(meter->valid_from_ms < meter->valid_to_ms);
    ASSERT(meter->interval_ms > 0 && meter->readings_max > 0);
    if (meter->schedule != NULL)
        check_schedule(registry, meter);
    ASSERT(meter->cell_max > 0 && meter->cell_max <= CELL_MAX);
    ASSERT(meter->own.scale.num > 0 && meter->own.scale.den > 0);
    ASSERT(meter->units_first + meter->units_count <= registry->units_count);
    ASSERT(meter->next_version == REGISTRY_NONE || meter->next_version < registry->meters_count);
}

static void check_facility(const struct registry *registry, const struct facility *facility)
{
    ASSERT(facility->eras_count > 0);
    for (uint32_t i = 0; i < facility->eras_count; i++) {
        const struct factor_era *era = &registry->eras[facility->eras_first + i];
        ASSERT(registry_era_at(registry, facility, era->from_ms) == era);
        for (uint32_t at = 0; at < facility->meters_count * RATE_COUNT; at++)
            ASSERT(era->factor[at] >= 0 && isfinite(era->factor[at]));
    }
}

static void load(const struct tables_conf *conf)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 20};
    struct registry *registry = NULL;
    int err = registry_build(&registry, conf, &faults);
    ASSERT(err == 0 || err == ERR_CONFIG);
    ASSERT((err == 0) == (registry != NULL) && (err == 0) == (faults.errors == 0));
    for (uint32_t i = 0; err == 0 && i < registry->meters_count; i++)
        check_meter(registry, i);
    for (uint32_t i = 0; err == 0 && i < registry->facilities_count; i++)
        check_facility(registry, &registry->facilities[i]);
    registry_destroy(&registry);
    buffer_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    int file = memfd_create("table.csv", MFD_CLOEXEC);
    ASSERT(file >= 0);
    ASSERT(write(file, data + 1, size - 1) == (ssize_t)(size - 1));
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    const char *const factors[] = {path};
    struct tables_conf conf = {
        .facilities = data[0] % 4 == 0 ? path : FOLDER "bad_facilities.csv",
        .meters = data[0] % 4 == 1 ? path : FOLDER "one_meter.csv",
        .factors = factors,
        .factors_count = data[0] % 4 == 2,
        .catalogue = FOLDER "small_catalogue",
        .countries = data[0] % 4 == 3 ? path : "config/factors/countries.csv",
        .group_levels = {"region"},
        .group_levels_count = 1,
        .gwp_set = "AR5",
        .bucket_ms = 900000,
        .horizon_ms = INT64_C(7) * 86400000,
        .fiscal_year_start = 1,
    };
    load(&conf);
    close(file);
    return 0;
}
