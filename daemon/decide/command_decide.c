/* command_decide.c - `ghgd decide`: a person's decision on a reading, sent as an event. */
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/decide/decision.h"
#include "daemon/decide/home.h"
#include "daemon/decide/sender.h"
#include "daemon/saved/meter_choice.h"
#include "pipelines/ingest/event_builder.h"
#include "pipelines/kafka/native_header.h"

enum { WORDS_BYTES_MAX = 64 << 10 };

static const char usage[] =
    "ghgd decide [-c FILE] METER TIME drop     --note TEXT [OPTIONS]\n"
    "ghgd decide [-c FILE] METER TIME accept   --note TEXT [OPTIONS]\n"
    "ghgd decide [-c FILE] METER TIME exchange --note TEXT --final N --initial N [OPTIONS]\n"
    "\n"
    "Sends a decision on the reading of a meter that begins at TIME, as an event: it goes to the\n"
    "partition of the meter's facility, behind the readings. So the log alone decides, and a\n"
    "replay decides the same. `ghgd readings METER` shows the readings, and what became of them.\n"
    "\n"
    "  drop      the reading is not true: it is as if it had never come\n"
    "  accept    it is true: a register's chain keeps it, also if it is an estimate, and no rise\n"
    "            to it is too steep; an earlier `drop` is taken back\n"
    "  exchange  the counter of a register was exchanged or reset at TIME\n"
    "\n"
    "TIME is RFC 3339 with an offset, as in 2026-03-01T08:30:00+08:00.\n"
    "\n"
    "      --note TEXT     why; it stands in the event (1 to 1000 bytes on one line)\n"
    "      --by NAME       who decides (default: the login name)\n"
    "      --end TIME      the end of the interval, where several begin at TIME\n"
    "      --of KIND       reading, exchange, dip, delivery, transfer or credit, where there are\n"
    "                      several kinds at TIME\n"
    "      --id ID         the number of the document, or of the line of a bill\n"
    "      --final N       exchange: the last state of the old counter\n"
    "      --initial N     exchange: the first state of the new one\n"
    "      --unit UNIT     exchange: their unit (the meter's own one)\n"
    "      --dry-run       print partition and message, send nothing\n"
    "      --late-ok       send also what has left the horizon: it goes to the late topic only\n"
    "  -c, --config FILE   the configuration of the daemon (default " CONFIG_FILE_DEFAULT ")\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit status 0: sent, or nothing to do; 1: refused, or not sent; 2: not understood.\n"
    "\n"
    "  ghgd decide hz-kwh 2026-03-01T08:30:00+08:00 drop --note 'meter test' --dry-run\n"
    "  ghgd decide hz-kwh 2026-03-01T08:30:00+08:00 exchange --final 652000 --initial 0 \\\n"
    "      --note 'work order 1182'\n";

enum option_code {
    CODE_NOTE = 256,
    CODE_BY,
    CODE_END,
    CODE_OF,
    CODE_ID,
    CODE_FINAL,
    CODE_INITIAL,
    CODE_UNIT,
    CODE_DRY_RUN,
    CODE_LATE_OK
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"note", required_argument, NULL, CODE_NOTE},
    {"by", required_argument, NULL, CODE_BY},
    {"end", required_argument, NULL, CODE_END},
    {"of", required_argument, NULL, CODE_OF},
    {"id", required_argument, NULL, CODE_ID},
    {"final", required_argument, NULL, CODE_FINAL},
    {"initial", required_argument, NULL, CODE_INITIAL},
    {"unit", required_argument, NULL, CODE_UNIT},
    {"dry-run", no_argument, NULL, CODE_DRY_RUN},
    {"late-ok", no_argument, NULL, CODE_LATE_OK},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct decide_arguments {
    const char *config_file;
    struct decision decision;
    struct subject_query query;
    bool dry_run, late_ok;
};

/* --- the command line --- */

