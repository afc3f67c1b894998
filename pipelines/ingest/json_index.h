/*
 * json_index.h - where the tokens of a JSON text begin: simdjson's first stage, for C.
 *
 * It finds every bracket, brace, colon, comma, and the first byte of every string and other scalar
 * outside of strings, 64 bytes at a time. It checks the UTF-8 of the whole text, and that strings
 * are closed and hold no control characters. Grammar, numbers and escapes are the caller's.
 */
#ifndef GHGD_JSON_INDEX_H
#define GHGD_JSON_INDEX_H

#include "base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_index;

/* Takes all its memory, for texts of up to size_max bytes. Returns 0 or -ENOMEM. */
int json_index_create(struct json_index **index_out, size_t size_max) MUST_CHECK;
void json_index_destroy(struct json_index **index);

/* The offsets of the tokens, in order, which live until the next call. Reads no byte outside the
 * text. Returns their number, at least 1, or ERR_SYNTAX. */
int64_t json_index_scan(struct json_index *index, const char *text, size_t size,
                        const uint32_t **tokens_out) MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
