/* command_deadletter.c - the words of `ghgd deadletter`. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/faults.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/deadletter/deadletter_job.h"

enum { LIMIT_STANDARD = 1000000, LIMIT_MAX = 100000000 };

static const char usage[] =
    "ghgd deadletter list   [OPTIONS]\n"
    "ghgd deadletter show   [OPTIONS] PLACE\n"
    "ghgd deadletter retry  [OPTIONS]\n"
    "ghgd deadletter export [OPTIONS]\n"
    "\n"
    "Events that were not used lie in kafka.dead_letter_topic, late ones in kafka.late_topic. An\n"
    "event is named by PARTITION:OFFSET:INDEX of the input topic, and counts once however often\n"
    "it was written.\n"
    "\n"
    "  list     a line for each that was not retried yet: event, when it arrived, state, reason,\n"
    "           meter, key, bytes, letter. ready: the tables in force would let it in; refused:\n"
    "           they would not; late: it was older than windows.horizon. A table on a terminal,\n"
    "           else divided by tabs.\n"
    "  show     all of one letter. PLACE: PARTITION:OFFSET[:INDEX] of the event, or\n"
    "           TOPIC:PARTITION:OFFSET of the letter\n"
    "  retry    sends those that are ready to the partition that they came from, with their key,\n"
    "           headers and time, and marks the letters, so that no retry sends them again\n"
    "  export   their events, for `ghgd replay`: JSON a line each, or MessagePack\n"
    "\n"
    "Which letters:\n"
    "      --reason WORD   refused for this reason (unknown, unit_unknown, late, ...)\n"
    "      --meter ID      of this meter\n"
    "      --partition N   of this partition of the input topic\n"
    "      --from TIME     that arrived at this time or later: RFC 3339, a date (in UTC), or a\n"
    "                      duration back from now, such as 36h\n"
    "      --to TIME       that arrived before this time\n"
    "      --dead, --late  dead letters only, late events only; retry takes no late ones but with\n"
    "                      --late, as they would be late again: give export to `ghgd replay`\n"
    "      --again         also those that were retried before\n"
    "      --refused       retry: also those that the tables in force would refuse\n"
    "      --limit N       events to hold in memory at most, 100 bytes or so each (1000000)\n"
    "\n"
    "  -c, --config FILE   the configuration (default " CONFIG_FILE_DEFAULT ")\n"
    "      --json          list: a JSON object a line\n"
    "      --raw           show: the bytes of the event, and nothing else\n"
    "      --format NAME   export: json or msgpack (that of the first event)\n"
    "      --dry-run       retry: say what would be sent\n"
    "  -y, --yes           retry: do not ask\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit status 0: done, also if there was nothing to do; 1: not all of it; 2: not understood.\n"
    "\n"
    "  ghgd deadletter list --reason unknown\n"
    "  ghgd deadletter list --json | jq -r .meter | sort | uniq -c\n"
    "  ghgd deadletter show 3:1204\n"
    "  ghgd deadletter retry --meter hz-grid2 --dry-run\n"
    "  ghgd deadletter export --late | ghgd replay -c longer.yaml -o rows.lp -\n";

enum option_code {
    CODE_REASON = 256,
    CODE_METER,
    CODE_PARTITION,
    CODE_FROM,
    CODE_TO,
    CODE_DEAD,
    CODE_LATE,
    CODE_AGAIN,
    CODE_REFUSED,
    CODE_LIMIT,
    CODE_JSON,
    CODE_RAW,
    CODE_FORMAT,
    CODE_DRY_RUN
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"reason", required_argument, NULL, CODE_REASON},
    {"meter", required_argument, NULL, CODE_METER},
    {"partition", required_argument, NULL, CODE_PARTITION},
    {"from", required_argument, NULL, CODE_FROM},
    {"to", required_argument, NULL, CODE_TO},
    {"dead", no_argument, NULL, CODE_DEAD},
    {"late", no_argument, NULL, CODE_LATE},
    {"again", no_argument, NULL, CODE_AGAIN},
    {"refused", no_argument, NULL, CODE_REFUSED},
    {"limit", required_argument, NULL, CODE_LIMIT},
    {"json", no_argument, NULL, CODE_JSON},
    {"raw", no_argument, NULL, CODE_RAW},
    {"format", required_argument, NULL, CODE_FORMAT},
    {"dry-run", no_argument, NULL, CODE_DRY_RUN},
    {"yes", no_argument, NULL, 'y'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static const struct action {
    const char *name;
    int (*run)(struct deadletter_job *job);
} actions[] = {
    {"list", deadletter_list},
    {"show", deadletter_show},
    {"retry", deadletter_retry},
    {"export", deadletter_export},
};

/* ---- arguments ---- */

static int parse_number(int64_t *number_out, const char *text, int64_t max)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > max)
        return command_misused("deadletter", "wants a whole number, not", text);
    *number_out = number;
    return EXIT_GOOD;
}

