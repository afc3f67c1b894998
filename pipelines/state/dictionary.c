#include "pipelines/state/dictionary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* --- writing --- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return text == NULL ? hash + 1 : XXH3_64bits_withSeed(text, strlen(text) + 1, hash);
}

static uint64_t hash_meter(uint64_t hash, const struct registry *registry,
                           const struct meter *meter)
{
    const struct series *series = &registry->series[meter->series];
    const int64_t numbers[] = {meter->valid_from_ms, meter->valid_to_ms, meter->hold_ms,
                               meter->rate_max,      meter->cell_max,    meter->expected,
                               series->scope,        series->quantity};
    /* Hashes of before there was windows.reporting_from hold for those that do without it. */
    if (meter->expected_from_ms != meter->valid_from_ms)
        hash =
            XXH3_64bits_withSeed(&meter->expected_from_ms, sizeof(meter->expected_from_ms), hash);
    hash = hash_text(hash, meter->id);
    hash = hash_text(hash, series->category);
    hash = hash_text(hash, series->source);
    if (meter->has_parent)
        hash = hash_text(hash, registry->meters[meter->parent].id);
    if (meter->restarts || meter->register_digit != 0)
        hash = hash_text(hash, meter->restarts ? "restarts" : "digit");
    if (meter->accrues)
        hash = hash_text(hash, "accrues");
    if (meter->every_ms > 0) {
        const int64_t every[] = {meter->every_ms, meter->every.months, meter->every.days};
        hash = XXH3_64bits_withSeed(every, sizeof(every), hash);
    }
    if (meter->schedule != NULL)
        hash =
            XXH3_64bits_withSeed(meter->schedule->spans,
                                 meter->schedule->count * sizeof(meter->schedule->spans[0]), hash);
    return XXH3_64bits_withSeed(numbers, sizeof(numbers), hash);
}

/* A hash of all that the facility's rows depend on, except readings. */
static uint64_t hash_rating(const struct registry *registry, const struct facility *facility)
{
    uint64_t hash = hash_text(0, facility->id);
    if (facility->flows != 0) /* states of earlier versions had no rows of energy */
        hash = XXH3_64bits_withSeed(&facility->flows, sizeof(facility->flows), hash);
    for (uint32_t i = 0; i < registry->group_levels_count; i++)
        hash = hash_text(hash_text(hash, registry->group_levels[i]), facility->groups[i]);
    for (uint32_t i = 0; i < facility->meters_count; i++)
        hash = hash_meter(hash, registry, &registry->meters[facility->meters_first + i]);
    for (uint32_t i = 0; i < facility->eras_count; i++) {
        const struct factor_era *era = &registry->eras[facility->eras_first + i];
        hash = XXH3_64bits_withSeed(&era->from_ms, sizeof(era->from_ms), hash);
        hash = XXH3_64bits_withSeed(
            era->factor, (size_t)RATE_COUNT * facility->meters_count * sizeof(*era->factor), hash);
    }
    return hash;
}

/* The meaning of a lone time of an interval meter depends on its interval too. */
static int64_t stamped_interval_ms(const struct meter *meter)
{
    return meter->kind == KIND_INTERVAL && meter->stamp != STAMP_NONE ? meter->interval_ms : 0;
}

static void add_meter(struct buffer *out, const struct meter *meter)
{
    packed_add_text(out, meter->id);
    packed_add_int(out, meter->valid_from_ms);
    packed_add_text(out, meter_kind_name((enum meter_kind)meter->kind));
    packed_add_text(out, quantity_name((enum quantity)meter->quantity));
    packed_add_int(out, meter->own.scale.num);
    packed_add_int(out, meter->own.scale.den);
    packed_add_int(out, meter->register_modulus);
    packed_add_uint(out, meter->stamp);
    packed_add_int(out, stamped_interval_ms(meter));
}

void dictionary_add(struct buffer *out, const struct registry *registry, uint32_t facility)
{
    const struct facility *place = &registry->facilities[facility];
    packed_add_text(out, place->id);
    packed_add_text(out, place->time_zone);
    packed_add_uint(out, hash_rating(registry, place));
    packed_add_uint(out, place->series_count);
    for (uint32_t i = 0; i < place->series_count; i++) {
        const struct series *series = &registry->series[place->series_first + i];
        packed_add_uint(out, series->scope);
        packed_add_text(out, quantity_name((enum quantity)series->quantity));
        packed_add_text(out, series->category);
        packed_add_text(out, series->source);
    }
    packed_add_uint(out, place->meters_count);
    for (uint32_t i = 0; i < place->meters_count; i++)
        add_meter(out, &registry->meters[place->meters_first + i]);
}

/* --- reading --- */

enum { TEXT_SIZE = NAME_BYTES_MAX + 1 };

