/* command_groups.c - `ghgd groups`: what groups come to, by the topic of a sink of totals. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "config/targets/civil.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/groups/group_report.h"
#include "daemon/groups/totals_reader.h"

#define TOTALS_BYTES_MAX ((size_t)4 << 30) /* 30 million days, if there is no memory_max */
enum { WORDS_BYTES_MAX = 64 << 10, TEXT_BYTES_MAX = 1 << 30, PERIOD_SIZE = 16 };

static const char usage[] =
    "ghgd groups [-c FILE] [--by day|month|year] [--from TIME] [--until TIME]\n"
    "            [--format text|csv|json] [GROUP ...]\n"
    "\n"
    "Prints the emissions of groups of facilities: of all, of each group of a level\n"
    "(tables.groups), or of those that are named. It reads the topic that a sink of type totals\n"
    "writes, once, up to where it ends. A group's day is the sum of its facilities' local days of\n"
    "that date, shares applied (tables.ownership). Changes nothing.\n"
    "\n"
    "  -c, --config FILE   the configuration of the daemon (default " CONFIG_FILE_DEFAULT ")\n"
    "      --by PERIOD     day, month (the default) or year; a year begins with\n"
    "                      windows.fiscal_year_start and has the name of the one in which it ends\n"
    "      --from TIME     periods that begin at this date or later: a date, RFC 3339, or a\n"
    "                      duration back from now, such as 30d\n"
    "      --until TIME    periods that begin before it\n"
    "      --format NAME   text: a line for each period (the default); csv or json: a row for "
    "each\n"
    "                      scope of it, with every figure, and one of the total, with coverage\n"
    "  -h, --help          this text\n"
    "\n"
    "  GROUP               all, a level such as region, or one group of it: region=north\n"
    "\n"
    "Exits with 0, with 1 if something could not be read, with 2 if the command was not "
    "understood.\n"
    "\n"
    "  ghgd groups --by year all\n"
    "  ghgd groups --by day --from 30d --format csv region=north > north.csv\n";

enum { OPTION_BY = 256, OPTION_FROM, OPTION_UNTIL, OPTION_FORMAT };
enum period_kind { BY_DAY, BY_MONTH, BY_YEAR, PERIOD_KINDS };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"by", required_argument, NULL, OPTION_BY},
    {"from", required_argument, NULL, OPTION_FROM},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct groups_arguments {
    const char *config_file;
    int64_t now_ms, from_ms, until_ms;
    enum period_kind by;
    enum report_format format;
    char **words; /* of groups; no word: every group */
    int words_count;
};

/* A group that was asked for: the sum of a period, and the text of all of them. */
struct asked_group {
    bool asked;
    struct group_sum sum;
    struct buffer text;
};

struct groups_job {
    const struct groups_arguments *arguments;
    const struct config *config;
    struct group_totals *totals;
    struct group_list list;
    struct asked_group *asked; /* by entry of the list */
    struct buffer why;
};

/* --- which groups --- */

static int choose_groups(struct groups_job *job)
{
    const struct groups_arguments *arguments = job->arguments;
    int err = group_list_make(&job->list, job->config->registry);
    if (err < 0)
        return err;
    job->asked = calloc(job->list.count, sizeof(*job->asked));
    if (job->asked == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < job->list.count; i++) {
        buffer_init(&job->asked[i].text, TEXT_BYTES_MAX);
        job->asked[i].asked = arguments->words_count == 0;
    }
    for (int n = 0; n < arguments->words_count; n++) {
        bool found = false;
        for (uint32_t i = 0; i < job->list.count; i++) {
            bool meant = group_entry_is(&job->list.entries[i], arguments->words[n]);
            job->asked[i].asked |= meant;
            found |= meant;
        }
        if (!found) {
            buffer_printf(&job->why,
                          "there is no group \"%s\"; expected all, a level of tables.groups, or "
                          "LEVEL=NAME",
                          arguments->words[n]);
            return -ENOENT;
        }
    }
    return 0;
}

/* --- reading --- */

static const struct sink_conf *find_sink(const struct config *config)
{
    for (uint32_t i = 0; i < config->sinks_count; i++) {
        if (config->sinks[i].type == SINK_TOTALS)
            return &config->sinks[i];
    }
    return NULL;
}

