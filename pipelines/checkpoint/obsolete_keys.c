#include "pipelines/checkpoint/obsolete_keys.h"

#include <stdlib.h>
#include <string.h>

void obsolete_keys_fini(struct obsolete_keys *obsolete)
{
    free(obsolete->ranges);
    *obsolete = (struct obsolete_keys){0};
}

/* The first range that ends at or behind this place: the one to merge with, if any. */
static uint32_t find(const struct obsolete_keys *obsolete, uint64_t epoch, uint64_t sequence)
{
    uint32_t first = 0;
    uint32_t end = obsolete->count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        const struct key_range *range = &obsolete->ranges[middle];
        if (range->epoch < epoch || (range->epoch == epoch && range->end < sequence))
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static bool grow(struct obsolete_keys *obsolete)
{
    if (obsolete->count < obsolete->capacity)
        return true;
    if (obsolete->count == OBSOLETE_RANGES_MAX)
        return false;
    uint32_t capacity = obsolete->capacity == 0 ? 4 : 2 * obsolete->capacity;
    struct key_range *ranges = realloc(obsolete->ranges, capacity * sizeof(*ranges));
    if (ranges == NULL)
        return false;
    obsolete->ranges = ranges;
    obsolete->capacity = capacity;
    return true;
}

static bool insert(struct obsolete_keys *obsolete, uint32_t index, struct key_range range)
{
    if (!grow(obsolete))
        return false;
    struct key_range *at = obsolete->ranges + index;
    memmove(at + 1, at, (obsolete->count - index) * sizeof(*at));
    *at = range;
    obsolete->count++;
    return true;
}

static void drop(struct obsolete_keys *obsolete, uint32_t first, uint32_t end)
{
    struct key_range *ranges = obsolete->ranges;
    memmove(ranges + first, ranges + end, (obsolete->count - end) * sizeof(*ranges));
    obsolete->count -= end - first;
}

void obsolete_keys_add(struct obsolete_keys *obsolete, struct key_range range)
{
    if (range.first >= range.end)
        return;
    uint32_t index = find(obsolete, range.epoch, range.first);
    uint32_t end = index;
    struct key_range all = range;
    for (; end < obsolete->count && obsolete->ranges[end].epoch == range.epoch &&
           obsolete->ranges[end].first <= range.end;
         end++) {
        const struct key_range *near = &obsolete->ranges[end];
        all.first = near->first < all.first ? near->first : all.first;
        all.end = near->end > all.end ? near->end : all.end;
    }
    if (end > index) {
        obsolete->ranges[index] = all;
        drop(obsolete, index + 1, end);
    } else if (!insert(obsolete, index, range)) {
        obsolete->forgotten += range.end - range.first;
    }
}

void obsolete_keys_remove(struct obsolete_keys *obsolete, struct key_range range)
{
    if (range.first >= range.end)
        return;
    uint32_t index = find(obsolete, range.epoch, range.first);
    while (index < obsolete->count) {
        struct key_range *near = &obsolete->ranges[index];
        if (near->epoch != range.epoch || near->first >= range.end)
            return;
        struct key_range before = {near->epoch, near->first, range.first};
        struct key_range behind = {near->epoch, range.end, near->end};
        bool keeps_before = before.first < before.end;
        bool keeps_behind = behind.first < behind.end;
        if (near->end <= range.first) {
            index++;
        } else if (keeps_before && keeps_behind) {
            if (insert(obsolete, index + 1, behind)) /* else both stay as they are */
                obsolete->ranges[index] = before;
            return;
        } else if (keeps_before || keeps_behind) {
            *near = keeps_before ? before : behind;
            index++;
        } else {
            drop(obsolete, index, index + 1);
        }
    }
}

void obsolete_keys_move(struct obsolete_keys *obsolete, struct obsolete_keys *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        obsolete_keys_add(obsolete, from->ranges[i]);
    obsolete->forgotten += from->forgotten;
    obsolete_keys_fini(from);
}

uint64_t obsolete_keys_count(const struct obsolete_keys *obsolete)
{
    uint64_t keys = 0;
    for (uint32_t i = 0; i < obsolete->count; i++)
        keys += obsolete->ranges[i].end - obsolete->ranges[i].first;
    return keys;
}
