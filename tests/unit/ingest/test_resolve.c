#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/ingest/resolve.h"
#include "tests/unit/ingest/tables.h"

static struct registry *registry;
static struct batch_event resolved;

static int build(void **state)
{
    (void)state;
    registry = tables_read("tests/data/events", INT64_C(7) * 86400000);
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    registry_destroy(&registry);
    return 0;
}

static struct event event_of(const char *meter, const char *time, const char *end,
                             const char *value, const char *unit)
{
    struct event event = {
        .present = 1U << FIELD_METER | 1U << FIELD_VALUE,
        .quality = QUALITY_ACTUAL,
        .meter = meter,
        .meter_size = (uint32_t)strlen(meter),
    };
    int64_t time_ms;
    assert_int_equal(timestamp_parse(&time_ms, time, strlen(time)), 0);
    if (end == NULL) {
        event.time_ms = time_ms;
        event.present |= 1U << FIELD_TIME;
    } else {
        event.start_ms = time_ms;
        assert_int_equal(timestamp_parse(&event.end_ms, end, strlen(end)), 0);
        event.present |= 1U << FIELD_START | 1U << FIELD_END;
    }
    assert_int_equal(decimal_parse(&event.value, value, strlen(value)), 0);
    if (unit != NULL) {
        event.unit = unit;
        event.unit_size = (uint32_t)strlen(unit);
        event.present |= 1U << FIELD_UNIT;
    }
    return event;
}

/* Resolves one event. */
static enum outcome run(const char *meter, const char *time, const char *end, const char *value,
                        const char *unit)
{
    struct event event = event_of(meter, time, end, value, unit);
    enum outcome outcome = resolve_event(&resolved, registry, &event, &(struct place){0});
    assert_int_equal(resolved.outcome, outcome);
    assert_true(batch_event_is_reading(&resolved) == (outcome == OUTCOME_USED));
    return outcome;
}

