/*
 * day_rows.h - the rows of a facility's day become its record.
 *
 * Rows of a day follow each other in a block: a row for each source that has a reading, one of
 * energy, and one of coverage, which is the last (site_rows.c). Figures of sources are summed by
 * scope. Pure.
 */
#ifndef GHGD_DAY_ROWS_H
#define GHGD_DAY_ROWS_H

#include "pipelines/groups/day_record.h"
#include "pipelines/rollup/row.h"

struct day_rows {
    struct day_record record; /* whole after day_rows_add() has returned 1 */
    struct buffer series;
    uint32_t count; /* rows of it so far */
    bool too_large; /* some figure does not fit */
};

void day_rows_init(struct day_rows *rows);
void day_rows_fini(struct day_rows *rows);
/* Forgets the rows of a day that has not ended. */
void day_rows_clear(struct day_rows *rows);

/* Adds the next row, of LEVEL_DAY. Returns 0 if more rows of the day follow; 1 if it was the last:
 * the record is whole until the next row is added, and rows->count rows made it. Or, with the last
 * row, ERR_RANGE: some figure does not fit 64 bits; or -ENOMEM. */
int day_rows_add(struct day_rows *rows, const struct registry *registry,
                 const struct row *row) MUST_CHECK;

#endif