static void complain(const struct groups_job *job)
{
    const struct group_totals_stats *stats = group_totals_get_stats(job->totals);
    if (stats->strangers > 0)
        (void)fprintf(stderr,
                      "ghgd groups: warning: %" PRIu64 " records are of facilities that "
                      "tables.facilities does not have; they are left out\n",
                      stats->strangers);
    if (stats->figures_unknown > 0)
        (void)fprintf(stderr,
                      "ghgd groups: warning: records of a later ghgd have figures that this one "
                      "does not know; they are left out\n");
    if (stats->differing > 0) {
        struct date date = civil_date(stats->differing_day);
        (void)fprintf(stderr,
                      "ghgd groups: warning: %" PRIu64 " records have the version of the one "
                      "before, and other figures; the first is of \"%s\" on %04d-%02d-%02d\n",
                      stats->differing,
                      job->config->registry->facilities[stats->differing_facility].id, date.year,
                      date.month, date.day);
    }
}

/* Returns 0, also if some records are damaged: then *damaged_out is not 0. */
static int read_topic(struct groups_job *job, uint64_t *damaged_out)
{
    const struct config *config = job->config;
    const struct sink_conf *sink = find_sink(config);
    struct buffer faults;
    if (sink == NULL) {
        buffer_add_str(&job->why, "no sink writes totals; add one to sinks, such as {name: days, "
                                  "type: totals}");
        return -ENOENT;
    }
    const struct group_totals_conf conf = {.registry = config->registry,
                                           .targets = config->targets,
                                           .bucket_ms = config->window.bucket_ms,
                                           .bytes_max = config->memory_bytes_max > 0
                                                            ? (size_t)config->memory_bytes_max
                                                            : TOTALS_BYTES_MAX};
    int err = group_totals_create(&job->totals, &conf);
    if (err < 0)
        return err;
    buffer_init(&faults, WORDS_BYTES_MAX);
    err = totals_read(job->totals, &config->kafka, sink->topic, damaged_out, &faults, &job->why);
    if (*damaged_out > 0)
        (void)fprintf(stderr, "ghgd groups: %" PRIu64 " records are left out\n%s", *damaged_out,
                      faults.size > 0 ? buffer_text(&faults) : "");
    buffer_fini(&faults);
    if (err == 0)
        complain(job);
    return err;
}

/* --- periods --- */

struct period_span {
    int32_t first, end;
    char text[PERIOD_SIZE];
};

static struct period_span period_of(const struct groups_job *job, int32_t day)
{
    struct date date = civil_date(day);
    struct period_span span = {.first = day, .end = day + 1};
    switch (job->arguments->by) {
    case BY_DAY:
        (void)snprintf(span.text, sizeof(span.text), "%04d-%02d-%02d", date.year, date.month,
                       date.day);
        break;
    case BY_MONTH:
        span.first = civil_day(date.year, date.month, 1);
        span.end = date.month == 12 ? civil_day(date.year + 1, 1, 1)
                                    : civil_day(date.year, date.month + 1, 1);
        (void)snprintf(span.text, sizeof(span.text), "%04d-%02d", date.year, date.month);
        break;
    default: {
        struct civil_year year = civil_year_of(day, job->config->window.fiscal_year_start);
        span.first = year.first_day;
        span.end = year.first_day + year.days;
        (void)snprintf(span.text, sizeof(span.text), "%04d", year.year);
    }
    }
    return span;
}

/* The days after the last one that any facility has are yet to come. */
static void sum_period(struct groups_job *job, const struct period_span *span, int32_t last_day)
{
    const struct registry *registry = job->config->registry;
    for (uint32_t i = 0; i < job->list.count; i++)
        job->asked[i].sum = (struct group_sum){0};
    for (uint32_t facility = 0; facility < registry->facilities_count; facility++) {
        struct group_sum own = {0};
        group_totals_add(job->totals, facility, span->first, MIN(span->end, last_day + 1), &own);
        for (uint32_t n = 0; n < GROUPS_OF_FACILITY; n++) {
            uint32_t place = group_list_place(&job->list, facility, n);
            if (place != REGISTRY_NONE && job->asked[place].asked)
                group_sum_add(&job->asked[place].sum, &own);
        }
    }
    const struct group_period period = {span->text, span->end > last_day + 1};
    for (uint32_t i = 0; i < job->list.count; i++) {
        struct asked_group *asked = &job->asked[i];
        if (asked->asked && asked->sum.days > 0)
            group_report_add(&asked->text, job->arguments->format, &job->list.entries[i], &period,
                             &asked->sum);
    }
}

