#include "pipelines/sink/dead_rows.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { WORDS_SIZE = 320, COMMENT_SIZE = 1024 };

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

/* A comment with time, sink and words, then the lines, which end with a newline. */
static int add_entry(const struct sink_conf *conf, const char *words, const struct buffer *lines)
{
    char comment[COMMENT_SIZE];
    char now[TIMESTAMP_TEXT_SIZE];
    int size = snprintf(comment, sizeof(comment), "# %s sink=%s %s\n",
                        timestamp_format(now, clock_wall_ms()), conf->name, words);
    if (buffer_failed(lines) || size < 0 || size >= (int)sizeof(comment))
        return -ENOMEM;
    int fd = open(conf->dead_rows_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    int err = fd < 0 ? -errno : write_all(fd, comment, (size_t)size);
    if (err == 0)
        err = write_all(fd, lines->data, lines->size);
    if (fd >= 0 && close(fd) < 0 && err == 0)
        err = -errno;
    return err;
}

void dead_rows_add(struct sink *sink, uint32_t rows, uint32_t refused, const char *words,
                   const struct buffer *lines)
{
    const char *path = sink->conf->dead_rows_path;
    char told[WORDS_SIZE];
    if (rows == 1)
        (void)snprintf(told, sizeof(told), "%s", words);
    else if (refused == 1)
        (void)snprintf(told, sizeof(told), "one of these %u rows: %s", rows, words);
    else
        (void)snprintf(told, sizeof(told), "%u of these %u rows: %s", refused, rows, words);
    LOG_LIMITED(LOG_LEVEL_ERROR, "sink.row_refused", "sink=%s dead_rows=\"%s\" words=\"%s\"",
                sink->conf->name, path == NULL ? "" : path, told);
    sink_note_refused(sink, refused, words);
    int err = path == NULL ? 0 : add_entry(sink->conf, told, lines);
    if (err < 0)
        LOG_LIMITED(LOG_LEVEL_ERROR, "sink.dead_row_lost", "sink=%s dead_rows=\"%s\" error=\"%s\"",
                    sink->conf->name, path, err_str(err));
}
