#include "base/cells.h"

#include <string.h>

#include "base/foreign.h"

struct cells cells_begin(struct buffer *out, enum cells_format format)
{
    if (format == CELLS_JSON)
        buffer_add_char(out, '{');
    return (struct cells){out, format, false};
}

void cells_end(struct cells *cells)
{
    buffer_add_str(cells->out, cells->format == CELLS_JSON ? "}\n" : "\n");
}

/* False: no value follows. */
static bool begin_cell(struct cells *cells, const char *name, bool known)
{
    if (cells->begun)
        buffer_add_char(cells->out, ',');
    cells->begun = true;
    if (cells->format == CELLS_JSON)
        buffer_printf(cells->out, "\"%s\":%s", name, known ? "" : "null");
    else if (cells->format == CELLS_HEADS)
        buffer_add_str(cells->out, name);
    return known && cells->format != CELLS_HEADS;
}

static void add_csv(struct buffer *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        buffer_add_str(out, text);
        return;
    }
    buffer_add_char(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"')
            buffer_add_char(out, '"');
        buffer_add_char(out, *c);
    }
    buffer_add_char(out, '"');
}

void cells_add_text(struct cells *cells, const char *name, const char *text)
{
    if (!begin_cell(cells, name, text != NULL))
        return;
    if (cells->format == CELLS_JSON)
        foreign_add_quoted(cells->out, text, strlen(text));
    else
        add_csv(cells->out, text);
}

void cells_add_value(struct cells *cells, const char *name, const char *value)
{
    if (begin_cell(cells, name, value != NULL))
        buffer_add_str(cells->out, value);
}

void cells_add_fixed(struct cells *cells, const char *name, int64_t value, unsigned decimals,
                     bool known)
{
    if (begin_cell(cells, name, known))
        buffer_add_fixed(cells->out, value, decimals);
}
