/* command_readings.c - `ghgd readings`: a meter's journal as it was saved last, and what became of
 * each reading. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/readings/listing.h"
#include "daemon/saved/meter_choice.h"
#include "daemon/saved/saved_state.h"

enum {
    WORDS_BYTES_MAX = 64 << 10,
    ROWS_BYTES_MAX = 1 << 20,
    FLUSH_BYTES = 64 << 10 /* far below the maximum: a row always fits */
};

static const char usage[] =
    "ghgd readings [-c FILE] [--from TIME] [--to TIME] [--format table|csv|json] METER\n"
    "\n"
    "Lists the readings of a meter that the state holds, as it was saved last, and says in words\n"
    "what became of each: it counts, counts in part, was outranked, was left aside, was dropped "
    "by\n"
    "a person, or begins again after a break, with the amount in question. EVENT is the partition\n"
    "and the offset of the reading's message. Values are in the meter's own unit, without its\n"
    "multiplier; in the canonical unit, with it, if the own unit cannot give them exactly. "
    "Amounts\n"
    "are canonical.\n"
    "Changes nothing, and does not disturb the running daemon.\n"
    "\n"
    "The state has no events that were refused: `ghgd deadletter list --meter METER` shows them.\n"
    "\n"
    "  -c, --config FILE   the configuration of the daemon (default " CONFIG_FILE_DEFAULT ")\n"
    "      --from TIME     readings at this time or later: RFC 3339, a date (in UTC), or a\n"
    "                      duration back from now, such as 36h\n"
    "      --to TIME       readings before this time\n"
    "      --format NAME   table (the default), csv, or json: an object a line\n"
    "  -q, --quiet         no summary\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit status 0: done, also if there was no reading; 1: no such meter, or the state could not\n"
    "be read; 2: not understood.\n"
    "\n"
    "  ghgd readings hz-grid --from 7d\n"
    "  ghgd readings hz-grid --format json | jq -c 'select(.held_amount)'\n";

enum { OPTION_FROM = 256, OPTION_TO, OPTION_FORMAT };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct readings_arguments {
    const char *config_file, *meter;
    int64_t now_ms, from_ms, to_ms;
    enum listing_format format;
    bool quiet;
};

struct readings_job {
    const struct readings_arguments *arguments;
    const struct registry *registry;
    struct local_clock *clock;
    uint32_t meter; /* the first version */
    struct buffer rows;
    uint64_t saved;             /* partitions with a saved state */
    uint64_t homes;             /* of them, that have the facility */
    uint64_t listed;            /* readings */
    uint64_t fates[FATE_COUNT]; /* of those */
};

/* --- one partition --- */

static int flush_rows(struct readings_job *job)
{
    bool failed = buffer_failed(&job->rows);
    if (!failed && job->rows.size > 0)
        failed = fwrite(job->rows.data, 1, job->rows.size, stdout) != job->rows.size;
    buffer_clear(&job->rows);
    return failed ? -EIO : 0;
}

static int list_reading(struct readings_job *job, const struct journal_view *view, uint32_t index)
{
    const struct readings_arguments *arguments = job->arguments;
    if (!journal_view_is_own(view, index) ||
        !journal_view_touches(view, index, arguments->from_ms, arguments->to_ms))
        return 0;
    listing_add(&job->rows, arguments->format, view, index);
    job->listed++;
    job->fates[view->fates[index].fate]++;
    return job->rows.size >= FLUSH_BYTES ? flush_rows(job) : 0;
}

/* Readings in the order of time: those of the journal, and those that decisions have dropped. */
static int list_views(struct readings_job *job, const struct journal_view *view,
                      const struct journal_view *dropped)
{
    uint32_t next = 0;
    int err = 0;
    for (uint32_t i = 0; i <= view->journal->count && err == 0; i++) {
        while (err == 0 && next < dropped->journal->count &&
               (i == view->journal->count || journal_at(dropped->journal, next)->start_ms <
                                                 journal_at(view->journal, i)->start_ms))
            err = list_reading(job, dropped, next++);
        if (err == 0 && i < view->journal->count)
            err = list_reading(job, view, i);
    }
    return err == 0 ? flush_rows(job) : err;
}

