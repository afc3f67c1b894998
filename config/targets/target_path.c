/*
 * target_path.c - the table of a target's years; see target_loader.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/targets/target_loader.h"

enum column { COLUMN_YEAR, COLUMN_VALUE, COLUMN_NOTE, COLUMN_COUNT };

enum { PATH_SIZE = 4096, LINE_NONE = 0 };

struct path_reading {
    const struct target *target;
    const struct exact *exact;
    int lines[TARGET_YEARS_MAX + 1]; /* by years from the base year on; LINE_NONE: not given */
    int64_t values[TARGET_YEARS_MAX + 1];
};

static int read_row(void *context, const struct csv_row *row)
{
    struct path_reading *reading = context;
    const struct target *target = reading->target;
    int64_t year = 0;
    int64_t value = 0;
    bool good = cell_id(row, COLUMN_YEAR) &&
                cell_int(&year, row, COLUMN_YEAR, target->base_year, target->target_year);
    good =
        cell_id(row, COLUMN_VALUE) && cell_exact(&value, row, COLUMN_VALUE, reading->exact) && good;
    if (!good)
        return 0;
    int64_t at = year - target->base_year;
    if (reading->lines[at] != LINE_NONE) {
        csv_fault(row, COLUMN_YEAR, "%d stands in line %d already; years are unique", (int)year,
                  reading->lines[at]);
        return 0;
    }
    reading->lines[at] = row->line;
    reading->values[at] = value;
    return 0;
}

static bool keep_years(struct target_loader *loader, struct target *target,
                       const struct path_reading *reading)
{
    int years = target->target_year - target->base_year;
    struct path_year *kept =
        arena_alloc(loader->targets->arena, ((size_t)years + 1) * sizeof(*kept));
    if (kept == NULL) {
        loader->failed_memory = true;
        return false;
    }
    for (int at = 0; at <= years; at++)
        if (reading->lines[at] != LINE_NONE)
            kept[target->path_count++] =
                (struct path_year){(int16_t)(target->base_year + at), reading->values[at]};
    target->path = kept;
    return true;
}

/* Every year after the base year is needed; the base year may be left out. */
static bool check_years(const struct path_reading *reading, const struct csv_row *row,
                        size_t column)
{
    const struct target *target = reading->target;
    int years = target->target_year - target->base_year;
    int first = 0;
    int missing = 0;
    for (int at = years; at > 0; at--) {
        if (reading->lines[at] != LINE_NONE)
            continue;
        first = target->base_year + at;
        missing++;
    }
    if (missing == 0)
        return true;
    if (missing == 1)
        csv_fault(row, column, "\"%s\" lacks the year %d; every year from %d to %d needs a value",
                  row->cells[column].text, first, target->base_year + 1, target->target_year);
    else
        csv_fault(row, column,
                  "\"%s\" lacks the year %d and %d others; every year from %d to %d needs a value",
                  row->cells[column].text, first, missing - 1, target->base_year + 1,
                  target->target_year);
    return false;
}

bool target_path_load(struct target_loader *loader, struct target *target,
                      const struct csv_row *row, size_t column)
{
    static const struct exact mass = {9, 0, BASE_MG_MAX,
                                      "t CO2e from 0 to 1000000000, to 9 decimals"};
    static const struct exact intensity = {
        9, 0, INTENSITY_MG_MAX, "t CO2e per unit of production from 0 to 9000, to 9 decimals"};
    bool per_unit = target->form == TARGET_INTENSITY;
    const struct csv_column columns[COLUMN_COUNT] = {
        [COLUMN_YEAR] = {"year", true},
        [COLUMN_VALUE] = {per_unit ? "t_per_unit" : "t", true},
        [COLUMN_NOTE] = {"note", false},
    };
    struct path_reading reading = {.target = target, .exact = per_unit ? &intensity : &mass};
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, &reading, NULL};
    const char *slash = strrchr(row->file, '/');
    const char *name = row->cells[column].text;
    char path[PATH_SIZE];
    int size = snprintf(path, sizeof(path), "%.*s%s",
                        name[0] == '/' || slash == NULL ? 0 : (int)(slash - row->file) + 1,
                        row->file, name);
    if (size < 0 || size >= PATH_SIZE || access(path, R_OK) != 0) {
        csv_fault(row, column,
                  "\"%.200s\" cannot be read: %s; accepted: the path of a CSV table with the "
                  "columns year and %s, from the folder of this table on",
                  name, err_str(size >= PATH_SIZE ? -ENAMETOOLONG : -errno),
                  columns[COLUMN_VALUE].name);
        return false;
    }
    uint32_t errors = loader->faults->errors;
    int err = csv_table_read(path, &schema, loader->faults);
    loader->failed_memory = loader->failed_memory || err == -ENOMEM;
    return err == 0 && loader->faults->errors == errors && check_years(&reading, row, column) &&
           keep_years(loader, target, &reading);
}
