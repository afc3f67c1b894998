/*
 * event.h - one event as it stood in its message: names and text borrowed from the message.
 *
 * Decoders (JSON, MessagePack) fill it; ingest/resolve.h turns it into a row of a batch.
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
    FIELD_COUNT
};

struct event {
    uint32_t present;  /* bit 1 << enum event_field for what the event has; null is absent */
    uint8_t fault;     /* 0, or the enum outcome (REJECT_...) of the first field that is wrong;
                          what is missing counts as wrong at the event's end */
    uint8_t quality;   /* enum quality; actual if absent */
    uint16_t revision; /* 0 if absent */
    /* Text lies in the message, or in the decoder's scratch until the next event. */
    const char *meter, *unit, *id;
    uint32_t meter_size, unit_size, id_size;
    int64_t time_ms, start_ms, end_ms;
    struct decimal value;
    const void *bytes; /* the event's own bytes inside the message */
    uint32_t bytes_size;
};

/* Inner names of a path like "device.meter.id". */
enum { FIELD_PATH_DEPTH_MAX = 8 };

enum event_format { FORMAT_AUTO, FORMAT_JSON, FORMAT_MSGPACK };

struct decode_conf {
    enum event_format format;
    uint8_t time_unit; /* enum time_unit, for integer times */
    /* How the input names its fields: names with dots between for fields of nested objects
     * ("device.id"), NULL for the native name. Borrowed during decoder_create() only. */
    const char *fields[FIELD_COUNT];
};

/* Gets every event of a message in order, faulty ones included (event->fault set, bytes set). The
 * event lives during the call, its bytes as long as the message. */
typedef void (*event_fn)(void *context, const struct event *event);

/* A decoder takes all its memory when it is made and is reused for every message; one per thread.
 * It learns in which order a producer writes its fields; that changes its speed, no result. */
struct decoder;
/* Returns 0; -ENOMEM; or -EINVAL if a path is empty, too deep, has an empty name or one with a
 * backslash, or is the same as or the beginning of another field's path. */
int decoder_create(struct decoder **decoder_out, const struct decode_conf *conf) MUST_CHECK;
void decoder_destroy(struct decoder **decoder);
/* Decodes one message: one event or an array of events; an empty array has none. If the message as
 * a whole cannot be read, `fn` gets one event with fault REJECT_UNDECODABLE or REJECT_TOO_LARGE and
 * the whole message as bytes; elements before the damage have been given. An element that is no
 * object is given with fault REJECT_UNDECODABLE and its own bytes, and the others are read. Never
 * fails otherwise, allocates nothing, reads no byte outside the message. */
void decoder_decode(struct decoder *decoder, const void *message, size_t size, event_fn fn,
                    void *context);

#endif
