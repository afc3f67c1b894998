/*
 * loading.c - what the parts of the loader share; see loading.h.
 */
#include "config/loading.h"

#include <string.h>

#include "base/arena.h"

struct place loading_place(const struct loading *loading, int sink, const char *path)
{
    const struct option *option = option_find(path, strlen(path));
    ASSERT(option != NULL);
    ASSERT(option_is_of_sink(option) == (sink >= 0));
    return loading->places[1 + sink][option_index(option)];
}

void *loading_alloc(struct loading *loading, size_t size)
{
    void *memory = arena_alloc(loading->config->arena, size);
    if (memory == NULL)
        loading->failed_memory = true;
    return memory;
}

const char *loading_text(struct loading *loading, const char *text, size_t size)
{
    const char *copy = arena_text(loading->config->arena, text, size);
    if (copy == NULL)
        loading->failed_memory = true;
    return copy == NULL ? "" : copy;
}

const char *loading_path(struct loading *loading, const char *folder, const char *path)
{
    size_t folder_size = strlen(folder);
    size_t size = strlen(path);
    if (path[0] == '/' || folder_size == 0)
        return loading_text(loading, path, size);
    char *joined = loading_alloc(loading, folder_size + 1 + size + 1);
    if (joined == NULL)
        return "";
    memcpy(joined, folder, folder_size);
    joined[folder_size] = '/';
    memcpy(joined + folder_size + 1, path, size);
    return joined; /* the arena's memory is zeroed */
}
