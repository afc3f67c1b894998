/* Parts of a topic outside of any group, against librdkafka's in-process mock cluster. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pipelines/kafka/log_reader.h"
#include "tests/unit/kafka/recorded_consumer.h"

/* Reads to the end; the messages are numbers that count up from `first`. Returns their number. */
static int read_all(struct log_reader *reader, int first)
{
    struct buffer why;
    buffer_init(&why, 4096);
    rd_kafka_message_t **messages;
    int total = 0;
    int count;
    while ((count = log_reader_next(reader, &messages, &why)) > 0) {
        for (int i = 0; i < count; i++) {
            assert_int_equal(messages[i]->offset, first + total);
            assert_int_equal(strtol(messages[i]->payload, NULL, 10), first + total);
            total++;
        }
    }
    if (count < 0)
        fail_msg("error %d: %s", count, buffer_text(&why));
    buffer_fini(&why);
    return total;
}

static void test_parts_of_a_topic(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    uv_loop_init(&loop);
    cluster_open(&cluster);
    cluster_produce(&cluster, 1, 0, 3000, 50);
    cluster_produce(&cluster, 2, 0, 7, 50);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct buffer why;
    buffer_init(&why, 4096);
    struct log_reader *reader;
    assert_int_equal(log_reader_open(&reader, &conf, TOPIC, &why), 0);
    assert_int_equal(log_reader_partitions(reader), PARTITIONS);
    struct log_bounds bounds;
    assert_int_equal(log_reader_get_bounds(reader, 1, &bounds, &why), 0);
    assert_int_equal(bounds.low, 0);
    assert_int_equal(bounds.high, 3000);
    static const struct {
        int64_t from, to;
        int32_t partition;
        int want;
    } cases[] = {
        {0, 3000, 1, 3000}, {17, 18, 1, 1}, {2990, 3000, 1, 10}, {0, 7, 2, 7}, {100, 700, 1, 600},
        {7, 7, 2, 0},       {0, 0, 0, 0},   {5, 3, 2, 0},        {0, 5, 1, 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            log_reader_start(reader, cases[i].partition, cases[i].from, cases[i].to, &why), 0);
        assert_int_equal(read_all(reader, (int)cases[i].from), cases[i].want);
        assert_int_equal(read_all(reader, 0), 0); /* the end stays the end */
    }
    /* Left in the middle, and begun elsewhere. */
    rd_kafka_message_t **messages;
    assert_int_equal(log_reader_start(reader, 1, 0, 3000, &why), 0);
    assert_true(log_reader_next(reader, &messages, &why) > 0);
    assert_true(log_message_time_ms(messages[0]) > 0);
    assert_int_equal(log_reader_start(reader, 2, 3, 7, &why), 0);
    assert_int_equal(read_all(reader, 3), 4);
    log_reader_close(&reader);
    assert_null(reader);
    buffer_fini(&why);
    cluster_end(&cluster, &loop);
}

static void test_messages_that_are_gone(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    uv_loop_init(&loop);
    cluster_open(&cluster);
    cluster_produce(&cluster, 1, 0, 10, 50);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct buffer why;
    buffer_init(&why, 4096);
    struct log_reader *reader;
    assert_int_equal(log_reader_open(&reader, &conf, TOPIC, &why), 0);
    rd_kafka_message_t **messages;
    assert_int_equal(log_reader_start(reader, 1, 500, 600, &why), 0);
    assert_int_equal(log_reader_next(reader, &messages, &why), -ENODATA);
    assert_non_null(strstr(buffer_text(&why), "offset 500 of partition 1 is gone"));
    log_reader_close(&reader);
    buffer_fini(&why);
    cluster_end(&cluster, &loop);
}

/* The mock cluster finds no message of any time. That is believed if the newest one is older. */
static void test_a_time_that_the_broker_does_not_find(void **state)
{
    (void)state;
    struct cluster cluster;
    uv_loop_t loop;
    uv_loop_init(&loop);
    cluster_open(&cluster);
    cluster_produce(&cluster, 1, 0, 20, 50);
    struct kafka_conf conf = cluster_conf(&cluster);
    struct buffer why;
    buffer_init(&why, 4096);
    struct log_reader *reader;
    assert_int_equal(log_reader_open(&reader, &conf, TOPIC, &why), 0);
    struct log_bounds bounds;
    assert_int_equal(log_reader_get_bounds(reader, 1, &bounds, &why), 0);
    rd_kafka_message_t **messages;
    assert_int_equal(log_reader_start(reader, 1, 19, 20, &why), 0);
    assert_int_equal(log_reader_next(reader, &messages, &why), 1);
    int64_t newest_ms = log_message_time_ms(messages[0]);
    int64_t offset = -1;
    assert_int_equal(log_reader_find(reader, 1, &bounds, newest_ms, &offset, &why), 1);
    assert_int_equal(offset, 0);
    assert_int_equal(log_reader_find(reader, 1, &bounds, newest_ms + 1, &offset, &why), 0);
    assert_true(offset >= bounds.high);
    assert_int_equal(log_reader_get_bounds(reader, 0, &bounds, &why), 0); /* an empty partition */
    assert_int_equal(log_reader_find(reader, 0, &bounds, newest_ms, &offset, &why), 0);
    log_reader_close(&reader);
    buffer_fini(&why);
    cluster_end(&cluster, &loop);
}

static void test_configuration_is_refused(void **state)
{
    (void)state;
    struct kafka_conf conf = {.brokers = "nobody:0", .group = "g"};
    struct buffer why;
    buffer_init(&why, 4096);
    struct log_reader *reader = NULL;
    assert_int_equal(log_reader_open(&reader, &conf, TOPIC, &why), ERR_CONFIG);
    assert_null(reader);
    assert_true(why.size > 0);
    buffer_fini(&why);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_a_topic),
        cmocka_unit_test(test_messages_that_are_gone),
        cmocka_unit_test(test_a_time_that_the_broker_does_not_find),
        cmocka_unit_test(test_configuration_is_refused),
    };
    return cmocka_run_group_tests_name("log_reader", tests, NULL, NULL);
}
