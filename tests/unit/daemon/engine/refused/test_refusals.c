/* Refused events become letters, whatever allocation fails; nothing is judged twice or lost. */
#include "tests/unit/failing_malloc.h"

#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/timestamp.h"
#include "daemon/engine/message_applier.h"
#include "daemon/engine/refused/refusals.h"
#include "pipelines/kafka/outgoing.h"
#include "tests/unit/ingest/tables.h"
#include "tests/unit/tier.h"

/* So many refused events of one message that the last of them take it along whole. */
enum { BAD_EVENTS = 70, MESSAGES = 3, WAIT_MS = 60000, TRIES = 3 };
enum { LETTERS = DEADLETTERS_PER_MESSAGE_MAX + 1, PARKED = 2, USED = 1 };
enum { EVENTS = BAD_EVENTS + PARKED + USED };

#define EVENT(meter, value)                                                                        \
    "{\"meter\":\"" meter "\",\"start\":\"2026-01-09T01:00:00Z\","                                 \
    "\"end\":\"2026-01-09T01:15:00Z\",\"value\":" value "}"

static struct registry *registry;
static const struct window_conf windows = {.bucket_ms = 900000,
                                           .allowed_delay_ms = 300000,
                                           .grace_ms = 600000,
                                           .horizon_ms = 2 * DAY_MS,
                                           .early_tolerance_ms = 3600000,
                                           .backfill_max_ms = INT64_C(34560000000), /* 400 days */
                                           .idle_timeout_ms = 3600000,
                                           .fiscal_year_start = 1};

struct bench {
    uv_loop_t loop;
    rd_kafka_t *client, *reader;
    rd_kafka_mock_cluster_t *mock;
    struct kafka_conf conf;
    rd_kafka_message_t *messages[MESSAGES];
    struct producer *producer;
    struct refusals refusals;
    struct log_position at;
    int64_t next_offset; /* every run takes the messages as if they were further ones */
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
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof(text));
    assert_non_null(client);
    return client;
}

static void produce(struct bench *bench, char *text)
{
    rd_kafka_resp_err_t code = rd_kafka_producev(
        bench->client, RD_KAFKA_V_TOPIC("events"), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_KEY("gateway", 7), RD_KAFKA_V_VALUE((void *)text, strlen(text)),
        RD_KAFKA_V_HEADER("source", "gateway 7", -1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_END);
    assert_int_equal(code, 0);
    assert_int_equal(rd_kafka_flush(bench->client, WAIT_MS), 0);
}

static void produce_all(struct bench *bench)
{
    char text[BAD_EVENTS * 128] = "[";
    for (int i = 0; i < BAD_EVENTS; i++) {
        size_t size = strlen(text);
        (void)snprintf(text + size, sizeof(text) - size, "%s{\"meter\":\"interval\",\"n\":%d}",
                       i > 0 ? "," : "", i);
    }
    (void)snprintf(text + strlen(text), 2, "]");
    produce(bench, text);
    produce(bench, (char[]){"[" EVENT("nobody's", "1") "," EVENT("nobody's", "2") "]"});
    produce(bench, (char[]){EVENT("interval", "1")});
}

static void read_all(struct bench *bench)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "events", 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(bench->reader, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    for (int i = 0; i < MESSAGES; i++) {
        bench->messages[i] = rd_kafka_consumer_poll(bench->reader, WAIT_MS);
        assert_non_null(bench->messages[i]);
        assert_int_equal(bench->messages[i]->err, 0);
    }
}

static void open_bench(struct bench *bench)
{
    *bench = (struct bench){0};
    log_set_level(LOG_LEVEL_ERROR);
    bench->client = make_client(RD_KAFKA_PRODUCER, NULL);
    bench->mock = rd_kafka_mock_cluster_new(bench->client, 1);
    assert_int_equal(rd_kafka_mock_topic_create(bench->mock, "events", 1, 1), 0);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(bench->mock);
    rd_kafka_brokers_add(bench->client, brokers);
    bench->reader = make_client(RD_KAFKA_CONSUMER, brokers);
    produce_all(bench);
    read_all(bench);
    bench->conf = (struct kafka_conf){
        .brokers = brokers, .group = "ghgd", .dead_letter_topic = "dead", .late_topic = "late"};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    struct buffer why;
    buffer_init(&why, 4096);
    int err = producer_create(&bench->producer, &bench->loop, &bench->conf, on_room, bench, &why);
    if (err < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
    dead_letters_init(&bench->refusals.letters, bench->producer);
}

static void close_bench(struct bench *bench)
{
    for (int i = 0; i < MESSAGES; i++)
        rd_kafka_message_destroy(bench->messages[i]);
    dead_letters_fini(&bench->refusals.letters);
    producer_close(bench->producer, 0, on_closed, bench);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_true(bench->closed);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    rd_kafka_destroy(bench->reader);
    rd_kafka_mock_cluster_destroy(bench->mock);
    rd_kafka_destroy(bench->client);
}

static void open_parking(struct bench *bench)
{
    const struct parking_conf conf = {
        .producer = bench->producer, .bytes_max = 1 << 20, .age_max_ms = INT64_MAX / 2};
    assert_int_equal(parking_create(&bench->refusals.parking, &conf), 0);
}

static struct batch batch;

static struct message_applier *open_feed(struct bench *bench, struct shard *shard)
{
    struct message_applier *applier;
    const struct decode_conf decode = {.format = FORMAT_JSON};
    const struct message_applier_conf conf = {.decode = &decode,
                                              .registry = registry,
                                              .shard = shard,
                                              .batch = &batch,
                                              .parks_unknown = true,
                                              .make_sure = refusals_make_sure,
                                              .refused = refusals_take,
                                              .context = &bench->refusals};
    assert_int_equal(message_applier_create(&applier, &conf), 0);
    return applier;
}

/* As the intake does it. Returns how many of all messages are taken now. */
static size_t take(struct bench *bench, struct message_applier *applier, const struct shard *shard,
                   size_t taken)
{
    struct raw_message slice[MESSAGES];
    size_t count = MESSAGES - taken;
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_message_t *message = bench->messages[taken + i];
        slice[i] = (struct raw_message){.bytes = message->payload,
                                        .size = message->len,
                                        .offset = message->offset,
                                        .arrived_ms = INT64_MIN};
    }
    bench->refusals.messages = bench->messages + taken;
    assert_int_equal(refusals_count_affordable(&bench->refusals, bench->refusals.messages, count),
                     count);
    size_t more = message_applier_take(applier, &bench->at, slice, count);
    if (more < count)
        assert_true(bench->refusals.short_of_memory || shard_is_blocked(shard));
    return taken + more;
}

static void expect_all(struct bench *bench, struct message_applier *applier, struct shard *shard,
                       uint64_t sent)
{
    struct event_account account;
    message_applier_get_account(applier, &account);
    assert_int_equal(account.read, EVENTS);
    assert_int_equal(account.outcomes[OUTCOME_PARKED], PARKED);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_USED], USED);
    assert_int_equal(parking_get_stats(bench->refusals.parking)->events, PARKED);
    assert_int_equal(producer_get_letter_stats(bench->producer)->sent - sent, LETTERS);
}

