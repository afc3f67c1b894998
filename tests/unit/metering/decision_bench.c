#include "tests/unit/metering/decision_bench.h"

#include <string.h>

void bench_project(const struct meter *meter, const struct journal *journal, int64_t row,
                   struct cell *cell_out)
{
    memset(cell_out, 0, sizeof(*cell_out));
    projection_cell(cell_out, meter, journal, (row - BEFORE) * BUCKET_MS, BUCKET_MS);
}

static int64_t row_of(int64_t time_ms)
{
    return (int64_t)div_floor(time_ms, BUCKET_MS) + BEFORE;
}

void bench_refresh(struct bench *bench, const struct meter *meter, int64_t from_ms, int64_t to_ms)
{
    if (from_ms >= to_ms)
        return;
    for (int64_t row = MAX(row_of(from_ms), 0); row <= MIN(row_of(to_ms - 1), CELLS - 1); row++)
        bench_project(meter, &bench->journal, row, &bench->cells[row]);
}

struct booking bench_decide(struct bench *bench, const struct meter *meter,
                            const struct reading *event, int64_t floor_ms)
{
    struct booking booking;
    decisions_book(&booking, meter, &bench->journal, event, BUCKET_MS, floor_ms);
    bench_refresh(bench, meter, booking.from_ms, booking.to_ms);
    bench_refresh(bench, meter, booking.left_from_ms, booking.left_to_ms);
    journal_check(&bench->journal, 0);
    return booking;
}

void bench_init(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    journal_init(&bench->journal, bench->slots, CAPACITY);
}

int128 bench_sum(const struct bench *bench)
{
    int128 sum = 0;
    for (int64_t row = 0; row < CELLS; row++)
        sum += bench->cells[row].activity;
    return sum;
}