static int take_time(int64_t *time_ms, const char *what, const char *text)
{
    if (timestamp_parse(time_ms, text, strlen(text)) == 0)
        return EXIT_GOOD;
    char words[96];
    (void)snprintf(words, sizeof(words),
                   "%s is RFC 3339 with an offset (2026-03-01T08:30:00Z), not", what);
    return command_misused("decide", words, text);
}

static int take_kind(struct subject_query *query, const char *text)
{
    for (enum event_kind kind = EVENT_READING; kind < EVENT_ACCEPT; kind++) {
        if (strcmp(text, event_kind_word(kind)) != 0)
            continue;
        query->of = kind;
        query->has_of = true;
        return EXIT_GOOD;
    }
    return command_misused(
        "decide", "--of is reading, exchange, dip, delivery, transfer or credit, not", text);
}

static int take_option(void *context, int option, const char *value)
{
    struct decide_arguments *arguments = context;
    struct decision *decision = &arguments->decision;
    switch (option) {
    case 'c':
        arguments->config_file = value;
        break;
    case CODE_NOTE:
        decision->note = value;
        break;
    case CODE_BY:
        decision->by = value;
        break;
    case CODE_END:
        return take_time(&arguments->query.end_ms, "--end", value);
    case CODE_OF:
        return take_kind(&arguments->query, value);
    case CODE_ID:
        arguments->query.id = decision->id = value;
        break;
    case CODE_FINAL:
        decision->final = value;
        break;
    case CODE_INITIAL:
        decision->initial = value;
        break;
    case CODE_UNIT:
        decision->unit = value;
        break;
    case CODE_DRY_RUN:
        arguments->dry_run = true;
        break;
    default:
        ASSERT(option == CODE_LATE_OK);
        arguments->late_ok = true;
    }
    return EXIT_GOOD;
}

static const struct command_line command_line = {
    .command = "decide", .usage = usage, .letters = "c:h", .options = options, .take = take_option};

static int take_verdict(struct decision *decision, const char *word)
{
    static const enum event_kind kinds[] = {EVENT_DROP, EVENT_ACCEPT, EVENT_EXCHANGE};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(word, event_kind_word(kinds[i])) == 0) {
            decision->kind = kinds[i];
            return EXIT_GOOD;
        }
    }
    return command_misused("decide", "decides drop, accept or exchange, not", word);
}

static int parse_operands(struct decide_arguments *arguments, int argc, char **argv)
{
    enum { OPERANDS = 3 };
    if (argc - optind < OPERANDS)
        return command_misused("decide", "wants a meter, a time and a decision, as in",
                               "ghgd decide m1 2026-03-01T08:30:00Z drop");
    if (argc - optind > OPERANDS)
        return command_misused("decide", "takes no such argument as", argv[optind + OPERANDS]);
    arguments->decision.meter = argv[optind];
    int status = take_time(&arguments->query.time_ms, "TIME", argv[optind + 1]);
    arguments->decision.time_ms = arguments->query.time_ms;
    return status == EXIT_GOOD ? take_verdict(&arguments->decision, argv[optind + 2]) : status;
}

/* Which options belong to which decision. */
static int check_options(const struct decide_arguments *arguments)
{
    const struct decision *decision = &arguments->decision;
    const struct subject_query *query = &arguments->query;
    bool states = decision->final != NULL || decision->initial != NULL || decision->unit != NULL;
    if (decision->kind == EVENT_EXCHANGE) {
        if (decision->final == NULL || decision->initial == NULL)
            return command_misused("decide", "exchange wants both of", "--final N and --initial N");
        if (query->has_of || query->id != NULL || query->end_ms != INT64_MIN)
            return command_misused("decide", "exchange takes none of", "--of, --id, --end");
        return EXIT_GOOD;
    }
    if (states)
        return command_misused("decide", "only exchange takes", "--final, --initial, --unit");
    return EXIT_GOOD;
}

static int check_text(const char *option, const char *text, size_t bytes_max)
{
    const char *fault = decision_text_fault(text, bytes_max);
    if (fault == NULL)
        return EXIT_GOOD;
    char words[96];
    (void)snprintf(words, sizeof(words), "%s %s; give 1 to %zu bytes of UTF-8 on one line, not",
                   option, fault, bytes_max);
    return command_misused("decide", words, text);
}

