#include "config/options/load.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

struct file_place loading_place(const struct loading *loading, int sink, const char *path)
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

const char *loading_join(struct loading *loading, const char *first, const char *between,
                         const char *last)
{
    size_t size = strlen(first) + strlen(between) + strlen(last) + 1;
    char *joined = loading_alloc(loading, size);
    if (joined == NULL)
        return "";
    (void)snprintf(joined, size, "%s%s%s", first, between, last);
    return joined;
}

const char *loading_path(struct loading *loading, const char *folder, const char *path)
{
    if (path[0] == '/' || folder[0] == '\0')
        return loading_text(loading, path, strlen(path));
    return loading_join(loading, folder, "/", path);
}