/* The journal of one version of the meter. */
static int list_journal(struct readings_job *job, uint32_t column, int32_t partition,
                        const struct journal *journal)
{
    struct reading slots[ASIDE_MAX];
    struct reading_fate fates_dropped[ASIDE_MAX];
    struct journal aside;
    journal_init(&aside, slots, ASIDE_MAX);
    for (uint32_t i = 0; i < journal->aside_count; i++) {
        if (journal_aside(journal, i)->role == ROLE_DECISION)
            continue;
        fates_dropped[aside.count] = (struct reading_fate){.fate = FATE_DROPPED};
        int err = journal_insert(&aside, aside.count, journal_aside(journal, i));
        ASSERT(err == 0); /* there is a slot for each */
    }
    struct reading_fate *fates = calloc(journal->count + 1, sizeof(*fates));
    if (fates == NULL)
        return -ENOMEM;
    const struct meter *meter = &job->registry->meters[column];
    struct journal_view view = {.meter = meter,
                                .facility = &job->registry->facilities[meter->facility],
                                .journal = journal,
                                .fates = fates,
                                .clock = job->clock,
                                .decided = journal,
                                .partition = partition};
    fates_judge(fates, meter, journal);
    journal_view_choose_unit(&view);
    struct journal_view dropped = view;
    dropped.journal = &aside;
    dropped.fates = fates_dropped;
    int err = list_views(job, &view, &dropped);
    free(fates);
    return err;
}

static void tell_home(const struct readings_job *job, const struct assigned *part)
{
    const struct meter *meter = &job->registry->meters[job->meter];
    const struct shard_stats *stats = shard_get_stats(part->shard);
    char floor[TIMESTAMP_TEXT_SIZE];
    (void)fprintf(
        stderr,
        "ghgd readings: facility \"%s\" is on partition %" PRId32 ", saved up to offset %" PRId64,
        job->registry->facilities[meter->facility].id, part->number, part->position.offset);
    if (stats->floor_ms != INT64_MIN)
        (void)fprintf(stderr, "; windows before %s are closed",
                      timestamp_format(floor, stats->floor_ms));
    (void)fputs("\n", stderr);
}

static int list_partition(struct readings_job *job, const struct assigned *part)
{
    const struct meter *first = &job->registry->meters[job->meter];
    job->saved++;
    if (shard_get_outcomes(part->shard, first->facility) == NULL)
        return 0;
    job->homes++;
    if (!job->arguments->quiet)
        tell_home(job, part);
    int err = 0;
    for (uint32_t i = job->meter; i != REGISTRY_NONE && err == 0;
         i = job->registry->meters[i].next_version) {
        const struct journal *journal = shard_get_journal(part->shard, i);
        if (journal != NULL)
            err = list_journal(job, i, part->number, journal);
    }
    return err;
}

/* Every partition is read: nothing but its state says which one has the facility. */
static int list_state(struct readings_job *job, const struct config *config, struct buffer *why)
{
    struct saved_state *state;
    int err = saved_state_open(&state, config, why);
    for (int32_t i = 0; err == 0 && i < saved_state_partitions(state); i++) {
        struct assigned *part;
        err = saved_state_load(state, i, &part);
        if (err == 0 && part != NULL)
            err = list_partition(job, part);
        assigned_destroy(&part);
    }
    saved_state_close(&state);
    return err;
}

/* --- the command --- */

static int take_format(struct readings_arguments *arguments, const char *value)
{
    int found = listing_format_find(value);
    if (found < 0)
        return command_misused("readings", "--format is table, csv or json, not", value);
    arguments->format = (enum listing_format)found;
    return EXIT_GOOD;
}

