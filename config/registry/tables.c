#include "config/registry/tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "config/registry/counters.h"
#include "config/registry/meter_factors.h"

struct loaded {
    struct country_table countries;
    struct facility_table facilities;
    struct factor_table factors;
    struct meter_table meters;
    uint32_t *order;   /* by column of the registry: the meter's row */
    uint32_t *columns; /* the inverse */
};

static int load(struct loaded *loaded, const struct tables_conf *conf, struct faults *faults)
{
    uint32_t errors = faults->errors;
    int err = countries_load(&loaded->countries, conf->countries, faults);
    if (err < 0 || faults->errors != errors)
        return err; /* without countries every row would seem wrong */
    err = facilities_load(&loaded->facilities, faults);
    for (uint32_t i = 0; err == 0 && i < conf->factors_count; i++)
        err = factors_load(&loaded->factors, conf->factors[i], faults);
    if (err == 0)
        err = factors_load_catalogue(&loaded->factors, conf->catalogue, faults);
    if (err == 0)
        err = meters_load(&loaded->meters, conf, faults);
    return err;
}

static int compare_series(const struct meter_row *a, const struct meter_row *b)
{
    if (a->meter.facility != b->meter.facility)
        return a->meter.facility < b->meter.facility ? -1 : 1;
    if (a->scope != b->scope)
        return a->scope < b->scope ? -1 : 1;
    int order = strcmp(a->category, b->category);
    return order != 0 ? order : strcmp(a->source, b->source);
}

static int compare_meters(const void *left, const void *right, void *context)
{
    const struct meter_row *rows = context;
    const struct meter_row *a = &rows[*(const uint32_t *)left];
    const struct meter_row *b = &rows[*(const uint32_t *)right];
    int order = compare_series(a, b);
    if (order == 0)
        order = strcmp(a->meter.id, b->meter.id);
    if (order == 0 && a->meter.valid_from_ms != b->meter.valid_from_ms)
        order = a->meter.valid_from_ms < b->meter.valid_from_ms ? -1 : 1;
    return order;
}

static int sort_meters(struct loaded *loaded)
{
    uint32_t count = loaded->meters.count;
    loaded->order = calloc(count + 1, sizeof(*loaded->order));
    loaded->columns = calloc(count + 1, sizeof(*loaded->columns));
    if (loaded->order == NULL || loaded->columns == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        loaded->order[i] = i;
    if (count > 0)
        qsort_r(loaded->order, count, sizeof(*loaded->order), compare_meters, loaded->meters.rows);
    for (uint32_t i = 0; i < count; i++)
        loaded->columns[loaded->order[i]] = i;
    return 0;
}

/* Activity that is added up in one series must be of one kind. */
static void check_series(const struct tables_conf *conf, const struct meter_row *first,
                         const struct meter_row *row, struct faults *faults)
{
    if (first->meter.quantity != row->meter.quantity)
        faults_error(faults, conf->meters, row->line, 0,
                     "meter \"%s\" counts %s, but \"%s\" of line %d in the same series (facility, "
                     "scope, category, source \"%s\") counts %s; give one of them a source of its "
                     "own",
                     row->meter.id, quantity_name(row->meter.quantity), first->meter.id,
                     first->line, row->source, quantity_name(first->meter.quantity));
    else if (first->activity.state != row->activity.state)
        faults_error(faults, conf->meters, row->line, 0,
                     "meter \"%s\" counts volume at %s, but \"%s\" of line %d in the same series "
                     "(facility, scope, category, source \"%s\") at %s; give one of them a source "
                     "of its own",
                     row->meter.id, state_text(row->activity.state), first->meter.id, first->line,
                     row->source, state_text(first->activity.state));
}

static uint32_t parent_of(const struct loaded *loaded, const struct meter_row *row)
{
    if (row->parent[0] == '\0')
        return REGISTRY_NONE;
    return loaded->columns[id_index_find(&loaded->meters.ids, row->parent, strlen(row->parent))];
}

static int place_meters(struct registry *registry, const struct loaded *loaded,
                        const struct tables_conf *conf, struct faults *faults)
{
    uint32_t count = loaded->meters.count;
    registry->meters = arena_alloc(registry->arena, count * sizeof(*registry->meters) + 1);
    registry->series = arena_alloc(registry->arena, count * sizeof(*registry->series) + 1);
    if (registry->meters == NULL || registry->series == NULL)
        return -ENOMEM;
    registry->meters_count = count;
    const struct meter_row *first = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct meter_row *row = &loaded->meters.rows[loaded->order[i]];
        struct facility *facility = &registry->facilities[row->meter.facility];
        if (facility->meters_count++ == 0) {
            facility->meters_first = i;
            facility->series_first = registry->series_count;
        }
        if (first == NULL || compare_series(first, row) != 0) {
            first = row;
            facility->series_count++;
            registry->series[registry->series_count++] =
                (struct series){.facility = row->meter.facility,
                                .meters_first = i,
                                .scope = row->scope,
                                .quantity = row->meter.quantity,
                                .flow = (uint8_t)flow_of(row->category, row->meter.quantity),
                                .category = row->category,
                                .source = row->source};
        }
        check_series(conf, first, row, faults);
        struct series *series = &registry->series[registry->series_count - 1];
        if (series->flow != FLOW_NONE && !row->meter.check)
            facility->flows |= (uint8_t)(1U << series->flow);
        if (++series->meters_count == SERIES_METERS_MAX + 1)
            faults_error(faults, conf->meters, row->line, 0,
                         "more than %d meters in one series (facility, scope, category, source "
                         "\"%s\"); give some of them a source of their own",
                         SERIES_METERS_MAX, row->source);
        registry->meters[i] = row->meter;
        registry->meters[i].series = registry->series_count - 1;
        registry->meters[i].has_parent = row->parent[0] != '\0';
        registry->meters[i].parent = parent_of(loaded, row);
        registry->meters[i].next_version =
            row->next == ID_INDEX_NONE ? REGISTRY_NONE : loaded->columns[row->next];
    }
    return 0;
}

