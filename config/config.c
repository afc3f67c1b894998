#include "config/config.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/arena.h"
#include "config/options/load.h"
#include "config/registry/tables.h"
#include "config/targets/target_tables.h"

enum { ERRORS_SHOWN_MAX = 100 };

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
        .countries = GHGD_CATALOGUE_DIR "/countries.csv",
        .group_levels_count = files->groups.count,
        .gwp_set = config->gwp_set,
        .bucket_ms = config->window.bucket_ms,
        .horizon_ms = config->window.horizon_ms,
        .fiscal_year_start = config->window.fiscal_year_start,
        .on_conflict = config->input.on_conflict,
        .reporting_from = config->reporting_from,
    };
    for (uint32_t i = 0; i < files->groups.count; i++)
        conf.group_levels[i] = files->groups.items[i];
    uint32_t errors = loading->faults->errors;
    int err = registry_build(&config->registry, &conf, loading->faults);
    if (err == -ENOMEM)
        loading->failed_memory = true;
    else if (err < 0 && loading->faults->errors == errors)
        LOADING_ERROR(loading, ((struct file_place){0, 0}), "tables: %s", err_str(err));
}

/* The shipped table, if the last part of the path is nothing but the code of a country. NULL after
 * a fault. */
static const char *holidays_path(struct loading *loading, const char *path)
{
    static const char *const shipped[] = {"BD", "CN", "IN", "TR", "VN"};
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (strlen(name) != 2 || !g_ascii_isupper(name[0]) || !g_ascii_isupper(name[1]))
        return path;
    for (size_t i = 0; i < ARRAY_LEN(shipped); i++)
        if (strcmp(shipped[i], name) == 0)
            return loading_join(loading, GHGD_CATALOGUE_DIR "/../holidays/", name, ".csv");
    LOADING_ERROR(
        loading, loading_place(loading, -1, "tables.holidays"),
        "tables.holidays: no holidays of \"%s\" are shipped; expected BD, CN, IN, TR, VN, "
        "or the path of a CSV table",
        name);
    return NULL;
}

static void build_targets(struct loading *loading)
{
    struct config *config = loading->config;
    const struct table_files *files = &config->tables;
    const char *holidays[HOLIDAY_TABLES_MAX];
    ASSERT(files->holidays.count <= ARRAY_LEN(holidays));
    uint32_t count = 0;
    for (uint32_t i = 0; i < files->holidays.count; i++) {
        holidays[count] = holidays_path(loading, files->holidays.items[i]);
        count += holidays[count] != NULL;
    }
    const struct targets_conf conf = {
        .targets = files->targets,
        .weights = files->weights,
        .base_changes = files->base_changes,
        .ownership = files->ownership,
        .history = files->history,
        .holidays = holidays,
        .holidays_count = count,
        .year_start = config->window.fiscal_year_start,
        .mcap_sat = config->trajectory.profile == PROFILE_MCAP_SAT,
    };
    if (targets_build(&config->targets, &conf, config->registry, loading->faults) == -ENOMEM)
        loading->failed_memory = true;
}

static void load(struct loading *loading, struct buffer *text)
{
    options_load(loading, text);
    if (loading->config->tables.catalogue == NULL)
        loading->config->tables.catalogue = GHGD_CATALOGUE_DIR;
    if (!loading->tables_unsure)
        build_registry(loading);
    if (loading->config->registry != NULL)
        build_targets(loading); /* else every id would seem unknown */
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
        buffer_init(&text, CONFIG_FILE_BYTES_MAX);
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
    ASSERT(config != NULL); /* without memory there is an error */
    config->warnings = faults.warnings;
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
    targets_destroy(&gone->targets);
    struct arena *arena = gone->arena;
    arena_destroy(&arena); /* the configuration lies in it */
}
