/* Alerts to a Kafka topic, with the mock cluster of librdkafka, and with no broker at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sink/alert_bench.h"
#include "tests/unit/sink/sink_bench.h"

static const struct alert_change changes[] = {{0, 1, ALERT_OK, ALERT_WATCH},
                                              {1, 4, ALERT_WATCH, ALERT_CRITICAL}};
enum { CHANGES = ARRAY_LEN(changes) };

static struct conf_property mock[] = {{"test.mock.num.brokers", "1"}};
static const int no_lines[ARRAY_LEN(mock)];
static const struct kafka_conf mocked = {.brokers = "127.0.0.1:1",
                                         .properties = mock,
                                         .properties_count = ARRAY_LEN(mock),
                                         .property_lines = no_lines};
static const struct kafka_conf unreachable = {.brokers = "127.0.0.1:1"};

static int topic_setup(void **state)
{
    int err = place_setup(state);
    struct place *place = *state;
    place->conf.type = SINK_TOPIC;
    place->conf.topic = "alerts";
    place->conf.kafka = &mocked;
    return err;
}

static void test_records(void **state)
{
    struct place *place = *state;
    place_open_sink(place);
    place_submit(place, alert_block(changes, CHANGES));
    place_run_until_idle(place);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_DURABLE);
    assert_int_equal(stats->rows_written, CHANGES);
    assert_int_equal(stats->rows_refused, 0);
    assert_true(stats->healthy);
}

static void test_many(void **state)
{
    struct place *place = *state;
    struct alert_change many[130];
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct alert_change){i, 1, ALERT_OK, ALERT_WATCH};
    place_open_sink(place);
    struct block *block = alert_block(many, ARRAY_LEN(many));
    block->rows[7] = fixture_row(0, 0, FIXTURE_START_MS); /* no alert: it is not sent */
    place_submit(place, block);
    place_run_until_idle(place);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 129);
    assert_int_equal(sink_get_stats(place->sink)->requests_ok, 3);
}

static void test_other_rows(void **state)
{
    struct place *place = *state;
    place->conf.kafka = &unreachable;
    place_open_sink(place);
    place_submit(place, fixture_block(3));
    place_run_until_idle(place);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 0);
}

/* A try that was given up says nothing to the next one, and the sink closes with records under way.
 */
static void test_withdraw_and_close(void **state)
{
    struct place *place = *state;
    place->conf.kafka = &unreachable;
    place_open_sink(place);
    for (uint32_t i = 1; i <= 2; i++) {
        place_submit(place, alert_block(changes, CHANGES));
        for (int turn = 0; turn < 20; turn++)
            uv_run(&place->loop, UV_RUN_ONCE);
        sink_withdraw(place->sink);
        assert_int_equal(place->report.abandoned, i);
        assert_int_equal(place->report.end, BLOCK_GIVEN_BACK);
    }
    place_submit(place, alert_block(changes, CHANGES));
    place_close_sink(place);
    assert_int_equal(place->report.abandoned, 3);
    assert_int_equal(place->report.done, 0);
}

/* Brokers that answer to a try that was given up: the next one waits for its own answers. */
static void test_answers_to_an_earlier_try(void **state)
{
    struct place *place = *state;
    place_open_sink(place);
    for (uint32_t i = 1; i <= 3; i++) {
        place_submit(place, alert_block(changes, CHANGES));
        sink_withdraw(place->sink);
        assert_int_equal(place->report.abandoned, i);
    }
    place_submit(place, alert_block(changes, CHANGES));
    place_run_until_idle(place);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, CHANGES);
    uint64_t until_ms = uv_now(&place->loop) + 300;
    while (uv_now(&place->loop) < until_ms)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, CHANGES);
}

static void test_not_opened(void **state)
{
    struct place *place = *state;
    static struct conf_property wrong[] = {{"no.such.property", "1"}};
    static const struct kafka_conf bad = {.brokers = "127.0.0.1:1",
                                          .file = "ghgd.yaml",
                                          .properties = wrong,
                                          .properties_count = ARRAY_LEN(wrong),
                                          .property_lines = no_lines};
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    struct sink *sink = NULL;
    place->conf.kafka = &bad;
    assert_int_equal(sink_create(&sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks),
                     ERR_CONFIG);
    place->conf.kafka = NULL;
    assert_true(sink_create(&sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks) < 0);
    place->conf.kafka = &mocked;
    place->conf.topic = NULL;
    assert_true(sink_create(&sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks) < 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, topic_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_records),
                                       CASE(test_many),
                                       CASE(test_other_rows),
                                       CASE(test_withdraw_and_close),
                                       CASE(test_answers_to_an_earlier_try),
                                       CASE(test_not_opened)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
