/* command_alerts.c - `ghgd alerts test`: a sample alert through every output. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/alerts/trial.h"
#include "daemon/command.h"
#include "daemon/command_line.h"

static const char usage[] =
    "ghgd alerts test [-c FILE] [--sink NAME ...]\n"
    "\n"
    "Sends a sample alert through every output of alerts (sinks of type webhook, alertmanager and\n"
    "topic), once, and says what came back. The sample is marked as a test in its title and by "
    "the\n"
    "label test=\"true\"; its target is ghgd-test. Does not touch the daemon.\n"
    "\n"
    "  -c, --config FILE   the configuration of the daemon (default " CONFIG_FILE_DEFAULT ")\n"
    "      --sink NAME     this output; may be given several times (all by default)\n"
    "  -h, --help          this text\n"
    "\n"
    "Exits with 0 if every output took it, with 1 if one did not or there is no output, with 2 if\n"
    "the command was not understood.\n";

enum { OPTION_SINK = 256 };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"sink", required_argument, NULL, OPTION_SINK},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct alerts_order {
    const char *config_file;
    struct sink_choice sinks;
};

static int take(void *context, int option, const char *value)
{
    struct alerts_order *order = context;
    if (option == OPTION_SINK)
        return sink_choice_add(&order->sinks, "alerts", value);
    order->config_file = value;
    return EXIT_GOOD;
}

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
        return command_misused("alerts", "wants to be told what, as in", "ghgd alerts test");
    if (strcmp(argv[optind], "test") != 0)
        return command_misused("alerts", "has test, but no", argv[optind]);
    if (optind + 1 < argc)
        return command_misused("alerts", "there is one argument too many:", argv[optind + 1]);
    return run_test(&order);
}
