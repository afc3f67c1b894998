/*
 * csv_table.h - a CSV table with a header row: cells by column, with their place in the file.
 *
 * UTF-8 (a byte order mark is skipped), LF or CRLF, fields in quotes where they hold commas, quotes
 * or line ends. Blank lines are skipped, and lines that begin with '#'. The header names the
 * columns, in any order. Lines and columns (bytes) count from 1.
 *
 * Faults are an unreadable file, no header, an unknown or repeated column, and a missing column
 * that is required. Others are a row with another number of fields than the header, a stray quote,
 * and bytes that are not UTF-8 text. Faulty rows are left out; the others are still given.
 */
#ifndef GHGD_CSV_TABLE_H
#define GHGD_CSV_TABLE_H

#include "base/arena.h"
#include "base/faults.h"
#include "base/id_index.h"

enum {
    CSV_COLUMNS_MAX = 48,         /* columns of a header */
    CSV_ROW_BYTES_MAX = 64 << 10, /* text of one row: names and notes, not documents */
    CSV_BYTES_MAX = 1 << 30       /* one file: a million meters take 200 MB */
};

struct csv_column {
    const char *name;
    bool required;
};

struct csv_cell {
    const char *text; /* NUL-terminated; "" if the table has no such column */
    uint32_t size;
    int line, column; /* column 0: the table has no such column */
};

struct csv_row {
    const char *file;
    int line;
    const struct csv_column *columns; /* as in the schema */
    const struct csv_cell *cells;     /* by the schema's columns; live until the call returns */
    struct faults *faults;
};

/* The ids of rows with faults. A table that names one of them is right: the fault is elsewhere. */
struct csv_refused {
    struct arena *arena; /* keeps the ids */
    struct id_index ids;
    bool incomplete; /* there are rows whose ids are not known, or no rows at all */
};

struct csv_schema {
    const struct csv_column *columns;
    size_t count;
    int (*row)(void *context, const struct csv_row *row); /* negative stops, and is returned */
    void *context;
    struct csv_refused *refused; /* gets the first column of rows with faults; NULL for none */
};

void csv_refused_fini(struct csv_refused *refused);
bool csv_has_refused(const struct csv_refused *refused);
/* Whether the id may be that of a row with faults. */
bool csv_is_refused(const struct csv_refused *refused, const char *id);

/* Reads a file. Returns 0 also when there were faults; -ENOMEM; or what the row function returned.
 */
int csv_table_read(const char *path, const struct csv_schema *schema,
                   struct faults *faults) MUST_CHECK;

/* Reports a fault of one cell: file:line:column: error: <column>: <words>. */
void csv_fault(const struct csv_row *row, size_t column, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
