#include "pipelines/rollup/row.h"

#include <errno.h>
#include <stdlib.h>

int block_create(struct block **block_out, uint32_t capacity)
{
    ASSERT(capacity > 0);
    struct block *block = calloc(1, sizeof(*block));
    if (block == NULL)
        return -ENOMEM;
    block->rows = calloc(capacity, sizeof(*block->rows));
    if (block->rows == NULL) {
        free(block);
        return -ENOMEM;
    }
    block->capacity = capacity;
    *block_out = block;
    return 0;
}

void block_destroy(struct block **block)
{
    if (*block == NULL)
        return;
    struct block *taken = TAKE(*block);
    free(taken->rows);
    free(taken);
}
