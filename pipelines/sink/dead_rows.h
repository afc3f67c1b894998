/*
 * dead_rows.h - the rows that a sink will never take: a file of line protocol, with the server's
 * words above them as a comment.
 *
 * They come seldom, so the file is opened for each entry and written by the loop.
 */
#ifndef GHGD_DEAD_ROWS_H
#define GHGD_DEAD_ROWS_H

#include "pipelines/sink/driver.h"

/* `refused` of `rows` rows of the block, whose lines these are, will never be taken: counts them,
 * logs the words, and keeps the lines in conf->dead_rows_path, if there is one. */
void dead_rows_add(struct sink *sink, uint32_t rows, uint32_t refused, const char *words,
                   const struct buffer *lines);

#endif
