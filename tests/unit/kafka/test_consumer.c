/* The consumer against librdkafka's in-process mock cluster. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tests/unit/kafka/recorded_consumer.h"

static bool others_caught_up(const struct recorded_consumer *recorded)
{
    for (int i = 0; i < PARTITIONS; i++)
        if (i != recorded->refuse && !recorded->caught_up[i])
            return false;
    return true;
}
static bool has_failed(const struct recorded_consumer *recorded)
{
    return recorded->failed;
}
static bool is_committed(const struct recorded_consumer *recorded)
{
    return consumer_get_stats(recorded->consumer)->commits > 0;
}
static bool has_stopped(const struct recorded_consumer *recorded)
{
    return recorded->stops == PARTITIONS;
}

/* Everything arrives in order, empty partitions are caught up too, a full handler stops its
 * partition without losing a message, a commit carries its metadata over a restart. */
static void test_consume_stop_commit_restart(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 1; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 3000, 50);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_false(recorded.disordered);
    assert_int_equal(recorded.messages, 3000 * (PARTITIONS - 1));
    for (int i = 0; i < PARTITIONS; i++) {
        assert_int_equal(recorded.committed[i], -1);
        assert_int_equal(recorded.first[i], i == 0 ? -1 : 0);
        assert_int_equal(recorded.next[i], i == 0 ? -1 : 3000);
        assert_string_equal(recorded.metadata[i], "");
    }
    struct consumer_partition_stats stats[PARTITIONS + 1];
    assert_int_equal(consumer_get_partitions(recorded.consumer, stats, PARTITIONS + 1), PARTITIONS);
    assert_int_equal(stats[2].next_offset, 3000);
    assert_int_equal(stats[2].log_end, 3000);
    assert_int_equal(stats[2].lag, 0);
    assert_int_equal(stats[0].lag, 0);

    recorded.take_max = 5; /* now the handler is full after five messages */
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 3000, 100, 50);
    WAIT_UNTIL(&loop, has_stopped, &recorded);
    assert_int_equal(consumer_get_partitions(recorded.consumer, stats, PARTITIONS), PARTITIONS);
    assert_true(stats[3].stopped);
    assert_int_equal(stats[3].next_offset, 3005);
    recorded.take_max = 0;
    for (int partition = 0; partition < PARTITIONS; partition++) {
        recorded.caught_up[partition] = false;
        consumer_resume(recorded.consumer, partition);
        assert_int_equal(consumer_commit(recorded.consumer, partition, 40 + partition, "older"), 0);
        assert_int_equal(
            consumer_commit(recorded.consumer, partition, 50 + partition, "v1 low=1700000000000"),
            0);
    }
    uint64_t want = 3000 * (PARTITIONS - 1) + 100 * PARTITIONS;
    uint64_t until = uv_hrtime() + 60000000000;
    while (recorded.messages < want && uv_hrtime() < until)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(recorded.messages, want);
    assert_false(recorded.disordered);
    WAIT_UNTIL(&loop, is_committed, &recorded);
    recorded.commit_on_revoke = NULL;
    recorded_stop(&recorded, &loop);

    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    for (int i = 0; i < PARTITIONS; i++) {
        assert_int_equal(recorded.committed[i], 50 + i);
        assert_string_equal(recorded.metadata[i], "v1 low=1700000000000");
        assert_int_equal(recorded.first[i], 50 + i);
        assert_int_equal(recorded.next[i], i == 0 ? 100 : 3100);
    }
    assert_false(recorded.disordered);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* A group without offsets begins at the end if so configured, and stays there: what arrives while
 * it is away is not skipped. Its last commit on revocation goes out before it leaves. */
static void test_start_latest(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 100, 0);
    struct kafka_conf conf = cluster_conf(&cluster);
    conf.start = START_LATEST;
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_int_equal(recorded.messages, 0);
    recorded_stop(&recorded, &loop);

    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 100, 10, 0);
    recorded_start(&recorded, &loop, &conf);
    recorded.commit_on_revoke = "last words";
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_int_equal(recorded.messages, 10 * PARTITIONS);
    assert_int_equal(recorded.committed[2], 100);
    assert_int_equal(recorded.first[2], 100);
    recorded_stop(&recorded, &loop);

    cluster_end(&cluster, &loop);
}

/* A partition that the handler refuses, as its state cannot be restored, holds no other. */
static void test_refused_partition(void **state)
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
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    recorded.refuse = 1;
    WAIT_UNTIL(&loop, others_caught_up, &recorded);
    assert_int_equal(recorded.committed[2], 60);
    assert_string_equal(recorded.metadata[2], "by hand");
    assert_int_equal(recorded.messages, 240);
    assert_int_equal(consumer_get_stats(recorded.consumer)->assigned, PARTITIONS - 1);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

