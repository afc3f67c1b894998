/*
 * packed.h - numbers and names as bytes, and back: the alphabet of a payload (docs/state.md).
 *
 * uint: seven bits a byte, the lowest first, the high bit set on all but the last byte. int: zigzag
 * (0, -1, 1, -2, ...) of a uint; wide: the same of 128 bits. Text: its size, its bytes. Part: its
 * size in four bytes, the lowest first, and what it holds.
 *
 * A reader is never outside its bytes. A value that is cut off, out of its bounds or too
 * long sets `damaged`. From then on every take gives 0: check once, but bound every loop. Pure.
 */
#ifndef GHGD_PACKED_H
#define GHGD_PACKED_H

#include "base/buffer.h"

enum { PACKED_UINT_BYTES = 10, PACKED_WIDE_BYTES = 19 };

void packed_add_uint(struct buffer *out, uint64_t value);
void packed_add_int(struct buffer *out, int64_t value);
void packed_add_wide(struct buffer *out, int128 value);
void packed_add_text(struct buffer *out, const char *text);
/* Between the two the part's bytes are added; `at` is what begin returned. */
size_t packed_begin_part(struct buffer *out);
void packed_end_part(struct buffer *out, size_t at);

/* Puts a number at `at`, which has room for PACKED_UINT_BYTES; returns where it ends. */
static inline uint8_t *packed_put_uint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline uint64_t packed_zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

struct packed {
    const uint8_t *begin, *at, *end;
    bool damaged;
};

void packed_init(struct packed *packed, const void *bytes, size_t size);
/* A number of at most `max`; in [min, max]; with an absolute value of at most `max`. */
uint64_t packed_take_uint(struct packed *packed, uint64_t max);
int64_t packed_take_int(struct packed *packed, int64_t min, int64_t max);
int128 packed_take_wide(struct packed *packed, int128 max);
/* Copies a text without NUL of at most size - 1 bytes, and ends it. */
void packed_take_text(struct packed *packed, char *text, size_t size);
void packed_take_part(struct packed *packed, struct packed *part_out);
/* An item count: each item takes a byte at least, so that it cannot be more than what is left. */
uint32_t packed_take_count(struct packed *packed, uint32_t max);
static inline bool packed_is_at_end(const struct packed *packed)
{
    return packed->at == packed->end;
}

#endif
