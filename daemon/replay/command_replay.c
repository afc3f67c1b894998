/* command_replay.c - the command line of `ghgd replay`, and its account at the end. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/replay/replay.h"

static const char usage[] =
    "ghgd replay [-c FILE] [OPTIONS] [EVENTS]\n"
    "ghgd replay [-c FILE] [OPTIONS] --kafka --from TIME [--to TIME]\n"
    "\n"
    "Reads events once more, from a file or from the input topic, takes them through the same\n"
    "pipeline as the daemon, and writes each final row once. A summary on standard error accounts\n"
    "for every event.\n"
    "\n"
    "EVENTS is a file, or standard input (- or nothing): one JSON object or array a line, or\n"
    "concatenated MessagePack. The figures do not depend on the order of the events, as long as\n"
    "it stays within the horizon.\n"
    "\n"
    "With --kafka, windows that end after --from are written, if they are final where the topic\n"
    "ends now; the running daemon, which is not disturbed, has the others. So a database that was\n"
    "restored from a backup comes up to date: replay from the time of the backup, then run\n"
    "`ghgd resync`.\n"
    "\n"
    "  -c, --config FILE   the configuration (default " CONFIG_FILE_DEFAULT ")\n"
    "  -o, --output FILE   rows as line protocol to FILE, or - for standard output (the default)\n"
    "  -s, --sinks         rows to all configured sinks instead, but not to those that tell "
    "people\n"
    "                      of alerts (webhook, alertmanager, topic)\n"
    "      --sink NAME     rows to this configured sink instead; may be given several times\n"
    "  -r, --rejects FILE  one line for every event that was refused, late, early or of an\n"
    "                      unknown meter: where it stood, and why\n"
    "      --as-of TIME    judge events of a file as if they had all arrived at TIME (RFC 3339;\n"
    "                      now by default): what is further ahead than windows.early_tolerance\n"
    "                      is early\n"
    "      --floor TIME    the first reading of a file ends at TIME or later: what ends before is\n"
    "                      late until a reading was accepted (by default windows.backfill_max\n"
    "                      before the file's as-of time)\n"
    "  -k, --kafka         read the input topic, outside of the consumer group\n"
    "      --from TIME     write windows that end after TIME: RFC 3339, a date (in UTC), or a\n"
    "                      duration back from now, such as 36h\n"
    "      --to TIME       as if the topic ended where messages arrive at TIME or later\n"
    "      --partial       if the topic no longer reaches back far enough for all of these\n"
    "                      windows, write those that can be right, instead of none\n"
    "  -q, --quiet         no progress, no summary\n"
    "  -h, --help          this text\n";

enum { OPTION_SINK = 256, OPTION_AS_OF, OPTION_FROM, OPTION_TO, OPTION_PARTIAL, OPTION_FLOOR };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"output", required_argument, NULL, 'o'},
    {"sinks", no_argument, NULL, 's'},
    {"sink", required_argument, NULL, OPTION_SINK},
    {"rejects", required_argument, NULL, 'r'},
    {"as-of", required_argument, NULL, OPTION_AS_OF},
    {"floor", required_argument, NULL, OPTION_FLOOR},
    {"kafka", no_argument, NULL, 'k'},
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"partial", no_argument, NULL, OPTION_PARTIAL},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* --- the account --- */

static void print_first_floor(const struct replay *replay)
{
    if (replay->stands_at_ms == INT64_MIN)
        return;
    char as_of[TIMESTAMP_TEXT_SIZE];
    char floor[TIMESTAMP_TEXT_SIZE];
    (void)fprintf(stderr,
                  "as of %s (%s); until a reading was accepted, one that ended before %s was late "
                  "(%s)\n",
                  timestamp_format(as_of, replay->stands_at_ms), replay->stands_by,
                  timestamp_format(floor, replay->first_floor_ms),
                  replay->floor_ms != INT64_MIN ? "--floor" : "windows.backfill_max");
}

