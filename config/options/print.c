/*
 * print.c - the effective configuration as YAML; see config.h.
 */
#include <string.h>

#include "config/config.h"
#include "config/options/options.h"
#include "config/options/properties.h"
#include "config/options/values.h"

static void indent(struct buffer *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        buffer_add_str(out, "  ");
}

/* The sections of `path` that `last` has not opened, each on its line. Returns the depth. */
static size_t print_sections(const char *path, const char *last, struct buffer *out)
{
    size_t depth = 0;
    bool same = true;
    for (size_t start = 0; path[start + strcspn(path + start, ".")] == '.'; depth++) {
        size_t size = strcspn(path + start, ".");
        same = same && strncmp(path, last, start + size + 1) == 0;
        if (!same) {
            indent(out, depth);
            buffer_add(out, path + start, size);
            buffer_add_str(out, ":\n");
        }
        start += size + 1;
    }
    return depth;
}

static void print_properties(const struct kafka_conf *kafka, size_t depth, struct buffer *out)
{
    for (uint32_t i = 0; i < kafka->properties_count; i++) {
        const struct conf_property *property = &kafka->properties[i];
        indent(out, depth);
        yaml_print_text(out, property->key);
        buffer_add_str(out, ": ");
        yaml_print_text(out, property_is_secret(property->key) ? "<set>" : property->value);
        buffer_add_char(out, '\n');
    }
}

static void print_option(const struct config *config, const struct option *option, size_t depth,
                         struct buffer *out)
{
    indent(out, depth);
    buffer_printf(out, "%s:", option_key(option));
    if (option->type == OPTION_PROPERTIES) {
        buffer_add_char(out, '\n');
        print_properties(&config->kafka, depth + 1, out);
        return;
    }
    buffer_add_char(out, ' ');
    value_print(option, config, out);
    buffer_add_char(out, '\n');
}

/* Options with no meaning for the sink's type were refused when given: their defaults are noise. */
static bool is_of_use(const struct sink_conf *sink, const struct option *option)
{
    static const char *const http_only[] = {"dialect", "gzip", "timeout", "connect_timeout"};
    for (size_t i = 0; i < ARRAY_LEN(http_only) && sink->type != SINK_INFLUX; i++)
        if (strcmp(option_key(option), http_only[i]) == 0)
            return false;
    return strcmp(option_key(option), "confirm_after") != 0 ||
           (sink->type == SINK_INFLUX && sink->dialect == DIALECT_VICTORIA);
}

static void print_sink(const struct sink_conf *sink, struct buffer *out)
{
    const char *lead = "  - ";
    for (size_t i = 0; i < options_count; i++) {
        const struct option *option = &options[i];
        if (!option_is_of_sink(option) || !value_is_set(option, sink) || !is_of_use(sink, option))
            continue;
        buffer_printf(out, "%s%s: ", lead, option_key(option));
        value_print(option, sink, out);
        buffer_add_char(out, '\n');
        lead = "    ";
    }
}

void config_print(const struct config *config, struct buffer *out)
{
    const char *last = "";
    bool sinks_printed = config->sinks_count == 0;
    for (size_t i = 0; i < options_count; i++) {
        const struct option *option = &options[i];
        if (option_is_of_sink(option)) {
            if (!sinks_printed)
                buffer_add_str(out, SINKS_PATH ":\n");
            for (uint32_t j = 0; j < config->sinks_count && !sinks_printed; j++)
                print_sink(&config->sinks[j], out);
            sinks_printed = true;
            continue;
        }
        if (!value_is_set(option, config))
            continue;
        print_option(config, option, print_sections(option->path, last, out), out);
        last = option->path;
    }
}
