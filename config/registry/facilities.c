#include "config/registry/facilities.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "config/calendar/calendar.h"
#include "config/csv/table_cell.h"

enum column {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_TIME_ZONE,
    COLUMN_COUNTRY,
    COLUMN_GRID_REGION,
    COLUMN_VALID_FROM,
    COLUMN_VALID_TO,
    COLUMN_GROUPS /* then one per group level */
};

void facilities_init(struct facility_table *table, struct arena *arena,
                     const struct tables_conf *conf, const struct country_table *countries)
{
    *table = (struct facility_table){
        .arena = arena, .conf = conf, .countries = countries, .refused.arena = arena};
    zones_init(&table->zones, arena, conf->bucket_ms, conf->fiscal_year_start);
    const char *from = conf->reporting_from;
    int err = from == NULL ? 0 : date_parse(&table->reporting_from, from, strlen(from));
    ASSERT(err == 0); /* the option was checked when it was set */
}

void facilities_fini(struct facility_table *table)
{
    zones_fini(&table->zones);
    free(table->rows);
    id_index_fini(&table->ids);
    csv_refused_fini(&table->refused);
    *table = (struct facility_table){0};
}

static const struct country *country_of(const struct facility_table *table,
                                        const struct csv_row *row)
{
    return countries_find(table->countries, row->cells[COLUMN_COUNTRY].text);
}

static void report_zone(const struct facility_table *table, const struct csv_row *row, int err)
{
    const char *zone = row->cells[COLUMN_TIME_ZONE].text;
    if (err == -EINVAL) {
        csv_fault(row, COLUMN_TIME_ZONE,
                  "hours of \"%s\" do not begin at the edge of a bucket of %lld min; a shorter "
                  "windows.bucket is needed, 15m fits every zone of today",
                  zone, (long long)(table->conf->bucket_ms / MINUTE_MS));
        return;
    }
    char name[ZONE_NAME_SIZE];
    const struct country *country = country_of(table, row);
    bool shown = row->faults->errors < row->faults->errors_max;
    const char *near =
        shown ? zone_suggest(name, zone, country == NULL ? "" : country->code) : NULL;
    if (near != NULL)
        csv_fault(row, COLUMN_TIME_ZONE, "\"%s\" is not an IANA time zone; did you mean \"%s\"?",
                  zone, near);
    else
        csv_fault(row, COLUMN_TIME_ZONE,
                  "\"%s\" is not an IANA time zone; accepted are names such as Asia/Shanghai or "
                  "Europe/Berlin",
                  zone);
}

static bool read_country(const struct facility_table *table, const struct csv_row *row)
{
    if (cell_is_empty(row, COLUMN_COUNTRY)) {
        if (cell_is_empty(row, COLUMN_GRID_REGION))
            return true;
        csv_fault(row, COLUMN_COUNTRY, "empty; a grid region needs its country");
        return false;
    }
    if (country_of(table, row) != NULL)
        return true;
    const char *found = row->cells[COLUMN_COUNTRY].text;
    const char *near = countries_suggest(table->countries, found);
    if (near != NULL)
        csv_fault(row, COLUMN_COUNTRY, "\"%s\" is not a country; did you mean \"%s\"?", found,
                  near);
    else
        csv_fault(row, COLUMN_COUNTRY,
                  "\"%s\" is not a country; accepted: a code of ISO 3166-1 (CN or CHN) or an "
                  "English name",
                  found);
    return false;
}

static bool read_names(const struct facility_table *table, const struct csv_row *row)
{
    bool good = cell_id(row, COLUMN_ID) && cell_id(row, COLUMN_TIME_ZONE) &&
                cell_name(row, COLUMN_COUNTRY) && cell_name(row, COLUMN_GRID_REGION);
    for (uint32_t i = 0; i < table->conf->group_levels_count; i++)
        good = cell_name(row, COLUMN_GROUPS + i) && good;
    good = good && read_country(table, row);
    const char *id = row->cells[COLUMN_ID].text;
    if (good && facilities_find(table, id) != NULL) {
        csv_fault(row, COLUMN_ID, "\"%s\" is already a facility; ids are unique", id);
        return false;
    }
    return good;
}