static int take_option(void *context, int option, const char *value)
{
    struct readings_arguments *arguments = context;
    switch (option) {
    case 'c':
        arguments->config_file = value;
        return EXIT_GOOD;
    case OPTION_FROM:
        return command_line_take_moment("readings", "--from", value, arguments->now_ms,
                                        &arguments->from_ms);
    case OPTION_TO:
        return command_line_take_moment("readings", "--to", value, arguments->now_ms,
                                        &arguments->to_ms);
    case OPTION_FORMAT:
        return take_format(arguments, value);
    default:
        ASSERT(option == 'q');
        arguments->quiet = true;
        return EXIT_GOOD;
    }
}

static const struct command_line command_line = {.command = "readings",
                                                 .usage = usage,
                                                 .letters = "c:qh",
                                                 .options = options,
                                                 .take = take_option};

static int parse_operand(struct readings_arguments *arguments, int argc, char **argv)
{
    if (optind == argc)
        return command_misused("readings", "wants the id of a meter, as in", "ghgd readings m1");
    arguments->meter = argv[optind];
    if (optind + 1 < argc)
        return command_misused("readings", "takes one meter, and no such argument as",
                               argv[optind + 1]);
    return EXIT_GOOD;
}

static void print_summary(const struct readings_job *job)
{
    const struct meter *meter = &job->registry->meters[job->meter];
    if (job->homes == 0)
        (void)fprintf(stderr,
                      "ghgd readings: %" PRIu64 " partitions have a saved state, and none of them "
                      "knows facility \"%s\"\n",
                      job->saved, job->registry->facilities[meter->facility].id);
    (void)fprintf(stderr, "ghgd readings: %" PRIu64 " readings", job->listed);
    for (enum fate i = 0; i < FATE_COUNT; i++) {
        if (job->fates[i] > 0)
            (void)fprintf(stderr, ", %" PRIu64 " %s", job->fates[i], fate_name(i));
    }
    (void)fprintf(stderr, "; what was refused is shown by: ghgd deadletter list --meter '%s'\n",
                  meter->id);
}

static int list_meter(struct readings_job *job, const struct config *config)
{
    struct buffer why;
    buffer_init(&why, WORDS_BYTES_MAX);
    buffer_init(&job->rows, ROWS_BYTES_MAX);
    int err = local_clock_create(&job->clock, job->registry);
    if (err == 0) {
        listing_add_heads(&job->rows, job->arguments->format);
        err = list_state(job, config, &why);
    }
    if (err == 0)
        err = flush_rows(job);
    if (err == 0 && fflush(stdout) != 0)
        err = -errno;
    if (err < 0)
        (void)fprintf(stderr, "ghgd readings: %s\n",
                      why.size > 0 ? buffer_text(&why) : err_str(err));
    local_clock_destroy(&job->clock);
    buffer_fini(&job->rows);
    buffer_fini(&why);
    return err;
}

static int run(const struct readings_arguments *arguments, const struct config *config)
{
    struct readings_job job = {.arguments = arguments, .registry = config->registry};
    job.meter = meter_choose(job.registry, "readings", arguments->meter);
    if (job.meter == REGISTRY_NONE)
        return EXIT_FAILED;
    int err = list_meter(&job, config);
    if (err < 0)
        return EXIT_FAILED;
    if (!arguments->quiet || job.homes == 0)
        print_summary(&job);
    if (job.homes > 1)
        (void)fprintf(stderr,
                      "ghgd readings: the facility is on %" PRIu64
                      " partitions; key the topic by facility, or set input.rekey\n",
                      job.homes);
    return EXIT_GOOD;
}

int command_readings(int argc, char **argv)
{
    struct readings_arguments arguments = {.config_file = CONFIG_FILE_DEFAULT,
                                           .now_ms = clock_wall_ms(),
                                           .from_ms = INT64_MIN,
                                           .to_ms = INT64_MAX};
    int status = command_line_parse(&command_line, &arguments, argc, argv);
    if (status == EXIT_GOOD)
        status = parse_operand(&arguments, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    struct config *config;
    if (command_load_run_config(&config, arguments.config_file) < 0)
        return EXIT_FAILED;
    log_set_level(LOG_LEVEL_WARN); /* what the parts tell of their work is for daemons */
    status = run(&arguments, config);
    config_destroy(&config);
    return status;
}
