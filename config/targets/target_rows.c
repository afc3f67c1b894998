/*
 * target_rows.c - the table of targets, a row each; see target_loader.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "config/targets/target_loader.h"

enum column {
    COLUMN_TARGET,
    COLUMN_LEVEL,
    COLUMN_NAME,
    COLUMN_SCOPES,
    COLUMN_APPROACH,
    COLUMN_METHOD,
    COLUMN_YEAR_START,
    COLUMN_BASE_YEAR,
    COLUMN_BASE_T,
    COLUMN_PERCENT,
    COLUMN_RATE,
    COLUMN_TARGET_YEAR,
    COLUMN_PATH,
    COLUMN_INTENSITY,
    COLUMN_METER,
    COLUMN_SUBMITTED,
    COLUMN_NOTE,
    COLUMN_COUNT
};

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_TARGET] = {"target", true},
    [COLUMN_LEVEL] = {"level", true},
    [COLUMN_NAME] = {"name", false},
    [COLUMN_SCOPES] = {"scopes", true},
    [COLUMN_APPROACH] = {"approach", false},
    [COLUMN_METHOD] = {"method", false},
    [COLUMN_YEAR_START] = {"year_start", false},
    [COLUMN_BASE_YEAR] = {"base_year", true},
    [COLUMN_BASE_T] = {"base_t", false},
    [COLUMN_PERCENT] = {"percent", false},
    [COLUMN_RATE] = {"rate", false},
    [COLUMN_TARGET_YEAR] = {"target_year", true},
    [COLUMN_PATH] = {"path", false},
    [COLUMN_INTENSITY] = {"intensity", false},
    [COLUMN_METER] = {"meter", false},
    [COLUMN_SUBMITTED] = {"submitted", false},
    [COLUMN_NOTE] = {"note", false},
};

/* ---- whose ---- */

static const char *group_name(const struct target_loader *loader, uint32_t index)
{
    const struct registry *registry = loader->registry;
    return registry->facilities[index / GROUP_LEVELS_MAX].groups[index % GROUP_LEVELS_MAX];
}

/* The registry's own text of that group, or NULL. */
static const char *find_group(const struct registry *registry, uint32_t level, const char *name)
{
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        const char *group = registry->facilities[i].groups[level];
        if (group != NULL && strcmp(group, name) == 0)
            return group;
    }
    return NULL;
}

static bool read_group(struct target *target, const struct target_loader *loader,
                       const struct csv_row *row)
{
    const char *name = row->cells[COLUMN_NAME].text;
    const char *level = loader->registry->group_levels[target->group_level];
    if (!cell_id(row, COLUMN_NAME))
        return false;
    target->name = find_group(loader->registry, target->group_level, name);
    if (target->name != NULL)
        return true;
    const char *near = loader_suggest(
        loader, name, loader->registry->facilities_count * GROUP_LEVELS_MAX, group_name);
    if (near != NULL && find_group(loader->registry, target->group_level, near) != NULL)
        csv_fault(row, COLUMN_NAME, "no facility has the %s \"%s\"; did you mean \"%s\"?", level,
                  name, near);
    else
        csv_fault(row, COLUMN_NAME,
                  "no facility has the %s \"%s\"; accepted: what stands in that column of "
                  "tables.facilities",
                  level, name);
    return false;
}

static bool read_subject(struct target *target, struct target_loader *loader,
                         const struct csv_row *row)
{
    const char *words[2 + GROUP_LEVELS_MAX] = {"all", "facility"};
    size_t count = 2;
    for (uint32_t i = 0; i < loader->registry->group_levels_count; i++)
        words[count++] = loader->registry->group_levels[i];
    int choice = 0;
    target->facility = REGISTRY_NONE;
    if (!cell_word(&choice, row, COLUMN_LEVEL, words, count))
        return false;
    if (choice == 1) {
        target->level = TARGET_FACILITY;
        target->name = row->cells[COLUMN_NAME].text;
        return cell_facility(&target->facility, loader, row, COLUMN_NAME);
    }
    if (choice > 1) {
        target->level = TARGET_GROUP;
        target->group_level = (uint8_t)(choice - 2);
        return read_group(target, loader, row);
    }
    target->level = TARGET_ALL;
    target->name = "all";
    const char *name = row->cells[COLUMN_NAME].text;
    if (name[0] == '\0' || strcmp(name, "all") == 0)
        return true;
    csv_fault(row, COLUMN_NAME, "\"%s\" beside level all; accepted: nothing, or all", name);
    return false;
}

