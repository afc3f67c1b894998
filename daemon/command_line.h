/*
 * command_line.h - the options of a subcommand: one loop for all of them, and what several have.
 */
#ifndef GHGD_COMMAND_LINE_H
#define GHGD_COMMAND_LINE_H

#include <getopt.h>

#include "config/config.h"

struct command_line {
    const char *command, *usage; /* usage: the answer to --help */
    const char *letters;         /* as of getopt_long(); 'h' is --help in all of them */
    const struct option *options;
    /* Takes one option, with its value in `value` or NULL. EXIT_GOOD; or EXIT_MISUSED, and the
     * complaint was printed. */
    int (*take)(void *context, int option, const char *value);
};

/* Takes every option; what is left begins at optind. EXIT_GOOD; EXIT_MISUSED, and the complaint was
 * printed; or -1: help was asked for, and given. */
int command_line_parse(const struct command_line *line, void *context, int argc,
                       char **argv) MUST_CHECK;
/* The same of a command that takes options only. */
int command_line_parse_all(const struct command_line *line, void *context, int argc,
                           char **argv) MUST_CHECK;

/* A moment as people give it:
 *
 *     2026-03-01T10:15:00Z    RFC 3339, with offset
 *     2026-03-01              where that date begins in UTC
 *     36h, 2d12h              so long before now
 *
 * Returns 0, ERR_SYNTAX or ERR_RANGE. */
int moment_parse(int64_t *ms_out, const char *text, int64_t now_ms) MUST_CHECK;
/* A moment as the value of that option, as moment_parse(). EXIT_GOOD or EXIT_MISUSED. */
int command_line_take_moment(const char *command, const char *option, const char *value,
                             int64_t now_ms, int64_t *ms_out) MUST_CHECK;

/* Sinks by name: --sink, as often as there are sinks. Names are borrowed. */
struct sink_choice {
    const char *names[SINKS_MAX];
    uint32_t count;
};
int sink_choice_add(struct sink_choice *choice, const char *command, const char *name) MUST_CHECK;
bool sink_choice_has(const struct sink_choice *choice, const char *name);
/* Returns 0; or -ENOENT if the configuration has not all of them, which was printed. */
int sink_choice_check(const struct sink_choice *choice, const char *command,
                      const struct config *config) MUST_CHECK;

#endif
