#include "pipelines/ingest/event_builder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/timestamp.h"
#include "base/utf8.h"

/* The reason when a field's value is of a type that it cannot be. An id has none here: whether a
 * wrong one is a reason depends on the meter. */
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
    [FIELD_EVENT] = REJECT_EVENT_INVALID,
    [FIELD_FINAL] = REJECT_VALUE_INVALID,
    [FIELD_INITIAL] = REJECT_VALUE_INVALID,
    [FIELD_OF] = REJECT_EVENT_INVALID,
};

static const char *const event_words[EVENT_KIND_COUNT] = {
    [EVENT_EXCHANGE] = "exchange", [EVENT_DIP] = "dip",       [EVENT_DELIVERY] = "delivery",
    [EVENT_TRANSFER] = "transfer", [EVENT_CREDIT] = "credit", [EVENT_ACCEPT] = "accept",
    [EVENT_DROP] = "drop",
};

/* A reading has no `event`; in `of` it has a word. */
#define READING_WORD "reading"

const char *event_kind_word(enum event_kind kind)
{
    return kind == EVENT_READING ? READING_WORD : event_words[kind];
}

static void set_fault(struct event_builder *builder, uint8_t fault)
{
    if (builder->event.fault == 0)
        builder->event.fault = fault;
}

/* The fault of one field's type or value. */
static void set_fault_of(struct event_builder *builder, enum event_field field, uint8_t fault)
{
    if (field == FIELD_ID)
        builder->event.id_is_bad = true;
    else if (field == FIELD_OF)
        builder->of_is_bad = true;
    else if (field != FIELD_FINAL && field != FIELD_INITIAL)
        set_fault(builder, fault);
    else if (builder->exchange_fault == 0)
        builder->exchange_fault = fault;
}

static bool has(const struct event_builder *builder, enum event_field field)
{
    return (builder->event.present >> field & 1) != 0;
}

static void set_present(struct event_builder *builder, enum event_field field)
{
    builder->event.present |= 1U << field;
}