static int check_texts(const struct decision *decision)
{
    if (decision->note == NULL)
        return command_misused("decide", "wants a reason, as in", "--note 'test of the meter'");
    int status = check_text("--note", decision->note, DECISION_NOTE_BYTES_MAX);
    return status == EXIT_GOOD ? check_text("--by", decision->by, NAME_BYTES_MAX) : status;
}

/* The login name, or else that of the user. */
static const char *login_name(char *name, size_t size)
{
    if (getlogin_r(name, size) == 0 && name[0] != '\0')
        return name;
    const struct passwd *user = getpwuid(geteuid()); // NOLINT(concurrency-mt-unsafe): one thread
    if (user != NULL)
        (void)snprintf(name, size, "%s", user->pw_name);
    else
        (void)snprintf(name, size, "uid %u", (unsigned)geteuid());
    return name;
}

static int parse(struct decide_arguments *arguments, int argc, char **argv)
{
    int status = command_line_parse(&command_line, arguments, argc, argv);
    if (status == EXIT_GOOD)
        status = parse_operands(arguments, argc, argv);
    if (status == EXIT_GOOD)
        status = check_options(arguments);
    return status == EXIT_GOOD ? check_texts(&arguments->decision) : status;
}

/* --- the decision --- */

/* Says whether the daemon would take the event as far as tables and clocks decide. */
static int judge(const struct decide_arguments *arguments, const struct config *config,
                 const struct home *home, const struct buffer *event)
{
    enum outcome outcome = OUTCOME_USED;
    int err = decision_judge(&outcome, event, config->registry);
    if (err < 0) {
        (void)fprintf(stderr, "ghgd decide: %s\n", err_str(err));
        return EXIT_FAILED;
    }
    if (outcome != OUTCOME_USED) {
        (void)fprintf(stderr, "ghgd decide: the event would be refused (%s): %s\n",
                      outcome_reason(outcome), outcome_help(outcome));
        return EXIT_FAILED;
    }
    const struct decision *decision = &arguments->decision;
    int64_t end_ms = decision->end_ms != INT64_MIN ? decision->end_ms : decision->time_ms;
    if (end_ms > decision->at_ms + config->window.early_tolerance_ms) {
        (void)fprintf(stderr,
                      "ghgd decide: the time lies in the future: the event would be early\n");
        return EXIT_FAILED;
    }
    if (decision->time_ms >= home->floor_ms)
        return EXIT_GOOD;
    char floor[TIMESTAMP_TEXT_SIZE];
    (void)fprintf(stderr,
                  "ghgd decide: the day has left the horizon: windows before %s are closed, the "
                  "decision would be late, and change no figure%s\n",
                  timestamp_format(floor, home->floor_ms),
                  arguments->late_ok ? "" : " (--late-ok sends it all the same)");
    return arguments->late_ok ? EXIT_GOOD : EXIT_FAILED;
}

static int print_message(const struct sent_message *message)
{
    (void)printf("topic %s\npartition %" PRId32 "\nkey %s\nheader %s: %s\n%.*s\n", message->topic,
                 message->partition, message->key, NATIVE_HEADER, NATIVE_HEADER_VALUE,
                 (int)message->size, (const char *)message->bytes);
    return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_FAILED;
}

static int send_message(const struct config *config, const struct sent_message *message)
{
    struct buffer why;
    int64_t offset;
    buffer_init(&why, WORDS_BYTES_MAX);
    int err = sender_send(&config->kafka, message, &offset, &why);
    if (err == 0)
        (void)printf("sent to \"%s\", partition %" PRId32 ", offset %" PRId64 "\n", message->topic,
                     message->partition, offset);
    else
        (void)fprintf(stderr, "ghgd decide: %s: %s\n",
                      err == -ETIMEDOUT ? "not known whether it was sent; to send it once more "
                                          "changes nothing"
                                        : "not sent",
                      why.size > 0 ? buffer_text(&why) : err_str(err));
    buffer_fini(&why);
    return err == 0 ? EXIT_GOOD : EXIT_FAILED;
}

