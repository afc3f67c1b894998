/*
 * cells.h - a row of cells that have names: a line of CSV, or a JSON object on a line.
 *
 * CSV is that of RFC 4180, with quotes only where they are needed, and lines that end in LF. A
 * value that is not known is an empty cell, or null. The caller owns the buffer. Thread: any.
 */
#ifndef GHGD_CELLS_H
#define GHGD_CELLS_H

#include "base/buffer.h"

enum cells_format {
    CELLS_HEADS, /* the names, as the first line of CSV: values are left out */
    CELLS_CSV,
    CELLS_JSON
};

struct cells {
    struct buffer *out;
    enum cells_format format;
    bool begun; /* the row has a cell */
};

struct cells cells_begin(struct buffer *out, enum cells_format format);
void cells_end(struct cells *cells);

/* NULL: not known. */
void cells_add_text(struct cells *cells, const char *name, const char *text);
/* A number or a truth value, as JSON writes it. NULL: not known. */
void cells_add_value(struct cells *cells, const char *name, const char *value);
/* value / 10^decimals. */
void cells_add_fixed(struct cells *cells, const char *name, int64_t value, unsigned decimals,
                     bool known);

#endif
