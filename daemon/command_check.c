#include <getopt.h>
#include <stdio.h>

#include "daemon/command.h"

static const char usage[] =
    "ghgd check [-c FILE]\n"
    "\n"
    "Reads the configuration and every table that it names, reports all faults at once, tries the\n"
    "Kafka properties on a client, and prints the configuration in force, the memory it will need\n"
    "and the number of series it will write. Connects to nothing. Exit status 1 if there are\n"
    "faults.\n"
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
    config_print_needs(config, &out);
    (void)fwrite(out.data, 1, out.size, stdout);
    buffer_fini(&out);
}

int command_check(int argc, char **argv)
{
    const char *file = CONFIG_FILE_DEFAULT;
    bool quiet = false;
    int option;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet
    while ((option = getopt_long(argc, argv, "c:qh", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return EXIT_GOOD;
        }
        if (option == '?')
            return EXIT_MISUSED;
        if (option == 'c')
            file = optarg;
        quiet |= option == 'q';
    }
    if (optind < argc)
        return command_misused("check", "takes no argument", argv[optind]);
    struct config *config;
    if (command_load_run_config(&config, file) < 0)
        return EXIT_FAILED;
    if (!quiet)
        print_config(config);
    config_destroy(&config);
    return EXIT_GOOD;
}
