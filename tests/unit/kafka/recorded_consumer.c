#include "tests/unit/kafka/recorded_consumer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { WAIT_MS = 60000 };

void cluster_open(struct cluster *cluster)
{
    cluster_open_brokers(cluster, 1);
}

void cluster_open_brokers(struct cluster *cluster, int count)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "log_level", "2", text, sizeof(text)), 0);
    rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    assert_non_null(host);
    cluster->mock = rd_kafka_mock_cluster_new(host, count);
    assert_non_null(cluster->mock);
    assert_int_equal(rd_kafka_mock_topic_create(cluster->mock, TOPIC, PARTITIONS, 1), 0);
    cluster->client = host;
    rd_kafka_brokers_add(host, rd_kafka_mock_cluster_bootstraps(cluster->mock));
}

void cluster_close(struct cluster *cluster)
{
    rd_kafka_mock_cluster_destroy(cluster->mock);
    rd_kafka_destroy(cluster->client);
}

void cluster_produce(struct cluster *cluster, int32_t partition, int first, int count, size_t pad)
{
    char *text = calloc(1, pad + 16);
    assert_non_null(text);
    for (int i = first; i < first + count; i++) {
        size_t size = (size_t)snprintf(text, 16, "%d", i) + pad;
        rd_kafka_resp_err_t code;
        while ((code = rd_kafka_producev(
                    cluster->client, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(partition),
                    RD_KAFKA_V_VALUE(text, size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                    RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(cluster->client, 10);
        assert_int_equal(code, 0);
    }
    assert_int_equal(rd_kafka_flush(cluster->client, 10000), 0);
    free(text);
}

static int on_assigned(void *context, int32_t partition, int64_t committed, const char *metadata)
{
    struct recorded_consumer *recorded = context;
    recorded->assigned_calls++;
    if (partition == recorded->refuse) {
        recorded->refused_calls++;
        return -1;
    }
    recorded->owned[partition] = true;
    recorded->caught_up[partition] = false;
    recorded->committed[partition] = committed;
    recorded->first[partition] = recorded->next[partition] = -1;
    (void)snprintf(recorded->metadata[partition], sizeof(recorded->metadata[0]), "%s", metadata);
    return recorded->undecided && committed < 0;
}

static void say_last_words(struct recorded_consumer *recorded, int32_t partition)
{
    if (recorded->commit_on_revoke != NULL && recorded->next[partition] >= 0)
        assert_int_equal(consumer_commit(recorded->consumer, partition, recorded->next[partition],
                                         recorded->commit_on_revoke),
                         0);
}

static void on_release(uv_timer_t *timer)
{
    struct recorded_consumer *recorded = timer->data;
    uv_close((uv_handle_t *)timer, NULL);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        if (!recorded->leaving[i])
            continue;
        recorded->leaving[i] = false;
        say_last_words(recorded, i);
        consumer_release(recorded->consumer, i);
    }
}

static bool on_revoking(void *context, int32_t partition)
{
    struct recorded_consumer *recorded = context;
    assert_true(recorded->owned[partition]);
    recorded->revoking_calls++;
    recorded->leaving[partition] = true;
    if (recorded->never_releases)
        return true;
    if (recorded->release_after_ms == 0) {
        recorded->leaving[partition] = false;
        say_last_words(recorded, partition);
        return false;
    }
    if (!recorded->releasing) {
        recorded->releasing = true;
        uv_timer_init(recorded->loop, &recorded->release);
        recorded->release.data = recorded;
        uv_timer_start(&recorded->release, on_release, recorded->release_after_ms, 0);
    }
    return true;
}

static void on_revoked(void *context, int32_t partition, bool lost)
{
    struct recorded_consumer *recorded = context;
    assert_true(recorded->owned[partition]);
    recorded->revoked_calls++;
    recorded->owned[partition] = false;
    recorded->lost[partition] = lost;
}

static void on_committed(void *context, int32_t partition, int64_t offset, bool accepted)
{
    struct recorded_consumer *recorded = context;
    assert_true(recorded->owned[partition]);
    recorded->accepted_calls += accepted;
    recorded->rejected_calls += !accepted;
    if (accepted)
        recorded->accepted[partition] = offset;
}

static void on_started(void *context, int32_t partition)
{
    struct recorded_consumer *recorded = context;
    assert_true(recorded->owned[partition] && recorded->committed[partition] < 0);
    recorded->started_calls++;
}

static void on_confirmed(void *context)
{
    struct recorded_consumer *recorded = context;
    recorded->confirmed_calls++;
}

static size_t on_messages(void *context, int32_t partition, rd_kafka_message_t **messages,
                          size_t count)
{
    struct recorded_consumer *recorded = context;
    assert_true(recorded->owned[partition]);
    size_t take = recorded->take_max > 0 && recorded->take_max < count ? recorded->take_max : count;
    for (size_t i = 0; i < take; i++) {
        assert_int_equal(messages[i]->partition, partition);
        if (recorded->first[partition] < 0)
            recorded->first[partition] = messages[i]->offset;
        else if (messages[i]->offset != recorded->next[partition])
            recorded->disordered = true;
        recorded->next[partition] = messages[i]->offset + 1;
    }
    recorded->messages += take;
    recorded->stops += take < count;
    return take;
}

static void on_caught_up(void *context, int32_t partition)
{
    struct recorded_consumer *recorded = context;
    assert_false(recorded->caught_up[partition]);
    recorded->caught_up[partition] = true;
}

static void on_data_lost(void *context, int32_t partition, const struct data_loss *loss)
{
    struct recorded_consumer *recorded = context;
    assert_true(recorded->owned[partition]);
    recorded->lost_calls++;
    recorded->lost_from = loss->from;
    recorded->lost_to = loss->to;
    recorded->lost_to_ms = loss->to_ms;
}

static void on_failed(void *context, const char *why)
{
    struct recorded_consumer *recorded = context;
    assert_non_null(why);
    recorded->failed = true;
}

static void on_closed(void *context)
{
    struct recorded_consumer *recorded = context;
    recorded->closed = true;
    recorded->consumer = NULL;
}

static struct conf_property fast_group[] = {
    {"session.timeout.ms", "3500"}, /* the mock's groups need more than 3 s */
    {"heartbeat.interval.ms", "100"},
    {"fetch.wait.max.ms", "20"},
};

void cluster_commit(struct cluster *cluster, int32_t partition, int64_t offset,
                    const char *metadata)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster->mock),
                      NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "ghgd-test", NULL, 0);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    assert_non_null(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, TOPIC, partition);
    entry->offset = offset;
    entry->metadata = strdup(metadata);
    entry->metadata_size = strlen(metadata);
    assert_int_equal(rd_kafka_commit(client, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

struct kafka_conf cluster_conf(const struct cluster *cluster)
{
    return (struct kafka_conf){
        .brokers = rd_kafka_mock_cluster_bootstraps(cluster->mock),
        .group = "ghgd-test",
        .partition_bytes_max = 4 << 20,
        .properties = fast_group,
        .properties_count = ARRAY_LEN(fast_group),
    };
}

void recorded_start(struct recorded_consumer *recorded, uv_loop_t *loop,
                    const struct kafka_conf *conf)
{
    *recorded = (struct recorded_consumer){.refuse = -1, .loop = loop};
    const struct consumer_callbacks callbacks = {
        .assigned = on_assigned,
        .revoking = on_revoking,
        .revoked = on_revoked,
        .committed = on_committed,
        .started = on_started,
        .confirmed = on_confirmed,
        .messages = on_messages,
        .caught_up = on_caught_up,
        .data_lost = on_data_lost,
        .failed = on_failed,
        .closed = on_closed,
        .context = recorded,
    };
    log_set_level(LOG_LEVEL_ERROR);
    struct buffer why;
    buffer_init(&why, 4096);
    int err = consumer_create(&recorded->consumer, loop, conf, TOPIC, &callbacks, &why);
    if (err == 0)
        err = consumer_start(recorded->consumer, &why);
    if (err < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
}

bool all_caught_up(const struct recorded_consumer *recorded)
{
    for (int i = 0; i < PARTITIONS; i++)
        if (!recorded->caught_up[i])
            return false;
    return true;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

void wait_until(uv_loop_t *loop, bool (*holds)(const struct recorded_consumer *recorded),
                const struct recorded_consumer *recorded, const char *name)
{
    uv_timer_t tick;
    uv_timer_init(loop, &tick);
    uv_timer_start(&tick, on_tick, 5, 5);
    uint64_t until = uv_now(loop) + WAIT_MS;
    while (!holds(recorded) && uv_now(loop) < until)
        uv_run(loop, UV_RUN_ONCE);
    bool held = holds(recorded);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    if (!held)
        fail_msg("waited in vain until %s (%llu messages)", name,
                 (unsigned long long)recorded->messages);
}
static bool is_closed(const struct recorded_consumer *recorded)
{
    return recorded->closed;
}

void recorded_stop(struct recorded_consumer *recorded, uv_loop_t *loop)
{
    consumer_close(recorded->consumer);
    WAIT_UNTIL(loop, is_closed, recorded);
    for (int i = 0; i < PARTITIONS; i++)
        assert_false(recorded->owned[i]);
    assert_int_equal(recorded->revoked_calls, recorded->assigned_calls - recorded->refused_calls);
}

void cluster_end(struct cluster *cluster, uv_loop_t *loop)
{
    assert_int_equal(uv_loop_close(loop), 0);
    cluster_close(cluster);
    assert_int_equal(rd_kafka_wait_destroyed(60000), 0);
    assert_int_equal(rd_kafka_thread_cnt(), 0);
}
