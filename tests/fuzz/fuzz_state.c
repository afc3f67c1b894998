/*
 * Any bytes as the state of a shard: refused, or a state that goes on, is saved again, and then
 * loads to the same bytes.
 *
 * The first byte says whether the rest is a full payload (even) or what changed since a good one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/id_index.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "pipelines/emissions/kernels.h"
#include "pipelines/state/shard.h"

#define START_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

enum { METERS = 4, SINKS = 2, PAYLOAD_MAX = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define METER(name, index, meter_kind)                                                             \
    {                                                                                              \
        .id = (name), .series = (index), .kind = (meter_kind), .expected = true,                   \
        .first_version = (index), .next_version = REGISTRY_NONE, .readings_max = 300,              \
        .interval_ms = HOUR_MS, .hold_ms = 2 * HOUR_MS, .valid_from_ms = INT64_MIN,                \
        .valid_to_ms = INT64_MAX, .expected_from_ms = INT64_MIN, .own.scale = {1, 1},              \
        .cell_max = CELL_MAX                                                                       \
    }
#define SERIES(index, name)                                                                        \
    {                                                                                              \
        .meters_first = (index), .meters_count = 1, .scope = 1, .category = "c", .source = (name)  \
    }

#define TARGET(ident, scope_bits, month)                                                           \
    {                                                                                              \
        .id = (ident), .name = "f", .scopes = (scope_bits), .year_start = (month),                 \
        .meter = REGISTRY_NONE, .base_year = 2024, .target_year = 2030, .base_mg = 1000000000,     \
        .cut = PART_ONE / 2                                                                        \
    }

static struct meter meters[METERS] = {METER("a", 0, KIND_INTERVAL), METER("b", 1, KIND_REGISTER),
                                      METER("c", 2, KIND_GAUGE), METER("d", 3, KIND_DELIVERY)};
static struct series series[METERS] = {SERIES(0, "a"), SERIES(1, "b"), SERIES(2, "c"),
                                       SERIES(3, "d")};
static struct facility facility = {.id = "f",
                                   .valid_from_ms = INT64_MIN,
                                   .valid_to_ms = INT64_MAX,
                                   .time_zone = "Europe/Berlin",
                                   .meters_count = METERS,
                                   .series_count = METERS,
                                   .eras_count = 1};
static const double factors[RATE_COUNT * METERS] = {0.5, 2.0, 1.0, 0.25};
static const uint32_t factor_ids[METERS];
static struct factor_era era = {INT64_MIN, factors, factor_ids};
static struct id_index facility_ids;
static const struct local_time utc;
static const struct registry registry = {.meters = meters,
                                         .series = series,
                                         .facilities = &facility,
                                         .eras = &era,
                                         .meters_count = METERS,
                                         .series_count = METERS,
                                         .facilities_count = 1,
                                         .eras_count = 1,
                                         .facility_ids = &facility_ids,
                                         .local_times = &utc};
static struct target target_rows[] = {TARGET("t", 1U << 1, 1), TARGET("u", 1U << 1, 4)};
static const struct targets targets = {.targets = target_rows,
                                       .targets_count = ARRAY_LEN(target_rows)};
static const struct trajectory_conf trajectory = {.nonworking = PART_ONE,
                                                  .base_change_min = PART_ONE / 20,
                                                  .watch = PART_ONE / 200,
                                                  .warning = PART_ONE / 50,
                                                  .critical = PART_ONE / 20,
                                                  .margin = PART_ONE / 100,
                                                  .enter_days = 1,
                                                  .leave_days = 1};
static const struct window_conf windows = {.bucket_ms = HOUR_MS,
                                           .allowed_delay_ms = HOUR_MS,
                                           .grace_ms = HOUR_MS,
                                           .horizon_ms = 48 * HOUR_MS,
                                           .early_tolerance_ms = HOUR_MS,
                                           .backfill_max_ms = INT64_C(34560000000), /* 400 days */
                                           .fiscal_year_start = 1};
static const struct sink_conf sinks[SINKS] = {{.name = "x"}, {.name = "y"}};
static struct batch batch;
static struct block *block;
static struct buffer base;

static struct shard *make_shard(void)
{
    const struct shard_context context = {.registry = &registry,
                                          .window = &windows,
                                          .targets = &targets,
                                          .trajectory = &trajectory,
                                          .kernels = &kernels_scalar,
                                          .sinks_count = SINKS,
                                          .sinks = sinks};
    struct shard *shard;
    int err = shard_create(&shard, &context, 0);
    ASSERT(err == 0);
    return shard;
}

