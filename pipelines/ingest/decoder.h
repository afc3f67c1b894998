/*
 * decoder.h - from the bytes of a message to its events, in JSON or MessagePack.
 *
 * docs/events.md has the rules, which are the same for both. Owned by one thread.
 */
#ifndef GHGD_DECODER_H
#define GHGD_DECODER_H

#include "pipelines/ingest/event.h"

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

/* A decoder takes all its memory when it is made. For JSON that is 4 bytes for each byte of the
 * largest message; only used pages become resident. It is reused for every message; one per thread.
 * It learns in which order a producer writes its fields; that changes its speed, no result.
 */
struct decoder;
/* Returns 0 or -ENOMEM. -EINVAL: a path has more than eight names, an empty name or a name with a
 * backslash. Or the path is the beginning of another field's path, or the same. */
int decoder_create(struct decoder **decoder_out, const struct decode_conf *conf) MUST_CHECK;
void decoder_destroy(struct decoder **decoder);
/* Decodes one message: one event or an array of events; an empty array has none. `native`: the
 * message says that it is JSON with ghgd's own names and text as times, whatever the input
 * declares. If the message as
 * a whole cannot be read, `fn` gets one event with fault REJECT_UNDECODABLE or REJECT_TOO_LARGE and
 * the whole message as bytes. Elements before the damage have been given. An element that is no
 * object is given with fault REJECT_UNDECODABLE and its own bytes, and the others are read. Never
 * fails otherwise, allocates nothing, reads no byte outside the message. */
void decoder_decode(struct decoder *decoder, const void *message, size_t size, bool native,
                    event_fn fn, void *context);

#endif
