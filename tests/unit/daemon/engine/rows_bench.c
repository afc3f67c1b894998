#include "tests/unit/daemon/engine/rows_bench.h"

#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "tests/unit/ingest/tables.h"
#include "tests/unit/tier.h"

static const char *const meters[] = {"a1", "b1"}; /* by partition: a facility each */

static void on_written(void *context, const struct block *block)
{
    ((struct rows_bench *)context)->written += block->count;
}

static void on_closed(void *context)
{
    ((struct rows_bench *)context)->closed = true;
}

static void on_fence_closed(void *context)
{
    ((struct rows_bench *)context)->fence_closed++;
}

static void open_bench(struct rows_bench *bench, uint32_t sinks_count)
{
    *bench = (struct rows_bench){0};
    engine_bench_open(&bench->engine);
    struct config *config = &bench->engine.config;
    config->window.emit_interval_ms = HOUR_MS; /* tests say when */
    bench->sinks[0] = bench->engine.sink;
    bench->sinks[1] = (struct sink_conf){.name = "second", .type = SINK_FILE};
    registry_destroy(&config->registry);
    config->registry = tables_read("tests/data/rekey", config->window.horizon_ms);
    config->sinks = bench->sinks;
    config->sinks_count = sinks_count;
    write_fence_init(&bench->fence, &bench->engine.loop);
    assert_int_equal(assigned_set_init(&bench->set, config, tests_kernels(), &bench->fence), 0);
}

static struct rows_bench the_bench;

int rows_bench_set_up(void **state)
{
    open_bench(&the_bench, 1);
    *state = &the_bench;
    return 0;
}

int rows_bench_set_up_two(void **state)
{
    open_bench(&the_bench, ROWS_BENCH_SINKS);
    *state = &the_bench;
    return 0;
}

int rows_bench_tear_down(void **state)
{
    struct rows_bench *bench = *state;
    if (bench->row_writer != NULL) {
        row_writer_close(bench->row_writer, on_closed, bench);
        uv_run(&bench->engine.loop, UV_RUN_DEFAULT);
        assert_true(bench->closed);
    }
    while (bench->set.count > 0) {
        struct assigned *assigned = bench->set.items[0];
        assigned_set_close(&bench->set, &assigned);
    }
    assigned_set_fini(&bench->set);
    write_fence_close(&bench->fence, on_fence_closed, bench);
    engine_bench_close(&bench->engine);
    assert_int_equal(bench->fence_closed, 1);
    return 0;
}

struct assigned *rows_bench_open(struct rows_bench *bench, int32_t number)
{
    struct assigned *assigned = NULL;
    assert_int_equal(assigned_set_open(&bench->set, number, 0, &assigned), 0);
    assigned_enter(assigned, ASSIGNED_APPLYING);
    assigned->started = assigned->caught_up = true;
    assigned->position.offset = 0;
    if (number == 0)
        bench->assigned = assigned;
    return assigned;
}

void rows_bench_apply(struct assigned_set *set, struct assigned *assigned, int quarter,
                      int revision)
{
    static struct outgoing letter;
    char end[TIMESTAMP_TEXT_SIZE];
    char text[160];
    timestamp_format(end, BENCH_START_MS + (quarter + 1) * INT64_C(900000));
    (void)snprintf(text, sizeof(text),
                   "{\"meter\":\"%s\",\"time\":\"%s\",\"value\":%d,\"revision\":%d}",
                   meters[assigned->number], end, 1 + revision, revision);
    const struct raw_message message = {.bytes = text,
                                        .size = strlen(text),
                                        .offset = assigned->position.offset,
                                        .arrived_ms = INT64_MIN};
    set->refusals.letter = &letter; /* none is to be made: the event is good */
    size_t taken = message_applier_take(assigned->applier, &assigned->position, &message, 1);
    assert_int_equal(taken, 1);
    assert_ptr_equal(set->refusals.letter, &letter);
    set->refusals.letter = NULL;
}

int rows_bench_create_writer(struct rows_bench *bench)
{
    const struct row_writer_conf conf = {.loop = &bench->engine.loop,
                                         .config = &bench->engine.config,
                                         .assigned_set = &bench->set,
                                         .written = on_written,
                                         .context = bench};
    return row_writer_create(&bench->row_writer, &conf);
}

struct block *rows_bench_take(struct rows_bench *bench, uint32_t sink, bool due, int64_t now_ms)
{
    struct block *block = NULL;
    assert_int_equal(block_create(&block, 1000), 0);
    block->sink = sink;
    block->taken_ms = now_ms;
    uint32_t rows = assigned_rows_take(&bench->set, sink, due, block);
    assert_int_equal(rows, block->count);
    if (rows == 0)
        block_destroy(&block);
    return block;
}

bool rows_bench_end(struct rows_bench *bench, struct block *block, enum block_end how,
                    int64_t now_ms)
{
    assert_non_null(block);
    block->end = how;
    bool wanted = assigned_rows_ended(&bench->set, block, now_ms);
    block_destroy(&block);
    return wanted;
}
