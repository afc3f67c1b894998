/* command_run.c - the daemon in the foreground: signals, and one process after the other. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/engine/process.h"
#include "daemon/engine/reload_check.h"
#include "daemon/http/status.h"
#include "daemon/service.h"
#include "pipelines/state/compatibility.h"

static const char usage[] =
    "ghgd run [-c FILE]\n"
    "\n"
    "Consumes events from Kafka and keeps the sinks equal to what it knows, in the foreground,\n"
    "until SIGTERM or SIGINT: then it writes what is dirty, commits, leaves the group and ends.\n"
    "SIGHUP reloads the configuration and all tables: a bad one leaves the running one untouched\n"
    "and says why; a good one takes over as a whole, and what it rates differently is written\n"
    "again. With input.rekey it waits until a broker answers, and the running one goes on.\n"
    "\n"
    "  -c, --config FILE   the configuration (default " CONFIG_FILE_DEFAULT ")\n"
    "  -h, --help          this text\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct running_daemon {
    uv_loop_t loop;
    const char *file;
    struct config *config;             /* in force */
    struct reload_check *reload_check; /* may become the next; NULL */
    struct config *next;               /* takes over when the process has ended; NULL */
    struct config *before;             /* goes on if the one in force cannot start; NULL */
    struct process *process;
    struct status *page; /* what the process shows of itself; NULL: no process, or it closes */
    struct service *service;
    uint64_t reloads_ok, reloads_failed;
    bool stopping;
    int status;
};

static int run_start(struct running_daemon *run);

static void on_service_closed(void *context)
{
    ((struct running_daemon *)context)->service = NULL;
}

static void drop_candidate(struct running_daemon *run)
{
    if (run->reload_check != NULL)
        reload_check_drop(&run->reload_check);
}

static void run_end(struct running_daemon *run)
{
    drop_candidate(run);
    service_close(run->service, on_service_closed, run);
}

/* The next configuration takes over. If it cannot start (a sink that does not open), the one before
 * goes on, as soon as what was made with the next has closed. */
static void take_over(struct running_daemon *run)
{
    run->before = TAKE(run->config);
    run->config = TAKE(run->next);
    run->reloads_ok++;
    if (run_start(run) == 0) {
        config_destroy(&run->before);
        LOG_INFO("reload.done", "config=\"%s\"", run->file);
    }
}

static void go_on_as_before(struct running_daemon *run)
{
    LOG_ERROR("reload.failed", "config=\"%s\" hint=\"the earlier configuration stays in force\"",
              run->file);
    run->reloads_ok--;
    run->reloads_failed++;
    config_destroy(&run->config);
    run->config = TAKE(run->before);
    if (run_start(run) == 0)
        return;
    run->status = EXIT_FAILED;
    service_stopping(run->service);
    run_end(run);
}

/* Threads may have read the configuration until now. */
static void on_discarded(void *context)
{
    struct running_daemon *run = context;
    if (run->before != NULL && run->stopping)
        run_end(run);
    else if (run->before != NULL)
        go_on_as_before(run);
}

static void on_failed(void *context, const char *why)
{
    struct running_daemon *run = context;
    run->status = EXIT_FAILED;
    if (run->page != NULL)
        status_set_fatal(run->page, why);
}

static void on_page_closed(void *context)
{
    process_close(((struct running_daemon *)context)->process);
}

static void on_drained(void *context)
{
    struct running_daemon *run = context;
    status_close(TAKE(run->page), on_page_closed, run);
}

static void on_ended(void *context)
{
    struct running_daemon *run = context;
    run->process = NULL;
    if (run->next != NULL && !run->stopping && run->status == EXIT_GOOD) {
        take_over(run);
        return;
    }
    service_stopping(run->service);
    run_end(run);
}

static int open_page(struct running_daemon *run)
{
    struct process_parts parts = process_get_parts(run->process);
    struct status_conf conf = {.loop = &run->loop,
                               .config = run->config,
                               .intake = parts.intake,
                               .rekey = parts.rekey,
                               .row_writer = parts.row_writer,
                               .standstills = parts.standstills,
                               .reloads_ok = run->reloads_ok,
                               .reloads_failed = run->reloads_failed};
    return status_create(&run->page, &conf);
}

static int run_start(struct running_daemon *run)
{
    command_make_state_directory(run->config);
    struct process_callbacks callbacks = {.failed = on_failed,
                                          .drained = on_drained,
                                          .ended = on_ended,
                                          .discarded = on_discarded,
                                          .context = run};
    int err = process_create(&run->process, &run->loop, run->config, &callbacks);
    if (err < 0)
        return err;
    err = open_page(run);
    if (err < 0) {
        process_discard(&run->process);
        return err;
    }
    service_ready(run->service);
    service_status(run->service, "%" PRIu32 " meters of %" PRIu32 " facilities",
                   run->config->registry->meters_count, run->config->registry->facilities_count);
    return 0;
}

