/*
 * The checkpoint topic may hold anything. A record that is accepted comes back as itself, and a
 * chain is complete only where it stands at the committed offset.
 *
 * The first byte says what the rest is: a pointer, a key, a record, or messages of a chain. The
 * checksum of a record is put right, or no random bytes would ever get past it.
 */
#include "pipelines/checkpoint/chain.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { CHECKSUM_AT = 8, CHECKED_FROM = 16, COMMITTED = 7, WHY_BYTES = 4096 };
#define PREFIX "plant/events/0/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly this size, so that the sanitizer sees a step too far. */
static void *copy(const void *data, size_t size)
{
    void *bytes = malloc(size + (size == 0));
    ASSERT(bytes != NULL);
    if (size > 0)
        memcpy(bytes, data, size);
    return bytes;
}

static void check_pointer(const uint8_t *data, size_t size, struct buffer *why)
{
    char *text = copy(data, size + 1); /* the byte behind is there, and is replaced */
    text[size] = '\0';
    struct pointer pointer;
    if (pointer_parse(&pointer, text, why) == 0) {
        char again[POINTER_TEXT_SIZE];
        pointer_print(again, &pointer);
        ASSERT(strcmp(again, text) == 0);
        ASSERT(pointer.base >= 0 && pointer.base <= pointer.end && pointer.number > 0);
    }
    free(text);
}

static void check_key(const uint8_t *data, size_t size)
{
    char *key = copy(data, size);
    uint64_t epoch;
    uint64_t sequence;
    if (record_key_parse(&epoch, &sequence, PREFIX, key, size) == 0) {
        char again[RECORD_KEY_BYTES_MAX];
        ASSERT(record_key_print(again, PREFIX, epoch, sequence) == size);
        ASSERT(memcmp(again, key, size) == 0);
    }
    free(key);
}

static void put_checksum(uint8_t *bytes, size_t size)
{
    if (size < RECORD_HEADER_BYTES)
        return;
    uint64_t checksum = XXH3_64bits(bytes + CHECKED_FROM, size - CHECKED_FROM);
    memcpy(bytes + CHECKSUM_AT, &checksum, sizeof(checksum));
}

static void check_record(const uint8_t *data, size_t size, struct buffer *why)
{
    uint8_t *bytes = copy(data, size);
    put_checksum(bytes, size);
    struct record record;
    if (record_decode(&record, bytes, size, why) == 0) {
        struct key_range obsolete[RECORD_OBSOLETE_MAX];
        for (uint32_t i = 0; i < record.obsolete_count; i++)
            obsolete[i] = record_obsolete_range(&record, i);
        uint8_t *again = copy(bytes, size);
        ASSERT(record_size(&record) == size);
        record_encode(&record, obsolete, again);
        ASSERT(memcmp(again, bytes, size) == 0);
        free(again);
    }
    free(bytes);
}

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    (void)partition;
    (void)why;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
    *(size_t *)context += size;
    return 0;
}

/* A message: epoch, sequence, bytes of its value (255: none), value. Epoch 1 is the chain's. */
static size_t add_message(struct chain *chain, const uint8_t *data, size_t size, int64_t offset,
                          int *err)
{
    enum { HEAD = 3, NO_VALUE = 255 };
    if (size < HEAD)
        return size;
    char key[RECORD_KEY_BYTES_MAX];
    size_t key_size = record_key_print(key, PREFIX, data[0], data[1]);
    size_t value_size = data[2] == NO_VALUE ? 0 : data[2];
    if (value_size > size - HEAD)
        value_size = size - HEAD;
    uint8_t *value = copy(data + HEAD, value_size);
    put_checksum(value, value_size);
    struct chain_message message = {offset,   key,        data[2] == NO_VALUE ? NULL : value,
                                    key_size, value_size, 0};
    struct buffer why;
    buffer_init(&why, WHY_BYTES);
    *err = chain_add(chain, &message, &why);
    ASSERT((*err == 0) == (why.size == 0));
    buffer_fini(&why);
    free(value);
    return HEAD + value_size;
}

static void check_chain(const uint8_t *data, size_t size, struct buffer *why)
{
    struct chain *chain = NULL;
    size_t given = 0;
    struct chain_conf conf = {
        .prefix = PREFIX,
        .metadata = "ghgd2 epoch=0000000000000001 number=2 base=0 end=3",
        .committed = COMMITTED,
        .handler = {on_payload, &given},
    };
    int err = chain_create(&chain, &conf, why);
    ASSERT(err == 0);
    for (int64_t offset = 0; size > 0 && err == 0; offset++) {
        size_t used = add_message(chain, data, size, offset, &err);
        data += used;
        size -= used;
    }
    ASSERT(!chain_is_complete(chain) || chain_position(chain).offset == COMMITTED);
    ASSERT(chain_bytes(chain) == given);
    struct obsolete_keys obsolete = {0};
    chain_take_obsolete(chain, &obsolete);
    obsolete_keys_fini(&obsolete);
    chain_destroy(&chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct buffer why;
    buffer_init(&why, WHY_BYTES);
    switch (data[0]) {
    case 'p':
        check_pointer(data + 1, size - 2, &why);
        break;
    case 'k':
        check_key(data + 1, size - 1);
        break;
    case 'r':
        check_record(data + 1, size - 1, &why);
        break;
    default:
        check_chain(data + 1, size - 1, &why);
        break;
    }
    buffer_fini(&why);
    return 0;
}
