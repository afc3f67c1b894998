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

/* The best kernels, except `rate`, which counts the cells that it is given. */
static uint64_t rated_cells;

static void rate_and_count(const int64_t *activity, const double *factor, int64_t *mg_out, size_t n)
{
    rated_cells += n;
    kernels_best()->rate(activity, factor, mg_out, n);
}

static const struct kernels *counting_kernels(void)
{
    static struct kernels counting;
    counting = *kernels_best();
    counting.rate = rate_and_count;
    return &counting;
}

/* How often a facility of so many meters was rated: a call of `rate` is for one gas. */
static double ratings_of_facilities(uint32_t meters)
{
    return (double)rated_cells / GAS_COUNT / meters;
}

/* The sink has acknowledged the row, and cannot lose it any more. */
static void acknowledge(struct shard *shard, uint32_t sink, const struct row *row)
{
    shard_row_settled(shard, sink, row);
}

#endif
