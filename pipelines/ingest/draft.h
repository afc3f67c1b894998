/*
 * draft.h - what a field's value must be, for every format alike.
 *
 * A format's reader tells which field it found and what stood there; this fills the event and
 * remembers the first thing that is wrong with it. docs/events.md says the same in words.
 */
#ifndef GHGD_DRAFT_H
#define GHGD_DRAFT_H

#include "pipelines/ingest/event.h"
#include "pipelines/ingest/number.h"

struct draft {
    struct event event;
    uint32_t seen;     /* bit 1 << enum event_field, null included */
    uint8_t time_unit; /* enum time_unit, for integer times */
};

/* Begins the next event. */
void draft_begin(struct draft *draft);
/* Text of `size` bytes; of text longer than NAME_BYTES_MAX only the size is looked at. */
void draft_text(struct draft *draft, enum event_field field, const char *text, size_t size);
void draft_number(struct draft *draft, enum event_field field, const struct number *number);
/* MessagePack's timestamp: `nanoseconds` after the second, as they stood there. */
void draft_timestamp(struct draft *draft, enum event_field field, int64_t seconds,
                     uint32_t nanoseconds);
void draft_null(struct draft *draft, enum event_field field);
/* Anything else: a boolean, an array, an object, bytes. */
void draft_other(struct draft *draft, enum event_field field);
/* The event has ended: finds what is missing, and sets its bytes. */
void draft_end(struct draft *draft, const void *bytes, size_t size);
/* An event that is no object, or a message that cannot be read. */
void draft_refuse(struct draft *draft, enum outcome fault, const void *bytes, size_t size);

#endif
