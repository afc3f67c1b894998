#include "config/csv/csv_table.h"

#include <csv.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

struct csv_field {
    uint32_t offset, size;
    int line, column;
};

struct csv_reader {
    const char *name;
    const struct csv_schema *schema;
    struct faults *faults;
    int line, column;             /* of the next byte */
    int field_line, field_column; /* where the field that is being read began */
    bool field_open, row_open;
    bool ended;                          /* a row ended with the byte just fed */
    uint32_t fields_count, header_count; /* header_count 0: no header yet */
    struct csv_field fields[CSV_COLUMNS_MAX];
    int8_t schema_column[CSV_COLUMNS_MAX]; /* by column of the file; -1: unknown */
    bool header_bad;                       /* its rows make no sense then */
    uint32_t text_size;
    char text[CSV_ROW_BYTES_MAX];
    struct csv_cell cells[CSV_COLUMNS_MAX];
    int result;
};

static void on_field(void *data, size_t size, void *context)
{
    struct csv_reader *reader = context;
    if (!reader->field_open) { /* an empty field: it begins where it ends */
        reader->field_line = reader->line;
        reader->field_column = reader->column;
    }
    reader->field_open = false;
    bool room = size < CSV_ROW_BYTES_MAX - reader->text_size;
    if (reader->fields_count >= CSV_COLUMNS_MAX || !room) {
        if (reader->result == 0)
            faults_error(reader->faults, reader->name, reader->field_line, reader->field_column,
                         "a row of more than %d fields or %d bytes", CSV_COLUMNS_MAX,
                         CSV_ROW_BYTES_MAX);
        reader->result = ERR_CONFIG;
        return;
    }
    reader->fields[reader->fields_count++] = (struct csv_field){
        reader->text_size, (uint32_t)size, reader->field_line, reader->field_column};
    if (size > 0)
        memcpy(reader->text + reader->text_size, data, size);
    reader->text_size += (uint32_t)size;
    reader->text[reader->text_size++] = '\0';
}

static void on_row(int terminator, void *context)
{
    (void)terminator;
    struct csv_reader *reader = context;
    reader->ended = true;
}

static void note_unread(const struct csv_schema *schema)
{
    if (schema->refused != NULL)
        schema->refused->incomplete = true;
}

static void report_unknown_column(struct csv_reader *reader, const struct csv_field *field)
{
    const char *names[CSV_COLUMNS_MAX];
    for (size_t i = 0; i < reader->schema->count; i++)
        names[i] = reader->schema->columns[i].name;
    const char *found = reader->text + field->offset;
    const char *near = faults_suggest(found, names, reader->schema->count);
    if (near != NULL) {
        faults_error(reader->faults, reader->name, field->line, field->column,
                     "unknown column \"%s\"; did you mean \"%s\"?", found, near);
        return;
    }
    char list[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < reader->schema->count && used < sizeof(list); i++) {
        int n = snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ", names[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    faults_error(reader->faults, reader->name, field->line, field->column,
                 "unknown column \"%s\"; accepted: %s", found, list);
}

/* Spreadsheets of many countries write semicolons. Such a header is one field, of several names. */
static bool report_separator(struct csv_reader *reader)
{
    const struct csv_field *field = &reader->fields[0];
    const char *found = strpbrk(reader->text + field->offset, ";\t|");
    if (reader->fields_count > 1 || found == NULL)
        return false;
    faults_error(reader->faults, reader->name, field->line, field->column,
                 "the columns are divided by %s; accepted: commas, and double quotes around a cell "
                 "that holds one",
                 *found == ';'   ? "semicolons"
                 : *found == '|' ? "\"|\""
                                 : "tabs");
    reader->header_bad = true;
    note_unread(reader->schema);
    return true;
}

static void read_header(struct csv_reader *reader)
{
    const struct csv_schema *schema = reader->schema;
    bool seen[CSV_COLUMNS_MAX] = {false};
    reader->header_count = reader->fields_count;
    if (report_separator(reader))
        return;
    for (uint32_t i = 0; i < reader->fields_count; i++) {
        const struct csv_field *field = &reader->fields[i];
        size_t at = 0;
        while (at < schema->count &&
               strcmp(schema->columns[at].name, reader->text + field->offset) != 0)
            at++;
        reader->schema_column[i] = -1;
        if (at == schema->count) {
            report_unknown_column(reader, field);
        } else if (seen[at]) {
            faults_error(reader->faults, reader->name, field->line, field->column,
                         "column \"%s\" stands twice in the header", schema->columns[at].name);
        } else {
            seen[at] = true;
            reader->schema_column[i] = (int8_t)at;
        }
    }
    for (size_t at = 0; at < schema->count; at++) {
        if (seen[at] || !schema->columns[at].required)
            continue;
        faults_error(reader->faults, reader->name, reader->fields[0].line, 0,
                     "the header lacks the column \"%s\"", schema->columns[at].name);
        reader->header_bad = true;
        note_unread(schema);
    }
}

