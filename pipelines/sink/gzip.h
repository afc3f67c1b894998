/*
 * gzip.h - bytes compressed in one piece, at level 1: a sixth of the size for a microsecond a line.
 */
#ifndef GHGD_GZIP_H
#define GHGD_GZIP_H

#include "base/buffer.h"

/* Appends a gzip member that holds the data. Returns 0 or -ENOMEM. Thread: any. */
int gzip_add(struct buffer *out, const void *data, size_t size) MUST_CHECK;

#endif
