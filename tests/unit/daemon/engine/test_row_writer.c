/* Rows from a partition that a test has made to a file: who gets them, and who hears of them. */
#include "tests/unit/daemon/engine/rows_bench.h"

/* A live partition with a reading. */
static void open_partition(struct rows_bench *bench)
{
    rows_bench_apply(&bench->set, rows_bench_open(bench, 0), 5, 0);
}

static uint64_t count_dirty(const struct rows_bench *bench)
{
    return shard_get_stats(bench->assigned->shard)->dirty_rows;
}

static bool is_clean(void *context)
{
    const struct rows_bench *bench = context;
    return count_dirty(bench) == 0 && !row_writer_is_due(bench->row_writer, 0);
}

static bool is_not_due(void *context)
{
    return !row_writer_is_due(((const struct rows_bench *)context)->row_writer, 0);
}

/* Everything dirty is written when it is due, once, and settled. */
static void test_emit(void **state)
{
    struct rows_bench *bench = *state;
    open_partition(bench);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    assert_false(row_writer_is_due(bench->row_writer, 0));
    row_writer_want(bench->row_writer); /* nothing has to go */
    uv_run(&bench->engine.loop, UV_RUN_NOWAIT);
    assert_int_equal(bench->written, 0);
    assert_true(count_dirty(bench) > 0);
    row_writer_emit(bench->row_writer);
    assert_true(row_writer_is_due(bench->row_writer, 0));
    engine_bench_wait(&bench->engine, is_clean, bench, "all is written");
    assert_true(bench->written > 0);
    assert_int_equal(engine_bench_count_rows(&bench->engine), bench->written);
    uint64_t written = bench->written;
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_clean, bench, "nothing is due");
    assert_int_equal(bench->written, written);
    assert_true(bench->assigned->changed); /* a checkpoint has something to say */
}

/* A partition that may not write gives no row. */
static void test_nothing_to_take(void **state)
{
    struct rows_bench *bench = *state;
    static const struct {
        const char *name;
        enum assigned_state state;
        bool started, caught_up, fenced;
        bool writes;
    } cases[] = {
        {"the group has no offset of it", ASSIGNED_APPLYING, false, true, false, false},
        {"it has not caught up", ASSIGNED_APPLYING, true, false, false, false},
        {"it leaves", ASSIGNED_LEAVING, true, true, false, false},
        {"the membership is in doubt", ASSIGNED_APPLYING, true, true, true, false},
        {"in order", ASSIGNED_WAITING_LETTERS, true, true, false, true},
    };
    open_partition(bench);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bench->assigned->state = cases[i].state;
        bench->assigned->started = cases[i].started;
        bench->assigned->caught_up = cases[i].caught_up;
        bench->set.paused = true; /* no message comes here */
        if (cases[i].fenced)
            write_fence_raise(&bench->fence);
        row_writer_emit(bench->row_writer);
        engine_bench_wait(&bench->engine, is_not_due, bench, "nothing is due");
        write_fence_lower(&bench->fence);
        if ((bench->written > 0) != cases[i].writes)
            fail_msg("%s: %d rows", cases[i].name, (int)bench->written);
    }
}

/* No partition hears of rows of partitions that have gone, also if the same partition is back. */
static void test_orphans(void **state)
{
    struct rows_bench *bench = *state;
    open_partition(bench);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    row_writer_emit(bench->row_writer);
    row_writer_forget(bench->row_writer, 0);
    row_writer_forget(bench->row_writer, 0); /* of a second partition */
    assigned_set_close(&bench->set, &bench->assigned);
    open_partition(bench);
    uint64_t dirty = count_dirty(bench);
    bench->assigned->caught_up = false; /* nothing new goes yet */
    engine_bench_wait(&bench->engine, is_not_due, bench, "the orphan is back");
    assert_int_equal(bench->written, 0);
    assert_int_equal(count_dirty(bench), dirty);
    bench->assigned->caught_up = true;
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_clean, bench, "the new one is written");
    assert_true(bench->written > 0);
}

/* A block that is given up is dirty again, and goes with the next. */
static void test_withdrawn(void **state)
{
    struct rows_bench *bench = *state;
    open_partition(bench);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    row_writer_emit(bench->row_writer);
    row_writer_withdraw(bench->row_writer);
    engine_bench_wait(&bench->engine, is_not_due, bench, "the block is back");
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_clean, bench, "all is written");
    assert_true(engine_bench_count_rows(&bench->engine) >= bench->written);
}

/* It ends with a block under way, which comes back first. */
static void test_closed_under_way(void **state)
{
    struct rows_bench *bench = *state;
    open_partition(bench);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    row_writer_emit(bench->row_writer);
    row_writer_rest(bench->row_writer);
    row_writer_want(bench->row_writer); /* it is at rest: nothing more begins by itself */
}

static void test_sink_fails(void **state)
{
    struct rows_bench *bench = *state;
    bench->sinks[0].path = "/nowhere/rows";
    assert_true(rows_bench_create_writer(bench) < 0);
    assert_null(bench->row_writer);
    uv_run(&bench->engine.loop, UV_RUN_DEFAULT);
}

static bool has_failed_twice(void *context)
{
    const struct rows_bench *bench = context;
    return row_writer_get_stats(bench->row_writer, 0)->requests_failed >= 2;
}

/* A block that a sink tries again and again is not tried while the fence is up. */
static void test_the_fence_stops_tries(void **state)
{
    struct rows_bench *bench = *state;
    bench->sinks[0] = (struct sink_conf){.name = "nobody listens",
                                         .type = SINK_INFLUX,
                                         .dialect = DIALECT_INFLUX1,
                                         .url = "http://127.0.0.1:1",
                                         .database = "ghg",
                                         .rows_max = 100,
                                         .timeout_ms = 1000,
                                         .connect_timeout_ms = 1000,
                                         .backoff_min_ms = 1,
                                         .backoff_max_ms = 10};
    open_partition(bench);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, has_failed_twice, bench, "it is tried again");
    write_fence_raise(&bench->fence);
    for (int i = 0; i < 20; i++) /* what was under way ends */
        uv_run(&bench->engine.loop, UV_RUN_ONCE);
    const struct sink_stats *stats = row_writer_get_stats(bench->row_writer, 0);
    uint64_t failed = stats->requests_failed;
    int64_t until_ms = (int64_t)uv_now(&bench->engine.loop) + 500;
    while ((int64_t)uv_now(&bench->engine.loop) < until_ms)
        uv_run(&bench->engine.loop, UV_RUN_ONCE);
    assert_int_equal(stats->requests_failed, failed);
    write_fence_lower(&bench->fence);
    while (stats->requests_failed == failed)
        uv_run(&bench->engine.loop, UV_RUN_ONCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_emit, rows_bench_set_up, rows_bench_tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_to_take, rows_bench_set_up,
                                        rows_bench_tear_down),
        cmocka_unit_test_setup_teardown(test_orphans, rows_bench_set_up, rows_bench_tear_down),
        cmocka_unit_test_setup_teardown(test_withdrawn, rows_bench_set_up, rows_bench_tear_down),
        cmocka_unit_test_setup_teardown(test_closed_under_way, rows_bench_set_up,
                                        rows_bench_tear_down),
        cmocka_unit_test_setup_teardown(test_sink_fails, rows_bench_set_up, rows_bench_tear_down),
        cmocka_unit_test_setup_teardown(test_the_fence_stops_tries, rows_bench_set_up,
                                        rows_bench_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