/* ---- what of it ---- */

static bool read_scopes(struct target *target, const struct csv_row *row)
{
    const char *text = row->cells[COLUMN_SCOPES].text;
    uint32_t scopes = 0;
    for (const char *at = text;; at += 2) {
        uint32_t bit = at[0] >= '1' && at[0] <= '3' ? 1U << (at[0] - '0') : 0;
        if (bit == 0 || (scopes & bit) != 0 || (at[1] != '\0' && at[1] != '+')) {
            csv_fault(row, COLUMN_SCOPES,
                      "\"%s\" is not accepted; scopes joined by + are, each once: 1, 2, 1+2, 1+2+3",
                      text);
            return false;
        }
        scopes |= bit;
        if (at[1] == '\0')
            break;
    }
    target->scopes = (uint8_t)scopes;
    return true;
}

static bool read_method(struct target *target, const struct csv_row *row)
{
    static const char *const approaches[] = {"control", "equity"};
    static const char *const methods[] = {"location", "market"};
    int approach = APPROACH_CONTROL;
    int method = 0;
    bool good = cell_choice(&approach, row, COLUMN_APPROACH, approaches, ARRAY_LEN(approaches));
    good = cell_choice(&method, row, COLUMN_METHOD, methods, ARRAY_LEN(methods)) && good;
    if (method == 1) {
        csv_fault(row, COLUMN_METHOD,
                  "scope 2 by the market-based method is to come; accepted: location");
        return false;
    }
    target->approach = (uint8_t)approach;
    return good;
}

/* ---- when ---- */

static bool read_year(int16_t *year_out, const struct csv_row *row, size_t column, bool needed)
{
    int64_t year = 0;
    if (needed && !cell_id(row, column))
        return false;
    if (!cell_int(&year, row, column, TARGET_YEAR_MIN, TARGET_YEAR_MAX))
        return false;
    *year_out = (int16_t)year;
    return true;
}

static bool read_years(struct target *target, const struct target_loader *loader,
                       const struct csv_row *row)
{
    int64_t start = loader->conf->year_start;
    bool good = cell_int(&start, row, COLUMN_YEAR_START, 1, 12);
    good = read_year(&target->base_year, row, COLUMN_BASE_YEAR, true) && good;
    good = read_year(&target->target_year, row, COLUMN_TARGET_YEAR, true) && good;
    good = read_year(&target->submitted, row, COLUMN_SUBMITTED, false) && good;
    if (!good)
        return false;
    target->year_start = (uint8_t)start;
    int years = target->target_year - target->base_year;
    if (years > 0 && years <= TARGET_YEARS_MAX)
        return true;
    csv_fault(row, COLUMN_TARGET_YEAR,
              "%d is not after base_year %d; accepted: the 1 to %d years that follow it",
              target->target_year, target->base_year, TARGET_YEARS_MAX);
    return false;
}

/* ---- how much ---- */

/* Which of the columns is given; COLUMN_COUNT after a fault: none, or more than one. */
static enum column one_of(const struct csv_row *row, const enum column *forms, size_t count,
                          const char *accepted)
{
    enum column found = COLUMN_COUNT;
    for (size_t i = 0; i < count; i++) {
        if (cell_is_empty(row, forms[i]))
            continue;
        if (found != COLUMN_COUNT) {
            csv_fault(row, forms[i], "given beside %s; accepted: exactly one of %s",
                      columns[found].name, accepted);
            return COLUMN_COUNT;
        }
        found = forms[i];
    }
    if (found == COLUMN_COUNT)
        csv_fault(row, COLUMN_TARGET, "says nothing of how much; accepted: exactly one of %s",
                  accepted);
    return found;
}

