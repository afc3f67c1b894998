/* command_trajectory.c - `ghgd trajectory`: targets against the daily rows of a database. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/trajectory/report.h"

enum {
    WORDS_BYTES_MAX = 64 << 10,
    TEXT_BYTES_MAX = 64 << 20,
    FUTURE_DAYS = 1 /* the earliest zones are a day ahead of UTC */
};

static const char usage[] =
    "ghgd trajectory [-c FILE] [--sink NAME] [--until TIME] [--format text|csv|json] [TARGET ...]\n"
    "\n"
    "Judges each target (tables.targets), or those that are named, by the days that a database\n"
    "has: year to date against the budget that was due, forecast of the year, probability of a\n"
    "miss, what is needed from here on, and when the level of the slip alert changed. It judges\n"
    "with the figures as they are now, also for days that have passed; only days whose rows are\n"
    "final count. Changes nothing, and asks no broker.\n"
    "\n"
    "  -c, --config FILE   the configuration of the daemon (default " CONFIG_FILE_DEFAULT ")\n"
    "      --sink NAME     read this sink (by default the first that has days and can be read "
    "back:\n"
    "                      InfluxDB, VictoriaMetrics, SQLite)\n"
    "      --until TIME    days that begin before this time (in UTC): a date, RFC 3339, or a\n"
    "                      duration back from now, such as 30d\n"
    "      --format NAME   text: a summary, the months of the year, every change of level (the\n"
    "                      default); csv or json: a row a day\n"
    "  -h, --help          this text\n"
    "\n"
    "Exits with 0 if every target is on course (level ok) or cannot be judged yet, with 3 if some\n"
    "slip, with 1 if something could not be read, with 2 if the command was not understood.\n"
    "\n"
    "  ghgd trajectory\n"
    "  ghgd trajectory --format csv group-2030 > group-2030.csv\n";

enum { OPTION_SINK = 256, OPTION_UNTIL, OPTION_FORMAT, EXIT_SLIPS = 3 };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"sink", required_argument, NULL, OPTION_SINK},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct trajectory_arguments {
    const char *config_file, *sink;
    int64_t now_ms, until_ms;
    enum report_format format;
    char **names; /* of targets; none: all */
    int names_count;
};

struct trajectory_job {
    const struct trajectory_arguments *arguments;
    const struct config *config;
    struct archive *archive;
    struct target_subject *subjects;
    uint32_t subjects_count;
    struct archived_span span;
    struct buffer why;
};

/* --- which sink --- */

static bool has_days(const struct sink_conf *sink)
{
    return (sink->skips >> LEVEL_DAY & 1) == 0;
}

static int open_sink(struct trajectory_job *job, const struct sink_conf *sink)
{
    const struct config *config = job->config;
    return archive_open(&job->archive, sink, config->registry, config->window.bucket_ms, &job->why);
}

static int open_named(struct trajectory_job *job, const char *name)
{
    const struct config *config = job->config;
    uint32_t i = 0;
    while (i < config->sinks_count && strcmp(config->sinks[i].name, name) != 0)
        i++;
    if (i == config->sinks_count) {
        buffer_printf(&job->why, "there is no sink \"%s\"", name);
        return -ENOENT;
    }
    if (!has_days(&config->sinks[i])) {
        buffer_printf(&job->why, "sink \"%s\" gets no days, as its windows say; name one that does",
                      name);
        return -ENOENT;
    }
    return open_sink(job, &config->sinks[i]);
}

/* The first that has days and can be read back. */
static int open_first(struct trajectory_job *job)
{
    const struct config *config = job->config;
    for (uint32_t i = 0; i < config->sinks_count; i++) {
        if (!has_days(&config->sinks[i]))
            continue;
        int err = open_sink(job, &config->sinks[i]);
        if (err != -ENOTSUP)
            return err;
        buffer_clear(&job->why); /* the next one may do */
    }
    buffer_add_str(&job->why, "no sink has days and can be read back; InfluxDB, VictoriaMetrics "
                              "and SQLite can");
    return -ENOENT;
}

static int open_archive(struct trajectory_job *job)
{
    return job->arguments->sink != NULL ? open_named(job, job->arguments->sink) : open_first(job);
}

/* --- which targets --- */

static const struct target *find_target(const struct config *config, const char *id)
{
    for (uint32_t i = 0; i < config->targets->targets_count; i++) {
        if (strcmp(config->targets->targets[i].id, id) == 0)
            return &config->targets->targets[i];
    }
    return NULL;
}

static int add_subject(struct trajectory_job *job, const struct target *target)
{
    return subject_make(&job->subjects[job->subjects_count++], target, job->span.first_day,
                        job->span.end_day);
}

static int choose_targets(struct trajectory_job *job)
{
    const struct trajectory_arguments *arguments = job->arguments;
    uint32_t count = arguments->names_count > 0 ? (uint32_t)arguments->names_count
                                                : job->config->targets->targets_count;
    job->subjects = calloc(count, sizeof(*job->subjects));
    int err = job->subjects == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; i < count && err == 0; i++) {
        const struct target *target = arguments->names_count > 0
                                          ? find_target(job->config, arguments->names[i])
                                          : &job->config->targets->targets[i];
        if (target == NULL) {
            buffer_printf(&job->why, "there is no target \"%s\" in tables.targets",
                          arguments->names[i]);
            return -ENOENT;
        }
        err = add_subject(job, target);
    }
    return err;
}

