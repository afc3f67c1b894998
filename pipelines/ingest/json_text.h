/*
 * json_text.h - the inside of JSON's scalars: the grammar of numbers, the escapes of strings. Also
 * MessagePack, read by msgpack-c, as text for people: JSON, as far as JSON has words for it.
 *
 * Pure. Thread: any.
 */
#ifndef GHGD_JSON_TEXT_H
#define GHGD_JSON_TEXT_H

#include "base/buffer.h"

bool json_number_is_valid(const char *text, size_t size);

/* Writes what the text between the quotes stands for, its first out_max bytes only; *size_out is
 * the size of all of it. False if an escape is malformed, or half a surrogate pair. */
bool json_unescape(char *out, size_t out_max, size_t *size_out, const char *text, size_t size);

/* Values that JSON lacks are written so that no parser takes them for others:
 * bin("0aff"), ext(5, "0aff"), timestamp("2026-03-01T10:15:00Z"), nan, inf. Appends one item on one
 * line. Returns 0; ERR_SYNTAX if the bytes are not one whole item; or -ENOMEM. A failed call
 * appends nothing. */
int msgpack_text_add(struct buffer *out, const void *bytes, size_t size) MUST_CHECK;

#endif
