/* command_alerts.c - `ghgd alerts`: what stands, and a sample through every output. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/alerts/board.h"
#include "daemon/alerts/trial.h"
#include "daemon/command.h"
#include "daemon/command_line.h"

static const char usage[] =
    "ghgd alerts list [-c FILE] [--all] [--format table|csv|json]\n"
    "ghgd alerts show [-c FILE] [--language en|zh|vi] TARGET\n"
    "ghgd alerts test [-c FILE] [--sink NAME ...]\n"
    "\n"
    "list shows the targets of facilities that are off their course, since when and how far, as "
    "the\n"
    "running daemon judged them last and saved it; show tells all about one of them. They read "
    "the\n"
    "saved state, and do not disturb the daemon.\n"
    "\n"
    "test sends a sample alert through every output of alerts (sinks of type webhook, "
    "alertmanager\n"
    "and topic), once, and says what came back. The sample is marked as a test in its title and "
    "by\n"
    "the label test=\"true\"; its target is ghgd-test. Does not touch the daemon.\n"
    "\n"
    "  -c, --config FILE   the configuration of the daemon (default " CONFIG_FILE_DEFAULT ")\n"
    "      --all           list: targets that are on course, too\n"
    "      --format NAME   list: table (the default), csv, or json: an object a line\n"
    "      --language L    show: en (the default), zh or vi\n"
    "      --sink NAME     test: this output; may be given several times (all by default)\n"
    "  -h, --help          this text\n"
    "\n"
    "list and show exit with 0, or with 1 if there is no such target or the state could not be\n"
    "read. test exits with 0 if every output took it, with 1 if one did not or there is no "
    "output.\n"
    "All exit with 2 if the command was not understood.\n";

enum { OPTION_SINK = 256, OPTION_ALL, OPTION_FORMAT, OPTION_LANGUAGE };
enum { WORDS_BYTES_MAX = 64 << 10, TEXT_BYTES_MAX = 8 << 20 };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"all", no_argument, NULL, OPTION_ALL},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"language", required_argument, NULL, OPTION_LANGUAGE},
    {"sink", required_argument, NULL, OPTION_SINK},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct alerts_order {
    const char *config_file;
    const char *target; /* of show */
    struct sink_choice sinks;
    bool all;
    enum board_format format;
    enum language language;
};

static int take_language(struct alerts_order *order, const char *value)
{
    static const char *const words[] = {
        [LANGUAGE_EN] = "en", [LANGUAGE_ZH] = "zh", [LANGUAGE_VI] = "vi"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i], value) != 0)
            continue;
        order->language = (enum language)i;
        return EXIT_GOOD;
    }
    return command_misused("alerts", "--language is en, zh or vi, not", value);
}

static int take(void *context, int option, const char *value)
{
    struct alerts_order *order = context;
    int format;
    switch (option) {
    case OPTION_SINK:
        return sink_choice_add(&order->sinks, "alerts", value);
    case OPTION_ALL:
        order->all = true;
        return EXIT_GOOD;
    case OPTION_LANGUAGE:
        return take_language(order, value);
    case OPTION_FORMAT:
        format = board_format_find(value);
        if (format < 0)
            return command_misused("alerts", "--format is table, csv or json, not", value);
        order->format = (enum board_format)format;
        return EXIT_GOOD;
    default:
        order->config_file = value;
        return EXIT_GOOD;
    }
}

/* --- list and show --- */

static int print(const struct buffer *text)
{
    bool good = !buffer_failed(text) && fwrite(text->data, 1, text->size, stdout) == text->size &&
                fflush(stdout) == 0;
    if (!good)
        (void)fputs("ghgd alerts: the output cannot be written\n", stderr);
    return good ? EXIT_GOOD : EXIT_FAILED;
}

static int list(const struct alerts_order *order, const struct board *board)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    uint32_t lines = board_add_list(board, &text, order->format, order->all);
    if (lines == 0 && order->format == BOARD_TABLE)
        buffer_clear(&text);
    int status = print(&text);
    buffer_fini(&text);
    if (lines == 0)
        (void)fprintf(stderr, "ghgd alerts: no target %s, as of %" PRIu32 " saved partitions\n",
                      order->all ? "of a facility has been judged yet" : "is off its course",
                      board->partitions);
    return status;
}

