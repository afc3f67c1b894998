/* Messages of a cluster in this process into partitions: what they wait for, and where they stand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/daemon/engine/engine_bench.h"
#include "tests/unit/forked.h"

/* A horizon is two days: each further day has to leave before the next reading is taken. */
enum { DAYS = 12, DAY_QUARTERS = 96, READING_BYTES = 128 };

/* One message of a reading a day. */
static void produce_days(struct engine_bench *bench)
{
    struct buffer message;
    char text[READING_BYTES];
    buffer_init(&message, DAYS * READING_BYTES + 8);
    for (int day = 0; day < DAYS; day++) {
        engine_bench_reading(text, day * DAY_QUARTERS);
        buffer_printf(&message, "%s%s", day > 0 ? "," : "[", text);
    }
    buffer_add_str(&message, "]");
    engine_bench_produce(bench, 0, buffer_text(&message));
    buffer_fini(&message);
}

static void open_bench(struct engine_bench *bench)
{
    engine_bench_open(bench);
    engine_bench_open_cluster(bench);
}

/* A database that does not answer. */
static struct sink_conf dead_sink(void)
{
    return (struct sink_conf){.name = "file", /* the same sink, by name */
                              .type = SINK_INFLUX,
                              .dialect = DIALECT_INFLUX1,
                              .url = "http://127.0.0.1:1",
                              .database = "ghg",
                              .timeout_ms = 200,
                              .connect_timeout_ms = 200,
                              .backoff_min_ms = 100,
                              .backoff_max_ms = 200,
                              .rows_max = 1000};
}

static bool waits_for_sinks(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned != NULL && assigned->state == ASSIGNED_WAITING_SINKS &&
           assigned->stats.saves > 0 && !assigned->changed && assigned->saving == SAVE_NONE;
}

static bool is_taken(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned != NULL && assigned_is_live(assigned) && assigned->position.offset == 1;
}

static uint64_t count_used(const struct engine_life *life)
{
    uint64_t read;
    uint64_t outcomes[OUTCOME_COUNT];
    assigned_get_account(engine_life_find(life, 0), &read, outcomes);
    assert_int_equal(outcomes[OUTCOME_USED], read);
    return read;
}

/* A dead database stops the partition within its message. The position is saved, and the next life
 * goes on there: each event is taken once. */
static void test_stops_within_a_message(void **state)
{
    (void)state;
    struct engine_bench bench;
    open_bench(&bench);
    struct sink_conf file = bench.sink;
    bench.sink = dead_sink();
    bench.config.shutdown_timeout_ms = 2000;
    produce_days(&bench);
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, waits_for_sinks, &life, "the partition waits for the sink");
    struct log_position at = engine_life_find(&life, 0)->position;
    assert_int_equal(at.offset, 0);
    assert_true(at.skip > 0 && at.skip < DAYS);
    assert_int_equal(count_used(&life), at.skip);
    engine_life_end(&life);
    assert_int_equal(life.rows, 0);
    bench.sink = file;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, is_taken, &life, "the rest is taken");
    assert_int_equal(engine_life_find(&life, 0)->position.skip, 0);
    assert_int_equal(count_used(&life), DAYS);
    engine_life_end(&life);
    assert_true(life.rows > 0);
    engine_bench_close(&bench);
}

static bool is_fenced(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned->state == ASSIGNED_WAITING_PROCESS;
}

static bool is_lowered(void *context)
{
    struct engine_life *life = context;
    struct intake *intake = process_get_parts(life->process).intake;
    return !write_fence_is_up(intake_get_assigned_set(intake)->fence);
}

static bool is_live(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned != NULL && assigned_is_live(assigned);
}

/* While the membership is in doubt nothing is taken; the group confirms it, and the partition goes
 * on. */
static void test_membership_in_doubt(void **state)
{
    (void)state;
    struct engine_bench bench;
    open_bench(&bench);
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, is_live, &life, "the partition is live");
    struct intake *intake = process_get_parts(life.process).intake;
    rd_kafka_mock_broker_push_request_error_rtts(bench.mock, BENCH_BROKER, 8 /* OffsetCommit */, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR, 1500);
    write_fence_raise(intake_get_assigned_set(intake)->fence);
    char text[READING_BYTES];
    engine_bench_reading(text, 0);
    engine_bench_produce(&bench, 0, text);
    engine_bench_wait(&bench, is_fenced, &life, "the partition waits");
    assert_int_equal(life.rows, 0);
    engine_bench_wait(&bench, is_lowered, &life, "the group has confirmed");
    engine_bench_wait(&bench, is_taken, &life, "the message is taken");
    assert_true(*process_get_parts(life.process).standstills >= 1); /* a slow machine adds to it */
    engine_life_end(&life);
    engine_bench_close(&bench);
}

/* A refused event is counted, its letter is acknowledged, and the offset is committed above it. */
static void test_refused_event(void **state)
{
    (void)state;
    struct engine_bench bench;
    open_bench(&bench);
    engine_bench_produce(&bench, 0, "not JSON");
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, is_taken, &life, "the message is taken");
    struct intake *intake = process_get_parts(life.process).intake;
    struct shard_stats elsewhere;
    intake_get_elsewhere(intake, &elsewhere);
    assert_int_equal(elsewhere.outcomes[REJECT_UNDECODABLE], 1);
    assert_int_equal(intake_get_deadletter_stats(intake)->sent, 1);
    engine_life_end(&life);
    assert_int_equal(engine_bench_committed(&bench, 0, NULL), 1);
    engine_bench_close(&bench);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stops_within_a_message),
        cmocka_unit_test(test_membership_in_doubt),
        cmocka_unit_test(test_refused_event),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
