/* The consumer with data that is gone, and with partitions that are new; on a mock cluster.
 */
#include "tests/unit/kafka/recorded_consumer.h"

/* Partition 3 has lost data, and the others go on. */
static bool is_halted(const struct recorded_consumer *recorded)
{
    for (int i = 0; i < 3; i++)
        if (!recorded->caught_up[i])
            return false;
    return recorded->lost_calls > 0;
}

/* The mock keeps 5 MiB of a partition, so the first of 900 messages are gone. The
 * committed offset lies below the log, or beyond its end as when a topic was made again. */
static void check_loss(int policy, int64_t committed, struct recorded_consumer *recorded)
{
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    cluster_produce(&cluster, 3, 0, 900, 10000);
    cluster_produce(&cluster, 0, 0, 200, 10);
    cluster_commit(&cluster, 3, committed, "v1");
    struct kafka_conf conf = cluster_conf(&cluster);
    conf.on_data_loss = policy;
    recorded_start(recorded, &loop, &conf);
    if (policy == LOSS_STOP)
        WAIT_UNTIL(&loop, is_halted, recorded);
    else
        WAIT_UNTIL(&loop, all_caught_up, recorded);
    assert_false(recorded->failed);
    assert_int_equal(recorded->lost_calls, 1);
    struct consumer_partition_stats stats[PARTITIONS];
    assert_int_equal(consumer_get_partitions(recorded->consumer, stats, PARTITIONS), PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++)
        assert_int_equal(stats[i].halted, i == 3 && policy == LOSS_STOP);
    assert_int_equal(consumer_get_stats(recorded->consumer)->losses, 1);
    assert_int_equal(consumer_get_stats(recorded->consumer)->lost_messages,
                     committed < recorded->lost_to ? recorded->lost_to - committed : 0);
    assert_true(recorded->lost_to_ms > 0);
    assert_int_equal(recorded->lost_from, committed);
    assert_true(recorded->lost_to > 300 && recorded->lost_to < 900);
    assert_false(recorded->disordered);
    struct recorded_consumer result = *recorded;
    recorded_stop(recorded, &loop);
    cluster_end(&cluster, &loop);
    *recorded = result;
}

static void test_data_loss_stops(void **state)
{
    (void)state;
    struct recorded_consumer recorded;
    check_loss(LOSS_STOP, 7, &recorded);
    assert_int_equal(recorded.first[3], -1);
    assert_int_equal(recorded.next[0], 200); /* the other partitions notice nothing */
}

static void test_data_loss_continues(void **state)
{
    (void)state;
    struct recorded_consumer recorded;
    check_loss(LOSS_CONTINUE, 7, &recorded);
    assert_int_equal(recorded.first[3], recorded.lost_to);
    assert_int_equal(recorded.next[3], 900);
    assert_int_equal(recorded.first[0], 0); /* the other partitions notice nothing */
    assert_int_equal(recorded.next[0], 200);
}

static void test_topic_recreated(void **state)
{
    (void)state;
    struct recorded_consumer recorded;
    check_loss(LOSS_CONTINUE, 5000, &recorded);
    assert_int_equal(recorded.first[3], recorded.lost_to);
    assert_int_equal(recorded.next[3], 900);
}

/* To a group that has begun, a partition without an offset is a new one: it is read whole. */
static void test_new_partitions_are_read_whole(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 100, 0);
    cluster_commit(&cluster, 2, 60, "by hand");
    struct kafka_conf conf = cluster_conf(&cluster);
    conf.start = START_LATEST;
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    for (int i = 0; i < PARTITIONS; i++)
        assert_int_equal(recorded.first[i], i == 2 ? 60 : 0);
    assert_int_equal(recorded.lost_calls, 0);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* 1 and 2, and 0 has lost data or goes on. */
static bool three_caught_up(const struct recorded_consumer *recorded)
{
    return recorded->caught_up[1] && recorded->caught_up[2] && recorded->lost_calls > 0;
}

static bool both_lost(const struct recorded_consumer *recorded)
{
    return recorded->lost_calls == 2;
}

static bool all_owned(const struct recorded_consumer *recorded)
{
    for (int i = 0; i < PARTITIONS; i++)
        if (!recorded->owned[i])
            return false;
    return true;
}

/* 0 and 3 were read before, up to offsets that the group has forgotten; 1 and 2 were not. */
static void check_forgotten(int policy, int start, struct recorded_consumer *recorded)
{
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 100, 0);
    struct kafka_conf conf = cluster_conf(&cluster);
    conf.start = start;
    conf.on_data_loss = policy;
    recorded_start(recorded, &loop, &conf);
    recorded->undecided = true;
    WAIT_UNTIL(&loop, all_owned, recorded);
    for (int i = 0; i < 200; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(recorded->messages,
                     0); /* nothing comes before it is said, and no commit goes */
    assert_int_equal(recorded->started_calls, 0);
    for (int i = 0; i < 3; i++)
        consumer_begin(recorded->consumer, i, i == 0 ? 40 : -1, 1700000000000);
    WAIT_UNTIL(&loop, three_caught_up, recorded);
    consumer_begin(recorded->consumer, 3, 500, 1700000000000);
    if (policy == LOSS_STOP)
        WAIT_UNTIL(&loop, both_lost, recorded);
    else
        WAIT_UNTIL(&loop, all_caught_up, recorded);
    struct consumer_partition_stats stats[PARTITIONS];
    assert_int_equal(consumer_get_partitions(recorded->consumer, stats, PARTITIONS), PARTITIONS);
    for (int i = 0; i < PARTITIONS; i += 3) {
        assert_int_equal(stats[i].halted, policy == LOSS_STOP);
        if (policy == LOSS_STOP)
            assert_true(stats[i].loss.forgotten && stats[i].loss.saved_ms == 1700000000000);
    }
    assert_int_equal(recorded->lost_calls, 2);
    assert_int_equal(recorded->lost_from, 500);
    assert_int_equal(recorded->lost_to, 0);
    struct recorded_consumer result = *recorded;
    recorded_stop(recorded, &loop);
    cluster_end(&cluster, &loop);
    *recorded = result;
}

static void test_forgotten_offsets_stop(void **state)
{
    (void)state;
    struct recorded_consumer recorded;
    check_forgotten(LOSS_STOP, START_EARLIEST, &recorded);
    assert_int_equal(recorded.first[0], -1);
    assert_int_equal(recorded.first[3], -1);
    assert_int_equal(recorded.next[1], 100);
    assert_int_equal(recorded.next[2], 100);
}

/* It goes on with the messages that are left, whatever the start policy says. */
static void test_forgotten_offsets_continue(void **state)
{
    (void)state;
    struct recorded_consumer recorded;
    check_forgotten(LOSS_CONTINUE, START_LATEST, &recorded);
    assert_int_equal(recorded.first[0], 0);
    assert_int_equal(recorded.first[3], 0);
    assert_int_equal(recorded.next[0], 100);
    assert_int_equal(recorded.next[3], 100);
    assert_int_equal(recorded.first[1], -1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_loss_stops),
        cmocka_unit_test(test_data_loss_continues),
        cmocka_unit_test(test_topic_recreated),
        cmocka_unit_test(test_new_partitions_are_read_whole),
        cmocka_unit_test(test_forgotten_offsets_stop),
        cmocka_unit_test(test_forgotten_offsets_continue),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
