#include "config/registry/meters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/registry/meter_columns.h"
#include "config/registry/meter_factors.h"

static const struct csv_column columns[METER_COLUMNS] = {
    [METER_ID] = {"id", true},
    [METER_FACILITY] = {"facility", true},
    [METER_KIND] = {"kind", true},
    [METER_QUANTITY] = {"quantity", false},
    [METER_UNIT] = {"unit", true},
    [METER_MULTIPLIER] = {"multiplier", false},
    [METER_DIGITS] = {"digits", false},
    [METER_DECIMALS] = {"decimals", false},
    [METER_MODULUS] = {"modulus", false},
    [METER_RESTARTS] = {"restarts", false},
    [METER_MAX_RATE] = {"max_rate", false},
    [METER_INTERVAL] = {"interval", false},
    [METER_STAMP] = {"stamp", false},
    [METER_HOLD] = {"hold", false},
    [METER_SCHEDULE] = {"schedule", false},
    [METER_EXPECTED_EVERY] = {"expected_every", false},
    [METER_BETWEEN] = {"between", false},
    [METER_RECONCILE] = {"reconcile", false},
    [METER_SCOPE] = {"scope", false},
    [METER_CATEGORY] = {"category", true},
    [METER_SOURCE] = {"source", false},
    [METER_FACTOR] = {"factor", false},
    [METER_BASIS] = {"basis", false},
    [METER_NEGATIVE] = {"negative", false},
    [METER_ROLE] = {"role", false},
    [METER_PARENT] = {"parent", false},
    [METER_TOLERANCE] = {"tolerance", false},
    [METER_LINE_PRESSURE] = {"line_pressure", false},
    [METER_LINE_TEMPERATURE] = {"line_temperature", false},
    [METER_LINE_Z] = {"line_z", false},
    [METER_ATMOSPHERE] = {"atmosphere", false},
    [METER_REFERENCE] = {"reference", false},
    [METER_REFERENCE_Z] = {"reference_z", false},
    [METER_CORRECTED] = {"corrected", false},
    [METER_STEAM] = {"steam", false},
    [METER_FEEDWATER] = {"feedwater", false},
    [METER_ON_CONFLICT] = {"on_conflict", false},
    [METER_MAX_AMOUNT] = {"max_amount", false},
    [METER_CAPACITY] = {"capacity", false},
    [METER_ACCRUE] = {"accrue", false},
    [METER_VALID_FROM] = {"valid_from", false},
    [METER_VALID_TO] = {"valid_to", false},
};

struct meters_loading {
    struct meter_table *table;
    const struct tables_conf *conf;
};

void meters_init(struct meter_table *table, struct arena *arena,
                 const struct facility_table *facilities, const struct factor_table *factors)
{
    *table = (struct meter_table){
        .arena = arena, .facilities = facilities, .factors = factors, .refused.arena = arena};
}

void meters_fini(struct meter_table *table)
{
    free(table->rows);
    free(table->grid_reported);
    conversion_table_fini(&table->conversions);
    id_index_fini(&table->ids);
    csv_refused_fini(&table->refused);
    *table = (struct meter_table){0};
}

static bool read_facility(struct meter_row *parsed, const struct meter_table *table,
                          const struct csv_row *row)
{
    if (!cell_id(row, METER_ID) || !cell_id(row, METER_FACILITY))
        return false;
    const char *id = row->cells[METER_FACILITY].text;
    const struct facility *facility = facilities_find(table->facilities, id);
    if (facility == NULL && csv_is_refused(&table->facilities->refused, id))
        return false;
    if (facility == NULL) {
        bool shown = row->faults->errors < row->faults->errors_max;
        const char *near = shown ? facilities_suggest(table->facilities, id) : NULL;
        csv_fault(row, METER_FACILITY, "there is no facility \"%s\"%s%s%s", id,
                  near == NULL ? "; accepted: an id of the facilities table" : "; did you mean \"",
                  near == NULL ? "" : near, near == NULL ? "" : "\"?");
        return false;
    }
    parsed->meter.facility = (uint32_t)(facility - table->facilities->rows);
    return true;
}

/* Electricity counts in kWh, whatever the unit of its readings: else it would have no part in the
 * balance of its site. Generation may be that of heat. */
static bool check_flow(const struct meter_row *parsed, const struct csv_row *row,
                       const struct category *category)
{
    if (category == NULL || category->flow == FLOW_NONE || category->flow == FLOW_GENERATION ||
        parsed->meter.quantity == QUANTITY_ENERGY)
        return true;
    csv_fault(row, METER_QUANTITY,
              "\"%s\" beside category %s, which is electricity and counts in kWh; accepted: "
              "energy (readings may have any unit of energy)",
              quantity_name((enum quantity)parsed->meter.quantity), category->name);
    return false;
}

