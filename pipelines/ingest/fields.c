#include "pipelines/ingest/fields.h"

#include <string.h>

#include "base/limits.h"
#include "base/timestamp.h"

/* What it is called when the field's value is of a type that it cannot be. An id is for people and
 * never a reason to refuse a reading. */
static const uint8_t type_fault[FIELD_COUNT] = {
    [FIELD_METER] = REJECT_METER_TYPE,
    [FIELD_TIME] = REJECT_TIME_INVALID,
    [FIELD_START] = REJECT_TIME_INVALID,
    [FIELD_END] = REJECT_TIME_INVALID,
    [FIELD_VALUE] = REJECT_VALUE_INVALID,
    [FIELD_UNIT] = REJECT_UNIT_UNKNOWN,
    [FIELD_QUALITY] = REJECT_QUALITY_INVALID,
    [FIELD_REVISION] = REJECT_REVISION_INVALID,
    [FIELD_ID] = 0,
};

static void set_fault(struct fields *fields, uint8_t fault)
{
    if (fields->event.fault == 0)
        fields->event.fault = fault;
}

static bool has(const struct fields *fields, enum event_field field)
{
    return (fields->event.present >> field & 1) != 0;
}

static void set_present(struct fields *fields, enum event_field field)
{
    fields->event.present |= 1U << field;
}

/* True if it is the first time that this event has the field. */
static bool claim(struct fields *fields, enum event_field field)
{
    uint32_t bit = 1U << field;
    if ((fields->seen & bit) != 0) {
        set_fault(fields, REJECT_FIELD_DUPLICATE);
        return false;
    }
    fields->seen |= bit;
    return true;
}

/* The length of the UTF-8 sequence at `at` that is not ASCII, or 0 if it is none. */
static size_t sequence_size(const uint8_t *at, size_t left)
{
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || left < size)
        return 0;
    uint32_t code = at[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return overlong || surrogate || code > 0x10ffff ? 0 : size;
}

