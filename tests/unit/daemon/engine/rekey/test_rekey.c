/* The stage that re-keys, against librdkafka's in-process mock cluster: two facilities, a topic of
 * three partitions that knows nothing of them, and one of two that does. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/engine/refused/dead_letter.h"
#include "daemon/engine/rekey/rekey.h"
#include "pipelines/kafka/deadletter_headers.h"
#include "tests/unit/forked.h"
#include "tests/unit/ingest/tables.h"

enum { INPUTS = 3, KEYED = 2, WAIT_MS = 60000, FETCH_BROKER = 1, KEYED_BROKER = 2 };

#define EVENT(meter) "{\"meter\":\"" meter "\",\"time\":\"2026-03-01T10:15:00Z\",\"value\":1}"

struct bench {
    uv_loop_t loop;
    uv_timer_t tick;
    rd_kafka_t *client; /* produces, and hosts the brokers */
    rd_kafka_mock_cluster_t *mock;
    struct registry *registry;
    struct config config;
    struct rekey *rekey;
    bool ready, failed, closed;
};

static void open_cluster(struct bench *bench)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "2", NULL, 0);
    bench->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    assert_non_null(bench->client);
    bench->mock = rd_kafka_mock_cluster_new(bench->client, 2);
    static const struct {
        const char *name;
        int partitions, broker;
    } topics[] = {{"events", INPUTS, FETCH_BROKER},
                  {"keyed", KEYED, KEYED_BROKER},
                  {"dead", 1, FETCH_BROKER}};
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        assert_int_equal(
            rd_kafka_mock_topic_create(bench->mock, topics[i].name, topics[i].partitions, 1), 0);
        for (int p = 0; p < topics[i].partitions; p++)
            rd_kafka_mock_partition_set_leader(bench->mock, topics[i].name, p, topics[i].broker);
    }
    rd_kafka_mock_coordinator_set(bench->mock, "group", "g-rekey", FETCH_BROKER);
    rd_kafka_brokers_add(bench->client, rd_kafka_mock_cluster_bootstraps(bench->mock));
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void open_bench(struct bench *bench)
{
    *bench = (struct bench){0};
    log_set_level(LOG_LEVEL_ERROR);
    open_cluster(bench);
    bench->registry = tables_read("tests/data/rekey", INT64_C(7) * 86400000);
    static struct conf_property properties[] = {{"session.timeout.ms", "4200"},
                                                {"heartbeat.interval.ms", "100"}};
    bench->config =
        (struct config){.input = {.topic = "events", .rekey = true, .rekey_topic = "keyed"},
                        .kafka = {.brokers = rd_kafka_mock_cluster_bootstraps(bench->mock),
                                  .group = "g",
                                  .dead_letter_topic = "dead",
                                  .partition_bytes_max = 16 << 20,
                                  .properties = properties,
                                  .properties_count = ARRAY_LEN(properties)},
                        .window = {.horizon_ms = INT64_C(7) * 86400000},
                        .registry = bench->registry};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    uv_timer_init(&bench->loop, &bench->tick);
    uv_timer_start(&bench->tick, on_tick, 5, 5);
}