static void print_summary(const struct replay *replay)
{
    const struct account *account = &replay->account;
    const uint64_t *counts = account->counts;
    uint64_t rejected = 0;
    for (enum outcome i = REJECT_UNDECODABLE; i < OUTCOME_COUNT; i++)
        rejected += counts[i];
    int64_t elapsed_ms = clock_steady_ms() - replay->started_ms + 1;
    (void)fprintf(stderr,
                  "%sread %" PRIu64 " = used %" PRIu64 " + duplicate %" PRIu64
                  " + corrected %" PRIu64 " + late %" PRIu64 " + early %" PRIu64
                  " + unknown %" PRIu64 " + rejected %" PRIu64 "\n",
                  isatty(STDERR_FILENO) ? "\r\033[K" : "", account->read, counts[OUTCOME_USED],
                  counts[OUTCOME_DUPLICATE], counts[OUTCOME_CORRECTED], counts[OUTCOME_LATE],
                  counts[OUTCOME_EARLY], counts[OUTCOME_UNKNOWN], rejected);
    print_first_floor(replay);
    for (enum outcome i = REJECT_UNDECODABLE; i < OUTCOME_COUNT; i++) {
        if (counts[i] > 0)
            (void)fprintf(stderr, "  rejected %" PRIu64 " %s: %s\n", counts[i], outcome_reason(i),
                          outcome_help(i));
    }
    const struct chain_sums *chains = &account->chains;
    if (chains->breaks + chains->rollovers + chains->left_aside + account->overlaps > 0)
        (void)fprintf(stderr,
                      "registers: %" PRIu64 " rollovers, %" PRIu64 " breaks held, %" PRIu64
                      " readings left aside; intervals: %" PRIu64 " overlaps\n",
                      chains->rollovers, chains->breaks, chains->left_aside, account->overlaps);
    if (account->negative_rests + account->check_differences > 0)
        (void)fprintf(stderr,
                      "days: %" PRIu64
                      " on which sub-meters show more than their main meter, %" PRIu64
                      " on which a check meter differs\n",
                      account->negative_rests, account->check_differences);
    (void)fprintf(stderr, "wrote %" PRIu64 " rows of %" PRIu64 " facilities in %.3f s\n",
                  row_drain_rows(replay->row_drain), account->facilities,
                  (double)elapsed_ms / 1000.0);
}

/* --- the command line --- */

static int take_option(void *context, int option, const char *value)
{
    struct replay *replay = context;
    switch (option) {
    case 'c':
        replay->config_file = value;
        return EXIT_GOOD;
    case 'o':
        replay->output.output_path = value;
        return EXIT_GOOD;
    case 's':
        replay->output.all_sinks = true;
        return EXIT_GOOD;
    case OPTION_SINK:
        return sink_choice_add(&replay->output.chosen, "replay", value);
    case 'r':
        replay->rejects_path = value;
        return EXIT_GOOD;
    case OPTION_AS_OF:
        if (timestamp_parse(&replay->as_of_ms, value, strlen(value)) == 0)
            return EXIT_GOOD;
        return command_misused("replay", "--as-of wants a time with offset, not", value);
    case 'k':
        replay->from_kafka = true;
        return EXIT_GOOD;
    case OPTION_FROM:
        return command_line_take_moment("replay", "--from", value, replay->now_ms,
                                        &replay->from_ms);
    case OPTION_TO:
        return command_line_take_moment("replay", "--to", value, replay->now_ms, &replay->to_ms);
    case OPTION_FLOOR:
        return command_line_take_moment("replay", "--floor", value, replay->now_ms,
                                        &replay->floor_ms);
    case OPTION_PARTIAL:
        replay->partial = true;
        return EXIT_GOOD;
    default:
        ASSERT(option == 'q');
        replay->quiet = true;
        return EXIT_GOOD;
    }
}

