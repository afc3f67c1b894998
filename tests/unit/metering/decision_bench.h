/*
 * decision_bench.h - a journal and the cells of its meter, which follow what bookings tell.
 */
#ifndef GHGD_TEST_DECISION_BENCH_H
#define GHGD_TEST_DECISION_BENCH_H

#include "pipelines/metering/decisions.h"
#include "pipelines/metering/projection.h"
#include "tests/unit/metering/readings.h"

enum { CAPACITY = 512, CELLS = 64, BEFORE = 8, ROUNDS = 4000 };

struct bench {
    struct reading slots[CAPACITY];
    struct journal journal;
    struct cell cells[CELLS]; /* the one at BEFORE begins in 1970 */
};

void bench_init(struct bench *bench);
/* The cell as it is now. */
void bench_project(const struct meter *meter, const struct journal *journal, int64_t row,
                   struct cell *cell_out);
/* Projects the cells again, as far as there are some. */
void bench_refresh(struct bench *bench, const struct meter *meter, int64_t from_ms, int64_t to_ms);
/* Books a reading or a decision, and refreshes the cells that the booking tells. */
struct booking bench_decide(struct bench *bench, const struct meter *meter,
                            const struct reading *event, int64_t floor_ms);
/* The activity of all cells. */
int128 bench_sum(const struct bench *bench);

#endif
