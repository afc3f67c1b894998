#include "daemon/engine/refused/parked.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE_MAX = 1 << 15, NO_VALUE = -1 }; /* a header's name in Kafka: 32767 bytes */

/* The fixed part of a letter, before its headers, key and body. Little-endian. */
struct head {
    uint64_t sequence;
    int64_t offset, timestamp_ms;
    uint32_t key_size, size, headers_count;
    uint32_t has_key;
};

static void put_u32(struct buffer *out, uint32_t value)
{
    uint32_t bytes = htole32(value);
    buffer_add(out, &bytes, sizeof(bytes));
}

static void put_u64(struct buffer *out, uint64_t value)
{
    uint64_t bytes = htole64(value);
    buffer_add(out, &bytes, sizeof(bytes));
}

/* The rest of a section. A read beyond its end gives 0 and is remembered. */
struct section_reader {
    const uint8_t *at, *end;
    bool damaged;
};

static const uint8_t *get_bytes(struct section_reader *reader, size_t size)
{
    if ((size_t)(reader->end - reader->at) < size) {
        reader->damaged = true;
        return NULL;
    }
    const uint8_t *bytes = reader->at;
    reader->at += size;
    return bytes;
}

static uint32_t get_u32(struct section_reader *reader)
{
    uint32_t value = 0;
    const uint8_t *bytes = get_bytes(reader, sizeof(value));
    if (bytes != NULL)
        memcpy(&value, bytes, sizeof(value));
    return le32toh(value);
}

static uint64_t get_u64(struct section_reader *reader)
{
    uint64_t value = 0;
    const uint8_t *bytes = get_bytes(reader, sizeof(value));
    if (bytes != NULL)
        memcpy(&value, bytes, sizeof(value));
    return le64toh(value);
}

void parked_save_begin(struct buffer *out, uint64_t left, uint32_t letters_count)
{
    put_u64(out, left);
    put_u32(out, letters_count);
}

static void save_headers(struct buffer *out, const rd_kafka_headers_t *headers)
{
    const char *name;
    const void *value;
    size_t value_size;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &value_size) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        size_t name_size = strlen(name);
        put_u32(out, (uint32_t)name_size);
        put_u32(out, value == NULL ? (uint32_t)NO_VALUE : (uint32_t)value_size);
        buffer_add(out, name, name_size);
        if (value != NULL)
            buffer_add(out, value, value_size);
    }
}

void parked_save(struct buffer *out, const struct outgoing *letter)
{
    ASSERT(letter->headers != NULL); /* it is not being sent */
    put_u64(out, letter->sequence);
    put_u64(out, (uint64_t)letter->offset);
    put_u64(out, (uint64_t)letter->timestamp_ms);
    put_u32(out, (uint32_t)letter->key_size);
    put_u32(out, (uint32_t)letter->size);
    put_u32(out, (uint32_t)rd_kafka_header_cnt(letter->headers));
    put_u32(out, letter->has_key);
    save_headers(out, letter->headers);
    buffer_add(out, letter->bytes, letter->key_size + letter->size);
}

static struct head get_head(struct section_reader *reader)
{
    struct head head = {.sequence = get_u64(reader)};
    head.offset = (int64_t)get_u64(reader);
    head.timestamp_ms = (int64_t)get_u64(reader);
    head.key_size = get_u32(reader);
    head.size = get_u32(reader);
    head.headers_count = get_u32(reader);
    head.has_key = get_u32(reader);
    return head;
}

static int load_header(struct section_reader *reader, rd_kafka_headers_t *headers)
{
    uint32_t name_size = get_u32(reader);
    uint32_t value_size = get_u32(reader);
    bool has_value = value_size != (uint32_t)NO_VALUE;
    const uint8_t *name = get_bytes(reader, name_size);
    const uint8_t *value = has_value ? get_bytes(reader, value_size) : NULL;
    if (reader->damaged || name_size == 0 || name_size > NAME_SIZE_MAX)
        return ERR_SYNTAX;
    rd_kafka_resp_err_t code = rd_kafka_header_add(headers, (const char *)name, (ssize_t)name_size,
                                                   value, has_value ? (ssize_t)value_size : 0);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -ENOMEM;
}

static int load_headers(struct section_reader *reader, uint32_t count,
                        rd_kafka_headers_t **headers_out)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(16);
    if (headers == NULL)
        return -ENOMEM;
    int err = 0;
    for (uint32_t i = 0; i < count && err == 0; i++)
        err = load_header(reader, headers);
    if (err < 0)
        rd_kafka_headers_destroy(headers);
    else
        *headers_out = headers;
    return err;
}

static int load_letter(struct section_reader *reader, int32_t partition,
                       struct outgoing **letter_out)
{
    struct head head = get_head(reader);
    if (reader->damaged)
        return ERR_SYNTAX;
    rd_kafka_headers_t *headers;
    int err = load_headers(reader, head.headers_count, &headers);
    if (err < 0)
        return err;
    size_t body_size = (size_t)head.key_size + head.size;
    const uint8_t *bytes = get_bytes(reader, body_size);
    struct outgoing *letter = bytes == NULL ? NULL : calloc(1, sizeof(*letter) + body_size);
    if (letter == NULL) {
        rd_kafka_headers_destroy(headers);
        return bytes == NULL ? ERR_SYNTAX : -ENOMEM;
    }
    letter->sequence = head.sequence;
    letter->offset = head.offset;
    letter->partition = partition;
    letter->timestamp_ms = head.timestamp_ms;
    letter->headers = headers;
    letter->has_key = head.has_key != 0;
    letter->key_size = head.key_size;
    letter->size = head.size;
    if (body_size > 0)
        memcpy(letter->bytes, bytes, body_size);
    *letter_out = letter;
    return 0;
}

struct outgoing *parked_take(struct parked *parked)
{
    struct outgoing *letter = parked->oldest;
    if (letter == NULL)
        return NULL;
    parked->oldest = letter->newer;
    if (parked->oldest == NULL)
        parked->newest = NULL;
    letter->newer = NULL;
    parked->count--;
    return letter;
}

void parked_put_back(struct parked *parked, struct outgoing **letter)
{
    struct outgoing *first = TAKE(*letter);
    first->newer = parked->oldest;
    parked->oldest = first;
    if (parked->newest == NULL)
        parked->newest = first;
    parked->count++;
}

static void append(struct parked *parked, struct outgoing *letter)
{
    if (parked->newest != NULL)
        parked->newest->newer = letter;
    else
        parked->oldest = letter;
    parked->newest = letter;
    parked->count++;
}

int parked_load(struct parked *parked, int32_t partition, const void *section, size_t size)
{
    struct section_reader reader = {.at = section, .end = (const uint8_t *)section + size};
    uint64_t left = get_u64(&reader);
    uint32_t count = get_u32(&reader);
    while (parked->oldest != NULL && parked->oldest->sequence < left)
        outgoing_destroy(parked_take(parked));
    for (uint32_t i = 0; i < count && !reader.damaged; i++) {
        struct outgoing *letter = NULL;
        int err = load_letter(&reader, partition, &letter);
        if (err < 0)
            return err;
        if (parked->newest != NULL && parked->newest->sequence >= letter->sequence) {
            outgoing_destroy(letter);
            return ERR_SYNTAX; /* sections in the wrong order, or one twice */
        }
        append(parked, letter);
    }
    return reader.damaged || reader.at != reader.end ? ERR_SYNTAX : 0;
}

void parked_fini(struct parked *parked)
{
    while (parked->oldest != NULL)
        outgoing_destroy(parked_take(parked));
}
