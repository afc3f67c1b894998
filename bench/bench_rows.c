/*
 * Readings become rows: facilities of 20 meters in 8 series, buckets of 15 minutes, and after each
 * round of readings every sink takes and acknowledges all rows that changed.
 *
 * It tells what a reading costs that is applied, what its rows cost with one sink and with three,
 * and how often a changed bucket is rated. Each changed bucket changes its hour, day, month and
 * year too, so a reading causes about three rows a sink.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/rows_api.h"

#define ROUND_MS INT64_C(900000)
#define START_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

enum {
    METERS_EACH = 20,
    SERIES_EACH = 8,
    SINKS_FEW = 1,
    SINKS_MANY = 3,
    NAME_SIZE = 20,
    ROUNDS_MAX = 192, /* nothing leaves the horizon */
    REPEATS_MAX = 99
};

struct options {
    uint32_t facilities, rounds, repeats;
    bool terse, count;
};

/* The registry that is metered. */
struct plant {
    struct registry registry;
    struct id_index ids;
    char (*names)[NAME_SIZE];
    double factors[FACTOR_ROWS * METERS_EACH];
    uint8_t unsplit[METERS_EACH];
    uint32_t factor_ids[METERS_EACH];
};

/* The cost and the result of one run. */
struct run {
    double apply_s, take_s, settle_s;
    uint64_t readings, rows;
};

static const struct window_conf windows = {.bucket_ms = ROUND_MS,
                                           .allowed_delay_ms = ROUND_MS / 3,
                                           .grace_ms = ROUND_MS,
                                           .horizon_ms = ROUNDS_MAX * ROUND_MS,
                                           .early_tolerance_ms = 4 * ROUND_MS,
                                           .fiscal_year_start = 1 AND_BACKFILL};
static const struct sink_conf sinks[SINKS_MANY] = {
    {.name = "one"}, {.name = "two"}, {.name = "three"}};
static struct batch batch;
static struct block *block;

/* In this thread's processor time: other programs on the machine take none of it. */
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
        perror("bench_rows");
        abort();
    }
    return memory;
}

/* The first meter of a series of the facility: the first series have one more than the last. */
static uint32_t first_meter(uint32_t s)
{
    return s * METERS_EACH / SERIES_EACH;
}

static void build_meters(struct plant *plant, uint32_t facility)
{
    for (uint32_t s = 0; s < SERIES_EACH; s++) {
        uint32_t first = facility * METERS_EACH + first_meter(s);
        uint32_t end = facility * METERS_EACH + first_meter(s + 1);
        uint32_t index = facility * SERIES_EACH + s;
        plant->registry.series[index] = (struct series){.facility = facility,
                                                        .meters_first = first,
                                                        .meters_count = end - first,
                                                        .scope = 2,
                                                        .category = "electricity",
                                                        .source = plant->names[s]};
        SET_FLOW(&plant->registry.series[index], s);
        for (uint32_t i = first; i < end; i++)
            plant->registry.meters[i] =
                (struct meter){.id = plant->names[i],
                               .facility = facility,
                               .series = index,
                               .kind = i % 2 == 0 ? KIND_INTERVAL : KIND_REGISTER,
                               .first_version = i,
                               .next_version = REGISTRY_NONE,
                               .readings_max = 320,
                               .expected = true,
                               .interval_ms = ROUND_MS,
                               .valid_from_ms = INT64_MIN,
                               .valid_to_ms = INT64_MAX,
                               .own.scale = {1, 1},
                               .cell_max = CELL_MAX AND_EXPECTED};
    }
}

static void build_facility(struct plant *plant, uint32_t index)
{
    struct registry *registry = &plant->registry;
    const char *id = plant->names[(size_t)index * METERS_EACH]; /* any name will do */
    registry->eras[index] = ERA(plant->factors, plant->unsplit, plant->factor_ids);
    registry->facilities[index] = (struct facility){.id = id,
                                                    .time_zone = "Asia/Dhaka",
                                                    .meters_first = index * METERS_EACH,
                                                    .meters_count = METERS_EACH,
                                                    .series_first = index * SERIES_EACH,
                                                    .series_count = SERIES_EACH,
                                                    .eras_first = index,
                                                    .eras_count = 1};
    SET_FLOWS(&registry->facilities[index]);
    int err = id_index_set(&plant->ids, id, index);
    ASSERT(err == 0);
    build_meters(plant, index);
}