/* Exports have been generated; without a meter of generation no balance can be formed. */
static void warn_of_exports(const struct registry *registry, const struct tables_conf *conf,
                            struct faults *faults)
{
    uint32_t count = 0;
    const char *first = NULL;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        uint8_t flows = registry->facilities[i].flows;
        if ((flows >> FLOW_EXPORT & 1) == 0 || (flows >> FLOW_GENERATION & 1) != 0)
            continue;
        if (count++ == 0)
            first = registry->facilities[i].id;
    }
    if (count > 0)
        faults_warn(faults, conf->meters, 0, 0,
                    "facility \"%s\" exports electricity, and no meter of category "
                    "onsite_generation counts it: its own use and consumption are not known "
                    "(facilities: %u)",
                    first, count);
}

static int index_ids(struct registry *registry, const struct loaded *loaded)
{
    registry->meter_ids = arena_alloc(registry->arena, sizeof(*registry->meter_ids));
    registry->facility_ids = arena_alloc(registry->arena, sizeof(*registry->facility_ids));
    if (registry->meter_ids == NULL || registry->facility_ids == NULL)
        return -ENOMEM;
    int err = id_index_reserve(registry->meter_ids, loaded->meters.ids.count);
    for (uint32_t i = 0; err == 0 && i < registry->meters_count; i++) {
        const char *id = registry->meters[i].id;
        uint32_t first = id_index_find(&loaded->meters.ids, id, strlen(id));
        if (loaded->columns[first] == i)
            err = id_index_set(registry->meter_ids, id, i);
    }
    for (uint32_t i = 0; err == 0 && i < registry->facilities_count; i++)
        err = id_index_set(registry->facility_ids, registry->facilities[i].id, i);
    return err;
}

static void *copy(struct arena *arena, const void *data, size_t size)
{
    void *kept = arena_alloc(arena, size + 1);
    if (kept != NULL && size > 0)
        memcpy(kept, data, size);
    return kept;
}

/* Local time of every zone, for lengths of the calendar. */
static int place_zones(struct registry *registry, const struct zone_table *zones)
{
    enum {
        CHANGES_MAX = 512
    }; /* 70 years with at most seven a year: Ramadan in Morocco has four */
    struct offset_change changes[CHANGES_MAX];
    struct local_time *local_times =
        arena_alloc(registry->arena, zones->count * sizeof(*local_times) + 1);
    registry->zones = copy(registry->arena, zones->names, zones->count * sizeof(*registry->zones));
    if (registry->zones == NULL || local_times == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < zones->count; i++) {
        uint32_t count = calendar_offsets(zones->calendars[i], changes, CHANGES_MAX);
        ASSERT(count <= CHANGES_MAX);
        const struct offset_change *kept = copy(registry->arena, changes, count * sizeof(*changes));
        if (kept == NULL)
            return -ENOMEM;
        local_times[i] = (struct local_time){kept, count};
    }
    registry->local_times = local_times;
    registry->zones_count = zones->count;
    return 0;
}

