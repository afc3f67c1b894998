#include "config/registry/factors.h"

#include <dirent.h>
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column {
    COLUMN_ID,
    COLUMN_EDITION,
    COLUMN_ISSUER,
    COLUMN_SOURCE,
    COLUMN_TABLE,
    COLUMN_UNIT,
    COLUMN_BASIS,
    COLUMN_MASS_UNIT,
    COLUMN_GWP_SET,
    COLUMN_CO2,
    COLUMN_CH4,
    COLUMN_N2O,
    COLUMN_BIOGENIC_CO2,
    COLUMN_CO2E,
    COLUMN_HEAT_CONTENT,
    COLUMN_HEAT_UNIT,
    COLUMN_DENSITY,
    COLUMN_DENSITY_UNIT,
    COLUMN_GASES,
    COLUMN_BOUNDARY,
    COLUMN_CONDITIONS,
    COLUMN_COUNTRY,
    COLUMN_REGION,
    COLUMN_VALID_FROM,
    COLUMN_VALID_TO,
    COLUMN_CONFIDENCE,
    COLUMN_NOTE,
    COLUMN_COUNT
};

static const struct csv_column columns[COLUMN_COUNT] = {
    [COLUMN_ID] = {"id", true},
    [COLUMN_EDITION] = {"edition", false},
    [COLUMN_ISSUER] = {"issuer", true},
    [COLUMN_SOURCE] = {"source", false},
    [COLUMN_TABLE] = {"table", false},
    [COLUMN_UNIT] = {"unit", true},
    [COLUMN_BASIS] = {"basis", false},
    [COLUMN_MASS_UNIT] = {"mass_unit", false},
    [COLUMN_GWP_SET] = {"gwp_set", false},
    [COLUMN_CO2] = {"co2", false},
    [COLUMN_CH4] = {"ch4", false},
    [COLUMN_N2O] = {"n2o", false},
    [COLUMN_BIOGENIC_CO2] = {"biogenic_co2", false},
    [COLUMN_CO2E] = {"co2e", false},
    [COLUMN_HEAT_CONTENT] = {"heat_content", false},
    [COLUMN_HEAT_UNIT] = {"heat_unit", false},
    [COLUMN_DENSITY] = {"density", false},
    [COLUMN_DENSITY_UNIT] = {"density_unit", false},
    [COLUMN_GASES] = {"gases", false},
    [COLUMN_BOUNDARY] = {"boundary", false},
    [COLUMN_CONDITIONS] = {"conditions", false},
    [COLUMN_COUNTRY] = {"country", false},
    [COLUMN_REGION] = {"region", false},
    [COLUMN_VALID_FROM] = {"valid_from", false},
    [COLUMN_VALID_TO] = {"valid_to", false},
    [COLUMN_CONFIDENCE] = {"confidence", false},
    [COLUMN_NOTE] = {"note", false},
};

static const struct {
    uint8_t column;
    const char *words;
} gas_columns[GAS_COUNT] = {
    [GAS_CO2] = {COLUMN_CO2, "CO2"},    [GAS_CH4] = {COLUMN_CH4, "CH4"},
    [GAS_N2O] = {COLUMN_N2O, "N2O"},    [GAS_BIOGENIC_CO2] = {COLUMN_BIOGENIC_CO2, "biogenic CO2"},
    [GAS_CO2E] = {COLUMN_CO2E, "CO2e"},
};

struct factors_loading {
    struct factor_table *table;
    const char *file;
};

void factors_init(struct factor_table *table, struct arena *arena, const char *gwp_set,
                  const struct country_table *countries)
{
    *table = (struct factor_table){
        .arena = arena, .countries = countries, .refused.arena = arena, .gwp_set = gwp_set};
    gwp_init(&table->gwp);
}

static void row_init(struct factor_row *factor, const char *file, int line)
{
    *factor = (struct factor_row){.next = ID_INDEX_NONE, .file = file, .line = line};
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_init(factor->mass[gas]);
    mpq_inits(factor->heat.ratio, factor->density.ratio, NULL);
}

static void row_fini(struct factor_row *factor)
{
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_clear(factor->mass[gas]);
    mpq_clears(factor->heat.ratio, factor->density.ratio, NULL);
}

void factors_fini(struct factor_table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        row_fini(&table->rows[i]);
    free(table->rows);
    gwp_fini(&table->gwp);
    id_index_fini(&table->ids);
    id_index_fini(&table->grids);
    csv_refused_fini(&table->refused);
    *table = (struct factor_table){0};
}

