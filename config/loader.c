/*
 * loader.c - from the YAML file to a configuration; see config.h.
 *
 * The file is walked once, along the table of options; the checks across options and the tables
 * follow, also after faults, as far as they do not depend on what was wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "config/options/checks.h"
#include "config/options/properties.h"
#include "config/options/values.h"
#include "config/options/yaml.h"
#include "config/registry/tables.h"

enum {
    FILE_BYTES_MAX = 1 << 20, /* what comes in thousands is in tables; this is 20 000 lines */
    PATH_KEYS_MAX = 256,
    ERRORS_SHOWN_MAX = 100
};

struct walk {
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

static void report_unknown(const struct walk *walk, const struct yaml_pair *pair, const char *path)
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

static void set_list(const struct walk *walk, const struct option *option, struct yaml_value list)
{
    void *cursor = NULL;
    struct yaml_value item;
    while (yaml_next_item(walk->yaml, list, &cursor, &item)) {
        if (item.kind != YAML_TEXT) {
            LOADING_ERROR(walk->loading, item.place, "%s: found %s in the list; expected texts",
                          option->path, yaml_kind_name(item.kind));
            return;
        }
        if (value_set(walk->loading, option, walk->base, item.text, item.place) < 0)
            return;
    }
}

static void refuse_kind(const struct walk *walk, const struct option *option,
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

static void set_option(const struct walk *walk, const struct option *option,
                       const struct yaml_pair *pair)
{
    struct loading *loading = walk->loading;
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
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the paths in the table, which is three. */
static void walk_mapping(const struct walk *walk, struct yaml_value mapping);

static void set_defaults(struct loading *loading, void *base, bool of_sink)
{
    struct place nowhere = {0, 0};
    for (size_t i = 0; i < options_count; i++)
        if (options[i].standard != NULL && option_is_of_sink(&options[i]) == of_sink)
            (void)value_set(loading, &options[i], base, options[i].standard, nowhere);
}

static void walk_sinks(const struct walk *walk, const struct yaml_pair *pair)
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
        walk_mapping(&(struct walk){loading, walk->yaml, SINKS_PATH, (int)index, sink}, item);
    }
}

/* Whether the tables are read with what stands in this section. */
static bool matters_to_tables(const char *section)
{
    return strcmp(section, "tables") == 0 || strcmp(section, "windows") == 0 ||
           strcmp(section, "emissions") == 0;
}

static void walk_section(const struct walk *walk, const struct yaml_pair *pair, const char *path)
{
    struct loading *loading = walk->loading;
    uint32_t errors = loading->faults->errors;
    if (pair->value.kind == YAML_MAPPING)
        walk_mapping(&(struct walk){loading, walk->yaml, path, walk->sink, walk->base},
                     pair->value);
    else if (pair->value.kind != YAML_NOTHING) /* everything in it may be commented out */
        LOADING_ERROR(loading, pair->place, "%s: found %s; expected keys with values", path,
                      yaml_kind_name(pair->value.kind));
    if (loading->faults->errors > errors && matters_to_tables(path))
        loading->tables_unsure = true;
}

static void walk_mapping(const struct walk *walk, struct yaml_value mapping)
{
    void *cursor = NULL;
    struct yaml_pair pair;
    while (yaml_next_pair(walk->yaml, mapping, &cursor, &pair)) {
        struct buffer text;
        buffer_init(&text, FILE_BYTES_MAX + PATH_KEYS_MAX);
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
        walk_mapping(&(struct walk){loading, yaml, "", -1, loading->config}, root);
    else
        LOADING_ERROR(loading, root.place, "found %s; expected keys with values, such as input:",
                      yaml_kind_name(root.kind));
    if (root.kind == YAML_MAPPING)
        checks_run(loading);
    yaml_destroy(&yaml);
}

static void build_registry(struct loading *loading)
{
    struct config *config = loading->config;
    const struct table_files *files = &config->tables;
    if (files->facilities == NULL || files->meters == NULL)
        return;
    struct tables_conf conf = {
        .facilities = files->facilities,
        .meters = files->meters,
        .factors = files->factors.items,
        .factors_count = files->factors.count,
        .catalogue = files->catalogue,
        .group_levels_count = files->groups.count,
        .gwp_set = config->gwp_set,
        .bucket_ms = config->window.bucket_ms,
        .horizon_ms = config->window.horizon_ms,
        .fiscal_year_start = config->window.fiscal_year_start,
    };
    for (uint32_t i = 0; i < files->groups.count; i++)
        conf.group_levels[i] = files->groups.items[i];
    uint32_t errors = loading->faults->errors;
    int err = registry_build(&config->registry, &conf, loading->faults);
    if (err == -ENOMEM)
        loading->failed_memory = true;
    else if (err < 0 && loading->faults->errors == errors)
        LOADING_ERROR(loading, ((struct place){0, 0}), "tables: %s", err_str(err));
}

static void load(struct loading *loading, struct buffer *text)
{
    set_defaults(loading, loading->config, false);
    int err = read_file(loading->file, text);
    if (err < 0) {
        LOADING_ERROR(loading, ((struct place){0, 0}), "cannot be read: %s",
                      err == -EFBIG ? "it is larger than 1MiB" : strerrordesc_np(-err));
        return;
    }
    faults_show_source(loading->faults, loading->file, text->data, text->size);
    walk_text(loading, text->data == NULL ? "" : text->data, text->size);
    if (loading->config->tables.catalogue == NULL)
        loading->config->tables.catalogue = GHGD_CATALOGUE_DIR;
    faults_sort(loading->faults);
    if (!loading->tables_unsure)
        build_registry(loading);
    faults_show_source(loading->faults, NULL, NULL, 0);
}

static int create(struct config **config_out, const char *file)
{
    struct arena *arena;
    int err = arena_create(&arena);
    if (err < 0)
        return err;
    struct config *config = arena_alloc(arena, sizeof(*config));
    if (config == NULL) {
        arena_destroy(&arena);
        return -ENOMEM;
    }
    config->arena = arena;
    config->file = arena_text(arena, file, strlen(file));
    *config_out = config;
    return 0;
}

int config_load(struct config **config_out, const char *file, struct buffer *faults_text)
{
    struct config *config = NULL;
    struct faults faults = {.text = faults_text, .errors_max = ERRORS_SHOWN_MAX};
    struct loading loading = {.faults = &faults, .file = file, .folder = ""};
    loading.failed_memory = create(&config, file) < 0;
    if (!loading.failed_memory) {
        loading.config = config;
        const char *slash = strrchr(file, '/');
        if (slash != NULL)
            loading.folder =
                loading_text(&loading, file, slash == file ? 1 : (size_t)(slash - file));
        struct buffer text;
        buffer_init(&text, FILE_BYTES_MAX);
        load(&loading, &text);
        buffer_fini(&text);
    }
    if (loading.failed_memory)
        faults_error(&faults, file, 0, 0, "out of memory");
    faults_end(&faults);
    if (faults.errors > 0) {
        config_destroy(&config);
        return ERR_CONFIG;
    }
    *config_out = config;
    return 0;
}

void config_destroy(struct config **config)
{
    struct config *gone = TAKE(*config);
    if (gone == NULL)
        return;
    if (gone->registry != NULL)
        registry_destroy(&gone->registry);
    struct arena *arena = gone->arena;
    arena_destroy(&arena); /* the configuration lies in it */
}