static int place_facilities(struct registry *registry, const struct loaded *loaded,
                            const struct tables_conf *conf)
{
    const struct facility_table *table = &loaded->facilities;
    registry->facilities =
        copy(registry->arena, table->rows, table->count * sizeof(*registry->facilities));
    registry->gwp_set = arena_text(registry->arena, conf->gwp_set, strlen(conf->gwp_set));
    if (registry->facilities == NULL || registry->gwp_set == NULL)
        return -ENOMEM;
    registry->facilities_count = table->count;
    registry->group_levels_count = conf->group_levels_count;
    for (uint32_t i = 0; i < conf->group_levels_count; i++) {
        const char *level = conf->group_levels[i];
        registry->group_levels[i] = arena_text(registry->arena, level, strlen(level));
        if (registry->group_levels[i] == NULL)
            return -ENOMEM;
    }
    registry->factors = loaded->factors.texts;
    registry->factors_count = loaded->factors.count;
    return place_zones(registry, &table->zones);
}

struct unit_list {
    uint32_t first, count;
};

/* Lists under construction. Meters that count alike share one. */
struct unit_lists {
    struct registry *registry;
    struct unit_scale *units;
    uint32_t count, capacity;
    struct id_index keys; /* the number of a list, by the quantity that its meters count */
    struct unit_list *made;
    uint32_t made_capacity;
};

static int add_unit(struct unit_lists *lists, const struct meter_row *row, const char *text,
                    size_t size)
{
    struct unit unit;
    if (size > UNIT_BYTES_MAX || !unit_find(&unit, text, size) || unit.rate != row->rate ||
        !unit_fits(&unit, row->read.quantity) || unit.state != row->read.state ||
        (unit.basis != BASIS_NONE && unit.basis != row->activity.basis))
        return 0;
    struct unit_scale scale = {{0}, {0}};
    if (unit_ratio(&scale.scale, &unit, row->read.quantity, row->multiplier) < 0)
        return 0; /* too many digits with this multiplier: the unit is not offered */
    if (lists->count == lists->capacity) {
        uint32_t capacity = lists->capacity == 0 ? 256 : lists->capacity * 2;
        struct unit_scale *units = realloc(lists->units, capacity * sizeof(*units));
        if (units == NULL)
            return -ENOMEM;
        lists->units = units;
        lists->capacity = capacity;
    }
    memcpy(scale.unit, text, size);
    lists->units[lists->count++] = scale;
    return 0;
}

/* A spelling, and where it fits with a basis, or as a rate over a time. */
static int add_spelling(struct unit_lists *lists, const struct meter_row *row, const char *text,
                        size_t size)
{
    static const char *const tails[] = {"", "_ncv", "_gcv", "/h", "/min", "/s", "/d"};
    int err = 0;
    for (size_t i = 0; err == 0 && i < ARRAY_LEN(tails); i++) {
        char word[2 * UNIT_BYTES_MAX];
        size_t tail = strlen(tails[i]);
        if (size + tail > UNIT_BYTES_MAX)
            continue;
        memcpy(word, text, size);
        memcpy(word + size, tails[i], tail);
        err = add_unit(lists, row, word, size + tail);
    }
    return err;
}

static int add_list(struct unit_lists *lists, const struct meter_row *row)
{
    const char *name;
    int err = 0;
    for (size_t i = 0; err == 0 && (name = unit_name_at(i)) != NULL; i++) {
        err = add_spelling(lists, row, name, strlen(name));
        const char *alias = unit_aliases_at(i);
        while (err == 0 && *alias != '\0') {
            size_t length = strcspn(alias, " ");
            err = add_spelling(lists, row, alias, length);
            alias += length + (alias[length] == ' ');
        }
    }
    return err;
}

static int make_list(struct unit_lists *lists, const struct meter_row *row, const char *key,
                     struct unit_list *list_out)
{
    uint32_t number = lists->keys.count;
    if (number == lists->made_capacity) {
        uint32_t capacity = number == 0 ? 16 : number * 2;
        struct unit_list *made = realloc(lists->made, capacity * sizeof(*made));
        if (made == NULL)
            return -ENOMEM;
        lists->made = made;
        lists->made_capacity = capacity;
    }
    const char *kept = arena_text(lists->registry->arena, key, strlen(key));
    if (kept == NULL)
        return -ENOMEM;
    uint32_t first = lists->count;
    int err = add_list(lists, row);
    if (err < 0)
        return err;
    *list_out = (struct unit_list){first, lists->count - first};
    lists->made[number] = *list_out;
    return id_index_set(&lists->keys, kept, number);
}