/* Gives the row to its reader, and keeps its id if it has faults. */
static int call_row(struct csv_reader *reader, const struct csv_row *row)
{
    const struct csv_schema *schema = reader->schema;
    uint32_t errors = reader->faults->errors;
    int err = schema->row(schema->context, row);
    if (err < 0 || schema->refused == NULL || reader->faults->errors == errors)
        return err;
    const struct csv_cell *id = &row->cells[0];
    const char *kept = arena_text(schema->refused->arena, id->text, id->size);
    return kept == NULL ? -ENOMEM : id_index_set(&schema->refused->ids, kept, 0);
}

static void give_row(struct csv_reader *reader)
{
    int line = reader->fields[0].line;
    if (reader->fields_count != reader->header_count) {
        faults_error(reader->faults, reader->name, line, 0,
                     "the row has %u fields, the header has %u", reader->fields_count,
                     reader->header_count);
        note_unread(reader->schema);
        return;
    }
    for (size_t i = 0; i < reader->schema->count; i++)
        reader->cells[i] = (struct csv_cell){"", 0, line, 0};
    for (uint32_t i = 0; i < reader->fields_count; i++) {
        const struct csv_field *field = &reader->fields[i];
        if (reader->schema_column[i] >= 0)
            reader->cells[reader->schema_column[i]] = (struct csv_cell){
                reader->text + field->offset, field->size, field->line, field->column};
    }
    struct csv_row row = {reader->name, line, reader->schema->columns, reader->cells,
                          reader->faults};
    reader->result = call_row(reader, &row);
}

static void end_row(struct csv_reader *reader)
{
    if (reader->fields_count > 0 && reader->result == 0) {
        if (reader->header_count == 0)
            read_header(reader);
        else if (!reader->header_bad)
            give_row(reader);
    }
    reader->fields_count = 0;
    reader->text_size = 0;
    reader->row_open = false;
    reader->ended = false;
}

static void advance(struct csv_reader *reader, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            reader->line++;
            reader->column = 1;
        } else {
            reader->column++;
        }
    }
}

/* Bytes that only make a field longer, and never end one: up to the next that might. */
static size_t run_length(const char *data, size_t size)
{
    size_t n = 0;
    while (n < size && data[n] != ',' && data[n] != '"' && data[n] != '\n' && data[n] != '\r' &&
           data[n] != ' ' && data[n] != '\t')
        n++;
    return n > 0 ? n : 1;
}

/* Notes where a field begins, before its first byte is fed. */
static void begin_field(struct csv_reader *reader, char first)
{
    bool blank = first == ' ' || first == '\t';
    bool end = first == '\n' || first == '\r';
    if (!reader->field_open && !blank && !end && first != ',') {
        reader->field_open = true;
        reader->field_line = reader->line;
        reader->field_column = reader->column;
    }
    reader->row_open = reader->row_open || (!blank && !end);
}

/* Feeds a run of bytes. Returns 0, -ENOMEM, or ERR_SYNTAX after reporting a quotation mark. */
static int feed_run(struct csv_reader *reader, struct csv_parser *parser, const char *data,
                    size_t size)
{
    if (csv_parse(parser, data, size, on_field, on_row, reader) == size)
        return 0;
    if (csv_error(parser) != CSV_EPARSE)
        return -ENOMEM;
    faults_error(reader->faults, reader->name, reader->line, reader->column,
                 "a quotation mark inside a field; a field with quotation marks stands in quotes, "
                 "and each of its own is written twice");
    return ERR_SYNTAX;
}

