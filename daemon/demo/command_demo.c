/* command_demo.c - a group of five simulated factories, the normal daemon, a live table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/durations.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/demo/demo_files.h"
#include "daemon/demo/demo_producer.h"
#include "daemon/demo/demo_table.h"
#include "daemon/demo/mock_cluster.h"
#include "daemon/engine/process.h"

static const char usage[] =
    "ghgd demo [--for DURATION] [--seed NUMBER] [--keep]\n"
    "\n"
    "Simulates five factories in five countries: their meters write to a Kafka inside this\n"
    "process, the normal daemon turns the readings into emissions, SQLite keeps them, and the\n"
    "figures are shown as they grow. Ten months of history come first, within seconds; then a\n"
    "second is five minutes. One factory slips off its target, and the table says since when.\n"
    "Ends after the given time, or with Ctrl-C, with a summary.\n"
    "\n"
    "      --for DURATION  end after this time, for example 20s\n"
    "      --seed NUMBER   other weather and other faults (default 1)\n"
    "      --keep          leave the folder with configuration and database behind\n"
    "  -h, --help          this text\n";

static const struct option options[] = {
    {"for", required_argument, NULL, 'f'},
    {"seed", required_argument, NULL, 's'},
    {"keep", no_argument, NULL, 'k'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

enum {
    PARTITIONS = 4,
    STEP_MS = 100,
    SPEED = 300, /* simulated milliseconds in one */
    DRAW_TERMINAL_MS = 500,
    DRAW_PLAIN_MS = 5000
};
#define SILENT_BEFORE_MS (3 * HOUR_MS)
#define WORSE_AFTER_MS (125 * DAY_MS)

struct demo {
    uv_loop_t loop;
    uv_timer_t step, draw, end;
    uv_signal_t signals[2];
    uint64_t for_ms; /* 0: until a signal */
    uint64_t seed;
    bool keep, terminal, stopping;
    int64_t origin_ms; /* simulated time at began_ms of the loop */
    uint64_t began_ms;
    struct demo_files files;
    struct mock_cluster *cluster;
    struct demo_producer *producer;
    struct config *config;
    struct demo_table *table;
    struct process *process;
    int status;
};

static int64_t simulated_now(const struct demo *demo)
{
    return demo->origin_ms + (int64_t)(uv_now(&demo->loop) - demo->began_ms) * SPEED;
}

static int64_t percent_of_history(const struct demo *demo)
{
    int64_t begin_ms = demo_begin_ms(demo_first_day(demo->origin_ms));
    int64_t reached_ms = demo_table_get_reached(demo->table);
    if (reached_ms <= begin_ms)
        return 0;
    return MIN(100 * (reached_ms - begin_ms) / (demo->origin_ms - HOUR_MS - begin_ms), 100);
}

static void draw(struct demo *demo)
{
    const struct demo_producer_stats *sent = demo_producer_get_stats(demo->producer);
    const struct demo_table_counts *rows = demo_table_get_counts(demo->table);
    int64_t now_ms = simulated_now(demo);
    char time[TIMESTAMP_TEXT_SIZE];
    char status[256];
    timestamp_format(time, now_ms - now_ms % MINUTE_MS);
    int written = snprintf(status, sizeof(status),
                           "ghgd demo: %s, %d times as fast as life. %" PRIu64 " events, %" PRIu64
                           " rows written, %" PRIu64 " of them revisions.",
                           time, SPEED, sent->events, rows->rows, rows->revised);
    int64_t percent = percent_of_history(demo);
    if (rows->rows == 0)
        (void)snprintf(status + written, sizeof(status) - (size_t)written,
                       " Joining the group ...");
    else if (percent < 100)
        (void)snprintf(status + written, sizeof(status) - (size_t)written,
                       " Reading the year so far: %" PRId64 " %%", percent);
    demo_table_draw(demo->table, stdout, demo->terminal, now_ms, status);
}

static void on_handle_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void close_handles(struct demo *demo)
{
    uv_close((uv_handle_t *)&demo->step, on_handle_closed);
    uv_close((uv_handle_t *)&demo->draw, on_handle_closed);
    uv_close((uv_handle_t *)&demo->end, on_handle_closed);
    for (size_t i = 0; i < ARRAY_LEN(demo->signals); i++)
        uv_close((uv_handle_t *)&demo->signals[i], on_handle_closed);
}

static void on_failed(void *context, const char *why)
{
    (void)why; /* it is in the log */
    ((struct demo *)context)->status = EXIT_FAILED;
}

static void on_drained(void *context)
{
    process_close(((struct demo *)context)->process);
}

static void on_ended(void *context)
{
    struct demo *demo = context;
    demo->process = NULL;
    draw(demo);
    close_handles(demo);
}

static void on_written(void *context, const struct block *block)
{
    struct demo *demo = context;
    demo_table_add(demo->table, block);
}

static void stop(struct demo *demo)
{
    if (demo->stopping)
        return;
    demo->stopping = true;
    uv_timer_stop(&demo->step);
    uv_timer_stop(&demo->draw);
    process_stop(demo->process);
}

static void on_end(uv_timer_t *timer)
{
    stop(timer->data);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    stop(handle->data);
}

static void on_step(uv_timer_t *timer)
{
    struct demo *demo = timer->data;
    (void)demo_producer_step(demo->producer, simulated_now(demo)); /* the next step goes on */
}

static void on_draw(uv_timer_t *timer)
{
    draw(timer->data);
}

