/*
 * Decoding, per event, beside msgpack-c doing its part of the same work in the same run: every
 * shape of event alone in its message and a hundred in one. The last column tells how an event's
 * shape changes our own cost: mapped names must not cost more than native ones, nor slow them.
 */
#include "base/base.h"
#include "base/timestamp.h"
#include "pipelines/ingest/decoder.h"

#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 20000, EVENTS_PER_ARRAY = 100, ROUNDS = 15, EVENT_SIZE = 320 };

static volatile uint64_t result; /* a result without a reader would not be computed */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Messages one behind the other. */
struct messages {
    char *bytes;
    size_t count, size, sizes[EVENTS];
};

enum shape {
    SHAPE_NATIVE,
    SHAPE_SHUFFLED,
    SHAPE_EXTRAS,
    SHAPE_TEXT_TIME,
    SHAPE_FLAT,
    SHAPE_NESTED
};

static const char *const foreign_flat[FIELD_COUNT] = {
    [FIELD_METER] = "device_id", [FIELD_TIME] = "ts",        [FIELD_VALUE] = "reading_value",
    [FIELD_UNIT] = "uom",        [FIELD_QUALITY] = "status",
};
static const char *const foreign_nested[FIELD_COUNT] = {
    [FIELD_METER] = "device.id",  [FIELD_TIME] = "ts",        [FIELD_VALUE] = "reading.value",
    [FIELD_UNIT] = "reading.uom", [FIELD_QUALITY] = "status",
};

static void put_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str(packer, strlen(text));
    msgpack_pack_str_body(packer, text, strlen(text));
}

struct values {
    char meter[32], time_text[48];
    int64_t time_ms;
    double value;
};

static struct values values_of(size_t i)
{
    struct values values = {
        .time_ms = INT64_C(1772360100000) + (int64_t)(i / 500) * 900000,
        .value = (double)(i * 7919 % 100000) / 100,
    };
    (void)snprintf(values.meter, sizeof(values.meter), "plant-%02zu/main-%03zu", i % 40, i % 500);
    (void)snprintf(values.time_text, sizeof(values.time_text), "2026-03-%02zuT%02zu:15:00Z",
                   1 + i / 2000, i / 100 % 20);
    return values;
}

/* The fields of an event by their number, so that they can be given in any order. */
static void pack_field(msgpack_packer *packer, const struct values *values, size_t field,
                       enum shape shape)
{
    static const char *const names[][5] = {{"meter", "time", "value", "unit", "quality"},
                                           {"device_id", "ts", "reading_value", "uom", "status"}};
    put_text(packer, names[shape == SHAPE_FLAT][field]);
    if (field == 0)
        put_text(packer, values->meter);
    else if (field == 1 && shape == SHAPE_TEXT_TIME)
        put_text(packer, values->time_text);
    else if (field == 1)
        msgpack_pack_int64(packer, values->time_ms);
    else if (field == 2)
        msgpack_pack_double(packer, values->value);
    else
        put_text(packer, field == 3 ? "kWh" : "actual");
}

static void pack_nested(msgpack_packer *packer, const struct values *values)
{
    msgpack_pack_map(packer, 4);
    put_text(packer, "device");
    msgpack_pack_map(packer, 1);
    put_text(packer, "id");
    put_text(packer, values->meter);
    put_text(packer, "ts");
    msgpack_pack_int64(packer, values->time_ms);
    put_text(packer, "reading");
    msgpack_pack_map(packer, 2);
    put_text(packer, "value");
    msgpack_pack_double(packer, values->value);
    put_text(packer, "uom");
    put_text(packer, "kWh");
    put_text(packer, "status");
    put_text(packer, "actual");
}

static void pack_event(msgpack_packer *packer, size_t i, enum shape shape)
{
    static const uint8_t orders[4][5] = {
        {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}, {1, 3, 0, 4, 2}};
    struct values values = values_of(i);
    if (shape == SHAPE_NESTED) {
        pack_nested(packer, &values);
        return;
    }
    bool extras = shape == SHAPE_EXTRAS;
    msgpack_pack_map(packer, extras ? 8 : 5);
    for (size_t k = 0; k < 5; k++) {
        pack_field(packer, &values, orders[shape == SHAPE_SHUFFLED ? i % 4 : 0][k], shape);
        if (extras && k < 3) {
            static const char *const extra[] = {"firmware", "gateway", "rssi"};
            put_text(packer, extra[k]);
            put_text(packer, "2.14.7-rc1");
        }
    }
}

static int print_json(char *out, size_t i, enum shape shape)
{
    struct values v = values_of(i);
    if (shape == SHAPE_NESTED)
        return snprintf(out, EVENT_SIZE,
                        "{\"device\":{\"id\":\"%s\"},\"ts\":%" PRId64
                        ",\"reading\":{\"value\":%.2f,\"uom\":\"kWh\"},\"status\":\"actual\"}",
                        v.meter, v.time_ms, v.value);
    if (shape == SHAPE_TEXT_TIME)
        return snprintf(out, EVENT_SIZE,
                        "{\"meter\":\"%s\",\"time\":\"%s\",\"value\":%.2f,\"unit\":\"kWh\","
                        "\"quality\":\"actual\"}",
                        v.meter, v.time_text, v.value);
    return snprintf(out, EVENT_SIZE,
                    "{\"meter\":\"%s\",\"time\":%" PRId64 ",\"value\":%.2f,\"unit\":\"kWh\","
                    "\"quality\":\"actual\"}",
                    v.meter, v.time_ms, v.value);
}

