/* Main meters and their sub-meters, and check meters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "config/registry/meter_columns.h"

/* Percent, to four decimals: millionths. Two meters of accuracy class 1 may differ by 2 %. */
static bool read_tolerance(struct meter_row *parsed, const struct csv_row *row)
{
    enum { DEFAULT_PPM = 20000, MAX_PPM = MICRO, PERCENTS = 100 };
    const char *text = row->cells[METER_TOLERANCE].text;
    size_t number = strcspn(text, " %");
    size_t skip = number + strspn(text + number, " ");
    struct decimal percent;
    int64_t ppm = 0;
    parsed->meter.tolerance_ppm = DEFAULT_PPM;
    if (cell_is_empty(row, METER_TOLERANCE))
        return true;
    if (decimal_parse(&percent, text, number) == 0 && percent.digits >= 0 &&
        strcmp(text + skip, "%") == 0 &&
        decimal_to_micro(&ppm, percent, (struct ratio){1, PERCENTS}) == 0 && ppm <= MAX_PPM) {
        parsed->meter.tolerance_ppm = (uint32_t)ppm;
        parsed->tolerance_column = row->cells[METER_TOLERANCE].column;
        return true;
    }
    csv_fault(row, METER_TOLERANCE,
              "\"%s\" is not accepted; accepted: from 0 %% to 100 %% of what the main meter shows, "
              "such as 2 %%",
              text);
    return false;
}

bool meter_read_role(struct meter_row *parsed, const struct csv_row *row)
{
    static const char *const roles[] = {"", "check"};
    int role = 0;
    if (!cell_choice(&role, row, METER_ROLE, roles, ARRAY_LEN(roles)) ||
        !cell_name(row, METER_PARENT) || !read_tolerance(parsed, row))
        return false;
    parsed->meter.check = role == 1;
    parsed->parent = row->cells[METER_PARENT].text; /* of the row until it is kept */
    parsed->parent_column = row->cells[METER_PARENT].column;
    if (parsed->parent[0] == '\0' || parsed->meter.kind != KIND_DELIVERY)
        return true;
    csv_fault(row, METER_PARENT,
              "a delivery covers no time, and is no part of what a main meter sees; accepted for "
              "this kind: empty");
    return false;
}

/* Parents as the rows name them. */
struct family {
    const struct meter_table *table;
    const char *file;
    struct faults *faults;
};

static uint32_t first_version(const struct meter_table *table, const char *id)
{
    return id_index_find(&table->ids, id, strlen(id));
}

static bool overlap(const struct meter *a, const struct meter *b)
{
    return a->valid_from_ms < b->valid_to_ms && b->valid_from_ms < a->valid_to_ms;
}

/* The reason why `main` cannot be the main meter of `sub`; NULL if it can. */
static const char *find_misfit(const struct meter_row *sub, const struct meter_row *main)
{
    if (main->meter.facility != sub->meter.facility)
        return "is in another facility";
    if (main->meter.kind == KIND_DELIVERY)
        return "is a delivery, and covers no time";
    if (main->meter.check)
        return "is a check meter, and books nothing";
    if (main->activity.quantity != sub->activity.quantity ||
        main->activity.state != sub->activity.state || main->activity.basis != sub->activity.basis)
        return "counts another quantity";
    if (!sub->meter.check && main->factor != sub->factor)
        return "has another factor, so that the rest would be rated by it";
    enum flow flow = flow_of(main->category, (enum quantity)main->activity.quantity);
    if (!sub->meter.check && flow != flow_of(sub->category, (enum quantity)sub->activity.quantity))
        return "has another category, and electricity shares that with its sub-meters";
    return NULL;
}

/* The id of the table that is nearest to what was found, or NULL. */
static const char *suggest_parent(const struct meter_table *table, const char *found)
{
    const char **ids = calloc(table->count + 1, sizeof(*ids));
    if (ids == NULL)
        return NULL;
    for (uint32_t i = 0; i < table->count; i++)
        ids[i] = table->rows[i].meter.id;
    const char *near = faults_suggest(found, ids, table->count);
    free(ids);
    return near;
}

static void report_no_parent(const struct family *family, const struct meter_row *sub)
{
    bool shown = family->faults->errors < family->faults->errors_max;
    const char *near = shown ? suggest_parent(family->table, sub->parent) : NULL;
    if (near != NULL && strcmp(near, sub->meter.id) != 0)
        faults_error(family->faults, family->file, sub->line, sub->parent_column,
                     "parent: there is no meter \"%s\"; did you mean \"%s\"?", sub->parent, near);
    else
        faults_error(
            family->faults, family->file, sub->line, sub->parent_column,
            "parent: there is no meter \"%s\"; accepted: the id of the main meter of \"%s\"",
            sub->parent, sub->meter.id);
}

