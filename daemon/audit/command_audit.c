/* command_audit.c - the command line of `ghgd audit`, and its result. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/audit/audit.h"
#include "daemon/command.h"
#include "daemon/command_line.h"

enum {
    SUMS_DAYS = 400, /* a year and a month */
    WORDS_BYTES_MAX = 64 << 10,
    LINES_BYTES_MAX = 64 << 20
};

static const char usage[] =
    "ghgd audit [-c FILE] [--sink NAME ...] [--from TIME] [--sums]\n"
    "\n"
    "Reads the state of every partition as it was saved last, and the databases, and prints a "
    "line\n"
    "for every difference: readings that a partition does not account for; activity that moved\n"
    "without arriving; rows of final windows that a database does not have as the state would\n"
    "write them, or has although there is nothing to write; hours that do not make the days of a\n"
    "database, and days that do not make its months. Changes nothing, and does not disturb the\n"
    "running daemon. Rows that are still on their way to a database are left out.\n"
    "\n"
    "  -c, --config FILE   the configuration of the daemon (default " CONFIG_FILE_DEFAULT ")\n"
    "      --sink NAME     read this sink; may be given several times (by default all that can be\n"
    "                      read back: InfluxDB, VictoriaMetrics, SQLite)\n"
    "      --from TIME     sum up the months since TIME: RFC 3339, a date (in UTC), or a duration\n"
    "                      back from now, such as 36h (400 days by default)\n"
    "      --sums          nothing but the sums, without the state: up to now\n"
    "  -q, --quiet         only the result\n"
    "  -h, --help          this text\n"
    "\n"
    "Exits with 0 if there is no difference, with 1 if there are some or something could not be\n"
    "read, with 2 if the command was not understood.\n";

enum { OPTION_SINK = 256, OPTION_FROM, OPTION_SUMS };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"sink", required_argument, NULL, OPTION_SINK},
    {"from", required_argument, NULL, OPTION_FROM},
    {"sums", no_argument, NULL, OPTION_SUMS},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct audit_arguments {
    const char *config_file;
    struct sink_choice sinks;
    int64_t now_ms, from_ms;
    bool sums_only, quiet;
};

/* --- the sinks --- */

/* A sink that cannot be read back is left out, unless it was asked for by name. */
static int open_archives(struct audit *audit, const struct audit_arguments *arguments)
{
    const struct config *config = audit->config;
    int err = sink_choice_check(&arguments->sinks, "audit", config);
    for (uint32_t i = 0; i < config->sinks_count && err == 0; i++) {
        if (arguments->sinks.count > 0 &&
            !sink_choice_has(&arguments->sinks, config->sinks[i].name))
            continue;
        struct buffer why;
        buffer_init(&why, WORDS_BYTES_MAX);
        err = archive_open(&audit->archives[i], &config->sinks[i], config->registry,
                           config->window.bucket_ms, &why);
        if (err < 0)
            (void)fprintf(stderr, "ghgd audit: sink \"%s\" is not read: %s\n",
                          config->sinks[i].name, why.size > 0 ? buffer_text(&why) : err_str(err));
        buffer_fini(&why);
        if (err == -ENOTSUP && arguments->sinks.count == 0)
            err = 0;
    }
    return err;
}

static void close_archives(struct audit *audit)
{
    for (uint32_t i = 0; i < SINKS_MAX; i++)
        archive_close(&audit->archives[i]);
}

/* --- the command line --- */

static int take_option(void *context, int option, const char *value)
{
    struct audit_arguments *arguments = context;
    switch (option) {
    case 'c':
        arguments->config_file = value;
        return EXIT_GOOD;
    case OPTION_SINK:
        return sink_choice_add(&arguments->sinks, "audit", value);
    case OPTION_FROM:
        return command_line_take_moment("audit", "--from", value, arguments->now_ms,
                                        &arguments->from_ms);
    case OPTION_SUMS:
        arguments->sums_only = true;
        return EXIT_GOOD;
    default:
        ASSERT(option == 'q');
        arguments->quiet = true;
        return EXIT_GOOD;
    }
}

static const struct command_line command_line = {
    .command = "audit", .usage = usage, .letters = "c:qh", .options = options, .take = take_option};

static int audit_all(struct audit *audit, const struct audit_arguments *arguments)
{
    struct buffer why;
    buffer_init(&why, WORDS_BYTES_MAX);
    int err = open_archives(audit, arguments);
    if (err == 0 && !arguments->sums_only)
        err = audit_state(audit, &why);
    audit_print(audit, NULL);
    if (err == 0)
        err = audit_sums(audit, &why);
    if (err < 0 && err != -ENOENT && err != -ENOTSUP)
        (void)fprintf(stderr, "ghgd audit: %s\n", why.size > 0 ? buffer_text(&why) : err_str(err));
    close_archives(audit);
    buffer_fini(&why);
    return err;
}

int command_audit(int argc, char **argv)
{
    int64_t now_ms = clock_wall_ms();
    struct audit_arguments arguments = {.config_file = CONFIG_FILE_DEFAULT,
                                        .now_ms = now_ms,
                                        .from_ms = now_ms - SUMS_DAYS * DAY_MS};
    int status = command_line_parse_all(&command_line, &arguments, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    struct config *config;
    if (command_load_run_config(&config, arguments.config_file) < 0)
        return EXIT_FAILED;
    log_set_level(LOG_LEVEL_WARN); /* what the parts tell of their work is for daemons */
    struct audit audit = {.config = config,
                          .quiet = arguments.quiet,
                          .from_ms = arguments.from_ms,
                          .until_ms = now_ms};
    buffer_init(&audit.lines, LINES_BYTES_MAX);
    int err = audit_all(&audit, &arguments);
    if (audit.newer > 0)
        (void)fprintf(stderr,
                      "ghgd audit: %" PRIu64 " rows have been revised since the state was saved, "
                      "and were not compared\n",
                      audit.newer);
    (void)printf("audit: %" PRIu64 " partitions, %" PRIu64 " facilities, %" PRIu64
                 " windows, %" PRIu64 " differences\n",
                 audit.partitions, audit.facilities, audit.windows, audit.differences);
    buffer_fini(&audit.lines);
    config_destroy(&config);
    return err < 0 || audit.differences > 0 ? EXIT_FAILED : EXIT_GOOD;
}
