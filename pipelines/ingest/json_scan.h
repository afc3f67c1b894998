/*
 * json_scan.h - where the tokens of a JSON text begin, found byte by byte.
 *
 * This scanner is the definition of json_index.h, and holds its place if simdjson knows no SIMD for
 * the CPU. simdjson's own fallback differs. It does not check UTF-8 outside of strings, and may
 * read a byte behind the text. It takes a quotation mark inside of a word for a part of the word.
 * Pure. Thread: any.
 */
#ifndef GHGD_JSON_SCAN_H
#define GHGD_JSON_SCAN_H

#include "base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the offsets of the tokens, in order; there is room for `size` of them. Returns their
 * number, at least 1, or ERR_SYNTAX: no token, a string that is open or holds a control character,
 * or text that is not UTF-8. */
int64_t json_scan(const char *text, size_t size, uint32_t *tokens_out) MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
