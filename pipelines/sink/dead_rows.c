#include "pipelines/sink/dead_rows.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { ENTRY_BYTES_MAX = 8 << 20 };

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

/* The words stay on their line, whatever is in them. */
static void add_words(struct buffer *entry, const char *words, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buffer_add(entry, (unsigned char)words[i] < ' ' ? " " : &words[i], 1);
}

int dead_rows_add(const char *path, const char *sink_name, const char *words, size_t words_size,
                  const char *lines, size_t lines_size)
{
    if (path == NULL)
        return 0;
    struct buffer entry;
    char now[TIMESTAMP_TEXT_SIZE];
    buffer_init(&entry, ENTRY_BYTES_MAX);
    buffer_printf(&entry, "# %s sink=%s ", timestamp_format(now, clock_wall_ms()), sink_name);
    add_words(&entry, words, words_size);
    buffer_add_char(&entry, '\n');
    buffer_add(&entry, lines, lines_size);
    int err = buffer_failed(&entry) ? -ENOMEM : 0;
    int fd = -1;
    if (err == 0) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        err = fd < 0 ? -errno : write_all(fd, entry.data, entry.size);
    }
    if (fd >= 0 && close(fd) < 0 && err == 0)
        err = -errno;
    buffer_fini(&entry);
    return err;
}