static void check_parent(const struct family *family, const struct meter_row *sub)
{
    const struct meter_table *table = family->table;
    uint32_t at = first_version(table, sub->parent);
    if (at == ID_INDEX_NONE) {
        if (!csv_is_refused(&table->refused, sub->parent))
            report_no_parent(family, sub);
        return;
    }
    bool meets = false;
    for (; at != ID_INDEX_NONE; at = table->rows[at].next) {
        const struct meter_row *main = &table->rows[at];
        if (!overlap(&main->meter, &sub->meter))
            continue;
        meets = true;
        const char *misfit = find_misfit(sub, main);
        if (misfit == NULL)
            continue;
        faults_error(
            family->faults, family->file, sub->line, sub->parent_column,
            "parent: \"%s\" (line %d) %s; accepted: a meter of the same facility, quantity "
            "and factor as \"%s\"",
            sub->parent, main->line, misfit, sub->meter.id);
        return;
    }
    if (!meets && !csv_is_refused(&table->refused, sub->parent))
        faults_error(family->faults, family->file, sub->line, sub->parent_column,
                     "parent: no version of \"%s\" is valid while this one of \"%s\" is",
                     sub->parent, sub->meter.id);
}

/* Whether the way up over first versions leads back to the meter itself. */
static bool is_above_itself(const struct meter_table *table, const struct meter_row *row)
{
    const struct meter_row *at = row;
    for (int level = 0; level <= METER_LEVELS_MAX && at->parent[0] != '\0'; level++) {
        uint32_t above = first_version(table, at->parent);
        if (above == ID_INDEX_NONE)
            return false;
        at = &table->rows[above];
        if (strcmp(at->meter.id, row->meter.id) == 0)
            return true;
    }
    return false;
}

/* How many meters are above each meter, at any time: by passes, since all versions of an id count
 * together. Levels that still rise after METER_LEVELS_MAX passes are circles, or too many. */
static void check_levels(const struct family *family, uint8_t *levels)
{
    const struct meter_table *table = family->table;
    bool rises = true;
    for (int pass = 0; rises && pass <= METER_LEVELS_MAX; pass++) {
        rises = false;
        for (uint32_t i = 0; i < table->count; i++) {
            const struct meter_row *row = &table->rows[i];
            uint32_t above =
                row->parent[0] == '\0' ? ID_INDEX_NONE : first_version(table, row->parent);
            if (above == ID_INDEX_NONE)
                continue;
            uint8_t *level = &levels[first_version(table, row->meter.id)];
            uint8_t want = (uint8_t)MIN(levels[above] + 1, METER_LEVELS_MAX + 1);
            rises |= want > *level;
            *level = MAX(*level, want);
        }
    }
    for (uint32_t i = 0; i < table->count; i++) {
        const struct meter_row *row = &table->rows[i];
        if (row->parent[0] == '\0' ||
            levels[first_version(table, row->meter.id)] <= METER_LEVELS_MAX)
            continue;
        if (is_above_itself(table, row))
            faults_error(
                family->faults, family->file, row->line, row->parent_column,
                "parent: \"%s\" is below \"%s\" itself; accepted: a meter that is not below "
                "it",
                row->parent, row->meter.id);
        else
            faults_error(family->faults, family->file, row->line, row->parent_column,
                         "parent: more than %d meters are above \"%s\", or its main meter is in a "
                         "circle",
                         METER_LEVELS_MAX, row->meter.id);
    }
}

int meters_check_parents(const struct meter_table *table, const char *file, struct faults *faults)
{
    const struct family family = {table, file, faults};
    bool any = false;
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->rows[i].parent[0] == '\0')
            continue;
        any = true;
        check_parent(&family, &table->rows[i]);
    }
    if (!any)
        return 0;
    uint8_t *levels = calloc(table->count, 1);
    if (levels == NULL)
        return -ENOMEM;
    check_levels(&family, levels);
    free(levels);
    return 0;
}

static bool is_compared(const struct meter_row *row, const bool *is_main, uint32_t first)
{
    return is_main[first] || (row->meter.check && row->parent[0] != '\0');
}

int meters_warn_of_tolerances(const struct meter_table *table, const char *file,
                              struct faults *faults)
{
    const struct meter_row *found = NULL;
    uint32_t count = 0;
    bool *is_main = calloc(table->count + 1, sizeof(*is_main)); /* by first version */
    if (is_main == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct meter_row *row = &table->rows[i];
        if (row->parent[0] != '\0' && !row->meter.check)
            is_main[first_version(table, row->parent)] = true;
    }
    for (uint32_t i = 0; i < table->count; i++) {
        const struct meter_row *row = &table->rows[i];
        if (row->tolerance_column == 0 ||
            is_compared(row, is_main, first_version(table, row->meter.id)))
            continue;
        found = found == NULL ? row : found;
        count++;
    }
    if (found != NULL)
        faults_warn(faults, file, found->line, found->tolerance_column,
                    "tolerance: no sub-meter names \"%s\" as its parent, and it is no check meter "
                    "with a parent, so nothing is compared (meters: %u)",
                    found->meter.id, count);
    free(is_main);
    return 0;
}
