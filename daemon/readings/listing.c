#include "daemon/readings/listing.h"

#include <inttypes.h>
#include <string.h>

#include "base/cells.h"
#include "daemon/readings/stock_view.h"

enum { CELL_BYTES_MAX = 4096, MICRO_DECIMALS = 6 };

/* JSON quotes texts, and no other values. */
enum member_type { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_BOOL };

/* Appends the text of a column; nothing where the reading has none. */
typedef void column_text(struct buffer *out, const struct journal_view *view, uint32_t index);

static const struct reading *reading_at(const struct journal_view *view, uint32_t index)
{
    return journal_at(view->journal, index);
}

static void add_meter(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    (void)index;
    buffer_add_str(out, view->meter->id);
}

static void add_facility(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    (void)index;
    buffer_add_str(out, view->facility->id);
}

static void add_kind(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    (void)index;
    buffer_add_str(out, meter_kind_name((enum meter_kind)view->meter->kind));
}

static void add_time(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    journal_view_add_time(out, view, reading_at(view, index)->start_ms);
}

static void add_end(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    if (reading_at(view, index)->span_ms > 0)
        journal_view_add_time(out, view, reading_end_ms(reading_at(view, index)));
}

static void add_unit(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    (void)index;
    journal_view_add_unit(out, view);
}

static void add_canonical(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_fixed(out, reading_at(view, index)->value, MICRO_DECIMALS);
}

static void add_canonical_unit(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    (void)index;
    journal_view_add_canonical_unit(out, view);
}

static void add_quality(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_str(out, quality_name((enum quality)reading_at(view, index)->quality));
}

static void add_revision(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_int(out, (int64_t)reading_at(view, index)->revision);
}

static void add_role(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_str(out, reading_role_name((enum reading_role)reading_at(view, index)->role));
}

static void add_conflict(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_str(out, reading_at(view, index)->conflict ? "true" : "false");
}

static void add_partition(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    (void)index;
    buffer_add_int(out, view->partition);
}

static void add_offset(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_int(out, reading_at(view, index)->offset);
}

static void add_event(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    add_partition(out, view, index);
    buffer_add_char(out, ':');
    add_offset(out, view, index);
}

static void add_fate(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_str(out, fate_name((enum fate)view->fates[index].fate));
}

static void add_amount(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    int64_t from_ms;
    int64_t to_ms;
    if (view->fates[index].has_amount && view->fates[index].fate != FATE_CONTRADICTED &&
        !journal_view_get_held(view, index, &from_ms, &to_ms))
        buffer_add_fixed(out, view->fates[index].amount, MICRO_DECIMALS);
}

static void add_amount_unit(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    (void)index;
    buffer_add_str(out, quantity_unit((enum quantity)view->meter->quantity));
}

static void add_held_from(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    int64_t from_ms;
    int64_t to_ms;
    if (journal_view_get_held(view, index, &from_ms, &to_ms))
        journal_view_add_time(out, view, from_ms);
}

static void add_held_to(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    int64_t from_ms;
    int64_t to_ms;
    if (journal_view_get_held(view, index, &from_ms, &to_ms))
        journal_view_add_time(out, view, to_ms);
}

static void add_held_amount(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    int64_t from_ms;
    int64_t to_ms;
    if (view->fates[index].fate == FATE_CONTRADICTED ||
        journal_view_get_held(view, index, &from_ms, &to_ms))
        buffer_add_fixed(out, view->fates[index].amount, MICRO_DECIMALS);
}

static void add_opening(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    stock_view_add_amount(out, view, index, BALANCE_OPENING);
}

static void add_delivered(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    stock_view_add_amount(out, view, index, BALANCE_DELIVERED);
}

static void add_transferred(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    stock_view_add_amount(out, view, index, BALANCE_TRANSFERRED);
}

static void add_credited(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    stock_view_add_amount(out, view, index, BALANCE_CREDITED);
}

static void add_closing(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    stock_view_add_amount(out, view, index, BALANCE_CLOSING);
}

