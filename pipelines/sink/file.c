/*
 * file.c - a sink that appends line protocol to a file, or to standard output ("-").
 *
 * The file is opened again for each block, so it may be moved away at any time. A block that could
 * be written in part only (disk full) goes on where it stopped. A line without its end, which a
 * crash left behind, is cut off before anything is appended: its block was never acknowledged.
 * All of it happens on a thread of the pool.
 */
#include "base/log.h"
#include "pipelines/sink/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK_TEXT_BYTES_MAX = 64 << 20, /* ROWS_PER_BLOCK_MAX rows, every name as long as can be */
    TAIL_BYTES_MAX = 64 << 10,       /* longer than any line that ghgd writes */
    WRITABLE_WAIT_MS = 1000          /* for the reader of a pipe */
};

struct file_sink {
    struct sink sink;
    int fd; /* open while a block is under way; -1 else */
    bool is_stdout, is_regular;
    struct buffer text; /* the block under way */
    size_t written;     /* bytes of it */
    int err;            /* of the last try */
};

/* True if the text could be the beginning of a line that ghgd writes. */
static bool is_torn_line(const char *text, size_t size)
{
    for (size_t kind = 0; kind < ARRAY_LEN(measurements); kind++) {
        size_t stem = strlen(measurements[kind].stem);
        if (memcmp(text, measurements[kind].stem, size < stem ? size : stem) == 0)
            return true;
    }
    return false;
}

/* Cuts off what follows the last newline. */
static int mend_tail(int fd, const char *path, off_t size)
{
    char tail[TAIL_BYTES_MAX];
    size_t wanted = size < TAIL_BYTES_MAX ? (size_t)size : TAIL_BYTES_MAX;
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        return -errno;
    ssize_t got = pread(reader, tail, wanted, size - (off_t)wanted);
    int err = got < 0 ? -errno : 0;
    close(reader);
    if (err < 0 || got == 0 || tail[got - 1] == '\n')
        return err;
    const char *newline = memrchr(tail, '\n', (size_t)got);
    const char *torn = newline == NULL ? tail : newline + 1;
    size_t torn_size = (size_t)(tail + got - torn);
    bool is_whole = newline != NULL || got == size;
    if (!is_whole || !is_torn_line(torn, torn_size))
        return -EINVAL; /* another program's line: it must not be cut */
    LOG_WARN("sink.torn_line", "path=\"%s\" cut_bytes=%zu", path, torn_size);
    return ftruncate(fd, size - (off_t)torn_size) < 0 ? -errno : 0;
}

static int open_file(struct file_sink *file)
{
    if (file->is_stdout) {
        file->fd = STDOUT_FILENO;
        return 0;
    }
    const char *path = file->sink.conf->path;
    /* Not to block: a named pipe without a reader is an error, to be tried again. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    if (fd < 0)
        return -errno;
    struct stat status;
    int err = fstat(fd, &status) < 0 ? -errno : 0;
    file->is_regular = err == 0 && S_ISREG(status.st_mode);
    if (file->is_regular && status.st_size > 0)
        err = mend_tail(fd, path, status.st_size);
    if (err < 0) {
        close(fd);
        return err;
    }
    file->fd = fd;
    return 0;
}

static int close_file(struct file_sink *file)
{
    int fd = file->fd;
    file->fd = -1;
    if (file->is_stdout || fd < 0)
        return 0;
    return close(fd) < 0 ? -errno : 0;
}

static int write_rest(struct file_sink *file)
{
    while (file->written < file->text.size) {
        ssize_t size =
            write(file->fd, file->text.data + file->written, file->text.size - file->written);
        if (size >= 0) {
            file->written += (size_t)size;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        struct pollfd writable = {.fd = file->fd, .events = POLLOUT};
        if (poll(&writable, 1, WRITABLE_WAIT_MS) <= 0)
            return -EAGAIN;
    }
    return 0;
}

static int encode_block(struct file_sink *file)
{
    const struct block *block = file->sink.block;
    for (uint32_t i = 0; i < block->count; i++)
        lineproto_add(&file->sink.lineproto, &file->text, block->registry, &block->rows[i]);
    if (!buffer_failed(&file->text))
        return 0;
    buffer_clear(&file->text);
    return -ENOMEM;
}

static int write_block(struct file_sink *file)
{
    int err = 0;
    if (file->text.size == 0)
        err = encode_block(file);
    if (err == 0 && file->fd < 0)
        err = open_file(file);
    if (err == 0)
        err = write_rest(file);
    if (err == 0 && file->is_regular && fdatasync(file->fd) < 0)
        err = -errno;
    if (err == 0)
        err = close_file(file);
    return err;
}

/* Thread: the pool's. */
static void on_work(uv_work_t *work)
{
    struct file_sink *file = work->data;
    file->err = write_block(file);
}

static void on_worked(uv_work_t *work, int status)
{
    struct file_sink *file = work->data;
    struct sink *sink = &file->sink;
    ASSERT(status == 0); /* nothing cancels it */
    ASSERT(sink->block != NULL);
    sink_request_ended(sink);
    if (file->err == 0) {
        sink->stats.requests_ok++;
        sink_note_written(sink, sink->block->count);
        sink->stats.bytes_sent += file->text.size;
        sink_note_success(sink);
        sink_settled(sink, true);
        return;
    }
    sink->stats.requests_failed++;
    sink_note_failure(sink, err_str(file->err));
    int64_t retry_ms = backoff_next_ms(&sink->backoff);
    LOG_LIMITED(LOG_LEVEL_WARN, "sink.write_failed",
                "sink=%s path=\"%s\" retry_ms=%lld error=\"%s\"", sink->conf->name,
                sink->conf->path, (long long)retry_ms, sink->stats.last_error);
    sink_retry_in(sink, retry_ms);
}

static void file_resume(struct sink *sink)
{
    sink_request_began(sink);
    sink_run_work(sink, on_work, on_worked);
}

static void file_begin(struct sink *sink)
{
    struct file_sink *file = (struct file_sink *)sink;
    (void)close_file(file); /* left open by a block that was given up */
    buffer_clear(&file->text);
    file->written = 0;
    file_resume(sink);
}

static bool file_cancel(struct sink *sink)
{
    (void)sink;
    return false; /* it does not last long */
}

static int file_open(struct sink *sink)
{
    struct file_sink *file = (struct file_sink *)sink;
    if (sink->conf->path == NULL)
        return -EINVAL;
    file->fd = -1;
    file->is_stdout = strcmp(sink->conf->path, "-") == 0;
    int err = open_file(file);
    if (err < 0)
        return err;
    err = close_file(file);
    if (err < 0)
        return err;
    buffer_init(&file->text, BLOCK_TEXT_BYTES_MAX);
    return 0;
}

static void file_fini(struct sink *sink)
{
    struct file_sink *file = (struct file_sink *)sink;
    (void)close_file(file); /* a block was under way: it was abandoned, and will be written again */
    buffer_fini(&file->text);
}

const struct driver driver_file = {
    .size = sizeof(struct file_sink),
    .open = file_open,
    .begin = file_begin,
    .resume = file_resume,
    .cancel = file_cancel,
    .fini = file_fini,
};
