/*
 * decode.h - what the readers of the formats share: where a message's events go, and how.
 */
#ifndef GHGD_DECODE_H
#define GHGD_DECODE_H

#include "pipelines/ingest/decoder.h"
#include "pipelines/ingest/event_builder.h"
#include "pipelines/ingest/field_map.h"

/* Arrays and objects inside each other in a message; deeper is REJECT_UNDECODABLE. */
enum { NESTING_MAX = 32 };

struct json_index;

struct decode {
    struct field_map names;
    struct event_builder builder;
    event_fn fn;
    void *context;
    struct json_index *json;
    char scratch[FIELD_COUNT + 1]
                [NAME_BYTES_MAX + 1]; /* JSON's texts with escapes; the last: a key */
};

/* Hands the event on that ends here, or one that is refused. */
static inline void decode_give(struct decode *decode, const void *bytes, size_t size)
{
    event_builder_end(&decode->builder, bytes, size);
    decode->fn(decode->context, &decode->builder.event);
}
static inline void decode_refuse(struct decode *decode, enum outcome fault, const void *bytes,
                                 size_t size)
{
    event_builder_refuse(&decode->builder, fault, bytes, size);
    decode->fn(decode->context, &decode->builder.event);
}

/* Each gives the events of one message; true if all of it could be read. */
bool decode_msgpack(struct decode *decode, const uint8_t *message, size_t size);
bool decode_json(struct decode *decode, const char *message, size_t size);

#endif