static bool read_category(struct meter_row *parsed, const struct csv_row *row)
{
    if (!cell_name(row, METER_CATEGORY) || !cell_name(row, METER_SOURCE))
        return false;
    const char *text = row->cells[METER_CATEGORY].text;
    const struct category *category = category_find(text);
    int64_t scope = category == NULL ? -1 : category->scope;
    if (!cell_int(&scope, row, METER_SCOPE, 0, 3))
        return false;
    if (scope < 0 || text[0] == '\0') {
        const char *names[CATEGORY_COUNT];
        for (size_t i = 0; i < CATEGORY_COUNT; i++)
            names[i] = categories[i].name;
        int ignored;
        return cell_word(&ignored, row, METER_CATEGORY, names, CATEGORY_COUNT);
    }
    if (category != NULL && scope != category->scope && (scope == 1 || scope == 2)) {
        csv_fault(row, METER_SCOPE, "%lld does not fit category %s; accepted: %s0, 3, or empty",
                  (long long)scope, text,
                  category->scope == 0   ? ""
                  : category->scope == 1 ? "1, "
                                         : "2, ");
        return false;
    }
    if (parsed->meter.negative && category != NULL && category->by_place) {
        csv_fault(
            row, METER_NEGATIVE,
            "yes, but purchased electricity is never netted: what is fed back does not reduce "
            "it; send import and export as two meters, the export of category "
            "exported_electricity; accepted: no, or empty");
        return false;
    }
    parsed->scope = (uint8_t)scope;
    parsed->category = text; /* of the row until it is kept */
    return check_flow(parsed, row, category);
}

static bool read_kind(struct meter_row *parsed, const struct csv_row *row,
                      const struct tables_conf *conf)
{
    static const char *const policies[] = {"last", "hold", "larger"};
    const char *names[KIND_COUNT];
    for (int i = 0; i < KIND_COUNT; i++)
        names[i] = meter_kind_name((enum meter_kind)i);
    int kind = -1;
    int policy = conf->on_conflict;
    if (!cell_word(&kind, row, METER_KIND, names, KIND_COUNT) ||
        !cell_bool(&parsed->meter.negative, row, METER_NEGATIVE) ||
        !cell_choice(&policy, row, METER_ON_CONFLICT, policies, ARRAY_LEN(policies)))
        return false;
    parsed->meter.on_conflict = (uint8_t)policy;
    parsed->meter.kind = (uint8_t)kind;
    return true;
}

/* The source of a row that names no source: the subject of its factor. */
static const char *default_source(const struct meter_row *parsed)
{
    const struct category *category = category_find(parsed->category);
    if (category != NULL && category->by_place)
        return "grid_electricity";
    if (parsed->factor == ID_INDEX_NONE)
        return quantity_name(parsed->meter.quantity);
    const char *dot = strchr(parsed->meter.factor_name, '.');
    return dot == NULL || dot[1] == '\0' ? parsed->meter.factor_name : dot + 1;
}

/* Text of the row, or NULL. */
static bool keep_text(const char **text, struct meter_table *table)
{
    if (*text == NULL)
        return true;
    *text = arena_text(table->arena, *text, strlen(*text));
    return *text != NULL;
}

static int keep_names(struct meter_row *parsed, struct meter_table *table,
                      const struct csv_row *row)
{
    const char *source = row->cells[METER_SOURCE].text;
    if (source[0] == '\0')
        source = default_source(parsed);
    const struct csv_cell *id = &row->cells[METER_ID];
    parsed->meter.id = arena_text(table->arena, id->text, id->size);
    parsed->category = arena_text(table->arena, parsed->category, strlen(parsed->category));
    parsed->source = arena_text(table->arena, source, strlen(source));
    bool failed = parsed->meter.id == NULL || parsed->category == NULL || parsed->source == NULL;
    failed |= !keep_text(&parsed->parent, table);
    failed |= !keep_text(&parsed->meter.rate_max_text, table);
    failed |= !keep_text(&parsed->meter.amount_max_text, table);
    failed |= !keep_text(&parsed->meter.capacity_text, table);
    return failed ? -ENOMEM : 0;
}

