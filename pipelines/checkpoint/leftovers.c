#include "pipelines/checkpoint/leftovers.h"

#include <stdlib.h>
#include <string.h>

void leftovers_fini(struct leftovers *leftovers)
{
    free(leftovers->ranges);
    *leftovers = (struct leftovers){0};
}

/* The first range that ends at or behind this place: the one to merge with, if any. */
static uint32_t find(const struct leftovers *leftovers, uint64_t epoch, uint64_t sequence)
{
    uint32_t first = 0;
    uint32_t end = leftovers->count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        const struct key_range *range = &leftovers->ranges[middle];
        if (range->epoch < epoch || (range->epoch == epoch && range->end < sequence))
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static bool grow(struct leftovers *leftovers)
{
    if (leftovers->count < leftovers->capacity)
        return true;
    if (leftovers->count == LEFTOVER_RANGES_MAX)
        return false;
    uint32_t capacity = leftovers->capacity == 0 ? 4 : 2 * leftovers->capacity;
    struct key_range *ranges = realloc(leftovers->ranges, capacity * sizeof(*ranges));
    if (ranges == NULL)
        return false;
    leftovers->ranges = ranges;
    leftovers->capacity = capacity;
    return true;
}

static bool insert(struct leftovers *leftovers, uint32_t index, struct key_range range)
{
    if (!grow(leftovers))
        return false;
    struct key_range *at = leftovers->ranges + index;
    memmove(at + 1, at, (leftovers->count - index) * sizeof(*at));
    *at = range;
    leftovers->count++;
    return true;
}

static void drop(struct leftovers *leftovers, uint32_t first, uint32_t end)
{
    struct key_range *ranges = leftovers->ranges;
    memmove(ranges + first, ranges + end, (leftovers->count - end) * sizeof(*ranges));
    leftovers->count -= end - first;
}

void leftovers_add(struct leftovers *leftovers, struct key_range range)
{
    if (range.first >= range.end)
        return;
    uint32_t index = find(leftovers, range.epoch, range.first);
    uint32_t end = index;
    struct key_range all = range;
    for (; end < leftovers->count && leftovers->ranges[end].epoch == range.epoch &&
           leftovers->ranges[end].first <= range.end;
         end++) {
        const struct key_range *near = &leftovers->ranges[end];
        all.first = near->first < all.first ? near->first : all.first;
        all.end = near->end > all.end ? near->end : all.end;
    }
    if (end > index) {
        leftovers->ranges[index] = all;
        drop(leftovers, index + 1, end);
    } else if (!insert(leftovers, index, range)) {
        leftovers->forgotten += range.end - range.first;
    }
}

void leftovers_remove(struct leftovers *leftovers, struct key_range range)
{
    if (range.first >= range.end)
        return;
    uint32_t index = find(leftovers, range.epoch, range.first);
    while (index < leftovers->count) {
        struct key_range *near = &leftovers->ranges[index];
        if (near->epoch != range.epoch || near->first >= range.end)
            return;
        struct key_range before = {near->epoch, near->first, range.first};
        struct key_range behind = {near->epoch, range.end, near->end};
        bool keeps_before = before.first < before.end;
        bool keeps_behind = behind.first < behind.end;
        if (near->end <= range.first) {
            index++;
        } else if (keeps_before && keeps_behind) {
            if (insert(leftovers, index + 1, behind)) /* else both stay as they are */
                leftovers->ranges[index] = before;
            return;
        } else if (keeps_before || keeps_behind) {
            *near = keeps_before ? before : behind;
            index++;
        } else {
            drop(leftovers, index, index + 1);
        }
    }
}

void leftovers_move(struct leftovers *leftovers, struct leftovers *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        leftovers_add(leftovers, from->ranges[i]);
    leftovers->forgotten += from->forgotten;
    leftovers_fini(from);
}

uint64_t leftovers_keys(const struct leftovers *leftovers)
{
    uint64_t keys = 0;
    for (uint32_t i = 0; i < leftovers->count; i++)
        keys += leftovers->ranges[i].end - leftovers->ranges[i].first;
    return keys;
}
