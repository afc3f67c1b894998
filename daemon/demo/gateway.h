/*
 * gateway.h - readings as a factory's gateway writes them: an array of events in one message.
 */
#ifndef GHGD_GATEWAY_H
#define GHGD_GATEWAY_H

#include "base/buffer.h"

/* One event to be written; times are milliseconds, an instant has start_ms == end_ms. */
struct gateway_event {
    const char *meter, *unit, *quality; /* unit and quality may be NULL */
    int64_t start_ms, end_ms;
    int64_t value_milli;
    uint32_t revision; /* 0 is not written */
};

/* Both append one message to `out`. JSON has numbers and RFC 3339, MessagePack has decimal strings
 * and its own timestamps. */
void gateway_write_json(struct buffer *out, const struct gateway_event *events, uint32_t count);
void gateway_write_msgpack(struct buffer *out, const struct gateway_event *events, uint32_t count);

#endif