static int send_decision(const struct decide_arguments *arguments, const struct config *config,
                         const struct home *home)
{
    struct buffer event;
    buffer_init(&event, DECISION_BYTES_MAX);
    decision_write(&event, &arguments->decision);
    int status = buffer_failed(&event) ? EXIT_FAILED : judge(arguments, config, home, &event);
    const struct sent_message message = {.topic = config_log_topic(config),
                                         .partition = home->partition,
                                         .key = config->registry->facilities[home->facility].id,
                                         .bytes = event.data,
                                         .size = event.size};
    if (status == EXIT_GOOD)
        status = arguments->dry_run ? print_message(&message) : send_message(config, &message);
    buffer_fini(&event);
    return status;
}

/* Takes from the reading what the event has to say of it. */
static void take_subject(struct decision *decision, const struct subject *subject)
{
    const struct reading *reading = &subject->matches[0];
    decision->of = subject->of;
    decision->revision = subject->revision;
    decision->quality = subject->quality;
    if (reading->span_ms > 0)
        decision->end_ms = reading_end_ms(reading);
}

/* A document of a stock behind the floor whose balance is open: the decision reaches it by its id,
 * if its own time is not late. */
static void reach_back(struct decision *decision, const struct config *config,
                       const struct home *home)
{
    const struct registry *registry = config->registry;
    if (decision->id == NULL || decision->time_ms >= home->floor_ms ||
        decision->time_ms < home->reach_ms ||
        registry_meter_at(registry, registry->meters[home->meter].first_version, home->newest_ms) !=
            home->meter)
        return;
    char time[TIMESTAMP_TEXT_SIZE];
    decision->time_ms = home->newest_ms;
    (void)fprintf(stderr,
                  "ghgd decide: windows of that day are closed, but the balance is open: the "
                  "decision has the time %s, and finds the document by its id\n",
                  timestamp_format(time, decision->time_ms));
}

/* Whether there is anything to decide on the reading that was found. */
static bool has_to_decide(const struct decision *decision, const struct config *config,
                          const struct home *home)
{
    const struct subject *subject = &home->subject;
    bool drops = decision->kind == EVENT_DROP;
    if (subject->decided && subject->dropped == drops) {
        (void)fprintf(stderr,
                      "ghgd decide: it is %s already, by the decision at partition %" PRId32
                      ", offset %" PRId64 "; nothing to do\n",
                      drops ? "dropped" : "accepted", home->partition, subject->decided_offset);
        return false;
    }
    if (!drops && !subject->dropped &&
        config->registry->meters[home->meter].kind != KIND_REGISTER) {
        (void)fprintf(stderr, "ghgd decide: it was not dropped; nothing to do\n");
        return false;
    }
    return true;
}

static int run(struct decide_arguments *arguments, const struct config *config)
{
    struct decision *decision = &arguments->decision;
    uint32_t meter = meter_choose(config->registry, "decide", decision->meter);
    if (meter == REGISTRY_NONE)
        return EXIT_FAILED;
    struct home home;
    bool exchange = decision->kind == EVENT_EXCHANGE;
    if (home_find(&home, config, meter, &arguments->query, exchange) < 0)
        return EXIT_FAILED;
    if (!exchange) {
        if (home_explain(&home, config, &arguments->query) < 0)
            return EXIT_FAILED;
        if (!has_to_decide(decision, config, &home))
            return EXIT_GOOD;
        take_subject(decision, &home.subject);
        reach_back(decision, config, &home);
    }
    return send_decision(arguments, config, &home);
}

int command_decide(int argc, char **argv)
{
    char name[NAME_BYTES_MAX + 1];
    struct decide_arguments arguments = {
        .config_file = CONFIG_FILE_DEFAULT,
        .decision = {.by = login_name(name, sizeof(name)),
                     .at_ms = clock_wall_ms(),
                     .end_ms = INT64_MIN},
        .query = {.end_ms = INT64_MIN},
    };
    int status = parse(&arguments, argc, argv);
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
