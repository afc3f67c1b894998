/*
 * event.h - one event as it stood in its message: names and text borrowed from the message.
 *
 * Decoders (JSON, MessagePack) fill it; ingest/resolve.h turns it into an event of a batch.
 */
#ifndef GHGD_EVENT_H
#define GHGD_EVENT_H

#include "base/decimal.h"
#include "base/measure.h"
#include "pipelines/ingest/outcome.h"

enum event_field {
    FIELD_METER,
    FIELD_TIME,
    FIELD_START,
    FIELD_END,
    FIELD_VALUE,
    FIELD_UNIT,
    FIELD_QUALITY,
    FIELD_REVISION,
    FIELD_ID,
    FIELD_EVENT,
    FIELD_FINAL,
    FIELD_INITIAL,
    FIELD_OF,
    FIELD_COUNT
};

/* The word in the field `event`; an event without it is a reading. */
enum event_kind {
    EVENT_READING,
    EVENT_EXCHANGE, /* of a register's counter: it has `final` and `initial` instead of `value` */
    EVENT_DIP,
    EVENT_DELIVERY,
    EVENT_TRANSFER,
    EVENT_CREDIT,
    EVENT_ACCEPT, /* decisions of people on a reading, which `of` and `id` name further */
    EVENT_DROP,
    EVENT_KIND_COUNT
};

struct event {
    uint32_t present;  /* bit 1 << enum event_field for what the event has; null is absent */
    uint8_t fault;     /* 0, or the enum outcome (REJECT_...) of the first field that is wrong;
                          what is missing counts as wrong at the event's end */
    uint8_t quality;   /* enum quality; actual if absent */
    uint16_t revision; /* 0 if absent */
    uint8_t kind;      /* enum event_kind */
    uint8_t of;        /* decisions: the enum event_kind of the reading that they name */
    bool id_is_bad;    /* there is an `id`, and it is no text of 1 to 255 bytes */
    /* Text lies in the message, or in the decoder's scratch until the next event. A number as `id`
     * is its text: in JSON the digits that stand there. */
    const char *meter, *unit, *id;
    uint32_t meter_size, unit_size, id_size;
    int64_t time_ms, start_ms, end_ms;
    struct decimal value, final, initial; /* an exchange has the last two only */
    const void *bytes;                    /* the event's own bytes inside the message */
    uint32_t bytes_size;
};

/* A decision of a person is no reading: it has neither value nor unit. */
static inline bool event_kind_decides(uint8_t kind)
{
    return kind == EVENT_ACCEPT || kind == EVENT_DROP;
}

enum event_format { FORMAT_AUTO, FORMAT_JSON, FORMAT_MSGPACK };

#endif
