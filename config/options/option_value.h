/*
 * option_value.h - one option's value: from the text of the YAML file into its member.
 */
#ifndef GHGD_OPTION_VALUE_H
#define GHGD_OPTION_VALUE_H

#include "config/options/load.h"

/* Sets the option's member in `base` (a struct config or struct sink_conf) from text without a
 * NUL inside. Options that are lists get one more item. Returns 0, or ERR_CONFIG: the fault was
 * reported at `place` and the member is as before. */
int value_set(struct loading *loading, const struct option *option, void *base, const char *text,
              struct file_place place);

bool option_is_list(const struct option *option);

/* The name of the consumer group, with that behind it; NULL if no topic can be called so. A group
 * may be called anything. */
const char *loading_topic(struct loading *loading, const char *suffix);

#endif
