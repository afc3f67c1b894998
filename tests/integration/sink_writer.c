/*
 * sink_writer.c - a sink alone before a real server: rows from commands on standard input.
 *
 *     sink_writer DIALECT URL DATABASE DEAD_ROWS FACILITY...
 *
 *     row FACILITY START_MS ACTIVITY VERSION REVISION FINAL LEVEL
 *                adds a row of emissions and one of coverage
 *     energy ... the same, and one of energy: all was bought
 *     target FACILITY STAMP_MS YTD VERSION LEVEL
 *                adds rows of trajectory (of a day), trajectory_now and alerts. The target is
 *                "ID-2030" of the facility; FACILITY -1 is the whole. YTD is in mg, and 28,050 t
 *                are due. The level was ok before. The target year began 59 days before
 *     alert FACILITY NUMBER FROM TO PARTITION
 *                adds a change of level (0 is ok, 3 critical) of the facility's target
 *     forget PARTITION
 *                another process has the partition
 *     write      hands the rows to the sink, waits for them, prints its counters as JSON
 *     wait MS    lets the loop run for so long
 *
 * FACILITY counts the ids of the command line, ACTIVITY is in micro-units. GHGD_USER, GHGD_PASSWORD
 * and ROWS_MAX come from the environment. DIALECT "sqlite" takes the path of a database for URL.
 * DIALECT "webhook" and "alertmanager" take GHGD_SECRET and REPEAT_MS. DIALECT "topic" takes
 * brokers for URL and a topic for DATABASE.
 */
#include "base/clock.h"
#include "base/timestamp.h"
#include "config/targets/targets.h"
#include "pipelines/sink/sink.h"
#include "pipelines/trajectory/course_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TONNE_MG INT64_C(1000000000)
enum {
    BUCKET_MS = 900000,
    ROWS_MAX = 4000,
    DEADLINE_MS = 120000,
    BACKOFF_MS = 200,
    TIMEOUT_MS = 2000
};
enum { SUBJECTS_MAX = 32, ID_SIZE = 64 };

struct writer {
    uv_loop_t loop;
    struct registry registry;
    struct target targets[SUBJECTS_MAX]; /* of each facility, and of the whole */
    char target_ids[SUBJECTS_MAX][ID_SIZE];
    struct kafka_conf kafka;
    struct sink_conf conf;
    struct sink *sink;
    struct block *block;
};

static int make_registry(struct registry *registry, char **ids, uint32_t count)
{
    static struct series series = {.scope = 2,
                                   .quantity = QUANTITY_ENERGY,
                                   .category = "purchased electricity",
                                   .source = "grid"};
    static const char *zones[] = {"Asia/Dhaka"};
    struct facility *facilities = calloc(count, sizeof(*facilities));
    if (facilities == NULL)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        facilities[i] = (struct facility){
            .id = ids[i], .name = ids[i], .groups = {"Asia"}, .time_zone = zones[0]};
    *registry = (struct registry){.generation = 1,
                                  .series = &series,
                                  .facilities = facilities,
                                  .zones = zones,
                                  .group_levels = {"region"},
                                  .series_count = 1,
                                  .facilities_count = count,
                                  .zones_count = 1,
                                  .group_levels_count = 1};
    return 0;
}

static void make_targets(struct writer *writer)
{
    uint32_t count = writer->registry.facilities_count;
    if (count >= SUBJECTS_MAX)
        abort();
    for (uint32_t i = 0; i <= count; i++) {
        bool all = i == count;
        const char *name = all ? "all" : writer->registry.facilities[i].id;
        (void)snprintf(writer->target_ids[i], ID_SIZE, "%s-2030", name);
        writer->targets[i] = (struct target){.id = writer->target_ids[i],
                                             .name = name,
                                             .level = all ? TARGET_ALL : TARGET_FACILITY,
                                             .scopes = 1U << 1 | 1U << 2,
                                             .year_start = 1,
                                             .facility = all ? REGISTRY_NONE : i};
    }
}

