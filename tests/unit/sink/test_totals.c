/* A sink of totals against librdkafka's in-process mock cluster. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "pipelines/groups/day_record.h"
#include "pipelines/kafka/log_reader.h"
#include "tests/unit/groups/groups_bench.h"
#include "tests/unit/sink/fixture.h"

#define TOPIC "plant-totals"
#define WIDE_TOPIC "wide"
enum { BROKER = 1, PRODUCE = 0, TURN_MS = 20, WAIT_TURNS = 3000, WHY_BYTES = 1024 };

struct place {
    struct groups_bench bench;
    uv_loop_t loop;
    uv_timer_t tick; /* so that no turn of the loop waits for ever */
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *mock;
    struct config config;
    struct sink_conf conf;
    struct sink *sink;
    struct fixture_report report;
};

static void on_tick(uv_timer_t *tick)
{
    (void)tick;
}

static void open_mock(struct place *place)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "2", NULL, 0);
    place->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    assert_non_null(place->client);
    place->mock = rd_kafka_mock_cluster_new(place->client, 1);
    assert_int_equal(rd_kafka_mock_topic_create(place->mock, TOPIC, 1, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(place->mock, WIDE_TOPIC, 2, 1), 0);
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    log_set_level((enum log_level)0); /* brokers go away on purpose */
    groups_bench_init(&place->bench);
    open_mock(place);
    place->conf = (struct sink_conf){.name = "days",
                                     .type = SINK_TOTALS,
                                     .topic = TOPIC,
                                     .create = true,
                                     .replication = -1,
                                     .backoff_min_ms = 50,
                                     .backoff_max_ms = 100,
                                     .config = &place->config};
    place->config = (struct config){
        .kafka = {.brokers = rd_kafka_mock_cluster_bootstraps(place->mock), .group = "plant"},
        .sinks = &place->conf,
        .sinks_count = 1};
    assert_int_equal(uv_loop_init(&place->loop), 0);
    uv_timer_init(&place->loop, &place->tick);
    uv_timer_start(&place->tick, on_tick, TURN_MS, TURN_MS);
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    assert_int_equal(
        sink_create(&place->sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks), 0);
    *state = place;
    return 0;
}

static void close_sink(struct place *place)
{
    sink_close(place->sink);
    place->sink = NULL;
    uv_close((uv_handle_t *)&place->tick, NULL);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.closed, 1);
}

static int teardown(void **state)
{
    struct place *place = *state;
    if (place->sink != NULL)
        close_sink(place);
    assert_int_equal(uv_loop_close(&place->loop), 0);
    rd_kafka_mock_cluster_destroy(place->mock);
    rd_kafka_destroy(place->client);
    assert_int_equal(rd_kafka_wait_destroyed(60000), 0);
    groups_bench_fini(&place->bench);
    free(place);
    return 0;
}

static struct row row_of(uint32_t facility, int day, enum row_kind kind)
{
    struct row row = {.kind = (uint8_t)kind,
                      .level = LEVEL_DAY,
                      .facility = facility,
                      .series = facility * BENCH_SERIES,
                      .window = {FIXTURE_START_MS + day * (int64_t)DAY_MS,
                                 FIXTURE_START_MS + (day + 1) * (int64_t)DAY_MS},
                      .version = 7};
    row.figures.value[FIGURE_CO2E] = (int128)1000 * (day + 1);
    row.figures.value[FIGURE_EXPECTED] = DAY_MS;
    return row;
}

/* So many days of facility 0, with a source, energy and coverage each. */
static struct block *make_block(struct place *place, int days)
{
    struct block *block = NULL;
    assert_int_equal(block_create(&block, (uint32_t)days * 3), 0);
    block->registry = &place->bench.registry;
    for (int day = 0; day < days; day++) {
        block->rows[block->count++] = row_of(0, day, ROW_EMISSIONS);
        block->rows[block->count++] = row_of(0, day, ROW_ENERGY);
        block->rows[block->count++] = row_of(0, day, ROW_COVERAGE);
    }
    return block;
}

static void submit(struct place *place, int days)
{
    struct block *block = make_block(place, days);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    assert_int_equal(place->report.done, 0); /* never before it has returned */
}

