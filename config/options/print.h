/*
 * print.h - options in words: values as YAML, what an option accepts, and the reference.
 */
#ifndef GHGD_PRINT_H
#define GHGD_PRINT_H

#include "base/buffer.h"
#include "config/options/settings.h"

struct option;

/* The effective configuration as YAML, secrets as "<set>", to `out`. */
void config_print(const struct config *config, struct buffer *out);
/* The reference of every option, as Markdown: the generated part of docs/configuration.md. */
void config_print_reference(struct buffer *out);

/* The values that the option accepts, for people: "a duration from 1m to 1h, such as 15m". */
void option_describe(const struct option *option, struct buffer *out);

#endif
