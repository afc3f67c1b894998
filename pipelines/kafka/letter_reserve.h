/*
 * letter_reserve.h - memory for letters, taken before the events are judged.
 *
 * A shard that has applied a batch cannot take it back: the letters of its refused events have to
 * be made then. So their memory is made sure of before, as one block for the worst case; it is
 * used only if calloc() fails. Pages that no letter touches cost nothing. A block that letters lie
 * in lives until the last of them is destroyed. The loop thread owns a reserve.
 */
#ifndef GHGD_LETTER_RESERVE_H
#define GHGD_LETTER_RESERVE_H

#include "base/base.h"

struct letter_block;

struct letter_reserve {
    struct letter_block *block; /* NULL: nothing was reserved yet */
};

/* What one allocation of `size` bytes takes of a block at most. */
size_t letter_reserve_cost(size_t size);
/* Makes sure of allocations that cost `bytes` together. Returns 0, or -ENOMEM and the reserve is
 * as it was. */
int letter_reserve_grow(struct letter_reserve *reserve, size_t bytes) MUST_CHECK;
/* Zeroed memory, by calloc() or, if that fails, out of the reserve; reserve NULL: by calloc() only.
 * NULL if neither has any. *block_out is for letter_reserve_free(). */
void *letter_reserve_alloc(struct letter_reserve *reserve, size_t size,
                           struct letter_block **block_out);
void letter_reserve_free(struct letter_block *block, void *memory);
/* Blocks go with the last of their letters. */
void letter_reserve_fini(struct letter_reserve *reserve);

#endif
