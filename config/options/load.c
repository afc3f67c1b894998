#include "config/options/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/options/checks.h"
#include "config/options/option_value.h"
#include "config/options/print.h"
#include "config/options/properties.h"
#include "config/options/yaml.h"

enum { PATH_KEYS_MAX = 256 };

struct section_walk {
    struct loading *loading;
    const struct yaml *yaml;
    const char *section; /* "" for the root */
    int sink;            /* -1 outside of sinks */
    void *base;          /* what the members belong to */
};

static const char *name_of(const char *section)
{
    return section[0] == '\0' ? "this file" : section;
}

/* An option of that key in another section, or NULL: "brokers" is meant to be "kafka.brokers". */
static const char *find_elsewhere(const char *key)
{
    for (size_t i = 0; i < options_count; i++)
        if (options[i].type != OPTION_SECRET && strcmp(option_key(&options[i]), key) == 0)
            return options[i].path;
    return NULL;
}

static void report_unknown(const struct section_walk *walk, const struct yaml_pair *pair,
                           const char *path)
{
    const char *keys[OPTIONS_MAX];
    struct buffer text;
    buffer_init(&text, 16384);
    size_t count = option_keys(walk->section, keys, ARRAY_LEN(keys), &text);
    const char *near = faults_suggest(pair->key, keys, count);
    const char *elsewhere = find_elsewhere(pair->key);
    if (near != NULL || elsewhere != NULL) {
        LOADING_ERROR(walk->loading, pair->place, "%.80s: unknown key; did you mean \"%s\"?", path,
                      near != NULL ? near : elsewhere);
    } else {
        struct buffer known;
        buffer_init(&known, 16384);
        for (size_t i = 0; i < count; i++)
            buffer_printf(&known, "%s%s", i == 0 ? "" : ", ", keys[i]);
        const char *list = buffer_text(&known);
        LOADING_ERROR(walk->loading, pair->place, "%.80s: unknown key; %s has %s", path,
                      name_of(walk->section), list == NULL ? "others" : list);
        buffer_fini(&known);
    }
    buffer_fini(&text);
}

static void set_list(const struct section_walk *walk, const struct option *option,
                     struct yaml_value list)
{
    void *cursor = NULL;
    struct yaml_value item;
    bool empty = true;
    while (yaml_next_item(walk->yaml, list, &cursor, &item)) {
        empty = false;
        if (item.kind != YAML_TEXT) {
            LOADING_ERROR(walk->loading, item.place, "%s: found %s in the list; expected texts",
                          option->path, yaml_kind_name(item.kind));
            return;
        }
        if (value_set(walk->loading, option, walk->base, item.text, item.place) < 0)
            return;
    }
    if (empty && option->type == OPTION_WEEKDAYS) /* no days, and not the default ones */
        (void)value_set(walk->loading, option, walk->base, "none", list.place);
}

static void refuse_kind(const struct section_walk *walk, const struct option *option,
                        const struct yaml_pair *pair)
{
    struct buffer accepted;
    buffer_init(&accepted, 4096);
    option_describe(option, &accepted);
    const char *text = buffer_text(&accepted);
    LOADING_ERROR(walk->loading, pair->place, "%s: found %s; expected %s", option->path,
                  yaml_kind_name(pair->value.kind), text == NULL ? "something else" : text);
    buffer_fini(&accepted);
}

/* Whether the other options of a sink depend on this one. */
static bool decides_sink(const struct option *option)
{
    return strcmp(option->path, "sinks.type") == 0 || strcmp(option->path, "sinks.dialect") == 0;
}

