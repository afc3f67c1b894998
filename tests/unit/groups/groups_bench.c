#include "tests/unit/groups/groups_bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/timestamp.h"
#include "config/targets/civil.h"

static const struct local_time utc[] = {{NULL, 0}};
static const char *zones[] = {"UTC"};
static const char *const ids[BENCH_FACILITIES] = {"site-0", "site-1", "site-2",
                                                  "site-3", "site-4", "site-5"};

void groups_bench_init(struct groups_bench *bench)
{
    *bench = (struct groups_bench){0};
    for (uint32_t i = 0; i < BENCH_FACILITIES; i++) {
        struct series *series = &bench->series[(size_t)i * BENCH_SERIES];
        bench->facilities[i] = (struct facility){.id = ids[i],
                                                 .time_zone = "UTC",
                                                 .valid_from_ms = INT64_MIN,
                                                 .valid_to_ms = INT64_MAX,
                                                 .meters_first = i,
                                                 .meters_count = 1,
                                                 .series_first = i * BENCH_SERIES,
                                                 .series_count = BENCH_SERIES};
        series[0] = (struct series){
            .facility = i, .scope = 1, .category = "stationary_combustion", .source = "gas"};
        series[1] = (struct series){
            .facility = i, .scope = 2, .category = "purchased_electricity", .source = "grid"};
        series[2] = (struct series){
            .facility = i, .quantity = QUANTITY_MASS, .category = "production", .source = "yarn"};
        bench->meters[i] =
            (struct meter){.facility = i,
                           .expected = true,
                           .valid_from_ms = INT64_MIN,
                           .valid_to_ms = INT64_MAX,
                           .expected_from_ms = civil_day(2020, 1, 1) * (int64_t)DAY_MS};
        if (id_index_set(&bench->facility_ids, ids[i], i) < 0)
            abort();
    }
    bench->registry = (struct registry){.facilities = bench->facilities,
                                        .series = bench->series,
                                        .meters = bench->meters,
                                        .zones = zones,
                                        .local_times = utc,
                                        .facilities_count = BENCH_FACILITIES,
                                        .series_count = BENCH_FACILITIES * BENCH_SERIES,
                                        .meters_count = BENCH_FACILITIES,
                                        .zones_count = 1,
                                        .facility_ids = &bench->facility_ids};
    bench->targets.ownerships = bench->ownerships;
}

void groups_bench_fini(struct groups_bench *bench)
{
    id_index_fini(&bench->facility_ids);
}

static uint32_t next(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

struct day_record groups_bench_record(uint32_t facility, int32_t day, uint64_t version,
                                      uint32_t seed, struct buffer *series)
{
    struct day_record record = {.day = day,
                                .figures = {.version = version,
                                            .revision = seed % 3,
                                            .meters_expected = 2,
                                            .meters_reporting = 1,
                                            .final = seed % 5 != 0,
                                            .scopes = 1 << 1 | 1 << 2}};
    uint32_t random = seed * 2654435761U + 1;
    (void)snprintf(record.facility, sizeof(record.facility), "%s", ids[facility]);
    for (size_t i = 1; i < FIGURE_COUNT; i++) {
        record.figures.scope[1].value[i] = next(&random);
        record.figures.scope[2].value[i] = -(int64_t)next(&random) * 1000003;
        if (i >= FIGURE_COVERED)
            record.figures.coverage.value[i] = next(&random);
    }
    record.figures.scope[2].value[FIGURE_GLITCHES] = 0;
    record.figures.weight_covered = next(&random);
    record.figures.weight_total = (int128)next(&random) << 60;
    day_series_add(series, "production", "yarn", "kg", (int64_t)seed * 1000);
    record.series_count = 1;
    record.series = series->data;
    record.series_size = series->size;
    return record;
}

void groups_bench_put(struct group_totals *totals, uint32_t facility, int32_t day, uint64_t version,
                      uint32_t seed)
{
    struct buffer series;
    struct buffer value;
    struct buffer why;
    char key[DAY_KEY_SIZE];
    buffer_init(&series, 1 << 16);
    buffer_init(&value, 1 << 16);
    buffer_init(&why, 1 << 10);
    struct day_record record = groups_bench_record(facility, day, version, seed, &series);
    day_record_encode(&record, &value);
    size_t size = day_key_print(key, ids[facility], day);
    if (group_totals_put(totals, key, size, value.data, value.size, &why) < 0 || why.size != 0)
        abort();
    buffer_fini(&series);
    buffer_fini(&value);
    buffer_fini(&why);
}
