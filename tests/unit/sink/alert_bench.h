/* alert_bench.h - blocks of alerts, for the sinks that take them. */
#ifndef GHGD_TESTS_ALERT_BENCH_H
#define GHGD_TESTS_ALERT_BENCH_H

#include "pipelines/notice/notice.h"
#include "pipelines/rollup/row.h"

struct alert_change {
    uint32_t target; /* "t0", "t1", ...; below ALERT_BENCH_TARGETS */
    uint32_t number;
    uint8_t from, to; /* enum alert_level */
};
enum { ALERT_BENCH_TARGETS = 256 };

/* The row of a change, of partition `target`. */
struct row alert_row(struct alert_change change);
struct block *alert_block(const struct alert_change *changes, uint32_t count);

#endif
