/* The assembled engine, against librdkafka's in-process mock cluster: its stages, its lives. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/daemon/engine/engine_bench.h"
#include "tests/unit/forked.h"

static bool is_live_at(const struct engine_life *life, int32_t partition, int64_t offset)
{
    const struct assigned *assigned = engine_life_find(life, partition);
    return assigned != NULL && assigned_is_live(assigned) && assigned->position.offset == offset;
}

static bool has_taken_three(void *context)
{
    return is_live_at(context, 0, 3);
}

static void produce(struct engine_bench *bench, int first, int count)
{
    char text[128];
    for (int i = first; i < first + count; i++) {
        engine_bench_reading(text, i);
        engine_bench_produce(bench, 0, text);
    }
}

static uint64_t count_read(const struct engine_life *life, int32_t partition)
{
    uint64_t read;
    uint64_t outcomes[OUTCOME_COUNT];
    assigned_get_account(engine_life_find(life, partition), &read, outcomes);
    assert_int_equal(outcomes[OUTCOME_USED], read);
    return read;
}

/* The second life goes on where the first ended; every event is read once. */
static void test_two_lives(void **state)
{
    (void)state;
    struct engine_bench bench;
    engine_bench_open(&bench);
    engine_bench_open_cluster(&bench);
    produce(&bench, 0, 3);
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, has_taken_three, &life, "three messages are taken");
    engine_life_end(&life);
    assert_false(life.failed);
    assert_true(life.rows > 0);
    assert_int_equal(engine_bench_count_rows(&bench), life.rows);
    assert_int_equal(engine_bench_committed(&bench, 0, NULL), 3);
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, has_taken_three, &life, "the state is back");
    assert_int_equal(count_read(&life, 0), 3);
    assert_true(engine_life_find(&life, 0)->stats.restored_bytes > 0);
    engine_life_end(&life);
    engine_bench_close(&bench);
}

/* If any stage cannot start, the stages before it are closed, and then `discarded` is called. */
static void test_stage_fails(void **state)
{
    (void)state;
    static struct conf_property wrong[] = {{"no.such.property", "1"}};
    static const struct {
        const char *name, *simd, *path, *topic;
        bool wrong_property;
    } cases[] = {
        {"no kernels", "none", NULL, BENCH_TOPIC, false},
        {"a sink without a folder", "scalar", "/nowhere/rows", BENCH_TOPIC, false},
        {"a client that librdkafka refuses", "scalar", NULL, BENCH_TOPIC, true},
        {"a topic that is a pattern", "scalar", NULL, "^events", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine_bench bench;
        engine_bench_open(&bench);
        bench.config.kafka.brokers = "127.0.0.1:1";
        bench.config.simd = cases[i].simd;
        bench.config.input.topic = cases[i].topic;
        if (cases[i].path != NULL)
            bench.sink.path = cases[i].path;
        if (cases[i].wrong_property) {
            bench.config.kafka.properties = wrong;
            bench.config.kafka.properties_count = 1;
        }
        struct engine_life life;
        if (engine_life_begin(&life, &bench) >= 0)
            fail_msg("%s: it was made", cases[i].name);
        assert_false(life.discarded); /* what was made of it still closes */
        uv_run(&bench.loop, UV_RUN_DEFAULT);
        assert_false(life.failed || life.drained || life.ended);
        assert_true(life.discarded);
        engine_bench_close(&bench);
    }
}

/* A process that is not wanted after all is gone only when all of it has closed. */
static void test_discarded(void **state)
{
    (void)state;
    struct engine_bench bench;
    engine_bench_open(&bench);
    bench.config.kafka.brokers = "127.0.0.1:1";
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    process_discard(&life.process);
    assert_null(life.process);
    assert_false(life.discarded);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    assert_false(life.failed || life.drained || life.ended);
    assert_true(life.discarded);
    engine_bench_close(&bench);
}

/* Without brokers it drains at once, as there is nothing, and ends within its time. */
static void test_no_brokers(void **state)
{
    (void)state;
    struct engine_bench bench;
    engine_bench_open(&bench);
    bench.config.kafka.brokers = "127.0.0.1:1";
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    process_stop(life.process);
    process_stop(life.process); /* once is enough */
    engine_bench_wait(&bench, engine_life_has_ended, &life, "the process has ended");
    assert_false(life.failed);
    engine_bench_close(&bench);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_lives),
        cmocka_unit_test(test_stage_fails),
        cmocka_unit_test(test_discarded),
        cmocka_unit_test(test_no_brokers),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