static const struct recorded_consumer *both[2];
static bool both_share(const struct recorded_consumer *recorded)
{
    (void)recorded;
    int owned[2] = {0};
    for (int i = 0; i < PARTITIONS; i++)
        for (int who = 0; who < 2; who++)
            owned[who] += both[who]->owned[i] && both[who]->caught_up[i];
    return owned[0] == PARTITIONS / 2 && owned[1] == PARTITIONS / 2;
}

/* The second member takes half; when the first leaves, the second goes on where it had committed.
 */
static void test_two_share(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 500, 10);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded[2];
    recorded_start(&recorded[0], &loop, &conf);
    recorded_start(&recorded[1], &loop, &conf);
    both[0] = &recorded[0];
    both[1] = &recorded[1];
    WAIT_UNTIL(&loop, both_share, &recorded[0]);
    /* The first member may have read all alone: messages that it did not commit are read again. */
    assert_true(recorded[0].messages + recorded[1].messages >= UINT64_C(500) * PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++) {
        assert_true(recorded[0].owned[i] != recorded[1].owned[i]);
        assert_int_equal(recorded[recorded[0].owned[i] ? 0 : 1].next[i], 500);
    }
    recorded[0].commit_on_revoke = "handed over";
    recorded_stop(&recorded[0], &loop);
    WAIT_UNTIL(&loop, all_caught_up, &recorded[1]);
    int handed_over = 0;
    for (int i = 0; i < PARTITIONS; i++)
        handed_over +=
            recorded[1].committed[i] == 500 && strcmp(recorded[1].metadata[i], "handed over") == 0;
    assert_int_equal(handed_over, PARTITIONS / 2);
    recorded_stop(&recorded[1], &loop);
    cluster_end(&cluster, &loop);
}

