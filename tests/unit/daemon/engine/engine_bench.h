/*
 * engine_bench.h - a configuration built by hand: the meters of tests/data/events, one sink that is
 * a file in a folder of its own, and, if a test wants it, a cluster in this process.
 */
#ifndef GHGD_TEST_ENGINE_BENCH_H
#define GHGD_TEST_ENGINE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <uv.h>

#include "config/config.h"
#include "daemon/engine/intake.h"
#include "daemon/engine/process.h"

enum { BENCH_PARTITIONS = 2, BENCH_WAIT_MS = 60000, BENCH_BROKER = 1, BENCH_LETTER_BROKER = 2 };
#define BENCH_TOPIC "events"
#define BENCH_START_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct engine_bench {
    uv_loop_t loop;
    uv_timer_t tick; /* so that no turn of the loop waits for ever */
    char folder[64], rows[96];
    struct sink_conf sink;
    struct config config;
    rd_kafka_t *client; /* produces, and hosts the brokers */
    rd_kafka_mock_cluster_t *mock;
};

/* Configuration and loop. */
void engine_bench_open(struct engine_bench *bench);
/* Nothing is left on the loop but its tick. */
void engine_bench_close(struct engine_bench *bench);
/* The brokers, before anything connects: dead letters have a broker of their own. */
void engine_bench_open_cluster(struct engine_bench *bench);

/* One reading of the meter `interval` in the quarter of an hour `number` of 2026. */
void engine_bench_reading(char text[128], int number);
void engine_bench_produce(struct engine_bench *bench, int32_t partition, const char *text);
/* Commits as an operator would with a tool, while the group has no member. */
void engine_bench_commit(struct engine_bench *bench, int32_t partition, int64_t offset,
                         const char *metadata);
/* The group's offset; -1 if it has none. metadata_out: to be freed; may be NULL. */
int64_t engine_bench_committed(struct engine_bench *bench, int32_t partition, char **metadata_out);
/* Lines in the sink's file. */
uint32_t engine_bench_count_rows(const struct engine_bench *bench);
/* Runs the loop until it holds. */
void engine_bench_wait(struct engine_bench *bench, bool (*holds)(void *context), void *context,
                       const char *name);

/* A process over the bench, from its making to its end. */
struct engine_life {
    struct engine_bench *bench;
    struct process *process;
    bool failed, drained, ended, discarded;
    uint64_t rows;
};

/* As process_create(). */
int engine_life_begin(struct engine_life *life, struct engine_bench *bench);
/* Stops it, and waits until it has ended. */
void engine_life_end(struct engine_life *life);
/* context: struct engine_life. */
bool engine_life_has_ended(void *context);
/* NULL: the partition is not assigned. */
const struct assigned *engine_life_find(const struct engine_life *life, int32_t partition);

#endif