static bool read_unit(struct unit *unit_out, const struct csv_row *row, size_t column,
                      const char *text, size_t size)
{
    if (unit_find(unit_out, text, size) && !unit_out->rate)
        return true;
    csv_fault(row, column,
              "\"%.*s\" is not the unit of an amount; accepted are units such as kWh, "
              "GJ, TJ, kg, t, L, Nm3, Sm3, m3, unit",
              (int)size, text);
    return false;
}

/* "GJ/t": a bridge from the unit below the stroke to the dimension above it. */
static bool read_bridge(struct bridge *bridge, const struct csv_row *row, size_t column,
                        enum dimension above)
{
    size_t unit_column = column + 1; /* heat_unit follows heat_content, density_unit density */
    if (cell_is_empty(row, column) && cell_is_empty(row, unit_column))
        return true;
    if (!cell_fraction(bridge->ratio, row, column))
        return false;
    if (mpq_sgn(bridge->ratio) == 0) {
        csv_fault(row, column,
                  "\"%s\" is not accepted; a number above 0 is, with its unit in the "
                  "column %s",
                  row->cells[column].text, row->columns[unit_column].name);
        return false;
    }
    const char *text = row->cells[unit_column].text;
    const char *stroke = strchr(text, '/');
    struct unit top;
    struct unit bottom;
    bool good = stroke != NULL && unit_find(&top, text, (size_t)(stroke - text)) && !top.rate &&
                unit_find(&bottom, stroke + 1, strlen(stroke + 1)) && !bottom.rate &&
                top.dimension == above && bottom.dimension != above &&
                bottom.dimension != DIMENSION_ITEM && bottom.dimension != DIMENSION_ENERGY;
    if (!good) {
        csv_fault(row, unit_column, "\"%s\" is not accepted; %s", text,
                  above == DIMENSION_ENERGY
                      ? "energy per mass or volume is, such as GJ/t, MMBtu/scf, kWh/L"
                      : "mass per volume is, such as kg/L, kg/Nm3, kg/Sm3");
        return false;
    }
    mpq_t scale;
    mpq_init(scale);
    unit_scale(scale, &top);
    mpq_mul(bridge->ratio, bridge->ratio, scale);
    unit_scale(scale, &bottom);
    mpq_div(bridge->ratio, bridge->ratio, scale);
    mpq_clear(scale);
    bridge->known = true;
    bridge->from = bottom.dimension;
    bridge->from_state = bottom.state;
    bridge->to = top.dimension;
    return true;
}

/* The masses, in kg; which gases the row states, in words. */
static bool read_masses(struct factor_row *factor, const struct csv_row *row, char *gases,
                        size_t size)
{
    static const char *const names[] = {"kg", "g", "t", "lb"};
    static const struct ratio scales[] = {{1, 1}, {1, 1000}, {1000, 1}, {45359237, 100000000}};
    int unit = 0;
    bool good = cell_choice(&unit, row, COLUMN_MASS_UNIT, names, ARRAY_LEN(names));
    mpq_t scale;
    mpq_init(scale);
    fraction_from_ratio(scale, scales[unit]);
    gases[0] = '\0';
    bool split = false;
    for (int gas = 0; gas < GAS_COUNT; gas++) {
        size_t column = gas_columns[gas].column;
        if (cell_is_empty(row, column))
            continue;
        good = cell_fraction(factor->mass[gas], row, column) && good;
        mpq_mul(factor->mass[gas], factor->mass[gas], scale);
        size_t used = strlen(gases);
        (void)snprintf(gases + used, size - used, "%s%s", used == 0 ? "" : " ",
                       gas_columns[gas].words);
        split = split || gas == GAS_CO2 || gas == GAS_CH4 || gas == GAS_N2O;
        factor->unsplit = gas == GAS_CO2E;
    }
    mpq_clear(scale);
    if (gases[0] == '\0') {
        csv_fault(row, COLUMN_CO2,
                  "no gas has a value; accepted: co2, ch4, n2o, biogenic_co2, or "
                  "co2e alone");
        return false;
    }
    if (factor->unsplit && split) {
        csv_fault(row, COLUMN_CO2E,
                  "stands beside gases; CO2e follows from co2, ch4 and n2o and "
                  "the GWP set in force, so give either the gases or co2e");
        return false;
    }
    const char *stated = row->cells[COLUMN_GASES].text;
    if (good && stated[0] != '\0' && strcmp(stated, gases) != 0) {
        csv_fault(row, COLUMN_GASES, "\"%s\", but the row has values for \"%s\"", stated, gases);
        return false;
    }
    return good;
}

