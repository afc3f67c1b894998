#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/kafka/client.h"
#include "pipelines/kafka/consumer.h"

/* Each is tried as the only property, on both kinds of client. */
static void test_properties(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
        const char *want; /* NULL if good, else what the fault has to say */
    } cases[] = {
        {"fetch.wait.max.ms", "50", NULL},
        {"security.protocol", "plaintext", NULL},
        {"partition.assignment.strategy", "roundrobin", NULL},
        {"partition.assignment.strategy", "range", NULL},
        {"isolation.level", "read_uncommitted", NULL},
        {"group.instance.id", "ghgd-1", NULL},
        {"linger.ms", "100", NULL},
        {"compression.codec", "zstd", NULL},
        {"client.id", "site-7", NULL},
        {"debug", "broker", NULL},
        {"fetch.wait.max.msec", "50", "fetch.wait.max.msec"},
        {"fetch.wait.max.ms", "often", "fetch.wait.max.ms"},
        {"fetch.wait.max.ms", "-1", "fetch.wait.max.ms"},
        {"compression.codec", "rar", "compression.codec"},
        {"partition.assignment.strategy", "cooperative-sticky", "use range or roundrobin"},
        {"partition.assignment.strategy", "range,cooperative-sticky", "use range or roundrobin"},
        {"group.id", "other", "use kafka.group"},
        {"bootstrap.servers", "other:9092", "use kafka.brokers"},
        {"metadata.broker.list", "other:9092", "use kafka.brokers"},
        {"auto.offset.reset", "latest", "kafka.on_data_loss"},
        {"enable.auto.commit", "true", "cannot be set"},
        {"enable.auto.offset.store", "true", "cannot be set"},
        {"auto.commit.interval.ms", "1000", "cannot be set"},
        {"enable.partition.eof", "false", "cannot be set"},
        {"queued.max.messages.kbytes", "1", "use kafka.partition_max"},
        {"acks", "1", "cannot be set"},
        {"request.required.acks", "1", "cannot be set"},
        {"enable.idempotence", "false", "cannot be set"},
        {"transactional.id", "x", "cannot be set"},
        {"message.timeout.ms", "5", "cannot be set"},
        {"log.queue", "false", "cannot be set"},
        {"heartbeat.interval.ms", "45000", "must be less than session.timeout.ms"},
        {"session.timeout.ms", "400000", "max.poll.interval.ms"},
        {"ssl.ca.location", "/no/such/file", "kafka"},
        {"dr_msg_cb", "x", "dr_msg_cb"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct conf_property property = {cases[i].key, cases[i].value};
        const struct kafka_conf conf = {
            .brokers = "localhost:9092",
            .group = "g",
            .partition_bytes_max = 1 << 20,
            .properties = &property,
            .properties_count = 1,
        };
        bool tls = strncmp(property.key, "ssl", 3) == 0;
        struct conf_property with_tls[] = {property, {"security.protocol", "ssl"}};
        struct kafka_conf tried = conf;
        if (tls) {
            tried.properties = with_tls;
            tried.properties_count = 2;
        }
        struct buffer faults;
        buffer_init(&faults, 4096);
        int err = client_check(&tried, &faults);
        const char *text = buffer_text(&faults);
        bool good = cases[i].want == NULL
                        ? err == 0 && faults.size == 0
                        : err == ERR_CONFIG && strstr(text, cases[i].want) != NULL;
        if (!good)
            fail_msg("%s=%s: got %d: %s", property.key, property.value, err, text);
        buffer_fini(&faults);
    }
}

static void test_property_line(void **state)
{
    (void)state;
    struct conf_property properties[] = {{"client.id", "a"}, {"no.such.property", "b"}};
    static const int lines[] = {7, 9};
    const struct kafka_conf conf = {.brokers = "localhost:9092",
                                    .group = "g",
                                    .partition_bytes_max = 1 << 20,
                                    .properties = properties,
                                    .properties_count = 2,
                                    .file = "ghgd.yaml",
                                    .property_lines = lines};
    struct buffer faults;
    buffer_init(&faults, 4096);
    assert_int_equal(client_check(&conf, &faults), ERR_CONFIG);
    const char *text = buffer_text(&faults);
    assert_int_equal(strncmp(text, "ghgd.yaml:9: error: kafka.properties: no.such.property: ", 56),
                     0);
    assert_null(strstr(text, ":7:"));
    buffer_fini(&faults);
}

static void test_brokers(void **state)
{
    (void)state;
    static const struct {
        const char *brokers;
        bool good;
    } cases[] = {
        {"localhost", true},
        {"localhost:9092", true},
        {"kafka-1.example.com:9092, kafka_2:9093 ,10.0.0.1", true},
        {"SASL_SSL://broker:9094", true},
        {"[::1]:9092", true},
        {"[fe80::1]", true},
        {NULL, false},
        {"", false},
        {" ", false},
        {",", false},
        {"localhost:9092,", false},
        {"localhost:", false},
        {"localhost:0", false},
        {"localhost:65536", false},
        {"localhost:http", false},
        {"http://localhost:9092", false},
        {"::1:9092", false},
        {"a b:9092", false},
        {"[::1:9092", false},
        {"host;rm:1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct kafka_conf conf = {.brokers = cases[i].brokers, .group = "g"};
        struct buffer faults;
        buffer_init(&faults, 4096);
        int err = client_check(&conf, &faults);
        if ((err == 0) != cases[i].good || (faults.size == 0) != cases[i].good)
            fail_msg("\"%s\": got %d", cases[i].brokers ? cases[i].brokers : "", err);
        buffer_fini(&faults);
    }
}

/* All faults are told at once, and no secret with them. */
static void test_faults_and_secrets(void **state)
{
    (void)state;
    struct conf_property properties[] = {
        {"sasl.mechanisms", "OAUTHBEARER"},
        {"security.protocol", "sasl_plaintext"},
        {"ssl.key.pem", "hunter2"},
        {"ssl.passphrase.password", "hunter3"},
        {"acks", "0"},
    };
    const struct kafka_conf conf = {
        .brokers = "no port:x",
        .properties = properties,
        .properties_count = ARRAY_LEN(properties),
    };
    struct buffer faults;
    buffer_init(&faults, 8192);
    assert_int_equal(client_check(&conf, &faults), ERR_CONFIG);
    const char *text = buffer_text(&faults);
    assert_non_null(strstr(text, "kafka.brokers"));
    assert_non_null(strstr(text, "kafka.group"));
    assert_non_null(strstr(text, "OAUTHBEARER needs a token source"));
    assert_non_null(strstr(text, "ssl.passphrase.password"));
    assert_non_null(strstr(text, "acks cannot be set"));
    assert_null(strstr(text, "hunter"));
    buffer_fini(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_property_line),
        cmocka_unit_test(test_brokers),
        cmocka_unit_test(test_faults_and_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
