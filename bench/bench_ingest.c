/*
 * Messages from Kafka: our consumer on its loop beside a bare rd_kafka_consume_batch_queue() loop,
 * which knows no group, no order, no commits and no turn to end. The same messages, from the same
 * in-process mock cluster, in the same run; what counts is the ratio. From the first message to the
 * last, so that joining the group is left out.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "daemon/demo/mock_cluster.h"
#include "pipelines/kafka/consumer.h"

#define TOPIC "events"
enum { PARTITIONS = 4, BATCH = 512, ROUNDS = 3, TEXT_SIZE = 128 };

struct result {
    uint64_t messages, bytes;
    double seconds, cpu_seconds; /* of the thread that consumes */
};

static double clock_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void count(struct result *result, rd_kafka_message_t **messages, size_t n)
{
    if (result->messages == 0) {
        result->seconds = -clock_now(CLOCK_MONOTONIC);
        result->cpu_seconds = -clock_now(CLOCK_THREAD_CPUTIME_ID);
    }
    for (size_t i = 0; i < n; i++)
        result->bytes += messages[i]->len;
    result->messages += n;
}

static void finish(struct result *result)
{
    result->seconds += clock_now(CLOCK_MONOTONIC);
    result->cpu_seconds += clock_now(CLOCK_THREAD_CPUTIME_ID);
}

static rd_kafka_t *make_client(rd_kafka_type_t type, const char *brokers)
{
    static const char *const settings[][2] = {{"log_level", "2"},
                                              {"compression.codec", "lz4"},
                                              {"linger.ms", "50"},
                                              {"group.id", "bare"},
                                              {"enable.auto.commit", "false"},
                                              {"fetch.wait.max.ms", "20"},
                                              {"queued.min.messages", "100000"},
                                              {"check.crcs", "true"}};
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int err = rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        err |= rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text));
    ASSERT(err == RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof(text));
    ASSERT(client != NULL);
    return client;
}

