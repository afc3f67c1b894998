#include "tests/unit/daemon/engine/engine_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "tests/unit/ingest/tables.h"
#include "tests/unit/sink/fixture.h"

static struct conf_property fast_group[] = {
    {"session.timeout.ms", "3500"}, /* the mock's groups need more than 3 s */
    {"heartbeat.interval.ms", "100"},
    {"fetch.wait.max.ms", "20"},
};

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

void engine_bench_open(struct engine_bench *bench)
{
    *bench = (struct engine_bench){0};
    log_set_level((enum log_level)0); /* what is refused is refused on purpose */
    fixture_make_folder(bench->folder);
    (void)snprintf(bench->rows, sizeof(bench->rows), "%s/rows", bench->folder);
    bench->sink = (struct sink_conf){.name = "file",
                                     .type = SINK_FILE,
                                     .path = bench->rows,
                                     .timeout_ms = 200,
                                     .backoff_min_ms = 100,
                                     .backoff_max_ms = 100};
    bench->config =
        (struct config){.input = {.topic = BENCH_TOPIC, .format = 0, .parked_bytes_max = 1 << 20},
                        .kafka = {.group = "plant",
                                  .dead_letter_topic = "dead",
                                  .partition_bytes_max = 4 << 20,
                                  .properties = fast_group,
                                  .properties_count = ARRAY_LEN(fast_group)},
                        .checkpoint = {.topic = "plant-checkpoint",
                                       .create = true,
                                       .replication = -1,
                                       .interval_ms = 200},
                        .window = {.bucket_ms = 900000,
                                   .allowed_delay_ms = 300000,
                                   .grace_ms = 600000,
                                   .horizon_ms = 2 * DAY_MS,
                                   .early_tolerance_ms = DAY_MS * 10000,
                                   .backfill_max_ms = DAY_MS * 10000,
                                   .idle_timeout_ms = HOUR_MS,
                                   .emit_interval_ms = 50,
                                   .fiscal_year_start = 1},
                        .sinks = &bench->sink,
                        .sinks_count = 1,
                        .shutdown_timeout_ms = 10000,
                        .simd = "scalar",
                        .registry = tables_read("tests/data/events", 2 * DAY_MS)};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    uv_timer_init(&bench->loop, &bench->tick);
    uv_timer_start(&bench->tick, on_tick, 5, 5);
    uv_unref((uv_handle_t *)&bench->tick);
}

void engine_bench_open_cluster(struct engine_bench *bench)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "2", NULL, 0);
    bench->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    assert_non_null(bench->client);
    bench->mock = rd_kafka_mock_cluster_new(bench->client, 2);
    static const struct {
        const char *name;
        int partitions, broker;
    } topics[] = {{BENCH_TOPIC, BENCH_PARTITIONS, BENCH_BROKER},
                  {"plant-checkpoint", BENCH_PARTITIONS, BENCH_BROKER},
                  {"dead", 1, BENCH_LETTER_BROKER}};
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        assert_int_equal(
            rd_kafka_mock_topic_create(bench->mock, topics[i].name, topics[i].partitions, 1), 0);
        for (int p = 0; p < topics[i].partitions; p++)
            rd_kafka_mock_partition_set_leader(bench->mock, topics[i].name, p, topics[i].broker);
    }
    rd_kafka_mock_coordinator_set(bench->mock, "group", "plant", BENCH_BROKER);
    bench->config.kafka.brokers = rd_kafka_mock_cluster_bootstraps(bench->mock);
    rd_kafka_brokers_add(bench->client, bench->config.kafka.brokers);
}

