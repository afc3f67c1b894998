/* archive_csv.c - CSV in pieces, as servers send it. */
#include <csv.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit/archive_driver.h"

enum { CELLS_MAX = 64, ROW_BYTES_MAX = 64 << 10 };

struct archive_csv {
    struct csv_parser parser;
    archive_csv_fn fn;
    void *context;
    int result;
    uint32_t count, size;
    char *cells[CELLS_MAX];
    char text[ROW_BYTES_MAX];
};

static void on_cell(void *data, size_t size, void *context)
{
    struct archive_csv *csv = context;
    if (csv->result < 0)
        return;
    if (csv->count == CELLS_MAX || size >= ROW_BYTES_MAX - csv->size) {
        csv->result = -EPROTO;
        return;
    }
    csv->cells[csv->count++] = csv->text + csv->size;
    if (size > 0)
        memcpy(csv->text + csv->size, data, size);
    csv->size += (uint32_t)size;
    csv->text[csv->size++] = '\0';
}

static void on_row(int terminator, void *context)
{
    (void)terminator;
    struct archive_csv *csv = context;
    if (csv->result == 0 && csv->count > 0)
        csv->result = csv->fn(csv->context, csv->cells, csv->count);
    csv->count = csv->size = 0;
}

int archive_csv_open(struct archive_csv **csv_out, archive_csv_fn fn, void *context)
{
    struct archive_csv *csv = calloc(1, sizeof(*csv));
    if (csv == NULL)
        return -ENOMEM;
    csv->fn = fn;
    csv->context = context;
    if (csv_init(&csv->parser, 0) != 0) {
        free(csv);
        return -ENOMEM;
    }
    *csv_out = csv;
    return 0;
}

int archive_csv_take(struct archive_csv *csv, const char *data, size_t size)
{
    size_t taken = csv_parse(&csv->parser, data, size, on_cell, on_row, csv);
    if (taken != size && csv->result == 0)
        csv->result = csv_error(&csv->parser) == CSV_ENOMEM ? -ENOMEM : -EPROTO;
    return csv->result;
}

int archive_csv_end(struct archive_csv *csv)
{
    if (csv_fini(&csv->parser, on_cell, on_row, csv) != 0 && csv->result == 0)
        csv->result = -EPROTO;
    return csv->result;
}

void archive_csv_close(struct archive_csv **csv)
{
    struct archive_csv *gone = TAKE(*csv);
    if (gone == NULL)
        return;
    csv_free(&gone->parser);
    free(gone);
}
