#include "pipelines/kafka/outgoing_reserve.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

enum {
    ALIGNMENT = _Alignof(max_align_t),
    BLOCK_BYTES_MIN = 1 << 16 /* slices differ in size: a block serves most of them */
};

struct outgoing_block {
    size_t size, used;
    uint32_t users; /* records in it, and the reserve */
    max_align_t bytes[];
};

size_t outgoing_reserve_cost(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void leave_block(struct outgoing_block *block)
{
    ASSERT(block->users > 0);
    if (--block->users == 0)
        free(block);
}

static size_t bytes_left(const struct outgoing_reserve *reserve)
{
    return reserve->block == NULL ? 0 : reserve->block->size - reserve->block->used;
}

int outgoing_reserve_grow(struct outgoing_reserve *reserve, size_t bytes)
{
    if (bytes <= bytes_left(reserve))
        return 0;
    size_t size = MAX(bytes, (size_t)BLOCK_BYTES_MIN);
    struct outgoing_block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        return -ENOMEM;
    *block = (struct outgoing_block){.size = size, .users = 1};
    outgoing_reserve_fini(reserve);
    reserve->block = block;
    return 0;
}

void *outgoing_reserve_alloc(struct outgoing_reserve *reserve, size_t size,
                             struct outgoing_block **block_out)
{
    void *memory = calloc(1, size);
    *block_out = NULL;
    size_t cost = outgoing_reserve_cost(size);
    if (memory != NULL || reserve == NULL || cost > bytes_left(reserve))
        return memory;
    struct outgoing_block *block = reserve->block;
    memory = (char *)block->bytes + block->used;
    memset(memory, 0, size);
    block->used += cost;
    block->users++;
    *block_out = block;
    return memory;
}

void outgoing_reserve_free(struct outgoing_block *block, void *memory)
{
    if (block == NULL)
        free(memory);
    else
        leave_block(block);
}

void outgoing_reserve_fini(struct outgoing_reserve *reserve)
{
    if (reserve->block != NULL)
        leave_block(TAKE(reserve->block));
}
