#include "config/registry/unit_lists.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
    uint32_t first, count;
};

struct builder {
    struct registry *registry;
    struct unit_scale *units;
    uint32_t count, capacity;
    struct id_index keys; /* the number of a list, by what its meters count */
    struct list *lists;
    uint32_t lists_capacity;
};

static int add(struct builder *builder, const struct meter_row *row, const char *text, size_t size)
{
    struct unit unit;
    if (size > UNIT_BYTES_MAX || !unit_find(&unit, text, size) || unit.rate != row->rate ||
        !unit_fits(&unit, row->meter.quantity) || unit.state != row->activity.state ||
        (unit.basis != BASIS_NONE && unit.basis != row->activity.basis))
        return 0;
    struct unit_scale scale = {{0}, {0}};
    if (unit_ratio(&scale.scale, &unit, row->meter.quantity, row->multiplier) < 0)
        return 0; /* too many digits with this multiplier: the unit is not offered */
    if (builder->count == builder->capacity) {
        uint32_t capacity = builder->capacity == 0 ? 256 : builder->capacity * 2;
        struct unit_scale *units = realloc(builder->units, capacity * sizeof(*units));
        if (units == NULL)
            return -ENOMEM;
        builder->units = units;
        builder->capacity = capacity;
    }
    memcpy(scale.unit, text, size);
    builder->units[builder->count++] = scale;
    return 0;
}

/* A spelling, and where it fits with a basis, or as a rate over a time. */
static int add_spelling(struct builder *builder, const struct meter_row *row, const char *text,
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
        err = add(builder, row, word, size + tail);
    }
    return err;
}

static int add_list(struct builder *builder, const struct meter_row *row)
{
    const char *name;
    int err = 0;
    for (size_t i = 0; err == 0 && (name = unit_name_at(i)) != NULL; i++) {
        err = add_spelling(builder, row, name, strlen(name));
        const char *alias = unit_aliases_at(i);
        while (err == 0 && *alias != '\0') {
            size_t length = strcspn(alias, " ");
            err = add_spelling(builder, row, alias, length);
            alias += length + (alias[length] == ' ');
        }
    }
    return err;
}

static int make_list(struct builder *builder, const struct meter_row *row, const char *key,
                     struct list *list_out)
{
    uint32_t number = builder->keys.count;
    if (number == builder->lists_capacity) {
        uint32_t capacity = number == 0 ? 16 : number * 2;
        struct list *lists = realloc(builder->lists, capacity * sizeof(*lists));
        if (lists == NULL)
            return -ENOMEM;
        builder->lists = lists;
        builder->lists_capacity = capacity;
    }
    const char *kept = arena_text(builder->registry->arena, key, strlen(key));
    if (kept == NULL)
        return -ENOMEM;
    uint32_t first = builder->count;
    int err = add_list(builder, row);
    if (err < 0)
        return err;
    *list_out = (struct list){first, builder->count - first};
    builder->lists[number] = *list_out;
    return id_index_set(&builder->keys, kept, number);
}

static int find_list(struct builder *builder, const struct meter_row *row, struct list *list_out)
{
    char key[96];
    int size = snprintf(key, sizeof(key), "%d %d %d %d %" PRId64 "/%" PRId64, row->meter.quantity,
                        row->activity.state, row->activity.basis, row->rate, row->multiplier.num,
                        row->multiplier.den);
    ASSERT(size > 0 && (size_t)size < sizeof(key));
    uint32_t number = id_index_find(&builder->keys, key, (size_t)size);
    if (number == ID_INDEX_NONE)
        return make_list(builder, row, key, list_out);
    ASSERT(builder->lists != NULL);
    *list_out = builder->lists[number];
    return 0;
}

int unit_lists_build(struct registry *registry, const struct meter_table *meters,
                     const uint32_t *order)
{
    struct builder builder = {.registry = registry};
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < registry->meters_count; i++) {
        struct meter *meter = &registry->meters[i];
        struct list list = {0, 0};
        err = find_list(&builder, &meters->rows[order[i]], &list);
        meter->units_first = list.first;
        meter->units_count = list.count;
    }
    if (err == 0) {
        size_t size = builder.count * sizeof(*builder.units);
        registry->units = arena_alloc(registry->arena, size + 1);
        err = registry->units == NULL ? -ENOMEM : 0;
        if (err == 0 && size > 0)
            memcpy(registry->units, builder.units, size);
        registry->units_count = builder.count;
    }
    id_index_fini(&builder.keys);
    free(builder.lists);
    free(builder.units);
    return err;
}
