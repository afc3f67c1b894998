/* main.c - finds the subcommand in a table, and prints the table if it is not there. */
#include <stdio.h>
#include <string.h>

#include "daemon/command.h"

static int command_help(int argc, char **argv);
static int command_version(int argc, char **argv);

static const struct command {
    const char *name, *usage, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "[-c FILE]", "run in the foreground until SIGTERM", command_run},
    {"check", "[-c FILE]", "read the configuration, report every fault, say what it needs",
     command_check},
    {"replay", "[-c FILE] [OPTIONS] [EVENTS]",
     "the same pipeline over a file, or over the topic again", command_replay},
    {"deadletter", "list|show|retry|export", "list unused events, correct them, send them again",
     command_deadletter},
    {"resync", "[-c FILE] [--sink NAME]", "write the rows again that a database has lost",
     command_resync},
    {"audit", "[-c FILE] [--sink NAME]", "compare the state with the databases, to the last digit",
     command_audit},
    {"readings", "[-c FILE] [OPTIONS] METER",
     "list the readings of a meter, and what became of each", command_readings},
    {"decide", "METER TIME drop|accept|exchange",
     "a person's decision on a reading, as an event of the log", command_decide},
    {"trajectory", "[-c FILE] [TARGET ...]",
     "judge targets by the days of a database: budget, forecast, level", command_trajectory},
    {"alerts", "list|show|test [-c FILE]",
     "targets off their course, or a sample alert through every output", command_alerts},
    {"groups", "[-c FILE] [GROUP ...]",
     "emissions of groups by day, month or year, by a topic of totals", command_groups},
    {"demo", "[--for 20s]", "five simulated factories, live, with nothing to set up", command_demo},
    {"help", "[COMMAND]", "this list, or the options of one command", command_help},
    {"version", "", "the version", command_version},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void print_commands(FILE *out)
{
    (void)fprintf(
        out, "ghgd turns meter and fuel events into greenhouse-gas emissions per facility.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(out, "  ghgd %-10s %-30s %s\n", commands[i].name, commands[i].usage,
                      commands[i].help);
    (void)fprintf(
        out, "\nNew here? Try `ghgd demo`. Every command has --help; the manual is ghgd(1).\n");
}

static int command_help(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stdout);
        return EXIT_GOOD;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return command_misused("help", "there is no command", argv[1]);
    if (command->run == command_help || command->run == command_version) {
        (void)printf("ghgd %s %s\n  %s\n", command->name, command->usage, command->help);
        return EXIT_GOOD;
    }
    char *help[] = {argv[1], (char[]){"--help"}, NULL};
    return command->run(2, help);
}

static int command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)printf("ghgd %s\n", GHGD_VERSION);
    return EXIT_GOOD;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    const struct command *command = find_command(name);
    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    if (argc > 1)
        (void)fprintf(stderr, "ghgd: there is no command \"%s\"\n\n", argv[1]);
    print_commands(stderr);
    return EXIT_MISUSED;
}
