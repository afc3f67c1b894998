#include "pipelines/ingest/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "pipelines/ingest/msgpack_reader.h"

enum {
    READ_BYTES = 1 << 18,
    /* One byte more than is accepted, so that the decoder sees that a message is too large. */
    GIVEN_BYTES_MAX = MESSAGE_BYTES_MAX + 1,
    BUFFER_BYTES = GIVEN_BYTES_MAX + READ_BYTES
};

/* [begin, end) of the buffer is read and not given yet. */
struct reader {
    int fd;
    bool owns_fd, at_end;
    bool skipping; /* the rest of a message that was too large */
    bool damaged;  /* what comes now cannot be told apart */
    enum event_format format;
    struct msgpack_scan scan; /* of the item at `begin`, or of the one that is being skipped */
    size_t begin, end;
    int64_t bytes_read, file_size;
    char buffer[BUFFER_BYTES];
};

int reader_open(struct reader **reader_out, const char *path, enum event_format format)
{
    struct reader *reader = malloc(sizeof(*reader)); /* not cleared: pages come as they are used */
    if (reader == NULL)
        return -ENOMEM;
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int err = -errno;
        free(reader);
        return err;
    }
    struct stat status;
    int err = fstat(fd, &status) < 0 ? -errno : S_ISDIR(status.st_mode) ? -EISDIR : 0;
    if (err < 0) {
        if (!standard_input)
            close(fd);
        free(reader);
        return err;
    }
    memset(reader, 0, offsetof(struct reader, buffer));
    reader->fd = fd;
    reader->owns_fd = !standard_input;
    reader->format = format;
    reader->file_size = S_ISREG(status.st_mode) ? status.st_size : -1;
    *reader_out = reader;
    return 0;
}

void reader_close(struct reader **reader)
{
    struct reader *gone = TAKE(*reader);
    if (gone == NULL)
        return;
    if (gone->owns_fd)
        close(gone->fd);
    free(gone);
}

