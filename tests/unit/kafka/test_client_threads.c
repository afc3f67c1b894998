/* The threads of librdkafka's clients: their timer slack, and their time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>

#include <cmocka.h>

#include "pipelines/kafka/client_threads.h"

/* The slack of a client's threads, which each tells when it starts; -1: not yet. */
struct slacks {
    int main_ns, broker_ns;
};

static int own_slack_ns(void)
{
    return prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

/* Thread: the one that has started. It runs after ours, which was added before. */
static rd_kafka_resp_err_t on_thread_start(rd_kafka_t *client, rd_kafka_thread_type_t type,
                                           const char *name, void *context)
{
    (void)client;
    (void)name;
    struct slacks *slacks = context;
    int *slack_ns = type == RD_KAFKA_THREAD_MAIN ? &slacks->main_ns : &slacks->broker_ns;
    __atomic_store_n(slack_ns, own_slack_ns(), __ATOMIC_RELAXED);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *settings,
                                  void *context, char *text, size_t text_size)
{
    (void)settings;
    (void)text;
    (void)text_size;
    return rd_kafka_interceptor_add_on_thread_start(client, "test", on_thread_start, context);
}

/* rd_kafka_destroy() has waited for all its threads, so that each has told. */
static struct slacks measure(rd_kafka_type_t type, bool ours)
{
    struct slacks slacks = {-1, -1};
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    if (ours)
        assert_int_equal(client_slack_set(settings), 0);
    assert_int_equal(rd_kafka_conf_interceptor_add_on_new(settings, "test", on_new, &slacks),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    char text[256];
    rd_kafka_t *client = rd_kafka_new(type, settings, text, sizeof(text));
    assert_non_null(client);
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return slacks;
}

static void test_slack_of_all_threads(void **state)
{
    (void)state;
    static const rd_kafka_type_t types[] = {RD_KAFKA_PRODUCER, RD_KAFKA_CONSUMER};
    int usual_ns = own_slack_ns();
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct slacks with = measure(types[i], true);
        assert_int_equal(with.main_ns, 1000000);
        assert_int_equal(with.broker_ns, 1000000);
        struct slacks without = measure(types[i], false);
        assert_int_equal(without.main_ns, usual_ns);
        assert_int_equal(without.broker_ns, usual_ns);
        assert_int_equal(own_slack_ns(), usual_ns); /* who makes a client keeps his own */
    }
}

/* --- time --- */

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

static void test_time_of_each_kind(void **state)
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

static void test_time_never_falls(void **state)
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
        cmocka_unit_test(test_slack_of_all_threads),
        cmocka_unit_test(test_time_of_each_kind),
        cmocka_unit_test(test_time_never_falls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