static void run_until(struct place *place, const uint32_t *count, uint32_t want)
{
    for (int turns = 0; *count < want; turns++) {
        assert_true(turns < WAIT_TURNS);
        uv_run(&place->loop, UV_RUN_ONCE);
    }
}

static void run_until_waiting(struct place *place)
{
    for (int turns = 0; sink_get_stats(place->sink)->retry_at_ms == 0; turns++) {
        assert_true(turns < WAIT_TURNS);
        uv_run(&place->loop, UV_RUN_ONCE);
    }
}

/* The records of the topic; the last one goes to *record_out. */
static uint32_t count_records(const struct place *place, struct day_record *record_out)
{
    struct log_reader *reader;
    struct log_bounds bounds;
    struct buffer why;
    rd_kafka_message_t **messages;
    uint32_t records = 0;
    buffer_init(&why, WHY_BYTES);
    assert_int_equal(log_reader_open(&reader, &place->config.kafka, TOPIC, &why), 0);
    assert_int_equal(log_reader_get_bounds(reader, 0, &bounds, &why), 0);
    assert_int_equal(log_reader_start(reader, 0, bounds.low, bounds.high, &why), 0);
    int count;
    while ((count = log_reader_next(reader, &messages, &why)) > 0) {
        for (int i = 0; i < count; i++) {
            char facility[NAME_BYTES_MAX + 1];
            int32_t day;
            assert_int_equal(day_key_parse(facility, &day, messages[i]->key, messages[i]->key_len),
                             0);
            assert_int_equal(
                day_record_decode(record_out, messages[i]->payload, messages[i]->len, &why), 0);
            assert_string_equal(record_out->facility, facility);
            assert_int_equal(record_out->day, day);
        }
        records += (uint32_t)count;
    }
    assert_int_equal(count, 0);
    log_reader_close(&reader);
    buffer_fini(&why);
    return records;
}

static void test_days_become_records(void **state)
{
    struct place *place = *state;
    struct day_record record;
    submit(place, 400);
    run_until(place, &place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_DURABLE);
    assert_int_equal(count_records(place, &record), 400);
    assert_string_equal(record.facility, "site-0");
    assert_int_equal(record.day, FIXTURE_START_MS / DAY_MS + 399);
    assert_int_equal(record.figures.version, 7);
    assert_int_equal(record.figures.scope[1].value[FIGURE_CO2E], 400000);
    assert_int_equal(record.figures.coverage.value[FIGURE_EXPECTED], DAY_MS);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->rows_written, 1200);
    assert_int_equal(stats->requests_ok, 1);
    assert_int_equal(stats->latency_count, 1);
    assert_true(stats->healthy && stats->bytes_sent > 80000);
    place->report.done = 0;
    submit(place, 1);
    run_until(place, &place->report.done, 1);
    assert_int_equal(count_records(place, &record), 401);
}

/* A record that brokers refuse is sent again with all others, and an earlier try may still arrive.
 */
