/*
 * leftovers.h - keys of records that are no longer in force, kept as ranges.
 *
 * Sorted by epoch and sequence, neighbours merged, bounded: what does not fit is counted and
 * forgotten; it stays in the topic. The caller owns the struct; zeroed, it is empty.
 */
#ifndef GHGD_LEFTOVERS_H
#define GHGD_LEFTOVERS_H

#include "pipelines/checkpoint/checkpoint_record.h"

enum { LEFTOVER_RANGES_MAX = 1024 }; /* 24 KiB a partition; a chain is one range */

struct leftovers {
    struct key_range *ranges;
    uint32_t count, capacity;
    uint64_t forgotten; /* keys that did not fit */
};

void leftovers_fini(struct leftovers *leftovers);
/* Ranges that are empty or turned round are ignored: they may come from outside. */
void leftovers_add(struct leftovers *leftovers, struct key_range range);
/* Of what is there; a range is cut if need be. */
void leftovers_remove(struct leftovers *leftovers, struct key_range range);
/* Moves everything of `from`. */
void leftovers_move(struct leftovers *leftovers, struct leftovers *from);
uint64_t leftovers_keys(const struct leftovers *leftovers);

#endif
