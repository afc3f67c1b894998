#include "pipelines/kafka/letter_reserve.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

enum {
    ALIGNMENT = _Alignof(max_align_t),
    BLOCK_BYTES_MIN = 1 << 16 /* slices differ in size: a block serves most of them */
};

struct letter_block {
    size_t size, used;
    uint32_t users; /* letters in it, and the reserve */
    max_align_t bytes[];
};

size_t letter_reserve_cost(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void leave_block(struct letter_block *block)
{
    ASSERT(block->users > 0);
    if (--block->users == 0)
        free(block);
}

static size_t bytes_left(const struct letter_reserve *reserve)
{
    return reserve->block == NULL ? 0 : reserve->block->size - reserve->block->used;
}

int letter_reserve_grow(struct letter_reserve *reserve, size_t bytes)
{
    if (bytes <= bytes_left(reserve))
        return 0;
    size_t size = MAX(bytes, (size_t)BLOCK_BYTES_MIN);
    struct letter_block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        return -ENOMEM;
    *block = (struct letter_block){.size = size, .users = 1};
    letter_reserve_fini(reserve);
    reserve->block = block;
    return 0;
}

void *letter_reserve_alloc(struct letter_reserve *reserve, size_t size,
                           struct letter_block **block_out)
{
    void *memory = calloc(1, size);
    *block_out = NULL;
    size_t cost = letter_reserve_cost(size);
    if (memory != NULL || reserve == NULL || cost > bytes_left(reserve))
        return memory;
    struct letter_block *block = reserve->block;
    memory = (char *)block->bytes + block->used;
    memset(memory, 0, size);
    block->used += cost;
    block->users++;
    *block_out = block;
    return memory;
}

void letter_reserve_free(struct letter_block *block, void *memory)
{
    if (block == NULL)
        free(memory);
    else
        leave_block(block);
}

void letter_reserve_fini(struct letter_reserve *reserve)
{
    if (reserve->block != NULL)
        leave_block(TAKE(reserve->block));
}
