/*
 * Any bytes as a MessagePack message, beside msgpack-c: both read it to its end or neither does,
 * with the same elements. An accepted event has the fields that msgpack-c finds in it.
 */
#include "base/base.h"
#include "base/timestamp.h"
#include "pipelines/ingest/decoder.h"

#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct given {
    const uint8_t *message;
    size_t size, count;
    const msgpack_object *want; /* the elements; NULL if msgpack-c cannot read the message */
    size_t want_count;
    struct event last;
};

/* How often the map has this name, and its last value. */
static size_t find(const msgpack_object *map, const char *name, const msgpack_object **value_out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object *key = &map->via.map.ptr[i].key;
        if (key->type == MSGPACK_OBJECT_STR && key->via.str.size == strlen(name) &&
            memcmp(key->via.str.ptr, name, key->via.str.size) == 0) {
            *value_out = &map->via.map.ptr[i].val;
            count++;
        }
    }
    return count;
}

static double double_of(const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return (double)object->via.u64;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return (double)object->via.i64;
    default:
        return object->via.f64;
    }
}

static void check_value(const struct event *event, const msgpack_object *value)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%" PRId64 "e%" PRId32, event->value.digits,
                   -event->value.scale);
    double got = strtod(text, NULL);
    if (value->type == MSGPACK_OBJECT_FLOAT32)
        ASSERT((float)got == (float)value->via.f64);
    else if (value->type != MSGPACK_OBJECT_STR)
        ASSERT(got == double_of(value));
}

static void check_event(const struct event *event, const msgpack_object *map)
{
    static const char *const names[FIELD_COUNT] = {"meter", "time",    "start",    "end", "value",
                                                   "unit",  "quality", "revision", "id",  "event",
                                                   "final", "initial", "of"};
    size_t most = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const msgpack_object *value = NULL;
        size_t count = find(map, names[i], &value);
        bool present = (event->present >> i & 1) != 0;
        most = count > most ? count : most;
        if (event->fault != 0)
            continue;
        ASSERT(count <= 1);
        bool given = value != NULL && value->type != MSGPACK_OBJECT_NIL;
        ASSERT(present == given || (i >= FIELD_ID && i != FIELD_EVENT && given));
        if (i == FIELD_METER && value != NULL)
            ASSERT(value->type == MSGPACK_OBJECT_STR && value->via.str.size == event->meter_size &&
                   memcmp(value->via.str.ptr, event->meter, event->meter_size) == 0);
        if (i == FIELD_VALUE && value != NULL)
            check_value(event, value);
    }
    if (event->fault == REJECT_FIELD_DUPLICATE)
        ASSERT(most > 1);
}

static void take_event(void *context, const struct event *event)
{
    struct given *given = context;
    const uint8_t *bytes = event->bytes;
    size_t index = given->count++;
    ASSERT(bytes >= given->message && event->bytes_size <= given->size);
    ASSERT((size_t)(bytes - given->message) <= given->size - event->bytes_size);
    given->last = *event;
    if (given->want == NULL)
        return;
    ASSERT(index < given->want_count);
    const msgpack_object *want = &given->want[index];
    ASSERT((event->fault == REJECT_UNDECODABLE) == (want->type != MSGPACK_OBJECT_MAP));
    if (want->type == MSGPACK_OBJECT_MAP && event->fault != REJECT_TOO_LARGE)
        check_event(event, want);
}

/* msgpack-c allocates what a message declares: that is left out. */
static bool declares_too_much(const uint8_t *data, size_t size)
{
    return memchr(data, 0xdd, size) != NULL || memchr(data, 0xdf, size) != NULL;
}

static void compare(struct decoder *decoder, struct given *given)
{
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t off = 0;
    bool read = msgpack_unpack_next(&unpacked, (const char *)given->message, given->size, &off) > 0;
    const msgpack_object *object = &unpacked.data;
    bool usable = read && off == given->size &&
                  (object->type == MSGPACK_OBJECT_MAP || object->type == MSGPACK_OBJECT_ARRAY);
    if (usable) {
        bool array = object->type == MSGPACK_OBJECT_ARRAY;
        given->want = array ? object->via.array.ptr : object;
        given->want_count = array ? object->via.array.size : 1;
        if (given->want == NULL)
            given->want = object; /* of an empty array */
    }
    decoder_decode(decoder, given->message, given->size, false, take_event, given);
    if (usable)
        ASSERT(given->count == given->want_count);
    else
        ASSERT(given->count > 0 && given->last.fault == REJECT_UNDECODABLE &&
               given->last.bytes_size == given->size);
    msgpack_unpacked_destroy(&unpacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoder *decoder;
    static const struct decode_conf conf = {.format = FORMAT_MSGPACK, .time_unit = TIME_UNIT_MS};
    if (decoder == NULL)
        ASSERT(decoder_create(&decoder, &conf) == 0);
    struct given given = {.message = data, .size = size};
    if (size > 0 && !declares_too_much(data, size))
        compare(decoder, &given);
    else
        decoder_decode(decoder, data, size, false, take_event, &given);
    return 0;
}
