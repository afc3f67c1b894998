#include "pipelines/ingest/msgpack_text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <msgpack.h>

#include "base/foreign.h"
#include "base/timestamp.h"
#include "pipelines/ingest/msgpack_reader.h"

/* An array or map that has begun. */
struct open {
    const msgpack_object *object;
    uint32_t done, total; /* items; keys and values of a map count each */
};

static bool read_timestamp(const msgpack_object *object, int64_t *ms_out)
{
    msgpack_timestamp time;
    if (!msgpack_object_to_timestamp(object, &time) || time.tv_sec < 0 ||
        time.tv_sec > TIME_MAX_MS / 1000)
        return false;
    *ms_out = time.tv_sec * 1000 + time.tv_nsec / 1000000;
    return true;
}

static void add_ext(struct buffer *out, const msgpack_object *object)
{
    int64_t time_ms;
    char text[TIMESTAMP_TEXT_SIZE];
    if (read_timestamp(object, &time_ms)) {
        buffer_printf(out, "timestamp(\"%s\")", timestamp_format(text, time_ms));
        return;
    }
    buffer_printf(out, "ext(%d, \"", object->via.ext.type);
    foreign_add_hex(out, object->via.ext.ptr, object->via.ext.size);
    buffer_add_str(out, "\")");
}

/* With as many digits as give the number again. */
static void add_real(struct buffer *out, double value, int digits)
{
    if (isnan(value))
        buffer_add_str(out, "nan");
    else if (isinf(value))
        buffer_add_str(out, value < 0 ? "-inf" : "inf");
    else
        buffer_printf(out, "%.*g", digits, value);
}

/* All of an item, or how an array or a map begins. */
static void add_object(struct buffer *out, const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        buffer_add_str(out, "null");
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        buffer_add_str(out, object->via.boolean ? "true" : "false");
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        buffer_printf(out, "%" PRIu64, object->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        buffer_add_int(out, object->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
        add_real(out, object->via.f64, 9);
        break;
    case MSGPACK_OBJECT_FLOAT64:
        add_real(out, object->via.f64, 17);
        break;
    case MSGPACK_OBJECT_STR:
        foreign_add_quoted(out, object->via.str.ptr, object->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        buffer_add_str(out, "bin(\"");
        foreign_add_hex(out, object->via.bin.ptr, object->via.bin.size);
        buffer_add_str(out, "\")");
        break;
    case MSGPACK_OBJECT_EXT:
        add_ext(out, object);
        break;
    case MSGPACK_OBJECT_ARRAY:
        buffer_add_char(out, '[');
        break;
    case MSGPACK_OBJECT_MAP:
        buffer_add_char(out, '{');
        break;
    }
}

static bool is_container(const msgpack_object *object)
{
    return object->type == MSGPACK_OBJECT_ARRAY || object->type == MSGPACK_OBJECT_MAP;
}

static struct open open_container(const msgpack_object *object)
{
    return (struct open){object, 0,
                         object->type == MSGPACK_OBJECT_ARRAY ? object->via.array.size
                                                              : 2 * object->via.map.size};
}

/* Takes the next item out of what is open, and writes what stands before it. */
static const msgpack_object *next_item(struct buffer *out, struct open *open)
{
    uint32_t at = open->done++;
    if (open->object->type == MSGPACK_OBJECT_ARRAY) {
        buffer_add_str(out, at > 0 ? ", " : "");
        return &open->object->via.array.ptr[at];
    }
    const msgpack_object_kv *pair = &open->object->via.map.ptr[at / 2];
    buffer_add_str(out, at % 2 == 1 ? ": " : at > 0 ? ", " : "");
    return at % 2 == 1 ? &pair->val : &pair->key;
}

static void add_tree(struct buffer *out, const msgpack_object *root)
{
    struct open open[MSGPACK_DEPTH_MAX];
    uint32_t depth = 0;
    const msgpack_object *object = root;
    do {
        add_object(out, object);
        if (is_container(object)) {
            ASSERT(depth < MSGPACK_DEPTH_MAX); /* is_whole() saw to it */
            open[depth++] = open_container(object);
        }
        while (depth > 0 && open[depth - 1].done == open[depth - 1].total) {
            bool array = open[--depth].object->type == MSGPACK_OBJECT_ARRAY;
            buffer_add_char(out, array ? ']' : '}');
        }
        if (depth > 0)
            object = next_item(out, &open[depth - 1]);
    } while (depth > 0);
}

/* One item, and nothing behind it. msgpack-c takes memory for as many items as an array declares;
 * once this is true they are there, so it takes less than 32 bytes for each byte of the message. */
static bool is_whole(const uint8_t *bytes, size_t size)
{
    struct msgpack_scan scan;
    const uint8_t *at = bytes;
    msgpack_scan_begin(&scan, 1, MSGPACK_DEPTH_MAX);
    return msgpack_scan(&scan, &at, bytes + size) == MSGPACK_OK && at == bytes + size;
}

int msgpack_text_add(struct buffer *out, const void *bytes, size_t size)
{
    if (!is_whole(bytes, size))
        return ERR_SYNTAX;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return result = msgpack_unpack_next(&unpacked, bytes, size, NULL);
    if (result == MSGPACK_UNPACK_SUCCESS)
        add_tree(out, &unpacked.data);
    msgpack_unpacked_destroy(&unpacked);
    if (result == MSGPACK_UNPACK_NOMEM_ERROR)
        return -ENOMEM;
    return result == MSGPACK_UNPACK_SUCCESS ? 0 : ERR_SYNTAX;
}
