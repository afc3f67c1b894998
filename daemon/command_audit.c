/* command_audit.c - the command line of `ghgd audit`, and its result. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/audit.h"
#include "daemon/command.h"
#include "daemon/moment.h"

#define DAY_MS INT64_C(86400000)

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

struct arguments {
    const char *config_file;
    const char *sinks[SINKS_MAX];
    uint32_t sinks_count;
    int64_t now_ms, from_ms;
    bool sums_only, quiet;
};

/* --- the sinks --- */

static bool is_wanted(const struct arguments *arguments, const char *name)
{
    for (uint32_t i = 0; i < arguments->sinks_count; i++) {
        if (strcmp(arguments->sinks[i], name) == 0)
            return true;
    }
    return arguments->sinks_count == 0;
}

static int check_names(const struct arguments *arguments, const struct config *config)
{
    for (uint32_t i = 0; i < arguments->sinks_count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < config->sinks_count; j++)
            found |= strcmp(config->sinks[j].name, arguments->sinks[i]) == 0;
        if (found)
            continue;
        (void)fprintf(stderr, "ghgd audit: the configuration has no sink \"%s\"\n",
                      arguments->sinks[i]);
        return -ENOENT;
    }
    return 0;
}

/* One that cannot be read back is left out, unless it was asked for by name. */
static int open_archives(struct audit *audit, const struct arguments *arguments)
{
    const struct config *config = audit->config;
    int err = check_names(arguments, config);
    for (uint32_t i = 0; i < config->sinks_count && err == 0; i++) {
        if (!is_wanted(arguments, config->sinks[i].name))
            continue;
        struct buffer why;
        buffer_init(&why, WORDS_BYTES_MAX);
        err = archive_open(&audit->archives[i], &config->sinks[i], config->registry,
                           config->window.bucket_ms, &why);
        if (err < 0)
            (void)fprintf(stderr, "ghgd audit: sink \"%s\" is not read: %s\n",
                          config->sinks[i].name, why.size > 0 ? buffer_text(&why) : err_str(err));
        buffer_fini(&why);
        if (err == -ENOTSUP && arguments->sinks_count == 0)
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

/* Returns the exit status so far, or -1 if help was asked for. */
static int take_option(struct arguments *arguments, int option)
{
    switch (option) {
    case 'c':
        arguments->config_file = optarg;
        return EXIT_GOOD;
    case OPTION_SINK:
        if (arguments->sinks_count == SINKS_MAX)
            return command_misused("audit", "there are not so many sinks:", optarg);
        arguments->sinks[arguments->sinks_count++] = optarg;
        return EXIT_GOOD;
    case OPTION_FROM:
        if (moment_parse(&arguments->from_ms, optarg, arguments->now_ms) == 0)
            return EXIT_GOOD;
        return command_misused("audit", "--from wants a time, a date or a duration, not", optarg);
    case OPTION_SUMS:
        arguments->sums_only = true;
        return EXIT_GOOD;
    case 'q':
        arguments->quiet = true;
        return EXIT_GOOD;
    case 'h':
        (void)fputs(usage, stdout);
        return -1;
    default:
        return EXIT_MISUSED;
    }
}

static int parse_arguments(struct arguments *arguments, int argc, char **argv)
{
    int option;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet
    while ((option = getopt_long(argc, argv, "c:qh", options, NULL)) != -1) {
        int status = take_option(arguments, option);
        if (status != EXIT_GOOD)
            return status;
    }
    return optind < argc ? command_misused("audit", "takes options only, not", argv[optind])
                         : EXIT_GOOD;
}

static int audit_all(struct audit *audit, const struct arguments *arguments)
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
    struct arguments arguments = {.config_file = CONFIG_FILE_DEFAULT,
                                  .now_ms = now_ms,
                                  .from_ms = now_ms - SUMS_DAYS * DAY_MS};
    int status = parse_arguments(&arguments, argc, argv);
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
