#include "base/id_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { SLOTS_MIN = 16, SLOTS_MAX = 1 << 30 };

void id_index_fini(struct id_index *index)
{
    free(index->slots);
    *index = (struct id_index){0};
}

static void put(struct id_slot *slots, uint32_t mask, struct id_slot entry, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & mask;
    while (slots[at].key != NULL)
        at = (at + 1) & mask;
    slots[at] = entry;
}

int id_index_reserve(struct id_index *index, uint32_t count)
{
    uint32_t size = SLOTS_MIN;
    while (size / 2 < count && size < SLOTS_MAX)
        size *= 2;
    if (index->slots != NULL && size <= index->mask + 1)
        return 0;
    struct id_slot *slots = calloc(size, sizeof(*slots));
    if (slots == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; index->slots != NULL && i <= index->mask; i++) {
        struct id_slot entry = index->slots[i];
        if (entry.key != NULL)
            put(slots, size - 1, entry, XXH3_64bits(entry.key, strlen(entry.key)));
    }
    free(index->slots);
    index->slots = slots;
    index->mask = size - 1;
    return 0;
}

static struct id_slot *find_slot(const struct id_index *index, const char *key, size_t size)
{
    if (index->slots == NULL)
        return NULL;
    uint64_t hash = XXH3_64bits(key, size);
    uint32_t tag = (uint32_t)(hash >> 32);
    for (uint32_t at = (uint32_t)hash & index->mask;; at = (at + 1) & index->mask) {
        struct id_slot *slot = &index->slots[at];
        if (slot->key == NULL)
            return NULL;
        if (slot->tag == tag && strnlen(slot->key, size + 1) == size &&
            memcmp(slot->key, key, size) == 0)
            return slot;
    }
}

int id_index_set(struct id_index *index, const char *key, uint32_t value)
{
    size_t size = strlen(key);
    struct id_slot *known = find_slot(index, key, size);
    if (known != NULL) {
        known->value = value;
        return 0;
    }
    if (index->slots == NULL || (index->count + 1) * 2 > index->mask + 1) {
        int err = id_index_reserve(index, index->count * 2 + 1);
        if (err < 0)
            return err;
    }
    uint64_t hash = XXH3_64bits(key, size);
    put(index->slots, index->mask, (struct id_slot){key, (uint32_t)(hash >> 32), value}, hash);
    index->count++;
    return 0;
}

uint32_t id_index_find(const struct id_index *index, const char *key, size_t size)
{
    const struct id_slot *slot = find_slot(index, key, size);
    return slot == NULL ? ID_INDEX_NONE : slot->value;
}