static int show(const struct alerts_order *order, const struct board *board)
{
    const struct targets *targets = board->config->targets;
    uint32_t index = 0;
    while (targets != NULL && index < targets->targets_count &&
           strcmp(targets->targets[index].id, order->target) != 0)
        index++;
    if (targets == NULL || index == targets->targets_count) {
        (void)fprintf(stderr, "ghgd alerts: there is no target \"%s\"\n", order->target);
        return EXIT_FAILED;
    }
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    int status = EXIT_FAILED;
    if (board_add_notice(board, &text, index, order->language))
        status = print(&text);
    else
        (void)fprintf(stderr, "ghgd alerts: \"%s\" %s\n", order->target,
                      targets->targets[index].level == TARGET_FACILITY
                          ? "has not been judged yet: its facility has sent nothing, or the state "
                            "is not saved yet"
                          : "is of no single facility: see ghgd trajectory");
    buffer_fini(&text);
    return status;
}

static int run_board(const struct alerts_order *order)
{
    struct config *config;
    struct board board;
    struct buffer why;
    if (command_load_run_config(&config, order->config_file) < 0)
        return EXIT_FAILED;
    log_set_level(LOG_LEVEL_WARN); /* what the parts tell of their work is for daemons */
    buffer_init(&why, WORDS_BYTES_MAX);
    int status = EXIT_FAILED;
    int err = board_read(&board, config, &why);
    if (err < 0)
        (void)fprintf(stderr, "ghgd alerts: %s\n", why.size > 0 ? buffer_text(&why) : err_str(err));
    else
        status = order->target != NULL ? show(order, &board) : list(order, &board);
    if (err == 0)
        board_fini(&board);
    buffer_fini(&why);
    config_destroy(&config);
    return status;
}

/* --- test --- */

/* Returns whether the output took it. */
static bool try_output(const struct sink_conf *conf)
{
    struct trial trial;
    int err = trial_run(&trial, conf, clock_wall_ms());
    const char *taken = trial.taken ? "taken" : "not taken";
    const char *between = trial.taken ? "" : ": ";
    if (err < 0)
        (void)printf("%s: nothing was sent: %s\n", conf->name,
                     trial.words[0] != '\0' ? trial.words : err_str(err));
    else if (trial.status == 0)
        (void)printf("%s: %s after %" PRId64 " ms%s%s\n", conf->name, taken, trial.took_ms, between,
                     trial.words);
    else
        (void)printf("%s: %s with status %d after %" PRId64 " ms%s%s\n", conf->name, taken,
                     trial.status, trial.took_ms, between, trial.words);
    return err == 0 && trial.taken;
}

static int try_outputs(const struct alerts_order *order, const struct config *config)
{
    uint32_t tried = 0;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < config->sinks_count; i++) {
        const struct sink_conf *conf = &config->sinks[i];
        if (order->sinks.count > 0 && !sink_choice_has(&order->sinks, conf->name))
            continue;
        if (sink_conf_tells_people(conf)) {
            tried++;
            taken += try_output(conf);
        } else if (order->sinks.count > 0) {
            (void)fprintf(
                stderr, "ghgd alerts: sink \"%s\" is not of type webhook, alertmanager or topic\n",
                conf->name);
            return EXIT_FAILED;
        }
    }
    if (tried == 0)
        (void)fprintf(stderr,
                      "ghgd alerts: %s has no sink of type webhook, alertmanager or topic\n",
                      config->file);
    return tried > 0 && taken == tried ? EXIT_GOOD : EXIT_FAILED;
}

static int run_test(const struct alerts_order *order)
{
    struct config *config = NULL;
    if (command_load_config(&config, order->config_file) < 0)
        return EXIT_FAILED;
    int status = EXIT_FAILED;
    if (sink_choice_check(&order->sinks, "alerts", config) == 0)
        status = try_outputs(order, config);
    config_destroy(&config);
    return status;
}

int command_alerts(int argc, char **argv)
{
    struct alerts_order order = {.config_file = CONFIG_FILE_DEFAULT};
    const struct command_line line = {"alerts", usage, "c:h", options, take};
    int status = command_line_parse(&line, &order, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    if (optind >= argc)
        return command_misused("alerts", "wants to be told what, as in", "ghgd alerts list");
    const char *what = argv[optind++];
    bool shows = strcmp(what, "show") == 0;
    if (shows && optind >= argc)
        return command_misused("alerts", "wants the id of a target, as in", "ghgd alerts show hz");
    if (shows)
        order.target = argv[optind++];
    if (optind < argc)
        return command_misused("alerts", "there is one argument too many:", argv[optind]);
    if (strcmp(what, "test") == 0)
        return run_test(&order);
    if (shows || strcmp(what, "list") == 0)
        return run_board(&order);
    return command_misused("alerts", "has list, show and test, but no", what);
}