/* True if it is the first time that this event has the field. */
static bool claim(struct event_builder *builder, enum event_field field)
{
    uint32_t bit = 1U << field;
    if ((builder->seen & bit) != 0) {
        set_fault(builder, REJECT_FIELD_DUPLICATE);
        return false;
    }
    builder->seen |= bit;
    return true;
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
        uint32_t character;
        size_t step = utf8_read(at + i, size - i, &character);
        if (step == 0 || character < 0x20 || character == 0x7f)
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
static void time_end(struct event_builder *builder, enum event_field field, int err)
{
    int64_t time_ms = *time_slot(&builder->event, field);
    if (err == ERR_RANGE || (err == 0 && (time_ms < TIME_MIN_MS || time_ms > TIME_MAX_MS)))
        set_fault(builder, REJECT_TIME_RANGE);
    else if (err < 0)
        set_fault(builder, REJECT_TIME_INVALID);
    else
        set_present(builder, field);
}

static struct decimal *value_slot(struct event *event, enum event_field field)
{
    return field == FIELD_VALUE ? &event->value
                                : (field == FIELD_FINAL ? &event->final : &event->initial);
}

/* `err` of reading the number that stands in its slot already. */
static void value_end(struct event_builder *builder, enum event_field field, int err)
{
    if (err == 0)
        set_present(builder, field);
    else
        set_fault_of(builder, field, err == ERR_RANGE ? REJECT_VALUE_RANGE : REJECT_VALUE_INVALID);
}

static void set_meter(struct event_builder *builder, const char *text, size_t size)
{
    if (size == 0 || size > NAME_BYTES_MAX) {
        set_fault(builder, REJECT_METER_MISSING);
        return;
    }
    if (!text_is_clean(text, size)) {
        set_fault(builder, REJECT_METER_TYPE);
        return;
    }
    builder->event.meter = text;
    builder->event.meter_size = (uint32_t)size;
    set_present(builder, FIELD_METER);
}

static void set_unit(struct event_builder *builder, const char *text, size_t size)
{
    if (size == 0 || size > UNIT_BYTES_MAX) {
        set_fault(builder, REJECT_UNIT_UNKNOWN);
        return;
    }
    builder->event.unit = text;
    builder->event.unit_size = (uint32_t)size;
    set_present(builder, FIELD_UNIT);
}

static void set_quality(struct event_builder *builder, const char *text, size_t size)
{
    int quality = size > NAME_BYTES_MAX ? -1 : quality_find(text, size);
    if (quality < 0) {
        set_fault(builder, REJECT_QUALITY_INVALID);
        return;
    }
    builder->event.quality = (uint8_t)quality;
    set_present(builder, FIELD_QUALITY);
}

static void set_id(struct event_builder *builder, const char *text, size_t size)
{
    if (size == 0 || size > NAME_BYTES_MAX || !text_is_clean(text, size)) {
        builder->event.id_is_bad = true;
        return;
    }
    builder->event.id = text;
    builder->event.id_size = (uint32_t)size;
    set_present(builder, FIELD_ID);
}

/* The text of an id that is a number: what stands in JSON, the shortest one of MessagePack's. */
static void set_id_number(struct event_builder *builder, const struct numeric *number)
{
    char *text = builder->number;
    size_t size = sizeof(builder->number);
    builder->number[0] = '\0'; /* no text: NaN, the infinities */
    switch (number->form) {
    case NUMERIC_TEXT:
        set_id(builder, number->text, number->size);
        return;
    case NUMERIC_INT:
        (void)snprintf(text, size, "%" PRId64, number->integer);
        break;
    case NUMERIC_UINT:
        (void)snprintf(text, size, "%" PRIu64, number->whole);
        break;
    case NUMERIC_FLOAT:
        for (int digits = 6; isfinite(number->single) && digits <= 9; digits++)
            if (snprintf(text, size, "%.*g", digits, (double)number->single) > 0 &&
                strtof(text, NULL) == number->single)
                break;
        break;
    case NUMERIC_DOUBLE:
        for (int digits = 15; isfinite(number->real) && digits <= 17; digits++)
            if (snprintf(text, size, "%.*g", digits, number->real) > 0 &&
                strtod(text, NULL) == number->real)
                break;
        break;
    }
    set_id(builder, text, strlen(text));
}

/* EVENT_KIND_COUNT: it is no word of an event. */
static enum event_kind find_kind(const char *text, size_t size)
{
    enum event_kind kind = EVENT_READING + 1;
    while (kind < EVENT_KIND_COUNT &&
           (size != strlen(event_words[kind]) || memcmp(text, event_words[kind], size) != 0))
        kind++;
    return kind;
}

static void set_kind(struct event_builder *builder, const char *text, size_t size)
{
    enum event_kind kind = find_kind(text, size);
    if (kind == EVENT_KIND_COUNT) {
        set_fault(builder, REJECT_EVENT_INVALID);
        return;
    }
    builder->event.kind = (uint8_t)kind;
    set_present(builder, FIELD_EVENT);
}

/* A decision is about any kind of event but another decision. */
static void set_of(struct event_builder *builder, const char *text, size_t size)
{
    bool reading = size == strlen(READING_WORD) && memcmp(text, READING_WORD, size) == 0;
    enum event_kind kind = reading ? EVENT_READING : find_kind(text, size);
    builder->of_is_bad = kind == EVENT_KIND_COUNT || event_kind_decides((uint8_t)kind);
    builder->event.of = builder->of_is_bad ? EVENT_READING : (uint8_t)kind;
}

void event_builder_begin(struct event_builder *builder)
{
    builder->seen = 0;
    builder->exchange_fault = 0;
    builder->of_is_bad = false;
    builder->event = (struct event){.quality = QUALITY_ACTUAL};
}

void event_builder_text(struct event_builder *builder, enum event_field field, const char *text,
                        size_t size)
{
    if (!claim(builder, field))
        return;
    bool too_long = size > NAME_BYTES_MAX;
    switch (field) {
    case FIELD_METER:
        set_meter(builder, text, size);
        break;
    case FIELD_TIME:
    case FIELD_START:
    case FIELD_END:
        time_end(builder, field,
                 too_long ? ERR_SYNTAX
                          : timestamp_parse(time_slot(&builder->event, field), text, size));
        break;
    case FIELD_VALUE:
    case FIELD_FINAL:
    case FIELD_INITIAL:
        value_end(builder, field,
                  too_long ? ERR_SYNTAX
                           : decimal_parse(value_slot(&builder->event, field), text, size));
        break;
    case FIELD_UNIT:
        set_unit(builder, text, size);
        break;
    case FIELD_QUALITY:
        set_quality(builder, text, size);
        break;
    case FIELD_ID:
        set_id(builder, text, size);
        break;
    case FIELD_EVENT:
        set_kind(builder, text, size);
        break;
    case FIELD_OF:
        set_of(builder, text, size);
        break;
    default:
        set_fault_of(builder, field, type_fault[field]);
    }
}

static void set_time(struct event_builder *builder, enum event_field field,
                     const struct numeric *number)
{
    int64_t whole;
    int err = builder->time_unit == TIME_UNIT_NONE ? ERR_SYNTAX : numeric_to_whole(&whole, number);
    if (err == 0)
        err = timestamp_from_int(time_slot(&builder->event, field), whole,
                                 (enum time_unit)builder->time_unit);
    time_end(builder, field, err);
}

static void set_revision(struct event_builder *builder, const struct numeric *number)
{
    int64_t whole;
    if (numeric_to_whole(&whole, number) < 0 || whole < 0 || whole > REVISION_MAX) {
        set_fault(builder, REJECT_REVISION_INVALID);
        return;
    }
    builder->event.revision = (uint16_t)whole;
    set_present(builder, FIELD_REVISION);
}

void event_builder_number(struct event_builder *builder, enum event_field field,
                          const struct numeric *number)
{
    if (!claim(builder, field))
        return;
    switch (field) {
    case FIELD_TIME:
    case FIELD_START:
    case FIELD_END:
        set_time(builder, field, number);
        break;
    case FIELD_VALUE:
    case FIELD_FINAL:
    case FIELD_INITIAL:
        value_end(builder, field, numeric_to_decimal(value_slot(&builder->event, field), number));
        break;
    case FIELD_REVISION:
        set_revision(builder, number);
        break;
    case FIELD_ID:
        set_id_number(builder, number);
        break;
    default:
        set_fault_of(builder, field, type_fault[field]);
    }
}

void event_builder_timestamp(struct event_builder *builder, enum event_field field, int64_t seconds,
                             uint32_t nanoseconds)
{
    if (!claim(builder, field))
        return;
    if (field != FIELD_TIME && field != FIELD_START && field != FIELD_END) {
        set_fault_of(builder, field, type_fault[field]);
        return;
    }
    enum { SECOND_NS = 1000000000, MILLISECOND_NS = 1000000 };
    int err = nanoseconds >= SECOND_NS ? ERR_SYNTAX : 0;
    if (err == 0 && (seconds < TIME_MIN_MS / 1000 || seconds > TIME_MAX_MS / 1000))
        err = ERR_RANGE;
    if (err == 0)
        *time_slot(&builder->event, field) = seconds * 1000 + nanoseconds / MILLISECOND_NS;
    time_end(builder, field, err);
}

void event_builder_null(struct event_builder *builder, enum event_field field)
{
    (void)claim(builder, field);
}

void event_builder_other(struct event_builder *builder, enum event_field field)
{
    if (claim(builder, field))
        set_fault_of(builder, field, type_fault[field]);
}

/* The time that the event has: an instant, or both ends of an interval, and not something of both.
 */
static uint8_t time_fault(const struct event_builder *builder)
{
    bool start = has(builder, FIELD_START), end = has(builder, FIELD_END);
    if (has(builder, FIELD_TIME))
        return start || end ? REJECT_TIME_KIND : 0;
    return start && end ? 0 : REJECT_TIME_MISSING;
}

/* An exchange has the last state of the old counter and the first of the new one, and no other. A
 * decision has no value at all. */
static uint8_t value_fault(const struct event_builder *builder)
{
    bool value = has(builder, FIELD_VALUE);
    if (event_kind_decides(builder->event.kind))
        return builder->of_is_bad ? REJECT_EVENT_INVALID : (value ? REJECT_EVENT_KIND : 0);
    if (builder->event.kind != EVENT_EXCHANGE)
        return value ? 0 : REJECT_VALUE_MISSING;
    if (builder->exchange_fault != 0)
        return builder->exchange_fault;
    if (value)
        return REJECT_EVENT_KIND;
    return has(builder, FIELD_FINAL) && has(builder, FIELD_INITIAL) ? 0 : REJECT_VALUE_MISSING;
}

void event_builder_end(struct event_builder *builder, const void *bytes, size_t size)
{
    struct event *event = &builder->event;
    event->bytes = bytes;
    event->bytes_size = (uint32_t)size;
    if (size > EVENT_BYTES_MAX)
        event->fault = REJECT_TOO_LARGE;
    if (event->fault != 0)
        return;
    if (!has(builder, FIELD_METER))
        set_fault(builder, REJECT_METER_MISSING);
    set_fault(builder, time_fault(builder));
    set_fault(builder, value_fault(builder));
}

void event_builder_refuse(struct event_builder *builder, enum outcome fault, const void *bytes,
                          size_t size)
{
    event_builder_begin(builder);
    builder->event.fault = (uint8_t)fault;
    builder->event.bytes = bytes;
    builder->event.bytes_size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}
