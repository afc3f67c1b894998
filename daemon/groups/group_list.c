#include "daemon/groups/group_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* The names of a level's groups, each once, sorted. Returns how many. */
static uint32_t find_names(const char **names, const struct registry *registry, uint32_t level)
{
    uint32_t count = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        const char *name = registry->facilities[i].groups[level];
        if (name != NULL && name[0] != '\0')
            names[count++] = name;
    }
    qsort(names, count, sizeof(*names), compare_names);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    return kept;
}

static void place_facilities(struct group_list *list, const struct registry *registry,
                             uint32_t level, const char *const *names, uint32_t count)
{
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        const char *name = registry->facilities[i].groups[level];
        if (name == NULL || name[0] == '\0')
            continue;
        const char *const *found = bsearch(&name, names, count, sizeof(*names), compare_names);
        ASSERT(found != NULL);
        uint32_t entry = list->count + (uint32_t)(found - names);
        list->places[(size_t)i * GROUPS_OF_FACILITY + 1 + level] = entry;
        list->entries[entry].members++;
    }
}

static void add_level(struct group_list *list, const struct registry *registry, uint32_t level,
                      const char **names)
{
    uint32_t count = find_names(names, registry, level);
    for (uint32_t i = 0; i < count; i++)
        list->entries[list->count + i] =
            (struct group_entry){.level = registry->group_levels[level], .name = names[i]};
    place_facilities(list, registry, level, names, count);
    list->count += count;
}

int group_list_make(struct group_list *list, const struct registry *registry)
{
    size_t facilities = registry->facilities_count;
    size_t places = facilities * GROUPS_OF_FACILITY;
    const char **names = calloc(facilities + 1, sizeof(*names));
    *list = (struct group_list){
        .entries = calloc(1 + facilities * registry->group_levels_count, sizeof(*list->entries)),
        .count = 1,
        .places = malloc((places + 1) * sizeof(*list->places))};
    if (names == NULL || list->entries == NULL || list->places == NULL) {
        free(names);
        group_list_fini(list);
        return -ENOMEM;
    }
    list->entries[0] =
        (struct group_entry){.level = "all", .name = "all", .members = (uint32_t)facilities};
    for (size_t i = 0; i < places; i++)
        list->places[i] = i % GROUPS_OF_FACILITY == 0 ? 0 : REGISTRY_NONE;
    for (uint32_t level = 0; level < registry->group_levels_count; level++)
        add_level(list, registry, level, names);
    free(names);
    return 0;
}

void group_list_fini(struct group_list *list)
{
    free(list->entries);
    free(list->places);
    *list = (struct group_list){0};
}

uint32_t group_list_place(const struct group_list *list, uint32_t facility, uint32_t index)
{
    return list->places[(size_t)facility * GROUPS_OF_FACILITY + index];
}

bool group_entry_is(const struct group_entry *entry, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t size = equals == NULL ? strlen(word) : (size_t)(equals - word);
    return strlen(entry->level) == size && memcmp(entry->level, word, size) == 0 &&
           (equals == NULL || strcmp(entry->name, equals + 1) == 0);
}
