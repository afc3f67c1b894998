/* The columns of times: distances between readings, and the validity of a version. */
#include <string.h>

#include "base/timestamp.h"
#include "config/registry/meter_columns.h"

enum { DELIVERY_INTERVAL_MS = HOUR_MS };

/* An interval longer than the horizon ends after its own beginning has left it. */
static void warn_longer(const struct meter *meter, const struct csv_row *row,
                        const struct tables_conf *conf)
{
    int64_t longest_ms =
        meter->length.months > 0 ? meter->length.months * 31 * DAY_MS : meter->interval_ms;
    if (longest_ms <= conf->horizon_ms)
        return;
    faults_warn(row->faults, row->file, row->line, row->cells[METER_INTERVAL].column,
                "interval \"%s\" is longer than windows.horizon (%lldh): a reading that arrives "
                "after its beginning has left the horizon is late; raise windows.horizon above it",
                row->cells[METER_INTERVAL].text, (long long)(conf->horizon_ms / HOUR_MS));
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
    meter->expected = !delivery && !meter->check;
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

bool meter_read_validity(struct meter_row *parsed, const struct meter_table *table,
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
