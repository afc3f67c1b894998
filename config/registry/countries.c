#include "config/registry/countries.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "config/csv/table_cell.h"

enum { COLUMN_CODE, COLUMN_CODE3, COLUMN_NAME, COLUMN_OTHER_NAMES, COLUMN_COUNT };

enum { COUNTRIES_MAX = 512 }; /* there are about 250 */

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_CODE] = {"code", true},
    [COLUMN_CODE3] = {"code3", true},
    [COLUMN_NAME] = {"name", true},
    [COLUMN_OTHER_NAMES] = {"other_names", false},
};

void countries_init(struct country_table *table, struct arena *arena)
{
    *table = (struct country_table){.arena = arena};
}

void countries_fini(struct country_table *table)
{
    free(table->rows);
    id_index_fini(&table->names);
    *table = (struct country_table){0};
}

/* Writes the name in small ASCII letters. Returns false if it is longer than a cell may be. */
static bool fold(char folded_out[NAME_BYTES_MAX + 1], const char *text, size_t size)
{
    if (size > NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        folded_out[i] = g_ascii_tolower(text[i]);
    folded_out[size] = '\0';
    return true;
}

static const struct country *find(const struct country_table *table, const char *text, size_t size)
{
    char folded[NAME_BYTES_MAX + 1];
    if (!fold(folded, text, size))
        return NULL;
    uint32_t at = id_index_find(&table->names, folded, size);
    return at == ID_INDEX_NONE ? NULL : &table->rows[at];
}

const struct country *countries_find(const struct country_table *table, const char *text)
{
    return find(table, text, strlen(text));
}

const char *countries_suggest(const struct country_table *table, const char *found)
{
    const char *names[COUNTRIES_MAX];
    for (uint32_t i = 0; i < table->count; i++)
        names[i] = table->rows[i].name;
    return faults_suggest(found, names, table->count);
}

static bool read_code(const struct csv_row *row, size_t column, size_t letters)
{
    const char *text = row->cells[column].text;
    if (row->cells[column].size == letters && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == letters)
        return true;
    csv_fault(row, column, "\"%s\" is not accepted; %zu capital letters are", text, letters);
    return false;
}

/* Each code and name stands for one country. */
static bool is_new(const struct country_table *table, const struct csv_row *row, size_t column)
{
    const char *text = row->cells[column].text;
    while (*text != '\0') {
        size_t length = strcspn(text, "|");
        const struct country *other = find(table, text, length);
        if (other != NULL) {
            csv_fault(row, column, "\"%.*s\" stands for %s already", (int)length, text,
                      other->name);
            return false;
        }
        text += length + (text[length] == '|');
    }
    return true;
}

static int make_room(struct country_table *table)
{
    if (table->count < table->capacity)
        return 0;
    uint32_t capacity = table->capacity == 0 ? 256 : COUNTRIES_MAX;
    struct country *rows = realloc(table->rows, capacity * sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    table->rows = rows;
    table->capacity = capacity;
    return 0;
}

/* Enters each name of a cell for the newest country. Returns 0 or -ENOMEM. */
static int add_names(struct country_table *table, const char *text)
{
    while (*text != '\0') {
        char folded[NAME_BYTES_MAX + 1];
        size_t length = strcspn(text, "|");
        bool fits = fold(folded, text, length);
        ASSERT(fits); /* cell_name() saw to it */
        if (length > 0) {
            const char *name = arena_text(table->arena, folded, length);
            int err = name == NULL ? -ENOMEM : id_index_set(&table->names, name, table->count - 1);
            if (err < 0)
                return err;
        }
        text += length + (text[length] == '|');
    }
    return 0;
}

static int add_row(struct country_table *table, const struct csv_row *row)
{
    int err = make_room(table);
    if (err < 0)
        return err;
    const char *texts[COLUMN_COUNT];
    for (size_t column = 0; column < COLUMN_COUNT; column++) {
        const struct csv_cell *cell = &row->cells[column];
        texts[column] = arena_text(table->arena, cell->text, cell->size);
        if (texts[column] == NULL)
            return -ENOMEM;
    }
    table->rows[table->count++] = (struct country){texts[COLUMN_CODE], texts[COLUMN_CODE3],
                                                   texts[COLUMN_NAME], texts[COLUMN_OTHER_NAMES]};
    for (size_t column = 0; err == 0 && column < COLUMN_COUNT; column++)
        err = add_names(table, texts[column]);
    return err;
}

static int read_row(void *context, const struct csv_row *row)
{
    struct country_table *table = context;
    if (table->count == COUNTRIES_MAX) {
        csv_fault(row, COLUMN_CODE, "more than %d countries", COUNTRIES_MAX);
        return ERR_CONFIG;
    }
    bool good = read_code(row, COLUMN_CODE, 2) && read_code(row, COLUMN_CODE3, 3) &&
                cell_id(row, COLUMN_NAME) && cell_name(row, COLUMN_OTHER_NAMES);
    for (size_t column = 0; good && column < COLUMN_COUNT; column++)
        good = is_new(table, row, column);
    return good ? add_row(table, row) : 0;
}

int countries_load(struct country_table *table, const char *path, struct faults *faults)
{
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, table, NULL};
    uint32_t errors = faults->errors;
    int err = csv_table_read(path, &schema, faults);
    if (err == 0 && faults->errors == errors && table->count == 0)
        faults_error(faults, path, 0, 0, "the table has no country");
    return err;
}