static void set_option(const struct section_walk *walk, const struct option *option,
                       const struct yaml_pair *pair)
{
    struct loading *loading = walk->loading;
    uint32_t errors = loading->faults->errors;
    loading->places[1 + walk->sink][option_index(option)] = pair->value.place;
    if (option->type == OPTION_PROPERTIES) {
        properties_read(loading, walk->yaml, pair->value);
    } else if (option->type == OPTION_SECRET) {
        loading->places[1 + walk->sink][option_index(option)] = pair->place;
        (void)value_set(loading, option, walk->base, "", pair->place); /* says why not */
    } else if (pair->value.kind == YAML_TEXT) {
        (void)value_set(loading, option, walk->base, pair->value.text, pair->value.place);
    } else if (pair->value.kind == YAML_SEQUENCE && option_is_list(option)) {
        set_list(walk, option, pair->value);
    } else {
        refuse_kind(walk, option, pair);
    }
    if (loading->faults->errors > errors && decides_sink(option))
        loading->sinks_unsure[walk->sink] = true;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the paths in the table, which is three. */
static void walk_mapping(const struct section_walk *walk, struct yaml_value mapping);

static void set_defaults(struct loading *loading, void *base, bool of_sink)
{
    struct file_place nowhere = {0, 0};
    for (size_t i = 0; i < options_count; i++)
        if (options[i].standard != NULL && option_is_of_sink(&options[i]) == of_sink)
            (void)value_set(loading, &options[i], base, options[i].standard, nowhere);
}

static void walk_sinks(const struct section_walk *walk, const struct yaml_pair *pair)
{
    struct loading *loading = walk->loading;
    struct config *config = loading->config;
    if (pair->value.kind == YAML_NOTHING)
        return;
    if (pair->value.kind != YAML_SEQUENCE) {
        LOADING_ERROR(loading, pair->place,
                      "sinks: found %s; expected a list, each item beginning with \"- name:\"",
                      yaml_kind_name(pair->value.kind));
        return;
    }
    config->sinks = loading_alloc(loading, SINKS_MAX * sizeof(*config->sinks));
    void *cursor = NULL;
    struct yaml_value item;
    while (config->sinks != NULL && yaml_next_item(walk->yaml, pair->value, &cursor, &item)) {
        if (item.kind != YAML_MAPPING) {
            LOADING_ERROR(loading, item.place, "sinks: found %s; expected keys with values",
                          yaml_kind_name(item.kind));
            continue;
        }
        if (config->sinks_count == SINKS_MAX) {
            LOADING_ERROR(loading, item.place, "sinks: more than %d", SINKS_MAX);
            return;
        }
        uint32_t index = config->sinks_count++;
        struct sink_conf *sink = &config->sinks[index];
        loading->sinks[index] = item.place;
        set_defaults(loading, sink, true);
        walk_mapping(&(struct section_walk){loading, walk->yaml, SINKS_PATH, (int)index, sink},
                     item);
    }
}

/* Whether the tables are read with what stands in this section. */
static bool matters_to_tables(const char *section)
{
    return strcmp(section, "tables") == 0 || strcmp(section, "windows") == 0 ||
           strcmp(section, "emissions") == 0;
}

static void walk_section(const struct section_walk *walk, const struct yaml_pair *pair,
                         const char *path)
{
    struct loading *loading = walk->loading;
    uint32_t errors = loading->faults->errors;
    if (pair->value.kind == YAML_MAPPING)
        walk_mapping(&(struct section_walk){loading, walk->yaml, path, walk->sink, walk->base},
                     pair->value);
    else if (pair->value.kind != YAML_NOTHING) /* everything in it may be commented out */
        LOADING_ERROR(loading, pair->place, "%s: found %s; expected keys with values", path,
                      yaml_kind_name(pair->value.kind));
    if (loading->faults->errors > errors && matters_to_tables(path))
        loading->tables_unsure = true;
}

static void walk_mapping(const struct section_walk *walk, struct yaml_value mapping)
{
    void *cursor = NULL;
    struct yaml_pair pair;
    while (yaml_next_pair(walk->yaml, mapping, &cursor, &pair)) {
        struct buffer text;
        buffer_init(&text, CONFIG_FILE_BYTES_MAX + PATH_KEYS_MAX);
        if (walk->section[0] != '\0')
            buffer_printf(&text, "%s.", walk->section);
        buffer_add_str(&text, pair.key);
        const char *path = buffer_text(&text);
        const struct option *option = path == NULL ? NULL : option_find(path, strlen(path));
        if (path == NULL)
            walk->loading->failed_memory = true;
        else if (option != NULL)
            set_option(walk, option, &pair);
        else if (strcmp(path, SINKS_PATH) == 0)
            walk_sinks(walk, &pair);
        else if (option_is_section(path, strlen(path)))
            walk_section(walk, &pair, path);
        else
            report_unknown(walk, &pair, path);
        buffer_fini(&text);
    }
}

/* NOLINTEND(misc-no-recursion) */

static int read_open_file(int file, struct buffer *out)
{
    char bytes[16384];
    for (;;) {
        ssize_t got = read(file, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return buffer_failed(out) ? -EFBIG : 0;
        buffer_add(out, bytes, (size_t)got);
        if (buffer_failed(out))
            return -EFBIG;
    }
}

static int read_file(const char *path, struct buffer *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    int err = read_open_file(file, out);
    close(file);
    return err;
}

static void walk_text(struct loading *loading, const char *text, size_t size)
{
    struct yaml *yaml = NULL;
    int err = yaml_parse(&yaml, loading, text, size);
    if (err == -ENOMEM)
        loading->failed_memory = true;
    if (err < 0)
        return;
    struct yaml_value root = yaml_root(yaml);
    if (root.kind == YAML_MAPPING)
        walk_mapping(&(struct section_walk){loading, yaml, "", -1, loading->config}, root);
    else
        LOADING_ERROR(loading, root.place, "found %s; expected keys with values, such as input:",
                      yaml_kind_name(root.kind));
    if (root.kind == YAML_MAPPING)
        checks_run(loading);
    yaml_destroy(&yaml);
}

void options_load(struct loading *loading, struct buffer *text)
{
    set_defaults(loading, loading->config, false);
    int err = read_file(loading->file, text);
    if (err < 0) {
        LOADING_ERROR(loading, ((struct file_place){0, 0}), "cannot be read: %s%s",
                      err == -EFBIG ? "it is larger than 1MiB" : strerrordesc_np(-err),
                      err == -ENOENT ? "; --config FILE names another one" : "");
        loading->tables_unsure = true;
        return;
    }
    faults_show_source(loading->faults, loading->file, text->data, text->size);
    walk_text(loading, text->data == NULL ? "" : text->data, text->size);
    faults_sort(loading->faults);
}