/* A meter as the dictionary has it. */
struct definition {
    char id[TEXT_SIZE], kind[TEXT_SIZE], quantity[TEXT_SIZE];
    int64_t valid_from_ms, num, den, modulus, interval_ms;
    uint64_t stamp;
};

struct dictionary_taking {
    struct packed *packed;
    const struct registry *registry;
    const struct facility *facility; /* NULL: it is gone */
    struct dictionary *dictionary;
    struct buffer *why;
    bool *taken; /* by column: some number means it */
};

static void take_definition(struct packed *packed, struct definition *definition)
{
    packed_take_text(packed, definition->id, TEXT_SIZE);
    definition->valid_from_ms = packed_take_int(packed, INT64_MIN, INT64_MAX);
    packed_take_text(packed, definition->kind, TEXT_SIZE);
    packed_take_text(packed, definition->quantity, TEXT_SIZE);
    definition->num = packed_take_int(packed, INT64_MIN, INT64_MAX);
    definition->den = packed_take_int(packed, INT64_MIN, INT64_MAX);
    definition->modulus = packed_take_int(packed, INT64_MIN, INT64_MAX);
    definition->stamp = packed_take_uint(packed, UINT64_MAX);
    definition->interval_ms = packed_take_int(packed, INT64_MIN, INT64_MAX);
}

/* The part of the definition that has changed; NULL if it is the same. */
static const char *find_change(const struct definition *was, const struct meter *is)
{
    if (strcmp(was->kind, meter_kind_name((enum meter_kind)is->kind)) != 0)
        return "kind";
    if (strcmp(was->quantity, quantity_name((enum quantity)is->quantity)) != 0)
        return "quantity";
    if (was->num != is->own.scale.num || was->den != is->own.scale.den)
        return "unit or multiplier";
    if (was->modulus != is->register_modulus)
        return "number of digits";
    if (was->stamp != is->stamp)
        return "stamp";
    return was->interval_ms != stamped_interval_ms(is) ? "interval" : NULL;
}

static int check_definition(const struct dictionary_taking *taking,
                            const struct definition *definition, uint32_t column)
{
    const struct meter *meter = &taking->registry->meters[taking->facility->meters_first + column];
    const char *change = find_change(definition, meter);
    if (change == NULL)
        return 0;
    buffer_printf(taking->why,
                  "the %s of meter \"%s\" in facility \"%s\" has changed, and its readings were "
                  "taken with the old one: add a row with a valid_from for the change, or set "
                  "checkpoint.on_unreadable: rebuild",
                  change, definition->id, taking->facility->id);
    return ERR_CONFIG;
}

/* The column of this id and valid_from; or of this id, if there is one only and `any` is true. */
static uint32_t find_column(const struct dictionary_taking *taking,
                            const struct definition *definition, uint32_t hint, bool any)
{
    const struct facility *facility = taking->facility;
    const struct meter *meters = &taking->registry->meters[facility->meters_first];
    uint32_t only = REGISTRY_NONE;
    uint32_t same = 0;
    for (uint32_t n = 0; n < facility->meters_count; n++) {
        uint32_t column = (hint + n) % facility->meters_count;
        if (strcmp(meters[column].id, definition->id) != 0)
            continue;
        if (meters[column].valid_from_ms == definition->valid_from_ms)
            return column;
        only = column;
        same++;
    }
    return any && same == 1 ? only : REGISTRY_NONE;
}

/* First those that are what they were; then those whose valid_from alone has changed. */
static int map_meters(struct dictionary_taking *taking, bool any)
{
    struct dictionary *dictionary = taking->dictionary;
    struct definition definition;
    uint32_t hint = 0;
    for (uint32_t i = 0; i < dictionary->meters_count; i++) {
        take_definition(taking->packed, &definition);
        if (taking->packed->damaged)
            return ERR_SYNTAX;
        if (taking->facility == NULL || dictionary->meters[i] != REGISTRY_NONE)
            continue;
        uint32_t column = find_column(taking, &definition, hint, any);
        if (column == REGISTRY_NONE || taking->taken[column])
            continue;
        int err = check_definition(taking, &definition, column);
        if (err < 0)
            return err;
        dictionary->meters[i] = column;
        taking->taken[column] = true;
        hint = column + 1;
    }
    return 0;
}

static uint32_t find_series(const struct dictionary_taking *taking, uint64_t scope,
                            const char *words[3])
{
    const struct facility *facility = taking->facility;
    for (uint32_t i = 0; facility != NULL && i < facility->series_count; i++) {
        const struct series *series = &taking->registry->series[facility->series_first + i];
        if (series->scope == scope &&
            strcmp(quantity_name((enum quantity)series->quantity), words[0]) == 0 &&
            strcmp(series->category, words[1]) == 0 && strcmp(series->source, words[2]) == 0)
            return i;
    }
    return REGISTRY_NONE;
}

