/*
 * msgpack_text.h - MessagePack, read by msgpack-c, as text for people: JSON, as far as JSON has
 * words for it.
 *
 * Values that JSON lacks are written so that no parser takes them for others: bin("0aff"),
 * ext(5, "0aff"), timestamp("2026-03-01T10:15:00Z"), nan, inf. Pure. Thread: any.
 */
#ifndef GHGD_MSGPACK_TEXT_H
#define GHGD_MSGPACK_TEXT_H

#include "base/buffer.h"

/* Appends one item on one line. Returns 0; ERR_SYNTAX if the bytes are not one whole item; or
 * -ENOMEM. A failed call appends nothing. */
int msgpack_text_add(struct buffer *out, const void *bytes, size_t size) MUST_CHECK;

#endif
