/* archive_sqlite.c - rows out of the database of an SQLite sink. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit/archive_driver.h"
#include "pipelines/sink/label.h"

enum { SQL_BYTES_MAX = 16 << 10, BUSY_TIMEOUT_MS = 10000 };

static const char *const series_tags[] = {"scope", "category", "source", "unit"};

static int sqlite_open(struct archive *archive, struct buffer *why)
{
    sqlite3 *database = NULL;
    int code = sqlite3_open_v2(archive->conf->path, &database, SQLITE_OPEN_READONLY, NULL);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(database, BUSY_TIMEOUT_MS);
        archive->store = database;
        return 0;
    }
    buffer_printf(why, "%s: %s", archive->conf->path,
                  database != NULL ? sqlite3_errmsg(database) : "no memory");
    sqlite3_close(database);
    return -EIO;
}

static void sqlite_close(struct archive *archive)
{
    sqlite3_close(archive->store);
}

/* A database that no sink of this version has opened yet lacks columns. */
static bool has_column(sqlite3 *database, const char *table, const char *column)
{
    static const char query[] = "SELECT 1 FROM pragma_table_info(?) WHERE name = ?";
    sqlite3_stmt *statement = NULL;
    bool found = false;
    if (sqlite3_prepare_v2(database, query, -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 2, column, -1, SQLITE_TRANSIENT);
        found = sqlite3_step(statement) == SQLITE_ROW;
    }
    sqlite3_finalize(statement);
    return found;
}

static void add_select(struct buffer *sql, const struct archive *archive,
                       const struct archive_query *query)
{
    const struct measurement *measurement = &measurements[query->kind];
    char name[MEASUREMENT_NAME_SIZE];
    measurement_name(name, query->kind, query->level, archive->bucket_ms);
    buffer_add_str(sql, "SELECT start_ms");
    for (size_t i = 0; i < measurement->fields_count; i++) {
        const struct field *field = &measurement->fields[i];
        bool there = !field->optional || has_column(archive->store, name, field->name);
        buffer_printf(sql, ", %s", there ? field->name : "NULL");
    }
    for (size_t i = 0; measurement->is_series && i < ARRAY_LEN(series_tags); i++)
        buffer_printf(sql, ", %s", series_tags[i]);
    buffer_printf(sql, " FROM \"%s\" WHERE facility = ? AND start_ms >= ? AND start_ms < ?", name);
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text != NULL ? (const char *)text : "";
}

static int give_row(const struct archive *archive, const struct archive_query *query,
                    sqlite3_stmt *statement, struct archive_row *row, struct buffer *scratch)
{
    const struct measurement *measurement = &measurements[query->kind];
    int fields = (int)measurement->fields_count;
    *row = (struct archive_row){.time_ms = sqlite3_column_int64(statement, 0)};
    for (int i = 0; i < fields; i++) {
        if (sqlite3_column_type(statement, 1 + i) == SQLITE_NULL)
            continue;
        row->values[i] = sqlite3_column_double(statement, 1 + i);
        row->present |= 1U << i;
    }
    struct archive_tags tags = {"", "", "", ""};
    if (measurement->is_series)
        tags = (struct archive_tags){
            column_text(statement, 1 + fields), column_text(statement, 2 + fields),
            column_text(statement, 3 + fields), column_text(statement, 4 + fields)};
    archive_set_series(archive, query, &tags, row, scratch);
    return 0;
}

static int step_rows(const struct archive *archive, const struct archive_query *query,
                     sqlite3_stmt *statement, archive_row_fn fn, void *context)
{
    struct buffer scratch;
    buffer_init(&scratch, SQL_BYTES_MAX);
    int err = 0;
    int code;
    while (err == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct archive_row row;
        err = give_row(archive, query, statement, &row, &scratch);
        if (err == 0)
            err = fn(context, &row);
    }
    buffer_fini(&scratch);
    return err == 0 && code != SQLITE_DONE ? -EIO : err;
}

static int bind_query(const struct archive *archive, const struct archive_query *query,
                      sqlite3_stmt *statement)
{
    struct buffer id;
    buffer_init(&id, LABEL_BYTES_MAX);
    label_add(&id, archive->registry->facilities[query->facility].id, LABEL_PLAIN);
    int code = sqlite3_bind_text(statement, 1, buffer_failed(&id) ? NULL : id.data, (int)id.size,
                                 SQLITE_TRANSIENT);
    buffer_fini(&id);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, query->from_ms);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 3, query->to_ms);
    return code == SQLITE_OK ? 0 : -EIO;
}

static int sqlite_read(struct archive *archive, const struct archive_query *query,
                       archive_row_fn fn, void *context, struct buffer *why)
{
    struct buffer sql;
    buffer_init(&sql, SQL_BYTES_MAX);
    add_select(&sql, archive, query);
    const char *text = buffer_text(&sql);
    sqlite3_stmt *statement = NULL;
    int err = text == NULL ? -ENOMEM : 0;
    if (err == 0 && sqlite3_prepare_v2(archive->store, text, -1, &statement, NULL) != SQLITE_OK)
        err = -EIO;
    if (err == 0)
        err = bind_query(archive, query, statement);
    if (err == 0)
        err = step_rows(archive, query, statement, fn, context);
    if (err == -EIO)
        buffer_printf(why, "%s: %s", archive->conf->path, sqlite3_errmsg(archive->store));
    sqlite3_finalize(statement);
    buffer_fini(&sql);
    return err;
}

const struct archive_driver archive_driver_sqlite = {sqlite_open, sqlite_close, sqlite_read};