enum { FIRST_TYPE = 3 }; /* from there on, a type of sink */

static int find_dialect(const char *name)
{
    static const char *const names[] = {"influx1", "influx2",      "victoria", "sqlite",
                                        "webhook", "alertmanager", "topic"};
    for (int i = 0; i < (int)ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

enum { FACILITY, START_MS, ACTIVITY, VERSION, REVISION, FINAL, LEVEL, NUMBERS };
enum { TARGET, STAMP_MS, YTD_MG, NOW_VERSION, ALERT, TARGET_NUMBERS };

static void read_numbers(int64_t *numbers, int count, const char *text)
{
    for (int i = 0; i < count; i++) {
        char *end = NULL;
        numbers[i] = strtoll(text, &end, 10);
        if (end == text)
            abort();
        text = end;
    }
}

static void add_rows(struct writer *writer, const char *arguments, bool energy)
{
    int64_t numbers[NUMBERS];
    read_numbers(numbers, NUMBERS, arguments);
    if (numbers[LEVEL] >= LEVEL_COUNT || writer->block->count + 3 > writer->block->capacity)
        abort();
    int64_t activity = numbers[ACTIVITY];
    struct row row = {.kind = ROW_EMISSIONS,
                      .level = (uint8_t)numbers[LEVEL],
                      .facility = (uint32_t)numbers[FACILITY],
                      .window = {.start_ms = numbers[START_MS]},
                      .version = (uint32_t)numbers[VERSION],
                      .revision = (uint32_t)numbers[REVISION],
                      .final = numbers[FINAL] != 0};
    row.window.end_ms = row.window.start_ms + BUCKET_MS;
    row.figures.value[FIGURE_ACTIVITY] = activity;
    row.figures.value[FIGURE_CO2] = activity / 2;
    row.figures.value[FIGURE_CO2E] = activity;
    row.figures.value[FIGURE_COVERED] = BUCKET_MS / 3;
    row.figures.value[FIGURE_EXPECTED] = BUCKET_MS;
    row.meters_expected = 2;
    row.meters_reporting = 1;
    writer->block->rows[writer->block->count++] = row;
    row.kind = ROW_COVERAGE;
    row.series = REGISTRY_NONE;
    writer->block->rows[writer->block->count++] = row;
    if (!energy)
        return;
    row.kind = ROW_ENERGY;
    memset(row.figures.value, 0, sizeof(row.figures.value));
    row.figures.value[BALANCE_IMPORT] = activity;
    row.figures.value[BALANCE_CONSUMPTION] = activity;
    writer->block->rows[writer->block->count++] = row;
}

/* The budget is 74,800 t, and 0.375 of it is due. */
static void add_target(struct writer *writer, const char *arguments)
{
    int64_t numbers[TARGET_NUMBERS];
    read_numbers(numbers, TARGET_NUMBERS, arguments);
    struct block *block = writer->block;
    int64_t target = numbers[TARGET] < 0 ? writer->registry.facilities_count : numbers[TARGET];
    if (target > writer->registry.facilities_count || block->count + 3 > block->capacity)
        abort();
    struct course_told told = {
        .target = &writer->targets[target],
        .row = {.stamp_ms = numbers[STAMP_MS],
                .day = (int32_t)(numbers[STAMP_MS] / DAY_MS - 1),
                .closed = true,
                .counted = true,
                .base_version = 1,
                .base_mg = INT64_C(100000) * TONNE_MG,
                .budget_mg = INT64_C(74800) * TONNE_MG,
                .share = 375000000,
                .due_mg = INT64_C(28050) * TONNE_MG,
                .ytd_mg = numbers[YTD_MG],
                .covered_ms = 1,
                .expected_ms = 3,
                .slip = slip_of(numbers[YTD_MG], INT64_C(74800) * TONNE_MG, 375000000),
                .trailing_mg = -1,
                .forecast = {.given = true,
                             .ratio_mg = numbers[YTD_MG] / 3 * 8,
                             .model_mg = numbers[YTD_MG] / 3 * 8 + 1,
                             .deviation_mg = -1,
                             .probability = -1,
                             .used_up_day = -1},
                .needed = {.cumulative = INT64_MIN},
                .achieved = 476190476,
                .overshoot_mg = INT64_MIN,
                .level = (uint8_t)numbers[ALERT]},
        .transition = {.event = COURSE_ENTERED,
                       .to = (uint8_t)numbers[ALERT],
                       .base_version = 1,
                       .number = 7,
                       .stamp_ms = numbers[STAMP_MS],
                       .day_end_ms = numbers[STAMP_MS],
                       .since_ms = numbers[STAMP_MS]},
        .sources = {{0, numbers[YTD_MG]}, {REGISTRY_NONE, 0}, {REGISTRY_NONE, 0}}};
    int64_t begin_ms = numbers[STAMP_MS] - 59 * DAY_MS;
    const struct window year = {begin_ms, begin_ms + 365 * DAY_MS};
    course_put_row(&block->rows[block->count++], &told, ROW_TRAJECTORY);
    course_put_row(&block->rows[block->count++], &told, ROW_ALERT);
    course_put_now(&block->rows[block->count++], &told, year, (uint32_t)numbers[NOW_VERSION]);
}

/* A change that stands for yesterday, in UTC. */
static void add_alert(struct writer *writer, const char *arguments)
{
    enum { OF, NUMBER, FROM, TO, PARTITION, WORDS };
    int64_t numbers[WORDS];
    read_numbers(numbers, WORDS, arguments);
    struct block *block = writer->block;
    if (numbers[OF] >= writer->registry.facilities_count || block->count == block->capacity)
        abort();
    int64_t end_ms = clock_wall_ms() / DAY_MS * DAY_MS;
    bool rises = numbers[TO] > numbers[FROM];
    const struct course_told told = {
        .target = &writer->targets[numbers[OF]],
        .row = {.stamp_ms = end_ms,
                .day = (int32_t)(end_ms / DAY_MS) - 1,
                .closed = true,
                .base_version = 1,
                .budget_mg = 900 * TONNE_MG,
                .due_mg = 450 * TONNE_MG,
                .ytd_mg = 470 * TONNE_MG,
                .covered_ms = 1,
                .expected_ms = 1,
                .slip = 444,
                .level = (uint8_t)numbers[TO]},
        .transition = {.event = rises ? COURSE_ENTERED : COURSE_LEFT,
                       .from = (uint8_t)numbers[FROM],
                       .to = (uint8_t)numbers[TO],
                       .base_version = 1,
                       .number = (uint32_t)numbers[NUMBER],
                       .day_end_ms = end_ms,
                       .since_ms = end_ms - DAY_MS},
        .sources = {{REGISTRY_NONE, 0}, {REGISTRY_NONE, 0}, {REGISTRY_NONE, 0}}};
    struct row *row = &block->rows[block->count++];
    course_put_row(row, &told, ROW_ALERT);
    row->partition = (uint32_t)numbers[PARTITION];
}

static void write_rows(struct writer *writer)
{
    int err = sink_write_sync(writer->sink, &writer->loop, &writer->block, DEADLINE_MS);
    const struct sink_stats *stats = sink_get_stats(writer->sink);
    printf("{\"err\": %d, \"written\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"ok\": %" PRIu64
           ", \"partial\": %" PRIu64 ", \"requests_refused\": %" PRIu64 ", \"failed\": %" PRIu64
           ", \"throttled\": %" PRIu64 ", \"retries\": %" PRIu64 ", \"emptied\": %" PRIu64
           ", \"healthy\": %d}\n",
           err, stats->rows_written, stats->rows_refused, stats->requests_ok,
           stats->requests_partial, stats->requests_refused, stats->requests_failed,
           stats->requests_throttled, stats->retries, stats->emptied, stats->healthy);
    (void)fflush(stdout);
    writer->block->count = 0;
}

static void on_waited(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

static void let_run(struct writer *writer, const char *arguments)
{
    uv_timer_t timer;
    uv_update_time(&writer->loop);
    if (uv_timer_init(&writer->loop, &timer) < 0 ||
        uv_timer_start(&timer, on_waited, strtoull(arguments, NULL, 10), 0) < 0)
        abort();
    uv_run(&writer->loop, UV_RUN_DEFAULT);
    puts("{}");
    (void)fflush(stdout);
}

static void obey(struct writer *writer, const char *command)
{
    if (strncmp(command, "row ", 4) == 0)
        add_rows(writer, command + 4, false);
    else if (strncmp(command, "energy ", 7) == 0)
        add_rows(writer, command + 7, true);
    else if (strncmp(command, "target ", 7) == 0)
        add_target(writer, command + 7);
    else if (strncmp(command, "alert ", 6) == 0)
        add_alert(writer, command + 6);
    else if (strncmp(command, "forget ", 7) == 0)
        sink_forget(writer->sink, (uint32_t)strtoul(command + 7, NULL, 10));
    else if (strncmp(command, "write", 5) == 0)
        write_rows(writer);
    else if (strncmp(command, "wait ", 5) == 0)
        let_run(writer, command + 5);
    else
        abort();
}

static void on_closed(void *context)
{
    (void)context;
}

static int open_sink(struct writer *writer, char **argv)
{
    writer->conf = (struct sink_conf){.name = "test",
                                      .type = SINK_INFLUX,
                                      .dialect = find_dialect(argv[1]),
                                      .url = argv[2],
                                      .database = argv[3],
                                      .dead_rows_path = argv[4],
                                      .user = getenv("GHGD_USER"),
                                      .password = getenv("GHGD_PASSWORD"),
                                      .gzip = true,
                                      .backoff_min_ms = BACKOFF_MS,
                                      .backoff_max_ms = BACKOFF_MS};
    static const enum sink_type types[] = {SINK_SQLITE, SINK_WEBHOOK, SINK_ALERTMANAGER,
                                           SINK_TOPIC};
    if (writer->conf.dialect >= FIRST_TYPE) {
        writer->conf.type = (int)types[writer->conf.dialect - FIRST_TYPE];
        writer->conf.dialect = DIALECT_INFLUX1;
        writer->conf.path = argv[2];
        writer->kafka.brokers = argv[2];
        writer->conf.topic = argv[3];
        writer->conf.kafka = &writer->kafka;
        writer->conf.secret = getenv("GHGD_SECRET");
        writer->conf.timeout_ms = TIMEOUT_MS;
        const char *repeat_ms = getenv("REPEAT_MS");
        writer->conf.repeat_ms = repeat_ms == NULL ? 0 : strtoll(repeat_ms, NULL, 10);
    }
    const char *rows_max = getenv("ROWS_MAX");
    if (rows_max != NULL)
        writer->conf.rows_max = strtoll(rows_max, NULL, 10);
    struct sink_callbacks callbacks = {.closed = on_closed};
    return sink_create(&writer->sink, &writer->loop, &writer->conf, BUCKET_MS, &callbacks);
}

int main(int argc, char **argv)
{
    struct writer writer = {0};
    if (argc < 6 || find_dialect(argv[1]) < 0) {
        (void)fputs("usage: sink_writer DIALECT URL DATABASE DEAD_ROWS FACILITY...\n", stderr);
        return 2;
    }
    if (make_registry(&writer.registry, argv + 5, (uint32_t)(argc - 5)) < 0 ||
        block_create(&writer.block, ROWS_MAX) < 0 || uv_loop_init(&writer.loop) < 0 ||
        open_sink(&writer, argv) < 0)
        return 1;
    make_targets(&writer);
    writer.block->registry = &writer.registry;
    char line[256];
    while (fgets(line, sizeof(line), stdin) != NULL)
        obey(&writer, line);
    sink_close(writer.sink);
    uv_run(&writer.loop, UV_RUN_DEFAULT);
    block_destroy(&writer.block);
    free(writer.registry.facilities);
    return uv_loop_close(&writer.loop) == 0 ? 0 : 1;
}
