/* gwp.c - global warming potentials out of their table; see factors.h. */
#include "config/registry/factors.h"

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

struct gwp_reading {
    const char *set;
    struct gwp *gwp;
};

void gwp_init(struct gwp *gwp)
{
    mpq_inits(gwp->ch4, gwp->n2o, NULL);
}

void gwp_fini(struct gwp *gwp)
{
    mpq_clears(gwp->ch4, gwp->n2o, NULL);
}

static void keep_default(struct gwp_reading *reading, const struct csv_row *row, mpq_srcptr value)
{
    const char *gas = row->cells[COLUMN_GAS].text;
    mpq_ptr kept = strcmp(gas, "CH4") == 0   ? reading->gwp->ch4
                   : strcmp(gas, "N2O") == 0 ? reading->gwp->n2o
                                             : NULL;
    if (kept == NULL)
        return;
    if (mpq_sgn(kept) != 0)
        csv_fault(row, COLUMN_USE, "%s of %s already has a default", gas, reading->set);
    mpq_set(kept, value);
}

static int read_row(void *context, const struct csv_row *row)
{
    struct gwp_reading *reading = context;
    static const char *const uses[] = {"default", "alternative"};
    int use = -1;
    mpq_t value;
    mpq_init(value);
    bool good = cell_id(row, COLUMN_GAS) && cell_id(row, COLUMN_SET) && cell_id(row, COLUMN_GWP) &&
                cell_id(row, COLUMN_USE) &&
                cell_choice(&use, row, COLUMN_USE, uses, ARRAY_LEN(uses)) &&
                cell_fraction(value, row, COLUMN_GWP);
    if (good && use == 0 && strcmp(row->cells[COLUMN_SET].text, reading->set) == 0)
        keep_default(reading, row, value);
    mpq_clear(value);
    return 0;
}

int gwp_load(struct gwp *gwp, const char *path, const char *set, struct faults *faults)
{
    struct gwp_reading reading = {set, gwp};
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, &reading, NULL};
    uint32_t errors = faults->errors;
    int err = csv_table_read(path, &schema, faults);
    if (err < 0)
        return err;
    bool whole = mpq_sgn(gwp->ch4) != 0 && mpq_sgn(gwp->n2o) != 0;
    if (!whole && faults->errors == errors)
        faults_error(faults, path, 0, 0, "no default for CH4 and N2O in the set \"%s\"", set);
    return 0;
}