static void test_refused_records(void **state)
{
    struct place *place = *state;
    struct day_record record;
    rd_kafka_mock_push_request_errors(place->mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    submit(place, 3);
    run_until_waiting(place);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_false(stats->healthy);
    assert_non_null(strstr(stats->last_error, "too large"));
    assert_int_equal(stats->requests_failed, 1);
    run_until(place, &place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_WRITTEN_AT_RISK);
    assert_true(stats->healthy);
    assert_int_equal(stats->retries, 1);
    assert_true(count_records(place, &record) >= 3);
}

static void test_client_that_failed_for_good(void **state)
{
    struct place *place = *state;
    struct day_record record;
    rd_kafka_mock_push_request_errors(place->mock, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    submit(place, 2);
    run_until(place, &place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_WRITTEN_AT_RISK);
    assert_true(count_records(place, &record) >= 2);
}

/* Brokers are away: the block waits, and goes on when they are back. */
static void test_outage(void **state)
{
    struct place *place = *state;
    struct day_record record;
    rd_kafka_mock_broker_set_down(place->mock, BROKER);
    submit(place, 2);
    run_until_waiting(place); /* the topic cannot be checked */
    assert_int_equal(place->report.done, 0);
    assert_false(sink_get_stats(place->sink)->healthy);
    rd_kafka_mock_broker_set_up(place->mock, BROKER);
    run_until(place, &place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_DURABLE); /* nothing was sent before */
    assert_int_equal(count_records(place, &record), 2);
}

/* Records under way are given up at once, and may still arrive. */
static void test_withdrawn(void **state)
{
    struct place *place = *state;
    struct day_record record;
    submit(place, 1);
    sink_withdraw(place->sink); /* while the topic is checked: nothing was sent */
    run_until(place, &place->report.abandoned, 1);
    assert_int_equal(place->report.end, BLOCK_GIVEN_BACK);
    submit(place, 1);
    run_until(place, &place->report.done, 1);
    place->report.done = 0;
    rd_kafka_mock_broker_set_down(place->mock, BROKER);
    submit(place, 1);
    sink_withdraw(place->sink);
    assert_int_equal(place->report.abandoned, 2);
    assert_int_equal(place->report.end, BLOCK_UNKNOWN);
    assert_true(sink_is_idle(place->sink));
    rd_kafka_mock_broker_set_up(place->mock, BROKER);
    submit(place, 2); /* by a new client */
    run_until(place, &place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_DURABLE);
    assert_true(count_records(place, &record) >= 3);
    rd_kafka_mock_broker_set_down(place->mock, BROKER);
    place->report.done = 0;
    submit(place, 1);
    close_sink(place);
    assert_int_equal(place->report.abandoned, 3);
}

/* The fence goes up: nothing is sent, and the block waits. */
static void test_fence(void **state)
{
    struct place *place = *state;
    struct day_record record;
    place->report.forbids = true;
    submit(place, 1);
    run_until_waiting(place);
    assert_int_equal(count_records(place, &record), 0);
    place->report.forbids = false;
    run_until(place, &place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_DURABLE);
    place->report.done = 0;
    struct block *block = make_block(place, 1);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    run_until(place, &place->report.done, 1);
    assert_int_equal(count_records(place, &record), 2);
}

/* Days whose figures do not fit are set aside, and the others are written. */
static void test_figures_that_do_not_fit(void **state)
{
    struct place *place = *state;
    struct day_record record;
    struct block *block = make_block(place, 3);
    block->rows[3].figures.value[FIGURE_CO2E] = (int128)1 << 70;
    assert_int_equal(sink_submit(place->sink, &block), 0);
    run_until(place, &place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_DURABLE);
    assert_int_equal(count_records(place, &record), 2);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->rows_written, 6);
    assert_int_equal(stats->rows_refused, 3);
    block = make_block(place, 1); /* nothing is left to send */
    block->rows[0].figures.value[FIGURE_CO2E] = (int128)1 << 70;
    place->report.done = 0;
    assert_int_equal(sink_submit(place->sink, &block), 0);
    run_until(place, &place->report.done, 1);
    assert_int_equal(count_records(place, &record), 2);
}

static void test_topics_that_cannot_serve(void **state)
{
    struct place *place = *state;
    place->conf.topic = WIDE_TOPIC;
    submit(place, 1);
    run_until_waiting(place);
    assert_non_null(strstr(sink_get_stats(place->sink)->last_error,
                           "topic wide has 2 partitions, and its records need the order of one"));
    sink_withdraw(place->sink);
    assert_int_equal(place->report.end, BLOCK_GIVEN_BACK);
    place->conf.topic = TOPIC;
    submit(place, 1);
    run_until(place, &place->report.done, 1);
    struct sink *other = NULL;
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    struct sink_conf conf = place->conf;
    conf.topic = NULL;
    assert_int_equal(sink_create(&other, &place->loop, &conf, FIXTURE_BUCKET_MS, &callbacks),
                     -EINVAL);
    assert_null(other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_days_become_records),
        TEST(test_refused_records),
        TEST(test_client_that_failed_for_good),
        TEST(test_outage),
        TEST(test_withdrawn),
        TEST(test_fence),
        TEST(test_figures_that_do_not_fit),
        TEST(test_topics_that_cannot_serve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
