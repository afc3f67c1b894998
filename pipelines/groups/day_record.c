#include "pipelines/groups/day_record.h"

#include <stdio.h>

#include "config/targets/civil.h"

#define DAY_MAGIC "GD"
enum { MAGIC_BYTES = 2, DECIMALS_MAX = 18, METERS_IN_FACILITY_MAX = METERS_MAX };

/* Sums of weights are far below. */
#define WEIGHT_MAX ((int128)1 << 100)

/* --- keys --- */

static int32_t first_day(void)
{
    return civil_day(1900, 1, 1);
}

static int32_t last_day(void)
{
    return civil_day(2199, 12, 31);
}

size_t day_key_print(char out[DAY_KEY_SIZE], const char *facility, int32_t day)
{
    struct date date = civil_date(day);
    int size =
        snprintf(out, DAY_KEY_SIZE, "%04d-%02d-%02d/%s", date.year, date.month, date.day, facility);
    ASSERT(size > DAY_DATE_SIZE && size < DAY_KEY_SIZE); /* a name fits */
    return (size_t)size;
}

int day_key_parse(char facility_out[NAME_BYTES_MAX + 1], int32_t *day_out, const void *key,
                  size_t size)
{
    const char *text = key;
    struct date date;
    if (size <= DAY_DATE_SIZE || size >= DAY_KEY_SIZE || text[DAY_DATE_SIZE - 1] != '/' ||
        memchr(text, '\0', size) != NULL || date_parse(&date, text, DAY_DATE_SIZE - 1) < 0)
        return ERR_SYNTAX;
    memcpy(facility_out, text + DAY_DATE_SIZE, size - DAY_DATE_SIZE);
    facility_out[size - DAY_DATE_SIZE] = '\0';
    *day_out = civil_day(date.year, date.month, date.day);
    return 0;
}

/* --- series --- */

void day_series_add(struct buffer *series, const char *category, const char *source,
                    const char *unit, int64_t activity)
{
    packed_add_text(series, category);
    packed_add_text(series, source);
    packed_add_text(series, unit);
    packed_add_int(series, activity);
}

void day_series_take(struct packed *packed, struct day_series *series_out)
{
    packed_take_text(packed, series_out->category, sizeof(series_out->category));
    packed_take_text(packed, series_out->source, sizeof(series_out->source));
    packed_take_text(packed, series_out->unit, sizeof(series_out->unit));
    series_out->activity = packed_take_int(packed, -INT64_MAX, INT64_MAX);
}

/* --- encoding --- */

/* Sources of a scope count different things, so that their activity has no sum. */
static bool is_written(size_t figure)
{
    return figure != FIGURE_ACTIVITY;
}
_Static_assert(FIGURE_ACTIVITY == 0, "a record's first name is that of the figure after it");

static void add_values(struct buffer *out, const struct day_values *values)
{
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        if (is_written(i))
            packed_add_int(out, values->value[i]);
}

void day_record_encode(const struct day_record *record, struct buffer *out)
{
    const struct day_figures *figures = &record->figures;
    buffer_add(out, DAY_MAGIC, MAGIC_BYTES);
    packed_add_uint(out, DAY_RECORD_FORMAT);
    packed_add_uint(out, figures->epoch);
    packed_add_uint(out, figures->version);
    packed_add_text(out, record->facility);
    packed_add_int(out, record->day);
    packed_add_uint(out, figures->final);
    packed_add_uint(out, figures->revision);
    packed_add_uint(out, figures->meters_expected);
    packed_add_uint(out, figures->meters_reporting);
    packed_add_wide(out, figures->weight_covered);
    packed_add_wide(out, figures->weight_total);
    packed_add_uint(out, FIGURE_COUNT - 1);
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        if (!is_written(i))
            continue;
        packed_add_text(out, figure_table[i].name);
        packed_add_uint(out, figure_table[i].decimals);
    }
    add_values(out, &figures->coverage);
    packed_add_uint(out, figures->scopes);
    for (unsigned scope = 0; scope < DAY_SCOPES; scope++)
        if ((figures->scopes >> scope & 1U) != 0)
            add_values(out, &figures->scope[scope]);
    packed_add_uint(out, record->series_count);
    buffer_add(out, record->series, record->series_size);
}

/* --- decoding --- */

/* The figures that a record names, in its order. */
struct named_figures {
    uint32_t count;
    struct {
        uint8_t figure; /* FIGURE_NONE: not known here */
        int64_t scale;  /* of its units here in one of the record's */
    } items[DAY_FIGURES_MAX];
    bool has[FIGURE_COUNT];
};

