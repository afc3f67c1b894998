#include "pipelines/checkpoint/checkpoint_record.h"

#include <ctype.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/limits.h"

/* Where things stand in a header. The checksum is of all bytes behind itself. */
enum {
    AT_MAGIC = 0,
    AT_FORMAT = 4,
    AT_CHECKSUM = 8,
    AT_EPOCH = 16,
    AT_SEQUENCE = 24,
    AT_NUMBER = 32,
    AT_PREVIOUS = 40,
    AT_OFFSET = 48,
    AT_PAYLOAD_BYTES = 56,
    AT_SKIP = 64,
    AT_PIECE = 68,
    AT_PIECES = 72,
    AT_OBSOLETE = 76,
    AT_SIZE = 80, /* of the piece; 4 bytes behind it are 0 */
    CHECKED_FROM = AT_EPOCH,
    OBSOLETE_BYTES = 24,
    EPOCH_DIGITS = 16
};
_Static_assert(AT_SIZE + 8 == RECORD_HEADER_BYTES, "the header ends behind the size");

static const uint8_t magic[4] = {'G', 'H', 'G', 'C'};

static void put32(uint8_t *out, uint32_t value)
{
    value = htole32(value);
    memcpy(out, &value, sizeof(value));
}

static void put64(uint8_t *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof(value));
}

static uint32_t get32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return le32toh(value);
}

static uint64_t get64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return le64toh(value);
}

/* ---- records ---- */

size_t record_size(const struct record *record)
{
    return RECORD_HEADER_BYTES + (size_t)record->obsolete_count * OBSOLETE_BYTES + record->size;
}

void record_encode(const struct record *record, const struct key_range *obsolete, uint8_t *out)
{
    ASSERT(record->obsolete_count <= RECORD_OBSOLETE_MAX);
    memcpy(out + AT_MAGIC, magic, sizeof(magic));
    put32(out + AT_FORMAT, RECORD_FORMAT);
    put64(out + AT_EPOCH, record->epoch);
    put64(out + AT_SEQUENCE, record->sequence);
    put64(out + AT_NUMBER, record->number);
    put64(out + AT_PREVIOUS, record->previous);
    put64(out + AT_OFFSET, (uint64_t)record->at.offset);
    put64(out + AT_PAYLOAD_BYTES, record->payload_bytes);
    put32(out + AT_SKIP, record->at.skip);
    put32(out + AT_PIECE, record->piece);
    put32(out + AT_PIECES, record->pieces);
    put32(out + AT_OBSOLETE, record->obsolete_count);
    put64(out + AT_SIZE, record->size);
    uint8_t *next = out + RECORD_HEADER_BYTES;
    for (uint32_t i = 0; i < record->obsolete_count; i++, next += OBSOLETE_BYTES) {
        put64(next, obsolete[i].epoch);
        put64(next + 8, obsolete[i].first);
        put64(next + 16, obsolete[i].end);
    }
    if (record->size > 0)
        memcpy(next, record->bytes, record->size);
    put64(out + AT_CHECKSUM, XXH3_64bits(out + CHECKED_FROM, record_size(record) - CHECKED_FROM));
}

static void read_header(struct record *record, const uint8_t *bytes)
{
    *record = (struct record){
        .epoch = get64(bytes + AT_EPOCH),
        .sequence = get64(bytes + AT_SEQUENCE),
        .number = get64(bytes + AT_NUMBER),
        .previous = get64(bytes + AT_PREVIOUS),
        .at = {(int64_t)get64(bytes + AT_OFFSET), get32(bytes + AT_SKIP)},
        .payload_bytes = get64(bytes + AT_PAYLOAD_BYTES),
        .piece = get32(bytes + AT_PIECE),
        .pieces = get32(bytes + AT_PIECES),
        .obsolete_count = get32(bytes + AT_OBSOLETE),
        .obsolete = bytes + RECORD_HEADER_BYTES,
    };
    record->size = get64(bytes + AT_SIZE);
}

/* A checksum cannot tell whether the writer meant the same by these numbers. */
static bool is_consistent(const struct record *record, size_t size)
{
    if (record->obsolete_count > RECORD_OBSOLETE_MAX || record->size > size ||
        record_size(record) != size)
        return false;
    return record->number > record->previous && record->at.offset >= 0 && record->pieces > 0 &&
           record->piece < record->pieces && record->payload_bytes <= CHECKPOINT_BYTES_MAX &&
           record->size <= record->payload_bytes &&
           (record->pieces > 1 || record->size == record->payload_bytes);
}

int record_decode(struct record *record_out, const void *bytes, size_t size, struct buffer *why)
{
    const uint8_t *data = bytes;
    if (size < AT_CHECKSUM || memcmp(data, magic, sizeof(magic)) != 0) {
        buffer_add_str(why, "is no record of a checkpoint");
        return ERR_PROTOCOL;
    }
    uint32_t format = get32(data + AT_FORMAT);
    if (format > RECORD_FORMAT) {
        buffer_printf(why, "is of a newer ghgd: its format is %" PRIu32 ", this one knows 1 to %d",
                      format, RECORD_FORMAT);
        return ERR_PROTOCOL;
    }
    if (format == 0 || size < RECORD_HEADER_BYTES ||
        get64(data + AT_CHECKSUM) != XXH3_64bits(data + CHECKED_FROM, size - CHECKED_FROM)) {
        buffer_add_str(why, "is damaged: its checksum differs");
        return ERR_PROTOCOL;
    }
    struct record record;
    read_header(&record, data);
    if (!is_consistent(&record, size)) {
        buffer_add_str(why, "contradicts itself");
        return ERR_PROTOCOL;
    }
    record.bytes = record.obsolete + (size_t)record.obsolete_count * OBSOLETE_BYTES;
    *record_out = record;
    return 0;
}

