/*
 * reader.h - events from a file or standard input, for replay: one JSON object (or array) a line,
 * or concatenated MessagePack; told apart by the first byte unless declared.
 */
#ifndef GHGD_READER_H
#define GHGD_READER_H

#include "base/base.h"
#include "pipelines/ingest/event.h"

struct reader;

/* path "-" is standard input. Returns 0, -ENOENT, -EISDIR and the like, or -ENOMEM. All memory is
 * taken here, whatever the file holds. */
int reader_open(struct reader **reader_out, const char *path, enum event_format format) MUST_CHECK;
void reader_close(struct reader **reader);

/* The next message: a line that is not empty, or one MessagePack object. The bytes live until the
 * next call. If a message is longer than MESSAGE_BYTES_MAX, one byte more than that is given, once,
 * and the rest is passed over: the decoder will refuse it. If MessagePack is damaged, the bytes
 * read from there on are given, once. The objects behind the damage cannot be found, and the call
 * after it returns ERR_SYNTAX. Returns 1, 0 at the end, or negative. */
int reader_next(struct reader *reader, const void **message_out, size_t *size_out) MUST_CHECK;
/* Bytes given so far, and the file's size or -1: for the progress line. */
int64_t reader_position(const struct reader *reader);
int64_t reader_size(const struct reader *reader);

#endif
