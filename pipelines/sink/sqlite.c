/*
 * sqlite.c - a sink that keeps the rows in an SQLite database: the same rows, upserted by key.
 *
 * A block is one transaction, in WAL mode with full synchronisation: rows that were
 * acknowledged survive a power failure. After any error the database is closed and the next try
 * opens it again. If its file was deleted or moved, the one that is there now gets everything
 * again. All of it happens on a thread of the pool, except the first opening.
 */
#include "base/log.h"
#include "base/timestamp.h"
#include "pipelines/sink/driver.h"
#include "pipelines/sink/local_clock.h"
#include "pipelines/sink/sqlite_files.h"
#include "pipelines/sink/sqlite_schema.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum {
    SQL_BYTES_MAX = 1 << 20,
    TEXT_BYTES_MAX = 4 * FIELD_TEXT_SIZE, /* a name or a text, every byte replaced, and more */
    BUSY_WAIT_MS = 1000 /* for another writer, on the pool's thread; then by the backoff */
};

struct sqlite_sink {
    struct sink sink;
    sqlite3 *db;                                        /* NULL after an error */
    sqlite3_stmt *upserts[ROW_KIND_COUNT][LEVEL_COUNT]; /* of a target: of the first level only */
    struct local_clock *clock;
    uint64_t clock_generation; /* the registry of the clock; 0 for none */
    uint64_t names_generation; /* the registry whose facilities and views are committed */
    struct buffer label;
    struct sqlite_files files; /* of the database, when it was opened last */
    bool made;                 /* it had no schema then */
    bool emptied;              /* the try has found that rows of before are not there */
    int status;                /* of the last try: SQLITE_OK or an error */
    char words[256];
};

static void close_database(struct sqlite_sink *lite)
{
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        for (int level = 0; level < LEVEL_COUNT; level++) {
            sqlite3_finalize(lite->upserts[kind][level]);
            lite->upserts[kind][level] = NULL;
        }
    int status = sqlite3_close(lite->db);
    ASSERT(status == SQLITE_OK); /* every statement is finalized */
    lite->db = NULL;
    lite->names_generation = 0;
}

static int execute(struct sqlite_sink *lite, const char *sql)
{
    return sql == NULL ? SQLITE_NOMEM : sqlite3_exec(lite->db, sql, NULL, NULL, NULL);
}

static int read_schema_version(struct sqlite_sink *lite, int *version_out)
{
    sqlite3_stmt *query = NULL;
    int status = sqlite3_prepare_v2(lite->db, "PRAGMA user_version", -1, &query, NULL);
    if (status == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW)
        *version_out = sqlite3_column_int(query, 0);
    int err = sqlite3_finalize(query);
    return status == SQLITE_OK ? err : status;
}

