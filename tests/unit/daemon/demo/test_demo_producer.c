/* The demonstration's factories: the same from the same seed, and good input but where meant bad.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "config/config.h"
#include "daemon/demo/demo_files.h"
#include "daemon/demo/demo_producer.h"
#include "daemon/demo/factories.h"
#include "daemon/demo/mock_cluster.h"
#include "pipelines/ingest/decoder.h"
#include "pipelines/ingest/resolve.h"

#define START_MS (INT64_C(1772323200000)) /* a Sunday, 2026-03-01 */
enum { HOURS = 48, EVENTS_MAX = 8192 };

/* The messages that arrived, in order within a partition. */
struct arrived {
    uint64_t hash, messages, events, json, msgpack;
    uint64_t outcomes[OUTCOME_COUNT];
    int64_t register_milli[2]; /* of the boiler that rolls over: before, after */
    uint64_t falls, silent;
    const struct registry *registry;
    struct decoder *decoder;
    int64_t timestamp_ms;
};

static void on_event(void *context, const struct event *event)
{
    struct arrived *arrived = context;
    arrived->events++;
    assert_int_equal(event->fault, 0);
    const struct place place = {.arrived_ms = arrived->timestamp_ms};
    struct batch_event resolved;
    arrived->outcomes[resolve_event(&resolved, arrived->registry, event, &place)]++;
    if (event->meter_size == 12 && memcmp(event->meter, "bursa-boiler", 12) == 0)
        arrived->silent += event->time_ms >= START_MS + 24 * HOUR_MS;
    if (event->meter_size != 15 || memcmp(event->meter, "dongguan-boiler", 15) != 0)
        return;
    const struct ratio one = {1, 1};
    int64_t micro;
    assert_int_equal(decimal_to_micro(&micro, event->value, one), 0);
    arrived->falls += micro / 1000 < arrived->register_milli[1] - 1000000;
    arrived->register_milli[1] = micro / 1000;
}

static void on_message(struct arrived *arrived, const rd_kafka_message_t *message)
{
    const unsigned char *bytes = message->payload;
    arrived->messages++;
    for (size_t i = 0; i < message->len; i++)
        arrived->hash = (arrived->hash ^ bytes[i]) * UINT64_C(1099511628211);
    *(bytes[0] == '[' ? &arrived->json : &arrived->msgpack) += 1;
    arrived->timestamp_ms = rd_kafka_message_timestamp(message, NULL);
    assert_true(arrived->timestamp_ms >= START_MS);
    decoder_decode(arrived->decoder, message->payload, message->len, false, on_event, arrived);
}

static rd_kafka_t *open_reader(const char *brokers)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "reader", NULL, 0);
    rd_kafka_conf_set(conf, "fetch.wait.max.ms", "20", NULL, 0);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    assert_non_null(reader);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, DEMO_TOPIC, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(reader, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    return reader;
}

static void read_all(const char *brokers, struct arrived *arrived, uint64_t messages)
{
    rd_kafka_t *reader = open_reader(brokers);
    while (arrived->messages < messages) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 10000);
        assert_non_null(message);
        assert_int_equal(message->err, 0);
        on_message(arrived, message);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
}

/* Simulates in steps of that length; judges everything with the demonstration's own tables. */
static struct demo_producer_stats simulate(uint64_t seed, int64_t step_ms, struct arrived *arrived)
{
    struct mock_cluster *cluster;
    assert_int_equal(mock_cluster_create(&cluster, DEMO_TOPIC, 1), 0);
    const char *brokers = mock_cluster_brokers(cluster);
    struct demo_files files;
    assert_int_equal(demo_files_write(&files, brokers, START_MS), 0);
    struct buffer faults;
    buffer_init(&faults, 1 << 16);
    struct config *config = NULL;
    if (config_load(&config, files.config, &faults) < 0 || faults.size > 0)
        fail_msg("%s", buffer_text(&faults));
    const struct demo_producer_conf conf = {.brokers = brokers,
                                            .topic = DEMO_TOPIC,
                                            .seed = seed,
                                            .start_ms = START_MS,
                                            .silent_ms = START_MS + 24 * HOUR_MS,
                                            .worse_ms = START_MS + 24 * HOUR_MS};
    struct demo_producer *producer;
    assert_int_equal(demo_producer_create(&producer, &conf), 0);
    for (int64_t now_ms = START_MS; now_ms <= START_MS + HOURS * HOUR_MS; now_ms += step_ms)
        assert_true(demo_producer_step(producer, now_ms));
    struct demo_producer_stats stats = *demo_producer_get_stats(producer);
    demo_producer_destroy(&producer);

