#include <stdio.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "config/options/print.h"
#include "daemon/check_targets.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/engine/needs.h"

static const char usage[] =
    "ghgd check [-c FILE]\n"
    "\n"
    "Reads the configuration and every table that it names, reports all faults at once, tries the\n"
    "Kafka properties on a client, and prints the configuration in force, the memory it will "
    "need,\n"
    "the number of series it will write, and what targets allow in each year. Connects to "
    "nothing.\n"
    "Exit status 1 if there are faults.\n"
    "\n"
    "  -c, --config FILE   the configuration (default " CONFIG_FILE_DEFAULT ")\n"
    "  -q, --quiet         faults only\n"
    "  -h, --help          this text\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void print_config(const struct config *config)
{
    struct buffer out;
    buffer_init(&out, 16 << 20);
    config_print(config, &out);
    buffer_add_char(&out, '\n');
    needs_print(config, &out);
    check_targets_print(config, (int32_t)(clock_wall_ms() / DAY_MS), &out);
    (void)fwrite(out.data, 1, out.size, stdout);
    buffer_fini(&out);
}

struct check_arguments {
    const char *file;
    bool quiet;
};

static int take_option(void *context, int option, const char *value)
{
    struct check_arguments *arguments = context;
    if (option == 'c')
        arguments->file = value;
    arguments->quiet |= option == 'q';
    return EXIT_GOOD;
}

int command_check(int argc, char **argv)
{
    static const struct command_line line = {.command = "check",
                                             .usage = usage,
                                             .letters = "c:qh",
                                             .options = options,
                                             .take = take_option};
    struct check_arguments arguments = {.file = CONFIG_FILE_DEFAULT};
    int status = command_line_parse_all(&line, &arguments, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    struct config *config;
    if (command_load_run_config(&config, arguments.file) < 0)
        return EXIT_FAILED;
    if (!arguments.quiet)
        print_config(config);
    config_destroy(&config);
    return EXIT_GOOD;
}
