/*
 * obsolete_keys.h - keys of records that are no longer in force, kept as ranges.
 *
 * Sorted by epoch and sequence, neighbours merged, bounded: what does not fit is counted and
 * forgotten; it stays in the topic. The caller owns the struct; zeroed, it is empty.
 */
#ifndef GHGD_OBSOLETE_KEYS_H
#define GHGD_OBSOLETE_KEYS_H

#include "pipelines/checkpoint/checkpoint_record.h"

enum { OBSOLETE_RANGES_MAX = 1024 }; /* 24 KiB a partition; a chain is one range */

struct obsolete_keys {
    struct key_range *ranges;
    uint32_t count, capacity;
    uint64_t forgotten; /* keys that did not fit */
};

void obsolete_keys_fini(struct obsolete_keys *obsolete);
/* Ranges that are empty or turned round are ignored: they may come from outside. */
void obsolete_keys_add(struct obsolete_keys *obsolete, struct key_range range);
/* Takes keys that are there; cuts a range if need be. */
void obsolete_keys_remove(struct obsolete_keys *obsolete, struct key_range range);
/* Moves everything of `from`. */
void obsolete_keys_move(struct obsolete_keys *obsolete, struct obsolete_keys *from);
/* The keys that are in the ranges. */
uint64_t obsolete_keys_count(const struct obsolete_keys *obsolete);

#endif
