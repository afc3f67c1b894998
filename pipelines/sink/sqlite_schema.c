#include "pipelines/sink/sqlite_schema.h"

#include "pipelines/sink/label.h"

#include <string.h>

static const char *const series_tags[] = {"scope", "category", "source", "unit"};

static const char *column_type(const struct field *field)
{
    return field->type == FIELD_FIXED || field->type == FIELD_RATIO ? "REAL" : "INTEGER";
}

static void add_key(struct buffer *sql, const struct measurement *measurement)
{
    buffer_add_str(sql, "facility");
    for (size_t i = 0; measurement->is_series && i < ARRAY_LEN(series_tags); i++)
        buffer_printf(sql, ", %s", series_tags[i]);
    buffer_add_str(sql, ", start_ms");
}

static void add_table(struct buffer *sql, const char *name, const struct measurement *measurement)
{
    buffer_printf(sql,
                  "CREATE TABLE IF NOT EXISTS \"%s\" (start_ms INTEGER NOT NULL, "
                  "end_ms INTEGER NOT NULL, local_start TEXT NOT NULL, facility TEXT NOT NULL",
                  name);
    for (size_t i = 0; measurement->is_series && i < ARRAY_LEN(series_tags); i++)
        buffer_printf(sql, ", %s %s NOT NULL", series_tags[i], i == 0 ? "INTEGER" : "TEXT");
    for (size_t i = 0; i < measurement->fields_count; i++)
        buffer_printf(sql, ", %s %s%s", measurement->fields[i].name,
                      column_type(&measurement->fields[i]),
                      measurement->fields[i].optional ? "" : " NOT NULL");
    buffer_add_str(sql, ", PRIMARY KEY (");
    add_key(sql, measurement);
    buffer_add_str(sql, ")) WITHOUT ROWID;\n");
    buffer_printf(sql, "CREATE INDEX IF NOT EXISTS \"%s_by_start\" ON \"%s\" (start_ms);\n", name,
                  name);
}

void sqlite_schema_add_column(struct buffer *sql, const char *table, const struct field *field)
{
    ASSERT(field->optional);
    buffer_printf(sql, "ALTER TABLE \"%s\" ADD COLUMN %s %s;\n", table, field->name,
                  column_type(field));
}

void sqlite_schema_loosen_column(struct buffer *sql, const char *table, const struct field *field)
{
    static const char *const totals[] = {"facility_days", "facility_months", "facility_years"};
    ASSERT(field->optional && field->type == FIELD_RATIO);
    for (size_t i = 0; i < ARRAY_LEN(totals); i++) /* all views are made again */
        buffer_printf(sql, "DROP VIEW IF EXISTS %s;\n", totals[i]);
    buffer_printf(sql,
                  "DROP VIEW IF EXISTS \"%s_named\";\n"
                  "ALTER TABLE \"%s\" ADD COLUMN %s_or_null %s;\n"
                  "UPDATE \"%s\" SET %s_or_null = %s WHERE expected_s > 0;\n"
                  "ALTER TABLE \"%s\" DROP COLUMN %s;\n"
                  "ALTER TABLE \"%s\" RENAME COLUMN %s_or_null TO %s;\n",
                  table, table, field->name, column_type(field), table, field->name, field->name,
                  table, field->name, table, field->name, field->name);
}

void sqlite_schema_add_tables(struct buffer *sql, int64_t bucket_ms)
{
    char name[MEASUREMENT_NAME_SIZE];
    for (int kind = 0; kind < ROW_WINDOW_KINDS; kind++)
        for (int level = 0; level < LEVEL_COUNT; level++)
            add_table(sql,
                      measurement_name(name, (enum row_kind)kind, (enum level)level, bucket_ms),
                      &measurements[kind]);
    buffer_add_str(sql, "CREATE TABLE IF NOT EXISTS facilities (facility TEXT PRIMARY KEY, "
                        "name TEXT NOT NULL, time_zone TEXT NOT NULL, country TEXT NOT NULL, "
                        "grid_region TEXT NOT NULL) WITHOUT ROWID;\n"
                        "CREATE TABLE IF NOT EXISTS facility_groups (facility TEXT NOT NULL, "
                        "level TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (facility, level)) "
                        "WITHOUT ROWID;\n");
}

/* 'level' as a string and as the column's name; a quote in it is doubled, as SQL wants it. */
static void add_quoted(struct buffer *sql, const char *text, char quote)
{
    buffer_add_char(sql, quote);
    struct buffer clean;
    buffer_init(&clean, LABEL_BYTES_MAX);
    label_add(&clean, text, LABEL_PLAIN);
    for (size_t i = 0; i < clean.size; i++) {
        if (clean.data[i] == quote)
            buffer_add_char(sql, quote);
        buffer_add_char(sql, clean.data[i]);
    }
    sql->failed |= buffer_failed(&clean);
    buffer_fini(&clean);
    buffer_add_char(sql, quote);
}

