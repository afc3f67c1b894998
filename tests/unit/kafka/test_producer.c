/* The producer of records that must not be lost, against librdkafka's in-process mock cluster. */
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/limits.h"
#include "base/log.h"
#include "pipelines/kafka/producer.h"
#include "tests/unit/forked.h"

enum { WAIT_MS = 60000, BROKER = 1, PARTITION = 2, RUN_BYTES = 512 << 10 };
enum { PRODUCE = 0 /* the API's number */ };

struct bench {
    uv_loop_t loop;
    uv_timer_t tick; /* the loop is never without anything to do */
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *mock;
    struct kafka_conf conf;
    struct producer *producer;
    int rooms;
    bool closed;
};

static void on_room(void *context)
{
    ((struct bench *)context)->rooms++;
}

static void on_closed(void *context)
{
    ((struct bench *)context)->closed = true;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

/* No topic for late events. */
static void open_bench(struct bench *bench)
{
    *bench = (struct bench){0};
    log_set_level(LOG_LEVEL_ERROR);
    char text[256];
    bench->client = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, text, sizeof(text));
    assert_non_null(bench->client);
    bench->mock = rd_kafka_mock_cluster_new(bench->client, 1);
    assert_int_equal(rd_kafka_mock_topic_create(bench->mock, "dead", 1, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(bench->mock, "keyed", 1, 1), 0);
    bench->conf = (struct kafka_conf){.brokers = rd_kafka_mock_cluster_bootstraps(bench->mock),
                                      .group = "ghgd",
                                      .dead_letter_topic = "dead",
                                      .rekey_topic = "keyed"};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    uv_timer_init(&bench->loop, &bench->tick);
    uv_timer_start(&bench->tick, on_tick, 5, 5);
    struct buffer why;
    buffer_init(&why, 4096);
    int err = producer_create(&bench->producer, &bench->loop, &bench->conf, on_room, bench, &why);
    if (err < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
}

static void close_bench(struct bench *bench)
{
    producer_close(bench->producer, 1000, on_closed, bench);
    uv_close((uv_handle_t *)&bench->tick, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_true(bench->closed);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    rd_kafka_mock_cluster_destroy(bench->mock);
    rd_kafka_destroy(bench->client);
}

static struct outgoing *make_record(enum outgoing_kind kind, int64_t offset, size_t size)
{
    struct outgoing *record = calloc(1, sizeof(*record) + size);
    assert_non_null(record);
    record->kind = kind;
    record->partition = PARTITION;
    record->offset = offset;
    record->size = size;
    record->headers = rd_kafka_headers_new(1);
    return record;
}

static void wait_for(struct bench *bench, const struct producer_stats *stats, uint64_t acknowledged)
{
    uint64_t until = uv_now(&bench->loop) + WAIT_MS;
    for (int turn = 0; stats->acknowledged < acknowledged && uv_now(&bench->loop) < until; turn++) {
        uv_run(&bench->loop, UV_RUN_ONCE);
        if (turn % 16 == 0) /* there may be thousands of records */
            producer_check(bench->producer);
    }
    producer_check(bench->producer);
    assert_int_equal(stats->acknowledged, acknowledged);
}

/* Each kind goes to its topic and is counted with its like; the lowest offset of all is held. */
static void test_kinds(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    rd_kafka_mock_broker_set_down(bench.mock, BROKER);
    assert_false(producer_sends(bench.producer, OUTGOING_LATE_LETTER));
    static const struct {
        enum outgoing_kind kind;
        int64_t offset, low;
    } cases[] = {{OUTGOING_LATE_LETTER, 1, INT64_MAX}, /* destroyed: no topic takes it */
                 {OUTGOING_DEAD_LETTER, 7, 7},
                 {OUTGOING_RUN, 9, 7},
                 {OUTGOING_RUN, 4, 4}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outgoing *record = make_record(cases[i].kind, cases[i].offset, 10);
        assert_int_equal(producer_send(bench.producer, &record), 0);
        assert_null(record);
        assert_int_equal(producer_low_offset(bench.producer, PARTITION), cases[i].low);
        producer_check(bench.producer);
    }
    assert_int_equal(producer_low_offset(bench.producer, PARTITION + 1), INT64_MAX);
    const struct producer_stats *letters = producer_get_letter_stats(bench.producer);
    const struct producer_stats *runs = producer_get_run_stats(bench.producer);
    assert_int_equal(letters->sent, 1);
    assert_int_equal(runs->sent, 2);
    assert_int_equal(runs->waiting_bytes, 20);
    rd_kafka_mock_broker_set_up(bench.mock, BROKER);
    wait_for(&bench, letters, 1);
    wait_for(&bench, runs, 2);
    assert_int_equal(producer_low_offset(bench.producer, PARTITION), INT64_MAX);
    close_bench(&bench);
}

/* A run that does not fit stays with the caller, who hears of room when most are acknowledged. */
static void test_runs_wait_for_room(void **state)
{
    (void)state;
    enum { FIT = PRODUCER_BYTES_MAX / RUN_BYTES };
    struct bench bench;
    open_bench(&bench);
    rd_kafka_mock_broker_set_down(bench.mock, BROKER);
    for (int i = 0; i < FIT; i++) {
        struct outgoing *record = make_record(OUTGOING_RUN, i, RUN_BYTES);
        assert_int_equal(producer_send(bench.producer, &record), 0);
    }
    struct outgoing *record = make_record(OUTGOING_RUN, FIT, RUN_BYTES);
    assert_int_equal(producer_send(bench.producer, &record), ERR_FULL);
    assert_non_null(record);
    assert_false(producer_has_room(bench.producer, 1, 1));
    assert_true(producer_takes(bench.producer)); /* a letter: its room was made sure of before */
    assert_int_equal(bench.rooms, 0);
    rd_kafka_mock_broker_set_up(bench.mock, BROKER);
    wait_for(&bench, producer_get_run_stats(bench.producer), FIT);
    assert_int_equal(bench.rooms, 1);
    assert_int_equal(producer_send(bench.producer, &record), 0);
    wait_for(&bench, producer_get_run_stats(bench.producer), FIT + 1);
    close_bench(&bench);
}

/* Memory is reserved without a record; the caller may ask to be told of room. */
static void test_reserve(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    assert_int_equal(producer_reserve(bench.producer, PARTITION, 1000), 0);
    assert_non_null(producer_get_reserve(bench.producer)->block);
    assert_int_equal(producer_low_offset(bench.producer, PARTITION), INT64_MAX);
    producer_ask_for_room(bench.producer);
    assert_int_equal(bench.rooms, 0);
    for (int i = 0; i < 1000 && bench.rooms == 0; i++)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(bench.rooms, 1);
    close_bench(&bench);
}

static void send_letter(struct bench *bench, int64_t offset)
{
    struct outgoing *letter = make_record(OUTGOING_DEAD_LETTER, offset, 4);
    memcpy(letter->bytes, "text", 4);
    assert_int_equal(rd_kafka_header_add(letter->headers, "source", -1, "gateway 7", -1), 0);
    assert_int_equal(producer_send(bench->producer, &letter), 0);
}

/* While brokers are away letters wait, in bounds, and hold the offset; then all go out. */
static void test_outage_is_bounded(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    rd_kafka_mock_broker_set_down(bench.mock, BROKER);
    send_letter(&bench, 1);
    assert_int_equal(producer_low_offset(bench.producer, PARTITION), 1);
    send_letter(&bench, 0); /* rewound: the order is of offsets all the same */
    assert_int_equal(producer_low_offset(bench.producer, PARTITION), 0);
    uint64_t sent = 2;
    for (; producer_takes(bench.producer); sent++)
        send_letter(&bench, (int64_t)sent);
    assert_int_equal(sent, PRODUCER_RECORDS_MAX);
    assert_false(producer_has_room(bench.producer, 1, 1));
    const struct producer_stats *stats = producer_get_letter_stats(bench.producer);
    assert_int_equal(stats->sent, sent);
    assert_int_equal(bench.rooms, 0);
    rd_kafka_mock_broker_set_up(bench.mock, BROKER);
    wait_for(&bench, stats, sent);
    assert_int_equal(bench.rooms, 1);
    assert_true(producer_has_room(bench.producer, 512, 64 << 10));
    assert_int_equal(producer_low_offset(bench.producer, PARTITION), INT64_MAX);
    close_bench(&bench);
}

static void assert_first_letter(const struct bench *bench)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bench->conf.brokers, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "reader", NULL, 0);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    assert_non_null(reader);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "dead", 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(reader, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, WAIT_MS);
    assert_non_null(message);
    assert_int_equal(message->len, 4);
    assert_memory_equal(message->payload, "text", 4);
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
    assert_int_equal(rd_kafka_header_get(headers, 0, "source", &value, &size), 0);
    assert_memory_equal(value, "gateway 7", size);
    rd_kafka_message_destroy(message);
    rd_kafka_destroy(reader);
}

/* A letter that brokers refuse is counted, holds the offset back, and is sent again, whole. */
static void test_refused_is_sent_again(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    rd_kafka_mock_push_request_errors(bench.mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    send_letter(&bench, 0);
    const struct producer_stats *stats = producer_get_letter_stats(bench.producer);
    while (stats->failed == 0)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(producer_low_offset(bench.producer, PARTITION), 0);
    assert_int_equal(stats->waiting, 1);
    wait_for(&bench, stats, 1);
    assert_first_letter(&bench);
    close_bench(&bench);
}

/* An idempotent producer that lost its sequence is replaced, its letters are not lost. */
static void test_fatal_error_is_survived(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    rd_kafka_mock_push_request_errors(bench.mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    for (int i = 0; i < 10; i++)
        send_letter(&bench, 0);
    wait_for(&bench, producer_get_letter_stats(bench.producer), 10);
    assert_int_equal(producer_low_offset(bench.producer, PARTITION), INT64_MAX);
    close_bench(&bench);
}

static void test_brokers_that_are_none(void **state)
{
    (void)state;
    const struct kafka_conf conf = {
        .brokers = "not a broker", .group = "ghgd", .dead_letter_topic = "dead"};
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct buffer why;
    buffer_init(&why, 4096);
    struct producer *producer;
    assert_int_equal(producer_create(&producer, &loop, &conf, on_room, NULL, &why), ERR_CONFIG);
    assert_true(why.size > 0);
    buffer_fini(&why);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_runs_wait_for_room),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_outage_is_bounded),
        cmocka_unit_test(test_refused_is_sent_again),
        cmocka_unit_test(test_fatal_error_is_survived),
        cmocka_unit_test(test_brokers_that_are_none),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
