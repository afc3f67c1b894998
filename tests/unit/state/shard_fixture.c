#include "tests/unit/state/shard_fixture.h"
#include "base/id_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct meter meters[METERS] = {
    {.id = "grid", .facility = 0, .series = 0, .kind = KIND_INTERVAL},
    {.id = "gas", .facility = 0, .series = 1, .kind = KIND_REGISTER},
    {.id = "pv", .facility = 0, .series = 2, .kind = KIND_GAUGE, .hold_ms = 30 * MIN_MS},
    {.id = "grid2", .facility = 1, .series = 3, .kind = KIND_INTERVAL},
    {.id = "diesel", .facility = 1, .series = 4, .kind = KIND_DELIVERY},
};
static struct series series[METERS] = {
    {.facility = 0,
     .meters_first = 0,
     .meters_count = 1,
     .scope = 2,
     .category = "power",
     .source = "grid"},
    {.facility = 0,
     .meters_first = 1,
     .meters_count = 1,
     .scope = 1,
     .category = "stationary",
     .source = "gas"},
    {.facility = 0,
     .meters_first = 2,
     .meters_count = 1,
     .scope = 0,
     .category = "power",
     .source = "pv"},
    {.facility = 1,
     .meters_first = 3,
     .meters_count = 1,
     .scope = 2,
     .category = "power",
     .source = "grid"},
    {.facility = 1,
     .meters_first = 4,
     .meters_count = 1,
     .scope = 1,
     .category = "mobile",
     .source = "diesel"},
};
static struct facility facilities[2] = {
    {.id = "pune",
     .time_zone = "Asia/Kolkata",
     .meters_first = 0,
     .meters_count = 3,
     .series_first = 0,
     .series_count = 3,
     .eras_first = 0,
     .eras_count = 1},
    {.id = "troy",
     .time_zone = "America/New_York",
     .meters_first = 3,
     .meters_count = 2,
     .series_first = 3,
     .series_count = 2,
     .eras_first = 1,
     .eras_count = 1},
};
static const double factors[RATE_COUNT * 3] = {0.7117, 2.02, 0.0, 0.0, 0.00003, 0.0,  0.0, 0.000003,
                                               0.0,    0.0,  0.0, 0.0, 0.7117,  2.03, 0.0};
static const uint32_t factor_id[3];
static struct factor_era eras[2] = {{INT64_MIN, factors, factor_id},
                                    {INT64_MIN, factors, factor_id}};
struct registry registry = {.meters = meters,
                            .series = series,
                            .facilities = facilities,
                            .eras = eras,
                            .meters_count = METERS,
                            .series_count = METERS,
                            .facilities_count = 2,
                            .eras_count = 2};
const struct window_conf windows = {.bucket_ms = 15 * MIN_MS,
                                    .allowed_delay_ms = 5 * MIN_MS,
                                    .grace_ms = 10 * MIN_MS,
                                    .horizon_ms = 2 * DAY_MS,
                                    .early_tolerance_ms = HOUR_MS,
                                    .backfill_max_ms = 400 * DAY_MS,
                                    .idle_timeout_ms = HOUR_MS,
                                    .fiscal_year_start = 1};

int set_up_registry(void **state)
{
    (void)state;
    static struct id_index facility_ids;
    registry.facility_ids = &facility_ids;
    for (uint32_t i = 0; i < ARRAY_LEN(facilities); i++)
        assert_int_equal(id_index_set(&facility_ids, facilities[i].id, i), 0);
    for (size_t i = 0; i < METERS; i++) {
        meters[i].interval_ms = 15 * MIN_MS;
        meters[i].expected = meters[i].kind != KIND_DELIVERY;
        meters[i].valid_from_ms = INT64_MIN;
        meters[i].valid_to_ms = INT64_MAX;
        meters[i].expected_from_ms = INT64_MIN;
        meters[i].first_version = (uint32_t)i;
        meters[i].next_version = REGISTRY_NONE;
        meters[i].readings_max = 1024;
        meters[i].cell_max = CELL_MAX;
    }
    return 0;
}

void drain(struct shard *shard, struct block *block, struct output *output)
{
    block->count = 0;
    while (shard_take_rows(shard, 0, TAKE_CLOSING, block) > 0) {
        for (uint32_t i = 0; i < block->count; i++) {
            assert_true(output->count < ROWS_MAX);
            output->rows[output->count++] = block->rows[i];
            shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
        }
        block->count = 0;
    }
}

struct shard *make_shard(void)
{
    struct shard_context context = {
        .registry = &registry, .window = &windows, .kernels = tests_kernels(), .sinks_count = 1};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

void fill_batch(struct batch *batch, const struct input *from, size_t count)
{
    batch_clear(batch);
    for (size_t i = 0; i < count; i++) {
        *batch_add(batch) = (struct batch_event){.meter = from[i].meter,
                                                 .start_ms = from[i].start_ms,
                                                 .end_ms = from[i].end_ms,
                                                 .value = from[i].value,
                                                 .revision = (uint16_t)from[i].revision,
                                                 .quality = QUALITY_ACTUAL,
                                                 .arrived_ms = INT64_MIN,
                                                 .offset = (int64_t)i};
    }
}

void sum_level(const struct output *output, int level, struct figures sums[METERS])
{
    memset(sums, 0, METERS * sizeof(*sums));
    for (size_t i = 0; i < output->count; i++) {
        const struct row *row = &output->rows[i];
        if (row->kind == ROW_EMISSIONS && row->level == level)
            figures_add(&sums[row->series], &row->figures);
    }
}

/* ---- rows that are taken into one block ---- */

enum { TAKEN_ROWS_MAX = 5000 };
struct block *taken_rows;
static struct batch one;

int set_up_taken(void **state)
{
    return set_up_registry(state) != 0 ? -1 : block_create(&taken_rows, TAKEN_ROWS_MAX);
}

int tear_down_taken(void **state)
{
    (void)state;
    block_destroy(&taken_rows);
    return 0;
}

void apply_used(struct shard *shard, uint32_t meter, int64_t start_ms, int64_t end_ms)
{
    struct input input = {meter, start_ms, end_ms, U, 0};
    fill_batch(&one, &input, 1);
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    assert_int_equal(one.events[0].outcome, OUTCOME_USED);
}

void take_rows(struct shard *shard)
{
    taken_rows->count = 0;
    shard_take_rows(shard, 0, TAKE_ALL, taken_rows);
}

void end_rows(struct shard *shard, enum block_end end)
{
    for (uint32_t i = 0; i < taken_rows->count; i++)
        shard_end_row(shard, 0, &taken_rows->rows[i], end);
}

const struct row *find_coverage(uint32_t facility, enum level level, int64_t time_ms)
{
    for (uint32_t i = 0; i < taken_rows->count; i++) {
        const struct row *row = &taken_rows->rows[i];
        if (row->kind == ROW_COVERAGE && row->facility == facility && row->level == level &&
            row->window.start_ms <= time_ms && time_ms < row->window.end_ms)
            return row;
    }
    return NULL;
}
