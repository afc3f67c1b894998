/*
 * outgoing_reserve.h - memory for records, taken before the events are judged.
 *
 * A shard that has applied a batch cannot take it back: the letters of its refused events have to
 * be made then. So their memory is made sure of before, as one block for the worst case; it is
 * used only if calloc() fails. Pages that no record touches cost nothing. A block that records lie
 * in lives until the last of them is destroyed. The loop thread owns a reserve.
 */
#ifndef GHGD_OUTGOING_RESERVE_H
#define GHGD_OUTGOING_RESERVE_H

#include "base/base.h"

struct outgoing_block;

struct outgoing_reserve {
    struct outgoing_block *block; /* NULL: nothing was reserved yet */
};

/* The most that one allocation of `size` bytes takes of a block. */
size_t outgoing_reserve_cost(size_t size);
/* Makes sure of allocations that cost `bytes` together. Returns 0, or -ENOMEM and the reserve is
 * as it was. */
int outgoing_reserve_grow(struct outgoing_reserve *reserve, size_t bytes) MUST_CHECK;
/* Zeroed memory, by calloc() or, if that fails, out of the reserve; reserve NULL: by calloc() only.
 * NULL if neither has any. *block_out is for outgoing_reserve_free(). */
void *outgoing_reserve_alloc(struct outgoing_reserve *reserve, size_t size,
                             struct outgoing_block **block_out);
void outgoing_reserve_free(struct outgoing_block *block, void *memory);
/* Blocks go with the last of their records. */
void outgoing_reserve_fini(struct outgoing_reserve *reserve);

#endif
