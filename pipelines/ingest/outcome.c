#include "pipelines/ingest/outcome.h"

static const struct {
    const char *class_name, *reason, *help;
} outcomes[] = {
    [OUTCOME_USED] = {"used", "", "the reading is in force"},
    [OUTCOME_DUPLICATE] = {"duplicate", "", "the same reading was already in force"},
    [OUTCOME_CORRECTED] =
        {"corrected", "",
         "a reading of the same meter and time with a higher revision or a better "
         "quality is in force instead, or one of the same rank that stands later in the log"},
    [OUTCOME_LATE] = {"late", "",
                      "the reading is older than the correction horizon (windows.horizon), or too "
                      "old to be the first (windows.backfill_max); check its time, or replay it "
                      "with a longer one to apply it"},
    [OUTCOME_EARLY] = {"early", "",
                       "the reading lies further ahead of its Kafka timestamp than "
                       "windows.early_tolerance; set the clock or time zone of its sender"},
    [OUTCOME_UNKNOWN] = {"unknown", "",
                         "no meter of this id is in the meters table; add it, or correct the id"},
    [OUTCOME_PARKED] = {"parked", "",
                        "no meter of this id is in the meters table yet; the reading waits for it"},
    [REJECT_UNDECODABLE] = {"rejected", "undecodable",
                            "the message is neither JSON nor MessagePack; send one object or an "
                            "array of objects"},
    [REJECT_TOO_LARGE] = {"rejected", "too_large",
                          "the message or the event has too many bytes; send at most 8 MiB a "
                          "message and 64 KiB an event"},
    [REJECT_METER_MISSING] =
        {"rejected", "meter_missing",
         "`meter` is missing, empty or too long; give an id of 1 to 255 bytes"},
    [REJECT_METER_TYPE] = {"rejected", "meter_type",
                           "`meter` is not text, not UTF-8, or has control characters; give the "
                           "id as a string"},
    [REJECT_TIME_MISSING] = {"rejected", "time_missing",
                             "there is no time; give `time`, or both `start` and `end`"},
    [REJECT_TIME_INVALID] = {"rejected", "time_invalid",
                             "the time cannot be read; give RFC 3339 with an offset "
                             "(2026-03-01T10:15:00Z), a MessagePack timestamp, or an integer where "
                             "input.time_unit is set"},
    [REJECT_TIME_RANGE] = {"rejected", "time_range",
                           "the time is before 1900 or after 2200, or the interval is empty, "
                           "reversed or too long; check the unit of the time and its order"},
    [REJECT_TIME_KIND] = {"rejected", "time_kind",
                          "the time does not suit the kind of the meter, or there are both `time` "
                          "and `start` or `end`; give `start` and `end` for intervals (or set "
                          "stamp and interval of the meter), `time` for registers, gauges and "
                          "deliveries"},
    [REJECT_VALUE_MISSING] =
        {"rejected", "value_missing",
         "`value` is missing, or `final` or `initial` of an exchange; give a number"},
    [REJECT_VALUE_INVALID] = {"rejected", "value_invalid",
                              "`value` is not a number; give a finite number, or a decimal as a "
                              "string (\"12.345\")"},
    [REJECT_VALUE_RANGE] = {"rejected", "value_range",
                            "the value is too large or has too many digits to be held exactly; "
                            "check its unit, give at most 18 significant digits"},
    [REJECT_VALUE_NEGATIVE] = {"rejected", "value_negative",
                               "the value is below zero; set `negative: yes` in the meters table "
                               "if the meter may count backwards"},
    [REJECT_UNIT_UNKNOWN] = {"rejected", "unit_unknown",
                             "the unit is not known; `docs/events.md` lists what is accepted"},
    [REJECT_UNIT_MISMATCH] = {"rejected", "unit_mismatch",
                              "the unit measures another quantity, basis or reference state than "
                              "the meter; give one of the meter's quantity"},
    [REJECT_QUALITY_INVALID] = {"rejected", "quality_invalid",
                                "the quality is none of actual, edited, invoice, estimated"},
    [REJECT_REVISION_INVALID] = {"rejected", "revision_invalid",
                                 "the revision is not a whole number from 0 to 65535"},
    [REJECT_FIELD_DUPLICATE] = {"rejected", "field_duplicate",
                                "a field stands in the event twice; give each once"},
    [REJECT_METER_NOT_VALID] = {"rejected", "meter_not_valid",
                                "the meter is known, but not valid at this time; extend valid_from "
                                "or valid_to in the meters table, or correct the time"},
    [REJECT_CONFLICT] = {"rejected", "conflict",
                         "another value of the same meter, time, revision and quality is in force, "
                         "and on_conflict keeps it; send corrections with a higher revision"},
    [REJECT_JOURNAL_FULL] = {"rejected", "journal_full",
                             "the meter has more readings within the horizon than its interval "
                             "allows for, or more than 256 decisions and dropped readings; set its "
                             "true interval in the meters table"},
    [REJECT_WRONG_PARTITION] = {"rejected", "wrong_partition",
                                "the readings of this facility already come from another "
                                "partition; key the messages by facility, or set input.rekey"},
    [REJECT_EVENT_INVALID] =
        {"rejected", "event_invalid",
         "`event` is none of exchange, dip, delivery, transfer, credit, accept, "
         "drop, or `of` of a decision names no kind of event; a reading has no "
         "`event`"},
    [REJECT_EVENT_KIND] =
        {"rejected", "event_kind",
         "`event` does not suit the meter or the other fields; an exchange is of a register and "
         "has `final` and `initial` and no `value`, a delivery is of a delivery meter or a stock, "
         "dip, transfer and credit are of a stock; a decision (accept, drop) is on such an event "
         "of "
         "its meter, and has no `value`"},
    [REJECT_ID_INVALID] = {"rejected", "id_invalid",
                           "the `id` of a delivery, a dip or a bill is no text of 1 to 255 bytes "
                           "without control characters; give the number of the document, or no "
                           "`id`"},
    [REJECT_IMPLAUSIBLE] = {"rejected", "implausible",
                            "the value is more than max_rate, max_amount or capacity of its meter "
                            "allows; correct the value or its unit, or the bound in the meters "
                            "table"},
};

_Static_assert(ARRAY_LEN(outcomes) == OUTCOME_COUNT, "one row for each outcome");

const char *outcome_class(enum outcome outcome)
{
    ASSERT(outcome < OUTCOME_COUNT);
    return outcomes[outcome].class_name;
}

const char *outcome_reason(enum outcome outcome)
{
    ASSERT(outcome < OUTCOME_COUNT);
    return outcomes[outcome].reason;
}

const char *outcome_help(enum outcome outcome)
{
    ASSERT(outcome < OUTCOME_COUNT);
    return outcomes[outcome].help;
}
