#include "pipelines/kafka/outgoing.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "pipelines/kafka/deadletter_headers.h"

enum {
    ALIGNMENT = _Alignof(max_align_t),
    BLOCK_BYTES_MIN = 1 << 16 /* slices differ in size: a block serves most of them */
};

struct outgoing_block {
    size_t size, used;
    uint32_t users; /* records in it, and the reserve */
    max_align_t bytes[];
};

/* The most that one allocation of `size` bytes takes of a block. */
static size_t reserve_cost(size_t size)
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

/* Zeroed memory, by calloc() or, if that fails, out of the reserve; reserve NULL: by calloc() only.
 * NULL if neither has any. *block_out is for reserve_free(). */
static void *reserve_alloc(struct outgoing_reserve *reserve, size_t size,
                           struct outgoing_block **block_out)
{
    void *memory = calloc(1, size);
    *block_out = NULL;
    size_t cost = reserve_cost(size);
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

static void reserve_free(struct outgoing_block *block, void *memory)
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

/* --- records --- */

enum { CUT_BYTES = 1000 }; /* enough to see what it was; the original's place is in the headers */

size_t outgoing_reserved_size(size_t key_size, size_t size)
{
    return reserve_cost(sizeof(struct outgoing) + key_size + size);
}

struct outgoing *outgoing_create(struct outgoing_reserve *reserve,
                                 const rd_kafka_message_t *message, const void *key,
                                 size_t key_size, size_t size)
{
    ASSERT(key != NULL || key_size == 0);
    struct outgoing_block *block;
    struct outgoing *outgoing = reserve_alloc(reserve, sizeof(*outgoing) + key_size + size, &block);
    if (outgoing == NULL)
        return NULL;
    outgoing->block = block;
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    outgoing->timestamp_ms = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? timestamp_ms : 0;
    outgoing->offset = message->offset;
    outgoing->partition = message->partition;
    outgoing->has_key = key != NULL;
    outgoing->key_size = key_size;
    outgoing->size = size;
    if (key_size > 0)
        memcpy(outgoing->bytes, key, key_size);
    return outgoing;
}

void outgoing_destroy(struct outgoing *outgoing)
{
    if (outgoing->headers != NULL)
        rd_kafka_headers_destroy(outgoing->headers);
    reserve_free(outgoing->block, outgoing);
}

rd_kafka_resp_err_t outgoing_send(struct outgoing *outgoing, rd_kafka_t *client, const char *topic)
{
    ASSERT(outgoing->headers != NULL);
    const void *key = outgoing->has_key ? outgoing->bytes : NULL;
    rd_kafka_resp_err_t code = rd_kafka_producev(
        client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(0),
        RD_KAFKA_V_KEY(key, outgoing->key_size),
        RD_KAFKA_V_VALUE(outgoing_value(outgoing), outgoing->size),
        RD_KAFKA_V_TIMESTAMP(outgoing->timestamp_ms), RD_KAFKA_V_HEADERS(outgoing->headers),
        RD_KAFKA_V_OPAQUE(outgoing), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        outgoing->headers = NULL;
    return code;
}

void outgoing_recover(struct outgoing *outgoing, const rd_kafka_message_t *report)
{
    ASSERT(outgoing->headers == NULL);
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(report, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        outgoing->headers = rd_kafka_headers_copy(headers);
}

void outgoing_cut(struct outgoing *outgoing)
{
    ASSERT(outgoing->headers != NULL);
    if (outgoing->is_cut || outgoing->size <= CUT_BYTES)
        return;
    deadletter_headers_add_number(outgoing->headers, DEADLETTER_TRUNCATED, (int64_t)outgoing->size);
    outgoing->size = CUT_BYTES;
    outgoing->is_cut = true;
}
