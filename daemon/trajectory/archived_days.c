#include "daemon/trajectory/archived_days.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "config/targets/civil.h"
#include "config/targets/past.h"

struct source_day {
    int64_t time_ms; /* of the row; INT64_MIN: there is no row */
    int64_t mg, estimated_mg, activity;
};

struct coverage_day {
    int64_t time_ms; /* of the row; INT64_MIN: there is no row */
    int64_t covered_ms, expected_ms;
    uint32_t revision;
    bool final;
};

struct archived_days {
    const struct registry *registry;
    uint32_t facility;
    struct calendar *calendar;
    int32_t first_day, end_day;
    struct coverage_day *coverage; /* by day */
    struct source_day *sources;    /* by day, then series of the facility */
};

struct archived_span archived_span_before(int64_t end_day)
{
    /* Calendars have 1900 to 2199, and every zone has these days. */
    const int32_t first = civil_day(1900, 1, 2);
    const int32_t end = civil_day(2199, 12, 30);
    int32_t until = (int32_t)MIN(MAX(end_day, first + 1), end);
    return (struct archived_span){MAX(until - LEDGER_DAYS_MAX, first), until};
}

void archived_days_destroy(struct archived_days **days)
{
    struct archived_days *gone = TAKE(*days);
    if (gone == NULL)
        return;
    calendar_destroy(&gone->calendar);
    free(gone->coverage);
    free(gone->sources);
    free(gone);
}

static int64_t day_start_ms(const struct archived_days *days, int32_t day)
{
    struct date date = civil_date(day);
    int64_t start_ms = 0;
    int err = calendar_date_start(days->calendar, date.year, date.month, date.day, &start_ms);
    ASSERT(err == 0); /* archived_span_before() sees to it */
    return start_ms;
}

int64_t archived_days_end_ms(const struct archived_days *days, int32_t day)
{
    return day_start_ms(days, day + 1);
}

static int make(struct archived_days **days_out, const struct config *config, uint32_t facility,
                struct archived_span span)
{
    const struct facility *row = &config->registry->facilities[facility];
    struct archived_days *days = calloc(1, sizeof(*days));
    if (days == NULL)
        return -ENOMEM;
    size_t count = (size_t)(span.end_day - span.first_day);
    size_t sources = count * row->series_count;
    *days = (struct archived_days){.registry = config->registry,
                                   .facility = facility,
                                   .first_day = span.first_day,
                                   .end_day = span.end_day,
                                   .coverage = calloc(count, sizeof(*days->coverage)),
                                   .sources = calloc(sources + 1, sizeof(*days->sources))};
    int err = days->coverage == NULL || days->sources == NULL
                  ? -ENOMEM
                  : calendar_create(&days->calendar, row->time_zone, config->window.bucket_ms,
                                    config->window.fiscal_year_start);
    for (size_t i = 0; err == 0 && i < count; i++)
        days->coverage[i].time_ms = INT64_MIN;
    for (size_t i = 0; err == 0 && i < sources; i++)
        days->sources[i].time_ms = INT64_MIN;
    if (err == 0)
        *days_out = days;
    else
        archived_days_destroy(&days);
    return err;
}

/* --- rows --- */

struct row_reading {
    struct archived_days *days;
    struct buffer *why;
};

/* Beyond 2^53 a double has no whole milligrams, and nothing that was written comes back. Ghgd
 * counts activity up to 2^63 micro-units; half of that is no reading of a day. Times are those of
 * all meters, whose sum over a year has to fit 64 bits. */
#define ROW_MASS_END 0x1p53
#define ROW_ACTIVITY_END 0x1p62
#define ROW_TIME_END 0x1p53

/* A field: its value times `unit` is whole, and lies in [min, end). */
struct row_field {
    const char *name;
    double unit, min, end;
};

static int refuse(const struct row_reading *reading, const struct archive_row *row,
                  enum row_kind kind, const char *name, double value)
{
    const struct registry *registry = reading->days->registry;
    const struct facility *facility = &registry->facilities[reading->days->facility];
    struct date date = civil_date(past_local_day(registry, facility->zone, row->time_ms));
    bool of_series = kind == ROW_EMISSIONS && row->series != REGISTRY_NONE;
    buffer_printf(reading->why,
                  "facility \"%s\": its row of %04d-%02d-%02d%s%s has %s %g, which "
                  "cannot be",
                  facility->id, date.year, date.month, date.day, of_series ? " and source " : "",
                  of_series ? registry->series[row->series].source : "", name, value);
    return -ERANGE;
}

