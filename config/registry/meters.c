#include "config/registry/meters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
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
    [METER_MAX_RATE] = {"max_rate", false},
    [METER_INTERVAL] = {"interval", false},
    [METER_STAMP] = {"stamp", false},
    [METER_HOLD] = {"hold", false},
    [METER_SCOPE] = {"scope", false},
    [METER_CATEGORY] = {"category", true},
    [METER_SOURCE] = {"source", false},
    [METER_FACTOR] = {"factor", false},
    [METER_BASIS] = {"basis", false},
    [METER_NEGATIVE] = {"negative", false},
    [METER_VALID_FROM] = {"valid_from", false},
    [METER_VALID_TO] = {"valid_to", false},
};

enum { DIGITS_MAX = 18, DELIVERY_INTERVAL_MS = HOUR_MS };

struct meters_loading {
    struct meter_table *table;
    const struct tables_conf *conf;
};

void meters_init(struct meter_table *table, struct arena *arena,
                 const struct facility_table *facilities, const struct factor_table *factors)
{
    *table = (struct meter_table){.arena = arena, .facilities = facilities, .factors = factors};
}

void meters_fini(struct meter_table *table)
{
    free(table->rows);
    free(table->grid_reported);
    conversion_table_fini(&table->conversions);
    id_index_fini(&table->ids);
    *table = (struct meter_table){0};
}

