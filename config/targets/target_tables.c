#include "config/targets/target_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/targets/target_loader.h"

static int load(struct target_loader *loader)
{
    const struct targets_conf *conf = loader->conf;
    const struct {
        bool given;
        int (*load)(struct target_loader *loader);
    } tables[] = {
        {conf->targets != NULL, target_rows_load},       {conf->weights != NULL, weights_load},
        {conf->base_changes != NULL, base_changes_load}, {conf->ownership != NULL, ownership_load},
        {conf->history != NULL, history_load},           {conf->holidays_count > 0, holidays_load},
    };
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        int err = tables[i].given ? tables[i].load(loader) : 0;
        if (err < 0)
            return err;
    }
    return 0;
}

static int compare_ids(const void *left, const void *right)
{
    const struct target *a = left;
    const struct target *b = right;
    return strcmp(a->id, b->id);
}

/* Orders the targets by id, where the other tables no longer need their rows. */
static int keep_targets(struct target_loader *loader)
{
    struct targets *targets = loader->targets;
    uint32_t count = loader->rows.count;
    if (count == 0)
        return 0;
    targets->targets = arena_alloc(targets->arena, count * sizeof(*targets->targets));
    const char *file =
        arena_text(targets->arena, loader->conf->targets, strlen(loader->conf->targets));
    if (targets->targets == NULL || file == NULL)
        return -ENOMEM;
    memcpy(targets->targets, loader->rows.items, count * sizeof(*targets->targets));
    targets->targets_count = count;
    qsort(targets->targets, count, sizeof(*targets->targets), compare_ids);
    for (uint32_t i = 0; i < count; i++)
        targets->targets[i].file = file;
    return 0;
}

/* Scopes that no meter has look like those without emissions. */
static void check_meters(const struct target_loader *loader)
{
    const struct target *rows = loader->rows.items;
    for (uint32_t i = 0; i < loader->rows.count; i++) {
        uint8_t unmetered = target_unmetered(&rows[i], loader->registry);
        for (int scope = 1; scope <= 3; scope++) {
            if ((unmetered >> scope & 1) != 0)
                faults_warn(loader->faults, rows[i].file, rows[i].line, 0,
                            "target \"%s\": no meter of it has scope %d, which counts as 0 t; add "
                            "such a meter, or leave the scope out",
                            rows[i].id, scope);
        }
    }
}

static int build(struct target_loader *loader)
{
    uint32_t errors = loader->faults->errors;
    int err = load(loader);
    if (err < 0)
        return err;
    if (loader->faults->errors == errors) { /* else a base would lack what is only misspelt */
        target_bases_find(loader);
        check_meters(loader);
        if (loader->conf->mcap_sat)
            target_profile_check(loader);
    }
    return keep_targets(loader);
}

static void fini(struct target_loader *loader)
{
    struct grown *const tables[] = {&loader->rows,     &loader->ownerships, &loader->history,
                                    &loader->holidays, &loader->changes,    &loader->weights};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        free(tables[i]->items);
    id_index_fini(&loader->ids);
}

static int create(struct targets **targets_out)
{
    struct targets *targets = calloc(1, sizeof(*targets));
    if (targets == NULL)
        return -ENOMEM;
    int err = arena_create(&targets->arena);
    if (err < 0) {
        free(targets);
        return err;
    }
    *targets_out = targets;
    return 0;
}

int targets_build(struct targets **targets_out, const struct targets_conf *conf,
                  const struct registry *registry, struct faults *faults)
{
    *targets_out = NULL;
    if (conf->targets == NULL && conf->weights == NULL && conf->base_changes == NULL &&
        conf->ownership == NULL && conf->history == NULL && conf->holidays_count == 0)
        return 0;
    struct target_loader loader = {
        .conf = conf,
        .registry = registry,
        .faults = faults,
        .rows = {.item_size = sizeof(struct target), .count_max = TARGETS_MAX},
        .ownerships = {.item_size = sizeof(struct ownership_entry),
                       .count_max = OWNERSHIP_ROWS_MAX},
        .history = {.item_size = sizeof(struct history_entry), .count_max = HISTORY_ROWS_MAX},
        .holidays = {.item_size = sizeof(struct holiday_entry), .count_max = HOLIDAYS_MAX},
        .changes = {.item_size = sizeof(struct change_entry), .count_max = CHANGES_MAX},
        .weights = {.item_size = sizeof(struct weight_entry), .count_max = WEIGHTS_MAX},
    };
    int err = create(&loader.targets);
    if (err < 0)
        return err;
    uint32_t errors = faults->errors;
    err = build(&loader);
    fini(&loader);
    if (err == 0 && faults->errors > errors)
        err = ERR_CONFIG;
    if (err < 0)
        targets_destroy(&loader.targets);
    *targets_out = loader.targets;
    return err;
}