static const struct command_line command_line = {.command = "replay",
                                                 .usage = usage,
                                                 .letters = "c:o:skr:qh",
                                                 .options = options,
                                                 .take = take_option};

/* Options that belong to the other way of the events, or need one that is not there. */
static int check_options(const struct replay *replay, const char *file)
{
    if (!replay->from_kafka) {
        bool has_span =
            replay->from_ms != INT64_MIN || replay->to_ms != INT64_MIN || replay->partial;
        return has_span ? command_misused("replay", "--from, --to and --partial go with", "--kafka")
                        : EXIT_GOOD;
    }
    if (file != NULL)
        return command_misused("replay", "--kafka reads the input topic, and not also", file);
    if (replay->as_of_ms != replay->now_ms)
        return command_misused(
            "replay", "messages of --kafka have their time of arrival; leave out", "--as-of");
    if (replay->floor_ms != INT64_MIN)
        return command_misused(
            "replay", "messages of --kafka have their time of arrival; leave out", "--floor");
    if (replay->from_ms == INT64_MIN)
        return command_misused("replay", "--kafka needs", "--from TIME");
    if (replay->from_ms >= (replay->to_ms != INT64_MIN ? replay->to_ms : replay->now_ms))
        return command_misused("replay", "--from has to lie before the end, which is",
                               replay->to_ms != INT64_MIN ? "--to" : "now");
    return EXIT_GOOD;
}

static int parse_arguments(struct replay *replay, int argc, char **argv)
{
    int status = command_line_parse(&command_line, replay, argc, argv);
    if (status != EXIT_GOOD)
        return status;
    const char *file = optind < argc ? argv[optind++] : NULL;
    if (optind < argc)
        return command_misused("replay", "takes one file of events, not also", argv[optind]);
    if (file != NULL)
        replay->events_path = file;
    return check_options(replay, file);
}

static int open_rejects(struct replay *replay)
{
    if (replay->rejects_path == NULL)
        return 0;
    replay->rejects = fopen(replay->rejects_path, "w");
    if (replay->rejects != NULL)
        return 0;
    int err = -errno;
    (void)fprintf(stderr, "ghgd replay: %s: %s\n", replay->rejects_path, err_str(err));
    return err;
}

static int replay_all(struct replay *replay)
{
    int err = replay->from_kafka ? command_load_run_config(&replay->config, replay->config_file)
                                 : command_load_config(&replay->config, replay->config_file);
    if (err < 0)
        return err;
    replay->output.config = replay->config;
    uv_loop_init(&replay->loop);
    replay->started_ms = clock_steady_ms();
    if (replay->output.all_sinks || replay->output.chosen.count > 0)
        command_make_state_directory(replay->config);
    err = open_rejects(replay);
    if (err == 0)
        err = replay->from_kafka ? replay_log(replay) : replay_file(replay);
    if (err == 0 && !replay->quiet)
        print_summary(replay);
    row_drain_close(&replay->row_drain);
    if (replay->rejects != NULL && fclose(replay->rejects) != 0 && err == 0)
        err = -errno;
    ASSERT(uv_loop_close(&replay->loop) == 0);
    config_destroy(&replay->config);
    return err;
}

int command_replay(int argc, char **argv)
{
    int64_t now_ms = clock_wall_ms();
    struct replay replay = {.config_file = CONFIG_FILE_DEFAULT,
                            .events_path = "-",
                            .output = {.command = "replay", .output_path = "-"},
                            .now_ms = now_ms,
                            .as_of_ms = now_ms,
                            .floor_ms = INT64_MIN,
                            .stands_at_ms = INT64_MIN,
                            .first_floor_ms = INT64_MIN,
                            .from_ms = INT64_MIN,
                            .to_ms = INT64_MIN};
    int status = parse_arguments(&replay, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    return replay_all(&replay) < 0 ? EXIT_FAILED : EXIT_GOOD;
}