static void close_bench(struct bench *bench)
{
    uv_close((uv_handle_t *)&bench->tick, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    registry_destroy(&bench->registry);
    rd_kafka_mock_cluster_destroy(bench->mock);
    rd_kafka_destroy(bench->client);
}

static void on_ready(void *context)
{
    ((struct bench *)context)->ready = true;
}

static void on_failed(void *context, const char *why)
{
    (void)why;
    ((struct bench *)context)->failed = true;
}

static void on_closed(void *context)
{
    ((struct bench *)context)->closed = true;
}

static void start(struct bench *bench)
{
    struct rekey_callbacks callbacks = {on_ready, on_failed, on_closed, bench};
    struct buffer why;
    buffer_init(&why, 4096);
    bench->closed = false;
    if (rekey_create(&bench->rekey, &bench->loop, &bench->config, &callbacks, &why) < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
}

static void stop(struct bench *bench)
{
    rekey_pause(bench->rekey);
    rekey_close(bench->rekey, 5000);
    while (!bench->closed)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_false(bench->failed);
}

static const int64_t timestamp_ms = 1772360100000;

static void produce_at(struct bench *bench, int32_t partition, const char *text, size_t size,
                       int64_t at_ms)
{
    rd_kafka_resp_err_t code = rd_kafka_producev(
        bench->client, RD_KAFKA_V_TOPIC("events"), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY("gateway", 7), RD_KAFKA_V_VALUE((void *)text, size),
        RD_KAFKA_V_HEADER("trace", "t1", -1), RD_KAFKA_V_HEADER("ghgd-offset", "99", -1),
        RD_KAFKA_V_TIMESTAMP(at_ms), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    assert_int_equal(code, 0);
}

static void produce(struct bench *bench, int32_t partition, const char *text, size_t size)
{
    produce_at(bench, partition, text, size, timestamp_ms);
    assert_int_equal(rd_kafka_flush(bench->client, 60000), 0);
}

/* Runs until `events` were taken and nothing waits any more. */
static void wait_taken(struct bench *bench, uint64_t events)
{
    uint64_t until_ms = uv_now(&bench->loop) + WAIT_MS;
    while (uv_now(&bench->loop) < until_ms &&
           (rekey_get_stats(bench->rekey)->events < events ||
            rekey_get_run_stats(bench->rekey)->waiting > 0 ||
            rekey_get_deadletter_stats(bench->rekey)->waiting > 0))
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_int_equal(rekey_get_stats(bench->rekey)->events, events);
    assert_int_equal(rekey_get_run_stats(bench->rekey)->waiting, 0);
}

static bool has_caught_up(struct bench *bench)
{
    struct consumer_partition_stats stats[INPUTS];
    size_t count = rekey_get_partitions(bench->rekey, stats, INPUTS);
    for (size_t i = 0; i < count; i++)
        if (!stats[i].caught_up)
            return false;
    return count == INPUTS;
}

static void wait_caught_up(struct bench *bench)
{
    uint64_t until_ms = uv_now(&bench->loop) + WAIT_MS;
    while (!has_caught_up(bench) && uv_now(&bench->loop) < until_ms)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_true(has_caught_up(bench));
}

/* ---- what the keyed topic has ---- */

struct reader {
    rd_kafka_t *client;
    size_t left; /* partitions whose end has not been seen */
};

static void open_reader(struct reader *reader, struct bench *bench, const char *topic,
                        int partitions)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bench->config.kafka.brokers, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "reader", NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    rd_kafka_conf_set(conf, "fetch.wait.max.ms", "20", NULL, 0);
    reader->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    assert_non_null(reader->client);
    reader->left = (size_t)partitions;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = 0;
    assert_int_equal(rd_kafka_assign(reader->client, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
}

/* The next message, or NULL at the end of all. */
static rd_kafka_message_t *read_next(struct reader *reader)
{
    while (reader->left > 0) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, WAIT_MS);
        assert_non_null(message);
        if (message->err == 0)
            return message;
        assert_int_equal(message->err, RD_KAFKA_RESP_ERR__PARTITION_EOF);
        reader->left--;
        rd_kafka_message_destroy(message);
    }
    rd_kafka_destroy(reader->client);
    return NULL;
}

static void print_keyed(struct buffer *out, const rd_kafka_message_t *message)
{
    struct message_place place;
    assert_true(message_place_read(&place, message));
    assert_string_equal(place.topic, "events");
    assert_int_equal(place.key_size, 7);
    assert_memory_equal(place.key, "gateway", 7);
    assert_int_equal(rd_kafka_message_timestamp(message, NULL), timestamp_ms);
    buffer_printf(out, "%.*s %d/%d/%u %.*s\n", (int)message->key_len, (const char *)message->key,
                  (int)place.partition, (int)place.offset, place.index, (int)message->len,
                  (const char *)message->payload);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A dead letter of a re-keyed message is of the original one. */
static void check_letter(const rd_kafka_message_t *message)
{
    struct message_place place;
    assert_true(message_place_read(&place, message));
    struct refusal refusal = {.origin = {.index = 1, .bytes = message->payload, .size = 1},
                              .outcome = REJECT_CONFLICT};
    struct outgoing *letter = dead_letter_create(NULL, message, &refusal, false);
    assert_non_null(letter);
    assert_int_equal(letter->offset, message->offset); /* which holds the commit back */
    assert_int_equal(letter->partition, message->partition);
    assert_int_equal(letter->key_size, 7);
    assert_memory_equal(letter->bytes, "gateway", 7);
    char index[16];
    (void)snprintf(index, sizeof(index), "%u", place.index + 1);
    const struct {
        const char *name, *want;
    } headers[] = {
        {"ghgd-topic", "events"}, {"ghgd-index", index}, {"trace", "t1"}, {"ghgd-key", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        const void *value;
        size_t size;
        rd_kafka_resp_err_t code =
            rd_kafka_header_get_last(letter->headers, headers[i].name, &value, &size);
        assert_int_equal(code == 0, headers[i].want != NULL);
        if (code == 0)
            assert_string_equal(value, headers[i].want);
    }
    outgoing_destroy(letter);
}

static void expect_keyed(struct bench *bench, const char *want)
{
    struct reader reader;
    struct buffer lines;
    char *sorted[64] = {NULL};
    size_t count = 0;
    int32_t homes[2] = {-1, -1};
    open_reader(&reader, bench, "keyed", KEYED);
    buffer_init(&lines, 1 << 20);
    rd_kafka_message_t *message;
    while ((message = read_next(&reader)) != NULL) {
        int32_t *home = &homes[*(const char *)message->key - 'A'];
        assert_true(*home == -1 || *home == message->partition);
        *home = message->partition;
        buffer_clear(&lines);
        print_keyed(&lines, message);
        check_letter(message);
        sorted[count] = strdup(buffer_text(&lines));
        assert_non_null(sorted[count++]);
        rd_kafka_message_destroy(message);
    }
    qsort(sorted, count, sizeof(*sorted), compare_lines);
    buffer_clear(&lines);
    for (size_t i = 0; i < count; i++) {
        buffer_add_str(&lines, sorted[i]);
        free(sorted[i]);
    }
    assert_string_equal(buffer_text(&lines), want);
    buffer_fini(&lines);
}

/* Every event comes under its facility's key, with its origin; what has none is a dead letter; and
 * a restart goes on behind it all. */
static void test_by_facility(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    static const struct {
        int32_t partition;
        const char *text;
    } inputs[] = {
        {0, EVENT("a1")}, {0, "[" EVENT("b1") ", " EVENT("b1") "," EVENT("a2") "]"},
        {1, "nothing"},   {1, "[" EVENT("a1") "," EVENT("who") "," EVENT("b1") "]"},
        {2, "[]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        produce(&bench, inputs[i].partition, inputs[i].text, strlen(inputs[i].text));
    start(&bench);
    wait_taken(&bench, 8);
    const struct rekey_stats *stats = rekey_get_stats(bench.rekey);
    assert_int_equal(stats->outcomes[REJECT_UNDECODABLE], 1);
    assert_int_equal(stats->outcomes[OUTCOME_UNKNOWN], 1);
    assert_int_equal(rekey_get_run_stats(bench.rekey)->acknowledged, 5);
    assert_int_equal(rekey_get_deadletter_stats(bench.rekey)->acknowledged, 2);
    wait_caught_up(&bench);
    stop(&bench);
    expect_keyed(&bench,
                 "A 0/0/0 " EVENT("a1") "\n"
                                        "A 0/1/2 " EVENT(
                                            "a2") "\n"
                                                  "A 1/1/0 " EVENT(
                                                      "a1") "\n"
                                                            "B 0/1/0 [" EVENT("b1") ", " EVENT(
                                                                "b1") "]\n"
                                                                      "B 1/1/2 " EVENT("b1") "\n");
    start(&bench);
    wait_caught_up(&bench);
    assert_int_equal(rekey_get_stats(bench.rekey)->messages, 0);
    stop(&bench);
    close_bench(&bench);
}

/* While the keyed topic is away the queue fills to its bound, inside of messages too, and nothing
 * is committed; afterwards every event has come once. */
static void test_waits_for_the_keyed_topic(void **state)
{
    (void)state;
    enum { MESSAGES = 30, EVENTS = 1000, TOTAL = INPUTS * MESSAGES * EVENTS };
    _Static_assert((int)TOTAL > (int)PRODUCER_RECORDS_MAX, "more than the queue has room for");
    struct bench bench;
    open_bench(&bench);
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < EVENTS; i++)
        buffer_add_str(&text, i == 0       ? "[{\"meter\":\"a1\"}"
                              : i % 2 == 0 ? ",{\"meter\":\"a1\"}"
                                           : ",{\"meter\":\"b1\"}");
    buffer_add_char(&text, ']');
    for (int i = 0; i < INPUTS * MESSAGES; i++)
        produce(&bench, i % INPUTS, text.data, text.size);
    buffer_fini(&text);
    rd_kafka_mock_broker_set_down(bench.mock, KEYED_BROKER);
    start(&bench);
    const struct producer_stats *runs = rekey_get_run_stats(bench.rekey);
    uint64_t until_ms = uv_now(&bench.loop) + WAIT_MS;
    while (runs->waiting < PRODUCER_RECORDS_MAX && uv_now(&bench.loop) < until_ms)
        uv_run(&bench.loop, UV_RUN_ONCE);
    until_ms = uv_now(&bench.loop) + 1500;
    while (uv_now(&bench.loop) < until_ms) /* a tick: it would commit */
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(runs->waiting, PRODUCER_RECORDS_MAX);
    assert_int_equal(rekey_get_stats(bench.rekey)->events, PRODUCER_RECORDS_MAX);
    assert_true(runs->waiting_bytes <= PRODUCER_BYTES_MAX);
    struct consumer_partition_stats stats[INPUTS];
    assert_int_equal(rekey_get_partitions(bench.rekey, stats, INPUTS), INPUTS);
    assert_true(stats[0].stopped || stats[1].stopped || stats[2].stopped);
    rd_kafka_mock_broker_set_up(bench.mock, KEYED_BROKER);
    wait_taken(&bench, TOTAL);
    assert_int_equal(runs->acknowledged, TOTAL);
    stop(&bench);

    static uint8_t seen[INPUTS][MESSAGES][EVENTS];
    struct reader reader;
    rd_kafka_message_t *message;
    open_reader(&reader, &bench, "keyed", KEYED);
    while ((message = read_next(&reader)) != NULL) {
        struct message_place place;
        assert_true(message_place_read(&place, message));
        assert_true(place.offset < MESSAGES && place.index < EVENTS);
        assert_int_equal(seen[place.partition][place.offset][place.index]++, 0);
        rd_kafka_message_destroy(message);
    }
    close_bench(&bench);
}

/* Two partitions with a hundred days each, and an empty one, are read side by side. No message
 * comes to the keyed topic behind another that is younger by more than the slack. */
static void test_backlogs_are_merged(void **state)
{
    (void)state;
    enum { MESSAGES = 4000 };
    const int64_t step_ms = INT64_C(100) * 86400000 / MESSAGES;
    struct bench bench;
    open_bench(&bench);
    for (int32_t partition = 0; partition < 2; partition++)
        for (int i = 0; i < MESSAGES; i++)
            produce_at(&bench, partition, EVENT("a1"), strlen(EVENT("a1")),
                       timestamp_ms + i * step_ms);
    assert_int_equal(rd_kafka_flush(bench.client, 10000), 0);
    start(&bench);
    wait_taken(&bench, UINT64_C(2) * MESSAGES);
    wait_caught_up(&bench);
    stop(&bench);
    struct reader reader;
    rd_kafka_message_t *message;
    int64_t newest_ms = 0;
    int count = 0;
    open_reader(&reader, &bench, "keyed", KEYED);
    for (; (message = read_next(&reader)) != NULL; count++) {
        int64_t at_ms = rd_kafka_message_timestamp(message, NULL);
        assert_true(at_ms >= newest_ms - bench.config.window.horizon_ms / 64 - step_ms);
        newest_ms = at_ms > newest_ms ? at_ms : newest_ms;
        rd_kafka_message_destroy(message);
    }
    assert_int_equal(count, 2 * MESSAGES);
    close_bench(&bench);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_facility),
        cmocka_unit_test(test_waits_for_the_keyed_topic),
        cmocka_unit_test(test_backlogs_are_merged),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