static int64_t power_of_ten(unsigned exponent)
{
    int64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* The figure of that name; `guess` is where it stands if the record has the order of the table. */
static size_t find_figure(const char *name, size_t guess)
{
    for (size_t n = 0; n < FIGURE_COUNT; n++) {
        size_t i = (guess + n) % FIGURE_COUNT;
        if (is_written(i) && strcmp(figure_table[i].name, name) == 0)
            return i;
    }
    return FIGURE_NONE;
}

static void name_figure(struct named_figures *named, uint32_t index, const char *name,
                        unsigned decimals)
{
    size_t i = find_figure(name, index + 1);
    named->items[index].figure = FIGURE_NONE;
    named->items[index].scale = 1;
    if (i == FIGURE_NONE || figure_table[i].decimals < decimals || named->has[i])
        return;
    named->items[index].figure = (uint8_t)i;
    named->items[index].scale = power_of_ten(figure_table[i].decimals - decimals);
    named->has[i] = true;
}

static uint32_t take_names(struct named_figures *named, struct packed *packed)
{
    char name[NAME_BYTES_MAX + 1];
    uint32_t unknown = 0;
    named->count = packed_take_count(packed, DAY_FIGURES_MAX);
    for (uint32_t i = 0; i < named->count; i++) {
        packed_take_text(packed, name, sizeof(name));
        unsigned decimals = (unsigned)packed_take_uint(packed, DECIMALS_MAX);
        name_figure(named, i, name, decimals);
        unknown += named->items[i].figure == FIGURE_NONE;
    }
    return unknown;
}

/* A figure that the record's writer did not know is unknown in each cell. */
static void set_unknown_cells(const struct named_figures *named, struct day_values *values)
{
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        uint8_t unknown = figure_table[i].unknown;
        if (is_written(i) && unknown != FIGURE_NONE && (!named->has[i] || !named->has[unknown]))
            values->value[unknown] = values->value[FIGURE_CELLS];
    }
}

static void take_values(const struct named_figures *named, struct packed *packed,
                        struct day_values *values)
{
    for (uint32_t i = 0; i < named->count; i++) {
        int64_t scale = named->items[i].scale;
        int64_t max = INT64_MAX / scale;
        int64_t value = packed_take_int(packed, -max, max);
        if (named->items[i].figure < FIGURE_COUNT)
            values->value[named->items[i].figure] = value * scale;
    }
    set_unknown_cells(named, values);
}

static void take_head(struct day_record *record, struct packed *packed)
{
    struct day_figures *figures = &record->figures;
    figures->epoch = packed_take_uint(packed, UINT64_MAX);
    figures->version = packed_take_uint(packed, UINT64_MAX);
    packed_take_text(packed, record->facility, sizeof(record->facility));
    record->day = (int32_t)packed_take_int(packed, first_day(), last_day());
    figures->final = packed_take_uint(packed, 1) != 0;
    figures->revision = (uint32_t)packed_take_uint(packed, UINT32_MAX);
    figures->meters_expected = (uint32_t)packed_take_uint(packed, METERS_IN_FACILITY_MAX);
    figures->meters_reporting = (uint32_t)packed_take_uint(packed, METERS_IN_FACILITY_MAX);
    figures->weight_covered = packed_take_wide(packed, WEIGHT_MAX);
    figures->weight_total = packed_take_wide(packed, WEIGHT_MAX);
}

static void take_figures(struct day_record *record, struct packed *packed)
{
    struct day_figures *figures = &record->figures;
    struct named_figures named = {0};
    record->figures_unknown = take_names(&named, packed);
    take_values(&named, packed, &figures->coverage);
    figures->scopes = (uint8_t)packed_take_uint(packed, (1U << DAY_SCOPES) - 1);
    for (unsigned scope = 0; scope < DAY_SCOPES; scope++)
        if (((uint32_t)figures->scopes >> scope & 1U) != 0)
            take_values(&named, packed, &figures->scope[scope]);
}

/* Walks over the series, so that nothing of them is damaged later. */
static void take_series(struct day_record *record, struct packed *packed)
{
    struct day_series series;
    record->series_count = packed_take_count(packed, METERS_IN_FACILITY_MAX);
    record->series = packed->at;
    for (uint32_t i = 0; i < record->series_count && !packed->damaged; i++)
        day_series_take(packed, &series);
    record->series_size = (size_t)(packed->at - (const uint8_t *)record->series);
}

static int take_record(struct day_record *record, struct packed *packed, struct buffer *why)
{
    take_head(record, packed);
    if (packed->damaged || record->facility[0] == '\0') {
        buffer_add_str(why, "is damaged before its figures");
        return ERR_PROTOCOL;
    }
    take_figures(record, packed);
    if (packed->damaged) {
        buffer_add_str(why, "is damaged in its figures");
        return ERR_PROTOCOL;
    }
    take_series(record, packed);
    if (packed->damaged || !packed_is_at_end(packed)) {
        buffer_add_str(why, packed->damaged ? "is damaged in its sources"
                                            : "goes on behind its last source");
        return ERR_PROTOCOL;
    }
    return 0;
}

int day_record_decode(struct day_record *record_out, const void *bytes, size_t size,
                      struct buffer *why)
{
    struct packed packed;
    if (size > DAY_RECORD_BYTES_MAX) {
        buffer_printf(why, "has %zu bytes; a day has at most %d", size, DAY_RECORD_BYTES_MAX);
        return ERR_PROTOCOL;
    }
    if (size < MAGIC_BYTES || memcmp(bytes, DAY_MAGIC, MAGIC_BYTES) != 0) {
        buffer_add_str(why, "is no total of a day");
        return ERR_PROTOCOL;
    }
    packed_init(&packed, (const uint8_t *)bytes + MAGIC_BYTES, size - MAGIC_BYTES);
    uint64_t format = packed_take_uint(&packed, UINT64_MAX);
    if (packed.damaged || format == 0) {
        buffer_add_str(why, "has no format");
        return ERR_PROTOCOL;
    }
    if (format > DAY_RECORD_FORMAT) {
        buffer_printf(why, "has format %llu of a later ghgd; this one reads up to %d",
                      (unsigned long long)format, DAY_RECORD_FORMAT);
        return ERR_PROTOCOL;
    }
    struct day_record record = {0};
    int err = take_record(&record, &packed, why);
    if (err == 0)
        *record_out = record;
    return err;
}