/* Adds to the SQL the columns that a table of an earlier version lacks, or has as NOT NULL. */
static int find_new_columns(sqlite3_stmt *query, const char *table,
                            const struct measurement *measurement, struct buffer *sql)
{
    int status = SQLITE_OK;
    for (size_t i = 0; i < measurement->fields_count && status == SQLITE_OK; i++) {
        const struct field *field = &measurement->fields[i];
        if (!field->optional)
            continue;
        sqlite3_bind_text(query, 1, table, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(query, 2, field->name, -1, SQLITE_TRANSIENT);
        if (sqlite3_step(query) == SQLITE_ROW && sqlite3_column_int(query, 0) == 0)
            sqlite_schema_add_column(sql, table, field);
        else if (sqlite3_column_int(query, 1) != 0)
            sqlite_schema_loosen_column(sql, table, field);
        status = sqlite3_reset(query);
    }
    return status;
}

static int add_columns(struct sqlite_sink *lite)
{
    sqlite3_stmt *query = NULL;
    struct buffer sql;
    buffer_init(&sql, SQL_BYTES_MAX);
    int status = sqlite3_prepare_v2(
        lite->db, "SELECT count(*), max(\"notnull\") FROM pragma_table_info(?) WHERE name = ?", -1,
        &query, NULL);
    for (int i = 0; i < ROW_KIND_COUNT * LEVEL_COUNT && status == SQLITE_OK; i++) {
        enum row_kind kind = (enum row_kind)(i / LEVEL_COUNT);
        if (i % LEVEL_COUNT >= measurement_levels(kind))
            continue;
        char name[MEASUREMENT_NAME_SIZE];
        measurement_name(name, kind, (enum level)(i % LEVEL_COUNT), lite->sink.bucket_ms);
        status = find_new_columns(query, name, &measurements[kind], &sql);
    }
    sqlite3_finalize(query);
    if (status == SQLITE_OK)
        status = execute(lite, buffer_text(&sql));
    buffer_fini(&sql);
    return status;
}

static int add_tables(struct sqlite_sink *lite)
{
    struct buffer sql;
    buffer_init(&sql, SQL_BYTES_MAX);
    sqlite_schema_add_tables(&sql, lite->sink.bucket_ms);
    buffer_printf(&sql, "PRAGMA user_version = %d;\n", SQLITE_SCHEMA_VERSION);
    int status = execute(lite, buffer_text(&sql));
    buffer_fini(&sql);
    return status;
}

static int prepare_upserts(struct sqlite_sink *lite)
{
    int status = SQLITE_OK;
    struct buffer sql;
    buffer_init(&sql, SQL_BYTES_MAX);
    for (int i = 0; i < ROW_KIND_COUNT * LEVEL_COUNT && status == SQLITE_OK; i++) {
        enum row_kind kind = (enum row_kind)(i / LEVEL_COUNT);
        enum level level = (enum level)(i % LEVEL_COUNT);
        if ((int)level >= measurement_levels(kind))
            continue;
        buffer_clear(&sql);
        sqlite_schema_add_upsert(&sql, kind, level, lite->sink.bucket_ms);
        const char *text = buffer_text(&sql);
        status = text == NULL ? SQLITE_NOMEM
                              : sqlite3_prepare_v3(lite->db, text, -1, SQLITE_PREPARE_PERSISTENT,
                                                   &lite->upserts[kind][level], NULL);
    }
    buffer_fini(&sql);
    return status;
}

/* An optional column needs no new schema: programs that do not know it leave it as it is.
 * Statements that cannot be prepared show another program's tables, which stay as they were. */
static int make_schema(struct sqlite_sink *lite)
{
    int version = 0;
    int status = read_schema_version(lite, &version);
    if (status != SQLITE_OK)
        return status;
    lite->made = version == 0;
    if (version > SQLITE_SCHEMA_VERSION) {
        (void)snprintf(lite->words, sizeof(lite->words),
                       "the database has schema %d, this program knows %d", version,
                       SQLITE_SCHEMA_VERSION);
        return SQLITE_MISMATCH;
    }
    status = execute(lite, "BEGIN IMMEDIATE");
    if (status == SQLITE_OK)
        status = add_tables(lite);
    if (status == SQLITE_OK)
        status = add_columns(lite);
    if (status == SQLITE_OK)
        status = prepare_upserts(lite);
    return status == SQLITE_OK ? execute(lite, "COMMIT") : status;
}

/* A file that was deleted and made again may have its old number. */
static int learn_files(struct sqlite_sink *lite)
{
    struct sqlite_files now;
    int has_moved = 0; /* since it was opened, some microseconds ago */
    sqlite_files_read(&now, lite->sink.conf->path);
    int status = sqlite3_file_control(lite->db, NULL, SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (status == SQLITE_OK && has_moved != 0) {
        (void)snprintf(lite->words, sizeof(lite->words), "the file was moved as it was opened");
        return SQLITE_READONLY_DBMOVED;
    }
    bool was_open = lite->files.inode[0] != 0;
    lite->emptied |= was_open && (lite->made || sqlite_files_is_other(&lite->files, &now));
    lite->files = now;
    return SQLITE_OK;
}

/* A failure leaves the database to close_database(). */
static int open_database(struct sqlite_sink *lite)
{
    int status =
        sqlite3_open_v2(lite->sink.conf->path, &lite->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (status != SQLITE_OK)
        return status;
    sqlite3_busy_timeout(lite->db, BUSY_WAIT_MS);
    status = execute(lite, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    if (status == SQLITE_OK)
        status = make_schema(lite);
    return status == SQLITE_OK ? learn_files(lite) : status;
}

/* The rows of our log go to the file that was moved, and the log is left empty: a file that is put
 * in its place must not get frames of another database. */
static void close_if_moved(struct sqlite_sink *lite)
{
    struct sqlite_files now;
    if (lite->db == NULL)
        return;
    sqlite_files_read(&now, lite->sink.conf->path);
    if (!sqlite_files_have_moved(&lite->files, &now))
        return;
    LOG_LIMITED(LOG_LEVEL_WARN, "sink.file_moved",
                "sink=%s path=\"%s\" why=\"the file was deleted or moved while it was open\"",
                lite->sink.conf->name, lite->sink.conf->path);
    lite->emptied = true;
    (void)sqlite3_wal_checkpoint_v2(lite->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    close_database(lite);
}

static void bind_label(struct sqlite_sink *lite, sqlite3_stmt *statement, int column,
                       const char *text)
{
    buffer_clear(&lite->label);
    if (text != NULL)
        label_add(&lite->label, text, LABEL_PLAIN);
    const char *clean = buffer_text(&lite->label);
    if (clean != NULL) /* else the column stays unbound, NULL, and the row is refused */
        sqlite3_bind_text(statement, column, clean, (int)lite->label.size, SQLITE_TRANSIENT);
}

/* Runs a statement that gives no rows, and makes it ready for the next time. */
static int step(sqlite3_stmt *statement)
{
    (void)sqlite3_step(statement);
    int status = sqlite3_reset(statement); /* tells of the step's error too */
    sqlite3_clear_bindings(statement);
    return status;
}

static double fixed_to_double(int128 value, unsigned decimals)
{
    double scale = 1.0;
    for (unsigned i = 0; i < decimals; i++)
        scale *= 10.0;
    return (double)value / scale;
}

static void bind_field(struct sqlite_sink *lite, sqlite3_stmt *statement, int column,
                       const struct field *field, const struct registry *registry,
                       const struct row *row)
{
    char words[FIELD_TEXT_SIZE];
    if (!field_is_known(field, row)) {
        sqlite3_bind_null(statement, column);
        return;
    }
    switch (field->type) {
    case FIELD_FIXED:
        sqlite3_bind_double(statement, column,
                            fixed_to_double(field_fixed(field, row), field->decimals));
        break;
    case FIELD_RATIO:
        sqlite3_bind_double(statement, column, field_ratio(field, row));
        break;
    case FIELD_INTEGER:
        sqlite3_bind_int64(statement, column, field_count(field, row));
        break;
    case FIELD_NUMBER:
        sqlite3_bind_double(statement, column,
                            fixed_to_double(field_number(field, row), field->decimals));
        break;
    case FIELD_WHOLE:
    case FIELD_YES:
        sqlite3_bind_int64(statement, column, field_number(field, row));
        break;
    case FIELD_TEXT:
        bind_label(lite, statement, column, field_text(field, registry, row, words));
        break;
    case FIELD_FLAG:
    default:
        sqlite3_bind_int(statement, column, field_flag(field, row));
        break;
    }
}

/* By the clocks of the facility, or in UTC. */
static void bind_local_start(struct sqlite_sink *lite, sqlite3_stmt *upsert,
                             const struct registry *registry, const struct row *row)
{
    char text[LOCAL_TEXT_SIZE];
    if (row->facility == REGISTRY_NONE)
        timestamp_format(text, row->window.start_ms);
    else
        local_clock_format(lite->clock, registry->facilities[row->facility].zone,
                           row->window.start_ms, text);
    sqlite3_bind_text(upsert, COLUMN_LOCAL_START, text, -1, SQLITE_TRANSIENT);
}

static int write_row(struct sqlite_sink *lite, const struct registry *registry,
                     const struct row *row)
{
    ASSERT(row->kind < ROW_KIND_COUNT && row->level < LEVEL_COUNT);
    const struct measurement *measurement = &measurements[row->kind];
    sqlite3_stmt *upsert = lite->upserts[row->kind][measurement->is_target ? 0 : row->level];
    char scratch[TAG_SCRATCH_SIZE];
    sqlite3_bind_int64(upsert, COLUMN_START, row->window.start_ms);
    sqlite3_bind_int64(upsert, COLUMN_END, row->window.end_ms);
    bind_local_start(lite, upsert, registry, row);
    bind_label(lite, upsert, COLUMN_FACILITY, tag_value(TAG_FACILITY, registry, row, scratch));
    int column = COLUMN_TAGS;
    for (int tag = COLUMN_TAG_FIRST; tag <= COLUMN_TAG_LAST; tag++)
        if (sqlite_schema_has_tag(measurement, tag))
            bind_label(lite, upsert, column++, tag_value((enum tag)tag, registry, row, scratch));
    for (size_t i = 0; i < measurement->fields_count; i++)
        bind_field(lite, upsert, column++, &measurement->fields[i], registry, row);
    return step(upsert);
}

static int write_facility(struct sqlite_sink *lite, sqlite3_stmt *insert,
                          const struct facility *facility)
{
    const char *const texts[] = {facility->id, facility->name, facility->time_zone,
                                 facility->country, facility->grid_region};
    for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
        bind_label(lite, insert, i + 1, texts[i]);
    return step(insert);
}

static int write_groups(struct sqlite_sink *lite, sqlite3_stmt *insert,
                        const struct registry *registry, const struct facility *facility)
{
    int status = SQLITE_OK;
    for (uint32_t i = 0; i < registry->group_levels_count && status == SQLITE_OK; i++) {
        if (facility->groups[i] == NULL || facility->groups[i][0] == '\0')
            continue;
        bind_label(lite, insert, 1, facility->id);
        bind_label(lite, insert, 2, registry->group_levels[i]);
        bind_label(lite, insert, 3, facility->groups[i]);
        status = step(insert);
    }
    return status;
}

static int write_facilities(struct sqlite_sink *lite, const struct registry *registry)
{
    sqlite3_stmt *facilities = NULL;
    sqlite3_stmt *groups = NULL;
    int status =
        sqlite3_prepare_v2(lite->db, "INSERT OR REPLACE INTO facilities VALUES (?, ?, ?, ?, ?)", -1,
                           &facilities, NULL);
    if (status == SQLITE_OK)
        status = sqlite3_prepare_v2(
            lite->db, "INSERT OR REPLACE INTO facility_groups VALUES (?, ?, ?)", -1, &groups, NULL);
    if (status == SQLITE_OK)
        status = execute(lite, "DELETE FROM facility_groups");
    for (uint32_t i = 0; i < registry->facilities_count && status == SQLITE_OK; i++) {
        const struct facility *facility = &registry->facilities[i];
        status = write_facility(lite, facilities, facility);
        if (status == SQLITE_OK)
            status = write_groups(lite, groups, registry, facility);
    }
    sqlite3_finalize(groups);
    sqlite3_finalize(facilities);
    return status;
}

/* The registry's names, once per registry. Facilities it has no longer keep theirs. */
static int write_names(struct sqlite_sink *lite, const struct registry *registry)
{
    int status = write_facilities(lite, registry);
    if (status != SQLITE_OK)
        return status;
    struct buffer sql;
    buffer_init(&sql, SQL_BYTES_MAX);
    sqlite_schema_add_views(&sql, registry, lite->sink.bucket_ms);
    status = execute(lite, buffer_text(&sql));
    buffer_fini(&sql);
    return status;
}

static int learn_zones(struct sqlite_sink *lite, const struct registry *registry)
{
    if (lite->clock_generation == registry->generation)
        return SQLITE_OK;
    local_clock_destroy(&lite->clock);
    lite->clock_generation = 0;
    if (local_clock_create(&lite->clock, registry) < 0)
        return SQLITE_NOMEM;
    lite->clock_generation = registry->generation;
    return SQLITE_OK;
}

static int write_transaction(struct sqlite_sink *lite, const struct block *block)
{
    const struct registry *registry = block->registry;
    bool names = lite->names_generation != registry->generation;
    int status = execute(lite, "BEGIN IMMEDIATE");
    if (status == SQLITE_OK && !sink_may_write(&lite->sink))
        status = SQLITE_INTERRUPT; /* it may have waited long for the lock */
    if (status == SQLITE_OK && names)
        status = write_names(lite, registry);
    for (uint32_t i = 0; i < block->count && status == SQLITE_OK; i++)
        status = write_row(lite, registry, &block->rows[i]);
    if (status == SQLITE_OK && !sink_may_write(&lite->sink))
        status = SQLITE_INTERRUPT;
    if (status == SQLITE_OK)
        status = execute(lite, "COMMIT");
    if (status == SQLITE_OK)
        lite->names_generation = registry->generation;
    return status;
}

/* SQLite's words, and those of the system if it has failed. */
static void take_words(struct sqlite_sink *lite)
{
    int code = lite->status & 0xff;
    bool is_system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_FULL;
    int error = lite->db != NULL && is_system ? sqlite3_system_errno(lite->db) : 0;
    (void)snprintf(lite->words, sizeof(lite->words), "%s%s%s",
                   lite->db == NULL ? sqlite3_errstr(lite->status) : sqlite3_errmsg(lite->db),
                   error != 0 ? ": " : "", error != 0 ? err_str(-error) : "");
}

/* After an error: its words, and a clean start next time. Closing rolls back. */
static void fail(struct sqlite_sink *lite)
{
    if (lite->words[0] == '\0')
        take_words(lite);
    close_database(lite);
}

/* Thread: the pool's. */
static void on_work(uv_work_t *work)
{
    struct sqlite_sink *lite = work->data;
    close_if_moved(lite);
    if (lite->status == SQLITE_OK && lite->db == NULL)
        lite->status = open_database(lite);
    if (lite->status == SQLITE_OK)
        lite->status = write_transaction(lite, lite->sink.block);
    if (lite->status != SQLITE_OK)
        fail(lite);
}

/* Errors that pass by themselves, or when space is freed; any other waits for an operator. */
static bool is_passing(int status)
{
    switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_IOERR:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
        return true;
    default:
        return false;
    }
}

static void on_worked(uv_work_t *work, int err)
{
    struct sqlite_sink *lite = work->data;
    struct sink *sink = &lite->sink;
    ASSERT(err == 0); /* nothing cancels it */
    ASSERT(sink->block != NULL);
    sink_request_ended(sink);
    if (lite->emptied)
        sink_emptied(sink);
    lite->emptied = false;
    if (lite->status == SQLITE_OK) {
        sink->stats.requests_ok++;
        sink_note_written(sink, sink->block->count);
        sink_note_success(sink);
        sink_settled(sink, true);
        return;
    }
    sink->stats.requests_failed++;
    sink_note_failure(sink, lite->words);
    bool passing = is_passing(lite->status);
    int64_t retry_ms = passing ? backoff_next_ms(&sink->backoff) : backoff_slow_ms(&sink->backoff);
    LOG_LIMITED(passing ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "sink.write_failed",
                "sink=%s path=\"%s\" retry_ms=%lld error=\"%s\"", sink->conf->name,
                sink->conf->path, (long long)retry_ms, sink->stats.last_error);
    sink_retry_in(sink, retry_ms);
}

/* The zones are opened here, on the loop's thread, so that one thread alone opens and closes those
 * of GLib, whose cache of them sites use too. */
static void lite_begin(struct sink *sink)
{
    struct sqlite_sink *lite = (struct sqlite_sink *)sink;
    lite->words[0] = '\0';
    lite->status = learn_zones(lite, sink->block->registry);
    sink_request_began(sink);
    sink_run_work(sink, on_work, on_worked);
}

static bool lite_cancel(struct sink *sink)
{
    (void)sink;
    return false; /* it does not last long */
}

static int errno_of(int status)
{
    switch (status & 0xff) {
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CANTOPEN:
        return -ENOENT;
    case SQLITE_PERM:
        return -EACCES;
    default:
        return ERR_PROTOCOL;
    }
}

static int lite_open(struct sink *sink)
{
    struct sqlite_sink *lite = (struct sqlite_sink *)sink;
    if (sink->conf->path == NULL)
        return -EINVAL;
    lite->status = open_database(lite);
    if (lite->status != SQLITE_OK) {
        fail(lite);
        sink_note_failure(sink, lite->words);
        LOG_ERROR("sink.open_failed", "sink=%s path=\"%s\" error=\"%s\"", sink->conf->name,
                  sink->conf->path, sink->stats.last_error);
        bool is_readonly =
            (lite->status & 0xff) == SQLITE_READONLY; /* a disk may be, for a while */
        if (!is_passing(lite->status) && !is_readonly)
            return errno_of(lite->status);
    }
    buffer_init(&lite->label, TEXT_BYTES_MAX);
    return 0;
}

/* Thread: the pool's. Closing the last connection copies the log back into the database. */
static void on_close_work(uv_work_t *work)
{
    struct sqlite_sink *lite = work->data;
    close_database(lite);
}

static void on_close_worked(uv_work_t *work, int err)
{
    struct sqlite_sink *lite = work->data;
    ASSERT(err == 0); /* nothing cancels it */
    sink_driver_closed(&lite->sink);
}

static void lite_close(struct sink *sink)
{
    sink_run_work(sink, on_close_work, on_close_worked);
}

static void lite_fini(struct sink *sink)
{
    struct sqlite_sink *lite = (struct sqlite_sink *)sink;
    local_clock_destroy(&lite->clock);
    buffer_fini(&lite->label);
}

const struct driver driver_sqlite = {
    .size = sizeof(struct sqlite_sink),
    .open = lite_open,
    .begin = lite_begin,
    .resume = lite_begin,
    .cancel = lite_cancel,
    .close = lite_close,
    .fini = lite_fini,
};
