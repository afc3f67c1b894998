#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 256 };

void buffer_init(struct buffer *buffer, size_t limit)
{
    ASSERT(limit < SIZE_MAX / 2);
    *buffer = (struct buffer){.limit = limit};
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

/* One byte more than the capacity is allocated, so that buffer_text() cannot fail. */
__attribute__((noinline)) static bool grow(struct buffer *buffer, size_t size)
{
    if (size > buffer->limit - buffer->size) {
        buffer->failed = true;
        return false;
    }
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity * 2;
    if (capacity < buffer->size + size)
        capacity = buffer->size + size;
    if (capacity > buffer->limit)
        capacity = buffer->limit;
    char *data = realloc(buffer->data, capacity + 1);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

static inline bool reserve(struct buffer *buffer, size_t size)
{
    if (buffer->failed)
        return false;
    return size <= buffer->capacity - buffer->size || grow(buffer, size);
}

void buffer_add(struct buffer *buffer, const void *data, size_t size)
{
    if (size == 0 || !reserve(buffer, size))
        return;
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

void buffer_add_str(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_char(struct buffer *buffer, char c)
{
    if (!reserve(buffer, 1))
        return;
    buffer->data[buffer->size++] = c;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0)
        buffer->failed = true;
    else if (reserve(buffer, (size_t)size) && size > 0) {
        (void)vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Writes the digits of `value` so that they end at `end`; returns where they begin. */
static char *digits_before(char *end, uint64_t value)
{
    while (value >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        memcpy(end, digit_pairs + value * 2, 2);
    } else {
        *--end = (char)('0' + value);
    }
    return end;
}

static char *wide_digits_before(char *end, uint128 value)
{
    const uint64_t chunk = UINT64_C(1000000000000000000);
    while (value > UINT64_MAX) {
        char *begin = digits_before(end, (uint64_t)(value % chunk));
        value /= chunk;
        while (begin > end - 18)
            *--begin = '0';
        end = begin;
    }
    return digits_before(end, (uint64_t)value);
}

void buffer_add_int(struct buffer *buffer, int64_t value)
{
    char text[24];
    char *end = text + sizeof(text);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *begin = digits_before(end, magnitude);
    if (value < 0)
        *--begin = '-';
    buffer_add(buffer, begin, (size_t)(end - begin));
}

void buffer_add_fixed(struct buffer *buffer, int128 value, unsigned decimals)
{
    ASSERT(decimals <= 38); /* 2^127 has 39 digits */
    if (value == 0) {
        buffer_add_char(buffer, '0'); /* as many figures of a row are */
        return;
    }
    char text[48];
    char *end = text + sizeof(text) - 1; /* one byte for the point */
    uint128 magnitude = value < 0 ? 0 - (uint128)value : (uint128)value;
    char *begin = wide_digits_before(end, magnitude);
    while (begin > end - decimals - 1)
        *--begin = '0';
    char *point = end - decimals;
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): all behind `begin` is set
    while (end > point && end[-1] == '0')
        end--;
    if (end > point) {
        memmove(point + 1, point, (size_t)(end - point));
        *point = '.';
        end++;
    }
    if (value < 0)
        *--begin = '-';
    buffer_add(buffer, begin, (size_t)(end - begin));
}

const char *buffer_text(struct buffer *buffer)
{
    if (buffer->failed)
        return NULL;
    if (buffer->data == NULL)
        return "";
    buffer->data[buffer->size] = '\0';
    return buffer->data;
}

bool buffer_failed(const struct buffer *buffer)
{
    return buffer->failed;
}
