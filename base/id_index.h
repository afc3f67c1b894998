/*
 * id_index.h - from text to a dense number: XXH3 and open addressing.
 *
 * The index borrows its keys. Half empty at most, so a miss ends within a few slots. Building has
 * one owner; after that everyone may look up, from any thread.
 */
#ifndef GHGD_ID_INDEX_H
#define GHGD_ID_INDEX_H

#include "base/base.h"

struct id_slot {
    const char *key; /* NULL: empty */
    uint32_t tag, value;
};

struct id_index {
    struct id_slot *slots;
    uint32_t mask, count;
};

enum { ID_INDEX_NONE = UINT32_MAX };

/* An all-zero struct is an empty index, and needs no init. */
void id_index_fini(struct id_index *index);
/* Makes room for `count` keys. Returns 0 or -ENOMEM. */
int id_index_reserve(struct id_index *index, uint32_t count) MUST_CHECK;
/* Adds the key, which is borrowed, or gives a known key another value. Returns 0 or -ENOMEM. */
int id_index_set(struct id_index *index, const char *key, uint32_t value) MUST_CHECK;
/* The value of the key of `size` bytes, or ID_INDEX_NONE. */
uint32_t id_index_find(const struct id_index *index, const char *key, size_t size);

#endif