/* A column of CSV, and a member of the same name in JSON. */
static const struct column {
    const char *name;
    column_text *add;
    enum member_type type;
} columns[] = {
    {"meter", add_meter, MEMBER_TEXT},
    {"facility", add_facility, MEMBER_TEXT},
    {"kind", add_kind, MEMBER_TEXT},
    {"time", add_time, MEMBER_TEXT},
    {"end", add_end, MEMBER_TEXT},
    {"value", journal_view_add_value, MEMBER_NUMBER},
    {"unit", add_unit, MEMBER_TEXT},
    {"canonical", add_canonical, MEMBER_NUMBER},
    {"canonical_unit", add_canonical_unit, MEMBER_TEXT},
    {"quality", add_quality, MEMBER_TEXT},
    {"revision", add_revision, MEMBER_NUMBER},
    {"role", add_role, MEMBER_TEXT},
    {"conflict", add_conflict, MEMBER_BOOL},
    {"partition", add_partition, MEMBER_NUMBER},
    {"offset", add_offset, MEMBER_NUMBER},
    {"fate", add_fate, MEMBER_TEXT},
    {"amount", add_amount, MEMBER_NUMBER},
    {"amount_unit", add_amount_unit, MEMBER_TEXT},
    {"held_from", add_held_from, MEMBER_TEXT},
    {"held_to", add_held_to, MEMBER_TEXT},
    {"held_amount", add_held_amount, MEMBER_NUMBER},
    {"opening_time", stock_view_add_opening_time, MEMBER_TEXT},
    {"opening", add_opening, MEMBER_NUMBER},
    {"delivered", add_delivered, MEMBER_NUMBER},
    {"transferred", add_transferred, MEMBER_NUMBER},
    {"credited", add_credited, MEMBER_NUMBER},
    {"closing", add_closing, MEMBER_NUMBER},
    {"why", journal_view_add_why, MEMBER_TEXT},
};

/* Columns of the table; text longer than its column moves the rest along. */
static const struct {
    const char *head;
    column_text *add;
    int width; /* below zero: to the right */
} table[] = {
    {"TIME", add_time, 25},
    {"END", add_end, 25},
    {"VALUE", journal_view_add_value, -14},
    {"UNIT", add_unit, 6},
    {"QUALITY", add_quality, 9},
    {"REV", add_revision, -3},
    {"EVENT", add_event, 12},
    {"WHAT BECAME OF IT", journal_view_add_why, 0},
};

static void add_cell(struct buffer *out, const char *text, size_t column)
{
    int width = table[column].width;
    buffer_printf(out, "%*s%s", -width, text, column + 1 < ARRAY_LEN(table) ? "  " : "\n");
}

static void add_table_row(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    struct buffer cell;
    buffer_init(&cell, CELL_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        buffer_clear(&cell);
        table[i].add(&cell, view, index);
        const char *text = buffer_text(&cell);
        add_cell(out, text != NULL ? text : "?", i);
    }
    buffer_fini(&cell);
}

static void add_data_row(struct buffer *out, enum listing_format format,
                         const struct journal_view *view, uint32_t index)
{
    struct cells cells = cells_begin(out, format == LISTING_JSON ? CELLS_JSON : CELLS_CSV);
    struct buffer cell;
    buffer_init(&cell, CELL_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        buffer_clear(&cell);
        columns[i].add(&cell, view, index);
        const char *text = cell.size > 0 ? buffer_text(&cell) : NULL;
        if (columns[i].type == MEMBER_TEXT)
            cells_add_text(&cells, columns[i].name, text);
        else
            cells_add_value(&cells, columns[i].name, text);
    }
    cells_end(&cells);
    buffer_fini(&cell);
}

int listing_format_find(const char *name)
{
    static const char *const names[LISTING_FORMAT_COUNT] = {"table", "csv", "json"};
    for (int i = 0; i < LISTING_FORMAT_COUNT; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

void listing_add_heads(struct buffer *out, enum listing_format format)
{
    if (format == LISTING_TABLE) {
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
            add_cell(out, table[i].head, i);
    } else if (format == LISTING_CSV) {
        struct cells cells = cells_begin(out, CELLS_HEADS);
        for (size_t i = 0; i < ARRAY_LEN(columns); i++)
            cells_add_value(&cells, columns[i].name, NULL);
        cells_end(&cells);
    }
}

void listing_add(struct buffer *out, enum listing_format format, const struct journal_view *view,
                 uint32_t index)
{
    if (format == LISTING_TABLE)
        add_table_row(out, view, index);
    else
        add_data_row(out, format, view, index);
}
