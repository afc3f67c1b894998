#include "config/registry/gwp.h"

#include <string.h>

enum column {
    COLUMN_GAS,
    COLUMN_NAME,
    COLUMN_SET,
    COLUMN_VARIANT,
    COLUMN_GWP,
    COLUMN_USE,
    COLUMN_SOURCE,
    COLUMN_CONFIDENCE,
    COLUMN_NOTE,
    COLUMN_COUNT
};

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_GAS] = {"gas", true},        [COLUMN_NAME] = {"name", false},
    [COLUMN_SET] = {"set", true},        [COLUMN_VARIANT] = {"variant", false},
    [COLUMN_GWP] = {"gwp", true},        [COLUMN_USE] = {"use", true},
    [COLUMN_SOURCE] = {"source", false}, [COLUMN_CONFIDENCE] = {"confidence", false},
    [COLUMN_NOTE] = {"note", false},
};

struct reading {
    const char *set;
    struct gwp gwp;
};

static int read_row(void *context, const struct csv_row *row)
{
    struct reading *reading = context;
    static const char *const uses[] = {"default", "alternative"};
    int use = -1;
    struct fraction value = {0, 1};
    bool good = cell_id(row, COLUMN_GAS) && cell_id(row, COLUMN_SET) && cell_id(row, COLUMN_GWP) &&
                cell_id(row, COLUMN_USE) &&
                cell_choice(&use, row, COLUMN_USE, uses, ARRAY_LEN(uses)) &&
                cell_fraction(&value, row, COLUMN_GWP);
    if (!good || use != 0 || strcmp(row->cells[COLUMN_SET].text, reading->set) != 0)
        return 0;
    const char *gas = row->cells[COLUMN_GAS].text;
    struct fraction *kept = strcmp(gas, "CH4") == 0   ? &reading->gwp.ch4
                            : strcmp(gas, "N2O") == 0 ? &reading->gwp.n2o
                                                      : NULL;
    if (kept == NULL)
        return 0;
    if (!fraction_is_zero(*kept))
        csv_fault(row, COLUMN_USE, "%s of %s already has a default", gas, reading->set);
    *kept = value;
    return 0;
}

int gwp_load(struct gwp *gwp_out, const char *path, const char *set, struct faults *faults)
{
    struct reading reading = {set, {fraction_from_int(0), fraction_from_int(0)}};
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, &reading};
    uint32_t errors = faults->errors;
    int err = csv_table_read(path, &schema, faults);
    if (err < 0)
        return err;
    bool whole = !fraction_is_zero(reading.gwp.ch4) && !fraction_is_zero(reading.gwp.n2o);
    if (!whole && faults->errors == errors)
        faults_error(faults, path, 0, 0, "no default for CH4 and N2O in the set \"%s\"", set);
    *gwp_out = reading.gwp;
    return 0;
}