static bool read_basis(struct factor_row *factor, const struct csv_row *row)
{
    static const char *const names[] = {"", "ncv", "gcv"};
    int basis = BASIS_NONE;
    if (!cell_choice(&basis, row, COLUMN_BASIS, names, ARRAY_LEN(names)))
        return false;
    if (factor->unit.basis != BASIS_NONE && basis != BASIS_NONE && basis != factor->unit.basis) {
        csv_fault(row, COLUMN_BASIS, "\"%s\" contradicts the unit \"%s\"", names[basis],
                  row->cells[COLUMN_UNIT].text);
        return false;
    }
    factor->basis = basis != BASIS_NONE ? (uint8_t)basis : factor->unit.basis;
    if (factor->heat.known && factor->basis == BASIS_NONE) {
        csv_fault(row, COLUMN_BASIS,
                  "empty; a heat content is net or gross: accepted are ncv, gcv");
        return false;
    }
    return true;
}

static bool read_validity(struct factor_row *factor, const struct csv_row *row)
{
    if (!cell_date(&factor->valid_from, row, COLUMN_VALID_FROM) ||
        !cell_date(&factor->valid_to, row, COLUMN_VALID_TO))
        return false;
    bool both = !date_is_open(factor->valid_from) && !date_is_open(factor->valid_to);
    if (both && date_cmp(factor->valid_from, factor->valid_to) >= 0) {
        csv_fault(row, COLUMN_VALID_TO,
                  "%s is not after valid_from %s; it is the first day on "
                  "which the edition no longer holds",
                  row->cells[COLUMN_VALID_TO].text, row->cells[COLUMN_VALID_FROM].text);
        return false;
    }
    return true;
}

static bool read_names(const struct factor_table *table, const struct csv_row *row)
{
    static const uint8_t names[] = {COLUMN_EDITION, COLUMN_ISSUER, COLUMN_COUNTRY, COLUMN_REGION};
    bool good = cell_id(row, COLUMN_ID) && cell_id(row, COLUMN_UNIT);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        good = cell_name(row, names[i]) && good;
    if (good && !cell_is_empty(row, COLUMN_COUNTRY) &&
        countries_find(table->countries, row->cells[COLUMN_COUNTRY].text) == NULL) {
        csv_fault(row, COLUMN_COUNTRY,
                  "\"%s\" is not a country; accepted: a code of ISO 3166-1 (CN or CHN) or an "
                  "English name",
                  row->cells[COLUMN_COUNTRY].text);
        return false;
    }
    if (good && !cell_is_empty(row, COLUMN_REGION) && cell_is_empty(row, COLUMN_COUNTRY)) {
        csv_fault(row, COLUMN_COUNTRY, "empty; a region needs its country");
        return false;
    }
    return good;
}

static const char *keep(struct factor_table *table, const struct csv_row *row, size_t column)
{
    const struct csv_cell *cell = &row->cells[column];
    return cell->size == 0 ? "" : arena_text(table->arena, cell->text, cell->size);
}

static int keep_texts(struct factor_table *table, struct factor *text, const struct csv_row *row,
                      const char *gases)
{
    char unit[96];
    const char *mass = row->cells[COLUMN_MASS_UNIT].text;
    int n = snprintf(unit, sizeof(unit), "%s/%.80s", mass[0] == '\0' ? "kg" : mass,
                     row->cells[COLUMN_UNIT].text);
    const struct {
        const char **text;
        size_t column;
    } kept[] = {
        {&text->name, COLUMN_ID},
        {&text->edition, COLUMN_EDITION},
        {&text->issuer, COLUMN_ISSUER},
        {&text->source, COLUMN_SOURCE},
        {&text->table, COLUMN_TABLE},
        {&text->basis, COLUMN_BASIS},
        {&text->boundary, COLUMN_BOUNDARY},
        {&text->conditions, COLUMN_CONDITIONS},
        {&text->confidence, COLUMN_CONFIDENCE},
        {&text->note, COLUMN_NOTE},
        {&text->valid_from, COLUMN_VALID_FROM},
        {&text->valid_to, COLUMN_VALID_TO},
    };
    bool failed = false;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        *kept[i].text = keep(table, row, kept[i].column);
        failed = failed || *kept[i].text == NULL;
    }
    text->unit = arena_text(table->arena, unit, n < 0 ? 0 : (size_t)n);
    text->gases = arena_text(table->arena, gases, strlen(gases));
    return failed || text->unit == NULL || text->gases == NULL ? -ENOMEM : 0;
}

