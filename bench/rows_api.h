/*
 * rows_api.h - what bench_rows.c calls that has changed between revisions. `make bench-against`
 * builds bench_rows.c in older trees too, so what differs is chosen here, by what the tree has.
 */
#ifndef GHGD_BENCH_ROWS_API_H
#define GHGD_BENCH_ROWS_API_H

#if __has_include("config/id_index.h") /* before the folders were divided */
#include "config/id_index.h"
#else
#include "base/id_index.h"
#endif
#include "pipelines/emissions/kernels.h"
#include "pipelines/state/shard.h"

/* Every facility has rows of energy, where the tree knows them. */
#if __has_include("pipelines/rollup/site_energy.h")
#define SET_FLOW(series, number) ((series)->flow = (uint8_t)((number) % FLOW_COUNT))
#define SET_FLOWS(facility)                                                                        \
    ((facility)->flows = 1U << FLOW_IMPORT | 1U << FLOW_EXPORT | 1U << FLOW_GENERATION)
#else
#define SET_FLOW(series, number) ((void)(series))
#define SET_FLOWS(facility) ((void)(facility))
#endif

/* From when on a meter is expected, and how old a first reading may be: the ends of initializers.
 */
#if __has_include("pipelines/rollup/site_expected.h")
#define AND_EXPECTED , .expected_from_ms = INT64_MIN
#else
#define AND_EXPECTED
#endif
#if __has_include("pipelines/metering/stock.h")
#define AND_BACKFILL , .backfill_max_ms = INT64_C(34560000000) /* 400 days */
#else
#define AND_BACKFILL
#endif

/* Rows of the factor matrix, and an era of it. The kernels are the best ones, except `rate`: it
 * counts the facilities that it is given, a bucket each. So the benchmark knows how often a
 * facility of so many meters was rated.
 */
#if __has_include("pipelines/emissions/rated_panel.h")
#define FACTOR_ROWS RATE_COUNT
#define ERA(factors, unsplit, factor_ids) ((struct factor_era){INT64_MIN, factors, factor_ids})

static uint64_t rated_cells;

static bool rate_and_count(const struct kernel_matrix *matrix, int64_t *sums_out)
{
    rated_cells += matrix->rows * matrix->columns;
    return kernels_best()->rate(matrix, sums_out);
}

static double ratings_of_facilities(uint32_t meters)
{
    return (double)rated_cells / meters;
}
#else
#define FACTOR_ROWS GAS_COUNT
#define ERA(factors, unsplit, factor_ids)                                                          \
    ((struct factor_era){INT64_MIN, factors, unsplit, factor_ids})

static uint64_t rated_cells;

static void rate_and_count(const int64_t *activity, const double *factor, int64_t *mg_out, size_t n)
{
    rated_cells += n;
    kernels_best()->rate(activity, factor, mg_out, n);
}

static double ratings_of_facilities(uint32_t meters)
{
    return (double)rated_cells / GAS_COUNT / meters; /* a call was for one gas */
}
#endif

static const struct kernels *counting_kernels(void)
{
    static struct kernels counting;
    counting = *kernels_best();
    counting.rate = rate_and_count;
    return &counting;
}

/* Enters an event into the batch. */
static void add_event(struct batch *batch, uint32_t meter, int64_t start_ms, int64_t end_ms,
                      int64_t value, int64_t offset)
{
#if __has_include("pipelines/ingest/refusal.h") /* since a batch is an array of structs */
    *batch_add(batch) = (struct batch_event){.meter = meter,
                                             .start_ms = start_ms,
                                             .end_ms = end_ms,
                                             .value = value,
                                             .quality = QUALITY_ACTUAL,
                                             .offset = offset,
                                             .arrived_ms = end_ms};
#else
    uint32_t at = batch->count++;
    batch->meter[at] = meter;
    batch->start_ms[at] = start_ms;
    batch->end_ms[at] = end_ms;
    batch->value[at] = value;
    batch->quality[at] = QUALITY_ACTUAL;
    batch->revision[at] = 0;
    batch->offset[at] = offset;
    batch->arrived_ms[at] = end_ms;
#endif
}

/* The sink has acknowledged the row, and cannot lose it any more. */
static void acknowledge(struct shard *shard, uint32_t sink, const struct row *row)
{
#if __has_include("pipelines/delivery/mark.h") /* since a block ends with one word */
    shard_end_row(shard, sink, row, BLOCK_DURABLE);
#else
    shard_row_settled(shard, sink, row);
#endif
}

#endif