static void sum_periods(struct groups_job *job)
{
    const struct groups_arguments *arguments = job->arguments;
    int32_t first;
    int32_t last;
    if (!group_totals_span(job->totals, &first, &last))
        return;
    for (int32_t day = first; day <= last;) {
        struct period_span span = period_of(job, day);
        int64_t begin_ms = span.first * (int64_t)DAY_MS;
        if (begin_ms >= arguments->from_ms && begin_ms < arguments->until_ms)
            sum_period(job, &span, last);
        day = span.end;
    }
}

static int print(const struct groups_job *job)
{
    struct buffer out;
    int err = 0;
    buffer_init(&out, TEXT_BYTES_MAX);
    group_report_add_heads(&out, job->arguments->format);
    for (uint32_t i = 0; i < job->list.count && err == 0; i++) {
        const struct asked_group *asked = &job->asked[i];
        if (!asked->asked)
            continue;
        group_report_add_group(&out, job->arguments->format, &job->list.entries[i]);
        buffer_add(&out, asked->text.data, asked->text.size);
        if (buffer_failed(&out) || buffer_failed(&asked->text))
            err = -ENOMEM;
        else if (fwrite(out.data, 1, out.size, stdout) != out.size)
            err = -EIO;
        buffer_clear(&out);
    }
    if (err == 0 && fflush(stdout) != 0)
        err = -errno;
    buffer_fini(&out);
    return err;
}

/* --- all of it --- */

static int run(const struct groups_arguments *arguments, const struct config *config)
{
    struct groups_job job = {.arguments = arguments, .config = config};
    uint64_t damaged = 0;
    buffer_init(&job.why, WORDS_BYTES_MAX);
    int err = choose_groups(&job);
    if (err == 0)
        err = read_topic(&job, &damaged);
    if (err == 0) {
        sum_periods(&job);
        err = print(&job);
    }
    if (err < 0)
        (void)fprintf(stderr, "ghgd groups: %s\n",
                      job.why.size > 0 ? buffer_text(&job.why) : err_str(err));
    group_totals_destroy(&job.totals);
    for (uint32_t i = 0; job.asked != NULL && i < job.list.count; i++)
        buffer_fini(&job.asked[i].text);
    free(job.asked);
    group_list_fini(&job.list);
    buffer_fini(&job.why);
    return err < 0 || damaged > 0 ? EXIT_FAILED : EXIT_GOOD;
}

/* --- the command line --- */

static int take_period(struct groups_arguments *arguments, const char *value)
{
    static const char *const names[PERIOD_KINDS] = {"day", "month", "year"};
    for (int i = 0; i < PERIOD_KINDS; i++) {
        if (strcmp(names[i], value) != 0)
            continue;
        arguments->by = (enum period_kind)i;
        return EXIT_GOOD;
    }
    return command_misused("groups", "--by is day, month or year, not", value);
}

static int take_option(void *context, int option, const char *value)
{
    struct groups_arguments *arguments = context;
    switch (option) {
    case 'c':
        arguments->config_file = value;
        return EXIT_GOOD;
    case OPTION_BY:
        return take_period(arguments, value);
    case OPTION_FROM:
        return command_line_take_moment("groups", "--from", value, arguments->now_ms,
                                        &arguments->from_ms);
    case OPTION_UNTIL:
        return command_line_take_moment("groups", "--until", value, arguments->now_ms,
                                        &arguments->until_ms);
    default:
        ASSERT(option == OPTION_FORMAT);
        if (report_format_find(value) < 0)
            return command_misused("groups", "--format is text, csv or json, not", value);
        arguments->format = (enum report_format)report_format_find(value);
        return EXIT_GOOD;
    }
}

static const struct command_line command_line = {
    .command = "groups", .usage = usage, .letters = "c:h", .options = options, .take = take_option};

int command_groups(int argc, char **argv)
{
    struct groups_arguments arguments = {.config_file = CONFIG_FILE_DEFAULT,
                                         .now_ms = clock_wall_ms(),
                                         .from_ms = INT64_MIN,
                                         .until_ms = INT64_MAX,
                                         .by = BY_MONTH};
    int status = command_line_parse(&command_line, &arguments, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    arguments.words = argv + optind;
    arguments.words_count = argc - optind;
    struct config *config;
    if (command_load_config(&config, arguments.config_file) < 0)
        return EXIT_FAILED;
    status = run(&arguments, config);
    config_destroy(&config);
    return status;
}