static int make_room(struct meter_table *table)
{
    if (table->count < table->capacity)
        return 0;
    uint32_t capacity = table->capacity == 0 ? 256 : table->capacity * 2;
    struct meter_row *rows = realloc(table->rows, capacity * sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    table->rows = rows;
    table->capacity = capacity;
    return 0;
}

static void report_overlap(const struct csv_row *row, const struct meter_row *other)
{
    if (cell_is_empty(row, METER_VALID_FROM) && cell_is_empty(row, METER_VALID_TO))
        csv_fault(row, METER_ID,
                  "\"%s\" stands in line %d already; ids are unique, unless "
                  "valid_from and valid_to keep the versions of a meter apart",
                  other->meter.id, other->line);
    else
        csv_fault(row, METER_VALID_FROM,
                  "this version of \"%s\" overlaps that of line %d; each ends "
                  "(valid_to) before or when the next begins (valid_from)",
                  other->meter.id, other->line);
}

/* Puts the last row into the chain of its id, ordered by valid_from. */
static int link_version(struct meter_table *table, const struct csv_row *row)
{
    uint32_t added = table->count;
    struct meter_row *rows = table->rows;
    const char *id = rows[added].meter.id;
    uint32_t first = id_index_find(&table->ids, id, strlen(id));
    uint32_t *link = &first;
    const struct meter_row *before = NULL;
    while (*link != ID_INDEX_NONE &&
           rows[*link].meter.valid_from_ms <= rows[added].meter.valid_from_ms) {
        before = &rows[*link];
        link = &rows[*link].next;
    }
    const struct meter_row *after = *link == ID_INDEX_NONE ? NULL : &rows[*link];
    if (before != NULL && before->meter.valid_to_ms > rows[added].meter.valid_from_ms)
        report_overlap(row, before);
    else if (after != NULL && rows[added].meter.valid_to_ms > after->meter.valid_from_ms)
        report_overlap(row, after);
    rows[added].next = *link;
    *link = added;
    return id_index_set(&table->ids, rows[first].meter.id, first);
}

/* A register or interval without a bound books whatever it says. */
static void count_bound(struct meter_table *table, const struct meter_row *parsed)
{
    uint8_t kind = parsed->meter.kind;
    if (parsed->meter.rate_max > 0 || (kind != KIND_REGISTER && kind != KIND_INTERVAL))
        return;
    if (table->bounds_missing++ == 0)
        table->bound_missing_line = parsed->line;
}

static void note_unbounded(struct meter_table *table, const struct meter_row *added)
{
    if (!added->meter.expected || added->meter.expected_from_ms != INT64_MIN)
        return;
    if (table->unbounded++ == 0)
        table->unbounded_line = added->line;
}

static int read_row(void *context, const struct csv_row *row)
{
    struct meters_loading *loading = context;
    struct meter_table *table = loading->table;
    struct meter_row parsed = {.line = row->line, .next = ID_INDEX_NONE};
    if (table->count >= METERS_MAX) {
        csv_fault(row, METER_ID, "more than %d meters", METERS_MAX);
        return ERR_CONFIG;
    }
    bool known = read_facility(&parsed, table, row);
    bool good = read_kind(&parsed, row, loading->conf) && meter_read_unit(&parsed, row) &&
                meter_read_register(&parsed, row) && meter_read_max_rate(&parsed, row) &&
                meter_read_restarts(&parsed, row) && meter_read_amounts(&parsed, row);
    good = good && meter_read_role(&parsed, row);
    good = meter_read_times(&parsed, row, loading->conf) && good;
    good = known && meter_read_validity(&parsed, table, row) && good;
    good = read_category(&parsed, row) && good;
    int err = good ? meter_read_schedule(&parsed, table, row, loading->conf) : ERR_CONFIG;
    if (err == 0)
        err = factor_choose(&parsed, table, row);
    if (err == ERR_CONFIG)
        return 0;
    if (err == 0)
        err = keep_names(&parsed, table, row);
    if (err == 0)
        err = make_room(table);
    if (err < 0)
        return err;
    table->rows[table->count] = parsed;
    count_bound(table, &parsed);
    note_unbounded(table, &parsed);
    err = link_version(table, row);
    table->count++;
    return err;
}

static void warn_of_all(const struct meter_table *table, const char *file, struct faults *faults)
{
    if (table->bounds_missing > 0)
        faults_warn(faults, file, table->bound_missing_line, 0,
                    "max_rate is missing (registers and intervals: %u): a value far too high would "
                    "be booked; give the most that each can see, such as 500 kW",
                    table->bounds_missing);
    if (table->states_assumed > 0)
        faults_warn(faults, file, table->state_assumed_line, 0,
                    "unit m3 names no reference state, and is taken as at that of the factor "
                    "(meters: %u); Nm3 (0 C), Sm3 (15 C), m3_20C say it",
                    table->states_assumed);
    if (table->unbounded > 0)
        faults_warn(faults, file, table->unbounded_line, 0,
                    "valid_from is empty, and windows.reporting_from is not given: the meter is "
                    "expected from its own first reading, and no silence before it shows "
                    "(meters: %u)",
                    table->unbounded);
}

int meters_load(struct meter_table *table, const struct tables_conf *conf, struct faults *faults)
{
    uint32_t errors = faults->errors;
    table->grid_reported = calloc(table->facilities->count + 1, 1);
    int err = table->grid_reported == NULL
                  ? -ENOMEM
                  : conversion_table_init(&table->conversions, table->factors);
    if (err < 0)
        return err;
    struct meters_loading loading = {table, conf};
    const struct csv_schema schema = {columns, METER_COLUMNS, read_row, &loading, &table->refused};
    err = csv_table_read(conf->meters, &schema, faults);
    if (err == 0)
        err = meters_check_parents(table, conf->meters, faults);
    /* Rows with faults are not counted: the warnings wait until all faults are mended. */
    if (err < 0 || faults->errors > errors || csv_has_refused(&table->facilities->refused) ||
        csv_has_refused(&table->factors->refused))
        return err;
    warn_of_all(table, conf->meters, faults);
    return meters_warn_of_tolerances(table, conf->meters, faults);
}