/* A reading of every meter that ends at the time. */
static void apply_round(struct shard *shard, int64_t time_ms)
{
    batch_clear(&batch);
    for (uint32_t i = 0; i < METERS; i++) {
        *batch_add(&batch) = (struct batch_event){
            .meter = i,
            .end_ms = time_ms,
            .start_ms = time_ms - (meters[i].kind == KIND_INTERVAL ? HOUR_MS : 0),
            .value = time_ms / 1000,
            .quality = QUALITY_ACTUAL,
            .arrived_ms = INT64_MIN};
    }
    (void)shard_apply(shard, &batch, 0);
}

/* A person's word on the reading of every meter that ends at the time. */
static void decide_round(struct shard *shard, int64_t time_ms, bool drops)
{
    batch_clear(&batch);
    for (uint32_t i = 0; i < METERS; i++) {
        *batch_add(&batch) = (struct batch_event){
            .meter = i,
            .end_ms = time_ms,
            .start_ms = time_ms - (meters[i].kind == KIND_INTERVAL ? HOUR_MS : 0),
            .value = decision_pack(drops, ROLE_READING),
            .quality = QUALITY_ACTUAL,
            .role = ROLE_DECISION,
            .arrived_ms = INT64_MIN};
    }
    (void)shard_apply(shard, &batch, 0);
}

static void write_rows(struct shard *shard)
{
    for (uint32_t sink = 0; sink < SINKS; sink++) {
        block->count = 0;
        shard_take_rows(shard, sink, TAKE_ALL, block);
        for (uint32_t i = 0; i < block->count; i++)
            shard_end_row(shard, sink, &block->rows[i], BLOCK_DURABLE);
    }
}

static int set_up(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    buffer_init(&base, PAYLOAD_MAX);
    int err = id_index_set(&facility_ids, facility.id, 0);
    if (err == 0)
        err = block_create(&block, 1000);
    ASSERT(err == 0);
    struct shard *shard = make_shard();
    for (int64_t hour = 0; hour < 70; hour++) {
        apply_round(shard, START_MS + hour * HOUR_MS);
        if (hour % 9 == 0)
            write_rows(shard);
    }
    for (int64_t hour = 50; hour < 70; hour += 5)
        decide_round(shard, START_MS + hour * HOUR_MS, hour % 2 == 0);
    err = shard_save(shard, true, &base);
    ASSERT(err == 0);
    shard_destroy(&shard);
    return 1;
}

static int load(struct shard *shard, const struct buffer *payload)
{
    struct buffer why;
    buffer_init(&why, 1 << 16);
    int err = shard_load(shard, payload->data, payload->size, &why);
    ASSERT(err == 0 || why.size > 0);
    buffer_fini(&why);
    return err;
}

static void save(struct shard *shard, struct buffer *out)
{
    buffer_init(out, PAYLOAD_MAX);
    int err = shard_save(shard, true, out);
    ASSERT(err == 0);
}

/* A state that could be loaded can be saved and loaded again, to the same. */
static void check_round_trip(struct shard *shard)
{
    struct buffer first;
    struct buffer second;
    struct buffer why;
    buffer_init(&why, 1 << 16);
    save(shard, &first);
    struct shard *again = make_shard();
    int err = load(again, &first);
    if (err == 0)
        err = shard_load_end(again, &why);
    ASSERT(err == 0);
    save(again, &second);
    ASSERT(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    shard_destroy(&again);
    buffer_fini(&first);
    buffer_fini(&second);
    buffer_fini(&why);
}

static void go_on(struct shard *shard)
{
    check_round_trip(shard);
    int64_t watermark_ms = shard_get_stats(shard)->watermark_ms;
    int64_t time_ms = watermark_ms == INT64_MIN ? START_MS : watermark_ms;
    for (int64_t hour = 0; hour < 60; hour += 6) {
        apply_round(shard, time_ms + hour * HOUR_MS);
        write_rows(shard);
        decide_round(shard, time_ms + (hour - 6) * HOUR_MS, hour % 4 == 0);
    }
    for (uint32_t sink = 0; sink < SINKS; sink++)
        shard_take_over(shard, sink, TAKEOVER_ROUND_TWO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int ready;
    if (!ready)
        ready = set_up();
    if (size == 0)
        return 0;
    struct buffer why;
    buffer_init(&why, 1 << 16);
    struct shard *shard = make_shard();
    int err = data[0] % 2 == 0 ? 0 : load(shard, &base);
    ASSERT(err == 0);
    err = shard_load(shard, data + 1, size - 1, &why);
    if (err == 0)
        err = shard_load_end(shard, &why);
    if (err == 0)
        go_on(shard);
    shard_destroy(&shard);
    buffer_fini(&why);
    return 0;
}