static void open_handles(struct demo *demo)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    uint64_t draw_ms = demo->terminal ? DRAW_TERMINAL_MS : DRAW_PLAIN_MS;
    uv_timer_init(&demo->loop, &demo->step);
    uv_timer_init(&demo->loop, &demo->draw);
    uv_timer_init(&demo->loop, &demo->end);
    demo->step.data = demo->draw.data = demo->end.data = demo;
    for (size_t i = 0; i < ARRAY_LEN(demo->signals); i++) {
        uv_signal_init(&demo->loop, &demo->signals[i]);
        demo->signals[i].data = demo;
        uv_signal_start(&demo->signals[i], on_signal, numbers[i]);
    }
    uv_timer_start(&demo->step, on_step, 0, STEP_MS);
    uv_timer_start(&demo->draw, on_draw, draw_ms, draw_ms);
    if (demo->for_ms > 0)
        uv_timer_start(&demo->end, on_end, demo->for_ms, 0);
}

/* Everything before the loop turns, in the order of need. */
static int build(struct demo *demo)
{
    int err = mock_cluster_create(&demo->cluster, DEMO_TOPIC, PARTITIONS);
    if (err < 0)
        return err;
    const char *brokers = mock_cluster_brokers(demo->cluster);
    int64_t begin_ms = demo_begin_ms(demo_first_day(demo->origin_ms));
    err = demo_files_write(&demo->files, brokers, begin_ms);
    if (err < 0)
        return err;
    err = command_load_config(&demo->config, demo->files.config);
    if (err < 0)
        return err;
    struct demo_producer_conf producer = {.brokers = brokers,
                                          .topic = DEMO_TOPIC,
                                          .seed = demo->seed,
                                          .start_ms = begin_ms,
                                          .silent_ms = demo->origin_ms - SILENT_BEFORE_MS,
                                          .worse_ms = begin_ms + WORSE_AFTER_MS};
    err = demo_producer_create(&demo->producer, &producer);
    if (err < 0)
        return err;
    err = demo_table_create(&demo->table, demo->config->registry);
    if (err < 0)
        return err;
    (void)demo_producer_step(demo->producer, demo->origin_ms);
    struct process_callbacks callbacks = {.failed = on_failed,
                                          .drained = on_drained,
                                          .ended = on_ended,
                                          .written = on_written,
                                          .context = demo};
    return process_create(&demo->process, &demo->loop, demo->config, &callbacks);
}

static void summarise(const struct demo *demo)
{
    const struct demo_producer_stats *sent = demo_producer_get_stats(demo->producer);
    const struct demo_table_counts *rows = demo_table_get_counts(demo->table);
    (void)printf("\nThe factories sent %" PRIu64 " events in %" PRIu64
                 " messages, JSON and MessagePack: "
                 "%" PRIu64 " came late, %" PRIu64 " twice,\n%" PRIu64 " were estimates (%" PRIu64
                 " corrected later), %" PRIu64 " had a wrong unit and went to %s-refused.\n",
                 sent->events, sent->messages, sent->late, sent->duplicates, sent->estimates,
                 sent->corrections, sent->faulty, DEMO_TOPIC);
    (void)printf("ghgd wrote %" PRIu64 " rows, %" PRIu64 " of them final, %" PRIu64 " revisions.\n",
                 rows->rows, rows->final, rows->revised);
    if (demo->keep)
        (void)printf("Configuration and database are in %s. Where to look:\n"
                     "  ghgd trajectory -c %s\n"
                     "  sqlite3 -header -column %s/demo.sqlite 'SELECT * FROM alerts_named'\n",
                     demo->files.folder, demo->files.config, demo->files.folder);
    else
        (void)printf("Its folder is gone; --keep leaves configuration and database behind, for\n"
                     "ghgd trajectory and your own queries.\n");
}

/* In the reverse order of build(). */
static void tear_down(struct demo *demo)
{
    demo_table_destroy(&demo->table);
    demo_producer_destroy(&demo->producer);
    if (demo->config != NULL)
        config_destroy(&demo->config);
    if (demo->files.folder[0] != '\0' && !demo->keep)
        demo_files_remove(&demo->files);
    mock_cluster_destroy(&demo->cluster);
}

static int run(struct demo *demo)
{
    demo->origin_ms = clock_wall_ms() / HOUR_MS * HOUR_MS;
    demo->terminal = isatty(STDOUT_FILENO) == 1;
    int err = build(demo);
    if (err == 0) {
        uv_update_time(&demo->loop);
        demo->began_ms = uv_now(&demo->loop);
        open_handles(demo);
    } else {
        (void)fprintf(stderr, "ghgd demo: cannot start: %s\n", err_str(err));
        demo->status = EXIT_FAILED;
    }
    uv_run(&demo->loop, UV_RUN_DEFAULT);
    if (err == 0)
        summarise(demo);
    tear_down(demo);
    return demo->status;
}

static int take_option(void *context, int option, const char *value)
{
    struct demo *demo = context;
    int64_t for_ms;
    char *end;
    bool good = true;
    switch (option) {
    case 'f':
        good = duration_parse(&for_ms, value, strlen(value)) == 0 && for_ms > 0;
        demo->for_ms = good ? (uint64_t)for_ms : 0;
        break;
    case 's':
        demo->seed = strtoull(value, &end, 10);
        good = value[0] != '\0' && *end == '\0';
        break;
    default:
        demo->keep = true;
        break;
    }
    return good ? EXIT_GOOD : command_misused("demo", "is no duration or number:", value);
}

int command_demo(int argc, char **argv)
{
    static const struct command_line line = {
        .command = "demo", .usage = usage, .letters = "h", .options = options, .take = take_option};
    struct demo demo = {.seed = 1};
    int parsed = command_line_parse_all(&line, &demo, argc, argv);
    if (parsed != EXIT_GOOD)
        return parsed < 0 ? EXIT_GOOD : parsed;
    uv_loop_init(&demo.loop);
    int status = run(&demo);
    ASSERT(uv_loop_close(&demo.loop) == 0);
    return status;
}