static bool read_cut(struct target *target, const struct csv_row *row, enum column form)
{
    static const struct exact percent = {PART_DECIMALS - 2, 0, PART_ONE,
                                         "a percentage from 0 to 100, without its sign"};
    int years = target->target_year - target->base_year;
    int64_t cut = 0;
    if (!cell_exact(&cut, row, form, &percent))
        return false;
    if (form == COLUMN_RATE)
        cut *= years;
    target->form = TARGET_LINEAR;
    target->cut = cut;
    if (cut <= PART_ONE)
        return true;
    csv_fault(row, form,
              "\"%s\" points a year cut more than 100 %% in the %d years from base_year %d to "
              "target_year %d",
              row->cells[form].text, years, target->base_year, target->target_year);
    return false;
}

static bool read_base(struct target *target, const struct csv_row *row)
{
    static const struct exact base = {9, 1, BASE_MG_MAX,
                                      "t CO2e above 0, up to 1000000000, to 9 decimals"};
    target->base_mg = -1;
    target->base_from = BASE_MEASURED; /* until history is known */
    if (cell_is_empty(row, COLUMN_BASE_T))
        return true;
    target->base_from = BASE_VALIDATED;
    return cell_exact(&target->base_mg, row, COLUMN_BASE_T, &base);
}

static bool read_absolute(struct target *target, struct target_loader *loader,
                          const struct csv_row *row)
{
    static const enum column forms[] = {COLUMN_PERCENT, COLUMN_RATE, COLUMN_PATH};
    bool good = read_base(target, row);
    if (!cell_is_empty(row, COLUMN_INTENSITY)) {
        csv_fault(
            row, COLUMN_METER,
            "empty beside an intensity; accepted: the id of the meter that counts production");
        return false;
    }
    enum column form = one_of(row, forms, ARRAY_LEN(forms), "percent, rate, path");
    if (form == COLUMN_COUNT)
        return false;
    if (form != COLUMN_PATH)
        return read_cut(target, row, form) && good;
    target->form = TARGET_PATH;
    return target_path_load(loader, target, row, COLUMN_PATH) && good;
}

static const char *meter_id(const struct target_loader *loader, uint32_t index)
{
    const struct registry *registry = loader->registry;
    const struct meter *meter = &registry->meters[index];
    return registry->series[meter->series].scope == 0 ? meter->id : NULL;
}

/* Another meter of the same source, whose activity stands in the same row; NULL: there is no other.
 */
static const struct meter *find_other(const struct registry *registry, uint32_t index)
{
    const struct series *series = &registry->series[registry->meters[index].series];
    for (uint32_t i = 0; i < series->meters_count; i++) {
        const struct meter *other = &registry->meters[series->meters_first + i];
        if (other->first_version != registry->meters[index].first_version && !other->check)
            return other;
    }
    return NULL;
}

static bool read_meter(struct target *target, const struct target_loader *loader,
                       const struct csv_row *row)
{
    const struct registry *registry = loader->registry;
    const struct csv_cell *cell = &row->cells[COLUMN_METER];
    target->meter = registry_find_meter(registry, cell->text, cell->size);
    if (target->meter == REGISTRY_NONE) {
        const char *near = loader_suggest(loader, cell->text, registry->meters_count, meter_id);
        csv_fault(row, COLUMN_METER, "\"%s\" is not a meter; %s%s%s", cell->text,
                  near == NULL ? "accepted: an id of tables.meters, of scope 0" : "did you mean \"",
                  near == NULL ? "" : near, near == NULL ? "" : "\"?");
        return false;
    }
    const struct meter *meter = &registry->meters[target->meter];
    int scope = registry->series[meter->series].scope;
    if (scope != 0) {
        csv_fault(row, COLUMN_METER,
                  "\"%s\" counts emissions of scope %d; accepted: a meter of production, which has "
                  "scope 0",
                  cell->text, scope);
        return false;
    }
    if (!target_has(target, registry, meter->facility)) {
        csv_fault(row, COLUMN_METER, "\"%s\" is of facility \"%s\", which the target is not about",
                  cell->text, registry->facilities[meter->facility].id);
        return false;
    }
    const struct meter *other = find_other(registry, target->meter);
    if (other != NULL) {
        csv_fault(
            row, COLUMN_METER,
            "\"%s\" has the source \"%s\" together with \"%s\": production is read by source; "
            "accepted: a meter with a `source` of its own in tables.meters",
            cell->text, registry->series[meter->series].source, other->id);
        return false;
    }
    return true;
}