/* Feeds all of `data`, so that every field is known to begin where its first byte stands. */
static int feed(struct csv_reader *reader, struct csv_parser *parser, const char *data, size_t size)
{
    for (size_t at = 0; at < size && reader->result == 0;) {
        size_t n = run_length(data + at, size - at);
        if (!reader->row_open && data[at] == '#') {
            const char *next = memchr(data + at, '\n', size - at);
            n = next == NULL ? size - at : (size_t)(next - data) - at;
        } else {
            begin_field(reader, data[at]);
            int err = feed_run(reader, parser, data + at, n);
            if (err < 0)
                return err;
        }
        if (reader->ended)
            end_row(reader);
        advance(reader, data + at, n);
        at += n;
    }
    return reader->result;
}

/* The place of a byte, for faults of the file as a whole. */
static void report_at(const char *name, const char *data, size_t offset, const char *what,
                      struct faults *faults)
{
    struct csv_reader place = {.line = 1, .column = 1};
    advance(&place, data, offset);
    faults_error(faults, name, place.line, place.column, "%s", what);
}

static int read_rows(struct csv_reader *reader, const char *data, size_t size)
{
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return -ENOMEM;
    int err = feed(reader, &parser, data, size);
    if (err == 0 && csv_fini(&parser, on_field, on_row, reader) != 0) {
        err = ERR_SYNTAX;
        faults_error(reader->faults, reader->name, reader->field_line, reader->field_column,
                     "the quotation mark that opens this field is never closed");
    }
    csv_free(&parser);
    if (err < 0)
        return err;
    if (reader->ended)
        end_row(reader);
    if (reader->result == 0 && reader->header_count == 0)
        faults_error(reader->faults, reader->name, 1, 0,
                     "the table is empty; its first row names the columns");
    return reader->result;
}

/* As csv_table_read(), from memory; `name` stands for the file in faults. */
static int parse_table(const char *name, const char *data, size_t size,
                       const struct csv_schema *schema, struct faults *faults)
{
    ASSERT(schema->count <= CSV_COLUMNS_MAX);
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        size -= 3;
    }
    size_t text_size = utf8_text_size(data, size);
    if (text_size < size) {
        note_unread(schema);
        report_at(name, data, text_size, "this byte is not UTF-8 text", faults);
        return 0;
    }
    struct csv_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return -ENOMEM;
    reader->name = name;
    reader->schema = schema;
    reader->faults = faults;
    reader->line = 1;
    reader->column = 1;
    int err = read_rows(reader, data, size);
    free(reader);
    bool reported = err == ERR_SYNTAX || err == ERR_CONFIG;
    if (reported)
        note_unread(schema);
    return reported ? 0 : err;
}

static int read_all(FILE *file, char **data_out, size_t *size_out)
{
    size_t capacity = 1 << 16;
    size_t size = 0;
    char *data = malloc(capacity);
    while (data != NULL) {
        size += fread(data + size, 1, capacity - size, file);
        if (size < capacity || capacity > CSV_BYTES_MAX)
            break;
        capacity *= 2;
        char *more = realloc(data, capacity);
        if (more == NULL)
            free(data);
        data = more;
    }
    if (data == NULL)
        return -ENOMEM;
    if (ferror(file) || size > CSV_BYTES_MAX) {
        free(data);
        return ferror(file) ? -EIO : -EFBIG;
    }
    *data_out = data;
    *size_out = size;
    return 0;
}

int csv_table_read(const char *path, const struct csv_schema *schema, struct faults *faults)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        note_unread(schema);
        faults_error(faults, path, 0, 0, "cannot be read: %s", err_str(-errno));
        return 0;
    }
    char *data = NULL;
    size_t size = 0;
    int err = read_all(file, &data, &size);
    (void)fclose(file);
    if (err == -ENOMEM)
        return err;
    if (err < 0) {
        note_unread(schema);
        faults_error(faults, path, 0, 0, "cannot be read: %s", err_str(err));
        return 0;
    }
    err = parse_table(path, data, size, schema, faults);
    free(data);
    return err;
}

void csv_refused_fini(struct csv_refused *refused)
{
    id_index_fini(&refused->ids);
    *refused = (struct csv_refused){0};
}

bool csv_has_refused(const struct csv_refused *refused)
{
    return refused->incomplete || refused->ids.count > 0;
}

bool csv_is_refused(const struct csv_refused *refused, const char *id)
{
    return refused->incomplete || id_index_find(&refused->ids, id, strlen(id)) != ID_INDEX_NONE;
}

void csv_fault(const struct csv_row *row, size_t column, const char *format, ...)
{
    char words[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    const struct csv_cell *cell = &row->cells[column];
    faults_error(row->faults, row->file, cell->line, cell->column, "%s: %s",
                 row->columns[column].name, words);
}