/* A field that the row lacks is 0. Stores have decimals as doubles: as many digits as were written
 * come back. */
static int read_field(int64_t *whole_out, const struct row_reading *reading,
                      const struct archive_row *row, enum row_kind kind,
                      const struct row_field *field)
{
    const struct measurement *measurement = &measurements[kind];
    size_t i = 0;
    while (strcmp(measurement->fields[i].name, field->name) != 0) {
        i++;
        ASSERT(i < measurement->fields_count); /* a field of the table */
    }
    double value = (row->present >> i & 1) != 0 ? row->values[i] : 0;
    double scaled = rint(value * field->unit);
    if (!(scaled >= field->min && scaled < field->end)) /* also what is no number */
        return refuse(reading, row, kind, field->name, value);
    *whole_out = (int64_t)scaled;
    return 0;
}

/* The place of the day, or -1. */
static int32_t index_of(const struct archived_days *days, int64_t time_ms)
{
    const struct facility *row = &days->registry->facilities[days->facility];
    int32_t day = past_local_day(days->registry, row->zone, time_ms);
    return day >= days->first_day && day < days->end_day ? day - days->first_day : -1;
}

static int on_coverage(void *context, const struct archive_row *row)
{
    static const struct row_field covered = {"covered_s", SECOND_MS, 0, ROW_TIME_END};
    static const struct row_field expected = {"expected_s", SECOND_MS, 0, ROW_TIME_END};
    static const struct row_field revision = {"revision", 1, 0, 0x1p32};
    static const struct row_field final = {"final", 1, 0, 2};
    const struct row_reading *reading = context;
    struct archived_days *days = reading->days;
    int32_t index = index_of(days, row->time_ms);
    if (index < 0 || row->time_ms < days->coverage[index].time_ms)
        return 0;
    struct coverage_day day = {.time_ms = row->time_ms};
    int64_t revisions = 0;
    int64_t is_final = 0;
    int err = read_field(&day.covered_ms, reading, row, ROW_COVERAGE, &covered);
    if (err == 0)
        err = read_field(&day.expected_ms, reading, row, ROW_COVERAGE, &expected);
    if (err == 0)
        err = read_field(&revisions, reading, row, ROW_COVERAGE, &revision);
    if (err == 0)
        err = read_field(&is_final, reading, row, ROW_COVERAGE, &final);
    if (err < 0)
        return err;
    day.revision = (uint32_t)revisions;
    day.final = is_final != 0;
    days->coverage[index] = day;
    return 0;
}

static int on_source(void *context, const struct archive_row *row)
{
    enum { MILLION = 1000000 };
    static const struct row_field mass = {"co2e_kg", MILLION, -ROW_MASS_END, ROW_MASS_END};
    static const struct row_field estimated = {"co2e_estimated_kg", MILLION, -ROW_MASS_END,
                                               ROW_MASS_END};
    static const struct row_field activity = {"activity", MILLION, -ROW_ACTIVITY_END,
                                              ROW_ACTIVITY_END};
    const struct row_reading *reading = context;
    struct archived_days *days = reading->days;
    const struct facility *facility = &days->registry->facilities[days->facility];
    int32_t index = index_of(days, row->time_ms);
    if (row->is_stranger || index < 0)
        return 0;
    struct source_day *source = &days->sources[(size_t)index * facility->series_count +
                                               (row->series - facility->series_first)];
    if (row->time_ms < source->time_ms)
        return 0;
    struct source_day day = {.time_ms = row->time_ms};
    int err = read_field(&day.mg, reading, row, ROW_EMISSIONS, &mass);
    if (err == 0)
        err = read_field(&day.estimated_mg, reading, row, ROW_EMISSIONS, &estimated);
    if (err == 0)
        err = read_field(&day.activity, reading, row, ROW_EMISSIONS, &activity);
    if (err == 0)
        *source = day;
    return err;
}