struct key_range record_obsolete_range(const struct record *record, uint32_t index)
{
    ASSERT(index < record->obsolete_count);
    const uint8_t *bytes = record->obsolete + (size_t)index * OBSOLETE_BYTES;
    return (struct key_range){get64(bytes), get64(bytes + 8), get64(bytes + 16)};
}

/* ---- keys ---- */

void record_key_prefix(struct buffer *out, const char *group, const char *topic, int32_t partition)
{
    buffer_printf(out, "%s/%s/%" PRId32 "/", group, topic, partition);
}

size_t record_key_print(char out[RECORD_KEY_BYTES_MAX], const char *prefix, uint64_t epoch,
                        uint64_t sequence)
{
    int size =
        snprintf(out, RECORD_KEY_BYTES_MAX, "%s%016" PRIx64 "/%" PRIu64, prefix, epoch, sequence);
    ASSERT(size > 0 && size < RECORD_KEY_BYTES_MAX);
    return (size_t)size;
}

/* Digits of the base, lower case, as our own printing writes them. NULL: not such a number. */
static const char *read_digits(uint64_t *value_out, const char *text, const char *end, int base)
{
    uint64_t value = 0;
    const char *c = text;
    for (; c < end && (isdigit((unsigned char)*c) || (base == 16 && *c >= 'a' && *c <= 'f')); c++) {
        unsigned digit = (unsigned)(isdigit((unsigned char)*c) ? *c - '0' : *c - 'a' + 10);
        if (value > (UINT64_MAX - digit) / (unsigned)base)
            return NULL;
        value = value * (unsigned)base + digit;
    }
    if (c == text || (base == 10 && *text == '0' && c - text > 1))
        return NULL;
    *value_out = value;
    return c;
}

int record_key_parse(uint64_t *epoch_out, uint64_t *sequence_out, const char *prefix,
                     const void *key, size_t key_size)
{
    size_t prefix_size = strlen(prefix);
    if (key_size <= prefix_size + EPOCH_DIGITS || memcmp(key, prefix, prefix_size) != 0)
        return ERR_SYNTAX;
    const char *text = (const char *)key + prefix_size;
    const char *end = (const char *)key + key_size;
    uint64_t epoch;
    uint64_t sequence;
    const char *slash = read_digits(&epoch, text, text + EPOCH_DIGITS, 16);
    if (slash != text + EPOCH_DIGITS || *slash != '/' ||
        read_digits(&sequence, slash + 1, end, 10) != end)
        return ERR_SYNTAX;
    *epoch_out = epoch;
    *sequence_out = sequence;
    return 0;
}

/* ---- pointers ---- */

#define POINTER_MARK "ghgd2"

void pointer_print(char out[POINTER_TEXT_SIZE], const struct pointer *pointer)
{
    (void)snprintf(out, POINTER_TEXT_SIZE,
                   POINTER_MARK " epoch=%016" PRIx64 " number=%" PRIu64 " base=%" PRId64
                                " end=%" PRId64,
                   pointer->epoch, pointer->number, pointer->base, pointer->end);
}

/* " name=value" */
static const char *read_field(uint64_t *value_out, const char *text, const char *name, int base)
{
    size_t size = strlen(name);
    if (text == NULL || strncmp(text, name, size) != 0)
        return NULL;
    text += size;
    const char *rest = read_digits(value_out, text, text + strlen(text), base);
    return base == 16 && rest != text + EPOCH_DIGITS ? NULL : rest;
}

/* ghgd3 and later will be pointers too, but not ours to follow. */
static bool is_newer(const char *text)
{
    static const char name[] = "ghgd";
    if (strncmp(text, name, sizeof(name) - 1) != 0)
        return false;
    uint64_t version;
    text += sizeof(name) - 1;
    const char *rest = read_digits(&version, text, text + strlen(text), 10);
    return rest != NULL && (*rest == ' ' || *rest == '\0') && version > 2;
}

int pointer_parse(struct pointer *pointer_out, const char *text, struct buffer *why)
{
    struct pointer pointer;
    uint64_t base;
    uint64_t end;
    const char *rest = strncmp(text, POINTER_MARK, sizeof(POINTER_MARK) - 1) == 0
                           ? text + sizeof(POINTER_MARK) - 1
                           : NULL;
    rest = read_field(&pointer.epoch, rest, " epoch=", 16);
    rest = read_field(&pointer.number, rest, " number=", 10);
    rest = read_field(&base, rest, " base=", 10);
    rest = read_field(&end, rest, " end=", 10);
    if (rest == NULL || *rest != '\0' || pointer.number == 0 || base > end || end > INT64_MAX) {
        buffer_add_str(why, is_newer(text) ? "is of a newer ghgd" : "is no pointer of ghgd's");
        return ERR_PROTOCOL;
    }
    pointer.base = (int64_t)base;
    pointer.end = (int64_t)end;
    *pointer_out = pointer;
    return 0;
}
