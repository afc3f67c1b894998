#include "pipelines/sink/sqlite_schema.h"

#include "pipelines/sink/label.h"

#include <string.h>

bool sqlite_schema_has_tag(const struct measurement *measurement, int tag)
{
    ASSERT(tag >= COLUMN_TAG_FIRST && tag <= COLUMN_TAG_LAST);
    return measurement_has_tag(measurement, (enum tag)tag, NULL);
}

static const char *tag_column(int tag)
{
    return tag_key((enum tag)tag, NULL);
}

static const char *column_type(const struct field *field)
{
    switch (field->type) {
    case FIELD_FIXED:
    case FIELD_RATIO:
    case FIELD_NUMBER:
        return "REAL";
    case FIELD_TEXT:
        return "TEXT";
    case FIELD_INTEGER:
    case FIELD_FLAG:
    case FIELD_WHOLE:
    case FIELD_YES:
    default:
        return "INTEGER";
    }
}

/* A target's id tells the rest of its tags. */
static bool is_key(const struct measurement *measurement, int tag)
{
    return sqlite_schema_has_tag(measurement, tag) &&
           (!measurement->is_target || tag == TAG_TARGET || tag == TAG_STAGE);
}

static void add_key(struct buffer *sql, const struct measurement *measurement)
{
    if (!measurement->is_target)
        buffer_add_str(sql, "facility, ");
    for (int tag = COLUMN_TAG_FIRST; tag <= COLUMN_TAG_LAST; tag++)
        if (is_key(measurement, tag))
            buffer_printf(sql, "%s, ", tag_column(tag));
    buffer_add_str(sql, "start_ms");
}

static void add_table(struct buffer *sql, const char *name, const struct measurement *measurement)
{
    buffer_printf(sql,
                  "CREATE TABLE IF NOT EXISTS \"%s\" (start_ms INTEGER NOT NULL, "
                  "end_ms INTEGER NOT NULL, local_start TEXT NOT NULL, facility TEXT NOT NULL",
                  name);
    for (int tag = COLUMN_TAG_FIRST; tag <= COLUMN_TAG_LAST; tag++)
        if (sqlite_schema_has_tag(measurement, tag))
            buffer_printf(sql, ", %s %s NOT NULL", tag_column(tag),
                          tag == TAG_SCOPE ? "INTEGER" : "TEXT");
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
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        for (int level = 0; level < measurement_levels((enum row_kind)kind); level++)
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

/* A column for each group level: the group of the facility or, if a target is about a group of that
 * level, this one. */
static void add_group_columns(struct buffer *sql, const struct measurement *measurement,
                              const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->group_levels_count; i++) {
        const char *level = registry->group_levels[i];
        if (!measurement_has_tag(measurement, (enum tag)(TAG_GROUP + i), registry))
            continue;
        buffer_add_str(sql, ", ");
        if (measurement->is_target) {
            buffer_add_str(sql, "CASE r.level WHEN ");
            add_quoted(sql, level, '\'');
            buffer_add_str(sql, " THEN r.name ELSE ");
        }
        buffer_add_str(sql, "(SELECT g.name FROM facility_groups g WHERE g.facility = r.facility"
                            " AND g.level = ");
        add_quoted(sql, level, '\'');
        buffer_add_str(sql, measurement->is_target ? ") END AS " : ") AS ");
        add_quoted(sql, level, '"');
    }
}

static void add_named_view(struct buffer *sql, const char *name,
                           const struct measurement *measurement, const struct registry *registry)
{
    buffer_printf(sql, "DROP VIEW IF EXISTS \"%s_named\";\nCREATE VIEW \"%s_named\" AS SELECT ",
                  name, name);
    buffer_add_str(sql, measurement->is_target ? "coalesce(f.name, r.name) AS subject, "
                                                 "date(r.day / 1000, 'unixepoch') AS local_day"
                                               : "coalesce(f.name, r.facility) AS facility_name, "
                                                 "substr(r.local_start, 1, 10) AS local_day");
    add_group_columns(sql, measurement, registry);
    buffer_printf(sql, ", r.* FROM \"%s\" r LEFT JOIN facilities f ON f.facility = r.facility;\n",
                  name);
}

