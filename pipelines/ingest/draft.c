#include "pipelines/ingest/draft.h"

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

static void set_fault(struct draft *draft, uint8_t fault)
{
    if (draft->event.fault == 0)
        draft->event.fault = fault;
}

static bool has(const struct draft *draft, enum event_field field)
{
    return (draft->event.present >> field & 1) != 0;
}

static void set_present(struct draft *draft, enum event_field field)
{
    draft->event.present |= 1U << field;
}

/* True if it is the first time that this event has the field. */
static bool claim(struct draft *draft, enum event_field field)
{
    uint32_t bit = 1U << field;
    if ((draft->seen & bit) != 0) {
        set_fault(draft, REJECT_FIELD_DUPLICATE);
        return false;
    }
    draft->seen |= bit;
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

/* True if all eight bytes are ASCII from U+0020 to U+007E. */
static bool is_plain(const uint8_t *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    uint64_t below_space = word - ones * 0x20;
    uint64_t above_tilde = word + ones;
    return ((word | below_space | above_tilde) & ones * 0x80) == 0;
}

/* UTF-8 without control characters: what can be an id, and be printed. */
static bool text_is_clean(const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *)text;
    for (size_t i = 0; i < size;) {
        if (size - i >= sizeof(uint64_t) && is_plain(at + i)) {
            i += sizeof(uint64_t);
            continue;
        }
        size_t step = 1;
        if (at[i] < 0x20 || at[i] >= 0x7f)
            step = at[i] < 0x80 ? 0 : sequence_size(at + i, size - i);
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
static void time_end(struct draft *draft, enum event_field field, int err)
{
    int64_t time_ms = *time_slot(&draft->event, field);
    if (err == ERR_RANGE || (err == 0 && (time_ms < TIME_MIN_MS || time_ms > TIME_MAX_MS)))
        set_fault(draft, REJECT_TIME_RANGE);
    else if (err < 0)
        set_fault(draft, REJECT_TIME_INVALID);
    else
        set_present(draft, field);
}

static void value_end(struct draft *draft, int err)
{
    if (err == 0)
        set_present(draft, FIELD_VALUE);
    else
        set_fault(draft, err == ERR_RANGE ? REJECT_VALUE_RANGE : REJECT_VALUE_INVALID);
}

static void set_meter(struct draft *draft, const char *text, size_t size)
{
    if (size == 0 || size > NAME_BYTES_MAX) {
        set_fault(draft, REJECT_METER_MISSING);
        return;
    }
    if (!text_is_clean(text, size)) {
        set_fault(draft, REJECT_METER_TYPE);
        return;
    }
    draft->event.meter = text;
    draft->event.meter_size = (uint32_t)size;
    set_present(draft, FIELD_METER);
}

static void set_unit(struct draft *draft, const char *text, size_t size)
{
    if (size == 0 || size > UNIT_BYTES_MAX) {
        set_fault(draft, REJECT_UNIT_UNKNOWN);
        return;
    }
    draft->event.unit = text;
    draft->event.unit_size = (uint32_t)size;
    set_present(draft, FIELD_UNIT);
}

static void set_quality(struct draft *draft, const char *text, size_t size)
{
    int quality = size > NAME_BYTES_MAX ? -1 : quality_find(text, size);
    if (quality < 0) {
        set_fault(draft, REJECT_QUALITY_INVALID);
        return;
    }
    draft->event.quality = (uint8_t)quality;
    set_present(draft, FIELD_QUALITY);
}

static void set_id(struct draft *draft, const char *text, size_t size)
{
    if (size == 0 || size > NAME_BYTES_MAX || !text_is_clean(text, size))
        return;
    draft->event.id = text;
    draft->event.id_size = (uint32_t)size;
    set_present(draft, FIELD_ID);
}

void draft_begin(struct draft *draft)
{
    draft->seen = 0;
    draft->event = (struct event){.quality = QUALITY_ACTUAL};
}

void draft_text(struct draft *draft, enum event_field field, const char *text, size_t size)
{
    if (!claim(draft, field))
        return;
    bool too_long = size > NAME_BYTES_MAX;
    switch (field) {
    case FIELD_METER:
        set_meter(draft, text, size);
        break;
    case FIELD_TIME:
    case FIELD_START:
    case FIELD_END:
        time_end(draft, field,
                 too_long ? ERR_SYNTAX
                          : timestamp_parse(time_slot(&draft->event, field), text, size));
        break;
    case FIELD_VALUE:
        value_end(draft, too_long ? ERR_SYNTAX : decimal_parse(&draft->event.value, text, size));
        break;
    case FIELD_UNIT:
        set_unit(draft, text, size);
        break;
    case FIELD_QUALITY:
        set_quality(draft, text, size);
        break;
    case FIELD_ID:
        set_id(draft, text, size);
        break;
    default:
        set_fault(draft, type_fault[field]);
    }
}

static void set_time(struct draft *draft, enum event_field field, const struct number *number)
{
    int64_t whole;
    int err = draft->time_unit == TIME_UNIT_NONE ? ERR_SYNTAX : number_to_whole(&whole, number);
    if (err == 0)
        err = timestamp_from_int(time_slot(&draft->event, field), whole,
                                 (enum time_unit)draft->time_unit);
    time_end(draft, field, err);
}

static void set_revision(struct draft *draft, const struct number *number)
{
    int64_t whole;
    if (number_to_whole(&whole, number) < 0 || whole < 0 || whole > REVISION_MAX) {
        set_fault(draft, REJECT_REVISION_INVALID);
        return;
    }
    draft->event.revision = (uint16_t)whole;
    set_present(draft, FIELD_REVISION);
}

void draft_number(struct draft *draft, enum event_field field, const struct number *number)
{
    if (!claim(draft, field))
        return;
    switch (field) {
    case FIELD_TIME:
    case FIELD_START:
    case FIELD_END:
        set_time(draft, field, number);
        break;
    case FIELD_VALUE:
        value_end(draft, number_to_decimal(&draft->event.value, number));
        break;
    case FIELD_REVISION:
        set_revision(draft, number);
        break;
    default:
        set_fault(draft, type_fault[field]);
    }
}

void draft_timestamp(struct draft *draft, enum event_field field, int64_t seconds,
                     uint32_t nanoseconds)
{
    if (!claim(draft, field))
        return;
    if (field != FIELD_TIME && field != FIELD_START && field != FIELD_END) {
        set_fault(draft, type_fault[field]);
        return;
    }
    enum { SECOND_NS = 1000000000, MILLISECOND_NS = 1000000 };
    int err = nanoseconds >= SECOND_NS ? ERR_SYNTAX : 0;
    if (err == 0 && (seconds < TIME_MIN_MS / 1000 || seconds > TIME_MAX_MS / 1000))
        err = ERR_RANGE;
    if (err == 0)
        *time_slot(&draft->event, field) = seconds * 1000 + nanoseconds / MILLISECOND_NS;
    time_end(draft, field, err);
}

void draft_null(struct draft *draft, enum event_field field)
{
    (void)claim(draft, field);
}

void draft_other(struct draft *draft, enum event_field field)
{
    if (claim(draft, field))
        set_fault(draft, type_fault[field]);
}

/* The time that the event has: an instant, or both ends of an interval, and not something of both.
 */
static uint8_t time_fault(const struct draft *draft)
{
    bool start = has(draft, FIELD_START), end = has(draft, FIELD_END);
    if (has(draft, FIELD_TIME))
        return start || end ? REJECT_TIME_KIND : 0;
    return start && end ? 0 : REJECT_TIME_MISSING;
}

void draft_end(struct draft *draft, const void *bytes, size_t size)
{
    struct event *event = &draft->event;
    event->bytes = bytes;
    event->bytes_size = (uint32_t)size;
    if (size > EVENT_BYTES_MAX)
        event->fault = REJECT_TOO_LARGE;
    if (event->fault != 0)
        return;
    if (!has(draft, FIELD_METER))
        set_fault(draft, REJECT_METER_MISSING);
    set_fault(draft, time_fault(draft));
    if (!has(draft, FIELD_VALUE))
        set_fault(draft, REJECT_VALUE_MISSING);
}

void draft_refuse(struct draft *draft, enum outcome fault, const void *bytes, size_t size)
{
    draft_begin(draft);
    draft->event.fault = (uint8_t)fault;
    draft->event.bytes = bytes;
    draft->event.bytes_size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}