static int read_rows(struct archived_days *days, struct archive *archive, struct buffer *why)
{
    struct archive_query query = {.kind = ROW_COVERAGE,
                                  .level = LEVEL_DAY,
                                  .facility = days->facility,
                                  .from_ms = day_start_ms(days, days->first_day),
                                  .to_ms = day_start_ms(days, days->end_day)};
    struct row_reading reading = {days, why};
    int err = archive_read(archive, &query, on_coverage, &reading, why);
    query.kind = ROW_EMISSIONS;
    return err < 0 ? err : archive_read(archive, &query, on_source, &reading, why);
}

int archived_days_read(struct archived_days **days_out, struct archive *archive,
                       const struct config *config, uint32_t facility, struct archived_span span,
                       struct buffer *why)
{
    struct archived_days *days = NULL;
    int err = make(&days, config, facility, span);
    if (err < 0)
        return err;
    ASSERT(days != NULL);
    err = read_rows(days, archive, why);
    if (err == 0)
        *days_out = days;
    else
        archived_days_destroy(&days);
    return err;
}

/* --- days --- */

bool archived_days_has(const struct archived_days *days, int32_t day)
{
    return day >= days->first_day && day < days->end_day &&
           days->coverage[day - days->first_day].time_ms != INT64_MIN;
}

/* The time of the day in which meters were to report, by the tables alone. */
static int64_t expected_ms(const struct archived_days *days, int32_t day)
{
    const struct facility *facility = &days->registry->facilities[days->facility];
    const int64_t start_ms = day_start_ms(days, day);
    const int64_t end_ms = day_start_ms(days, day + 1);
    int64_t sum_ms = 0;
    for (uint32_t i = 0; i < facility->meters_count; i++) {
        const struct meter *meter = &days->registry->meters[facility->meters_first + i];
        if (meter->expected && meter->expected_from_ms != INT64_MIN)
            sum_ms += registry_expected_time(days->registry, meter, start_ms, end_ms);
    }
    return sum_ms;
}

/* Sums stop at what 64 bits hold. */
static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return a > 0 ? INT64_MAX : -INT64_MAX;
}

/* Times stop where those of a year still fit 64 bits. */
static int64_t add_time(int64_t a_ms, int64_t b_ms)
{
    return MIN(add(a_ms, b_ms), (int64_t)ROW_TIME_END);
}

static void add_sources(const struct archived_days *days, int32_t day, const struct target *target,
                        int64_t share, struct day_total *total)
{
    const struct registry *registry = days->registry;
    const struct facility *facility = &registry->facilities[days->facility];
    const struct source_day *sources =
        &days->sources[(size_t)(day - days->first_day) * facility->series_count];
    int64_t mg[LEDGER_SCOPES] = {0};
    int64_t estimated_mg[LEDGER_SCOPES] = {0};
    for (uint32_t i = 0; i < facility->series_count; i++) {
        uint8_t scope = registry->series[facility->series_first + i].scope;
        mg[scope] = add(mg[scope], sources[i].mg);
        estimated_mg[scope] = add(estimated_mg[scope], sources[i].estimated_mg);
        if (target->meter != REGISTRY_NONE &&
            registry->meters[target->meter].series == facility->series_first + i)
            total->production_micro =
                add(total->production_micro, share_of(sources[i].activity, share));
    }
    for (int scope = 0; scope < LEDGER_SCOPES; scope++) {
        total->mg[scope] = add(total->mg[scope], share_of(mg[scope], share));
        total->estimated_mg[scope] =
            add(total->estimated_mg[scope], share_of(estimated_mg[scope], share));
    }
}

void archived_days_add(const struct archived_days *days, int32_t day, const struct targets *targets,
                       const struct target *target, struct day_total *total)
{
    struct member_days member = past_member_days(days->registry, days->facility, day, day + 1);
    int64_t share = targets_share(targets, days->facility, day, (enum approach)target->approach);
    if (member.first >= member.end || share == 0)
        return;
    if (!archived_days_has(days, day)) {
        total->whole = false;
        total->expected_ms = add_time(total->expected_ms, expected_ms(days, day));
        return;
    }
    const struct coverage_day *coverage = &days->coverage[day - days->first_day];
    total->covered_ms = add_time(total->covered_ms, coverage->covered_ms);
    total->expected_ms = add_time(total->expected_ms, coverage->expected_ms);
    total->final = (!total->known || total->final) && coverage->final;
    total->whole = total->whole && coverage->final;
    total->known = true;
    total->revision += coverage->revision;
    add_sources(days, day, target, share, total);
}
