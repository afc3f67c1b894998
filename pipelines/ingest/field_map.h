/*
 * field_map.h - which key of an input is which field of an event.
 *
 * A tree of names: at the root stand the keys of an event; a mapped path ("device.id") continues
 * below them. A producer writes its keys in one order. So every name remembers the one that came
 * after it, and that one is asked first. The expected order costs one comparison a key, any other
 * order a few. Up to eight bytes of a name are compared as one word.
 */
#ifndef GHGD_FIELD_MAP_H
#define GHGD_FIELD_MAP_H

#include <endian.h>
#include <string.h>

#include "base/limits.h"
#include "pipelines/ingest/event.h"

/* Inner names of a path like "device.meter.id". */
enum { FIELD_PATH_DEPTH_MAX = 8 };

enum {
    NAMES_ROOT = 0,
    NAMES_COUNT_MAX = FIELD_COUNT * FIELD_PATH_DEPTH_MAX + 1,
    NAMES_NONE = UINT8_MAX
};
_Static_assert(NAMES_COUNT_MAX < NAMES_NONE, "a name's number is a byte");

struct field_name {
    uint64_t word; /* the first eight bytes of the text, then zeros */
    const char *text;
    uint32_t size;
    uint8_t field;        /* enum event_field; FIELD_COUNT if the path goes on below */
    uint8_t first, next;  /* the first name below this one, and the next beside it */
    uint8_t follower;     /* the name beside this one that came after it last time */
    uint8_t first_before; /* the name below this one that came first last time */
};

struct field_map {
    struct field_name at[NAMES_COUNT_MAX];
    uint32_t count;
    char *text; /* owned: what the names point to */
};

/* Takes dotted paths by enum event_field, NULL for the native name; borrows none of them. Returns
 * 0, -ENOMEM or -EINVAL as decoder_create(). No name has a backslash, so that JSON's escapes need
 * to be looked at only in keys that were not found. */
int field_map_init(struct field_map *names, const char *const paths[FIELD_COUNT]) MUST_CHECK;
void field_map_fini(struct field_map *names);
const char *field_map_native(enum event_field field);

/* The place where an object's next key is expected: begin with field_map_expect() of the parent. */
static inline uint8_t *field_map_expect(struct field_map *names, uint32_t parent)
{
    return &names->at[parent].first_before;
}

/* Loads the first eight bytes of a key; `readable` bytes may be read from it on. */
static inline uint64_t field_map_word(const void *key, size_t size, size_t readable)
{
    uint64_t word = 0;
    if (size >= sizeof(word) || readable >= sizeof(word)) {
        memcpy(&word, key, sizeof(word));
        word = le64toh(word);
        return size >= sizeof(word) ? word : word & ((UINT64_C(1) << (8 * size)) - 1);
    }
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)((const uint8_t *)key)[i] << (8 * i);
    return word;
}

static inline bool name_is(const struct field_name *name, const void *key, size_t size,
                           uint64_t word)
{
    return name->word == word && name->size == size &&
           (size <= sizeof(word) ||
            memcmp(name->text + sizeof(word), (const char *)key + sizeof(word),
                   size - sizeof(word)) == 0);
}

uint32_t field_map_search(struct field_map *names, uint32_t parent, const void *key, size_t size,
                          uint64_t word);

/* The name below `parent` that the key is, or NAMES_NONE. *expect is moved on. */
static inline uint32_t field_map_find(struct field_map *names, uint32_t parent, uint8_t **expect,
                                      const void *key, size_t size, size_t readable)
{
    uint64_t word = field_map_word(key, size, readable);
    uint32_t found = **expect;
    if (found == NAMES_NONE || !name_is(&names->at[found], key, size, word)) {
        found = field_map_search(names, parent, key, size, word);
        if (found == NAMES_NONE)
            return NAMES_NONE;
        **expect = (uint8_t)found;
    }
    *expect = &names->at[found].follower;
    return found;
}

#endif
