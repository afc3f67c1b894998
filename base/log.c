#include "base/log.h"

#include "base/clock.h"
#include "base/timestamp.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_SIZE_MAX = 4096, LIMITED_EVERY_MS = 1000 };

enum target { TARGET_UNKNOWN, TARGET_JOURNAL, TARGET_PLAIN };

/* The process has one standard error; so these are the only variables of their kind. */
static int level_max = LOG_LEVEL_INFO;
static int target_found = TARGET_UNKNOWN;

void log_set_level(enum log_level level)
{
    __atomic_store_n(&level_max, (int)level, __ATOMIC_RELAXED);
}

/* JOURNAL_STREAM names the device and inode of the journal's socket; a child whose standard error
 * was redirected inherits the variable, but not the socket. */
static enum target find_target(void)
{
    const char *stream = getenv("JOURNAL_STREAM"); // NOLINT(concurrency-mt-unsafe): never set here
    uintmax_t device = 0;
    uintmax_t inode = 0;
    struct stat status;
    // NOLINTNEXTLINE(cert-err34-c): a number that does not fit names no socket
    if (stream == NULL || sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2 ||
        fstat(STDERR_FILENO, &status) != 0)
        return TARGET_PLAIN;
    return status.st_dev == device && status.st_ino == inode ? TARGET_JOURNAL : TARGET_PLAIN;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARN:
        return "warn";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
    default:
        return "debug";
    }
}

struct log_line {
    char text[LINE_SIZE_MAX];
    size_t size; /* < LINE_SIZE_MAX: one byte is kept for the newline */
};

static void PRINTF_LIKE(2, 0) line_vadd(struct log_line *line, const char *format, va_list args)
{
    size_t room = sizeof(line->text) - line->size;
    int size = vsnprintf(line->text + line->size, room, format, args);
    if (size > 0)
        line->size += (size_t)size < room ? (size_t)size : room - 1;
}

static void PRINTF_LIKE(2, 3) line_add(struct log_line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line_vadd(line, format, args);
    va_end(args);
}

static void line_begin(struct log_line *line, enum log_level level, const char *event)
{
    int target = __atomic_load_n(&target_found, __ATOMIC_RELAXED);
    if (target == TARGET_UNKNOWN) {
        target = (int)find_target();
        __atomic_store_n(&target_found, target, __ATOMIC_RELAXED);
    }
    line->size = 0;
    if (target == TARGET_JOURNAL) {
        line_add(line, "<%d>%s", (int)level, event);
        return;
    }
    char time_text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(time_text, clock_wall_ms());
    line_add(line, "%s %s %s", time_text, level_name(level), event);
}

/* A value from outside must not begin a line of its own, nor steer a terminal. */
static void line_end(struct log_line *line)
{
    for (size_t i = 0; i < line->size; i++)
        if ((unsigned char)line->text[i] < ' ' || line->text[i] == 0x7f)
            line->text[i] = '?';
    line->text[line->size++] = '\n';
    ssize_t written = write(STDERR_FILENO, line->text, line->size);
    (void)written; /* there is nowhere left to tell that the log cannot be written */
}

static bool is_wanted(enum log_level level)
{
    return (int)level <= __atomic_load_n(&level_max, __ATOMIC_RELAXED);
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    if (!is_wanted(level))
        return;
    struct log_line line;
    line_begin(&line, level, event);
    line_add(&line, " ");
    va_list args;
    va_start(args, format);
    line_vadd(&line, format, args);
    va_end(args);
    line_end(&line);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *event,
                 const char *format, ...)
{
    if (!is_wanted(level))
        return;
    int64_t now_ms = clock_steady_ms();
    int64_t next_ms = __atomic_load_n(&limit->next_ms, __ATOMIC_RELAXED);
    /* If several threads come at once, one wins the exchange and writes. */
    if (now_ms < next_ms ||
        !__atomic_compare_exchange_n(&limit->next_ms, &next_ms, now_ms + LIMITED_EVERY_MS, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        __atomic_fetch_add(&limit->swallowed, 1, __ATOMIC_RELAXED);
        return;
    }
    uint64_t swallowed = __atomic_exchange_n(&limit->swallowed, 0, __ATOMIC_RELAXED);
    struct log_line line;
    line_begin(&line, level, event);
    if (swallowed > 0)
        line_add(&line, " swallowed=%" PRIu64, swallowed);
    line_add(&line, " ");
    va_list args;
    va_start(args, format);
    line_vadd(&line, format, args);
    va_end(args);
    line_end(&line);
}
