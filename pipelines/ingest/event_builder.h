/*
 * event_builder.h - what a field's value must be, for every format alike.
 *
 * A format's reader tells which field it found, and its value. The builder fills the event, and
 * remembers the first fault of it. docs/events.md says the same in words.
 */
#ifndef GHGD_EVENT_BUILDER_H
#define GHGD_EVENT_BUILDER_H

#include "pipelines/ingest/event.h"
#include "pipelines/ingest/numeric.h"

struct event_builder {
    struct event event;
    uint32_t seen;          /* bit 1 << enum event_field, null included */
    uint8_t time_unit;      /* enum time_unit, for integer times */
    uint8_t exchange_fault; /* of `final` and `initial`: they mean something in an exchange only */
    bool of_is_bad;         /* the same of `of`, in a decision */
    char number[32];        /* the text of an id that is a number and had none in the message */
};

/* The word for a kind in the fields `event` and `of`. */
const char *event_kind_word(enum event_kind kind);

/* Begins the next event. */
void event_builder_begin(struct event_builder *builder);
/* Text of `size` bytes; of text longer than NAME_BYTES_MAX only the size is looked at. */
void event_builder_text(struct event_builder *builder, enum event_field field, const char *text,
                        size_t size);
void event_builder_number(struct event_builder *builder, enum event_field field,
                          const struct numeric *number);
/* MessagePack's timestamp: `nanoseconds` after the second, as they stood there. */
void event_builder_timestamp(struct event_builder *builder, enum event_field field, int64_t seconds,
                             uint32_t nanoseconds);
void event_builder_null(struct event_builder *builder, enum event_field field);
/* Anything else: a boolean, an array, an object, bytes. */
void event_builder_other(struct event_builder *builder, enum event_field field);
/* The event has ended: finds what is missing, and sets its bytes. */
void event_builder_end(struct event_builder *builder, const void *bytes, size_t size);
/* An event that is no object, or a message that cannot be read. */
void event_builder_refuse(struct event_builder *builder, enum outcome fault, const void *bytes,
                          size_t size);

#endif
