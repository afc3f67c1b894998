/*
 * json_text.h - the inside of JSON's scalars: the grammar of numbers, the escapes of strings.
 *
 * Pure. Thread: any.
 */
#ifndef GHGD_JSON_TEXT_H
#define GHGD_JSON_TEXT_H

#include "base/base.h"

bool json_number_is_valid(const char *text, size_t size);

/* Writes what the text between the quotes stands for, its first out_max bytes only; *size_out is
 * the size of all of it. False if an escape is malformed, or half a surrogate pair. */
bool json_unescape(char *out, size_t out_max, size_t *size_out, const char *text, size_t size);

#endif
