/*
 * values.h - one option's value: from the text of the YAML file into its member, and back.
 */
#ifndef GHGD_VALUES_H
#define GHGD_VALUES_H

#include "config/options/loading.h"

/* Sets the option's member in `base` (a struct config or struct sink_conf) from text without a
 * NUL inside. Options that are lists get one more item. Returns 0, or ERR_CONFIG: the fault was
 * reported at `place` and the member is as before. */
int value_set(struct loading *loading, const struct option *option, void *base, const char *text,
              struct place place);

/* Why no Kafka topic can have this name, to follow the name in a sentence; NULL if one can. */
const char *topic_name_fault(const char *name);

bool option_is_list(const struct option *option);

/* Whether there is anything to print: texts, secrets and lists can be absent. */
bool value_is_set(const struct option *option, const void *base);
/* The value as YAML that value_set() would accept; secrets as "<set>". Not for properties. */
void value_print(const struct option *option, const void *base, struct buffer *out);

/* Text as a YAML scalar: plain where that is safe, else in double quotes. */
void yaml_print_text(struct buffer *out, const char *text);

#endif
