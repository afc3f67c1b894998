/*
 * Targets in a live stream: facilities of 20 meters in 8 series, each with a target, against
 * the same stream without targets, in turn in one run.
 *
 * A stream first lives through most of a year with a reading a day, so that a year to date is long.
 * Only what follows is measured: readings of 15 minutes, and after each round the rows for one
 * sink, as text. A daemon also decodes messages and sends requests, which are not counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/id_index.h"
#include "base/timestamp.h"
#include "config/targets/civil.h"
#include "pipelines/emissions/kernels.h"
#include "pipelines/sink/lineproto.h"
#include "pipelines/state/shard.h"

enum {
    METERS_EACH = 20,
    SERIES_EACH = 8,
    NAME_SIZE = 20,
    DAYS_BEFORE = 300,
    ROUNDS = 192,
    REPEATS = 3,
    TEXT_MAX = 1 << 26
};
#define ROUND_MS (15 * MINUTE_MS)

struct plant {
    struct registry registry;
    struct targets targets;
    struct id_index ids;
    char (*names)[NAME_SIZE];
    double factors[RATE_COUNT * METERS_EACH];
    uint32_t factor_ids[METERS_EACH];
};

static const struct local_time utc;
static const struct window_conf windows = {.bucket_ms = ROUND_MS,
                                           .allowed_delay_ms = 5 * MINUTE_MS,
                                           .grace_ms = HOUR_MS,
                                           .horizon_ms = 3 * DAY_MS,
                                           .early_tolerance_ms = HOUR_MS,
                                           .backfill_max_ms = 400 * DAY_MS,
                                           .fiscal_year_start = 1};
static const struct trajectory_conf trajectory = {.nonworking = PART_ONE,
                                                  .base_change_min = PART_ONE / 20,
                                                  .share_min = PART_ONE / 10,
                                                  .coverage_min = INT64_C(4) * PART_ONE / 5,
                                                  .watch = PART_ONE / 200,
                                                  .warning = PART_ONE / 50,
                                                  .critical = PART_ONE / 20,
                                                  .margin = PART_ONE / 100,
                                                  .miss_probability = INT64_C(9) * PART_ONE / 10,
                                                  .enter_days = 3,
                                                  .leave_days = 3,
                                                  .dwell_ms = DAY_MS};
static const struct sink_conf sinks[] = {{.name = "one"}};
static struct batch batch;
static struct block *block;
static struct lineproto lineproto;
static struct buffer text;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *array(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        perror("bench_courses");
        abort();
    }
    return memory;
}

static void build_facility(struct plant *plant, uint32_t f)
{
    struct registry *registry = &plant->registry;
    const char *id = plant->names[(size_t)f * METERS_EACH];
    for (uint32_t s = 0; s < SERIES_EACH; s++) {
        uint32_t first = f * METERS_EACH + s * METERS_EACH / SERIES_EACH;
        uint32_t end = f * METERS_EACH + (s + 1) * METERS_EACH / SERIES_EACH;
        registry->series[f * SERIES_EACH + s] = (struct series){.facility = f,
                                                                .meters_first = first,
                                                                .meters_count = end - first,
                                                                .scope = 1 + s % 2,
                                                                .category = "electricity",
                                                                .source = plant->names[s]};
        for (uint32_t i = first; i < end; i++)
            registry->meters[i] = (struct meter){.id = plant->names[i],
                                                 .facility = f,
                                                 .series = f * SERIES_EACH + s,
                                                 .kind = KIND_INTERVAL,
                                                 .next_version = REGISTRY_NONE,
                                                 .readings_max = 500,
                                                 .expected = true,
                                                 .interval_ms = ROUND_MS,
                                                 .valid_from_ms = INT64_MIN,
                                                 .valid_to_ms = INT64_MAX,
                                                 .expected_from_ms = INT64_MIN,
                                                 .own.scale = {1, 1},
                                                 .cell_max = CELL_MAX};
    }
    registry->eras[f] = (struct factor_era){INT64_MIN, plant->factors, plant->factor_ids};
    registry->facilities[f] = (struct facility){.id = id,
                                                .time_zone = "UTC",
                                                .valid_from_ms = INT64_MIN,
                                                .valid_to_ms = INT64_MAX,
                                                .meters_first = f * METERS_EACH,
                                                .meters_count = METERS_EACH,
                                                .series_first = f * SERIES_EACH,
                                                .series_count = SERIES_EACH,
                                                .eras_first = f,
                                                .eras_count = 1};
    plant->targets.targets[f] = (struct target){.id = id,
                                                .name = id,
                                                .facility = f,
                                                .scopes = 1U << 1 | 1U << 2,
                                                .year_start = 1,
                                                .meter = REGISTRY_NONE,
                                                .base_year = 2024,
                                                .target_year = 2030,
                                                .base_mg = INT64_C(1000000000000),
                                                .cut = PART_ONE / 2};
    int err = id_index_set(&plant->ids, id, f);
    ASSERT(err == 0);
}

static void build_plant(struct plant *plant, uint32_t facilities)
{
    struct registry *registry = &plant->registry;
    uint32_t meters = facilities * METERS_EACH;
    *registry = (struct registry){.generation = 1,
                                  .meters = array(meters, sizeof(struct meter)),
                                  .series = array(meters, sizeof(struct series)),
                                  .facilities = array(facilities, sizeof(struct facility)),
                                  .eras = array(facilities, sizeof(struct factor_era)),
                                  .local_times = &utc,
                                  .meters_count = meters,
                                  .series_count = facilities * SERIES_EACH,
                                  .facilities_count = facilities,
                                  .eras_count = facilities,
                                  .facility_ids = &plant->ids};
    plant->targets.targets = array(facilities, sizeof(struct target));
    plant->targets.targets_count = facilities;
    plant->names = array(meters, sizeof(*plant->names));
    for (uint32_t i = 0; i < meters; i++)
        (void)snprintf(plant->names[i], NAME_SIZE, "meter-%08" PRIu32, i);
    for (uint32_t i = 0; i < RATE_COUNT * METERS_EACH; i++)
        plant->factors[i] = 0.6 - 0.003 * i;
    for (uint32_t f = 0; f < facilities; f++)
        build_facility(plant, f);
}

static void destroy_plant(struct plant *plant)
{
    free(plant->registry.meters);
    free(plant->registry.series);
    free(plant->registry.facilities);
    free(plant->registry.eras);
    free(plant->targets.targets);
    free(plant->names);
    id_index_fini(&plant->ids);
}

static uint64_t take_rows(const struct plant *plant, struct shard *shard, enum take_mode mode)
{
    uint64_t rows = 0;
    for (block->count = 0; shard_take_rows(shard, 0, mode, block) > 0; block->count = 0) {
        buffer_clear(&text);
        for (uint32_t i = 0; i < block->count; i++)
            lineproto_add(&lineproto, &text, &plant->registry, &block->rows[i]);
        for (uint32_t i = 0; i < block->count; i++)
            shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
        rows += block->count;
    }
    return rows;
}

static void apply_batch(const struct plant *plant, struct shard *shard)
{
    for (uint32_t done = 0; (done = shard_apply(shard, &batch, done)) < batch.count;)
        (void)take_rows(plant, shard, TAKE_CLOSING);
    batch_clear(&batch);
}

static void apply_round(const struct plant *plant, struct shard *shard, int64_t start_ms,
                        int64_t span_ms)
{
    static uint32_t random = 1;
    for (uint32_t i = 0; i < plant->registry.meters_count; i++) {
        random = random * 1664525U + 1013904223U;
        *batch_add(&batch) = (struct batch_event){.meter = i,
                                                  .start_ms = start_ms,
                                                  .end_ms = start_ms + span_ms,
                                                  .value = 20000000 + (random >> 8) % 5000000,
                                                  .quality = QUALITY_ACTUAL,
                                                  .arrived_ms = INT64_MIN};
        if (batch_is_full(&batch))
            apply_batch(plant, shard);
    }
    apply_batch(plant, shard);
}

struct cost {
    double seconds;
    uint64_t readings, rows;
};

static struct cost run(const struct plant *plant, bool with_targets)
{
    const struct shard_context context = {.registry = &plant->registry,
                                          .window = &windows,
                                          .targets = with_targets ? &plant->targets : NULL,
                                          .trajectory = &trajectory,
                                          .kernels = kernels_best(),
                                          .sinks_count = 1,
                                          .sinks = sinks};
    int64_t begin_ms = civil_day(2026, 1, 1) * DAY_MS;
    struct shard *shard;
    struct cost cost = {.readings = (uint64_t)plant->registry.meters_count * ROUNDS};
    int err = shard_create(&shard, &context, 0);
    ASSERT(err == 0);
    for (int64_t day = 0; day < DAYS_BEFORE; day++)
        apply_round(plant, shard, begin_ms + day * DAY_MS, DAY_MS);
    (void)take_rows(plant, shard, TAKE_ALL);
    double start = seconds_now();
    for (int64_t round = 0; round < ROUNDS; round++) {
        apply_round(plant, shard, begin_ms + DAYS_BEFORE * DAY_MS + round * ROUND_MS, ROUND_MS);
        cost.rows += take_rows(plant, shard, TAKE_ALL);
    }
    cost.seconds = seconds_now() - start;
    shard_destroy(&shard);
    return cost;
}

int main(int argc, char **argv)
{
    static struct plant plant;
    long facilities = argc > 1 ? strtol(argv[1], NULL, 10) : 200;
    if (facilities < 1 || facilities > 10000) {
        (void)fprintf(stderr, "usage: bench_courses [FACILITIES]\n");
        return 2;
    }
    build_plant(&plant, (uint32_t)facilities);
    int err = block_create(&block, ROWS_PER_BLOCK_MAX);
    ASSERT(err == 0);
    lineproto_init(&lineproto, DIALECT_INFLUX1, ROUND_MS);
    buffer_init(&text, TEXT_MAX);
    struct cost best[2] = {{.seconds = 0}, {.seconds = 0}};
    for (int i = 0; i < REPEATS; i++) {
        for (int with = 0; with < 2; with++) {
            struct cost cost = run(&plant, with != 0);
            if (i == 0 || cost.seconds < best[with].seconds)
                best[with] = cost;
        }
    }
    printf("%ld facilities of %d meters, a target each: ns/reading without %.0f, with %.0f, "
           "rows %" PRIu64 " and %" PRIu64 ": %+.2f %%\n",
           facilities, METERS_EACH, best[0].seconds * 1e9 / (double)best[0].readings,
           best[1].seconds * 1e9 / (double)best[1].readings, best[0].rows, best[1].rows,
           (best[1].seconds / best[0].seconds - 1) * 100);
    buffer_fini(&text);
    lineproto_fini(&lineproto);
    block_destroy(&block);
    destroy_plant(&plant);
    return 0;
}
