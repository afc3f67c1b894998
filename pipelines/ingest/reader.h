/*
 * reader.h - events from a file or standard input, for replay: one JSON object (or array) a line,
 * or concatenated MessagePack; told apart by the first byte unless declared.
 */
#ifndef GHGD_READER_H
#define GHGD_READER_H

#include "base/base.h"
#include "pipelines/ingest/event.h"

struct reader;

/* path "-" is standard input. Returns 0, -ENOENT and the like, or -ENOMEM. */
int reader_open(struct reader **reader_out, const char *path, enum event_format format) MUST_CHECK;
void reader_close(struct reader **reader);

/* The next message: a line, or one MessagePack object. The bytes live until the next call. A
 * message beyond MESSAGE_BYTES_MAX, or damage that cannot be skipped, is given as what can be read
 * of it, once (the decoder will refuse it). Returns 1, 0 at the end, or negative on a read error. */
int reader_next(struct reader *reader, const void **message_out, size_t *size_out) MUST_CHECK;
/* Bytes read so far, and the file's size or -1: for the progress line. */
int64_t reader_position(const struct reader *reader);
int64_t reader_size(const struct reader *reader);

#endif