static void build_plant(struct plant *plant, uint32_t facilities)
{
    struct registry *registry = &plant->registry;
    uint32_t meters = facilities * METERS_EACH;
    uint32_t series = facilities * SERIES_EACH;
    *registry = (struct registry){.meters = array(meters, sizeof(struct meter)),
                                  .series = array(series, sizeof(struct series)),
                                  .facilities = array(facilities, sizeof(struct facility)),
                                  .eras = array(facilities, sizeof(struct factor_era)),
                                  .meters_count = meters,
                                  .series_count = series,
                                  .facilities_count = facilities,
                                  .eras_count = facilities,
                                  .facility_ids = &plant->ids};
    plant->names = array(meters, sizeof(*plant->names));
    for (uint32_t i = 0; i < meters; i++)
        (void)snprintf(plant->names[i], NAME_SIZE, "meter-%08" PRIu32, i);
    for (uint32_t i = 0; i < FACTOR_ROWS * METERS_EACH; i++)
        plant->factors[i] = 0.6 - 0.005 * i;
    for (uint32_t i = 0; i < facilities; i++)
        build_facility(plant, i);
}

static void destroy_plant(struct plant *plant)
{
    free(plant->registry.meters);
    free(plant->registry.series);
    free(plant->registry.facilities);
    free(plant->registry.eras);
    free(plant->names);
    id_index_fini(&plant->ids);
}

/* Every sink takes and acknowledges all that is dirty for it. */
static void take_rows(struct shard *shard, uint32_t sinks_count, struct run *run)
{
    for (uint32_t sink = 0; sink < sinks_count; sink++) {
        do {
            block->count = 0;
            double start = seconds_now();
            shard_take_rows(shard, sink, TAKE_ALL, block);
            double taken = seconds_now();
            for (uint32_t i = 0; i < block->count; i++)
                acknowledge(shard, sink, &block->rows[i]);
            run->settle_s += seconds_now() - taken;
            run->take_s += taken - start;
            run->rows += block->count;
        } while (block->count > 0);
    }
}

static void apply_batch(struct shard *shard, struct run *run)
{
    double start = seconds_now();
    uint32_t applied = shard_apply(shard, &batch, 0);
    run->apply_s += seconds_now() - start;
    ASSERT(applied == batch.count); /* nothing is left to write that could block it */
    run->readings += batch.count;
    batch_clear(&batch);
}

/* One reading of every meter; values wander as power does. */
static void apply_round(struct shard *shard, uint32_t meters, int64_t round, int64_t *registers,
                        struct run *run)
{
    static uint32_t random = 1;
    for (uint32_t i = 0; i < meters; i++) {
        random = random * 1664525U + 1013904223U;
        int64_t used = 20000000 + (random >> 8) % 5000000;
        registers[i] += used;
        int64_t end_ms = START_MS + (round + 1) * ROUND_MS;
        add_event(&batch, i, end_ms - (i % 2 == 0 ? ROUND_MS : 0), end_ms,
                  i % 2 == 0 ? used : registers[i], round * meters + i);
        if (batch_is_full(&batch))
            apply_batch(shard, run);
    }
    apply_batch(shard, run);
}