static void add_group_columns(struct buffer *sql, const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->group_levels_count; i++) {
        buffer_add_str(sql, ", (SELECT g.name FROM facility_groups g WHERE g.facility = r.facility"
                            " AND g.level = ");
        add_quoted(sql, registry->group_levels[i], '\'');
        buffer_add_str(sql, ") AS ");
        add_quoted(sql, registry->group_levels[i], '"');
    }
}

static void add_named_view(struct buffer *sql, const char *name, const struct registry *registry)
{
    buffer_printf(sql,
                  "DROP VIEW IF EXISTS \"%s_named\";\nCREATE VIEW \"%s_named\" AS SELECT "
                  "coalesce(f.name, r.facility) AS facility_name, "
                  "substr(r.local_start, 1, 10) AS local_day",
                  name, name);
    add_group_columns(sql, registry);
    buffer_printf(sql, ", r.* FROM \"%s\" r LEFT JOIN facilities f ON f.facility = r.facility;\n",
                  name);
}

/* One line per facility and day (or month, or year): what most people ask for first. It begins with
 * coverage, which is there for silent facilities too: no emissions known is NULL, not 0. */
static void add_total_view(struct buffer *sql, const char *name, const char *suffix,
                           const char *period, const struct registry *registry)
{
    int period_size =
        strcmp(period, "month") == 0 ? (int)strlen("2026-03") : (int)strlen("2026-03-01");
    buffer_printf(sql,
                  "DROP VIEW IF EXISTS %s;\nCREATE VIEW %s AS SELECT r.facility, "
                  "coalesce(f.name, r.facility) AS facility_name, "
                  "substr(r.local_start, 1, %d) AS %s",
                  name, name, period_size, period);
    add_group_columns(sql, registry);
    buffer_printf(sql,
                  ", sum(e.co2e_kg) AS co2e_kg, "
                  "sum(e.co2e_kg) FILTER (WHERE e.scope = 1) AS scope1_co2e_kg, "
                  "sum(e.co2e_kg) FILTER (WHERE e.scope = 2) AS scope2_co2e_kg, "
                  "sum(e.biogenic_co2_kg) AS biogenic_co2_kg, "
                  "sum(e.co2e_estimated_kg) AS co2e_estimated_kg, r.coverage, "
                  "max(r.revision, coalesce(max(e.revision), 0)) AS revision, "
                  "min(r.final, coalesce(min(e.final), 1)) AS final "
                  "FROM coverage_%s r LEFT JOIN facilities f ON f.facility = r.facility "
                  "LEFT JOIN emissions_%s e ON e.facility = r.facility AND "
                  "e.start_ms = r.start_ms GROUP BY r.facility, r.start_ms;\n",
                  suffix, suffix);
}

void sqlite_schema_add_views(struct buffer *sql, const struct registry *registry, int64_t bucket_ms)
{
    char name[MEASUREMENT_NAME_SIZE];
    for (int kind = 0; kind < ROW_WINDOW_KINDS; kind++)
        for (int level = 0; level < LEVEL_COUNT; level++)
            add_named_view(
                sql, measurement_name(name, (enum row_kind)kind, (enum level)level, bucket_ms),
                registry);
    add_total_view(sql, "facility_days", "1d", "day", registry);
    add_total_view(sql, "facility_months", "1mo", "month", registry);
    add_total_view(sql, "facility_years", "1y", "year_start", registry);
}

void sqlite_schema_add_upsert(struct buffer *sql, enum row_kind kind, enum level level,
                              int64_t bucket_ms)
{
    const struct measurement *measurement = &measurements[kind];
    char name[MEASUREMENT_NAME_SIZE];
    buffer_printf(sql, "INSERT INTO \"%s\" (start_ms, end_ms, local_start, facility",
                  measurement_name(name, kind, level, bucket_ms));
    size_t tags = measurement->is_series ? ARRAY_LEN(series_tags) : 0;
    for (size_t i = 0; i < tags; i++)
        buffer_printf(sql, ", %s", series_tags[i]);
    for (size_t i = 0; i < measurement->fields_count; i++)
        buffer_printf(sql, ", %s", measurement->fields[i].name);
    buffer_add_str(sql, ") VALUES (?, ?, ?, ?");
    for (size_t i = 0; i < tags + measurement->fields_count; i++)
        buffer_add_str(sql, ", ?");
    buffer_add_str(sql, ") ON CONFLICT (");
    add_key(sql, measurement);
    buffer_add_str(sql, ") DO UPDATE SET end_ms = excluded.end_ms, "
                        "local_start = excluded.local_start");
    for (size_t i = 0; i < measurement->fields_count; i++)
        buffer_printf(sql, ", %s = excluded.%s", measurement->fields[i].name,
                      measurement->fields[i].name);
}
