/* The columns of times: distances between readings, and the validity of a version. */
#include <errno.h>
#include <sys/param.h>

#include "base/durations.h"
#include "base/timestamp.h"
#include "config/registry/meter_columns.h"

enum { DELIVERY_INTERVAL_MS = HOUR_MS };

/* The longest that a length can be. */
static int64_t longest_of(struct calendar_length length, int64_t usual_ms)
{
    return length.months > 0 ? (int64_t)length.months * 31 * DAY_MS : usual_ms;
}

/* Warns of a length that does not fit into the horizon, and says what follows. */
static void warn_of_horizon(const struct csv_row *row, enum meter_column column, int64_t horizon_ms,
                            const char *follows)
{
    enum { DURATION_SIZE_MAX = 64 };
    struct buffer text;
    buffer_init(&text, DURATION_SIZE_MAX);
    duration_print(&text, horizon_ms);
    const char *horizon = buffer_text(&text);
    const struct csv_cell *cell = &row->cells[column];
    faults_warn(row->faults, row->file, row->line, cell->column,
                "%s \"%s\" is longer than windows.horizon (%s): %s; raise windows.horizon above it",
                row->columns[column].name, cell->text, horizon == NULL ? "" : horizon, follows);
    buffer_fini(&text);
}

/* An interval longer than the horizon ends after its own beginning has left it. */
static void warn_longer(const struct meter *meter, const struct csv_row *row,
                        const struct tables_conf *conf)
{
    if (longest_of(meter->length, meter->interval_ms) <= conf->horizon_ms)
        return;
    warn_of_horizon(row, METER_INTERVAL, conf->horizon_ms,
                    "a reading that arrives after its beginning has left the horizon is late");
}

/* Days that leave the horizon before the next dip keep what has run on in them. */
static void warn_of_accrual(const struct meter *meter, const struct csv_row *row,
                            const struct tables_conf *conf)
{
    enum meter_column column = meter->every_ms > 0 ? METER_EXPECTED_EVERY : METER_INTERVAL;
    int64_t usual_ms = meter->every_ms > 0 ? longest_of(meter->every, meter->every_ms)
                                           : longest_of(meter->length, meter->interval_ms);
    if (meter->accrues && usual_ms > conf->horizon_ms)
        warn_of_horizon(row, column, conf->horizon_ms,
                        "closed days keep what has run on in them, and the balance of the next "
                        "dip is booked on later ones");
}

/* A choice of two that meters of one kind have; `second_out` is whether the second one holds. */
static bool read_choice_of(bool *second_out, const struct csv_row *row, size_t column,
                           const char *const words[2], bool applies, const char *kind)
{
    int choice = 0;
    if (!cell_choice(&choice, row, column, words, 2))
        return false;
    if (!cell_is_empty(row, column) && !applies) {
        csv_fault(row, column, "only %s have it; accepted for this kind: empty", kind);
        return false;
    }
    *second_out = choice == 1;
    return true;
}

static bool read_choices(struct meter *meter, const struct csv_row *row)
{
    static const char *const between[] = {"line", "step"};
    static const char *const reconcile[] = {"readings", "total"};
    return read_choice_of(&meter->step, row, METER_BETWEEN, between, meter->kind == KIND_GAUGE,
                          "gauges") &&
           read_choice_of(&meter->total, row, METER_RECONCILE, reconcile,
                          meter->kind == KIND_INTERVAL, "readings of intervals");
}

/* Samples in their usual rhythm would be too far apart to be joined. */
static void warn_of_gaps(const struct meter *meter, const struct csv_row *row)
{
    if (cell_is_empty(row, METER_HOLD) || cell_is_empty(row, METER_INTERVAL) ||
        meter->hold_ms >= meter->interval_ms)
        return;
    faults_warn(row->faults, row->file, row->line, row->cells[METER_HOLD].column,
                "hold \"%s\" is shorter than interval \"%s\": between two usual samples is a gap; "
                "give the longest time between two samples that belong together",
                row->cells[METER_HOLD].text, row->cells[METER_INTERVAL].text);
}

/* How long documents may be apart before the next one is overdue. */
static bool read_every(struct meter *meter, const struct csv_row *row,
                       const struct tables_conf *conf)
{
    if (!cell_length(&meter->every, &meter->every_ms, row, METER_EXPECTED_EVERY))
        return false;
    if (meter->every_ms == 0)
        return true;
    if (meter->check || meter->kind == KIND_REGISTER || meter->kind == KIND_GAUGE) {
        csv_fault(
            row, METER_EXPECTED_EVERY,
            "only documents become overdue (deliveries, bills as intervals, dips of stocks), of "
            "meters that count; accepted for this one: empty");
        return false;
    }
    if (longest_of(meter->every, meter->every_ms) > conf->horizon_ms)
        warn_of_horizon(row, METER_EXPECTED_EVERY, conf->horizon_ms,
                        "a document that is dated before the horizon is late");
    return true;
}

