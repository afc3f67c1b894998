/* The state of partitions through lives, against librdkafka's in-process mock cluster: what cannot
 * be read, and what holds a commit back. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/daemon/engine/engine_bench.h"
#include "tests/unit/forked.h"

enum { TAKEN = 3, HOLD_MS = 800 };

static void produce(struct engine_bench *bench, int32_t partition)
{
    char text[128];
    for (int i = 0; i < TAKEN; i++) {
        engine_bench_reading(text, i);
        engine_bench_produce(bench, partition, text);
    }
}

static void open_bench(struct engine_bench *bench)
{
    engine_bench_open(bench);
    engine_bench_open_cluster(bench);
}

static bool is_unreadable(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned != NULL && assigned->state == ASSIGNED_UNREADABLE;
}

static bool is_taken(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned != NULL && assigned_is_live(assigned) && assigned->position.offset == TAKEN;
}

static bool is_other_live(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 1);
    return assigned != NULL && assigned_is_live(assigned);
}

/* A pointer that leads to nothing stops its partition, in words; the others go on, and what the
 * group had stays. */
static void test_unreadable_stops(void **state)
{
    (void)state;
    struct engine_bench bench;
    open_bench(&bench);
    produce(&bench, 0);
    engine_bench_commit(&bench, 0, 1, "no pointer at all");
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, is_unreadable, &life, "the partition has stopped");
    engine_bench_wait(&bench, is_other_live, &life, "the other one is live");
    assert_true(engine_life_find(&life, 0)->why[0] != '\0');
    assert_int_equal(engine_life_find(&life, 0)->position.offset, -1);
    engine_life_end(&life);
    assert_false(life.failed);
    assert_int_equal(engine_bench_committed(&bench, 0, NULL), 1);
    engine_bench_close(&bench);
}

/* By policy its state is derived again, from the oldest message on. */
static void test_unreadable_is_rebuilt(void **state)
{
    (void)state;
    struct engine_bench bench;
    open_bench(&bench);
    bench.config.checkpoint.on_unreadable = UNREADABLE_REBUILD;
    produce(&bench, 0);
    engine_bench_commit(&bench, 0, 1, "no pointer at all");
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, is_taken, &life, "all messages are taken");
    uint64_t read;
    uint64_t outcomes[OUTCOME_COUNT];
    assigned_get_account(engine_life_find(&life, 0), &read, outcomes);
    assert_int_equal(read, TAKEN);
    assert_int_equal(outcomes[OUTCOME_USED], TAKEN);
    engine_life_end(&life);
    assert_int_equal(engine_bench_committed(&bench, 0, NULL), TAKEN);
    engine_bench_close(&bench);
}

static bool waits_for_letters(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned != NULL && assigned->position.offset == TAKEN + 1 &&
           assigned->saving == SAVE_WRITTEN && assigned->saving_at.offset == TAKEN + 1;
}

static bool is_saved(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned != NULL && assigned->saving == SAVE_NONE && assigned->stats.saves > 0 &&
           !assigned->changed;
}

static void on_held(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static bool is_held(void *context)
{
    return *(bool *)context;
}

static void hold(struct engine_bench *bench)
{
    uv_timer_t timer;
    bool over = false;
    uv_timer_init(&bench->loop, &timer);
    timer.data = &over;
    uv_timer_start(&timer, on_held, HOLD_MS, 0);
    engine_bench_wait(bench, is_held, &over, "a while is over");
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&bench->loop, UV_RUN_NOWAIT);
}

/* No offset is committed above a dead letter that is not acknowledged: its event would not be read
 * again. */
static void test_letters_hold_commits(void **state)
{
    (void)state;
    struct engine_bench bench;
    open_bench(&bench);
    rd_kafka_mock_broker_set_down(bench.mock, BENCH_LETTER_BROKER);
    produce(&bench, 0);
    engine_bench_produce(&bench, 0, "not JSON");
    struct engine_life life;
    assert_int_equal(engine_life_begin(&life, &bench), 0);
    engine_bench_wait(&bench, waits_for_letters, &life, "the checkpoint is written");
    hold(&bench); /* many steps of the checkpointer */
    assert_true(waits_for_letters(&life));
    assert_true(engine_bench_committed(&bench, 0, NULL) <= TAKEN);
    rd_kafka_mock_broker_set_up(bench.mock, BENCH_LETTER_BROKER);
    engine_bench_wait(&bench, is_saved, &life, "the checkpoint is in force");
    assert_int_equal(engine_bench_committed(&bench, 0, NULL), TAKEN + 1);
    engine_life_end(&life);
    engine_bench_close(&bench);
}

