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
    uint32_t present;   /* bit 1 << enum event_field for what the event has */
    uint8_t fault;      /* 0, or the enum outcome (REJECT_...) of the first field that is wrong */
    uint8_t quality;    /* enum quality; actual if absent */
    uint16_t revision;  /* 0 if absent */
    uint32_t meter_size, unit_size, id_size;
    const char *meter, *unit, *id; /* in the message, or in the decoder's scratch until the next event */
    int64_t time_ms, start_ms, end_ms;
    struct decimal value;
    const void *bytes;  /* the event's own bytes inside the message */
    uint32_t bytes_size;
};

/* How an input names its fields. Paths are split at dots: "device.id". */
enum { FIELD_PATH_DEPTH_MAX = 8 };
struct field_map {
    struct {
        const char *names[FIELD_PATH_DEPTH_MAX];
        uint32_t depth; /* 1 for a plain name */
    } paths[FIELD_COUNT];
    bool native;        /* all paths are the plain native names: the fast readers may be used */
};

enum event_format { FORMAT_AUTO, FORMAT_JSON, FORMAT_MSGPACK };

struct decode_conf {
    enum event_format format;
    uint8_t time_unit;        /* enum time_unit, for integer times */
    struct field_map fields;
};

/* Gets every event of a message in order, faulty ones included (event->fault set, bytes set). */
typedef void (*event_fn)(void *context, const struct event *event);

/* A decoder holds scratch memory and is reused for every message; one per thread. */
struct decoder;
int decoder_create(struct decoder **decoder_out, const struct decode_conf *conf) MUST_CHECK;
void decoder_destroy(struct decoder **decoder);
/* Decodes one message: one event or an array of events. If the message as a whole cannot be read,
 * `fn` gets one event with fault REJECT_UNDECODABLE or REJECT_TOO_LARGE and the whole message as
 * bytes; elements before the damage have been given. Never fails otherwise. */
void decoder_decode(struct decoder *decoder, const void *message, size_t size, event_fn fn,
                    void *context);

#endif
