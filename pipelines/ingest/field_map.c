#include "pipelines/ingest/field_map.h"

#include <errno.h>
#include <stdlib.h>

static const char *const native[FIELD_COUNT] = {
    [FIELD_METER] = "meter",     [FIELD_TIME] = "time",         [FIELD_START] = "start",
    [FIELD_END] = "end",         [FIELD_VALUE] = "value",       [FIELD_UNIT] = "unit",
    [FIELD_QUALITY] = "quality", [FIELD_REVISION] = "revision", [FIELD_ID] = "id",
    [FIELD_EVENT] = "event",     [FIELD_FINAL] = "final",       [FIELD_INITIAL] = "initial",
    [FIELD_OF] = "of",
};

const char *field_map_native(enum event_field field)
{
    return native[field];
}

uint32_t field_map_search(struct field_map *names, uint32_t parent, const void *key, size_t size,
                          uint64_t word)
{
    uint32_t child = names->at[parent].first;
    while (child != NAMES_NONE && !name_is(&names->at[child], key, size, word))
        child = names->at[child].next;
    return child;
}

static uint32_t name_add(struct field_map *names, uint32_t parent, const char *text, size_t size)
{
    uint32_t child = names->count++;
    ASSERT(child < NAMES_COUNT_MAX);
    names->at[child] = (struct field_name){
        .word = field_map_word(text, size, size),
        .text = text,
        .size = (uint32_t)size,
        .field = FIELD_COUNT,
        .first = NAMES_NONE,
        .next = NAMES_NONE,
        .follower = NAMES_NONE,
        .first_before = NAMES_NONE,
    };
    if (parent == child)
        return child;
    uint8_t *link = &names->at[parent].first;
    while (*link != NAMES_NONE)
        link = &names->at[*link].next;
    *link = (uint8_t)child;
    return child;
}

/* Hangs one path into the tree; `path` is text of the tree's own. */
static int path_add(struct field_map *names, enum event_field field, const char *path)
{
    uint32_t node = NAMES_ROOT;
    for (uint32_t depth = 1; depth <= FIELD_PATH_DEPTH_MAX; depth++) {
        size_t size = strcspn(path, ".");
        if (size == 0 || size > NAME_BYTES_MAX || memchr(path, '\\', size) != NULL ||
            names->at[node].field != FIELD_COUNT)
            return -EINVAL;
        uint32_t child =
            field_map_search(names, node, path, size, field_map_word(path, size, size));
        node = child != NAMES_NONE ? child : name_add(names, node, path, size);
        if (path[size] == '\0') {
            if (names->at[node].first != NAMES_NONE || names->at[node].field != FIELD_COUNT)
                return -EINVAL;
            names->at[node].field = (uint8_t)field;
            return 0;
        }
        path += size + 1;
    }
    return -EINVAL;
}

static const char *path_of(const char *const paths[FIELD_COUNT], uint32_t field)
{
    return paths[field] != NULL ? paths[field] : native[field];
}

int field_map_init(struct field_map *names, const char *const paths[FIELD_COUNT])
{
    size_t size = 0;
    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        size += strlen(path_of(paths, i)) + 1;
    *names = (struct field_map){.text = malloc(size)};
    if (names->text == NULL)
        return -ENOMEM;
    name_add(names, NAMES_ROOT, "", 0);
    char *text = names->text;
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        char *path = text;
        text = stpcpy(path, path_of(paths, i)) + 1;
        int err = path_add(names, (enum event_field)i, path);
        if (err < 0) {
            field_map_fini(names);
            return err;
        }
    }
    return 0;
}

void field_map_fini(struct field_map *names)
{
    free(names->text);
    *names = (struct field_map){0};
}