static void test_readings(void **state)
{
    (void)state;
    static const struct {
        const char *name, *meter, *time, *end, *value, *unit; /* end: NULL for an instant */
        enum outcome want;
        const char *want_start, *want_end;
        int64_t want_value;
    } cases[] = {
        {"interval", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", "1.25", NULL,
         OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", 1250000},
        {"interval of 400 days", "interval", "2025-01-01T00:00:00Z", "2026-02-05T00:00:00Z", "1",
         NULL, OUTCOME_USED, "2025-01-01T00:00:00Z", "2026-02-05T00:00:00Z", 1000000},
        {"interval stamped at its start", "stamped-start", "2026-03-01T10:00:00Z", NULL, "1", NULL,
         OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", 1000000000},
        {"interval stamped at its end", "stamped-end", "2026-03-01T10:00:00Z", NULL, "1", NULL,
         OUTCOME_USED, "2026-03-01T09:45:00Z", "2026-03-01T10:00:00Z", 1000000},
        {"an own interval of a stamped meter", "stamped-end", "2026-03-01T00:00:00Z",
         "2026-03-02T00:00:00Z", "1", NULL, OUTCOME_USED, "2026-03-01T00:00:00Z",
         "2026-03-02T00:00:00Z", 1000000},
        {"a day of 23 hours", "berlin-day", "2026-03-29T00:00:00+01:00", NULL, "1", NULL,
         OUTCOME_USED, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 1000000},
        {"a day of 25 hours", "berlin-day-end", "2025-10-27T00:00:00+01:00", NULL, "1", NULL,
         OUTCOME_USED, "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", 1000000},
        {"a gas day of 23 hours", "berlin-day", "2026-03-28T06:00:00+01:00", NULL, "1", NULL,
         OUTCOME_USED, "2026-03-28T05:00:00Z", "2026-03-29T04:00:00Z", 1000000},
        {"24h at a midnight is the day, 23 hours", "berlin-24h-start", "2026-03-29T00:00:00+01:00",
         NULL, "1", NULL, OUTCOME_USED, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 1000000},
        {"24h at a midnight is the day, 25 hours", "berlin-24h-end", "2025-10-27T00:00:00+01:00",
         NULL, "1", NULL, OUTCOME_USED, "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", 1000000},
        {"24h at another time are 24 hours", "berlin-24h-start", "2026-03-29T00:00:00Z", NULL, "1",
         NULL, OUTCOME_USED, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z", 1000000},
        {"24h that end at another time", "berlin-24h-end", "2025-10-27T00:00:00Z", NULL, "1", NULL,
         OUTCOME_USED, "2025-10-26T00:00:00Z", "2025-10-27T00:00:00Z", 1000000},
        {"seven days over a change", "berlin-week-end", "2026-04-01T00:00:00+02:00", NULL, "1",
         NULL, OUTCOME_USED, "2026-03-24T23:00:00Z", "2026-03-31T22:00:00Z", 1000000},
        {"a month with a change", "berlin-month", "2026-03-01T00:00:00+01:00", NULL, "1", NULL,
         OUTCOME_USED, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", 1000000},
        {"a month of 29 days, by its end", "berlin-month-end", "2024-03-01T00:00:00+01:00", NULL,
         "1", NULL, OUTCOME_USED, "2024-01-31T23:00:00Z", "2024-02-29T23:00:00Z", 1000000},
        {"a month before the version", "berlin-month-end", "2024-01-31T00:00:00+01:00", NULL, "1",
         NULL, REJECT_METER_NOT_VALID, NULL, NULL, 0},
        {"a quarter", "berlin-quarter", "2026-01-01T00:00:00+01:00", NULL, "1", NULL, OUTCOME_USED,
         "2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z", 1000000},
        {"a leap year, by its end", "berlin-year-end", "2025-01-01T00:00:00+01:00", NULL, "1", NULL,
         OUTCOME_USED, "2023-12-31T23:00:00Z", "2024-12-31T23:00:00Z", 1000000},
        {"a year that begins before 1900", "berlin-year-end", "1900-06-01T00:00:00Z", NULL, "1",
         NULL, REJECT_TIME_RANGE, NULL, NULL, 0},
        {"a month that ends after 2200", "berlin-month", "2199-12-31T00:00:00Z", NULL, "1", NULL,
         REJECT_TIME_RANGE, NULL, NULL, 0},
        {"register with multiplier", "register", "2026-03-01T10:00:00Z", NULL, "1000.5", NULL,
         OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", INT64_C(60030000000)},
        {"gauge per hour", "gauge", "2026-03-01T10:00:00Z", NULL, "7.5", NULL, OUTCOME_USED,
         "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", 7500000},
        {"gauge in another unit", "gauge", "2026-03-01T10:00:00Z", NULL, "7.5", "MW", OUTCOME_USED,
         "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", INT64_C(7500000000)},
        {"delivery", "delivery", "2026-03-01T10:00:00Z", NULL, "5000", NULL, OUTCOME_USED,
         "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", INT64_C(5000000000)},
        {"own unit named", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", "1", "kWh",
         OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", 1000000},
        {"another unit", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", "1", "MWh",
         OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", 1000000000},
        {"half a millionth to even", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "0.0000025", NULL, OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", 2},
        {"negative where it may be", "both-ways", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "-3", NULL, OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", -3000000},
        {"minus zero is not negative", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "-0.0", NULL, OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", 0},
        {"the largest value", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "2251799813.685247", NULL, OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         CELL_MAX},
        {"a register shows more than a cell holds", "register", "2026-03-01T10:00:00Z", NULL,
         "2251799813.685247", NULL, OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z",
         60 * CELL_MAX},
        {"8 digits behind transformers", "transformers", "2026-03-01T10:00:00Z", NULL, "99999999",
         NULL, OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z",
         INT64_C(799999992000000000)},
        {"the largest register, but five", "register-1", "2026-03-01T10:00:00Z", NULL,
         "1152921504606.84697", NULL, OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z",
         REGISTER_MAX - 5},
        {"one more", "register-1", "2026-03-01T10:00:00Z", NULL, "1152921504606.84698", NULL,
         REJECT_VALUE_RANGE, NULL, NULL, 0},
        {"too large when multiplied", "transformers", "2026-03-01T10:00:00Z", NULL, "999999999",
         NULL, REJECT_VALUE_RANGE, NULL, NULL, 0},
        {"the last interval of a version", "replaced", "2026-02-01T00:00:00Z", NULL, "1", NULL,
         OUTCOME_USED, "2026-01-31T23:45:00Z", "2026-02-01T00:00:00Z", 2000000},
        {"the first of the next", "replaced", "2026-02-01T00:15:00Z", NULL, "1", NULL, OUTCOME_USED,
         "2026-02-01T00:00:00Z", "2026-02-01T00:15:00Z", 3000000},
        {"the last of the last", "replaced", "2026-03-01T00:00:00Z", NULL, "1", NULL, OUTCOME_USED,
         "2026-02-28T23:45:00Z", "2026-03-01T00:00:00Z", 3000000},
        {"the kind is the version's", "exchanged", "2026-01-31T23:59:59Z", NULL, "7", NULL,
         OUTCOME_USED, "2026-01-31T23:59:59Z", "2026-01-31T23:59:59Z", 7000000},
        {"the next version's kind", "exchanged", "2026-02-01T00:00:00Z", NULL, "7", NULL,
         OUTCOME_USED, "2026-02-01T00:00:00Z", "2026-02-01T00:15:00Z", 7000000},
        {"unknown meter", "nobody", "2026-03-01T10:00:00Z", NULL, "1", NULL, OUTCOME_UNKNOWN, NULL,
         NULL, 0},
        {"an id is not its beginning", "interva", "2026-03-01T10:00:00Z", NULL, "1", NULL,
         OUTCOME_UNKNOWN, NULL, NULL, 0},
        {"an instant for an interval", "interval", "2026-03-01T10:00:00Z", NULL, "1", NULL,
         REJECT_TIME_KIND, NULL, NULL, 0},
        {"an interval for a register", "register", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "1", NULL, REJECT_TIME_KIND, NULL, NULL, 0},
        {"an interval for a gauge", "gauge", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", "1",
         NULL, REJECT_TIME_KIND, NULL, NULL, 0},
        {"an interval for a delivery", "delivery", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "1", NULL, REJECT_TIME_KIND, NULL, NULL, 0},
        {"an empty interval", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", "1", NULL,
         REJECT_TIME_RANGE, NULL, NULL, 0},
        {"a reversed interval", "interval", "2026-03-01T10:15:00Z", "2026-03-01T10:00:00Z", "1",
         NULL, REJECT_TIME_RANGE, NULL, NULL, 0},
        {"more than 400 days", "interval", "2025-01-01T00:00:00Z", "2026-02-05T00:00:00.001Z", "1",
         NULL, REJECT_TIME_RANGE, NULL, NULL, 0},
        {"ends after 2200", "stamped-start", "2199-12-31T23:30:00Z", NULL, "1", NULL,
         REJECT_TIME_RANGE, NULL, NULL, 0},
        {"begins before 1900", "stamped-end", "1900-01-01T00:00:00Z", NULL, "1", NULL,
         REJECT_TIME_RANGE, NULL, NULL, 0},
        {"before the meter is valid", "replaced", "2025-12-31T23:59:59Z", NULL, "1", NULL,
         REJECT_METER_NOT_VALID, NULL, NULL, 0},
        {"begins before the meter is valid", "replaced", "2026-01-01T00:00:00Z", NULL, "1", NULL,
         REJECT_METER_NOT_VALID, NULL, NULL, 0},
        {"begins a little before", "replaced", "2026-01-01T00:05:00Z", NULL, "1", NULL,
         REJECT_METER_NOT_VALID, NULL, NULL, 0},
        {"after the meter was valid", "replaced", "2026-03-01T00:00:00.001Z", NULL, "1", NULL,
         REJECT_METER_NOT_VALID, NULL, NULL, 0},
        {"an interval over two versions", "replaced", "2026-01-31T23:45:00Z",
         "2026-02-01T00:15:00Z", "1", NULL, REJECT_METER_NOT_VALID, NULL, NULL, 0},
        {"an interval that begins before", "replaced", "2025-12-31T23:45:00Z",
         "2026-01-01T00:15:00Z", "1", NULL, REJECT_METER_NOT_VALID, NULL, NULL, 0},
        {"an interval that ends after", "replaced", "2026-02-28T23:45:00Z", "2026-03-01T00:15:00Z",
         "1", NULL, REJECT_METER_NOT_VALID, NULL, NULL, 0},
        {"negative", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", "-1", NULL,
         REJECT_VALUE_NEGATIVE, NULL, NULL, 0},
        {"negative, too little to be held", "interval", "2026-03-01T10:00:00Z",
         "2026-03-01T10:15:00Z", "-1e-9", NULL, REJECT_VALUE_NEGATIVE, NULL, NULL, 0},
        {"negative register", "register", "2026-03-01T10:00:00Z", NULL, "-1", NULL,
         REJECT_VALUE_NEGATIVE, NULL, NULL, 0},
        {"too large", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "2251799813.685248", NULL, REJECT_VALUE_RANGE, NULL, NULL, 0},
        {"too large below zero", "both-ways", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "-2251799813.685248", NULL, REJECT_VALUE_RANGE, NULL, NULL, 0},
        {"too large for 64 bits", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "1e30", NULL, REJECT_VALUE_RANGE, NULL, NULL, 0},
        {"no unit", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", "1", "furlong",
         REJECT_UNIT_UNKNOWN, NULL, NULL, 0},
        {"the beginning of a unit", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", "1",
         "kW", REJECT_UNIT_MISMATCH, NULL, NULL, 0},
        {"unit of another quantity", "interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z",
         "1", "kg", REJECT_UNIT_MISMATCH, NULL, NULL, 0},
        {"as much as max_rate allows", "bounded", "2026-03-01T10:00:00Z", NULL, "1.1", "MWh",
         OUTCOME_USED, "2026-03-01T09:45:00Z", "2026-03-01T10:00:00Z", INT64_C(1100000000)},
        {"more than that", "bounded", "2026-03-01T10:00:00Z", NULL, "1100.000001", NULL,
         REJECT_IMPLAUSIBLE, NULL, NULL, 0},
        {"1,000,000 kWh in a quarter of an hour at 4 MW", "bounded", "2026-03-01T10:00:00Z", NULL,
         "1000000", NULL, REJECT_IMPLAUSIBLE, NULL, NULL, 0},
        {"the same over its own longer interval", "bounded", "2026-03-01T00:00:00Z",
         "2026-03-11T00:00:00Z", "1000000", NULL, OUTCOME_USED, "2026-03-01T00:00:00Z",
         "2026-03-11T00:00:00Z", INT64_C(1000000000000)},
        {"too much below zero", "bounded", "2026-03-01T10:00:00Z", NULL, "-1100.000001", NULL,
         REJECT_IMPLAUSIBLE, NULL, NULL, 0},
        {"what cannot be held at all is out of range", "bounded", "2026-03-01T10:00:00Z", NULL,
         "1e30", NULL, REJECT_VALUE_RANGE, NULL, NULL, 0},
        {"a sample at its bound", "bounded-gauge", "2026-03-01T10:00:00Z", NULL, "55", NULL,
         OUTCOME_USED, "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", 55000000},
        {"a sample beyond it", "bounded-gauge", "2026-03-01T10:00:00Z", NULL, "0.0550000010", "MW",
         REJECT_IMPLAUSIBLE, NULL, NULL, 0},
        {"energy for a gauge", "gauge", "2026-03-01T10:00:00Z", NULL, "1", "kWh",
         REJECT_UNIT_MISMATCH, NULL, NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum outcome got =
            run(cases[i].meter, cases[i].time, cases[i].end, cases[i].value, cases[i].unit);
        if (got != cases[i].want)
            fail_msg("%s: %s %s", cases[i].name, outcome_class(got), outcome_reason(got));
        if (got != OUTCOME_USED)
            continue;
        char start[TIMESTAMP_TEXT_SIZE];
        char end[TIMESTAMP_TEXT_SIZE];
        timestamp_format(start, resolved.start_ms);
        timestamp_format(end, resolved.end_ms);
        if (strcmp(start, cases[i].want_start) != 0 || strcmp(end, cases[i].want_end) != 0 ||
            resolved.value != cases[i].want_value)
            fail_msg("%s: %s %s %lld", cases[i].name, start, end, (long long)resolved.value);
    }
}

static void put_id(struct event *event, const char *id)
{
    if (id == NULL)
        return;
    event->id_is_bad = id[0] == '\0';
    event->id = id;
    event->id_size = (uint32_t)strlen(id);
    event->present |= event->id_is_bad ? 0 : 1U << FIELD_ID;
}

/* The roles and ids of readings, by the kind of the meter and the event's word. */
static void test_documents(void **state)
{
    (void)state;
    static const struct {
        const char *name, *meter, *id; /* id: NULL for none, "" for a bad one */
        enum event_kind kind;
        enum outcome want;
        enum reading_role role;
        bool hashed;
    } cases[] = {
        {"an invoice", "delivery", "INV-1", EVENT_READING, OUTCOME_USED, ROLE_READING, true},
        {"a delivery says so", "delivery", "INV-1", EVENT_DELIVERY, OUTCOME_USED, ROLE_READING,
         true},
        {"a delivery without id", "delivery", NULL, EVENT_READING, OUTCOME_USED, ROLE_READING,
         false},
        {"a delivery whose id is bad", "delivery", "", EVENT_READING, REJECT_ID_INVALID, 0, false},
        {"a dip of a delivery meter", "delivery", NULL, EVENT_DIP, REJECT_EVENT_KIND, 0, false},
        {"a transfer of a delivery meter", "delivery", NULL, EVENT_TRANSFER, REJECT_EVENT_KIND, 0,
         false},
        {"a credit of a delivery meter", "delivery", NULL, EVENT_CREDIT, REJECT_EVENT_KIND, 0,
         false},
        {"an exchange of a delivery meter", "delivery", NULL, EVENT_EXCHANGE, REJECT_EVENT_KIND, 0,
         false},
        {"a tank is filled", "tank", "LS-1", EVENT_READING, OUTCOME_USED, ROLE_READING, true},
        {"a delivery to a tank", "tank", NULL, EVENT_DELIVERY, OUTCOME_USED, ROLE_READING, false},
        {"a dip", "tank", NULL, EVENT_DIP, OUTCOME_USED, ROLE_DIP, false},
        {"a dip with an id", "tank", "p-7", EVENT_DIP, OUTCOME_USED, ROLE_DIP, true},
        {"a dip whose id is bad", "tank", "", EVENT_DIP, REJECT_ID_INVALID, 0, false},
        {"a transfer", "tank", NULL, EVENT_TRANSFER, OUTCOME_USED, ROLE_TRANSFER, false},
        {"a credit", "tank", NULL, EVENT_CREDIT, OUTCOME_USED, ROLE_CREDIT, false},
        {"an exchange of a tank", "tank", NULL, EVENT_EXCHANGE, REJECT_EVENT_KIND, 0, false},
        {"a bill", "stamped-start", "B-1", EVENT_READING, OUTCOME_USED, ROLE_READING, true},
        {"an interval without id", "stamped-start", NULL, EVENT_READING, OUTCOME_USED, ROLE_READING,
         false},
        {"a bill whose id is bad", "stamped-start", "", EVENT_READING, REJECT_ID_INVALID, 0, false},
        {"a delivery to an interval meter", "stamped-start", NULL, EVENT_DELIVERY,
         REJECT_EVENT_KIND, 0, false},
        {"a register's id is for people", "register", "r-1", EVENT_READING, OUTCOME_USED,
         ROLE_READING, false},
        {"a register's bad id too", "register", "", EVENT_READING, OUTCOME_USED, ROLE_READING,
         false},
        {"a gauge's bad id too", "gauge", "", EVENT_READING, OUTCOME_USED, ROLE_READING, false},
        {"an exchange of a gauge", "gauge", NULL, EVENT_EXCHANGE, REJECT_EVENT_KIND, 0, false},
        {"a dip of a register", "register", NULL, EVENT_DIP, REJECT_EVENT_KIND, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = event_of(cases[i].meter, "2026-03-01T10:00:00Z", NULL, "1", NULL);
        event.kind = (uint8_t)cases[i].kind;
        event.initial = event.final = event.value;
        put_id(&event, cases[i].id);
        enum outcome got = resolve_event(&resolved, registry, &event, &(struct place){0});
        if (got != cases[i].want)
            fail_msg("%s: %s %s", cases[i].name, outcome_class(got), outcome_reason(got));
        if (got == OUTCOME_USED &&
            (resolved.role != cases[i].role || (resolved.id_hash != 0) != cases[i].hashed))
            fail_msg("%s: role %d, id %llx", cases[i].name, resolved.role,
                     (unsigned long long)resolved.id_hash);
    }
}

/* A decision has to suit the kind of the meter; it has no value that could be refused. */
static void test_decisions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *meter, *id;
        enum event_kind kind, of;
        enum outcome want;
        enum reading_role role;
        bool hashed;
    } cases[] = {
        {"a register", "register", "r-1", EVENT_DROP, EVENT_READING, OUTCOME_USED, ROLE_READING,
         false},
        {"its exchange", "register", NULL, EVENT_DROP, EVENT_EXCHANGE, OUTCOME_USED, ROLE_FINAL,
         false},
        {"a gauge", "gauge", NULL, EVENT_ACCEPT, EVENT_READING, OUTCOME_USED, ROLE_READING, false},
        {"a line of a bill", "stamped-start", "B-1", EVENT_DROP, EVENT_READING, OUTCOME_USED,
         ROLE_READING, true},
        {"an invoice", "delivery", "INV-1", EVENT_DROP, EVENT_DELIVERY, OUTCOME_USED, ROLE_READING,
         true},
        {"a dip", "tank", NULL, EVENT_DROP, EVENT_DIP, OUTCOME_USED, ROLE_DIP, false},
        {"a transfer", "tank", "t-1", EVENT_ACCEPT, EVENT_TRANSFER, OUTCOME_USED, ROLE_TRANSFER,
         true},
        {"a credit", "tank", NULL, EVENT_DROP, EVENT_CREDIT, OUTCOME_USED, ROLE_CREDIT, false},
        {"a bad id", "delivery", "", EVENT_DROP, EVENT_READING, REJECT_ID_INVALID, 0, false},
        {"the exchange of a gauge", "gauge", NULL, EVENT_DROP, EVENT_EXCHANGE, REJECT_EVENT_KIND, 0,
         false},
        {"the dip of a register", "register", NULL, EVENT_ACCEPT, EVENT_DIP, REJECT_EVENT_KIND, 0,
         false},
        {"the transfer of a delivery meter", "delivery", NULL, EVENT_DROP, EVENT_TRANSFER,
         REJECT_EVENT_KIND, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = event_of(cases[i].meter, "2026-03-01T10:00:00Z", NULL, "-1", "no");
        event.kind = (uint8_t)cases[i].kind;
        event.of = (uint8_t)cases[i].of;
        put_id(&event, cases[i].id);
        enum outcome got = resolve_event(&resolved, registry, &event, &(struct place){0});
        if (got != cases[i].want)
            fail_msg("%s: %s %s", cases[i].name, outcome_class(got), outcome_reason(got));
        if (got != OUTCOME_USED)
            continue;
        assert_int_equal(resolved.role, ROLE_DECISION);
        if (decision_drops(resolved.value) != (cases[i].kind == EVENT_DROP) ||
            decision_role(resolved.value) != cases[i].role ||
            (resolved.id_hash != 0) != cases[i].hashed)
            fail_msg("%s: role %d", cases[i].name, decision_role(resolved.value));
    }
}

/* `final` and `initial` are converted as a value is, and refused as one. */
static void test_exchange(void **state)
{
    (void)state;
    static const struct {
        const char *name, *final, *initial;
        enum outcome want;
    } cases[] = {
        {"an exchange", "652000.5", "12", OUTCOME_USED},
        {"final below zero", "-1", "0", REJECT_VALUE_NEGATIVE},
        {"initial below zero", "1", "-1", REJECT_VALUE_NEGATIVE},
        {"final too large", "19215358410.114117", "0", REJECT_VALUE_RANGE},
        {"initial too large", "1", "19215358410.114117", REJECT_VALUE_RANGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event event = event_of("register", "2026-03-01T10:00:00Z", NULL, "0", NULL);
        event.kind = EVENT_EXCHANGE;
        assert_int_equal(decimal_parse(&event.final, cases[i].final, strlen(cases[i].final)), 0);
        assert_int_equal(decimal_parse(&event.initial, cases[i].initial, strlen(cases[i].initial)),
                         0);
        enum outcome got = resolve_event(&resolved, registry, &event, &(struct place){0});
        if (got != cases[i].want)
            fail_msg("%s: %s %s", cases[i].name, outcome_class(got), outcome_reason(got));
        if (got != OUTCOME_USED)
            continue;
        assert_int_equal(resolved.role, ROLE_FINAL);
        assert_int_equal(resolved.value, INT64_C(39120030000000)); /* multiplier 60 */
        assert_int_equal(resolved.initial, INT64_C(720000000));
    }
}

/* The decoder's fault is kept, and the place of the event. */
static void test_places(void **state)
{
    (void)state;
    struct event event = event_of("gauge", "2026-03-01T10:00:00Z", NULL, "1", NULL);
    event.revision = 5;
    event.quality = QUALITY_EDITED;
    event.bytes = "abc";
    event.bytes_size = 3;
    const struct place first = {.message = 3, .index = 4, .offset = 17, .arrived_ms = 1772360000};
    const struct place second = {.message = 5, .index = 6, .offset = 18};
    assert_int_equal(resolve_event(&resolved, registry, &event, &first), OUTCOME_USED);
    assert_string_equal(registry->meters[resolved.meter].id, "gauge");
    assert_int_equal(resolved.revision, 5);
    assert_int_equal(resolved.quality, QUALITY_EDITED);
    assert_int_equal(resolved.outcome, OUTCOME_USED);
    assert_int_equal(resolved.offset, 17);
    assert_int_equal(resolved.arrived_ms, 1772360000);
    assert_int_equal(resolved.origin.message, 3);
    assert_int_equal(resolved.origin.index, 4);
    assert_ptr_equal(resolved.origin.bytes, event.bytes);
    assert_int_equal(resolved.origin.size, 3);

    event.fault = REJECT_UNDECODABLE;
    assert_int_equal(resolve_event(&resolved, registry, &event, &second), REJECT_UNDECODABLE);
    assert_false(batch_event_is_reading(&resolved));
    assert_int_equal(resolved.outcome, REJECT_UNDECODABLE);
    assert_int_equal(resolved.offset, 18);
    assert_int_equal(resolved.origin.message, 5);
    assert_int_equal(resolved.origin.index, 6);
    assert_ptr_equal(resolved.origin.bytes, event.bytes);
}

/* An implausible event names the meter whose bound it exceeds, its value and its length; one in a
 * wrong unit the meter that has another one. */
static void test_refused_by(void **state)
{
    (void)state;
    assert_int_equal(run("bounded", "2026-03-01T10:00:00Z", NULL, "1000000", NULL),
                     REJECT_IMPLAUSIBLE);
    assert_string_equal(registry->meters[resolved.refused_by].id, "bounded");
    assert_string_equal(registry->meters[resolved.refused_by].rate_max_text, "4 MW");
    assert_int_equal(resolved.value, INT64_C(1000000000000));
    assert_int_equal(resolved.end_ms - resolved.start_ms, 15 * MINUTE_MS);
    assert_int_equal(run("bounded", "2026-03-01T10:00:00Z", NULL, "1", NULL), OUTCOME_USED);
    assert_int_equal(resolved.refused_by, REGISTRY_NONE);
    assert_int_equal(run("bounded", "2026-03-01T10:00:00Z", NULL, "1", "kg"), REJECT_UNIT_MISMATCH);
    assert_string_equal(registry->meters[resolved.refused_by].id, "bounded");
    assert_int_equal(run("bounded", "2026-03-01T10:00:00Z", NULL, "1", "kWhh"),
                     REJECT_UNIT_UNKNOWN);
    assert_string_equal(registry->meters[resolved.refused_by].id, "bounded");
    assert_int_equal(run("interval", "2026-03-01T10:00:00Z", "2026-03-01T10:15:00Z", "-1", NULL),
                     REJECT_VALUE_NEGATIVE);
    assert_int_equal(resolved.refused_by, REGISTRY_NONE);
    /* a unit that is no text: the event was refused before its meter was looked up */
    const struct event event = {.fault = REJECT_UNIT_UNKNOWN};
    const struct place place = {0};
    assert_int_equal(resolve_event(&resolved, registry, &event, &place), REJECT_UNIT_UNKNOWN);
    assert_int_equal(resolved.refused_by, REGISTRY_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings), cmocka_unit_test(test_documents),
        cmocka_unit_test(test_exchange), cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_places),   cmocka_unit_test(test_refused_by),
    };
    return cmocka_run_group_tests(tests, build, destroy);
}
