#include "config/registry/countries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "config/registry/table_cell.h"

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
    *table = (struct country_table){0};
}

static bool is_among(const char *names, const char *text, size_t size)
{
    while (*names != '\0') {
        size_t length = strcspn(names, "|");
        if (length == size && strncasecmp(names, text, size) == 0)
            return true;
        names += length + (names[length] == '|');
    }
    return false;
}

static const struct country *find(const struct country_table *table, const char *text, size_t size)
{
    for (uint32_t i = 0; size > 0 && i < table->count; i++) {
        const struct country *country = &table->rows[i];
        if (is_among(country->code, text, size) || is_among(country->code3, text, size) ||
            is_among(country->name, text, size) || is_among(country->other_names, text, size))
            return country;
    }
    return NULL;
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
    return 0;
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
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, table};
    uint32_t errors = faults->errors;
    int err = csv_table_read(path, &schema, faults);
    if (err == 0 && faults->errors == errors && table->count == 0)
        faults_error(faults, path, 0, 0, "the table has no country");
    return err;
}