static int make_room(struct factor_table *table)
{
    if (table->count < table->capacity)
        return 0;
    uint32_t capacity = table->capacity == 0 ? 256 : table->capacity * 2;
    struct factor_row *rows = realloc(table->rows, capacity * sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    table->rows = rows;
    struct factor *texts = arena_alloc(table->arena, capacity * sizeof(*texts));
    if (texts == NULL)
        return -ENOMEM;
    if (table->count > 0)
        memcpy(texts, table->texts, table->count * sizeof(*texts));
    table->texts = texts;
    table->capacity = capacity;
    return 0;
}

/* "CN", "CN-Guangdong" -> "cn/guangdong": what may be written differently is left out. */
static void grid_key(char *key, size_t size, const char *country, const char *region,
                     size_t region_size)
{
    size_t used = 0;
    size_t country_size = strlen(country);
    for (size_t i = 0; i < country_size && used + 2 < size; i++)
        key[used++] = g_ascii_tolower(country[i]);
    if (region_size > country_size && region[country_size] == '-' &&
        g_ascii_strncasecmp(region, country, country_size) == 0) {
        region += country_size;
        region_size -= country_size;
    }
    if (region_size > 0)
        key[used++] = '/';
    for (size_t i = 0; i < region_size && used + 1 < size; i++)
        if (strchr(" -_.'", region[i]) == NULL)
            key[used++] = g_ascii_tolower(region[i]);
    key[used] = '\0';
}

/* A region may have several names, separated by '|'. */
static int index_grid(struct factor_table *table, uint32_t at, const char *region)
{
    do {
        char key[2 * NAME_BYTES_MAX];
        size_t length = strcspn(region, "|");
        grid_key(key, sizeof(key), table->rows[at].country, region, length);
        if (id_index_find(&table->grids, key, strlen(key)) == ID_INDEX_NONE) {
            const char *kept = arena_text(table->arena, key, strlen(key));
            if (kept == NULL)
                return -ENOMEM;
            int err = id_index_set(&table->grids, kept, at);
            if (err < 0)
                return err;
        }
        region += length + (region[length] == '|');
    } while (*region != '\0');
    return 0;
}

/* Puts a further edition into the chain of its id, ordered by valid_from; returns the first. */
static uint32_t link_edition(struct factor_table *table, uint32_t first, const struct csv_row *row)
{
    struct factor_row *rows = table->rows;
    uint32_t added = table->count;
    uint32_t *link = &first;
    while (*link != ID_INDEX_NONE && date_cmp(rows[*link].valid_from, rows[added].valid_from) <= 0)
        link = &rows[*link].next;
    rows[added].next = *link;
    *link = added;
    for (uint32_t i = first; rows[i].next != ID_INDEX_NONE; i = rows[i].next) {
        const struct factor_row *early = &rows[i];
        const struct factor_row *late = &rows[early->next];
        bool overlap =
            date_cmp(early->valid_from, late->valid_from) == 0 ||
            (!date_is_open(early->valid_to) && date_cmp(early->valid_to, late->valid_from) > 0);
        if (!overlap || (early->line != row->line && late->line != row->line))
            continue;
        csv_fault(row, COLUMN_VALID_FROM,
                  "editions of \"%s\" overlap, lines %d and %d; each holds "
                  "until the next one's valid_from",
                  early->id, early->line, late->line);
        break;
    }
    return first;
}

/* Keeps what the row at the end of the table says in words. */
static int keep_row(struct factor_table *table, const struct csv_row *row, const char *gases)
{
    struct factor_row *factor = &table->rows[table->count];
    struct factor *text = &table->texts[table->count];
    *text = (struct factor){0};
    int err = keep_texts(table, text, row, gases);
    if (err < 0)
        return err;
    factor->id = text->name;
    factor->text = table->count;
    const struct country *country =
        countries_find(table->countries, row->cells[COLUMN_COUNTRY].text);
    factor->country = country == NULL ? "" : country->code;
    const char *region = row->cells[COLUMN_REGION].text;
    factor->region = arena_text(table->arena, region, strcspn(region, "|"));
    return factor->region == NULL ? -ENOMEM : 0;
}

/* Makes the row at the end of the table known by its id and place. */
static int index_row(struct factor_table *table, const struct csv_row *row)
{
    const struct factor_row *added = &table->rows[table->count];
    uint32_t first = id_index_find(&table->ids, added->id, strlen(added->id));
    uint32_t head = first == ID_INDEX_NONE ? table->count : link_edition(table, first, row);
    int err = id_index_set(&table->ids, added->id, head);
    if (err == 0 && first == ID_INDEX_NONE && added->country[0] != '\0')
        err = index_grid(table, table->count, row->cells[COLUMN_REGION].text);
    return err;
}

/* A row may hold under one GWP set only: the CO2e of a gas that has no column of its own. */
static bool is_of_set(const struct csv_row *row, const char *gwp_set)
{
    static const char *const sets[] = {"AR4", "AR5", "AR6"};
    int set = -1;
    if (!cell_choice(&set, row, COLUMN_GWP_SET, sets, ARRAY_LEN(sets)))
        return false;
    return set < 0 || strcmp(sets[set], gwp_set) == 0;
}

static bool read_factor(struct factor_row *factor, const struct csv_row *row, char *gases,
                        size_t size)
{
    const struct csv_cell *unit = &row->cells[COLUMN_UNIT];
    bool good = read_unit(&factor->unit, row, COLUMN_UNIT, unit->text, unit->size);
    good = read_masses(factor, row, gases, size) && good;
    good = read_bridge(&factor->heat, row, COLUMN_HEAT_CONTENT, DIMENSION_ENERGY) && good;
    good = read_bridge(&factor->density, row, COLUMN_DENSITY, DIMENSION_MASS) && good;
    good = good && read_basis(factor, row);
    return read_validity(factor, row) && good;
}

static int read_row(void *context, const struct csv_row *row)
{
    struct factors_loading *loading = context;
    struct factor_table *table = loading->table;
    if (!read_names(table, row) || !is_of_set(row, table->gwp_set))
        return 0;
    const struct csv_cell *id = &row->cells[COLUMN_ID];
    uint32_t first = id_index_find(&table->ids, id->text, id->size);
    if (first != ID_INDEX_NONE && table->rows[first].file != loading->file)
        return 0; /* an earlier table has it, and hides this one */
    int err = make_room(table);
    if (err < 0)
        return err;
    struct factor_row *factor = &table->rows[table->count];
    char gases[64];
    row_init(factor, loading->file, row->line);
    bool good = read_factor(factor, row, gases, sizeof(gases));
    if (good)
        err = keep_row(table, row, gases);
    if (!good || err < 0) {
        row_fini(factor);
        return err;
    }
    err = index_row(table, row);
    table->count++;
    return err;
}

int factors_load(struct factor_table *table, const char *path, struct faults *faults)
{
    const char *file = arena_text(table->arena, path, strlen(path));
    if (file == NULL)
        return -ENOMEM;
    struct factors_loading loading = {table, file};
    const struct csv_schema schema = {columns, COLUMN_COUNT, read_row, &loading, &table->refused};
    return csv_table_read(path, &schema, faults);
}

static int is_factor_table(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".csv") == 0 &&
           strcmp(entry->d_name, "gwp.csv") != 0 && strcmp(entry->d_name, "countries.csv") != 0;
}

