/*
 * Any bytes as one of the tables of targets (the first byte says which): the loader must end with
 * targets that are whole, or name a fault.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/registry/tables.h"
#include "config/targets/civil.h"
#include "config/targets/target_tables.h"

#define FOLDER "tests/data/targets/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct registry *load_registry(void)
{
    static const struct tables_conf conf = {
        .facilities = FOLDER "sites.csv",
        .meters = FOLDER "site_meters.csv",
        .catalogue = "config/factors",
        .countries = "config/factors/countries.csv",
        .group_levels = {"region", "division"},
        .group_levels_count = 2,
        .gwp_set = "AR5",
        .bucket_ms = 900000,
        .horizon_ms = INT64_C(7) * 86400000,
        .fiscal_year_start = 1,
    };
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 20};
    struct registry *registry = NULL;
    int err = registry_build(&registry, &conf, &faults);
    ASSERT(err == 0);
    buffer_fini(&text);
    return registry;
}

static void check_target(const struct registry *registry, const struct target *target)
{
    ASSERT(target->base_year < target->target_year);
    ASSERT(target->target_year - target->base_year <= TARGET_YEARS_MAX);
    ASSERT(target->scopes != 0 && (target->scopes & ~0xe) == 0);
    ASSERT(target->cut >= 0 && target->cut <= PART_ONE);
    ASSERT(target->base_from == BASE_VALIDATED || target->base_from == BASE_HISTORY
               ? target->base_mg > 0 && target->base_mg <= BASE_MG_MAX
               : target->base_mg == -1);
    ASSERT((target->form == TARGET_INTENSITY) == (target->meter != REGISTRY_NONE));
    ASSERT((target->level == TARGET_FACILITY) == (target->facility != REGISTRY_NONE));
    ASSERT(target->meter == REGISTRY_NONE || target->meter < registry->meters_count);
    for (uint32_t i = 1; i < target->path_count; i++)
        ASSERT(target->path[i - 1].year < target->path[i].year);
    int64_t sum = 0;
    for (int i = 0; target->weights != NULL && i < 12; i++)
        sum += target->weights[i];
    ASSERT(target->weights == NULL || sum == PART_ONE);
    int128 base = target->base_mg;
    for (uint32_t i = 0; i < target->changes_count; i++) {
        base += target->changes[i].delta_mg;
        ASSERT(i == 0 || target->changes[i - 1].day <= target->changes[i].day);
        ASSERT(target->base_mg < 0 || base > 0);
    }
}

static void check(const struct targets *targets, const struct registry *registry)
{
    for (uint32_t i = 0; i < targets->targets_count; i++) {
        ASSERT(i == 0 || strcmp(targets->targets[i - 1].id, targets->targets[i].id) < 0);
        check_target(registry, &targets->targets[i]);
    }
    for (uint32_t i = 0; i < targets->ownerships_count; i++) {
        const struct ownership *row = &targets->ownerships[i];
        ASSERT(row->from_day < row->to_day);
        ASSERT(i == 0 || row[-1].facility < row->facility || row[-1].to_day <= row->from_day);
        int32_t day = row->from_day == INT32_MIN ? row->to_day - 1 : row->from_day;
        for (int approach = 0; approach < APPROACH_COUNT; approach++)
            ASSERT(targets_share(targets, row->facility, day, (enum approach)approach) ==
                   row->share[approach]);
    }
    for (uint32_t i = 0; i < targets->history_count; i++) {
        const struct history_row *row = &targets->history[i];
        ASSERT(targets_history(targets, row->facility, row->scope, row->year, row->month) == row);
    }
    for (uint32_t i = 0; i < targets->holidays_count; i++)
        for (uint32_t facility = 0; facility < registry->facilities_count; facility++)
            (void)targets_works(targets, registry, facility, targets->holidays[i].day, 1 << 6);
}

static void load(const struct targets_conf *conf, const struct registry *registry)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 20};
    struct targets *targets = NULL;
    int err = targets_build(&targets, conf, registry, &faults);
    ASSERT(err == 0 || err == ERR_CONFIG);
    ASSERT((err == 0) == (targets != NULL) && (err == 0) == (faults.errors == 0));
    if (targets != NULL)
        check(targets, registry);
    targets_destroy(&targets);
    buffer_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct registry *registry; /* it never changes */
    if (registry == NULL)
        registry = load_registry();
    if (size == 0)
        return 0;
    int file = memfd_create("table.csv", MFD_CLOEXEC);
    ASSERT(file >= 0);
    ASSERT(write(file, data + 1, size - 1) == (ssize_t)(size - 1));
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    const char *const holidays[] = {path};
    enum { TARGETS, WEIGHTS, CHANGES, OWNERSHIP, HISTORY, HOLIDAYS, KINDS };
    int kind = data[0] % KINDS;
    const struct targets_conf conf = {
        .targets = kind == TARGETS ? path : FOLDER "own_targets.csv",
        .weights = kind == WEIGHTS ? path : NULL,
        .base_changes = kind == CHANGES ? path : NULL,
        .ownership = kind == OWNERSHIP ? path : FOLDER "own_ownership.csv",
        .history = kind == HISTORY ? path : FOLDER "own_history.csv",
        .holidays = holidays,
        .holidays_count = kind == HOLIDAYS,
        .year_start = 1,
        .mcap_sat = true,
    };
    load(&conf, registry);
    close(file);
    return 0;
}