static struct run run_once(const struct plant *plant, const struct options *options,
                           const struct kernels *kernels, uint32_t sinks_count)
{
    struct run run = {0};
    const struct shard_context context = {.registry = &plant->registry,
                                          .window = &windows,
                                          .kernels = kernels,
                                          .sinks_count = sinks_count,
                                          .sinks = sinks};
    struct shard *shard;
    int err = shard_create(&shard, &context, 0);
    ASSERT(err == 0);
    uint32_t meters = plant->registry.meters_count;
    int64_t *registers = array(meters, sizeof(*registers));
    for (int64_t round = 0; round < options->rounds; round++) {
        apply_round(shard, meters, round, registers, &run);
        take_rows(shard, sinks_count, &run);
    }
    ASSERT(shard_get_stats(shard)->dirty_rows == 0);
    free(registers);
    shard_destroy(&shard);
    return run;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct times {
    double values[REPEATS_MAX];
    uint32_t count;
};

static double best_of(struct times *times)
{
    qsort(times->values, times->count, sizeof(double), compare_doubles);
    return times->values[0];
}

static double median_of(struct times *times)
{
    (void)best_of(times);
    uint32_t middle = times->count / 2;
    return times->count % 2 == 1 ? times->values[middle]
                                 : (times->values[middle - 1] + times->values[middle]) / 2;
}

/* With so many sinks: nanoseconds a reading, or a row. */
struct measured {
    struct times apply, take, settle;
    uint64_t readings, rows;
    double ratings; /* per changed bucket; 0: not counted */
};

static struct measured measure(const struct plant *plant, const struct options *options,
                               uint32_t sinks_count)
{
    struct measured measured = {0};
    for (uint32_t i = 0; i < options->repeats; i++) {
        struct run run = run_once(plant, options, kernels_best(), sinks_count);
        double scale = 1e9 / (double)run.readings;
        measured.apply.values[measured.apply.count++] = run.apply_s * scale;
        measured.take.values[measured.take.count++] = run.take_s * scale;
        measured.settle.values[measured.settle.count++] = run.settle_s * scale;
        measured.readings = run.readings;
        measured.rows = run.rows;
    }
    if (options->count) { /* in a run of its own: counting takes time */
        rated_cells = 0;
        (void)run_once(plant, options, counting_kernels(), sinks_count);
        measured.ratings =
            ratings_of_facilities(METERS_EACH) / ((double)options->facilities * options->rounds);
    }
    return measured;
}

static void print(uint32_t sinks_count, struct measured *measured)
{
    double rows = (double)measured->rows / (double)measured->readings;
    printf("%5" PRIu32 " %10.1f %7.0f %6.0f %9.0f %6.0f %7.0f %7.1f", sinks_count,
           (double)measured->rows / 1e3, best_of(&measured->apply), median_of(&measured->apply),
           best_of(&measured->take), median_of(&measured->take), best_of(&measured->take) / rows,
           best_of(&measured->take) / best_of(&measured->apply));
    printf(" %8.0f", best_of(&measured->settle) / rows);
    if (measured->ratings > 0)
        printf(" %9.2f", measured->ratings);
    printf("\n");
}

static void print_all(const struct options *options, struct measured *few, struct measured *many)
{
    if (options->terse) { /* for bench/against.py */
        printf("apply_ns=%.1f take_ns=%.1f take_many_ns=%.1f settle_ns=%.1f\n",
               best_of(&few->apply), best_of(&few->take), best_of(&many->take),
               best_of(&few->settle));
        return;
    }
    printf("%" PRIu32 " facilities of %d meters in %d series, %" PRIu32
           " rounds, kernels %s, %" PRIu32 " repeats: best, and median\n",
           options->facilities, METERS_EACH, SERIES_EACH, options->rounds, kernels_best()->name,
           options->repeats);
    printf("sinks  1000 rows  ns/reading: apply  make rows     ns/row make:apply  settle ratings "
           "a bucket\n");
    print(SINKS_FEW, few);
    print(SINKS_MANY, many);
    double first = best_of(&few->take);
    printf("each further sink: %.2f of the first\n",
           (best_of(&many->take) - first) / (SINKS_MANY - SINKS_FEW) / first);
}

/* False if the text is no number from 1 to max. */
static bool read_number(const char *text, uint32_t max, uint32_t *number_out)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value == 0 || value > max)
        return false;
    *number_out = (uint32_t)value;
    return true;
}

static bool read_option(int option, struct options *options)
{
    switch (option) {
    case 'f':
        return read_number(optarg, FACILITIES_MAX / METERS_EACH, &options->facilities);
    case 'r':
        return read_number(optarg, ROUNDS_MAX, &options->rounds);
    case 'n':
        return read_number(optarg, REPEATS_MAX, &options->repeats);
    case 't':
        options->terse = true;
        return true;
    case 'c':
        options->count = false;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    struct options options = {.facilities = 500, .rounds = ROUNDS_MAX, .repeats = 3, .count = true};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    for (int option; (option = getopt(argc, argv, "f:r:n:tc")) != -1;) {
        if (read_option(option, &options))
            continue;
        (void)fprintf(stderr,
                      "usage: bench_rows [-f FACILITIES] [-r ROUNDS] [-n REPEATS] [-c] [-t]\n"
                      "  -c  do not count ratings\n  -t  one line, for programs\n");
        return 2;
    }
    static struct plant plant;
    build_plant(&plant, options.facilities);
    int err = block_create(&block, ROWS_PER_BLOCK_MAX);
    ASSERT(err == 0);
    struct measured few = measure(&plant, &options, SINKS_FEW);
    struct measured many = measure(&plant, &options, SINKS_MANY);
    print_all(&options, &few, &many);
    block_destroy(&block);
    destroy_plant(&plant);
    return 0;
}