static bool read_facility(struct meter_row *parsed, const struct meter_table *table,
                          const struct csv_row *row)
{
    if (!cell_id(row, METER_ID) || !cell_id(row, METER_FACILITY))
        return false;
    const char *id = row->cells[METER_FACILITY].text;
    const struct facility *facility = facilities_find(table->facilities, id);
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

/* Some units of the quantity, for a fault: "kWh, MWh, GJ"; as rates "W, kW" or "kg/h, t/h". */
static void list_units(char *text, size_t size, enum quantity quantity, bool rate)
{
    enum { LISTED_MAX = 8 };
    bool power = rate && quantity_dimension(quantity) == DIMENSION_ENERGY;
    size_t used = 0;
    size_t listed = 0;
    const char *name;
    text[0] = '\0';
    for (size_t i = 0; (name = unit_name_at(i)) != NULL && listed < LISTED_MAX; i++) {
        struct unit unit;
        if (!unit_find(&unit, name, strlen(name)) || !unit_fits(&unit, quantity) ||
            unit.rate != power || used >= size)
            continue;
        int n = snprintf(text + used, size - used, "%s%s%s", used == 0 ? "" : ", ", name,
                         rate && !power ? "/h" : "");
        used += n > 0 ? (size_t)n : 0;
        listed++;
    }
}

static void report_unit(const struct csv_row *row, const char *text)
{
    const char *names[128];
    size_t count = 0;
    while (count < ARRAY_LEN(names) && (names[count] = unit_name_at(count)) != NULL)
        count++;
    const char *near = faults_suggest(text, names, count);
    if (near != NULL)
        csv_fault(row, METER_UNIT, "\"%s\" is not a unit; did you mean \"%s\"?", text, near);
    else
        csv_fault(row, METER_UNIT,
                  "\"%s\" is not a unit; accepted: units such as kWh, GJ, kg, t, L, Nm3, Sm3, m3, "
                  "unit, and for gauges kW, m3/h, kg/h, L/min",
                  text);
}

static bool read_quantity(struct meter_row *parsed, const struct csv_row *row,
                          const struct unit *unit)
{
    const char *names[QUANTITY_COUNT];
    for (int i = 0; i < QUANTITY_COUNT; i++)
        names[i] = quantity_name((enum quantity)i);
    int quantity = unit->quantity;
    if (!cell_choice(&quantity, row, METER_QUANTITY, names, QUANTITY_COUNT))
        return false;
    if (quantity < 0) {
        csv_fault(row, METER_QUANTITY,
                  "empty; \"%s\" may be a volume of gas or of a liquid: "
                  "accepted are gas_volume, volume",
                  row->cells[METER_UNIT].text);
        return false;
    }
    if (!unit_fits(unit, (enum quantity)quantity)) {
        char list[512];
        list_units(list, sizeof(list), (enum quantity)quantity, parsed->meter.kind == KIND_GAUGE);
        csv_fault(row, METER_UNIT, "\"%s\" does not measure %s; accepted: %s",
                  row->cells[METER_UNIT].text, names[quantity], list);
        return false;
    }
    parsed->meter.quantity = (uint8_t)quantity;
    return true;
}

static bool read_basis(struct meter_row *parsed, const struct csv_row *row, const struct unit *unit)
{
    static const char *const names[] = {"", "ncv", "gcv"};
    int basis = BASIS_NONE;
    if (!cell_choice(&basis, row, METER_BASIS, names, ARRAY_LEN(names)))
        return false;
    if (unit->basis != BASIS_NONE && basis != BASIS_NONE && basis != unit->basis) {
        csv_fault(row, METER_BASIS, "%s contradicts the unit \"%s\"", names[basis],
                  row->cells[METER_UNIT].text);
        return false;
    }
    parsed->activity = (struct activity_unit){parsed->meter.quantity, unit->state,
                                              basis != BASIS_NONE ? (uint8_t)basis : unit->basis};
    return true;
}

static bool read_multiplier(struct meter_row *parsed, const struct csv_row *row)
{
    if (cell_is_empty(row, METER_MULTIPLIER)) {
        parsed->multiplier = (struct ratio){1, 1};
        return true;
    }
    mpq_t multiplier;
    mpq_init(multiplier);
    bool read = cell_fraction(multiplier, row, METER_MULTIPLIER);
    int err = fraction_to_ratio(&parsed->multiplier, multiplier);
    mpq_clear(multiplier);
    if (read && err < 0)
        csv_fault(row, METER_MULTIPLIER,
                  "\"%s\" is not accepted; a number above 0 of at most 18 digits is",
                  row->cells[METER_MULTIPLIER].text);
    return read && err == 0;
}

static bool read_unit(struct meter_row *parsed, const struct csv_row *row)
{
    if (!cell_id(row, METER_UNIT))
        return false;
    const struct csv_cell *cell = &row->cells[METER_UNIT];
    struct unit unit;
    if (cell->size > UNIT_BYTES_MAX || !unit_find(&unit, cell->text, cell->size)) {
        report_unit(row, cell->text);
        return false;
    }
    bool gauge = parsed->meter.kind == KIND_GAUGE;
    if (unit.rate != gauge) {
        csv_fault(row, METER_UNIT,
                  gauge ? "\"%s\" is an amount, and a gauge reads a rate; accepted: "
                          "units such as kW, MW, m3/h, kg/h, L/min"
                        : "\"%s\" is a rate; accepted for this kind are amounts, "
                          "such as kWh, GJ, kg, L, Nm3",
                  cell->text);
        return false;
    }
    parsed->rate = gauge;
    if (!read_quantity(parsed, row, &unit) || !read_basis(parsed, row, &unit) ||
        !read_multiplier(parsed, row))
        return false;
    memcpy(parsed->meter.own.unit, cell->text, cell->size);
    if (unit_ratio(&parsed->meter.own.scale, &unit, parsed->meter.quantity, parsed->multiplier) ==
        0)
        return true;
    csv_fault(row, METER_MULTIPLIER, "\"%s\" times the unit \"%s\" has too many digits",
              row->cells[METER_MULTIPLIER].text, cell->text);
    return false;
}

static bool read_register(struct meter_row *parsed, const struct csv_row *row)
{
    int64_t digits = 0;
    int64_t decimals = 0;
    if (!cell_int(&digits, row, METER_DIGITS, 1, DIGITS_MAX) ||
        !cell_int(&decimals, row, METER_DECIMALS, 0, DIGITS_MAX))
        return false;
    size_t given = digits != 0 ? METER_DIGITS : METER_DECIMALS;
    if (digits == 0 && cell_is_empty(row, METER_DECIMALS))
        return true;
    if (parsed->meter.kind != KIND_REGISTER) {
        csv_fault(row, given, "only a register wraps; accepted for this kind: empty");
        return false;
    }
    if (digits == 0) {
        csv_fault(row, METER_DIGITS,
                  "empty beside decimals; all digits of the register are counted "
                  "here, those after the point too");
        return false;
    }
    if (decimals >= digits) {
        csv_fault(row, METER_DECIMALS, "%s of %s digits; at least one stands before the point",
                  row->cells[METER_DECIMALS].text, row->cells[METER_DIGITS].text);
        return false;
    }
    struct decimal wrap = decimal_from_int(1, (int32_t)(decimals - digits));
    int err = decimal_to_micro(&parsed->meter.register_modulus, wrap, parsed->meter.own.scale);
    if (err < 0)
        csv_fault(row, METER_DIGITS,
                  "a register of %s digits in \"%s\" holds more than can be counted",
                  row->cells[METER_DIGITS].text, row->cells[METER_UNIT].text);
    else if (parsed->meter.register_modulus > CELL_MAX)
        faults_warn(row->faults, row->file, row->line, row->cells[METER_DIGITS].column,
                    "digits: the register can show more than %lld %s; readings above that will be "
                    "refused",
                    (long long)(CELL_MAX / MICRO), quantity_unit(parsed->meter.quantity));
    return err == 0;
}

/* "500 kW", "1200 Nm3/h": what the meter can plausibly see, per hour. */
static bool read_max_rate(struct meter_row *parsed, const struct csv_row *row)
{
    if (cell_is_empty(row, METER_MAX_RATE))
        return true;
    const char *text = row->cells[METER_MAX_RATE].text;
    size_t number = strcspn(text, " ");
    size_t skip = number + strspn(text + number, " ");
    struct decimal value;
    struct unit unit;
    struct ratio scale;
    bool good = decimal_parse(&value, text, number) == 0 && value.digits > 0 &&
                unit_find(&unit, text + skip, strlen(text + skip)) && unit.rate &&
                unit_fits(&unit, parsed->meter.quantity) &&
                (unit.state == parsed->activity.state || unit.state == STATE_NONE) &&
                unit_ratio(&scale, &unit, parsed->meter.quantity, (struct ratio){1, 1}) == 0 &&
                decimal_to_micro(&parsed->meter.rate_max, value, scale) == 0 &&
                parsed->meter.rate_max > 0;
    if (!good) {
        char list[256];
        list_units(list, sizeof(list), parsed->meter.quantity, true);
        csv_fault(row, METER_MAX_RATE,
                  "\"%s\" is not accepted; a number above 0 with a rate is, such as %s", text,
                  list);
    }
    return good;
}

static bool read_times(struct meter_row *parsed, const struct csv_row *row,
                       const struct tables_conf *conf)
{
    static const char *const stamps[] = {"", "start", "end"};
    struct meter *meter = &parsed->meter;
    bool delivery = meter->kind == KIND_DELIVERY;
    int stamp = STAMP_NONE;
    meter->interval_ms = delivery ? DELIVERY_INTERVAL_MS : conf->bucket_ms;
    if (!cell_duration(&meter->interval_ms, row, METER_INTERVAL) ||
        !cell_choice(&stamp, row, METER_STAMP, stamps, ARRAY_LEN(stamps)))
        return false;
    meter->hold_ms = 2 * meter->interval_ms;
    if (!cell_duration(&meter->hold_ms, row, METER_HOLD))
        return false;
    if (stamp != STAMP_NONE && meter->kind != KIND_INTERVAL) {
        csv_fault(row, METER_STAMP,
                  "only readings of intervals are stamped at their start or end; "
                  "accepted for this kind: empty");
        return false;
    }
    if (!cell_is_empty(row, METER_HOLD) && meter->kind != KIND_GAUGE) {
        csv_fault(row, METER_HOLD, "only gauges hold their value; accepted for this kind: empty");
        return false;
    }
    meter->stamp = (uint8_t)stamp;
    meter->expected = !delivery;
    int64_t readings = conf->horizon_ms / meter->interval_ms * 5 / 4 + 64;
    if (readings > METER_READINGS_MAX) {
        csv_fault(row, METER_INTERVAL,
                  "every %s over windows.horizon are %lld readings; at most %d "
                  "are held for a meter",
                  row->cells[METER_INTERVAL].text, (long long)readings, METER_READINGS_MAX);
        return false;
    }
    meter->readings_max = (uint32_t)readings;
    return true;
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
    parsed->scope = (uint8_t)scope;
    parsed->category = text; /* of the row until it is kept */
    return true;
}

static int read_instant(int64_t *ms_out, const struct meter_row *parsed,
                        const struct meter_table *table, const struct csv_row *row, size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    if (cell->size == 0 || memchr(cell->text, ':', cell->size) != NULL) {
        if (cell->size == 0 || timestamp_parse(ms_out, cell->text, cell->size) == 0)
            return 0;
        csv_fault(row, column,
                  "\"%s\" is not an instant; accepted: YYYY-MM-DD in the facility's "
                  "time zone, or RFC 3339 with offset",
                  cell->text);
        return ERR_SYNTAX;
    }
    struct date date;
    if (!cell_date(&date, row, column))
        return ERR_SYNTAX;
    uint32_t zone = table->facilities->rows[parsed->meter.facility].zone;
    int err = zones_date_start(&table->facilities->zones, zone, date, ms_out);
    if (err < 0)
        csv_fault(row, column, "\"%s\" is no date of this time zone", cell->text);
    return err;
}

static bool read_validity(struct meter_row *parsed, const struct meter_table *table,
                          const struct csv_row *row)
{
    struct meter *meter = &parsed->meter;
    meter->valid_from_ms = INT64_MIN;
    meter->valid_to_ms = INT64_MAX;
    if (read_instant(&meter->valid_from_ms, parsed, table, row, METER_VALID_FROM) < 0 ||
        read_instant(&meter->valid_to_ms, parsed, table, row, METER_VALID_TO) < 0)
        return false;
    if (meter->valid_from_ms < meter->valid_to_ms)
        return true;
    csv_fault(row, METER_VALID_TO,
              "\"%s\" is not after valid_from \"%s\"; it is the first instant "
              "at which the version no longer holds",
              row->cells[METER_VALID_TO].text, row->cells[METER_VALID_FROM].text);
    return false;
}

static bool read_kind(struct meter_row *parsed, const struct csv_row *row)
{
    const char *names[KIND_COUNT];
    for (int i = 0; i < KIND_COUNT; i++)
        names[i] = meter_kind_name((enum meter_kind)i);
    int kind = -1;
    if (!cell_word(&kind, row, METER_KIND, names, KIND_COUNT) ||
        !cell_bool(&parsed->meter.negative, row, METER_NEGATIVE))
        return false;
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
    bool good = read_kind(&parsed, row) && read_unit(&parsed, row) && read_register(&parsed, row) &&
                read_max_rate(&parsed, row);
    good = read_times(&parsed, row, loading->conf) && good;
    good = known && read_validity(&parsed, table, row) && good;
    good = read_category(&parsed, row) && good;
    int err = good ? factor_choose(&parsed, table, row) : ERR_CONFIG;
    if (err == ERR_CONFIG)
        return 0;
    if (err == 0)
        err = keep_names(&parsed, table, row);
    if (err == 0)
        err = make_room(table);
    if (err < 0)
        return err;
    table->rows[table->count] = parsed;
    err = link_version(table, row);
    table->count++;
    return err;
}

int meters_load(struct meter_table *table, const struct tables_conf *conf, struct faults *faults)
{
    table->grid_reported = calloc(table->facilities->count + 1, 1);
    int err = table->grid_reported == NULL
                  ? -ENOMEM
                  : conversion_table_init(&table->conversions, table->factors);
    if (err < 0)
        return err;
    struct meters_loading loading = {table, conf};
    const struct csv_schema schema = {columns, METER_COLUMNS, read_row, &loading};
    err = csv_table_read(conf->meters, &schema, faults);
    if (err == 0 && table->states_assumed > 0)
        faults_warn(faults, conf->meters, table->state_assumed_line, 0,
                    "unit m3 names no reference state, and is taken as at that of the factor "
                    "(meters: %u); Nm3 (0 C), Sm3 (15 C), m3_20C say it",
                    table->states_assumed);
    return err;
}
