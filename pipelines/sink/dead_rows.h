/*
 * dead_rows.h - where rows go that a server will never take: a file of line protocol, each with the
 * server's words above it as a comment.
 *
 * Rows get there one by one and seldom, so the file is opened for each and written by the loop.
 */
#ifndef GHGD_DEAD_ROWS_H
#define GHGD_DEAD_ROWS_H

#include "base/base.h"

/* Appends a comment with time, sink and words, then the lines, which end with a newline; of a
 * partial write the words are all there is. Returns 0 or -errno; `path` may be NULL, which keeps
 * nothing. */
int dead_rows_add(const char *path, const char *sink_name, const char *words, size_t words_size,
                  const char *lines, size_t lines_size) MUST_CHECK;

#endif
