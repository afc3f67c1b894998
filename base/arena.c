#include "base/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* A piece that does not fit into the rest of a block opens a new block. A piece larger than a
 * quarter of a block gets a block of its own. So at most a quarter of each block is lost. */
enum { ALIGNMENT = 16, BLOCK_SIZE = 256 << 10, OWN_BLOCK_SIZE = BLOCK_SIZE / 4 };

struct arena_block {
    struct arena_block *next;
    alignas(ALIGNMENT) char data[];
};

struct arena {
    struct arena_block *blocks;
    char *free; /* rest of the newest shared block */
    size_t free_size;
};

_Static_assert(sizeof(struct arena_block) % ALIGNMENT == 0, "data begins aligned");

int arena_create(struct arena **arena_out)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (arena == NULL)
        return -ENOMEM;
    *arena_out = arena;
    return 0;
}

void arena_destroy(struct arena **arena)
{
    struct arena *taken = TAKE(*arena);
    if (taken == NULL)
        return;
    struct arena_block *block = taken->blocks;
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    free(taken);
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    struct arena_block *block = calloc(1, sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->free_size) {
        bool own = size > OWN_BLOCK_SIZE;
        struct arena_block *block = add_block(arena, own ? size : BLOCK_SIZE);
        if (block == NULL || own)
            return block == NULL ? NULL : block->data;
        arena->free = block->data;
        arena->free_size = BLOCK_SIZE;
    }
    void *piece = arena->free;
    arena->free += size;
    arena->free_size -= size;
    return piece;
}

char *arena_text(struct arena *arena, const char *text, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    char *copy = arena_alloc(arena, size + 1);
    if (copy != NULL && size > 0)
        memcpy(copy, text, size);
    return copy;
}
