#include "pipelines/ingest/msgpack_text.h"

#include <inttypes.h>
#include <math.h>

#include "base/foreign.h"
#include "base/timestamp.h"
#include "pipelines/ingest/msgpack_reader.h"

/* An array or map that has begun. */
struct open {
    bool is_map;
    uint64_t done, total; /* items; keys and values of a map count each */
};

struct printing {
    struct buffer *out;
    struct open open[MSGPACK_DEPTH_MAX];
    uint32_t depth;
};

static uint64_t load_be(const uint8_t *at, uint32_t size)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* The timestamp extension has three sizes. */
static bool read_timestamp(const struct msgpack_item *item, int64_t *ms_out)
{
    if (item->ext_type != -1 || (item->size != 4 && item->size != 8 && item->size != 12))
        return false;
    uint64_t word = load_be(item->bytes, item->size == 4 ? 4 : item->size == 8 ? 8 : 4);
    uint64_t seconds = word;
    uint64_t nanoseconds = 0;
    if (item->size == 8) {
        seconds = word & ((UINT64_C(1) << 34) - 1);
        nanoseconds = word >> 34;
    } else if (item->size == 12) {
        seconds = load_be(item->bytes + 4, 8);
        nanoseconds = word;
    }
    if (seconds > (uint64_t)(TIME_MAX_MS / 1000))
        return false;
    *ms_out = (int64_t)(seconds * 1000 + nanoseconds / 1000000);
    return true;
}

static void add_ext(struct buffer *out, const struct msgpack_item *item)
{
    int64_t time_ms;
    char text[TIMESTAMP_TEXT_SIZE];
    if (read_timestamp(item, &time_ms)) {
        buffer_printf(out, "timestamp(\"%s\")", timestamp_format(text, time_ms));
        return;
    }
    buffer_printf(out, "ext(%d, \"", item->ext_type);
    foreign_add_hex(out, item->bytes, item->size);
    buffer_add_str(out, "\")");
}

/* The shortest of two texts that gives the number again. */
static void add_real(struct buffer *out, double value, int digits)
{
    if (isnan(value))
        buffer_add_str(out, "nan");
    else if (isinf(value))
        buffer_add_str(out, value < 0 ? "-inf" : "inf");
    else
        buffer_printf(out, "%.*g", digits, value);
}

static void add_item(struct buffer *out, const struct msgpack_item *item)
{
    switch (item->type) {
    case MSGPACK_NIL:
        buffer_add_str(out, "null");
        break;
    case MSGPACK_BOOL:
        buffer_add_str(out, item->integer != 0 ? "true" : "false"); /* set by read_item() */
        break;
    case MSGPACK_INT:
        buffer_add_int(out, item->integer);
        break;
    case MSGPACK_UINT:
        buffer_printf(out, "%" PRIu64, item->whole);
        break;
    case MSGPACK_FLOAT:
        add_real(out, (double)item->single, 9);
        break;
    case MSGPACK_DOUBLE:
        add_real(out, item->real, 17);
        break;
    case MSGPACK_STR:
        foreign_add_quoted(out, item->bytes, item->size);
        break;
    case MSGPACK_BIN:
        buffer_add_str(out, "bin(\"");
        foreign_add_hex(out, item->bytes, item->size);
        buffer_add_str(out, "\")");
        break;
    case MSGPACK_EXT:
        add_ext(out, item);
        break;
    case MSGPACK_ARRAY:
    case MSGPACK_MAP:
        buffer_add_char(out, item->type == MSGPACK_MAP ? '{' : '[');
        break;
    }
}

/* What stands between the item before and the one that comes. */
static void add_separator(struct printing *printing)
{
    if (printing->depth == 0)
        return;
    const struct open *open = &printing->open[printing->depth - 1];
    if (open->is_map && open->done % 2 == 1)
        buffer_add_str(printing->out, ": ");
    else if (open->done > 0)
        buffer_add_str(printing->out, ", ");
}

/* An item has ended, and with it perhaps what it was the last of. */
static void end_item(struct printing *printing)
{
    while (printing->depth > 0) {
        struct open *open = &printing->open[printing->depth - 1];
        if (++open->done < open->total)
            return;
        buffer_add_char(printing->out, open->is_map ? '}' : ']');
        printing->depth--;
    }
}

static void begin_container(struct printing *printing, const struct msgpack_item *item)
{
    bool is_map = item->type == MSGPACK_MAP;
    printing->open[printing->depth++] =
        (struct open){is_map, 0, is_map ? 2 * (uint64_t)item->size : item->size};
}

static enum msgpack_result read_item(const uint8_t **at, const uint8_t *end,
                                     struct msgpack_item *item)
{
    const uint8_t *code = *at;
    enum msgpack_result result = msgpack_read(at, end, item);
    if (result == MSGPACK_OK && item->type == MSGPACK_BOOL)
        item->integer = *code == 0xc3;
    return result;
}

int msgpack_text_add(struct buffer *out, const void *bytes, size_t size)
{
    struct printing printing = {.out = out};
    const uint8_t *at = bytes;
    const uint8_t *end = at + size;
    do {
        struct msgpack_item item;
        add_separator(&printing);
        if (read_item(&at, end, &item) != MSGPACK_OK)
            return ERR_SYNTAX;
        add_item(out, &item);
        if (item.type < MSGPACK_ARRAY) {
            end_item(&printing);
        } else if (item.size == 0) {
            buffer_add_char(out, item.type == MSGPACK_MAP ? '}' : ']');
            end_item(&printing);
        } else if (printing.depth == MSGPACK_DEPTH_MAX) {
            return ERR_SYNTAX;
        } else {
            begin_container(&printing, &item);
        }
    } while (printing.depth > 0);
    return at == end ? 0 : ERR_SYNTAX;
}
