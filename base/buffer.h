/*
 * buffer.h - bytes that grow up to a limit.
 *
 * A buffer that could not grow remembers it: later appends do nothing, and buffer_failed() tells.
 * So a writer appends freely and checks once. The owner calls buffer_fini().
 */
#ifndef GHGD_BUFFER_H
#define GHGD_BUFFER_H

#include "base/base.h"

struct buffer {
    char *data; /* not NUL-terminated, unless buffer_text() was called */
    size_t size, capacity, limit;
    bool failed;
};

void buffer_init(struct buffer *buffer, size_t limit);
void buffer_fini(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory, forgets a failure */
void buffer_add(struct buffer *buffer, const void *data, size_t size);
void buffer_add_str(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
void buffer_add_int(struct buffer *buffer, int64_t value);
/* value / 10^decimals, exactly, without trailing zeros: (1250000, 6) gives "1.25", 0 gives "0". */
void buffer_add_fixed(struct buffer *buffer, int128 value, unsigned decimals);
/* Returns a NUL-terminated view, valid until the next change, or NULL after a failure. */
const char *buffer_text(struct buffer *buffer);
bool buffer_failed(const struct buffer *buffer);

#endif