/* State is not left behind by a reload: one that could not go on with it is refused beforehand,
 * unless it says that state is to be derived again then. */
static int check_heir(const struct running_daemon *run, const struct config *next)
{
    if (next->checkpoint.on_unreadable == UNREADABLE_REBUILD)
        return 0;
    struct buffer why;
    buffer_init(&why, 4096);
    int err = compatibility_check(run->config, next, &why);
    if (err < 0)
        LOG_ERROR("reload.state_does_not_fit",
                  "error=\"%s\" why=\"%s\" hint=\"set checkpoint.on_unreadable: rebuild, and "
                  "reload again: the state is then built from the log\"",
                  err_str(err), buffer_text(&why));
    buffer_fini(&why);
    return err;
}

static int load_next(struct running_daemon *run, struct config **next_out)
{
    int err = command_load_run_config(next_out, run->file);
    if (err < 0)
        return err;
    err = check_heir(run, *next_out);
    if (err < 0)
        config_destroy(next_out);
    return err;
}

static void refuse_reload(struct running_daemon *run)
{
    LOG_ERROR("reload.failed", "config=\"%s\" hint=\"the running configuration stays in force\"",
              run->file);
    run->reloads_failed++;
    if (run->page != NULL)
        status_count_reload_failed(run->page);
    service_ready(run->service);
}

/* The process makes way, and the next one begins when it has ended. */
static void begin_reload(struct running_daemon *run, struct config *next)
{
    run->next = next;
    process_stop(run->process);
}

static void on_judged(void *context, int err, const char *why)
{
    struct running_daemon *run = context;
    if (err < 0) {
        drop_candidate(run);
        LOG_ERROR("reload.refused", "why=\"%s\"", why);
        refuse_reload(run);
        return;
    }
    service_reloading(run->service);
    begin_reload(run, reload_check_take(&run->reload_check));
}

/* The manager is told that we are ready. It does not limit how long brokers may take. */
static int ask_brokers(struct running_daemon *run, struct config **next)
{
    LOG_INFO("reload.asking", "config=\"%s\" topic=%s", run->file, (*next)->input.rekey_topic);
    int err = reload_check_create(&run->reload_check, &run->loop, next, on_judged, run);
    if (err < 0) {
        config_destroy(next);
        return err;
    }
    service_ready(run->service);
    return 0;
}

static void on_reload(void *context)
{
    struct running_daemon *run = context;
    if (run->next != NULL || run->process == NULL) {
        LOG_WARN("reload.refused", "why=\"a reload is under way\"");
        return;
    }
    service_reloading(run->service);
    drop_candidate(run); /* one that waits for a broker: what the file says now counts */
    struct config *next = NULL;
    int err = load_next(run, &next);
    if (err == 0 && next->input.rekey)
        err = ask_brokers(run, &next);
    else if (err == 0)
        begin_reload(run, next);
    if (err < 0)
        refuse_reload(run);
}

static void on_stop(void *context)
{
    struct running_daemon *run = context;
    run->stopping = true;
    drop_candidate(run);
    if (run->process != NULL)
        process_stop(run->process);
}

static int run_until_end(struct running_daemon *run)
{
    if (command_load_run_config(&run->config, run->file) < 0)
        return EXIT_FAILED;
    struct service_callbacks callbacks = {.stop = on_stop, .reload = on_reload, .context = run};
    int err =
        service_create(&run->service, &run->loop, run->config->shutdown_timeout_ms, &callbacks);
    if (err < 0)
        return EXIT_FAILED;
    if (run_start(run) < 0) {
        run->status = EXIT_FAILED;
        run_end(run);
    }
    uv_run(&run->loop, UV_RUN_DEFAULT);
    return run->status;
}

static int take_option(void *context, int option, const char *value)
{
    ASSERT(option == 'c');
    ((struct running_daemon *)context)->file = value;
    return EXIT_GOOD;
}

int command_run(int argc, char **argv)
{
    static const struct command_line line = {.command = "run",
                                             .usage = usage,
                                             .letters = "c:h",
                                             .options = options,
                                             .take = take_option};
    struct running_daemon run = {.file = CONFIG_FILE_DEFAULT};
    int parsed = command_line_parse_all(&line, &run, argc, argv);
    if (parsed != EXIT_GOOD)
        return parsed < 0 ? EXIT_GOOD : parsed;
    uv_loop_init(&run.loop);
    int status = run_until_end(&run);
    ASSERT(uv_loop_close(&run.loop) == 0);
    if (run.next != NULL)
        config_destroy(&run.next);
    if (run.before != NULL)
        config_destroy(&run.before);
    if (run.config != NULL)
        config_destroy(&run.config);
    return status;
}