static int find_list(struct unit_lists *lists, const struct meter_row *row,
                     struct unit_list *list_out)
{
    char key[96];
    int size = snprintf(key, sizeof(key), "%d %d %d %d %" PRId64 "/%" PRId64, row->read.quantity,
                        row->read.state, row->activity.basis, row->rate, row->multiplier.num,
                        row->multiplier.den);
    ASSERT(size > 0 && (size_t)size < sizeof(key));
    uint32_t number = id_index_find(&lists->keys, key, (size_t)size);
    if (number == ID_INDEX_NONE)
        return make_list(lists, row, key, list_out);
    ASSERT(lists->made != NULL);
    *list_out = lists->made[number];
    return 0;
}

/* The units that events of each meter may be in. */
static int list_units(struct registry *registry, const struct meter_table *meters,
                      const uint32_t *order)
{
    struct unit_lists lists = {.registry = registry};
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < registry->meters_count; i++) {
        struct meter *meter = &registry->meters[i];
        struct unit_list list = {0, 0};
        err = find_list(&lists, &meters->rows[order[i]], &list);
        meter->units_first = list.first;
        meter->units_count = list.count;
    }
    if (err == 0) {
        size_t size = lists.count * sizeof(*lists.units);
        registry->units = arena_alloc(registry->arena, size + 1);
        err = registry->units == NULL ? -ENOMEM : 0;
        if (err == 0 && size > 0)
            memcpy(registry->units, lists.units, size);
        registry->units_count = lists.count;
    }
    id_index_fini(&lists.keys);
    free(lists.made);
    free(lists.units);
    return err;
}

/* A meter at its maximum must not fill a bucket beyond what a cell can hold, in activity or mass.
 */
static void check_rates(const struct registry *registry, const struct loaded *loaded,
                        const struct tables_conf *conf, struct faults *faults)
{
    for (uint32_t i = 0; i < registry->meters_count; i++) {
        const struct meter *meter = &registry->meters[i];
        int128 most = (int128)meter->rate_max * conf->bucket_ms / HOUR_MS;
        if (most > meter->cell_max)
            faults_error(faults, conf->meters, loaded->meters.rows[loaded->order[i]].line, 0,
                         "max_rate: at this rate a bucket of meter \"%s\" holds more than can be "
                         "counted exactly, %lld %s; a shorter windows.bucket, or several meters, "
                         "are needed",
                         meter->id, (long long)(meter->cell_max / MICRO),
                         quantity_unit(meter->quantity));
    }
}

static int assemble(struct registry *registry, struct loaded *loaded,
                    const struct tables_conf *conf, struct faults *faults)
{
    int err = place_facilities(registry, loaded, conf);
    if (err == 0)
        err = sort_meters(loaded);
    if (err == 0)
        err = place_meters(registry, loaded, conf, faults);
    if (err == 0)
        err = index_ids(registry, loaded);
    if (err == 0)
        err = list_units(registry, &loaded->meters, loaded->order);
    if (err == 0)
        err = eras_build(registry, &loaded->meters, loaded->order, faults);
    if (err < 0)
        return err;
    check_rates(registry, loaded, conf, faults);
    counters_link(registry);
    if (faults->errors == 0)
        warn_of_exports(registry, conf, faults);
    return 0;
}

static void unload(struct loaded *loaded)
{
    free(loaded->order);
    free(loaded->columns);
    meters_fini(&loaded->meters);
    factors_fini(&loaded->factors);
    facilities_fini(&loaded->facilities);
    countries_fini(&loaded->countries);
}

int registry_build(struct registry **registry_out, const struct tables_conf *conf,
                   struct faults *faults)
{
    static _Atomic uint64_t generations;
    struct registry *registry = calloc(1, sizeof(*registry));
    if (registry == NULL)
        return -ENOMEM;
    int err = arena_create(&registry->arena);
    if (err < 0)
        goto fail_arena;
    struct loaded loaded = {0};
    countries_init(&loaded.countries, registry->arena);
    facilities_init(&loaded.facilities, registry->arena, conf, &loaded.countries);
    factors_init(&loaded.factors, registry->arena, conf->gwp_set, &loaded.countries);
    meters_init(&loaded.meters, registry->arena, &loaded.facilities, &loaded.factors);
    uint32_t errors = faults->errors;
    err = load(&loaded, conf, faults);
    if (err == 0 && faults->errors == errors)
        err = assemble(registry, &loaded, conf, faults);
    if (err == 0 && faults->errors != errors)
        err = ERR_CONFIG;
    unload(&loaded);
    if (err < 0)
        goto fail_build;
    registry->generation = ++generations;
    *registry_out = registry;
    return 0;

fail_build:
    registry_destroy(&registry);
    return err;
fail_arena:
    free(registry);
    return err;
}
