#include "config/options/print.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/date.h"
#include "base/durations.h"
#include "config/options/options.h"
#include "config/options/properties.h"

/* ---- one value ---- */

static bool is_plain(const char *text)
{
    static const char *const taken[] = {"true", "false", "null", "yes", "no", "on", "off"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (strcmp(text, taken[i]) == 0)
            return false;
    if (!isalnum((unsigned char)text[0]) && strchr("/<.", text[0]) == NULL)
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("_./:@-+<>", *c) == NULL)
            return false;
    return text[strlen(text) - 1] != ':';
}

/* Text as a YAML scalar: plain where that is safe, else in double quotes. */
static void print_text(struct buffer *out, const char *text)
{
    if (is_plain(text)) {
        buffer_add_str(out, text);
        return;
    }
    buffer_add_char(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            buffer_add_char(out, '\\');
        if (iscntrl((unsigned char)*c))
            buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)*c);
        else
            buffer_add_char(out, *c);
    }
    buffer_add_char(out, '"');
}

static const void *member_of(const struct option *option, const void *base)
{
    return (const char *)base + option->offset;
}

static bool value_is_set(const struct option *option, const void *base)
{
    const void *member = member_of(option, base);
    switch (option->type) {
    case OPTION_CHOICE:
    case OPTION_INTEGER:
    case OPTION_BOOLEAN:
    case OPTION_DURATION:
    case OPTION_SIZE:
    case OPTION_PERCENT:
    case OPTION_SHARE:
    case OPTION_WEEKDAYS:
    case OPTION_LISTEN:
        return true;
    case OPTION_SECRET_FILE:
    case OPTION_CREDENTIAL:
        return false; /* the secret itself is printed, as "<set>" */
    case OPTION_IDENTIFIERS:
    case OPTION_INPUT_PATHS:
        return ((const struct text_list *)member)->count > 0;
    default:
        return *(const void *const *)member != NULL;
    }
}

static void print_list(const struct text_list *list, struct buffer *out)
{
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            buffer_add_str(out, ", ");
        print_text(out, list->items[i]);
    }
    buffer_add_char(out, ']');
}

static void print_choice(const struct option *option, int value, struct buffer *out)
{
    for (const struct choice *choice = option->choices; choice->word != NULL; choice++)
        if (choice->value == value)
            buffer_add_str(out, choice->word);
}

static void print_weekdays(uint8_t days, struct buffer *out)
{
    bool several = (days & (days - 1)) != 0;
    const char *before = several ? "[" : "";
    for (int i = 0; i < WEEKDAYS; i++) {
        if ((days >> i & 1) == 0)
            continue;
        buffer_printf(out, "%s%s", before, date_weekday_name(i));
        before = ", ";
    }
    buffer_add_str(out, days == 0 ? "none" : several ? "]" : "");
}

static void value_print(const struct option *option, const void *base, struct buffer *out)
{
    const void *member = member_of(option, base);
    switch (option->type) {
    case OPTION_CHOICE:
        print_choice(option, *(const int *)member, out);
        break;
    case OPTION_INTEGER:
        buffer_add_int(out, option->size == sizeof(int) ? *(const int *)member
                                                        : *(const int64_t *)member);
        break;
    case OPTION_BOOLEAN:
        buffer_add_str(out, *(const bool *)member ? "true" : "false");
        break;
    case OPTION_DURATION:
        duration_print(out, *(const int64_t *)member);
        break;
    case OPTION_SIZE:
        size_print(out, *(const int64_t *)member);
        break;
    case OPTION_PERCENT:
        percent_print(out, *(const int64_t *)member);
        break;
    case OPTION_SHARE:
        share_print(out, *(const int64_t *)member);
        break;
    case OPTION_WEEKDAYS:
        print_weekdays(((const struct weekdays *)member)->days, out);
        break;
    case OPTION_IDENTIFIERS:
    case OPTION_INPUT_PATHS:
        print_list(member, out);
        break;
    case OPTION_SECRET:
        buffer_add_str(out, "<set>");
        break;
    case OPTION_LISTEN:
        if (*(const char *const *)member == NULL) {
            buffer_add_str(out, "off");
            break;
        }
        __attribute__((fallthrough));
    default:
        print_text(out, *(const char *const *)member);
    }
}

