/*
 * command.h - the subcommands of ghgd. Each gets what follows its name and returns the exit status:
 * 0 good, 1 failed, 2 misused. Results go to standard output, complaints to standard error.
 */
#ifndef GHGD_COMMAND_H
#define GHGD_COMMAND_H

#include "config/config.h"

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_MISUSED = 2 };

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_resync(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_readings(int argc, char **argv);
int command_decide(int argc, char **argv);
int command_trajectory(int argc, char **argv);
int command_alerts(int argc, char **argv);
int command_groups(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_deadletter(int argc, char **argv);

/* Where a configuration is looked for when no -c is given. */
#define CONFIG_FILE_DEFAULT "/etc/ghgd/ghgd.yaml"

/* Loads the configuration and prints its faults to standard error. Returns 0 or ERR_CONFIG. */
int command_load_config(struct config **config_out, const char *file) MUST_CHECK;
/* The same, for a command that prints figures: warnings without an error are one line that counts
 * them. `command` is its name. */
int command_load_config_briefly(struct config **config_out, const char *file,
                                const char *command) MUST_CHECK;
/* As command_load_config(), and what `ghgd run` needs beyond it: topic, brokers, sinks, Kafka
 * properties that a client takes. */
int command_load_run_config(struct config **config_out, const char *file) MUST_CHECK;
/* Makes the state directory, readable by its owner only, if it is missing. The folder above it must
 * exist: it may be a volume that is not mounted. A failure is only logged: some sinks need no file,
 * and a sink that needs one reports what it cannot open. */
void command_make_state_directory(const struct config *config);
/* Says what is wrong with the command line and how to get help; returns EXIT_MISUSED. */
int command_misused(const char *command, const char *what, const char *found);

#endif
