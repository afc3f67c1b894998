/*
 * log.h - structured log lines on standard error: an event name that never changes, then key=value.
 *
 *     LOG_WARN("sink.write_refused", "sink=%s status=%d rows=%u", name, status, count);
 *
 * On the journal (JOURNAL_STREAM names standard error) lines begin with its <priority>; else with
 * a time. A line that can repeat goes through LOG_LIMITED: at most one per second and call site,
 * and it tells how many it swallowed. Values with spaces or quotes are the caller's to quote: "%s"
 * in double quotes; control characters become '?'. Thread: any; a line is one write, of 4 KiB at
 * most.
 */
#ifndef GHGD_LOG_H
#define GHGD_LOG_H

#include "base/base.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

struct log_limit {
    int64_t next_ms;
    uint64_t swallowed;
};

void log_set_level(enum log_level level);
void log_line(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
void log_limited(struct log_limit *limit, enum log_level level, const char *event,
                 const char *format, ...) PRINTF_LIKE(4, 5);

#define LOG_ERROR(event, ...) log_line(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define LOG_WARN(event, ...) log_line(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define LOG_INFO(event, ...) log_line(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define LOG_DEBUG(event, ...) log_line(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
#define LOG_LIMITED(level, event, ...)                                                             \
    do {                                                                                           \
        static struct log_limit limit_;                                                            \
        log_limited(&limit_, level, event, __VA_ARGS__);                                           \
    } while (0)

#endif
