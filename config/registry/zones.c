#include "config/registry/zones.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "config/calendar/calendar.h"

void zones_init(struct zone_table *table, struct arena *arena, int64_t bucket_ms,
                int fiscal_year_start)
{
    *table = (struct zone_table){
        .arena = arena, .bucket_ms = bucket_ms, .fiscal_year_start = fiscal_year_start};
}

void zones_fini(struct zone_table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        calendar_destroy(&table->calendars[i]);
    free(table->calendars);
    free(table->names);
    id_index_fini(&table->ids);
    *table = (struct zone_table){0};
}

static int make_room(struct zone_table *table)
{
    if (table->count < table->capacity)
        return 0;
    uint32_t capacity = table->capacity == 0 ? 16 : table->capacity * 2;
    const char **names = realloc(table->names, capacity * sizeof(*names));
    if (names == NULL)
        return -ENOMEM;
    table->names = names;
    struct calendar **calendars = realloc(table->calendars, capacity * sizeof(*calendars));
    if (calendars == NULL)
        return -ENOMEM;
    table->calendars = calendars;
    table->capacity = capacity;
    return 0;
}

int zones_find(struct zone_table *table, const char *name, size_t size, uint32_t *zone_out)
{
    uint32_t known = id_index_find(&table->ids, name, size);
    if (known != ID_INDEX_NONE) {
        *zone_out = known;
        return 0;
    }
    const char *kept = arena_text(table->arena, name, size);
    int err = kept == NULL ? -ENOMEM : make_room(table);
    if (err < 0)
        return err;
    struct calendar *calendar = NULL;
    err = calendar_create(&calendar, kept, table->bucket_ms, table->fiscal_year_start);
    if (err < 0)
        return err;
    err = id_index_set(&table->ids, kept, table->count);
    if (err < 0) {
        calendar_destroy(&calendar);
        return err;
    }
    table->names[table->count] = kept;
    table->calendars[table->count] = calendar;
    *zone_out = table->count++;
    return 0;
}

int zones_date_start(const struct zone_table *table, uint32_t zone, struct date date,
                     int64_t *ms_out)
{
    ASSERT(zone < table->count);
    return calendar_date_start(table->calendars[zone], date.year, date.month, date.day, ms_out);
}

bool zones_cell_instant(int64_t *ms_out, const struct zone_table *table, uint32_t zone,
                        const struct csv_row *row, size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    if (cell->size == 0)
        return true;
    if (memchr(cell->text, ':', cell->size) != NULL) {
        if (timestamp_parse(ms_out, cell->text, cell->size) == 0)
            return true;
        csv_fault(row, column,
                  "\"%s\" is not an instant; accepted: YYYY-MM-DD in the facility's "
                  "time zone, or RFC 3339 with offset",
                  cell->text);
        return false;
    }
    struct date date;
    if (!cell_date(&date, row, column))
        return false;
    if (zones_date_start(table, zone, date, ms_out) == 0)
        return true;
    csv_fault(row, column, "\"%s\" is no date of this time zone", cell->text);
    return false;
}

#define ZONE_FOLDER "/usr/share/zoneinfo"

enum { ZONES_MAX = 1024 }; /* tzdata has about 600, links included */

/* zone.tab: country, coordinates, zone, separated by tabs. */
static const char *find_by_country(char name[ZONE_NAME_SIZE], const char *country)
{
    FILE *file = fopen(ZONE_FOLDER "/zone.tab", "re");
    const char *found = NULL;
    char line[512];
    while (file != NULL && found == NULL && fgets(line, sizeof(line), file) != NULL)
        if (strlen(country) == 2 && strncmp(line, country, 2) == 0 && line[2] == '\t' &&
            sscanf(line + 3, "%*s %63s", name) == 1)
            found = name;
    if (file != NULL)
        (void)fclose(file);
    return found;
}

/* tzdata.zi: "Z name ..." begins a zone, "L target name" is a link. */
static size_t read_names(char **names)
{
    FILE *file = fopen(ZONE_FOLDER "/tzdata.zi", "re");
    size_t count = 0;
    char line[512];
    char name[ZONE_NAME_SIZE];
    while (file != NULL && count < ZONES_MAX && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Z %63s", name) != 1 && sscanf(line, "L %*s %63s", name) != 1)
            continue;
        names[count] = strdup(name);
        if (names[count] == NULL)
            break;
        count++;
    }
    if (file != NULL)
        (void)fclose(file);
    return count;
}

const char *zone_suggest(char name[ZONE_NAME_SIZE], const char *found, const char *country)
{
    char **names = calloc(ZONES_MAX, sizeof(*names));
    if (names == NULL)
        return NULL;
    size_t count = read_names(names);
    const char *near = faults_suggest(found, (const char *const *)names, count);
    if (near != NULL) {
        (void)snprintf(name, ZONE_NAME_SIZE, "%s", near);
        near = name;
    }
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return near != NULL ? near : find_by_country(name, country);
}
