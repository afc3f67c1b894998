/*
 * rows_bench.h - partitions that a test has made, as the intake leaves them, and the row writer if
 * the test wants it.
 */
#ifndef GHGD_TEST_ROWS_BENCH_H
#define GHGD_TEST_ROWS_BENCH_H

#include "daemon/engine/assigned_rows.h"
#include "daemon/engine/row_writer.h"
#include "tests/unit/daemon/engine/engine_bench.h"

enum { ROWS_BENCH_SINKS = 2, QUARTERS_A_DAY = 96 };

struct rows_bench {
    struct engine_bench engine;
    struct sink_conf sinks[ROWS_BENCH_SINKS]; /* the first one is the engine's file */
    struct write_fence fence;
    struct assigned_set set;
    struct assigned *assigned; /* partition 0 */
    struct row_writer *row_writer;
    uint64_t written;
    int fence_closed;
    bool closed;
};

/* For cmocka: *state is the bench, with one sink or two. The teardown closes all that is open. */
int rows_bench_set_up(void **state);
int rows_bench_set_up_two(void **state);
int rows_bench_tear_down(void **state);

/* Opens a partition that is live, and has no reading. */
struct assigned *rows_bench_open(struct rows_bench *bench, int32_t number);
/* One reading of the quarter of an hour `quarter` of 2026. If there are two, the one of the higher
 * revision counts. */
void rows_bench_apply(struct assigned_set *set, struct assigned *assigned, int quarter,
                      int revision);
/* A block of what the sink gets at that time; NULL if that is nothing. */
struct block *rows_bench_take(struct rows_bench *bench, uint32_t sink, bool due, int64_t now_ms);
/* The sink gives it back; as assigned_rows_ended(). Destroys it. */
bool rows_bench_end(struct rows_bench *bench, struct block *block, enum block_end how,
                    int64_t now_ms);
/* As row_writer_create(). */
int rows_bench_create_writer(struct rows_bench *bench);

#endif