bool meter_read_times(struct meter_row *parsed, const struct csv_row *row,
                      const struct tables_conf *conf)
{
    static const char *const stamps[] = {"", "start", "end"};
    struct meter *meter = &parsed->meter;
    bool delivery = meter->kind == KIND_DELIVERY;
    bool document = delivery || meter->kind == KIND_STOCK;
    int stamp = STAMP_NONE;
    meter->interval_ms = document ? DELIVERY_INTERVAL_MS : conf->bucket_ms;
    if (!cell_length(&meter->length, &meter->interval_ms, row, METER_INTERVAL) ||
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
    if (!read_choices(meter, row))
        return false;
    meter->stamp = (uint8_t)stamp;
    if (!read_every(meter, row, conf))
        return false;
    meter->expected = (!delivery || meter->every_ms > 0) && !meter->check;
    /* Readings in a total stay until its end has left the horizon. */
    int64_t kept_ms = meter->total ? 2 * conf->horizon_ms : conf->horizon_ms;
    int64_t readings = kept_ms / meter->interval_ms * 5 / 4 + 64;
    if (readings > METER_READINGS_MAX) {
        csv_fault(row, METER_INTERVAL,
                  "every %s over windows.horizon are %lld readings; at most %d "
                  "are held for a meter",
                  row->cells[METER_INTERVAL].text, (long long)readings, METER_READINGS_MAX);
        return false;
    }
    meter->readings_max = (uint32_t)readings;
    warn_longer(meter, row, conf);
    warn_of_accrual(meter, row, conf);
    warn_of_gaps(meter, row);
    return true;
}

int meter_read_schedule(struct meter_row *parsed, const struct meter_table *table,
                        const struct csv_row *row, const struct tables_conf *conf)
{
    const struct csv_cell *cell = &row->cells[METER_SCHEDULE];
    struct meter *meter = &parsed->meter;
    struct schedule_fault fault;
    bool delivery = meter->kind == KIND_DELIVERY;
    if (cell->size == 0)
        return 0;
    if (!meter->expected || delivery || meter->kind == KIND_STOCK) {
        csv_fault(row, METER_SCHEDULE,
                  "only registers, intervals and gauges that count are expected at times of the "
                  "week; accepted for this one: empty");
        return ERR_CONFIG;
    }
    int err = schedule_parse(&meter->schedule, table->arena, cell->text, cell->size,
                             conf->bucket_ms, &fault);
    if (err != -EINVAL)
        return err;
    csv_fault(row, METER_SCHEDULE, "\"%.*s\" is not accepted; accepted: %s", fault.size,
              fault.found, fault.accepted);
    return ERR_CONFIG;
}

/* Sets from when on the meter is expected; its own validity begins at from_ms, or is open. */
static void set_expected_from(struct meter_row *parsed, const struct meter_table *table,
                              int64_t from_ms)
{
    const struct facility *facility = &table->facilities->rows[parsed->meter.facility];
    const struct zone_table *zones = &table->facilities->zones;
    struct meter *meter = &parsed->meter;
    struct date date = table->facilities->reporting_from;
    meter->expected_from_ms = meter->valid_from_ms;
    if (from_ms != INT64_MIN || facility->valid_from_ms != INT64_MIN || date_is_open(date))
        return;
    int err = zones_date_start(zones, facility->zone, date, &meter->expected_from_ms);
    ASSERT(err == 0); /* the date is one of the years that calendars know */
}

bool meter_read_validity(struct meter_row *parsed, const struct meter_table *table,
                         const struct csv_row *row)
{
    struct meter *meter = &parsed->meter;
    const struct facility *facility = &table->facilities->rows[meter->facility];
    const struct zone_table *zones = &table->facilities->zones;
    int64_t from_ms = INT64_MIN;
    int64_t to_ms = INT64_MAX;
    if (!zones_cell_instant(&from_ms, zones, facility->zone, row, METER_VALID_FROM) ||
        !zones_cell_instant(&to_ms, zones, facility->zone, row, METER_VALID_TO))
        return false;
    if (from_ms >= to_ms) {
        csv_fault(row, METER_VALID_TO,
                  "\"%s\" is not after valid_from \"%s\"; it is the first instant "
                  "at which the version no longer holds",
                  row->cells[METER_VALID_TO].text, row->cells[METER_VALID_FROM].text);
        return false;
    }
    meter->valid_from_ms = MAX(from_ms, facility->valid_from_ms);
    meter->valid_to_ms = MIN(to_ms, facility->valid_to_ms);
    if (meter->valid_from_ms >= meter->valid_to_ms) {
        csv_fault(row, from_ms >= facility->valid_to_ms ? METER_VALID_FROM : METER_VALID_TO,
                  "the version has no time in common with its facility \"%s\", whose valid_from "
                  "and valid_to bound it",
                  facility->id);
        return false;
    }
    set_expected_from(parsed, table, from_ms);
    return true;
}
