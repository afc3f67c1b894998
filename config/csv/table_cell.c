#include "config/csv/table_cell.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/durations.h"
#include "base/limits.h"
#include "base/timestamp.h"
#include "base/utf8.h"

bool cell_is_empty(const struct csv_row *row, size_t column)
{
    return row->cells[column].size == 0;
}

bool cell_name(const struct csv_row *row, size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    if (cell->size > NAME_BYTES_MAX) {
        csv_fault(row, column, "%u bytes long; at most %d are accepted", cell->size,
                  NAME_BYTES_MAX);
        return false;
    }
    size_t step;
    for (size_t at = 0; at < cell->size; at += step) {
        uint32_t character = 0;
        step = utf8_read(cell->text + at, cell->size - at, &character);
        ASSERT(step > 0); /* csv_table_read() saw to it */
        if (!utf8_is_control(character))
            continue;
        csv_fault(row, column, "a control character (U+%04X) in a name; names are one line of text",
                  character);
        return false;
    }
    return true;
}

bool cell_id(const struct csv_row *row, size_t column)
{
    if (cell_is_empty(row, column)) {
        csv_fault(row, column, "empty; every row needs one");
        return false;
    }
    return cell_name(row, column);
}

static void list_words(char *list, size_t size, const char *const *words, size_t count)
{
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        if (words[i][0] == '\0')
            continue;
        int n = snprintf(list + used, size - used, "%s%s", used == 0 ? "" : ", ", words[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

static void report_choice(const struct csv_row *row, size_t column, const char *const *words,
                          size_t count)
{
    const char *found = row->cells[column].text;
    const char *near = faults_suggest(found, words, count);
    if (near != NULL && near[0] != '\0') {
        csv_fault(row, column, "\"%s\" is not known; did you mean \"%s\"?", found, near);
        return;
    }
    char list[512];
    list_words(list, sizeof(list), words, count);
    if (found[0] == '\0')
        csv_fault(row, column, "empty; accepted: %s", list);
    else
        csv_fault(row, column, "\"%s\" is not known; accepted: %s", found, list);
}

bool cell_choice(int *choice_out, const struct csv_row *row, size_t column,
                 const char *const *words, size_t count)
{
    return cell_is_empty(row, column) || cell_word(choice_out, row, column, words, count);
}

bool cell_word(int *choice_out, const struct csv_row *row, size_t column, const char *const *words,
               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], row->cells[column].text) == 0) {
            *choice_out = (int)i;
            return true;
        }
    }
    report_choice(row, column, words, count);
    return false;
}

bool cell_bool(bool *value_out, const struct csv_row *row, size_t column)
{
    static const char *const words[] = {"no", "yes", "false", "true"};
    int choice = -1;
    if (!cell_choice(&choice, row, column, words, ARRAY_LEN(words)))
        return false;
    if (choice >= 0)
        *value_out = choice % 2 == 1;
    return true;
}

bool cell_int(int64_t *value_out, const struct csv_row *row, size_t column, int64_t min,
              int64_t max)
{
    if (cell_is_empty(row, column))
        return true;
    struct decimal decimal;
    const struct csv_cell *cell = &row->cells[column];
    int err = decimal_parse(&decimal, cell->text, cell->size);
    int64_t value = decimal.digits;
    for (int32_t i = decimal.scale; err == 0 && i < 0; i++)
        err = __builtin_mul_overflow(value, 10, &value) ? ERR_RANGE : 0;
    if (err < 0 || decimal.scale > 0 || value < min || value > max) {
        csv_fault(row, column,
                  "\"%s\" is not accepted; a whole number from %" PRId64 " to %" PRId64 " is",
                  cell->text, min, max);
        return false;
    }
    *value_out = value;
    return true;
}

bool cell_fraction(mpq_t value_out, const struct csv_row *row, size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    if (cell->size == 0 || fraction_parse(value_out, cell->text, cell->size) == 0)
        return true;
    csv_fault(row, column,
              "\"%s\" is not accepted; a decimal number that is not negative is, of at most %d "
              "digits and with an exponent from -%d to %d",
              cell->text, FRACTION_DIGITS_MAX, FRACTION_EXPONENT_MAX, FRACTION_EXPONENT_MAX);
    return false;
}

enum { DAYS_MAX = 366 };

bool cell_duration(int64_t *ms_out, const struct csv_row *row, size_t column)
{
    if (cell_is_empty(row, column))
        return true;
    const struct csv_cell *cell = &row->cells[column];
    int64_t ms = 0;
    int err = duration_parse(&ms, cell->text, cell->size);
    if (err == 0 && ms > 0 && ms <= DAYS_MAX * DAY_MS) {
        *ms_out = ms;
        return true;
    }
    csv_fault(
        row, column,
        "\"%s\" is not accepted; a duration with its unit is, such as 30s, 15m, 1h, 1h30m, up "
        "to %dd",
        cell->text, DAYS_MAX);
    return false;
}

/* One number with its unit, or false: then it may be a duration. */
static bool read_length(struct calendar_length *length_out, const struct csv_cell *cell)
{
    static const struct {
        const char *name;
        int16_t months, days;
    } units[] = {{"y", 12, 0}, {"q", 3, 0}, {"mo", 1, 0}, {"w", 0, 7}, {"d", 0, 1}};
    enum { COUNT_MAX = 999 };
    int count = 0;
    const char *unit = cell->text;
    for (; g_ascii_isdigit(*unit) && count <= COUNT_MAX; unit++)
        count = count * 10 + (*unit - '0');
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (unit == cell->text || strcmp(unit, units[i].name) != 0)
            continue;
        int months = count * units[i].months;
        int days = count * units[i].days;
        if (months > 12 || days > DAYS_MAX)
            return false;
        *length_out = (struct calendar_length){(int16_t)months, (int16_t)days};
        return months + days > 0;
    }
    return false;
}

bool cell_length(struct calendar_length *length_out, int64_t *ms_out, const struct csv_row *row,
                 size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    if (cell->size == 0)
        return true;
    struct calendar_length length = {0};
    int64_t ms = 0;
    if (read_length(&length, cell)) {
        ms = length.days * DAY_MS + length.months * (365 * DAY_MS / 12);
    } else if (duration_parse(&ms, cell->text, cell->size) < 0 || ms <= 0 ||
               ms > DAYS_MAX * DAY_MS) {
        csv_fault(row, column,
                  "\"%s\" is not accepted; a length of the calendar is, such as 1d, 7d, 1mo, 1q, "
                  "1y, or a duration with its unit, such as 30s, 15m, 1h30m, 24h; up to 1y or %dd",
                  cell->text, DAYS_MAX);
        return false;
    }
    *length_out = length;
    *ms_out = ms;
    return true;
}

bool cell_date(struct date *date_out, const struct csv_row *row, size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    if (cell->size == 0 || date_parse(date_out, cell->text, cell->size) == 0)
        return true;
    csv_fault(row, column, "\"%s\" is not a date; accepted: YYYY-MM-DD, from 1900 to 2199",
              cell->text);
    return false;
}