/* Messages of `events` readings each, evenly over the partitions; as many as the mock keeps. */
static void fill(const char *brokers, uint64_t messages, size_t events)
{
    rd_kafka_t *client = make_client(RD_KAFKA_PRODUCER, brokers);
    char *text = malloc(events * TEXT_SIZE);
    ASSERT(text != NULL);
    for (uint64_t i = 0; i < messages; i++) {
        size_t size = 0;
        for (size_t k = 0; k < events; k++)
            size +=
                (size_t)snprintf(text + size, TEXT_SIZE,
                                 "{\"meter\":\"m-%03" PRIu64 "\",\"time\":\"2026-03-01T10:15:00Z\""
                                 ",\"value\":%" PRIu64 "}",
                                 (i + k) % 977, i);
        rd_kafka_resp_err_t code;
        while ((code = rd_kafka_producev(client, RD_KAFKA_V_TOPIC(TOPIC),
                                         RD_KAFKA_V_PARTITION((int32_t)(i % PARTITIONS)),
                                         RD_KAFKA_V_VALUE(text, size),
                                         RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                         RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(client, 10);
        ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    rd_kafka_flush(client, 30000);
    rd_kafka_destroy(client);
    free(text);
}

/* ---- the peer */

static struct result consume_bare(const char *brokers, uint64_t messages)
{
    rd_kafka_t *client = make_client(RD_KAFKA_CONSUMER, brokers);
    rd_kafka_queue_t *queues[PARTITIONS];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        queues[i] = rd_kafka_queue_get_partition(client, TOPIC, i);
        rd_kafka_queue_forward(queues[i], NULL);
        rd_kafka_topic_partition_list_add(list, TOPIC, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_assign(client, list);
    rd_kafka_topic_partition_list_destroy(list);
    struct result result = {0};
    static rd_kafka_message_t *batch[BATCH];
    while (result.messages < messages) {
        for (int32_t i = 0; i < PARTITIONS; i++) {
            ssize_t n = rd_kafka_consume_batch_queue(queues[i], 0, batch, BATCH);
            if (n > 0)
                count(&result, batch, (size_t)n);
            for (ssize_t k = 0; k < n; k++)
                rd_kafka_message_destroy(batch[k]);
        }
    }
    finish(&result);
    for (int32_t i = 0; i < PARTITIONS; i++)
        rd_kafka_queue_destroy(queues[i]);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return result;
}

/* ---- ours */

struct ours {
    struct consumer *consumer;
    struct result result;
    uint64_t messages;
};

static int on_assigned(void *context, int32_t partition, int64_t committed, const char *metadata)
{
    (void)context, (void)partition, (void)committed, (void)metadata;
    return 0;
}

static void on_revoked(void *context, int32_t partition, bool lost)
{
    (void)context, (void)partition, (void)lost;
}

static size_t on_messages(void *context, int32_t partition, rd_kafka_message_t **messages, size_t n)
{
    struct ours *ours = context;
    (void)partition;
    count(&ours->result, messages, n);
    if (ours->result.messages == ours->messages) {
        finish(&ours->result);
        consumer_close(ours->consumer);
    }
    return n;
}

static void on_caught_up(void *context, int32_t partition)
{
    (void)context, (void)partition;
}

static void on_data_lost(void *context, int32_t partition, const struct data_loss *loss)
{
    (void)context, (void)partition, (void)loss;
}

static void on_failed(void *context, const char *why)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

static void on_closed(void *context)
{
    (void)context;
}

static struct result consume_ours(const char *brokers, uint64_t messages)
{
    static struct conf_property properties[] = {{"session.timeout.ms", "6000"},
                                                {"heartbeat.interval.ms", "200"},
                                                {"fetch.wait.max.ms", "20"}};
    const struct kafka_conf conf = {.brokers = brokers,
                                    .group = "ours",
                                    .properties = properties,
                                    .properties_count = ARRAY_LEN(properties)};
    struct ours ours = {.messages = messages};
    const struct consumer_callbacks callbacks = {.assigned = on_assigned,
                                                 .revoked = on_revoked,
                                                 .messages = on_messages,
                                                 .caught_up = on_caught_up,
                                                 .data_lost = on_data_lost,
                                                 .failed = on_failed,
                                                 .closed = on_closed,
                                                 .context = &ours};
    struct buffer why;
    buffer_init(&why, 4096);
    uv_loop_t loop;
    uv_loop_init(&loop);
    int err = consumer_create(&ours.consumer, &loop, &conf, TOPIC, &callbacks, &why);
    if (err == 0)
        err = consumer_start(ours.consumer, &why);
    ASSERT(err == 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&loop) == 0);
    buffer_fini(&why);
    return ours.result;
}

static void keep_best(struct result *best, const struct result *result)
{
    if (best->messages == 0 || result->seconds < best->seconds)
        *best = *result;
}

static void print(const char *name, const struct result *result)
{
    double messages = (double)result->messages;
    printf("  %-28s %9.0f messages/s %8.0f MB/s, thread %6.0f ns a message\n", name,
           messages / result->seconds, (double)result->bytes / result->seconds / 1e6,
           result->cpu_seconds / messages * 1e9);
}

static void compare(const char *name, uint64_t messages, size_t events)
{
    struct mock_cluster *cluster;
    int err = mock_cluster_create(&cluster, TOPIC, PARTITIONS);
    ASSERT(err == 0);
    const char *brokers = mock_cluster_brokers(cluster);
    fill(brokers, messages, events);
    struct result bare = {0};
    struct result ours = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct result result = consume_bare(brokers, messages);
        keep_best(&bare, &result);
        result = consume_ours(brokers, messages);
        keep_best(&ours, &result);
    }
    printf("%s, %" PRIu64 " messages in %d partitions\n", name, messages, PARTITIONS);
    print("rd_kafka_consume_batch_queue", &bare);
    print("consumer", &ours);
    printf("  consumer / bare              %9.2f\n", bare.seconds / ours.seconds);
    mock_cluster_destroy(&cluster);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    compare("one event a message", 400000, 1);
    compare("a hundred events a message", 8000, 100);
    return 0;
}