/* From the allocation `first` on, `count` fail while the messages are taken. Returns whether any
 * did; *stops_out counts how often the messages had to wait. */
static bool take_all(struct bench *bench, long first, long count, uint32_t *stops_out)
{
    struct shard *shard;
    const struct shard_context context = {
        .registry = registry, .window = &windows, .kernels = tests_kernels(), .sinks_count = 1};
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    struct message_applier *applier = open_feed(bench, shard);
    open_parking(bench);
    outgoing_reserve_fini(producer_get_reserve(bench->producer));
    uint64_t sent = producer_get_letter_stats(bench->producer)->sent;
    size_t taken = 0;
    for (int i = 0; i < MESSAGES; i++)
        bench->messages[i]->offset = bench->next_offset++;
    fail_allocations(first, count);
    for (int i = 0; i < TRIES && taken < MESSAGES; i++) {
        taken = take(bench, applier, shard, taken);
        *stops_out += taken < MESSAGES;
        if (shard_is_blocked(shard))
            break; /* its facility found no memory: taking rows tries again */
    }
    bool failed = end_failing();
    struct block *block;
    assert_int_equal(block_create(&block, 100), 0);
    while (taken < MESSAGES) {
        (void)shard_take_rows(shard, 0, TAKE_CLOSING, block);
        taken = take(bench, applier, shard, taken);
    }
    block_destroy(&block);
    expect_all(bench, applier, shard, sent);
    parking_destroy(&bench->refusals.parking);
    message_applier_destroy(&applier);
    shard_destroy(&shard);
    return failed;
}

static void test_one_fails(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    uint32_t stops = 0;
    long failing = 0;
    while (take_all(&bench, failing, 1, &stops))
        failing++;
    if (allocations_can_fail()) {
        assert_true(failing > LETTERS + PARKED); /* every letter's own allocation failed once */
        assert_true(stops >= 2);                 /* the table of partitions; the reserve */
    }
    close_bench(&bench);
}

static void test_all_fail_from_then_on(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    uint32_t stops = 0;
    long failing = 0;
    while (take_all(&bench, failing, INT32_MAX, &stops))
        failing++;
    if (allocations_can_fail()) {
        assert_true(failing > LETTERS + PARKED);
        assert_true(stops >= TRIES);
    }
    close_bench(&bench);
}

static int build(void **state)
{
    (void)state;
    registry = tables_read("tests/data/events", 2 * DAY_MS);
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    registry_destroy(&registry);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_all_fail_from_then_on),
    };
    return cmocka_run_group_tests(tests, build, destroy);
}