static void describe_choices(const struct option *option, struct buffer *out)
{
    for (const struct choice *choice = option->choices; choice->word != NULL; choice++) {
        bool last = choice[1].word == NULL;
        buffer_add_str(out, choice == option->choices ? "" : last ? " or " : ", ");
        buffer_add_str(out, choice->word);
    }
}

static void describe_range(const struct option *option, const char *what,
                           void (*print)(struct buffer *, int64_t), struct buffer *out)
{
    buffer_printf(out, "%s from ", what);
    print(out, option->min);
    buffer_add_str(out, " to ");
    print(out, option->max);
    if (option->standard != NULL)
        buffer_printf(out, ", such as %s", option->standard);
}

void option_describe(const struct option *option, struct buffer *out)
{
    static const char *const words[OPTION_TYPE_COUNT] = {
        [OPTION_TEXT] = "a text",
        [OPTION_IDENTIFIER] = "a name of a-z, 0-9, _ and -",
        [OPTION_TOPIC] = "the name of a topic",
        [OPTION_BROKERS] = "host:port, several as a list",
        [OPTION_FIELD] = "a field's name, nested ones with dots: device.id",
        [OPTION_BOOLEAN] = "true or false",
        [OPTION_WEEKDAYS] = "some of Mon, Tue, Wed, Thu, Fri, Sat, Sun, or none",
        [OPTION_DATE] = "a date from 1900 to 2199, such as 2026-01-01",
        [OPTION_URL] = "a URL like http://localhost:8086",
        [OPTION_LISTEN] = "host:port or off",
        [OPTION_INPUT_PATH] = "a path",
        [OPTION_OUTPUT_PATH] = "a path",
        [OPTION_IDENTIFIERS] = "names of a-z, 0-9, _ and -",
        [OPTION_INPUT_PATHS] = "paths",
        [OPTION_SECRET_FILE] = "a path",
        [OPTION_CREDENTIAL] = "the name of a credential",
        [OPTION_PROPERTIES] = "properties of librdkafka by name",
    };
    switch (option->type) {
    case OPTION_WORD:
    case OPTION_CHOICE:
        describe_choices(option, out);
        break;
    case OPTION_DURATION:
        describe_range(option, "a duration", duration_print, out);
        break;
    case OPTION_SIZE:
        describe_range(option, "a size", size_print, out);
        break;
    case OPTION_PERCENT:
        describe_range(option, "a percentage", percent_print, out);
        break;
    case OPTION_SHARE:
        describe_range(option, "a number", share_print, out);
        break;
    case OPTION_INTEGER:
        buffer_printf(out, "a number from %" PRId64 " to %" PRId64, option->min, option->max);
        break;
    case OPTION_IDENTIFIERS:
        buffer_printf(out, "up to %" PRId64 " names of a-z, 0-9, _ and -", option->max);
        break;
    default:
        buffer_add_str(out, words[option->type] == NULL ? "something else" : words[option->type]);
    }
}

/* ---- all of them ---- */

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
        print_text(out, property->key);
        buffer_add_str(out, ": ");
        print_text(out, property_is_secret(property->key) ? "<set>" : property->value);
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
    enum {
        INFLUX = 1 << SINK_INFLUX,
        HOOKS = 1 << SINK_WEBHOOK | 1 << SINK_ALERTMANAGER,
    };
    static const struct {
        const char *key;
        unsigned types; /* a bit for each */
    } defaults[] = {
        {"dialect", INFLUX},
        {"gzip", INFLUX},
        {"timeout", INFLUX | HOOKS},
        {"connect_timeout", INFLUX | HOOKS},
        {"language", HOOKS | 1 << SINK_TOPIC},
        {"repeat", 1 << SINK_ALERTMANAGER},
        {"batch_rows", ~(1U << SINK_ALERTMANAGER | 1U << SINK_TOPIC)},
    };
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (strcmp(option_key(option), defaults[i].key) == 0 &&
            (defaults[i].types >> sink->type & 1) == 0)
            return false;
    static const char *const totals_only[] = {"create", "replication"};
    for (size_t i = 0; i < ARRAY_LEN(totals_only) && sink->type != SINK_TOTALS; i++)
        if (strcmp(option_key(option), totals_only[i]) == 0)
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
    {"tables",
     "Facilities, meters, factors, targets and what belongs to them stand in CSV tables; see "
     "Tables above, and [targets.md](targets.md)."},
    {"windows", "How time is cut, and how long it may change."},
    {"trajectory",
     "How targets are judged: [targets.md](targets.md). They stand in tables.targets."},
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
