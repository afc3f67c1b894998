/*
 * sqlite_schema.h - the SQL of the SQLite sink, made from fields.h.
 *
 * One table per measurement, of the same name, a column per field; keyed by facility, the tags of
 * the series and the window's start, or by target, stage and start. `start_ms` and `end_ms` are
 * UTC, `local_start` is the start as the facility's clocks show it, or UTC if it has no facility.
 * Names and groups of facilities are tables of their own, and views put them beside the figures.
 */
#ifndef GHGD_SQLITE_SCHEMA_H
#define GHGD_SQLITE_SCHEMA_H

#include "pipelines/sink/tags.h"

enum { SQLITE_SCHEMA_VERSION = 1 }; /* PRAGMA user_version */

/* The parameters of an upsert: the window, the facility, the other tags of the measurement, the
 * fields. */
enum { COLUMN_START = 1, COLUMN_END, COLUMN_LOCAL_START, COLUMN_FACILITY, COLUMN_TAGS };
/* The tags that have a column, in their order: those from FIRST to LAST that a measurement has.
 * Group levels have none. */
enum { COLUMN_TAG_FIRST = TAG_SCOPE, COLUMN_TAG_LAST = TAG_SCOPES };
bool sqlite_schema_has_tag(const struct measurement *measurement, int tag);

/* CREATE TABLE IF NOT EXISTS, for everything that does not depend on a registry. */
void sqlite_schema_add_tables(struct buffer *sql, int64_t bucket_ms);
/* ALTER TABLE, for an optional field that an earlier version did not have. */
void sqlite_schema_add_column(struct buffer *sql, const char *table, const struct field *field);
/* Lets a ratio's column, which was NOT NULL, be null, and makes it so where nothing is expected. */
void sqlite_schema_loosen_column(struct buffer *sql, const char *table, const struct field *field);
/* Makes the views again: their columns include the group levels. */
void sqlite_schema_add_views(struct buffer *sql, const struct registry *registry,
                             int64_t bucket_ms);
/* INSERT ... ON CONFLICT ... DO UPDATE of every field. */
void sqlite_schema_add_upsert(struct buffer *sql, enum row_kind kind, enum level level,
                              int64_t bucket_ms);

#endif
