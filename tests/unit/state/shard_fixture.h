/*
 * shard_fixture.h - a registry of two facilities and five meters, and shards over it.
 */
#ifndef GHGD_SHARD_FIXTURE_H
#define GHGD_SHARD_FIXTURE_H

#include "base/timestamp.h"
#include "pipelines/state/shard.h"
#include "tests/unit/tier.h"

#define MIN_MS INT64_C(60000)
#define START_MS                                                                                   \
    INT64_C(1772323200000) /* 2026-03-01T00:00:00Z: New York's clocks go on at the 8th */
#define U INT64_C(1000000)

enum { METERS = 5, DAYS = 12, ROWS_MAX = 60000 };
/* grid, gas, pv at the first facility (Asia/Kolkata); grid2, diesel at the second (New York). */
extern struct meter meters[METERS];
extern struct registry registry;
extern const struct window_conf windows;

/* A cmocka group setup: completes the registry. */
int set_up_registry(void **state);

/* The same with a block of 5,000 rows, and its teardown. */
extern struct block *taken_rows;
int set_up_taken(void **state);
int tear_down_taken(void **state);

struct input {
    uint32_t meter;
    int64_t start_ms, end_ms, value, revision;
};

/* Rows as a sink got them. */
struct output {
    struct row rows[ROWS_MAX];
    size_t count;
    struct shard_stats stats;
    struct chain_sums chains;
    struct meter_standing standing[METERS]; /* before the end of the input */
};

/* One sink, any order of taking. */
struct shard *make_shard(void);
void fill_batch(struct batch *batch, const struct input *from, size_t count);
/* Applies a reading of one unit, which is used. */
void apply_used(struct shard *shard, uint32_t meter, int64_t start_ms, int64_t end_ms);
/* Rows of the first sink: all that are dirty, into `taken_rows`; and the end of what is there. */
void take_rows(struct shard *shard);
void end_rows(struct shard *shard, enum block_end end);
/* The row of a facility's coverage in `taken_rows`, or NULL. */
const struct row *find_coverage(uint32_t facility, enum level level, int64_t time_ms);
/* Takes what must go, and settles it. */
void drain(struct shard *shard, struct block *block, struct output *output);
/* Sums of one level, by series. */
void sum_level(const struct output *output, int level, struct figures sums[METERS]);

#endif
