/* What the consumer makes of data that is gone, and of partitions that are new; on a mock cluster.
 */
#include "tests/unit/ingest/seen.h"

static bool all_caught_up(const struct seen *seen)
{
    for (int i = 0; i < PARTITIONS; i++)
        if (!seen->caught_up[i])
            return false;
    return true;
}

/* Partition 3 has lost data, and the others go on. */
static bool is_halted(const struct seen *seen)
{
    for (int i = 0; i < 3; i++)
        if (!seen->caught_up[i])
            return false;
    return seen->lost_calls > 0;
}

/* The mock keeps 5 MiB of a partition, so that of 900 messages the first are gone. What was
 * committed lies below the log, or beyond its end as when a topic was made anew. */
static void check_loss(int policy, int64_t committed, struct seen *seen)
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
    seen_start(seen, &loop, &conf);
    if (policy == LOSS_STOP)
        WAIT_UNTIL(&loop, is_halted, seen);
    else
        WAIT_UNTIL(&loop, all_caught_up, seen);
    assert_false(seen->failed);
    assert_int_equal(seen->lost_calls, 1);
    struct consumer_partition_stats stats[PARTITIONS];
    assert_int_equal(consumer_get_partitions(seen->consumer, stats, PARTITIONS), PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++)
        assert_int_equal(stats[i].halted, i == 3 && policy == LOSS_STOP);
    assert_int_equal(consumer_get_stats(seen->consumer)->losses, 1);
    assert_int_equal(consumer_get_stats(seen->consumer)->lost_messages,
                     committed < seen->lost_to ? seen->lost_to - committed : 0);
    assert_true(seen->lost_to_ms > 0);
    assert_int_equal(seen->lost_from, committed);
    assert_true(seen->lost_to > 300 && seen->lost_to < 900);
    assert_false(seen->disordered);
    struct seen result = *seen;
    seen_stop(seen, &loop);
    cluster_end(&cluster, &loop);
    *seen = result;
}

static void test_data_loss_stops(void **state)
{
    (void)state;
    struct seen seen;
    check_loss(LOSS_STOP, 7, &seen);
    assert_int_equal(seen.first[3], -1);
    assert_int_equal(seen.next[0], 200); /* the other partitions notice nothing */
}

static void test_data_loss_continues(void **state)
{
    (void)state;
    struct seen seen;
    check_loss(LOSS_CONTINUE, 7, &seen);
    assert_int_equal(seen.first[3], seen.lost_to);
    assert_int_equal(seen.next[3], 900);
    assert_int_equal(seen.first[0], 0); /* the other partitions notice nothing */
    assert_int_equal(seen.next[0], 200);
}

static void test_topic_recreated(void **state)
{
    (void)state;
    struct seen seen;
    check_loss(LOSS_CONTINUE, 5000, &seen);
    assert_int_equal(seen.first[3], seen.lost_to);
    assert_int_equal(seen.next[3], 900);
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
    struct seen seen;
    seen_start(&seen, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &seen);
    for (int i = 0; i < PARTITIONS; i++)
        assert_int_equal(seen.first[i], i == 2 ? 60 : 0);
    assert_int_equal(seen.lost_calls, 0);
    seen_stop(&seen, &loop);
    cluster_end(&cluster, &loop);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_loss_stops),
        cmocka_unit_test(test_data_loss_continues),
        cmocka_unit_test(test_topic_recreated),
        cmocka_unit_test(test_new_partitions_are_read_whole),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
