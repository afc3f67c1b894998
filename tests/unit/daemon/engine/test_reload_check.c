/* A configuration that waits to take over, with librdkafka's in-process mock cluster as the brokers
 * that it asks. */
#include "daemon/engine/reload_check.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>

#include "base/log.h"
#include "tests/unit/forked.h"

struct judgement {
    int count, err;
    char why[256];
};

static void on_judged(void *context, int err, const char *why)
{
    struct judgement *judgement = context;
    judgement->count++;
    judgement->err = err;
    strncpy(judgement->why, why, sizeof(judgement->why) - 1);
}

static struct config *load(const char *brokers)
{
    struct config *config = NULL;
    struct buffer faults;
    buffer_init(&faults, 1 << 16);
    log_set_level(LOG_LEVEL_ERROR);
    assert_int_equal(config_load(&config, "config/examples/ghgd.yaml", &faults), 0);
    buffer_fini(&faults);
    config->input.rekey = true;
    config->input.rekey_topic = "keyed";
    config->kafka.brokers = brokers;
    return config;
}

static void run_until_judged(uv_loop_t *loop, const struct judgement *judgement)
{
    while (judgement->count == 0) /* the check under way ends, or is asked again */
        uv_run(loop, UV_RUN_ONCE);
    assert_int_equal(judgement->count, 1);
}

static void close_loop(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}

static void test_takes_over(void **state)
{
    (void)state;
    char text[256];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, text, sizeof(text));
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(client, 1);
    assert_int_equal(rd_kafka_mock_topic_create(mock, "keyed", 2, 1), 0);
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct config *config = load(rd_kafka_mock_cluster_bootstraps(mock));
    const struct config *given = config;
    struct judgement judgement = {0};
    struct reload_check *reload_check = NULL;
    assert_int_equal(reload_check_create(&reload_check, &loop, &config, on_judged, &judgement), 0);
    assert_null(config);
    run_until_judged(&loop, &judgement);
    assert_int_equal(judgement.err, 0);
    config = reload_check_take(&reload_check);
    assert_null(reload_check);
    assert_ptr_equal(config, given);
    close_loop(&loop);
    config_destroy(&config);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(client);
}

static void test_refused(void **state)
{
    (void)state;
    static struct conf_property properties[] = {{"no.such.property", "1"}};
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct config *config = load("127.0.0.1:1");
    config->kafka.properties = properties;
    config->kafka.properties_count = ARRAY_LEN(properties);
    struct judgement judgement = {0};
    struct reload_check *reload_check = NULL;
    assert_int_equal(reload_check_create(&reload_check, &loop, &config, on_judged, &judgement), 0);
    run_until_judged(&loop, &judgement);
    assert_int_equal(judgement.err, ERR_CONFIG);
    assert_non_null(strstr(judgement.why, "no.such.property"));
    reload_check_drop(&reload_check);
    close_loop(&loop);
}

/* At once, and after it has found no broker. */
static void test_dropped(void **state)
{
    (void)state;
    for (int turns = 0; turns < 2; turns++) {
        uv_loop_t loop;
        assert_int_equal(uv_loop_init(&loop), 0);
        struct config *config = load("127.0.0.1:1");
        struct judgement judgement = {0};
        struct reload_check *reload_check = NULL;
        assert_int_equal(reload_check_create(&reload_check, &loop, &config, on_judged, &judgement),
                         0);
        for (int i = 0; i < turns; i++)
            uv_run(&loop, UV_RUN_ONCE);
        reload_check_drop(&reload_check);
        assert_null(reload_check);
        close_loop(&loop);
        assert_int_equal(judgement.count, 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_over),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_dropped),
    };
    return run_apart(tests, ARRAY_LEN(tests), argc, argv);
}
