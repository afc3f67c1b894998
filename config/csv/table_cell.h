/*
 * table_cell.h - the value of one cell of a table: text, choice, number, duration, date.
 *
 * Every function reports what is wrong itself and then returns false; an empty cell gives the
 * fallback that the caller passes in the result, and true.
 */
#ifndef GHGD_TABLE_CELL_H
#define GHGD_TABLE_CELL_H

#include "base/date.h"
#include "config/calendar/local_time.h"
#include "config/csv/csv_table.h"
#include "config/units/fraction.h"

bool cell_is_empty(const struct csv_row *row, size_t column);
/* A name for people or machines: at most NAME_BYTES_MAX bytes, no control characters. */
bool cell_name(const struct csv_row *row, size_t column);
/* The same, and not empty. */
bool cell_id(const struct csv_row *row, size_t column);
/* One of `words`; its index. */
bool cell_choice(int *choice_out, const struct csv_row *row, size_t column,
                 const char *const *words, size_t count);
/* The same, and not empty. */
bool cell_word(int *choice_out, const struct csv_row *row, size_t column, const char *const *words,
               size_t count);
bool cell_bool(bool *value_out, const struct csv_row *row,
               size_t column); /* yes, no, true, false */
bool cell_int(int64_t *value_out, const struct csv_row *row, size_t column, int64_t min,
              int64_t max);
/* A decimal that is not negative, exactly. */
bool cell_fraction(mpq_t value_out, const struct csv_row *row, size_t column);
/* As in durations.h, above 0, at most 366d. */
bool cell_duration(int64_t *ms_out, const struct csv_row *row, size_t column);
/* A length of the calendar, one whole number of y, q, mo, w or d (1mo, 2mo, 1q, 1y, 1d, 7d), or a
 * duration as above (24h, 1d12h). *ms_out is the duration, or the usual length: a month has 365/12
 * days. */
bool cell_length(struct calendar_length *length_out, int64_t *ms_out, const struct csv_row *row,
                 size_t column);
/* YYYY-MM-DD. */
bool cell_date(struct date *date_out, const struct csv_row *row, size_t column);

#endif
