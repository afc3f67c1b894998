/*
 * reference.c - every option in words, from the table that parses them; see config.h.
 */
#include <string.h>

#include "config/options/options.h"
#include "config/options/print.h"

/* The text above the options of a section. */
static const struct {
    const char *section, *text;
} introductions[] = {
    {"input", "The format of events, and where they come from."},
    {"input.fields",
     "Where a foreign producer keeps the fields of an event. Names of nested objects "
     "are joined by dots: `meter: device.id`. Absent: ghgd's own names."},
    {"kafka", "How the brokers are reached, and where events go that are not used."},
    {"checkpoint",
     "Where the state of a partition is saved together with its offset. A restart, or another "
     "process, goes on from there; see Checkpoints above."},
    {"tables", "Facilities, meters and factors stand in CSV tables; see Tables above."},
    {"windows", "How time is cut, and how long it may change."},
    {"emissions", "How activity becomes CO2e."},
    {"sinks", "A list: where the rows go. Each item has these keys. Several sinks do not wait for "
              "each other."},
    {"http", "The address of metrics, health and API."},
    {"log", "The log, on standard error."},
};

static void print_heading(const char *section, struct buffer *out)
{
    if (section[0] == '\0')
        buffer_add_str(out, "\n### The process\n");
    else
        buffer_printf(out, "\n### %s\n", section);
    for (size_t i = 0; i < ARRAY_LEN(introductions); i++)
        if (strcmp(introductions[i].section, section) == 0)
            buffer_printf(out, "\n%s\n", introductions[i].text);
    buffer_add_str(out, "\n| key | value | default | |\n|---|---|---|---|\n");
}

static void print_row(const struct option *option, struct buffer *out)
{
    buffer_printf(out, "| `%s` | ", option_key(option));
    option_describe(option, out);
    if (option->unit != NULL)
        buffer_printf(out, " (%s)", option->unit);
    if (option->standard != NULL)
        buffer_printf(out, " | `%s`", option->standard);
    else
        buffer_add_str(out, " | ");
    buffer_printf(out, " | %s |\n", option->help);
}

void config_print_reference(struct buffer *out)
{
    const char *last = NULL;
    size_t last_size = 0;
    for (size_t i = 0; i < options_count; i++) {
        const struct option *option = &options[i];
        if (option->type == OPTION_SECRET)
            continue;
        const char *key = option_key(option);
        size_t size = key == option->path ? 0 : (size_t)(key - option->path) - 1;
        if (last == NULL || size != last_size || strncmp(last, option->path, size) != 0) {
            char section[64] = "";
            ASSERT(size < sizeof(section));
            memcpy(section, option->path, size);
            print_heading(section, out);
        }
        last = option->path;
        last_size = size;
        print_row(option, out);
    }
}