int factors_load_catalogue(struct factor_table *table, const char *folder, struct faults *faults)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/gwp.csv", folder);
    int err = gwp_load(&table->gwp, path, table->gwp_set, faults);
    if (err < 0)
        return err;
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_factor_table, alphasort);
    if (count < 0) {
        if (errno == ENOMEM)
            return -ENOMEM;
        faults_error(faults, folder, 0, 0, "the catalogue cannot be read: %s", err_str(-errno));
        return 0;
    }
    for (int i = 0; i < count; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (err == 0)
            err = factors_load(table, path, faults);
        free(entries[i]);
    }
    free(entries);
    return err;
}

static const struct factor_row *row_at(const struct factor_table *table, uint32_t at)
{
    return at == ID_INDEX_NONE ? NULL : &table->rows[at];
}

const struct factor_row *factors_find(const struct factor_table *table, const char *id)
{
    return row_at(table, id_index_find(&table->ids, id, strlen(id)));
}

const struct factor_row *factors_find_grid(const struct factor_table *table, const char *country,
                                           const char *region)
{
    char key[3 * NAME_BYTES_MAX];
    grid_key(key, sizeof(key), country, region, strlen(region));
    uint32_t at = id_index_find(&table->grids, key, strlen(key));
    return at == ID_INDEX_NONE ? NULL : factors_find(table, table->rows[at].id);
}

const struct factor_row *factors_next(const struct factor_table *table,
                                      const struct factor_row *row)
{
    return row_at(table, row->next);
}

const char *factors_suggest(const struct factor_table *table, const char *found)
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

const char *factors_suggest_region(const struct factor_table *table, const char *country,
                                   const char *found)
{
    const char **regions = calloc(table->count + 1, sizeof(*regions));
    if (regions == NULL)
        return NULL;
    size_t count = 0;
    for (uint32_t i = 0; i < table->count; i++)
        if (table->rows[i].region[0] != '\0' && strcmp(table->rows[i].country, country) == 0)
            regions[count++] = table->rows[i].region;
    const char *near = faults_suggest(found, regions, count);
    free(regions);
    return near;
}
