/*
 * The state of 10,000 meters with a horizon of 48 hours and readings every 15 minutes: all of it
 * saved, the last round saved, loaded again. Beside it a copy of the same bytes, the least
 * that saving could cost, and applying the same readings again, which loading saves.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/id_index.h"
#include "base/timestamp.h"
#include "pipelines/emissions/kernels.h"
#include "pipelines/state/shard.h"

#define ROUND_MS INT64_C(900000)
#define START_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

enum {
    FACILITIES = 100,
    METERS_EACH = 100,
    METERS = FACILITIES * METERS_EACH,
    READINGS_ROUNDS = 330, /* until journals are full, as they are after some days */
    ROUNDS = 5,
    PAYLOAD_MAX = 1 << 28
};

static struct meter meters[METERS];
static struct series series[FACILITIES];
static struct facility facilities[FACILITIES];
static struct factor_era eras[FACILITIES];
static double factors[RATE_COUNT * METERS_EACH];
static uint32_t factor_ids[METERS_EACH];
static char names[METERS][16];
static struct id_index facility_ids;
static struct registry registry = {.meters = meters,
                                   .series = series,
                                   .facilities = facilities,
                                   .eras = eras,
                                   .meters_count = METERS,
                                   .series_count = FACILITIES,
                                   .facilities_count = FACILITIES,
                                   .eras_count = FACILITIES,
                                   .facility_ids = &facility_ids};
static const struct window_conf windows = {.bucket_ms = ROUND_MS,
                                           .allowed_delay_ms = ROUND_MS / 3,
                                           .grace_ms = ROUND_MS,
                                           .horizon_ms = 48 * HOUR_MS,
                                           .early_tolerance_ms = HOUR_MS,
                                           .backfill_max_ms = INT64_C(34560000000), /* 400 days */
                                           .fiscal_year_start = 1};
static const struct sink_conf sink = {.name = "one"};
static struct batch batch;
static struct block *block;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void build_registry(void)
{
    for (uint32_t i = 0; i < METERS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "meter-%05" PRIu32, i);
        meters[i] = (struct meter){.id = names[i],
                                   .facility = i / METERS_EACH,
                                   .series = i / METERS_EACH,
                                   .kind = i % 2 == 0 ? KIND_INTERVAL : KIND_REGISTER,
                                   .first_version = i,
                                   .next_version = REGISTRY_NONE,
                                   .readings_max = 320,
                                   .expected = true,
                                   .interval_ms = ROUND_MS,
                                   .valid_from_ms = INT64_MIN,
                                   .valid_to_ms = INT64_MAX,
                                   .expected_from_ms = INT64_MIN,
                                   .own.scale = {1, 1},
                                   .cell_max = CELL_MAX};
    }
    for (uint32_t i = 0; i < FACILITIES; i++) {
        const char *id = names[(size_t)i * METERS_EACH]; /* any name will do */
        series[i] = (struct series){.facility = i,
                                    .meters_first = i * METERS_EACH,
                                    .meters_count = METERS_EACH,
                                    .scope = 2,
                                    .category = "electricity",
                                    .source = "grid"};
        eras[i] = (struct factor_era){INT64_MIN, factors, factor_ids};
        facilities[i] = (struct facility){.id = id,
                                          .time_zone = "Asia/Dhaka",
                                          .meters_first = i * METERS_EACH,
                                          .meters_count = METERS_EACH,
                                          .series_first = i,
                                          .series_count = 1,
                                          .eras_first = i,
                                          .eras_count = 1};
        int err = id_index_set(&facility_ids, id, i);
        ASSERT(err == 0);
    }
    for (uint32_t i = 0; i < METERS_EACH; i++)
        factors[i] = 0.6;
}

static struct shard *make_shard(void)
{
    const struct shard_context context = {.registry = &registry,
                                          .window = &windows,
                                          .kernels = kernels_best(),
                                          .sinks_count = 1,
                                          .sinks = &sink};
    struct shard *shard;
    int err = shard_create(&shard, &context, 0);
    ASSERT(err == 0);
    return shard;
}

static void write_rows(struct shard *shard)
{
    do {
        block->count = 0;
        shard_take_rows(shard, 0, TAKE_ALL, block);
        for (uint32_t i = 0; i < block->count; i++)
            shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
    } while (block->count > 0);
}

static void apply_batch(struct shard *shard)
{
    uint32_t applied = 0;
    while ((applied = shard_apply(shard, &batch, applied)) < batch.count)
        write_rows(shard);
    batch_clear(&batch);
}