static void fill_msgpack(struct messages *messages, enum shape shape, size_t per_message)
{
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    messages->count = 0;
    for (size_t i = 0; i < EVENTS; i += per_message) {
        size_t before = buffer.size;
        if (per_message > 1)
            msgpack_pack_array(&packer, per_message);
        for (size_t k = 0; k < per_message; k++)
            pack_event(&packer, i + k, shape);
        messages->sizes[messages->count++] = buffer.size - before;
    }
    memcpy(messages->bytes, buffer.data, buffer.size);
    messages->size = buffer.size;
    msgpack_sbuffer_destroy(&buffer);
}

static void fill_json(struct messages *messages, enum shape shape, size_t per_message)
{
    char *at = messages->bytes;
    messages->count = 0;
    for (size_t i = 0; i < EVENTS; i += per_message) {
        char *before = at;
        for (size_t k = 0; k < per_message; k++) {
            if (per_message > 1)
                *at++ = k == 0 ? '[' : ',';
            at += print_json(at, i + k, shape);
        }
        if (per_message > 1)
            *at++ = ']';
        messages->sizes[messages->count++] = (size_t)(at - before);
    }
    messages->size = (size_t)(at - messages->bytes);
}

static void take_event(void *context, const struct event *event)
{
    (void)context;
    ASSERT(event->fault == 0);
    result += (uint64_t)event->value.digits + event->meter_size + (uint64_t)event->time_ms;
}

static void ours(const struct messages *messages, struct decoder *decoder)
{
    const char *at = messages->bytes;
    for (size_t i = 0; i < messages->count; at += messages->sizes[i++])
        decoder_decode(decoder, at, messages->sizes[i], false, take_event, NULL);
}

/* The work that is left after msgpack_unpack(): find the fields by name. Times, numbers and words
 * stay as they are. */
// NOLINTNEXTLINE(misc-no-recursion): one array deep
static void take_object(const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_ARRAY) {
        for (uint32_t i = 0; i < object->via.array.size; i++)
            take_object(&object->via.array.ptr[i]);
        return;
    }
    static const char *const names[] = {"meter", "time", "value", "unit", "quality"};
    for (uint32_t i = 0; i < object->via.map.size; i++) {
        const msgpack_object_kv *pair = &object->via.map.ptr[i];
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            if (pair->key.type == MSGPACK_OBJECT_STR &&
                pair->key.via.str.size == strlen(names[k]) &&
                memcmp(pair->key.via.str.ptr, names[k], pair->key.via.str.size) == 0)
                result += pair->val.via.u64 + k;
    }
}

static void theirs(const struct messages *messages)
{
    msgpack_zone zone;
    ASSERT(msgpack_zone_init(&zone, 8192));
    const char *at = messages->bytes;
    for (size_t i = 0; i < messages->count; at += messages->sizes[i++]) {
        msgpack_object object;
        ASSERT(msgpack_unpack(at, messages->sizes[i], NULL, &zone, &object) > 0);
        take_object(&object);
        msgpack_zone_clear(&zone);
    }
    msgpack_zone_destroy(&zone);
}

/* The best of some rounds, in ns per event: what disturbs a round only ever makes it slower. */
static double best_ns(const struct messages *messages, struct decoder *decoder)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        if (decoder != NULL)
            ours(messages, decoder);
        else
            theirs(messages);
        double elapsed = seconds_now() - start;
        best = elapsed < best ? elapsed : best;
    }
    return best / EVENTS * 1e9;
}

static const struct {
    const char *name;
    enum shape shape;
    bool json;
    const char *const *paths;
} rows[] = {
    {"MessagePack, native names", SHAPE_NATIVE, false, NULL},
    {"MessagePack, text time", SHAPE_TEXT_TIME, false, NULL},
    {"MessagePack, order changes", SHAPE_SHUFFLED, false, NULL},
    {"MessagePack, 3 further fields", SHAPE_EXTRAS, false, NULL},
    {"MessagePack, mapped flat", SHAPE_FLAT, false, foreign_flat},
    {"MessagePack, mapped nested", SHAPE_NESTED, false, foreign_nested},
    {"JSON, native names", SHAPE_NATIVE, true, NULL},
    {"JSON, text time", SHAPE_TEXT_TIME, true, NULL},
    {"JSON, mapped nested", SHAPE_NESTED, true, foreign_nested},
};

static void run(struct messages *messages, size_t per_message)
{
    printf("%-30s %3zu a message %12s %16s %10s\n", "events", per_message, "ns/event",
           "x msgpack_unpack", "x native");
    fill_msgpack(messages, SHAPE_NATIVE, per_message);
    double peer = best_ns(messages, NULL);
    double native = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct decode_conf conf = {.time_unit = TIME_UNIT_MS};
        if (rows[i].paths != NULL)
            memcpy(conf.fields, rows[i].paths, sizeof(conf.fields));
        struct decoder *decoder;
        ASSERT(decoder_create(&decoder, &conf) == 0);
        if (rows[i].json)
            fill_json(messages, rows[i].shape, per_message);
        else
            fill_msgpack(messages, rows[i].shape, per_message);
        double ns = best_ns(messages, decoder);
        native = i == 0 ? ns : native;
        printf("%-44s %14.1f %16.2f %10.2f\n", rows[i].name, ns, peer / ns, native / ns);
        decoder_destroy(&decoder);
    }
    printf("%-44s %14.1f\n", "msgpack_unpack, fields by name", peer);
}

int main(void)
{
    static struct messages messages;
    messages.bytes = malloc((size_t)EVENTS * EVENT_SIZE);
    ASSERT(messages.bytes != NULL);
    run(&messages, 1);
    run(&messages, EVENTS_PER_ARRAY);
    free(messages.bytes);
    return 0;
}
