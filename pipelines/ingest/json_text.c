#include "pipelines/ingest/json_text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <msgpack.h>
#include <string.h>

#include "base/foreign.h"
#include "base/timestamp.h"
#include "pipelines/ingest/msgpack_reader.h"

static size_t digits_end(const char *text, size_t size, size_t at)
{
    while (at < size && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

bool json_number_is_valid(const char *text, size_t size)
{
    size_t whole = size > 0 && text[0] == '-';
    size_t at = digits_end(text, size, whole);
    if (at == whole || (text[whole] == '0' && at > whole + 1))
        return false;
    if (at < size && text[at] == '.') {
        size_t fraction = at + 1;
        at = digits_end(text, size, fraction);
        if (at == fraction)
            return false;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        size_t exponent = at + 1;
        if (exponent < size && (text[exponent] == '-' || text[exponent] == '+'))
            exponent++;
        at = digits_end(text, size, exponent);
        if (at == exponent)
            return false;
    }
    return at == size;
}

struct unescape {
    const char *at, *end;
    char *out;
    size_t out_max, size;
};

static void put(struct unescape *u, uint32_t byte)
{
    if (u->size < u->out_max)
        u->out[u->size] = (char)(uint8_t)byte;
    u->size++;
}

static void put_utf8(struct unescape *u, uint32_t code)
{
    if (code < 0x80) {
        put(u, code);
        return;
    }
    if (code < 0x800) {
        put(u, 0xc0 | code >> 6);
    } else if (code < 0x10000) {
        put(u, 0xe0 | code >> 12);
        put(u, 0x80 | (code >> 6 & 0x3f));
    } else {
        put(u, 0xf0 | code >> 18);
        put(u, 0x80 | (code >> 12 & 0x3f));
        put(u, 0x80 | (code >> 6 & 0x3f));
    }
    put(u, 0x80 | (code & 0x3f));
}

static bool take_hex4(struct unescape *u, uint32_t *code_out)
{
    if (u->end - u->at < 4)
        return false;
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char c = *u->at++;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        code = code << 4 | digit;
    }
    *code_out = code;
    return true;
}

/* Reads the code unit behind \u, or both of a surrogate pair. */
static bool take_unicode(struct unescape *u)
{
    uint32_t code;
    if (!take_hex4(u, &code))
        return false;
    if (code >= 0xd800 && code <= 0xdbff) {
        uint32_t low;
        if (u->end - u->at < 6 || u->at[0] != '\\' || u->at[1] != 'u')
            return false;
        u->at += 2;
        if (!take_hex4(u, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return false;
    }
    put_utf8(u, code);
    return true;
}

/* Reads the escape behind a backslash. */
static bool take_escape(struct unescape *u)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (u->at == u->end)
        return false;
    char c = *u->at++;
    if (c == 'u')
        return take_unicode(u);
    const char *found = c == '\0' ? NULL : strchr(letters, c);
    if (found == NULL)
        return false;
    put(u, (uint8_t)meanings[found - letters]);
    return true;
}

bool json_unescape(char *out, size_t out_max, size_t *size_out, const char *text, size_t size)
{
    struct unescape u = {.at = text, .end = text + size, .out = out, .out_max = out_max};
    while (u.at < u.end) {
        char c = *u.at++;
        if (c != '\\')
            put(&u, (uint8_t)c);
        else if (!take_escape(&u))
            return false;
    }
    *size_out = u.size;
    return true;
}

/* --- MessagePack --- */

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

/* One item, and nothing behind it. msgpack-c takes memory for as many items as an array declares.
 * Once this is true, the items are there. So msgpack-c takes less than 32 bytes for each byte of
 * the message. */
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
