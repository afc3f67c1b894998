#include "pipelines/state/packed.h"

#include <string.h>

enum { PART_SIZE_BYTES = 4 };

void packed_add_uint(struct buffer *out, uint64_t value)
{
    uint8_t bytes[PACKED_UINT_BYTES];
    buffer_add(out, bytes, (size_t)(packed_put_uint(bytes, value) - bytes));
}

void packed_add_int(struct buffer *out, int64_t value)
{
    packed_add_uint(out, packed_zigzag(value));
}

void packed_add_wide(struct buffer *out, int128 value)
{
    uint8_t bytes[PACKED_WIDE_BYTES];
    uint8_t *at = bytes;
    uint128 zigzag = (uint128)value << 1 ^ (value < 0 ? ~(uint128)0 : 0);
    for (; zigzag >= 0x80; zigzag >>= 7)
        *at++ = (uint8_t)((uint8_t)zigzag | 0x80);
    *at++ = (uint8_t)zigzag;
    buffer_add(out, bytes, (size_t)(at - bytes));
}

void packed_add_text(struct buffer *out, const char *text)
{
    size_t size = strlen(text);
    packed_add_uint(out, size);
    buffer_add(out, text, size);
}

size_t packed_begin_part(struct buffer *out)
{
    size_t at = out->size;
    buffer_add(out, (const uint8_t[PART_SIZE_BYTES]){0}, PART_SIZE_BYTES);
    return at;
}

void packed_end_part(struct buffer *out, size_t at)
{
    if (buffer_failed(out))
        return;
    size_t size = out->size - at - PART_SIZE_BYTES;
    if (size > UINT32_MAX)
        out->failed = true;
    for (size_t i = 0; i < PART_SIZE_BYTES; i++)
        out->data[at + i] = (char)(uint8_t)(size >> 8 * i);
}

void packed_init(struct packed *packed, const void *bytes, size_t size)
{
    const uint8_t *begin = bytes;
    *packed = (struct packed){begin, begin, begin + size, false};
}

static void damage(struct packed *packed)
{
    packed->damaged = true;
}

/* At most `bits` bits, in the fewest bytes that hold them. */
static uint128 take(struct packed *packed, unsigned bits)
{
    uint128 value = 0;
    for (unsigned shift = 0; !packed->damaged; shift += 7) {
        if (packed->at == packed->end || shift >= bits) {
            damage(packed);
            break;
        }
        uint8_t byte = *packed->at++;
        uint128 piece = byte & 0x7fU;
        if (bits - shift < 7 && piece >> (bits - shift) != 0)
            damage(packed);
        value |= piece << shift;
        if (byte < 0x80)
            return packed->damaged ? 0 : value;
    }
    return 0;
}

uint64_t packed_take_uint(struct packed *packed, uint64_t max)
{
    /* Most numbers have one byte. */
    if (packed->at < packed->end && *packed->at < 0x80 && *packed->at <= max && !packed->damaged)
        return *packed->at++;
    /* Nearly all others have up to nine bytes, which 64 bits hold. */
    uint64_t narrow = 0;
    const uint8_t *at = packed->at;
    for (unsigned shift = 0; shift < 63 && at < packed->end && !packed->damaged; shift += 7) {
        narrow |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ >= 0x80)
            continue;
        if (narrow > max)
            break;
        packed->at = at;
        return narrow;
    }
    uint64_t value = (uint64_t)take(packed, 64);
    if (value <= max)
        return value;
    damage(packed);
    return 0;
}

int64_t packed_take_int(struct packed *packed, int64_t min, int64_t max)
{
    uint64_t zigzag = packed_take_uint(packed, UINT64_MAX);
    int64_t value = (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
    if (!packed->damaged && value >= min && value <= max)
        return value;
    damage(packed);
    return 0;
}

int128 packed_take_wide(struct packed *packed, int128 max)
{
    uint128 zigzag = take(packed, 128);
    int128 value = (int128)(zigzag >> 1 ^ (0 - (zigzag & 1)));
    if (!packed->damaged && value >= -max && value <= max)
        return value;
    damage(packed);
    return 0;
}

void packed_take_text(struct packed *packed, char *text, size_t size)
{
    size_t length = packed_take_uint(packed, size - 1);
    text[0] = '\0';
    if (length > (size_t)(packed->end - packed->at) || memchr(packed->at, '\0', length) != NULL)
        damage(packed);
    if (packed->damaged)
        return;
    memcpy(text, packed->at, length);
    text[length] = '\0';
    packed->at += length;
}

void packed_take_part(struct packed *packed, struct packed *part_out)
{
    packed_init(part_out, packed->at, 0);
    size_t size = 0;
    if (packed->end - packed->at < PART_SIZE_BYTES)
        damage(packed);
    for (size_t i = 0; i < PART_SIZE_BYTES && !packed->damaged; i++)
        size |= (size_t)*packed->at++ << 8 * i;
    if (size > (size_t)(packed->end - packed->at))
        damage(packed);
    if (packed->damaged)
        return;
    packed_init(part_out, packed->at, size);
    packed->at += size;
}

uint32_t packed_take_count(struct packed *packed, uint32_t max)
{
    uint64_t count = packed_take_uint(packed, max);
    if (count <= (uint64_t)(packed->end - packed->at))
        return (uint32_t)count;
    damage(packed);
    return 0;
}