/* UTF-8 without control characters: what can be an id, and be printed. */
static bool text_is_clean(const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *)text;
    for (size_t i = 0; i < size;) {
        if (at[i] >= 0x20 && at[i] < 0x7f) {
            i++;
            continue;
        }
        size_t step = at[i] < 0x80 ? 0 : sequence_size(at + i, size - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static int64_t *time_slot(struct event *event, enum event_field field)
{
    return field == FIELD_TIME ? &event->time_ms
                               : (field == FIELD_START ? &event->start_ms : &event->end_ms);
}

/* `err` of reading the time that stands in its slot already. */
static void time_end(struct fields *fields, enum event_field field, int err)
{
    int64_t time_ms = *time_slot(&fields->event, field);
    if (err == ERR_RANGE || (err == 0 && (time_ms < TIME_MIN_MS || time_ms > TIME_MAX_MS)))
        set_fault(fields, REJECT_TIME_RANGE);
    else if (err < 0)
        set_fault(fields, REJECT_TIME_INVALID);
    else
        set_present(fields, field);
}

static void value_end(struct fields *fields, int err)
{
    if (err == 0)
        set_present(fields, FIELD_VALUE);
    else
        set_fault(fields, err == ERR_RANGE ? REJECT_VALUE_RANGE : REJECT_VALUE_INVALID);
}

static void set_meter(struct fields *fields, const char *text, size_t size)
{
    if (size == 0 || size > NAME_BYTES_MAX) {
        set_fault(fields, REJECT_METER_MISSING);
        return;
    }
    if (!text_is_clean(text, size)) {
        set_fault(fields, REJECT_METER_TYPE);
        return;
    }
    fields->event.meter = text;
    fields->event.meter_size = (uint32_t)size;
    set_present(fields, FIELD_METER);
}

static void set_unit(struct fields *fields, const char *text, size_t size)
{
    if (size == 0 || size > UNIT_BYTES_MAX) {
        set_fault(fields, REJECT_UNIT_UNKNOWN);
        return;
    }
    fields->event.unit = text;
    fields->event.unit_size = (uint32_t)size;
    set_present(fields, FIELD_UNIT);
}

static void set_quality(struct fields *fields, const char *text, size_t size)
{
    int quality = size > NAME_BYTES_MAX ? -1 : quality_find(text, size);
    if (quality < 0) {
        set_fault(fields, REJECT_QUALITY_INVALID);
        return;
    }
    fields->event.quality = (uint8_t)quality;
    set_present(fields, FIELD_QUALITY);
}

static void set_id(struct fields *fields, const char *text, size_t size)
{
    if (size == 0 || size > NAME_BYTES_MAX || !text_is_clean(text, size))
        return;
    fields->event.id = text;
    fields->event.id_size = (uint32_t)size;
    set_present(fields, FIELD_ID);
}

void fields_begin(struct fields *fields)
{
    fields->seen = 0;
    fields->event = (struct event){.quality = QUALITY_ACTUAL};
}

void fields_text(struct fields *fields, enum event_field field, const char *text, size_t size)
{
    if (!claim(fields, field))
        return;
    bool too_long = size > NAME_BYTES_MAX;
    switch (field) {
    case FIELD_METER:
        set_meter(fields, text, size);
        break;
    case FIELD_TIME:
    case FIELD_START:
    case FIELD_END:
        time_end(fields, field,
                 too_long ? ERR_SYNTAX
                          : timestamp_parse(time_slot(&fields->event, field), text, size));
        break;
    case FIELD_VALUE:
        value_end(fields, too_long ? ERR_SYNTAX : decimal_parse(&fields->event.value, text, size));
        break;
    case FIELD_UNIT:
        set_unit(fields, text, size);
        break;
    case FIELD_QUALITY:
        set_quality(fields, text, size);
        break;
    case FIELD_ID:
        set_id(fields, text, size);
        break;
    default:
        set_fault(fields, type_fault[field]);
    }
}

static void set_time(struct fields *fields, enum event_field field, const struct number *number)
{
    int64_t whole;
    int err = fields->time_unit == TIME_UNIT_NONE ? ERR_SYNTAX : number_to_whole(&whole, number);
    if (err == 0)
        err = timestamp_from_int(time_slot(&fields->event, field), whole,
                                 (enum time_unit)fields->time_unit);
    time_end(fields, field, err);
}

static void set_revision(struct fields *fields, const struct number *number)
{
    int64_t whole;
    if (number_to_whole(&whole, number) < 0 || whole < 0 || whole > REVISION_MAX) {
        set_fault(fields, REJECT_REVISION_INVALID);
        return;
    }
    fields->event.revision = (uint16_t)whole;
    set_present(fields, FIELD_REVISION);
}

void fields_number(struct fields *fields, enum event_field field, const struct number *number)
{
    if (!claim(fields, field))
        return;
    switch (field) {
    case FIELD_TIME:
    case FIELD_START:
    case FIELD_END:
        set_time(fields, field, number);
        break;
    case FIELD_VALUE:
        value_end(fields, number_to_decimal(&fields->event.value, number));
        break;
    case FIELD_REVISION:
        set_revision(fields, number);
        break;
    default:
        set_fault(fields, type_fault[field]);
    }
}

void fields_timestamp(struct fields *fields, enum event_field field, int64_t seconds,
                      uint32_t nanoseconds)
{
    if (!claim(fields, field))
        return;
    if (field != FIELD_TIME && field != FIELD_START && field != FIELD_END) {
        set_fault(fields, type_fault[field]);
        return;
    }
    enum { SECOND_NS = 1000000000, MILLISECOND_NS = 1000000 };
    int err = nanoseconds >= SECOND_NS ? ERR_SYNTAX : 0;
    if (err == 0 && (seconds < TIME_MIN_MS / 1000 || seconds > TIME_MAX_MS / 1000))
        err = ERR_RANGE;
    if (err == 0)
        *time_slot(&fields->event, field) = seconds * 1000 + nanoseconds / MILLISECOND_NS;
    time_end(fields, field, err);
}

void fields_null(struct fields *fields, enum event_field field)
{
    (void)claim(fields, field);
}

void fields_other(struct fields *fields, enum event_field field)
{
    if (claim(fields, field))
        set_fault(fields, type_fault[field]);
}

/* The time that the event has: an instant, or both ends of an interval, and not something of both.
 */
static uint8_t time_fault(const struct fields *fields)
{
    bool start = has(fields, FIELD_START), end = has(fields, FIELD_END);
    if (has(fields, FIELD_TIME))
        return start || end ? REJECT_TIME_KIND : 0;
    return start && end ? 0 : REJECT_TIME_MISSING;
}

void fields_end(struct fields *fields, const void *bytes, size_t size)
{
    struct event *event = &fields->event;
    event->bytes = bytes;
    event->bytes_size = (uint32_t)size;
    if (size > EVENT_BYTES_MAX)
        event->fault = REJECT_TOO_LARGE;
    if (event->fault != 0)
        return;
    if (!has(fields, FIELD_METER))
        set_fault(fields, REJECT_METER_MISSING);
    set_fault(fields, time_fault(fields));
    if (!has(fields, FIELD_VALUE))
        set_fault(fields, REJECT_VALUE_MISSING);
}

void fields_refuse(struct fields *fields, enum outcome fault, const void *bytes, size_t size)
{
    fields_begin(fields);
    fields->event.fault = (uint8_t)fault;
    fields->event.bytes = bytes;
    fields->event.bytes_size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}