    *arrived = (struct arrived){.hash = 1, .registry = config->registry};
    const struct decode_conf decode = {.format = FORMAT_AUTO};
    assert_int_equal(decoder_create(&arrived->decoder, &decode), 0);
    read_all(brokers, arrived, stats.messages);
    decoder_destroy(&arrived->decoder);
    config_destroy(&config);
    buffer_fini(&faults);
    demo_files_remove(&files);
    mock_cluster_destroy(&cluster);
    return stats;
}

static void test_same_seed_same_events(void **state)
{
    (void)state;
    struct arrived first;
    struct arrived second;
    struct arrived other;
    struct demo_producer_stats stats = simulate(7, HOURS * HOUR_MS, &first);
    simulate(7, 777777, &second);
    simulate(8, HOURS * HOUR_MS, &other);
    assert_int_equal(first.events, stats.events);
    assert_true(first.json > 500 && first.msgpack > 500);
    assert_true(stats.duplicates > 0 && stats.late > 0 && stats.corrections > 0);
    assert_true(stats.estimates >= stats.corrections && stats.faulty > 0);
    /* Good input, except the units that are wrong on purpose. */
    assert_int_equal(first.outcomes[OUTCOME_USED], stats.events - stats.faulty);
    assert_int_equal(first.outcomes[REJECT_UNIT_UNKNOWN] + first.outcomes[REJECT_UNIT_MISMATCH],
                     stats.faulty);
    assert_int_equal(first.falls, 1);
    assert_int_equal(first.silent, 0);
    /* In other steps the last one may be missing: the beginning is the same. */
    assert_in_range(second.events, stats.events - 64, stats.events);
    assert_true(other.hash != first.hash);
    struct arrived again;
    simulate(7, FACTORY_STEP_MS, &again);
    assert_int_equal(again.hash, first.hash);
}

static const struct factory_meter *find_meter(const char *id)
{
    for (uint32_t i = 0; i < factory_meters_count; i++)
        if (strcmp(factory_meters[i].id, id) == 0)
            return &factory_meters[i];
    return NULL;
}

static void test_shifts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *meter;
        int32_t weekday, hour;
        int64_t low, high; /* of the rate, in units an hour */
    } cases[] = {
        {"a working day", "guimaraes-grid", 3, 10, 600, 800},
        {"lunch", "guimaraes-grid", 3, 12, 350, 450},
        {"night", "guimaraes-grid", 3, 2, 90, 130},
        {"sunday", "guimaraes-grid", 0, 10, 80, 110},
        {"saturday is a weekend there", "guimaraes-grid", 6, 10, 80, 110},
        {"and none here", "dongguan-grid", 6, 10, 2500, 2900},
        {"friday is none in Dhaka", "gazipur-grid", 5, 10, 200, 300},
        {"sunday is a day of work there", "gazipur-grid", 0, 10, 1500, 1700},
        {"no sun at night", "dongguan-pv", 3, 1, 0, 0},
        {"noon", "dongguan-pv", 3, 12, 490, 900},
        {"the lorry comes once", "binh-duong-diesel", 3, 12, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct factory_meter *meter = find_meter(cases[i].meter);
        assert_non_null(meter);
        const struct factory_clock clock = {
            .day = 20500, .minute = cases[i].hour * 60 + 30, .weekday = cases[i].weekday};
        int64_t rate = factory_rate(meter, &clock, 1) / 1000;
        if (rate < cases[i].low || rate > cases[i].high)
            fail_msg("%s: got %" PRId64, cases[i].name, rate);
    }
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shifts),
        cmocka_unit_test(test_same_seed_same_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