/* --- between the state and the commit --- */

enum { OFFSET_COMMIT = 8 }; /* the number of the request in Kafka's protocol */

static uint64_t count_refused(const struct engine_life *life)
{
    return intake_get_consumer_stats(process_get_parts(life->process).intake)->commit_failures;
}

static bool is_first_saved(void *context)
{
    return is_taken(context) && is_saved(context);
}

/* A process whose first commits were accepted: the group has where it stands. */
static void begin_saved_life(struct engine_life *life, struct engine_bench *bench)
{
    produce(bench, 0);
    assert_int_equal(engine_life_begin(life, bench), 0);
    engine_bench_wait(bench, is_first_saved, life, "the first checkpoint is in force");
    assert_int_equal(engine_bench_committed(bench, 0, NULL), TAKEN);
}

static void produce_one_more(struct engine_bench *bench)
{
    char text[128];
    engine_bench_reading(text, TAKEN);
    engine_bench_produce(bench, 0, text);
}

static bool is_refused(void *context)
{
    return count_refused(context) > 0;
}

static bool is_second_saved(void *context)
{
    return is_saved(context) && engine_life_find(context, 0)->saving_at.offset == TAKEN + 1;
}

/* The group refuses the second commit: the first state is in force still, and the commit is asked
 * for again, with the records that are there. */
static void test_refused_commit(void **state)
{
    (void)state;
    struct engine_bench bench;
    struct engine_life life;
    char *before;
    char *after;
    open_bench(&bench);
    begin_saved_life(&life, &bench);
    assert_int_equal(engine_bench_committed(&bench, 0, &before), TAKEN);
    const struct assigned *assigned = engine_life_find(&life, 0);
    uint64_t saves = assigned->stats.saves;
    rd_kafka_mock_push_request_errors(bench.mock, OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    produce_one_more(&bench);
    engine_bench_wait(&bench, is_refused, &life, "the commit is refused");
    assert_int_equal(assigned->saving, SAVE_WRITTEN);
    assert_int_equal(assigned->saving_at.offset, TAKEN + 1);
    assert_non_null(assigned->pointer);
    assert_int_equal(assigned->stats.saves, saves);
    assert_int_equal(engine_bench_committed(&bench, 0, &after), TAKEN);
    assert_string_equal(after, before);
    free(after);
    engine_bench_wait(&bench, is_second_saved, &life, "the commit is accepted");
    assert_true(assigned->stats.saves > saves); /* a slow machine may have saved again */
    assert_int_equal(assigned->stats.save_failures, 0);
    assert_int_equal(count_refused(&life), 1);
    assert_int_equal(engine_bench_committed(&bench, 0, &after), TAKEN + 1);
    assert_string_not_equal(after, before);
    free(before);
    free(after);
    engine_life_end(&life);
    engine_bench_close(&bench);
}

static bool is_writing(void *context)
{
    const struct assigned *assigned = engine_life_find(context, 0);
    return assigned->saving == SAVE_WRITING && assigned->saving_at.offset == TAKEN + 1;
}

/* Records that no broker has acknowledged are not pointed at. */
static void test_records_hold_commits(void **state)
{
    (void)state;
    struct engine_bench bench;
    struct engine_life life;
    open_bench(&bench);
    for (int p = 0; p < BENCH_PARTITIONS; p++)
        rd_kafka_mock_partition_set_leader(bench.mock, "plant-checkpoint", p, BENCH_LETTER_BROKER);
    begin_saved_life(&life, &bench);
    rd_kafka_mock_broker_set_down(bench.mock, BENCH_LETTER_BROKER);
    produce_one_more(&bench);
    engine_bench_wait(&bench, is_writing, &life, "the state is taken");
    hold(&bench); /* many steps of the checkpointer */
    assert_true(is_writing(&life));
    assert_int_equal(engine_bench_committed(&bench, 0, NULL), TAKEN);
    rd_kafka_mock_broker_set_up(bench.mock, BENCH_LETTER_BROKER);
    engine_bench_wait(&bench, is_second_saved, &life, "the checkpoint is in force");
    assert_int_equal(engine_bench_committed(&bench, 0, NULL), TAKEN + 1);
    engine_life_end(&life);
    engine_bench_close(&bench);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unreadable_stops),     cmocka_unit_test(test_unreadable_is_rebuilt),
        cmocka_unit_test(test_letters_hold_commits), cmocka_unit_test(test_refused_commit),
        cmocka_unit_test(test_records_hold_commits),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