static int parse_format(struct deadletter_job *job, const char *text)
{
    if (strcmp(text, "json") == 0)
        job->format = FORMAT_JSON;
    else if (strcmp(text, "msgpack") == 0)
        job->format = FORMAT_MSGPACK;
    else
        return command_misused("deadletter", "--format is json or msgpack, not", text);
    return EXIT_GOOD;
}

/* Letters have these words: the class, if it is kept apart, or the reason of a refusal. */
static int parse_reason(struct deadletter_job *job, const char *text)
{
    const char *words[OUTCOME_COUNT] = {NULL};
    size_t count = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        enum outcome outcome = (enum outcome)i;
        const char *reason = outcome_reason(outcome);
        if (outcome_is_kept_apart(outcome))
            words[count++] = reason[0] != '\0' ? reason : outcome_class(outcome);
    }
    job->filter.reason = text;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return EXIT_GOOD;
    const char *near = faults_suggest(text, words, count);
    char wants[128];
    (void)snprintf(wants, sizeof(wants),
                   near != NULL ? "--reason wants a reason, such as %s, not"
                                : "--reason wants a reason, such as %s, late or unknown, not",
                   near != NULL ? near : "unit_mismatch");
    return command_misused("deadletter", wants, text);
}

static int parse_valued(struct deadletter_job *job, int option, const char *value)
{
    switch (option) {
    case 'c':
        job->config_file = value;
        return EXIT_GOOD;
    case CODE_REASON:
        return parse_reason(job, value);
    case CODE_METER:
        job->filter.meter = value;
        return EXIT_GOOD;
    case CODE_PARTITION:
        return parse_number(&job->filter.partition, value, INT32_MAX);
    case CODE_FROM:
        return command_line_take_moment("deadletter", "--from", value, clock_wall_ms(),
                                        &job->filter.from_ms);
    case CODE_TO:
        return command_line_take_moment("deadletter", "--to", value, clock_wall_ms(),
                                        &job->filter.to_ms);
    case CODE_LIMIT:
        return parse_number(&job->limit, value, LIMIT_MAX);
    default:
        ASSERT(option == CODE_FORMAT);
        return parse_format(job, value);
    }
}

static void set_flag(struct deadletter_job *job, int option)
{
    job->filter.late &= option != CODE_DEAD;
    job->filter.dead &= option != CODE_LATE;
    job->late_chosen |= option == CODE_LATE;
    job->with_retried |= option == CODE_AGAIN;
    job->with_refused |= option == CODE_REFUSED;
    job->json |= option == CODE_JSON;
    job->raw |= option == CODE_RAW;
    job->dry_run |= option == CODE_DRY_RUN;
    job->yes |= option == 'y';
}

static int take_option(void *context, int option, const char *value)
{
    struct deadletter_job *job = context;
    if (value != NULL)
        return parse_valued(job, option, value);
    set_flag(job, option);
    return EXIT_GOOD;
}

static const struct command_line command_line = {.command = "deadletter",
                                                 .usage = usage,
                                                 .letters = "c:yh",
                                                 .options = options,
                                                 .take = take_option};

static int parse_operands(struct deadletter_job *job, const struct action *action, int argc,
                          char **argv)
{
    int next = optind + 1; /* behind the action */
    if (action->run == deadletter_show) {
        if (next == argc)
            return command_misused("deadletter", "show wants a place, as in", "3:1204");
        job->place = argv[next++];
    }
    if (next < argc)
        return command_misused("deadletter", "takes no such argument as", argv[next]);
    return EXIT_GOOD;
}

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

/* ---- running ---- */

static int run_action(struct deadletter_job *job, const struct action *action)
{
    if (command_load_config(&job->config, job->config_file) < 0)
        return EXIT_FAILED;
    int status = action->run(job);
    letter_reader_close(&job->letter_reader);
    letter_index_destroy(&job->letters);
    config_destroy(&job->config);
    return status;
}

int command_deadletter(int argc, char **argv)
{
    struct deadletter_job job = {.config_file = CONFIG_FILE_DEFAULT,
                                 .filter = LETTERS_FILTER_ALL,
                                 .limit = LIMIT_STANDARD,
                                 .format = FORMAT_AUTO};
    int status = command_line_parse(&command_line, &job, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    if (!job.filter.dead && !job.filter.late)
        return command_misused("deadletter", "only one of the two can be given:", "--dead --late");
    if (optind == argc)
        return command_misused("deadletter", "wants one of list, show, retry, export, as in",
                               "ghgd deadletter list");
    const struct action *action = find_action(argv[optind]);
    if (action == NULL)
        return command_misused("deadletter", "has list, show, retry and export, but no",
                               argv[optind]);
    status = parse_operands(&job, action, argc, argv);
    return status != EXIT_GOOD ? status : run_action(&job, action);
}
