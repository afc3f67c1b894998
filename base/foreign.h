/*
 * foreign.h - bytes from outside as text that harms neither a terminal nor a parser.
 *
 * Pure. Thread: any.
 */
#ifndef GHGD_FOREIGN_H
#define GHGD_FOREIGN_H

#include "base/buffer.h"

/* Appends the inside of a JSON string: quotes, backslashes and control characters (those of Unicode
 * too) are escaped, and a byte that is not UTF-8 becomes \ufffd. */
void foreign_add(struct buffer *out, const void *bytes, size_t size);
/* The same, between quotes. */
void foreign_add_quoted(struct buffer *out, const void *bytes, size_t size);
/* The words of a server or a library, for logs, metrics and pages: one line of UTF-8 with its NUL,
 * cut at a character where out_size ends. Runs of spaces and controls become one space, quotes '
 * and backslashes /; what is not UTF-8, or turns text around, becomes a question mark. Returns its
 * size. */
size_t foreign_clean(char *out, size_t out_size, const void *bytes, size_t size);
/* Appends two digits a byte. */
void foreign_add_hex(struct buffer *out, const void *bytes, size_t size);
/* Appends lines of offset, sixteen bytes in hex, and the printable ones of them. */
void foreign_add_dump(struct buffer *out, const void *bytes, size_t size);

#endif
