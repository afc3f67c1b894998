/*
 * fields.h - what a field's value must be, for every format alike.
 *
 * A format's reader tells which field it found and what stood there; this fills the event and
 * remembers the first thing that is wrong with it. docs/events.md says the same in words.
 */
#ifndef GHGD_FIELDS_H
#define GHGD_FIELDS_H

#include "pipelines/ingest/event.h"
#include "pipelines/ingest/number.h"

struct fields {
    struct event event;
    uint32_t seen;     /* bit 1 << enum event_field, null included */
    uint8_t time_unit; /* enum time_unit, for integer times */
};

/* Begins the next event. */
void fields_begin(struct fields *fields);
/* Text of `size` bytes; of text longer than NAME_BYTES_MAX only the size is looked at. */
void fields_text(struct fields *fields, enum event_field field, const char *text, size_t size);
void fields_number(struct fields *fields, enum event_field field, const struct number *number);
/* MessagePack's timestamp: `nanoseconds` after the second, as they stood there. */
void fields_timestamp(struct fields *fields, enum event_field field, int64_t seconds,
                      uint32_t nanoseconds);
void fields_null(struct fields *fields, enum event_field field);
/* Anything else: a boolean, an array, an object, bytes. */
void fields_other(struct fields *fields, enum event_field field);
/* The event has ended: finds what is missing, and sets its bytes. */
void fields_end(struct fields *fields, const void *bytes, size_t size);
/* An event that is no object, or a message that cannot be read. */
void fields_refuse(struct fields *fields, enum outcome fault, const void *bytes, size_t size);

#endif
