#include "pipelines/kafka/deadletter_headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { HEADERS_MAX = 8 };

struct pair {
    const char *name, *value;
};

static rd_kafka_headers_t *make(const struct pair *pairs)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS_MAX);
    for (size_t i = 0; i < HEADERS_MAX && pairs[i].name != NULL; i++)
        rd_kafka_header_add(headers, pairs[i].name, -1, pairs[i].value, -1);
    return headers;
}

#define PLACE                                                                                      \
    {"ghgd-topic", "meters"}, {"ghgd-partition", "3"}, {"ghgd-offset", "1204"},                    \
    {                                                                                              \
        "ghgd-index", "7"                                                                          \
    }

static void test_letters_and_marks(void **state)
{
    (void)state;
    static const struct pair letter[HEADERS_MAX] = {PLACE,
                                                    {"ghgd-reason", "unknown"},
                                                    {"ghgd-timestamp", "1700000000123"},
                                                    {"ghgd-truncated", "5000"},
                                                    {"trace", "t1"}};
    rd_kafka_headers_t *headers = make(letter);
    struct deadletter_headers got;
    assert_int_equal(deadletter_headers_read(&got, headers), 0);
    assert_string_equal(got.topic, "meters");
    assert_string_equal(got.reason, "unknown");
    assert_string_equal(got.help, "");
    assert_int_equal(got.partition, 3);
    assert_int_equal(got.offset, 1204);
    assert_int_equal(got.index, 7);
    assert_int_equal(got.timestamp_ms, 1700000000123);
    assert_int_equal(got.full_size, 5000);
    assert_int_equal(got.retried_at, -1);
    assert_false(got.whole);
    rd_kafka_headers_destroy(headers);

    static const struct pair mark[HEADERS_MAX] = {
        PLACE, {"ghgd-retried", "0"}, {"ghgd-whole", "1"}};
    headers = make(mark);
    assert_int_equal(deadletter_headers_read(&got, headers), 0);
    assert_int_equal(got.retried_at, 0);
    assert_int_equal(got.full_size, -1);
    assert_true(got.whole);
    rd_kafka_headers_destroy(headers);
}

static void test_what_is_not_ours(void **state)
{
    (void)state;
    static const struct pair cases[][HEADERS_MAX] = {
        {{NULL, NULL}},
        {{"trace", "t1"}},
        {{"ghgd-topic", "meters"}},
        {{"ghgd-topic", "m"}, {"ghgd-partition", "3"}, {"ghgd-offset", "1"}},
        {{"ghgd-topic", "m"}, {"ghgd-partition", "-3"}, {"ghgd-offset", "1"}, {"ghgd-index", "0"}},
        {{"ghgd-topic", "m"}, {"ghgd-partition", "3"}, {"ghgd-offset", " 1"}, {"ghgd-index", "0"}},
        {{"ghgd-topic", "m"}, {"ghgd-partition", "3"}, {"ghgd-offset", "1x"}, {"ghgd-index", "0"}},
        {{"ghgd-topic", "m"}, {"ghgd-partition", "3"}, {"ghgd-offset", ""}, {"ghgd-index", "0"}},
        {{"ghgd-topic", "m"},
         {"ghgd-partition", "2147483648"},
         {"ghgd-offset", "1"},
         {"ghgd-index", "0"}},
        {{"ghgd-topic", "m"},
         {"ghgd-partition", "1"},
         {"ghgd-offset", "9223372036854775808"},
         {"ghgd-index", "0"}},
        {PLACE, {"ghgd-timestamp", "yesterday"}},
        {PLACE, {"ghgd-truncated", ""}},
        {PLACE, {"ghgd-retried", "-1"}},
    };
    struct deadletter_headers got = {.offset = 42};
    assert_int_equal(deadletter_headers_read(&got, NULL), ERR_SYNTAX);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        rd_kafka_headers_t *headers = make(cases[i]);
        if (deadletter_headers_read(&got, headers) != ERR_SYNTAX)
            fail_msg("row %zu was taken", i);
        assert_int_equal(got.offset, 42); /* as it was */
        rd_kafka_headers_destroy(headers);
    }
}

/* Headers of an earlier pass are removed, except the place that the event came from. */
static void test_strip(void **state)
{
    (void)state;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(16);
    rd_kafka_header_add(headers, "trace", -1, "t1", -1);
    for (enum deadletter_header i = 0; i < DEADLETTER_HEADER_COUNT; i++)
        rd_kafka_header_add(headers, deadletter_header_name(i), -1, "1", -1);
    deadletter_headers_strip(headers);
    const char *name;
    const void *value;
    size_t size;
    char left[128] = "";
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        (void)snprintf(left + strlen(left), sizeof(left) - strlen(left), "%s ", name);
    assert_string_equal(left, "trace ghgd-retry-of ");
    rd_kafka_headers_destroy(headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_and_marks),
        cmocka_unit_test(test_what_is_not_ours),
        cmocka_unit_test(test_strip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