/* Nothing is polled but by the timer: past max.poll.interval.ms the member is still one. */
static void test_idle_stays_member(void **state)
{
    (void)state;
    static struct conf_property properties[] = {
        {"session.timeout.ms", "3100"},
        {"max.poll.interval.ms", "3200"},
        {"heartbeat.interval.ms", "100"},
        {"fetch.wait.max.ms", "20"},
    };
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    struct kafka_conf conf = cluster_conf(&cluster);
    conf.properties = properties;
    conf.properties_count = ARRAY_LEN(properties);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    uint64_t until = uv_now(&loop) + 4500;
    while (uv_now(&loop) < until)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(recorded.revoked_calls, 0);
    assert_int_equal(consumer_get_stats(recorded.consumer)->rebalances, 1);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* Closing is right at any moment: before the group has formed, while offsets are asked for. */
static void test_close_early(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    recorded_stop(&recorded, &loop);
    assert_int_equal(recorded.assigned_calls, 0);
    recorded_start(&recorded, &loop, &conf);
    for (int i = 0; i < 50; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* Offsets are asked for again when the coordinator refuses to tell them. */
static void test_offsets_retried(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    rd_kafka_mock_push_request_errors(cluster.mock, 9 /* OffsetFetch */, 1,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_true(consumer_get_stats(recorded.consumer)->errors >= 1);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* Fenced by a member with the same instance id: no group to leave, yet closing ends. */
static void test_fatal_error(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    rd_kafka_mock_push_request_errors(cluster.mock, 12 /* Heartbeat */, 1,
                                      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
    WAIT_UNTIL(&loop, has_failed, &recorded);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* With no broker to say good-bye to, and commits under way, closing still ends. */
static void test_close_without_brokers(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    struct kafka_conf conf = cluster_conf(&cluster);
    static struct conf_property long_session[] = {
        {"session.timeout.ms", "6500"}, /* so long librdkafka would take */
        {"heartbeat.interval.ms", "100"},
    };
    conf.properties = long_session;
    conf.properties_count = ARRAY_LEN(long_session);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    rd_kafka_mock_broker_set_down(cluster.mock, 1);
    assert_int_equal(consumer_commit(recorded.consumer, 2, 0, "v1"), 0);
    uint64_t began_ms = uv_hrtime() / 1000000;
    recorded_stop(&recorded, &loop);
    uint64_t took_ms = uv_hrtime() / 1000000 - began_ms;
    if (took_ms > 5800)
        fail_msg("took %llu ms", (unsigned long long)took_ms);
    cluster_end(&cluster, &loop);
}

static bool all_began(const struct recorded_consumer *recorded)
{
    return consumer_get_stats(recorded->consumer)->commits == PARTITIONS;
}
static bool one_accepted(const struct recorded_consumer *recorded)
{
    return recorded->accepted_calls == 1;
}
static bool one_rejected(const struct recorded_consumer *recorded)
{
    return recorded->rejected_calls > 0;
}

/* The group has where it begins at once; the handler hears what became of its own commits. */
static void test_commits_are_answered(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 10, 0);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_began, &recorded);
    assert_int_equal(recorded.accepted_calls, 0);
    assert_int_equal(consumer_commit(recorded.consumer, 2, 4, "accepted"), 0);
    WAIT_UNTIL(&loop, one_accepted, &recorded);
    assert_int_equal(recorded.accepted[2], 4);
    rd_kafka_mock_push_request_errors(cluster.mock, 8 /* OffsetCommit */, 1,
                                      RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE);
    assert_int_equal(consumer_commit(recorded.consumer, 1, 5, "refused"), 0);
    WAIT_UNTIL(&loop, one_rejected, &recorded);
    assert_int_equal(recorded.accepted_calls, 1);
    assert_int_equal(consumer_get_stats(recorded.consumer)->commit_failures, 1);
    recorded_stop(&recorded, &loop);
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_int_equal(recorded.committed[1], 0);
    assert_string_equal(recorded.metadata[1], CONSUMER_START_METADATA);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

static bool one_failed(const struct recorded_consumer *recorded)
{
    return consumer_get_stats(recorded->consumer)->commit_failures > 0;
}
static bool all_started(const struct recorded_consumer *recorded)
{
    return recorded->started_calls == PARTITIONS;
}

/* A group that refuses the commit of where it begins gets it again, until it has it. */
static void test_start_is_said_until_the_group_has_it(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 10, 0);
    for (int i = 0; i < 2 * PARTITIONS; i++) /* of each, if they come one by one */
        rd_kafka_mock_push_request_errors(cluster.mock, 8 /* OffsetCommit */, 1,
                                          RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, one_failed, &recorded);
    assert_true(recorded.started_calls < PARTITIONS);
    WAIT_UNTIL(&loop, all_started, &recorded);
    assert_int_equal(recorded.accepted_calls + recorded.rejected_calls,
                     0); /* none was the handler's */
    assert_int_equal(consumer_commit(recorded.consumer, 2, 4, "more"), 0);
    WAIT_UNTIL(&loop, one_accepted, &recorded);
    recorded_stop(&recorded, &loop);
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    for (int i = 0; i < PARTITIONS; i++) {
        assert_int_equal(recorded.committed[i], i == 2 ? 4 : 0);
        assert_string_equal(recorded.metadata[i], i == 2 ? "more" : CONSUMER_START_METADATA);
    }
    assert_int_equal(recorded.started_calls, 0); /* it had been before */
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

static uint64_t stop_and_measure(struct recorded_consumer *recorded, uv_loop_t *loop)
{
    uint64_t began_ms = uv_hrtime() / 1000000;
    recorded_stop(recorded, loop);
    return uv_hrtime() / 1000000 - began_ms;
}

/* A member that needs time for its last words has it. Its successor begins at that commit. */
static void test_released_late(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 10, 0);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    WAIT_UNTIL(&loop, all_began, &recorded);
    recorded.release_after_ms = 400;
    recorded.commit_on_revoke = "written at last";
    uint64_t took_ms = stop_and_measure(&recorded, &loop);
    assert_true(took_ms >= 390 && took_ms < 3000);
    assert_int_equal(recorded.revoking_calls, PARTITIONS);
    assert_int_equal(recorded.accepted_calls, PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++) {
        assert_false(recorded.lost[i]);
        assert_int_equal(recorded.accepted[i], 10);
    }
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_int_equal(recorded.committed[3], 10);
    assert_string_equal(recorded.metadata[3], "written at last");
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

/* And who never says them is not waited for beyond a third of the poll limit. */
static void test_never_released(void **state)
{
    (void)state;
    static struct conf_property properties[] = {
        {"session.timeout.ms", "3100"},
        {"max.poll.interval.ms", "3200"},
        {"heartbeat.interval.ms", "100"},
        {"fetch.wait.max.ms", "20"},
    };
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    struct kafka_conf conf = cluster_conf(&cluster);
    conf.properties = properties;
    conf.properties_count = ARRAY_LEN(properties);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_int_equal(consumer_get_setting(recorded.consumer, "max.poll.interval.ms"), 3200);
    assert_int_equal(consumer_get_setting(recorded.consumer, "no.such.property"), -1);
    recorded.never_releases = true;
    uint64_t took_ms = stop_and_measure(&recorded, &loop);
    assert_true(took_ms >= 1000 && took_ms < 3000);
    for (int i = 0; i < PARTITIONS; i++)
        assert_true(recorded.lost[i]);
    cluster_end(&cluster, &loop);
}

static bool begins_again(const struct recorded_consumer *recorded)
{
    return recorded->caught_up[2] && recorded->next[2] == 10 && recorded->first[2] == 0;
}

/* A partition can begin again while the others go on. */
static void test_rewind(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    cluster_open(&cluster);
    uv_loop_init(&loop);
    for (int partition = 0; partition < PARTITIONS; partition++)
        cluster_produce(&cluster, partition, 0, 10, 0);
    cluster_commit(&cluster, 2, 7, "state that cannot be read");
    struct kafka_conf conf = cluster_conf(&cluster);
    struct recorded_consumer recorded;
    recorded_start(&recorded, &loop, &conf);
    WAIT_UNTIL(&loop, all_caught_up, &recorded);
    assert_int_equal(recorded.messages, 33);
    recorded.caught_up[2] = false;
    recorded.first[2] = -1;
    consumer_rewind(recorded.consumer, 2);
    consumer_rewind(recorded.consumer, PARTITIONS); /* not ours: nothing happens */
    WAIT_UNTIL(&loop, begins_again, &recorded);
    assert_int_equal(recorded.messages, 43);
    assert_false(recorded.disordered);
    recorded_stop(&recorded, &loop);
    cluster_end(&cluster, &loop);
}

static void test_refused_at_creation(void **state)
{
    (void)state;
    static struct conf_property bad[] = {{"no.such.property", "1"}};
    const struct {
        const char *name, *topic;
        struct kafka_conf conf;
    } cases[] = {
        {"regular expression", "^events", {.brokers = "localhost:9", .group = "g"}},
        {"empty topic", "", {.brokers = "localhost:9", .group = "g"}},
        {"no brokers", TOPIC, {.group = "g"}},
        {"no group", TOPIC, {.brokers = "localhost:9"}},
        {"bad property",
         TOPIC,
         {.brokers = "localhost:9", .group = "g", .properties = bad, .properties_count = 1}},
    };
    uv_loop_t loop;
    uv_loop_init(&loop);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer why;
        buffer_init(&why, 4096);
        struct consumer *consumer = NULL;
        const struct consumer_callbacks callbacks = {0};
        int err =
            consumer_create(&consumer, &loop, &cases[i].conf, cases[i].topic, &callbacks, &why);
        if (err != ERR_CONFIG || consumer != NULL || why.size == 0)
            fail_msg("%s: got %d", cases[i].name, err);
        buffer_fini(&why);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(rd_kafka_wait_destroyed(1000), 0);
}

static void on_never_started_closed(void *context)
{
    *(bool *)context = true;
}

/* It is in no group, and need not wait for one to let it go. */
static void test_never_started(void **state)
{
    (void)state;
    bool closed = false;
    const struct kafka_conf conf = {.brokers = "localhost:9", .group = "g"};
    const struct consumer_callbacks callbacks = {.closed = on_never_started_closed,
                                                 .context = &closed};
    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct buffer why;
    buffer_init(&why, 4096);
    struct consumer *consumer = NULL;
    assert_int_equal(consumer_create(&consumer, &loop, &conf, TOPIC, &callbacks, &why), 0);
    assert_int_equal(consumer_get_stats(consumer)->assigned, 0);
    uint64_t began_ms = uv_now(&loop);
    consumer_close(consumer);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(closed);
    assert_in_range(uv_now(&loop) - began_ms, 0, 30000); /* no session has to time out */
    buffer_fini(&why);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_at_creation),
        cmocka_unit_test(test_never_started),
        cmocka_unit_test(test_close_early),
        cmocka_unit_test(test_consume_stop_commit_restart),
        cmocka_unit_test(test_start_latest),
        cmocka_unit_test(test_commits_are_answered),
        cmocka_unit_test(test_start_is_said_until_the_group_has_it),
        cmocka_unit_test(test_released_late),
        cmocka_unit_test(test_never_released),
        cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_refused_partition),
        cmocka_unit_test(test_two_share),
        cmocka_unit_test(test_idle_stays_member),
        cmocka_unit_test(test_offsets_retried),
        cmocka_unit_test(test_fatal_error),
        cmocka_unit_test(test_close_without_brokers),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