static void map_series(struct dictionary_taking *taking)
{
    struct dictionary *dictionary = taking->dictionary;
    char quantity[TEXT_SIZE];
    char category[TEXT_SIZE];
    char source[TEXT_SIZE];
    const char *words[3] = {quantity, category, source};
    for (uint32_t i = 0; i < dictionary->series_count; i++) {
        uint64_t scope = packed_take_uint(taking->packed, 3);
        packed_take_text(taking->packed, quantity, TEXT_SIZE);
        packed_take_text(taking->packed, category, TEXT_SIZE);
        packed_take_text(taking->packed, source, TEXT_SIZE);
        dictionary->series[i] = find_series(taking, scope, words);
        dictionary->series_gone += dictionary->series[i] == REGISTRY_NONE;
    }
}

static uint32_t *make_map(uint32_t count)
{
    uint32_t *map = malloc((count + 1) * sizeof(*map));
    for (uint32_t i = 0; map != NULL && i < count; i++)
        map[i] = REGISTRY_NONE;
    return map;
}

static int take_series(struct dictionary_taking *taking)
{
    struct dictionary *dictionary = taking->dictionary;
    dictionary->series_count = packed_take_count(taking->packed, METERS_MAX);
    dictionary->series = make_map(dictionary->series_count);
    if (dictionary->series == NULL)
        return -ENOMEM;
    map_series(taking);
    return taking->packed->damaged ? ERR_SYNTAX : 0;
}

static int take_meters(struct dictionary_taking *taking)
{
    struct dictionary *dictionary = taking->dictionary;
    uint32_t columns = taking->facility != NULL ? taking->facility->meters_count : 0;
    dictionary->meters_count = packed_take_count(taking->packed, METERS_MAX);
    dictionary->meters = make_map(dictionary->meters_count);
    taking->taken = calloc(columns + 1, sizeof(*taking->taken));
    if (dictionary->meters == NULL || taking->taken == NULL)
        return -ENOMEM;
    const uint8_t *first = taking->packed->at;
    int err = map_meters(taking, false);
    if (err < 0)
        return err;
    taking->packed->at = first;
    err = map_meters(taking, true);
    for (uint32_t i = 0; i < dictionary->meters_count; i++)
        dictionary->meters_gone += dictionary->meters[i] == REGISTRY_NONE;
    return err;
}

static int take_facility(struct dictionary_taking *taking, uint64_t *rating_out)
{
    char id[TEXT_SIZE];
    char zone[TEXT_SIZE];
    packed_take_text(taking->packed, id, TEXT_SIZE);
    packed_take_text(taking->packed, zone, TEXT_SIZE);
    *rating_out = packed_take_uint(taking->packed, UINT64_MAX);
    if (taking->packed->damaged)
        return ERR_SYNTAX;
    taking->dictionary->id = strdup(id);
    if (taking->dictionary->id == NULL)
        return -ENOMEM;
    uint32_t facility = registry_find_facility(taking->registry, id, strlen(id));
    if (facility == REGISTRY_NONE || taking->registry->facilities[facility].meters_count == 0)
        return 0;
    taking->dictionary->facility = facility;
    taking->facility = &taking->registry->facilities[facility];
    if (strcmp(zone, taking->facility->time_zone) == 0)
        return 0;
    buffer_printf(taking->why,
                  "the time zone of facility \"%s\" was %s and is %s, so that its days are others: "
                  "set it back, or set checkpoint.on_unreadable: rebuild",
                  id, zone, taking->facility->time_zone);
    return ERR_CONFIG;
}

int dictionary_take(struct dictionary **dictionary_out, struct packed *packed,
                    const struct registry *registry, struct buffer *why)
{
    struct dictionary *dictionary = calloc(1, sizeof(*dictionary));
    if (dictionary == NULL)
        return -ENOMEM;
    dictionary->facility = REGISTRY_NONE;
    struct dictionary_taking taking = {
        .packed = packed, .registry = registry, .dictionary = dictionary, .why = why};
    uint64_t rating = 0;
    int err = take_facility(&taking, &rating);
    if (err == 0)
        err = take_series(&taking);
    if (err == 0)
        err = take_meters(&taking);
    free(taking.taken);
    if (err < 0) {
        dictionary_destroy(&dictionary);
        return err;
    }
    dictionary->same = taking.facility != NULL && rating == hash_rating(registry, taking.facility);
    *dictionary_out = dictionary;
    return 0;
}

void dictionary_destroy(struct dictionary **dictionary)
{
    struct dictionary *gone = TAKE(*dictionary);
    if (gone == NULL)
        return;
    free(gone->id);
    free(gone->meters);
    free(gone->series);
    free(gone);
}