static bool read_intensity(struct target *target, struct target_loader *loader,
                           const struct csv_row *row)
{
    static const enum column forms[] = {COLUMN_INTENSITY, COLUMN_PATH, COLUMN_PERCENT, COLUMN_RATE};
    static const char accepted[] = "intensity, path (the target has a meter)";
    static const struct exact intensity = {
        9, 0, INTENSITY_MG_MAX, "t CO2e per unit of production from 0 to 9000, to 9 decimals"};
    target->form = TARGET_INTENSITY;
    target->base_mg = -1;
    target->base_from = BASE_NONE;
    bool good = read_meter(target, loader, row);
    if (!cell_is_empty(row, COLUMN_BASE_T)) {
        csv_fault(row, COLUMN_BASE_T,
                  "given for an intensity, which has no base; accepted: nothing");
        good = false;
    }
    enum column form = one_of(row, forms, ARRAY_LEN(forms), accepted);
    if (form == COLUMN_PATH)
        return target_path_load(loader, target, row, COLUMN_PATH) && good;
    if (form == COLUMN_INTENSITY)
        return cell_exact(&target->intensity, row, COLUMN_INTENSITY, &intensity) && good;
    if (form != COLUMN_COUNT)
        csv_fault(row, form, "given for an intensity; accepted: exactly one of %s", accepted);
    return false;
}

/* ---- the table ---- */

static bool read_target(struct target *target, struct target_loader *loader,
                        const struct csv_row *row)
{
    target->meter = REGISTRY_NONE;
    bool good = read_subject(target, loader, row);
    good = read_scopes(target, row) && good;
    good = read_method(target, row) && good;
    if (!read_years(target, loader, row) || !good)
        return false; /* what follows depends on them */
    return cell_is_empty(row, COLUMN_METER) ? read_absolute(target, loader, row)
                                            : read_intensity(target, loader, row);
}

static int read_row(void *context, const struct csv_row *row)
{
    struct target_loader *loader = context;
    struct target target = {.file = loader->conf->targets, .line = row->line};
    if (!cell_id(row, COLUMN_TARGET))
        return 0;
    const struct csv_cell *cell = &row->cells[COLUMN_TARGET];
    uint32_t before = id_index_find(&loader->ids, cell->text, cell->size);
    if (before != ID_INDEX_NONE) {
        csv_fault(row, COLUMN_TARGET, "\"%s\" is already a target; ids are unique", cell->text);
        return 0;
    }
    target.id = arena_text(loader->targets->arena, cell->text, cell->size);
    if (target.id == NULL)
        return -ENOMEM;
    uint32_t index = TARGET_FAULTY;
    if (read_target(&target, loader, row)) {
        struct target *added = loader_add(loader, &loader->rows, row);
        target.name = arena_text(loader->targets->arena, target.name, strlen(target.name));
        if (target.name == NULL)
            return -ENOMEM;
        if (added != NULL) {
            *added = target;
            index = loader->rows.count - 1;
        }
    }
    if (loader->failed_memory)
        return -ENOMEM;
    return id_index_set(&loader->ids, target.id, index);
}

static bool same_subject(const struct target *a, const struct target *b)
{
    return a->level == b->level && a->facility == b->facility && a->group_level == b->group_level &&
           strcmp(a->name, b->name) == 0 && a->scopes == b->scopes && a->approach == b->approach &&
           a->meter == b->meter;
}

static void check_overlaps(const struct target_loader *loader)
{
    const struct target *rows = loader->rows.items;
    for (uint32_t i = 0; i < loader->rows.count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            int from = MAX(rows[i].base_year, rows[j].base_year) + 1;
            int to = MIN(rows[i].target_year, rows[j].target_year);
            if (from > to || !same_subject(&rows[i], &rows[j]))
                continue;
            faults_error(loader->faults, rows[i].file, rows[i].line, 0,
                         "target \"%s\" overlaps with \"%s\" of line %d: both are about %s, the "
                         "same scopes and approach, and the years %d to %d; give one of them other "
                         "years, or one path for both",
                         rows[i].id, rows[j].id, rows[j].line, rows[i].name, from, to);
        }
    }
}

int target_rows_load(struct target_loader *loader)
{
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, loader, NULL};
    int err = csv_table_read(loader->conf->targets, &schema, loader->faults);
    if (err == 0)
        check_overlaps(loader);
    return err;
}
