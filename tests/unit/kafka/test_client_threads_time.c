#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipelines/kafka/client_threads.h"

static const struct kafka_conf conf = {
    .brokers = "127.0.0.1:1", .group = "g", .partition_bytes_max = 1 << 20};

static rd_kafka_t *make_client(enum client_kind kind)
{
    struct buffer why;
    buffer_init(&why, 4096);
    rd_kafka_t *client;
    assert_int_equal(client_create(&client, &conf, kind, 0, &why), 0);
    buffer_fini(&why);
    return client;
}

static void end_client(rd_kafka_t *client)
{
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void test_each_kind_has_its_own(void **state)
{
    (void)state;
    for (enum client_kind kind = CLIENT_CONSUMER; kind < CLIENT_KINDS; kind++) {
        uint64_t before[CLIENT_KINDS];
        for (enum client_kind i = CLIENT_CONSUMER; i < CLIENT_KINDS; i++)
            before[i] = client_time_us(i);
        end_client(make_client(kind));
        for (enum client_kind i = CLIENT_CONSUMER; i < CLIENT_KINDS; i++) {
            if (i == kind)
                assert_true(client_time_us(i) > before[i]);
            else
                assert_int_equal(client_time_us(i), before[i]);
        }
    }
}

static void test_never_falls(void **state)
{
    (void)state;
    rd_kafka_t *first = make_client(CLIENT_WRITER);
    rd_kafka_t *second = make_client(CLIENT_WRITER);
    uint64_t both = client_time_us(CLIENT_WRITER);
    end_client(first);
    uint64_t one = client_time_us(CLIENT_WRITER);
    end_client(second);
    uint64_t none = client_time_us(CLIENT_WRITER);
    assert_true(both > 0 && both <= one && one <= none);
    assert_int_equal(client_time_us(CLIENT_WRITER), none); /* no thread works any more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_its_own),
        cmocka_unit_test(test_never_falls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