/* One line per target, of its newest year: which of them is not on course, and by how much. */
static void add_targets_view(struct buffer *sql)
{
    buffer_add_str(
        sql,
        "DROP VIEW IF EXISTS targets_now;\nCREATE VIEW targets_now AS SELECT r.target, "
        "coalesce(f.name, r.name) AS subject, r.level, r.scopes, "
        "date(r.day / 1000, 'unixepoch') AS local_day, CASE r.alert_level WHEN 0 THEN 'ok' "
        "WHEN 1 THEN 'watch' WHEN 2 THEN 'warning' WHEN 3 THEN 'critical' END AS alert, "
        "CASE WHEN r.alert_level > 0 THEN (SELECT date(a.started / 1000, 'unixepoch') "
        "FROM alerts a WHERE a.target = r.target ORDER BY a.number DESC LIMIT 1) END AS since, "
        "r.slip, r.over_kg, r.ytd_kg, r.due_kg, r.budget_kg, r.forecast_kg, r.miss_probability, "
        "date(r.used_up_day / 1000, 'unixepoch') AS used_up, r.coverage, r.source_1, r.source_2, "
        "r.source_3 FROM trajectory_now r LEFT JOIN facilities f ON f.facility = r.facility "
        "WHERE r.start_ms = (SELECT max(n.start_ms) FROM trajectory_now n WHERE n.target = "
        "r.target);\n");
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
    add_group_columns(sql, &measurements[ROW_COVERAGE], registry);
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
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++)
        for (int level = 0; level < measurement_levels((enum row_kind)kind); level++)
            add_named_view(
                sql, measurement_name(name, (enum row_kind)kind, (enum level)level, bucket_ms),
                &measurements[kind], registry);
    add_total_view(sql, "facility_days", "1d", "day", registry);
    add_total_view(sql, "facility_months", "1mo", "month", registry);
    add_total_view(sql, "facility_years", "1y", "year_start", registry);
    add_targets_view(sql);
}

static void add_assignment(struct buffer *sql, const char *column)
{
    buffer_printf(sql, ", %s = excluded.%s", column, column);
}

void sqlite_schema_add_upsert(struct buffer *sql, enum row_kind kind, enum level level,
                              int64_t bucket_ms)
{
    const struct measurement *measurement = &measurements[kind];
    char name[MEASUREMENT_NAME_SIZE];
    buffer_printf(sql, "INSERT INTO \"%s\" (start_ms, end_ms, local_start, facility",
                  measurement_name(name, kind, level, bucket_ms));
    size_t tags = 0;
    for (int tag = COLUMN_TAG_FIRST; tag <= COLUMN_TAG_LAST; tag++) {
        if (!sqlite_schema_has_tag(measurement, tag))
            continue;
        buffer_printf(sql, ", %s", tag_column(tag));
        tags++;
    }
    for (size_t i = 0; i < measurement->fields_count; i++)
        buffer_printf(sql, ", %s", measurement->fields[i].name);
    buffer_add_str(sql, ") VALUES (?, ?, ?, ?");
    for (size_t i = 0; i < tags + measurement->fields_count; i++)
        buffer_add_str(sql, ", ?");
    buffer_add_str(sql, ") ON CONFLICT (");
    add_key(sql, measurement);
    buffer_add_str(sql, ") DO UPDATE SET end_ms = excluded.end_ms");
    add_assignment(sql, "local_start");
    if (measurement->is_target)
        add_assignment(sql, "facility");
    for (int tag = COLUMN_TAG_FIRST; tag <= COLUMN_TAG_LAST; tag++)
        if (sqlite_schema_has_tag(measurement, tag) && !is_key(measurement, tag))
            add_assignment(sql, tag_column(tag));
    for (size_t i = 0; i < measurement->fields_count; i++)
        add_assignment(sql, measurement->fields[i].name);
}