/* --- all of it --- */

static bool is_asked_for(const struct trajectory_job *job, uint32_t facility)
{
    for (uint32_t i = 0; i < job->subjects_count; i++) {
        if (target_has(job->subjects[i].target, job->config->registry, facility))
            return true;
    }
    return false;
}

static int read_facility(struct trajectory_job *job, uint32_t facility)
{
    struct archived_days *days;
    int err = archived_days_read(&days, job->archive, job->config, facility, job->span, &job->why);
    if (err < 0)
        return err;
    for (uint32_t i = 0; i < job->subjects_count; i++) {
        if (target_has(job->subjects[i].target, job->config->registry, facility))
            subject_add(&job->subjects[i], job->config, days);
    }
    archived_days_destroy(&days);
    return 0;
}

static int read_all(struct trajectory_job *job)
{
    const struct registry *registry = job->config->registry;
    bool shown = isatty(STDERR_FILENO) == 1;
    int err = 0;
    for (uint32_t i = 0; i < registry->facilities_count && err == 0; i++) {
        if (!is_asked_for(job, i))
            continue;
        if (shown)
            (void)fprintf(stderr, "\rreading facility %" PRIu32 " of %" PRIu32, i + 1,
                          registry->facilities_count);
        err = read_facility(job, i);
    }
    if (shown)
        (void)fputs("\r\033[K", stderr);
    return err;
}

static int print(struct trajectory_job *job, bool *slips_out)
{
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    report_add_heads(&out, job->arguments->format);
    int err = 0;
    for (uint32_t i = 0; i < job->subjects_count && err == 0; i++) {
        struct target_subject *subject = &job->subjects[i];
        subject_judge(subject, job->config);
        const struct judged_day *last = subject_last(subject);
        *slips_out |= last != NULL && last->row.level != ALERT_OK;
        report_add(&out, job->arguments->format, job->config, subject);
        if (buffer_failed(&out) || fwrite(out.data, 1, out.size, stdout) != out.size)
            err = -EIO;
        buffer_clear(&out);
    }
    if (err == 0 && fflush(stdout) != 0)
        err = -errno;
    buffer_fini(&out);
    return err;
}

static int judge(struct trajectory_job *job, bool *slips_out)
{
    int err = choose_targets(job);
    if (err == 0)
        err = open_archive(job);
    if (err == 0)
        err = read_all(job);
    if (err == 0)
        err = print(job, slips_out);
    archive_close(&job->archive);
    for (uint32_t i = 0; i < job->subjects_count; i++)
        subject_fini(&job->subjects[i]);
    free(job->subjects);
    return err;
}

static int run(const struct trajectory_arguments *arguments, const struct config *config)
{
    if (config->targets == NULL || config->targets->targets_count == 0) {
        (void)fprintf(stderr, "ghgd trajectory: there are no targets; tables.targets names their "
                              "table\n");
        return EXIT_FAILED;
    }
    struct trajectory_job job = {.arguments = arguments, .config = config};
    buffer_init(&job.why, WORDS_BYTES_MAX);
    int128 last_ms = (int128)arguments->until_ms - 1;
    if (arguments->until_ms == INT64_MAX)
        last_ms = arguments->now_ms + FUTURE_DAYS * DAY_MS;
    job.span = archived_span_before((int64_t)div_floor(last_ms, DAY_MS) + 1);
    bool slips = false;
    int err = judge(&job, &slips);
    if (err < 0)
        (void)fprintf(stderr, "ghgd trajectory: %s\n",
                      job.why.size > 0 ? buffer_text(&job.why) : err_str(err));
    buffer_fini(&job.why);
    if (err < 0)
        return EXIT_FAILED;
    return slips ? EXIT_SLIPS : EXIT_GOOD;
}

/* --- the command line --- */

static int take_option(void *context, int option, const char *value)
{
    struct trajectory_arguments *arguments = context;
    switch (option) {
    case 'c':
        arguments->config_file = value;
        return EXIT_GOOD;
    case OPTION_SINK:
        arguments->sink = value;
        return EXIT_GOOD;
    case OPTION_UNTIL:
        return command_line_take_moment("trajectory", "--until", value, arguments->now_ms,
                                        &arguments->until_ms);
    default:
        ASSERT(option == OPTION_FORMAT);
        if (report_format_find(value) < 0)
            return command_misused("trajectory", "--format is text, csv or json, not", value);
        arguments->format = (enum report_format)report_format_find(value);
        return EXIT_GOOD;
    }
}

static const struct command_line command_line = {.command = "trajectory",
                                                 .usage = usage,
                                                 .letters = "c:h",
                                                 .options = options,
                                                 .take = take_option};

int command_trajectory(int argc, char **argv)
{
    struct trajectory_arguments arguments = {
        .config_file = CONFIG_FILE_DEFAULT, .now_ms = clock_wall_ms(), .until_ms = INT64_MAX};
    int status = command_line_parse(&command_line, &arguments, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    arguments.names = argv + optind;
    arguments.names_count = argc - optind;
    struct config *config;
    if (command_load_config_briefly(&config, arguments.config_file, "trajectory") < 0)
        return EXIT_FAILED;
    status = run(&arguments, config);
    config_destroy(&config);
    return status;
}