/* Reads what there is now, once. Returns 0, or negative. */
static int fill(struct reader *reader)
{
    if (reader->begin > 0 && BUFFER_BYTES - reader->end < READ_BYTES) {
        memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
        reader->end -= reader->begin;
        reader->begin = 0;
    }
    ASSERT(reader->end < BUFFER_BYTES);
    ssize_t got;
    do {
        got = read(reader->fd, reader->buffer + reader->end, BUFFER_BYTES - reader->end);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    reader->at_end = got == 0;
    reader->end += (size_t)got;
    reader->bytes_read += got;
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A byte that begins a map or an array of MessagePack, and no line of JSON. */
static bool begins_msgpack(char c)
{
    uint8_t code = (uint8_t)c;
    return (code >= 0x80 && code <= 0x9f) || (code >= 0xdc && code <= 0xdf);
}

/* Gives the next `size` bytes if a message may have so many, else as many as show that it may not;
 * goes on behind them and `gap` more. */
static int give(struct reader *reader, const void **message_out, size_t *size_out, size_t size,
                size_t gap)
{
    *message_out = reader->buffer + reader->begin;
    *size_out = size < GIVEN_BYTES_MAX ? size : GIVEN_BYTES_MAX;
    reader->begin += size + gap;
    return 1;
}

static void skip_space(struct reader *reader)
{
    while (reader->begin < reader->end && is_space(reader->buffer[reader->begin]))
        reader->begin++;
}

static int skip_line(struct reader *reader)
{
    for (;;) {
        const char *rest = reader->buffer + reader->begin;
        const char *newline = memchr(rest, '\n', reader->end - reader->begin);
        if (newline != NULL || reader->at_end) {
            reader->begin = newline != NULL ? (size_t)(newline - reader->buffer) + 1 : reader->end;
            return 0;
        }
        reader->begin = reader->end;
        int err = fill(reader);
        if (err < 0)
            return err;
    }
}

/* The next line that is not empty. */
static int next_line(struct reader *reader, const void **message_out, size_t *size_out)
{
    size_t scanned = 0;
    for (;;) {
        if (scanned == 0)
            skip_space(reader);
        const char *line = reader->buffer + reader->begin;
        size_t size = reader->end - reader->begin;
        const char *newline = memchr(line + scanned, '\n', size - scanned);
        if (newline != NULL)
            return give(reader, message_out, size_out, (size_t)(newline - line), 1);
        if (reader->at_end)
            return size == 0 ? 0 : give(reader, message_out, size_out, size, 0);
        if (size >= GIVEN_BYTES_MAX) {
            reader->skipping = true;
            return give(reader, message_out, size_out, size, 0);
        }
        scanned = size;
        int err = fill(reader);
        if (err < 0)
            return err;
    }
}

/* Scans on in what is there; *scanned counts from `begin`. */
static enum msgpack_result scan_on(struct reader *reader, size_t *scanned)
{
    const uint8_t *begin = (const uint8_t *)reader->buffer + reader->begin;
    const uint8_t *at = begin + *scanned;
    enum msgpack_result result =
        msgpack_scan(&reader->scan, &at, (const uint8_t *)reader->buffer + reader->end);
    *scanned = (size_t)(at - begin);
    return result;
}

static int skip_item(struct reader *reader)
{
    for (;;) {
        size_t scanned = 0;
        enum msgpack_result result = scan_on(reader, &scanned);
        reader->begin += scanned;
        reader->damaged = result == MSGPACK_DAMAGED;
        if (result != MSGPACK_MORE)
            return 0;
        if (reader->at_end) {
            reader->begin = reader->end;
            return 0;
        }
        int err = fill(reader);
        if (err < 0)
            return err;
    }
}

static int next_item(struct reader *reader, const void **message_out, size_t *size_out)
{
    size_t scanned = 0;
    msgpack_scan_begin(&reader->scan, 1, MSGPACK_DEPTH_MAX);
    for (;;) {
        enum msgpack_result result = scan_on(reader, &scanned);
        size_t size = reader->end - reader->begin;
        if (result == MSGPACK_OK)
            return give(reader, message_out, size_out, scanned, 0);
        reader->damaged = result == MSGPACK_DAMAGED;
        if (reader->damaged || reader->at_end)
            return size == 0 ? 0 : give(reader, message_out, size_out, size, 0);
        if (scanned >= GIVEN_BYTES_MAX) {
            reader->skipping = true;
            return give(reader, message_out, size_out, scanned, 0);
        }
        int err = fill(reader);
        if (err < 0)
            return err;
    }
}

/* Tells the format by the first byte, if it was not declared. */
static int find_format(struct reader *reader)
{
    while (reader->begin == reader->end && !reader->at_end) {
        int err = fill(reader);
        if (err < 0)
            return err;
    }
    if (reader->begin < reader->end)
        reader->format =
            begins_msgpack(reader->buffer[reader->begin]) ? FORMAT_MSGPACK : FORMAT_JSON;
    return 0;
}

int reader_next(struct reader *reader, const void **message_out, size_t *size_out)
{
    int err = 0;
    if (reader->format == FORMAT_AUTO)
        err = find_format(reader);
    if (err == 0 && reader->skipping) {
        err = reader->format == FORMAT_MSGPACK ? skip_item(reader) : skip_line(reader);
        reader->skipping = err < 0;
    }
    if (err == 0 && reader->damaged)
        err = ERR_SYNTAX;
    if (err < 0)
        return err;
    return reader->format == FORMAT_MSGPACK ? next_item(reader, message_out, size_out)
                                            : next_line(reader, message_out, size_out);
}

int64_t reader_position(const struct reader *reader)
{
    return reader->bytes_read - (int64_t)(reader->end - reader->begin);
}

int64_t reader_size(const struct reader *reader)
{
    return reader->file_size;
}
