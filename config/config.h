/*
 * config.h - the configuration in force: the options of the YAML file, and the registry and targets
 * that the tables make up. Built by config_load(), const afterwards.
 */
#ifndef GHGD_CONFIG_H
#define GHGD_CONFIG_H

#include "base/buffer.h"
#include "config/options/settings.h"
#include "config/registry/registry.h"
#include "config/targets/targets.h"

/* Reads the file and every table it names. All faults go to `faults` as text for people, in file
 * order: file:line:column, what was found, what would be accepted. Returns 0 or ERR_CONFIG;
 * warnings alone are 0 too. */
int config_load(struct config **config_out, const char *file, struct buffer *faults) MUST_CHECK;
void config_destroy(struct config **config);

#endif