static int make_room(struct facility_table *table)
{
    if (table->count < table->capacity)
        return 0;
    uint32_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
    struct facility *rows = realloc(table->rows, capacity * sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    table->rows = rows;
    table->capacity = capacity;
    return 0;
}

static const char *keep(const struct facility_table *table, const struct csv_row *row,
                        size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    return arena_text(table->arena, cell->text, cell->size);
}

/* The name is for people, and comes from the registers of others: what is not one line of text
 * becomes a space, and what is too long is cut. */
static const char *keep_name(const struct facility_table *table, const struct csv_row *row)
{
    const struct csv_cell *cell =
        &row->cells[cell_is_empty(row, COLUMN_NAME) ? COLUMN_ID : COLUMN_NAME];
    size_t size = cell->size;
    if (size > NAME_BYTES_MAX) {
        const char *end = g_utf8_find_prev_char(cell->text, cell->text + NAME_BYTES_MAX + 1);
        size = (size_t)(end - cell->text);
    }
    char *name = arena_text(table->arena, cell->text, size);
    for (size_t i = 0; name != NULL && i < size; i++)
        if (g_ascii_iscntrl(name[i]))
            name[i] = ' ';
    return name;
}

static bool read_validity(struct window *validity_out, const struct facility_table *table,
                          const struct csv_row *row, uint32_t zone)
{
    *validity_out = (struct window){INT64_MIN, INT64_MAX};
    if (!zones_cell_instant(&validity_out->start_ms, &table->zones, zone, row, COLUMN_VALID_FROM) ||
        !zones_cell_instant(&validity_out->end_ms, &table->zones, zone, row, COLUMN_VALID_TO))
        return false;
    if (validity_out->start_ms < validity_out->end_ms)
        return true;
    csv_fault(row, COLUMN_VALID_TO,
              "\"%s\" is not after valid_from \"%s\"; it is the first instant at which the "
              "facility no longer reports",
              row->cells[COLUMN_VALID_TO].text, row->cells[COLUMN_VALID_FROM].text);
    return false;
}

static int add_row(struct facility_table *table, const struct csv_row *row, uint32_t zone)
{
    struct window validity;
    if (!read_validity(&validity, table, row, zone))
        return 0;
    int err = make_room(table);
    if (err < 0)
        return err;
    struct facility *facility = &table->rows[table->count];
    *facility = (struct facility){
        .id = keep(table, row, COLUMN_ID),
        .name = keep_name(table, row),
        .time_zone = table->zones.names[zone],
        .country = cell_is_empty(row, COLUMN_COUNTRY) ? "" : country_of(table, row)->code,
        .grid_region = keep(table, row, COLUMN_GRID_REGION),
        .zone = zone,
        .valid_from_ms = validity.start_ms,
        .valid_to_ms = validity.end_ms,
    };
    bool failed = facility->id == NULL || facility->name == NULL || facility->grid_region == NULL;
    for (uint32_t i = 0; i < table->conf->group_levels_count; i++) {
        if (cell_is_empty(row, COLUMN_GROUPS + i))
            continue;
        facility->groups[i] = keep(table, row, COLUMN_GROUPS + i);
        failed = failed || facility->groups[i] == NULL;
    }
    if (failed)
        return -ENOMEM;
    return id_index_set(&table->ids, facility->id, table->count++);
}

static int read_row(void *context, const struct csv_row *row)
{
    struct facility_table *table = context;
    if (!read_names(table, row))
        return 0;
    if (table->count >= FACILITIES_MAX) {
        csv_fault(row, COLUMN_ID, "more than %d facilities", FACILITIES_MAX);
        return ERR_CONFIG;
    }
    const struct csv_cell *cell = &row->cells[COLUMN_TIME_ZONE];
    uint32_t zone = 0;
    int err = zones_find(&table->zones, cell->text, cell->size, &zone);
    if (err == -ENOMEM)
        return err;
    if (err < 0) {
        report_zone(table, row, err);
        return 0;
    }
    return add_row(table, row, zone);
}

int facilities_load(struct facility_table *table, struct faults *faults)
{
    const struct tables_conf *conf = table->conf;
    struct csv_column columns[COLUMN_GROUPS + GROUP_LEVELS_MAX] = {
        [COLUMN_ID] = {"id", true},
        [COLUMN_NAME] = {"name", false},
        [COLUMN_TIME_ZONE] = {"time_zone", true},
        [COLUMN_COUNTRY] = {"country", false},
        [COLUMN_GRID_REGION] = {"grid_region", false},
        [COLUMN_VALID_FROM] = {"valid_from", false},
        [COLUMN_VALID_TO] = {"valid_to", false},
    };
    ASSERT(conf->group_levels_count <= GROUP_LEVELS_MAX);
    for (uint32_t i = 0; i < conf->group_levels_count; i++)
        columns[COLUMN_GROUPS + i] = (struct csv_column){conf->group_levels[i], true};
    const struct csv_schema schema = {columns, COLUMN_GROUPS + conf->group_levels_count, read_row,
                                      table, &table->refused};
    return csv_table_read(conf->facilities, &schema, faults);
}

const struct facility *facilities_find(const struct facility_table *table, const char *id)
{
    uint32_t at = id_index_find(&table->ids, id, strlen(id));
    return at == ID_INDEX_NONE ? NULL : &table->rows[at];
}

const char *facilities_suggest(const struct facility_table *table, const char *found)
{
    const char **ids = calloc(table->count + 1, sizeof(*ids));
    if (ids == NULL)
        return NULL;
    for (uint32_t i = 0; i < table->count; i++)
        ids[i] = table->rows[i].id;
    const char *near = faults_suggest(found, ids, table->count);
    free(ids);
    return near;
}