void engine_bench_close(struct engine_bench *bench)
{
    uv_close((uv_handle_t *)&bench->tick, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    if (bench->mock != NULL) {
        rd_kafka_mock_cluster_destroy(bench->mock);
        rd_kafka_destroy(bench->client);
    }
    registry_destroy(&bench->config.registry);
    fixture_remove_folder(bench->folder);
}

void engine_bench_reading(char text[128], int number)
{
    char start[TIMESTAMP_TEXT_SIZE];
    char end[TIMESTAMP_TEXT_SIZE];
    timestamp_format(start, BENCH_START_MS + number * INT64_C(900000));
    timestamp_format(end, BENCH_START_MS + (number + 1) * INT64_C(900000));
    (void)snprintf(text, 128,
                   "{\"meter\":\"interval\",\"start\":\"%s\",\"end\":\"%s\",\"value\":1}", start,
                   end);
}

void engine_bench_produce(struct engine_bench *bench, int32_t partition, const char *text)
{
    rd_kafka_resp_err_t code = rd_kafka_producev(
        bench->client, RD_KAFKA_V_TOPIC(BENCH_TOPIC), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_VALUE((void *)text, strlen(text)), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_END);
    assert_int_equal(code, 0);
    assert_int_equal(rd_kafka_flush(bench->client, BENCH_WAIT_MS), 0);
}

/* A client of the group that is no member of it. */
static rd_kafka_t *open_tool(const struct engine_bench *bench)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "2", NULL, 0);
    rd_kafka_conf_set(conf, "bootstrap.servers", bench->config.kafka.brokers, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", bench->config.kafka.group, NULL, 0);
    rd_kafka_t *tool = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    assert_non_null(tool);
    return tool;
}

void engine_bench_commit(struct engine_bench *bench, int32_t partition, int64_t offset,
                         const char *metadata)
{
    rd_kafka_t *tool = open_tool(bench);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_add(list, BENCH_TOPIC, partition);
    entry->offset = offset;
    entry->metadata = strdup(metadata);
    entry->metadata_size = strlen(metadata);
    assert_int_equal(rd_kafka_commit(tool, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(tool);
}

int64_t engine_bench_committed(struct engine_bench *bench, int32_t partition, char **metadata_out)
{
    rd_kafka_t *tool = open_tool(bench);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_add(list, BENCH_TOPIC, partition);
    assert_int_equal(rd_kafka_committed(tool, list, BENCH_WAIT_MS), 0);
    int64_t offset = entry->offset >= 0 ? entry->offset : -1;
    if (metadata_out != NULL)
        *metadata_out =
            strndup(entry->metadata_size > 0 ? entry->metadata : "", entry->metadata_size);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(tool);
    return offset;
}

uint32_t engine_bench_count_rows(const struct engine_bench *bench)
{
    char *text = fixture_read(bench->rows);
    uint32_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    free(text);
    return lines;
}

void engine_bench_wait(struct engine_bench *bench, bool (*holds)(void *context), void *context,
                       const char *name)
{
    uv_ref((uv_handle_t *)&bench->tick);
    uint64_t until_ms = uv_now(&bench->loop) + BENCH_WAIT_MS;
    while (!holds(context) && uv_now(&bench->loop) < until_ms)
        uv_run(&bench->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&bench->tick);
    if (!holds(context))
        fail_msg("waited in vain until %s", name);
}

/* --- a life --- */

static void on_failed(void *context, const char *why)
{
    assert_non_null(why);
    ((struct engine_life *)context)->failed = true;
}

static void on_drained(void *context)
{
    struct engine_life *life = context;
    life->drained = true;
    process_close(life->process);
}

static void on_ended(void *context)
{
    struct engine_life *life = context;
    assert_true(life->drained);
    life->ended = true;
}

static void on_discarded(void *context)
{
    ((struct engine_life *)context)->discarded = true;
}

static void on_written(void *context, const struct block *block)
{
    ((struct engine_life *)context)->rows += block->count;
}

int engine_life_begin(struct engine_life *life, struct engine_bench *bench)
{
    *life = (struct engine_life){.bench = bench};
    const struct process_callbacks callbacks = {.failed = on_failed,
                                                .drained = on_drained,
                                                .ended = on_ended,
                                                .discarded = on_discarded,
                                                .written = on_written,
                                                .context = life};
    return process_create(&life->process, &bench->loop, &bench->config, &callbacks);
}

bool engine_life_has_ended(void *context)
{
    return ((struct engine_life *)context)->ended;
}

void engine_life_end(struct engine_life *life)
{
    process_stop(life->process);
    engine_bench_wait(life->bench, engine_life_has_ended, life, "the process has ended");
}

const struct assigned *engine_life_find(const struct engine_life *life, int32_t partition)
{
    struct intake *intake = process_get_parts(life->process).intake;
    return assigned_set_find(intake_get_assigned_set(intake), partition);
}
