/* Where an assignment begins, when the group's coordinator denies, moves, or takes its time. */
#include "tests/unit/kafka/recorded_consumer.h"

enum { OFFSET_FETCH = 9, HEARTBEAT = 12, DENIALS = 200 };

static const struct {
    const char *name;
    rd_kafka_resp_err_t code;
} denials[] = {
    {"not the coordinator", RD_KAFKA_RESP_ERR_NOT_COORDINATOR},
    {"no coordinator", RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE},
    {"it still loads", RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS},
    {"not authorized", RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED},
    {"the connection breaks", RD_KAFKA_RESP_ERR__TRANSPORT},
};

static bool is_assigned_again(const struct recorded_consumer *recorded)
{
    return recorded->assigned_calls == 2 * PARTITIONS && all_caught_up(recorded);
}
static bool is_refused(const struct recorded_consumer *recorded)
{
    return consumer_get_stats(recorded->consumer)->offsets_refused != NULL;
}
static bool has_joined(const struct recorded_consumer *recorded)
{
    return consumer_get_stats(recorded->consumer)->rebalances > 0;
}

/* Offset and metadata arrive after each kind of denial, and no partition begins before. */
static void test_denied_then_told(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    cluster_produce(&cluster, 2, 0, 10, 0);
    cluster_commit(&cluster, 2, 7, "of the group");
    struct kafka_conf conf = cluster_conf(&cluster);
    for (size_t i = 0; i < ARRAY_LEN(denials); i++) {
        rd_kafka_mock_push_request_errors(cluster.mock, OFFSET_FETCH, 1, denials[i].code);
        struct recorded_consumer recorded;
        recorded_start(&recorded, &loop, &conf);
        WAIT_UNTIL(&loop, all_caught_up, &recorded);
        if (recorded.committed[2] != 7 || recorded.first[2] != 7)
            fail_msg("%s: began at %lld", denials[i].name, (long long)recorded.first[2]);
        assert_string_equal(recorded.metadata[2], "of the group");
        assert_string_equal(recorded.metadata[1], i == 0 ? "" : CONSUMER_START_METADATA);
        assert_int_equal(recorded.assigned_calls, PARTITIONS);
        recorded_stop(&recorded, &loop);
    }
    cluster_end(&cluster, &loop);
}

/* It goes on by itself however long that takes, and says what it waits for. */
static void test_denied_for_long(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int i = 0; i < 4; i++)
        rd_kafka_mock_push_request_errors(cluster.mock, OFFSET_FETCH, 1,
                                          RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    const struct consumer_stats *stats = consumer_get_stats(recorded.consumer);
    WAIT_UNTIL(&loop, is_refused, &recorded);
    assert_string_equal(stats->offsets_refused, "NOT_COORDINATOR");
    assert_int_equal(stats->assigned, PARTITIONS);
    assert_int_equal(recorded.assigned_calls, 0);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_null(stats->offsets_refused);
    assert_int_equal(stats->offset_refusals, 4);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* The broker that was the coordinator at the first assignment goes on running, and denies. */
static void test_coordinator_moved(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open_brokers(&cluster, 2);
    uv_loop_init(&loop);
    struct kafka_conf conf = cluster_conf(&cluster);
    rd_kafka_mock_coordinator_set(cluster.mock, "group", conf.group, 1);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);

    rd_kafka_mock_coordinator_set(cluster.mock, "group", conf.group, 2);
    for (int i = 0; i < DENIALS; i++)
        rd_kafka_mock_broker_push_request_error_rtts(cluster.mock, 1, OFFSET_FETCH, 1,
                                                     RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 0);
    rd_kafka_mock_broker_push_request_error_rtts(cluster.mock, 2, HEARTBEAT, 1,
                                                 RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, 0);
    WAIT_UNTIL(&loop, is_assigned_again, &recorded);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* Closing waits for the answer, and takes nothing of it. */
static void test_close_while_asking(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    rd_kafka_mock_broker_push_request_error_rtts(cluster.mock, 1, OFFSET_FETCH, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR, 1500);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, has_joined, &recorded);
    recorded_stop(&recorded, &loop);
    assert_int_equal(recorded.assigned_calls, 0);
    cluster_end(&cluster, &loop);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_denied_then_told),
        cmocka_unit_test(test_denied_for_long),
        cmocka_unit_test(test_coordinator_moved),
        cmocka_unit_test(test_close_while_asking),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
