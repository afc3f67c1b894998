/* Making sure of the keyed topic, against librdkafka's in-process mock cluster, which makes no
 * topics: what is there, what is away, and what is refused. */
#include "daemon/engine/rekey/rekey_topic.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tests/unit/forked.h"

enum { PATIENCE_MS = 60000, SOON_MS = 1500 };

struct bench {
    uv_loop_t loop;
    uv_timer_t tick;
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *mock;
    struct config config;
    struct rekey_topic *topic;
    int told, err;
    char why[256];
    bool closed;
};

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void open_bench(struct bench *bench)
{
    char text[256];
    *bench = (struct bench){0};
    log_set_level(LOG_LEVEL_ERROR);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "2", NULL, 0);
    bench->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    assert_non_null(bench->client);
    bench->mock = rd_kafka_mock_cluster_new(bench->client, 1);
    assert_int_equal(rd_kafka_mock_topic_create(bench->mock, "keyed", 2, 1), 0);
    bench->config = (struct config){
        .input = {.topic = "events", .rekey = true, .rekey_topic = "keyed"},
        .kafka = {.brokers = rd_kafka_mock_cluster_bootstraps(bench->mock), .group = "g"}};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    uv_timer_init(&bench->loop, &bench->tick);
    uv_timer_start(&bench->tick, on_tick, 5, 5);
}

static void close_bench(struct bench *bench)
{
    uv_close((uv_handle_t *)&bench->tick, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    rd_kafka_mock_cluster_destroy(bench->mock);
    rd_kafka_destroy(bench->client);
}

static void on_told(void *context, int err, const char *why)
{
    struct bench *bench = context;
    bench->told++;
    bench->err = err;
    strncpy(bench->why, why, sizeof(bench->why) - 1);
}

static void on_closed(void *context)
{
    ((struct bench *)context)->closed = true;
}

static void start(struct bench *bench)
{
    assert_int_equal(
        rekey_topic_create(&bench->topic, &bench->loop, &bench->config, on_told, bench), 0);
    assert_null(rekey_topic_get_wait(bench->topic));
}

static void run_until_told(struct bench *bench)
{
    uint64_t until_ms = uv_now(&bench->loop) + PATIENCE_MS;
    while (bench->told == 0 && uv_now(&bench->loop) < until_ms)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_int_equal(bench->told, 1);
    assert_null(rekey_topic_get_wait(bench->topic));
}

static void run_until_it_waits(struct bench *bench)
{
    uint64_t until_ms = uv_now(&bench->loop) + PATIENCE_MS;
    while (rekey_topic_get_wait(bench->topic) == NULL && uv_now(&bench->loop) < until_ms)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_non_null(strstr(rekey_topic_get_wait(bench->topic), "keyed: "));
    assert_int_equal(bench->told, 0);
}

static void stop(struct bench *bench)
{
    uv_update_time(&bench->loop);
    uint64_t began_ms = uv_now(&bench->loop);
    rekey_topic_close(bench->topic, on_closed, bench);
    while (!bench->closed)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_in_range(uv_now(&bench->loop) - began_ms, 0, SOON_MS);
}

static void test_is_there(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    start(&bench);
    run_until_told(&bench);
    assert_int_equal(bench.err, 0);
    stop(&bench);
    close_bench(&bench);
}

static void test_waits_for_a_broker(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    rd_kafka_mock_broker_set_down(bench.mock, 1);
    start(&bench);
    run_until_it_waits(&bench);
    rd_kafka_mock_broker_set_up(bench.mock, 1);
    run_until_told(&bench);
    assert_int_equal(bench.err, 0);
    stop(&bench);
    close_bench(&bench);
}

/* While it asks for the first time, and while it waits to ask again. */
static void test_closed_while_it_waits(void **state)
{
    (void)state;
    for (int waits = 0; waits < 2; waits++) {
        struct bench bench;
        open_bench(&bench);
        rd_kafka_mock_broker_set_down(bench.mock, 1);
        start(&bench);
        if (waits == 1)
            run_until_it_waits(&bench);
        stop(&bench);
        assert_int_equal(bench.told, 0);
        close_bench(&bench);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static struct conf_property properties[] = {{"no.such.property", "1"}};
    struct bench bench;
    open_bench(&bench);
    bench.config.kafka.properties = properties;
    bench.config.kafka.properties_count = ARRAY_LEN(properties);
    start(&bench);
    run_until_told(&bench);
    assert_int_equal(bench.err, ERR_CONFIG);
    assert_non_null(strstr(bench.why, "no.such.property"));
    stop(&bench);
    close_bench(&bench);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_there),
        cmocka_unit_test(test_waits_for_a_broker),
        cmocka_unit_test(test_closed_while_it_waits),
        cmocka_unit_test(test_refused),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
