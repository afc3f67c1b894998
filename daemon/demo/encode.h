/*
 * encode.h - readings as a factory's gateway writes them: an array of events in one message.
 */
#ifndef GHGD_ENCODE_H
#define GHGD_ENCODE_H

#include "base/buffer.h"

/* One event to be written; times are milliseconds, an instant has start_ms == end_ms. */
struct demo_event {
    const char *meter, *unit, *quality; /* unit and quality may be NULL */
    int64_t start_ms, end_ms;
    int64_t value_milli;
    uint32_t revision; /* 0 is not written */
};

/* Both append one message to `out`. JSON has numbers and RFC 3339, MessagePack has decimal strings
 * and its own timestamps. */
void encode_json(struct buffer *out, const struct demo_event *events, uint32_t count);
void encode_msgpack(struct buffer *out, const struct demo_event *events, uint32_t count);

#endif
