/* Whether we are a member still: the group tells, against librdkafka's mock cluster. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tests/unit/kafka/recorded_consumer.h"

static bool all_began(const struct recorded_consumer *recorded)
{
    return consumer_get_stats(recorded->consumer)->commits == PARTITIONS;
}
static bool is_confirmed(const struct recorded_consumer *recorded)
{
    return recorded->confirmed_calls > 0;
}
static bool is_refused(const struct recorded_consumer *recorded)
{
    return consumer_get_stats(recorded->consumer)->commit_failures > 0;
}

static void open_all(struct cluster *cluster, uv_loop_t *loop, struct recorded_consumer *recorded)
{
    cluster_open(cluster);
    uv_loop_init(loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(cluster, partition, 0, 10, 0);
    struct kafka_conf conf = cluster_conf(cluster);
    recorded_start(recorded, loop, &conf);
}

/* Only an answer to a commit that was sent after the question counts; the question is asked by
 * saying once more what the group has, and changes nothing. */
static void test_confirmed_by_a_commit(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    struct recorded_consumer recorded;
    open_all(&cluster, &loop, &recorded);
    WAIT_UNTIL(&loop, all_began, &recorded);
    assert_int_equal(recorded.confirmed_calls, 0);
    consumer_confirm(recorded.consumer);
    consumer_confirm(recorded.consumer); /* one question */
    WAIT_UNTIL(&loop, is_confirmed, &recorded);
    assert_int_equal(consumer_get_stats(recorded.consumer)->commits, PARTITIONS + 1);
    assert_int_equal(recorded.accepted_calls, 0);
    assert_int_equal(recorded.confirmed_calls, 1);
    recorded.confirmed_calls = 0;
    assert_int_equal(consumer_commit(recorded.consumer, 0, 7, "the handler's own"), 0);
    consumer_confirm(recorded.consumer); /* which tells as well */
    WAIT_UNTIL(&loop, is_confirmed, &recorded);
    assert_int_equal(recorded.accepted[0], 7);
    assert_int_equal(consumer_get_stats(recorded.consumer)->commits, PARTITIONS + 2);
    assert_false(consumer_is_lost(recorded.consumer));
    recorded_stop(&recorded, &loop);
    struct kafka_conf conf = cluster_conf(&cluster);
    recorded_start(&recorded, &loop, &conf);
    consumer_confirm(recorded.consumer); /* before the group has answered: its assignment tells */
    WAIT_UNTIL(&loop, is_confirmed, &recorded);
    for (int i = 0; i < PARTITIONS; i++) {
        assert_int_equal(recorded.committed[i], i == 0 ? 7 : 0);
        assert_string_equal(recorded.metadata[i],
                            i == 0 ? "the handler's own" : CONSUMER_START_METADATA);
    }
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* A consumer that is no longer a member gets a revocation from the group, and no confirmation. */
static void test_not_confirmed(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    struct recorded_consumer recorded;
    open_all(&cluster, &loop, &recorded);
    WAIT_UNTIL(&loop, all_began, &recorded);
    rd_kafka_mock_push_request_errors(cluster.mock, 8 /* OffsetCommit */, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    consumer_confirm(recorded.consumer);
    WAIT_UNTIL(&loop, is_refused, &recorded);
    assert_int_equal(recorded.confirmed_calls, 0);
    consumer_confirm(recorded.consumer); /* once more, of another partition */
    WAIT_UNTIL(&loop, is_confirmed, &recorded);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_confirmed_by_a_commit),
        cmocka_unit_test(test_not_confirmed),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
