#include "daemon/command_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/durations.h"
#include "base/timestamp.h"
#include "daemon/command.h"

enum { DATE_SIZE = sizeof("2026-03-01") - 1 };

int moment_parse(int64_t *ms_out, const char *text, int64_t now_ms)
{
    size_t size = strlen(text);
    int64_t duration_ms;
    int err = duration_parse(&duration_ms, text, size);
    if (err == 0) {
        if (duration_ms > now_ms - TIME_MIN_MS)
            return ERR_RANGE;
        *ms_out = now_ms - duration_ms;
        return 0;
    }
    if (err == ERR_RANGE || size != DATE_SIZE)
        return err == ERR_RANGE ? err : timestamp_parse(ms_out, text, size);
    char whole[DATE_SIZE + sizeof("T00:00:00Z")];
    (void)snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
    return timestamp_parse(ms_out, whole, sizeof(whole) - 1);
}

int command_line_parse(const struct command_line *line, void *context, int argc, char **argv)
{
    int option;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet
    while ((option = getopt_long(argc, argv, line->letters, line->options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(line->usage, stdout);
            return -1;
        }
        if (option == '?' || line->take(context, option, optarg) != EXIT_GOOD)
            return EXIT_MISUSED;
    }
    return EXIT_GOOD;
}

int command_line_parse_all(const struct command_line *line, void *context, int argc, char **argv)
{
    int status = command_line_parse(line, context, argc, argv);
    if (status == EXIT_GOOD && optind < argc)
        status = command_misused(line->command, "takes options only, not", argv[optind]);
    return status;
}

int command_line_take_moment(const char *command, const char *option, const char *value,
                             int64_t now_ms, int64_t *ms_out)
{
    if (moment_parse(ms_out, value, now_ms) == 0)
        return EXIT_GOOD;
    char what[64];
    (void)snprintf(what, sizeof(what), "%s wants a time, a date or a duration, not", option);
    return command_misused(command, what, value);
}

int sink_choice_add(struct sink_choice *choice, const char *command, const char *name)
{
    if (choice->count == SINKS_MAX)
        return command_misused(command, "there are not so many sinks:", name);
    choice->names[choice->count++] = name;
    return EXIT_GOOD;
}

bool sink_choice_has(const struct sink_choice *choice, const char *name)
{
    for (uint32_t i = 0; i < choice->count; i++) {
        if (strcmp(choice->names[i], name) == 0)
            return true;
    }
    return false;
}

int sink_choice_check(const struct sink_choice *choice, const char *command,
                      const struct config *config)
{
    for (uint32_t i = 0; i < choice->count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < config->sinks_count; j++)
            found |= strcmp(config->sinks[j].name, choice->names[i]) == 0;
        if (found)
            continue;
        (void)fprintf(stderr, "ghgd %s: the configuration has no sink \"%s\"\n", command,
                      choice->names[i]);
        return -ENOENT;
    }
    return 0;
}