/* One reading of every meter; values wander as power does. */
static void apply_round(struct shard *shard, int64_t round)
{
    static uint32_t random = 1;
    static int64_t registers[METERS];
    for (uint32_t i = 0; i < METERS; i++) {
        random = random * 1664525U + 1013904223U;
        int64_t used = 20000000 + (random >> 8) % 5000000;
        registers[i] = round == 0 ? 0 : registers[i] + used;
        int64_t end_ms = START_MS + (round + 1) * ROUND_MS;
        *batch_add(&batch) = (struct batch_event){.meter = i,
                                                  .end_ms = end_ms,
                                                  .start_ms = end_ms - (i % 2 == 0 ? ROUND_MS : 0),
                                                  .value = i % 2 == 0 ? used : registers[i],
                                                  .quality = QUALITY_ACTUAL,
                                                  .offset = round * METERS + i,
                                                  .arrived_ms = end_ms};
        if (batch_is_full(&batch))
            apply_batch(shard);
    }
    apply_batch(shard);
}

struct result {
    double seconds, copy_seconds;
    size_t bytes;
};

static double copy_seconds(const struct buffer *payload)
{
    char *copy = malloc(payload->size);
    ASSERT(copy != NULL);
    memset(copy, 1, payload->size);
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        memcpy(copy, payload->data, payload->size);
        __asm__ volatile("" : : "r"(copy) : "memory");
        double elapsed = seconds_now() - start;
        best = elapsed < best ? elapsed : best;
    }
    free(copy);
    return best;
}

/* The best of some rounds, into a buffer that has the memory already. */
static struct result measure_full(struct shard *shard, struct buffer *payload)
{
    struct result result = {.seconds = 1e9};
    for (int round = 0; round < ROUNDS; round++) {
        buffer_clear(payload);
        double start = seconds_now();
        int err = shard_save(shard, true, payload);
        shard_saved(shard);
        double elapsed = seconds_now() - start;
        ASSERT(err == 0);
        result.seconds = elapsed < result.seconds ? elapsed : result.seconds;
    }
    result.bytes = payload->size;
    result.copy_seconds = copy_seconds(payload);
    return result;
}

static struct result measure_round(struct shard *shard, int64_t *round, struct buffer *payload)
{
    struct result result = {.seconds = 1e9};
    for (int i = 0; i < ROUNDS; i++) {
        apply_round(shard, (*round)++);
        write_rows(shard);
        buffer_clear(payload);
        double start = seconds_now();
        int err = shard_save(shard, false, payload);
        shard_saved(shard);
        double elapsed = seconds_now() - start;
        ASSERT(err == 0);
        result.seconds = elapsed < result.seconds ? elapsed : result.seconds;
    }
    result.bytes = payload->size;
    result.copy_seconds = copy_seconds(payload);
    return result;
}

static struct result measure_load(const struct buffer *payload)
{
    struct result result = {.seconds = 1e9, .bytes = payload->size};
    struct buffer why;
    buffer_init(&why, 1 << 16);
    for (int round = 0; round < ROUNDS; round++) {
        struct shard *shard = make_shard();
        double start = seconds_now();
        int err = shard_load(shard, payload->data, payload->size, &why);
        if (err == 0)
            err = shard_load_end(shard, &why);
        double elapsed = seconds_now() - start;
        ASSERT(err == 0);
        result.seconds = elapsed < result.seconds ? elapsed : result.seconds;
        shard_destroy(&shard);
    }
    buffer_fini(&why);
    result.copy_seconds = copy_seconds(payload);
    return result;
}

static void print(const char *name, const struct result *result)
{
    printf("%-10s %8.2f ms, %8.2f MB, %6.0f MB/s, ratio to memcpy %5.1f\n", name,
           result->seconds * 1e3, (double)result->bytes / 1e6,
           (double)result->bytes / 1e6 / result->seconds, result->seconds / result->copy_seconds);
}

int main(void)
{
    build_registry();
    int err = block_create(&block, 5000);
    ASSERT(err == 0);
    struct buffer payload;
    struct buffer small;
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&small, PAYLOAD_MAX);
    struct shard *shard = make_shard();
    int64_t round = 0;
    double start = seconds_now();
    while (round < READINGS_ROUNDS)
        apply_round(shard, round++);
    double applying = seconds_now() - start;
    write_rows(shard);
    struct result full = measure_full(shard, &payload);
    struct result one = measure_round(shard, &round, &small);
    struct result load = measure_load(&payload);
    double readings = (double)READINGS_ROUNDS * METERS;
    printf("%d meters, %.1f million readings, %.1f bytes a reading\n", METERS, readings / 1e6,
           (double)full.bytes / readings);
    print("save", &full);
    print("one round", &one);
    print("load", &load);
    printf("applying the readings anew %.0f ms, loading %.1f times as fast\n", applying * 1e3,
           applying / load.seconds);
    printf("a round every 15 minutes: %.4f %% of the time\n", one.seconds / 900 * 100);
    shard_destroy(&shard);
    block_destroy(&block);
    buffer_fini(&payload);
    buffer_fini(&small);
    id_index_fini(&facility_ids);
    return 0;
}
