/* command_run.c - the daemon in the foreground: signals, and one process after the other. */
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "daemon/command.h"
#include "daemon/process.h"
#include "pipelines/ingest/consumer.h"

static const char usage[] =
    "ghgd run [-c FILE]\n"
    "\n"
    "Consumes events from Kafka and keeps the sinks equal to what it knows, in the foreground,\n"
    "until SIGTERM or SIGINT: then it writes what is dirty, commits, leaves the group and ends.\n"
    "SIGHUP reloads the configuration and all tables: a bad one leaves the running one untouched\n"
    "and says why; a good one takes over as a whole, and what it rates differently is written\n"
    "again.\n"
    "\n"
    "  -c, --config FILE   the configuration (default " CONFIG_FILE_DEFAULT ")\n"
    "  -h, --help          this text\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

enum { SIGNALS_COUNT = 3 };

struct run {
    uv_loop_t loop;
    const char *file;
    struct config *config; /* in force */
    struct config *next;   /* takes over when the process has ended; NULL */
    struct process *process;
    uv_signal_t signals[SIGNALS_COUNT];
    bool stopping;
    int status;
};

static int run_start(struct run *run);

static void close_signals(struct run *run)
{
    for (size_t i = 0; i < SIGNALS_COUNT; i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
}

/* The next configuration takes over. If it cannot start (a sink that does not open), the one before
 * goes on. */
static int take_over(struct run *run)
{
    struct config *before = run->config;
    run->config = TAKE(run->next);
    int err = run_start(run);
    if (err == 0) {
        config_destroy(&before);
        LOG_INFO("reload.done", "config=\"%s\"", run->file);
        return 0;
    }
    LOG_ERROR("reload.failed", "config=\"%s\" hint=\"the earlier configuration goes on\"",
              run->file);
    config_destroy(&run->config);
    run->config = before;
    return run_start(run);
}

static void on_ended(void *context, int status)
{
    struct run *run = context;
    run->process = NULL;
    run->status = status;
    if (run->next != NULL && !run->stopping && status == EXIT_GOOD) {
        if (take_over(run) == 0)
            return;
        run->status = EXIT_FAILED;
    }
    close_signals(run);
}

static int run_start(struct run *run)
{
    struct process_callbacks callbacks = {.ended = on_ended, .context = run};
    return process_create(&run->process, &run->loop, run->config, &callbacks);
}

static int check_kafka(const struct config *config)
{
    struct buffer faults;
    buffer_init(&faults, 1 << 16);
    int err = consumer_check(&config->kafka, &faults);
    fwrite(faults.data, 1, faults.size, stderr);
    buffer_fini(&faults);
    return err;
}

static void run_reload(struct run *run)
{
    struct config *next = NULL;
    if (run->next != NULL || run->stopping) {
        LOG_WARN("reload.refused", "why=\"%s\"", run->stopping ? "stopping" : "one is under way");
        return;
    }
    int err = command_load_config(&next, run->file);
    if (err == 0)
        err = check_kafka(next);
    if (err < 0) {
        LOG_ERROR("reload.failed", "config=\"%s\" hint=\"the running configuration stays\"",
                  run->file);
        if (next != NULL)
            config_destroy(&next);
        return;
    }
    run->next = next;
    process_stop(run->process);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct run *run = signal->data;
    if (run->process == NULL)
        return;
    if (number == SIGHUP) {
        run_reload(run);
        return;
    }
    run->stopping = true;
    process_stop(run->process);
}

static void open_signals(struct run *run)
{
    static const int numbers[SIGNALS_COUNT] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        uv_signal_init(&run->loop, &run->signals[i]);
        run->signals[i].data = run;
        uv_signal_start(&run->signals[i], on_signal, numbers[i]);
    }
}

static int run_until_end(struct run *run)
{
    if (command_load_config(&run->config, run->file) < 0 || check_kafka(run->config) < 0)
        return EXIT_FAILED;
    open_signals(run);
    if (run_start(run) < 0) {
        run->status = EXIT_FAILED;
        close_signals(run);
    }
    uv_run(&run->loop, UV_RUN_DEFAULT);
    return run->status;
}

int command_run(int argc, char **argv)
{
    struct run run = {.file = CONFIG_FILE_DEFAULT};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_GOOD;
        }
        if (option == '?')
            return EXIT_MISUSED;
        run.file = optarg;
    }
    if (optind < argc)
        return command_misused("run", "takes no argument", argv[optind]);
    uv_loop_init(&run.loop);
    int status = run_until_end(&run);
    ASSERT(uv_loop_close(&run.loop) == 0);
    if (run.next != NULL)
        config_destroy(&run.next);
    if (run.config != NULL)
        config_destroy(&run.config);
    return status;
}
