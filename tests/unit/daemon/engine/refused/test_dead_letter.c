/* Dead letters against librdkafka's in-process mock cluster. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/engine/refused/dead_letter.h"
#include "tests/unit/forked.h"

enum { WAIT_MS = 60000, BROKER = 1, PRODUCE = 0 /* the API's number */ };

struct bench {
    uv_loop_t loop;
    rd_kafka_t *client; /* produces to the input topic */
    rd_kafka_mock_cluster_t *mock;
    rd_kafka_t *reader;
    struct kafka_conf conf;
    struct producer *producer;
    struct dead_letters letters;
    bool closed;
};

static void on_room(void *context)
{
    (void)context;
}

static void on_closed(void *context)
{
    struct bench *bench = context;
    bench->closed = true;
}

static rd_kafka_t *make_client(rd_kafka_type_t type, const char *brokers)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "2", NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "reader", NULL, 0);
    rd_kafka_conf_set(conf, "fetch.wait.max.ms", "20", NULL, 0);
    if (brokers != NULL)
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof(text));
    assert_non_null(client);
    return client;
}

static void open_bench(struct bench *bench)
{
    *bench = (struct bench){0};
    log_set_level(LOG_LEVEL_ERROR);
    bench->client = make_client(RD_KAFKA_PRODUCER, NULL);
    bench->mock = rd_kafka_mock_cluster_new(bench->client, 1);
    static const char *const topics[] = {"events", "dead", "late"};
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        assert_int_equal(rd_kafka_mock_topic_create(bench->mock, topics[i], 1, 1), 0);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(bench->mock);
    rd_kafka_brokers_add(bench->client, brokers);
    bench->reader = make_client(RD_KAFKA_CONSUMER, brokers);
    bench->conf = (struct kafka_conf){
        .brokers = brokers,
        .group = "ghgd",
        .dead_letter_topic = "dead",
        .late_topic = "late",
    };
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    struct buffer why;
    buffer_init(&why, 4096);
    int err = producer_create(&bench->producer, &bench->loop, &bench->conf, on_room, bench, &why);
    if (err < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
    dead_letters_init(&bench->letters, bench->producer);
}

static void close_producer(struct bench *bench, int64_t timeout_ms)
{
    dead_letters_fini(&bench->letters);
    producer_close(bench->producer, timeout_ms, on_closed, bench);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_true(bench->closed);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
}

static void close_bench(struct bench *bench)
{
    rd_kafka_destroy(bench->reader);
    rd_kafka_mock_cluster_destroy(bench->mock);
    rd_kafka_destroy(bench->client);
    assert_int_equal(rd_kafka_wait_destroyed(60000), 0);
    assert_int_equal(rd_kafka_thread_cnt(), 0);
}

/* The message at an offset of a topic's only partition. */
static rd_kafka_message_t *read_message(struct bench *bench, const char *topic, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = offset;
    assert_int_equal(rd_kafka_assign(bench->reader, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(bench->reader, WAIT_MS);
    assert_non_null(message);
    assert_int_equal(message->err, 0);
    assert_int_equal(message->offset, offset);
    return message;
}

static void produce_event(struct bench *bench, const char *key, char *text, size_t size)
{
    size_t key_size = key != NULL ? strlen(key) : 0;
    rd_kafka_resp_err_t code = rd_kafka_producev(
        bench->client, RD_KAFKA_V_TOPIC("events"), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_VALUE(text, size),
        RD_KAFKA_V_HEADER("source", "gateway 7", -1), RD_KAFKA_V_HEADER("ghgd-reason", "old", -1),
        RD_KAFKA_V_TIMESTAMP(1700000000123), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_END);
    assert_int_equal(code, 0);
    assert_int_equal(rd_kafka_flush(bench->client, 60000), 0);
}

static struct refusal refuse(const rd_kafka_message_t *message, enum outcome outcome)
{
    return (struct refusal){
        .origin = {.bytes = message->payload, .size = (uint32_t)message->len},
        .offset = message->offset,
        .outcome = outcome,
    };
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void wait_acknowledged(struct bench *bench, uint64_t count)
{
    const struct producer_stats *stats = producer_get_letter_stats(bench->producer);
    uv_timer_t tick;
    uv_timer_init(&bench->loop, &tick);
    uv_timer_start(&tick, on_tick, 5, 5);
    uint64_t until = uv_now(&bench->loop) + WAIT_MS;
    while (stats->acknowledged < count && uv_now(&bench->loop) < until)
        uv_run(&bench->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&bench->loop, UV_RUN_NOWAIT);
    assert_int_equal(stats->acknowledged, count);
}

static void assert_header(const rd_kafka_message_t *message, const char *name, const char *want)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
    rd_kafka_resp_err_t code = rd_kafka_header_get(headers, 0, name, &value, &size);
    if (want == NULL) {
        assert_int_equal(code, RD_KAFKA_RESP_ERR__NOENT);
        return;
    }
    if (code != 0 || size != strlen(want) || memcmp(value, want, size) != 0)
        fail_msg("%s: got %.*s", name, code == 0 ? (int)size : 0, (const char *)value);
    /* once: not a second time behind it */
    assert_int_equal(rd_kafka_header_get(headers, 1, name, &value, &size),
                     RD_KAFKA_RESP_ERR__NOENT);
}

/* An event of an array goes alone, with its message's key, headers and time; late ones apart. */
static void test_carries_everything(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    static char text[] = "[{\"meter\":\"a\"},{\"meter\":\"b\"}]";
    produce_event(&bench, "plant-7", text, sizeof(text) - 1);
    produce_event(&bench, NULL, (char[]){"\0\xff\x01"}, 3);
    rd_kafka_message_t *messages[] = {read_message(&bench, "events", 0),
                                      read_message(&bench, "events", 1)};
    struct refusal refusal = refuse(messages[0], REJECT_UNIT_UNKNOWN);
    refusal.origin.bytes = (const char *)messages[0]->payload + 15;
    refusal.origin.size = 13;
    refusal.origin.index = 1;
    assert_int_equal(dead_letters_send(&bench.letters, messages[0], &refusal), 0);
    refusal = refuse(messages[1], OUTCOME_LATE);
    refusal.detail = "the words for this one";
    assert_int_equal(dead_letters_send(&bench.letters, messages[1], &refusal), 0);
    assert_int_equal(producer_low_offset(bench.producer, 0), 0);
    assert_int_equal(producer_low_offset(bench.producer, 1), INT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(messages); i++)
        rd_kafka_message_destroy(messages[i]);
    wait_acknowledged(&bench, 2);
    assert_int_equal(producer_low_offset(bench.producer, 0), INT64_MAX);
    const struct producer_stats *stats = producer_get_letter_stats(bench.producer);
    assert_int_equal(stats->waiting, 0);
    assert_int_equal(stats->waiting_bytes, 0);
    producer_check(bench.producer);
    assert_int_equal(stats->bytes, 13 + 3);
    assert_int_equal(stats->failed, 0);

    rd_kafka_message_t *dead = read_message(&bench, "dead", 0);
    assert_int_equal(dead->len, 13);
    assert_memory_equal(dead->payload, "{\"meter\":\"b\"}", 13);
    assert_int_equal(dead->key_len, 7);
    assert_memory_equal(dead->key, "plant-7", 7);
    assert_int_equal(rd_kafka_message_timestamp(dead, NULL), 1700000000123);
    assert_header(dead, "source", "gateway 7");
    assert_header(dead, "ghgd-reason", "unit_unknown");
    assert_header(dead, "ghgd-help", outcome_help(REJECT_UNIT_UNKNOWN));
    assert_header(dead, "ghgd-topic", "events");
    assert_header(dead, "ghgd-partition", "0");
    assert_header(dead, "ghgd-offset", "0");
    assert_header(dead, "ghgd-index", "1");
    assert_header(dead, "ghgd-timestamp", "1700000000123");
    assert_header(dead, "ghgd-truncated", NULL);
    rd_kafka_message_destroy(dead);
    rd_kafka_message_t *late = read_message(&bench, "late", 0);
    assert_null(late->key);
    assert_int_equal(late->len, 3);
    assert_memory_equal(late->payload, "\0\xff\x01", 3);
    assert_header(late, "ghgd-reason", "late");
    assert_header(late, "ghgd-help", "the words for this one");
    assert_header(late, "ghgd-offset", "1");
    rd_kafka_message_destroy(late);
    close_producer(&bench, 1000);
    close_bench(&bench);
}

/* The bytes of letters are bounded; one message always has room. */
static void test_bytes_are_bounded(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    size_t size = 900000;
    char *text = calloc(1, size);
    assert_non_null(text);
    produce_event(&bench, "k", text, size);
    free(text);
    rd_kafka_message_t *message = read_message(&bench, "events", 0);
    rd_kafka_mock_broker_set_down(bench.mock, BROKER);
    assert_true(dead_letters_have_room(&bench.letters, 1, (size_t)MESSAGE_BYTES_MAX * 8));
    struct refusal refusal = refuse(message, REJECT_UNDECODABLE);
    int sent = 0;
    while (dead_letters_have_room(&bench.letters, 1, size + 1)) {
        message->offset = sent++;
        assert_int_equal(dead_letters_send(&bench.letters, message, &refusal), 0);
    }
    assert_int_equal(sent, PRODUCER_BYTES_MAX / (int)(size + 1) - 1);
    rd_kafka_message_destroy(message);
    uint64_t began_ms = uv_hrtime() / 1000000;
    close_producer(&bench, 200); /* the brokers stay away: what is left is logged */
    assert_true(uv_hrtime() / 1000000 - began_ms < 5000);
    rd_kafka_mock_broker_set_up(bench.mock, BROKER);
    close_bench(&bench);
}

/* A message of very many bad events becomes a bounded number of letters that hold all of it. */
static void test_many_of_one_message(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    char text[2001];
    memset(text, '0', sizeof(text));
    for (size_t i = 0; i < sizeof(text); i += 2)
        text[i] = ',';
    text[0] = '[';
    text[sizeof(text) - 1] = ']';
    produce_event(&bench, "k", text, sizeof(text));
    rd_kafka_message_t *message = read_message(&bench, "events", 0);
    struct refusal refusal = refuse(message, REJECT_UNDECODABLE);
    for (uint32_t i = 0; i < 1000; i++) {
        refusal.origin.bytes = (const char *)message->payload + 1 + 2 * (size_t)i;
        refusal.origin.size = 1;
        refusal.origin.index = i;
        assert_int_equal(dead_letters_send(&bench.letters, message, &refusal), 0);
    }
    rd_kafka_message_destroy(message);
    wait_acknowledged(&bench, DEADLETTERS_PER_MESSAGE_MAX + 1);
    message = read_message(&bench, "dead", DEADLETTERS_PER_MESSAGE_MAX - 1);
    assert_int_equal(message->len, 1);
    assert_header(message, "ghgd-index", "63");
    assert_header(message, "ghgd-whole", NULL);
    rd_kafka_message_destroy(message);
    message = read_message(&bench, "dead", DEADLETTERS_PER_MESSAGE_MAX);
    assert_int_equal(message->len, sizeof(text));
    assert_memory_equal(message->payload, text, sizeof(text));
    assert_header(message, "ghgd-index", "64");
    assert_header(message, "ghgd-whole", "1");
    rd_kafka_message_destroy(message);
    close_producer(&bench, 1000);
    close_bench(&bench);
}

/* Too large for the topic: the beginning and the place of the original are kept. */
static void test_too_large_is_cut(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    char text[5000];
    memset(text, 'x', sizeof(text));
    produce_event(&bench, "k", text, sizeof(text));
    rd_kafka_message_t *message = read_message(&bench, "events", 0);
    rd_kafka_mock_push_request_errors(bench.mock, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    struct refusal refusal = refuse(message, REJECT_TOO_LARGE);
    assert_int_equal(dead_letters_send(&bench.letters, message, &refusal), 0);
    rd_kafka_message_destroy(message);
    wait_acknowledged(&bench, 1);
    assert_int_equal(producer_get_letter_stats(bench.producer)->waiting_bytes, 0);
    message = read_message(&bench, "dead", 0);
    assert_int_equal(message->len, 1000);
    assert_header(message, "ghgd-truncated", "5000");
    assert_header(message, "ghgd-reason", "too_large");
    rd_kafka_message_destroy(message);
    close_producer(&bench, 1000);
    close_bench(&bench);
}

/* A topic that is not configured keeps nothing, and holds nothing back. */
static void test_without_topic(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    close_producer(&bench, 0);
    assert_int_equal(uv_loop_init(&bench.loop), 0);
    bench.conf.late_topic = NULL;
    struct buffer why;
    buffer_init(&why, 1024);
    assert_int_equal(
        producer_create(&bench.producer, &bench.loop, &bench.conf, on_room, &bench, &why), 0);
    dead_letters_init(&bench.letters, bench.producer);
    produce_event(&bench, "k", (char[]){"text"}, 4);
    rd_kafka_message_t *message = read_message(&bench, "events", 0);
    struct refusal refusal = refuse(message, OUTCOME_LATE);
    assert_int_equal(dead_letters_send(&bench.letters, message, &refusal), 0);
    assert_int_equal(producer_get_letter_stats(bench.producer)->sent, 0);
    assert_int_equal(producer_low_offset(bench.producer, 0), INT64_MAX);
    rd_kafka_message_destroy(message);
    buffer_fini(&why);
    bench.closed = false;
    close_producer(&bench, 1000);
    close_bench(&bench);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carries_everything),  cmocka_unit_test(test_bytes_are_bounded),
        cmocka_unit_test(test_many_of_one_message), cmocka_unit_test(test_too_large_is_cut),
        cmocka_unit_test(test_without_topic),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
