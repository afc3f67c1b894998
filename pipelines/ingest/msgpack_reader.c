#include "pipelines/ingest/msgpack_reader.h"

static uint64_t load_be(const uint8_t *at, uint32_t size)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

static uint64_t load_be64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return be64toh(value);
}

static uint32_t load_be32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return be32toh(value);
}

static void set_int(struct msgpack_item *item, int64_t value)
{
    item->type = MSGPACK_INT;
    item->integer = value;
}

static void set_uint(struct msgpack_item *item, uint64_t value)
{
    item->type = value > INT64_MAX ? MSGPACK_UINT : MSGPACK_INT;
    item->whole = value;
}

static void set_sized(struct msgpack_item *item, enum msgpack_type type, uint64_t size)
{
    item->type = type;
    item->size = (uint32_t)size; /* at most four bytes were loaded */
}

static void set_float(struct msgpack_item *item, const uint8_t *at)
{
    uint32_t bits = load_be32(at);
    item->type = MSGPACK_FLOAT;
    memcpy(&item->single, &bits, sizeof(bits));
}

static void set_double(struct msgpack_item *item, const uint8_t *at)
{
    uint64_t bits = load_be64(at);
    item->type = MSGPACK_DOUBLE;
    memcpy(&item->real, &bits, sizeof(bits));
}

static void set_ext(struct msgpack_item *item, uint64_t size, uint8_t type)
{
    set_sized(item, MSGPACK_EXT, size);
    item->ext_type = (int8_t)type;
}

/* Bytes that follow the codes 0xc0 to 0xdf before a payload; 0xc1 is never used. */
static const uint8_t head_sizes[32] = {
    0, 0, 0, 0, 1, 2, 4, 2, 3, 5, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 1, 1, 1, 1, 1, 2, 4, 2, 4, 2, 4,
};

/* The codes 0xc0 to 0xdf; `at` points to the head_sizes[code - 0xc0] bytes that belong to them. */
static enum msgpack_result read_coded(uint8_t code, const uint8_t *at, struct msgpack_item *item)
{
    uint32_t size = head_sizes[code - 0xc0];
    switch (code) {
    case 0xc0:
        item->type = MSGPACK_NIL;
        break;
    case 0xc1:
        return MSGPACK_DAMAGED;
    case 0xc2 ... 0xc3:
        item->type = MSGPACK_BOOL;
        break;
    case 0xc4 ... 0xc6:
        set_sized(item, MSGPACK_BIN, load_be(at, size));
        break;
    case 0xc7 ... 0xc9:
        set_ext(item, load_be(at, size - 1), at[size - 1]);
        break;
    case 0xca:
        set_float(item, at);
        break;
    case 0xcb:
        set_double(item, at);
        break;
    case 0xcc ... 0xce:
        set_int(item, (int64_t)load_be(at, size));
        break;
    case 0xcf:
        set_uint(item, load_be64(at));
        break;
    case 0xd0:
        set_int(item, (int8_t)at[0]);
        break;
    case 0xd1:
        set_int(item, (int16_t)load_be(at, size));
        break;
    case 0xd2:
        set_int(item, (int32_t)load_be32(at));
        break;
    case 0xd3:
        set_int(item, (int64_t)load_be64(at));
        break;
    case 0xd4 ... 0xd8:
        set_ext(item, UINT64_C(1) << (code - 0xd4), at[0]);
        break;
    case 0xd9 ... 0xdb:
        set_sized(item, MSGPACK_STR, load_be(at, size));
        break;
    case 0xdc ... 0xdd:
        set_sized(item, MSGPACK_ARRAY, load_be(at, size));
        break;
    default:
        set_sized(item, MSGPACK_MAP, load_be(at, size));
    }
    return MSGPACK_OK;
}

enum msgpack_result msgpack_read_head(const uint8_t **at, const uint8_t *end,
                                      struct msgpack_item *item)
{
    if (*at == end)
        return MSGPACK_MORE;
    uint8_t code = **at;
    item->size = 0;
    if (code >= 0xc0 && code <= 0xdf) {
        uint32_t size = head_sizes[code - 0xc0];
        if ((size_t)(end - *at) < 1 + (size_t)size)
            return MSGPACK_MORE;
        enum msgpack_result result = read_coded(code, *at + 1, item);
        if (result == MSGPACK_OK)
            *at += 1 + size;
        return result;
    }
    if (code <= 0x7f || code >= 0xe0)
        set_int(item, (int8_t)code);
    else if (code >= 0xa0)
        set_sized(item, MSGPACK_STR, code & 0x1f);
    else
        set_sized(item, code >= 0x90 ? MSGPACK_ARRAY : MSGPACK_MAP, code & 0x0f);
    ++*at;
    return MSGPACK_OK;
}

void msgpack_scan_begin(struct msgpack_scan *scan, uint64_t items, uint32_t depth_max)
{
    ASSERT(depth_max <= MSGPACK_DEPTH_MAX);
    scan->skip = 0;
    scan->depth = 1;
    scan->depth_max = depth_max;
    scan->left[0] = items;
}

/* Counts an item whose head was read, and enters it if there are items inside. */
static enum msgpack_result scan_enter(struct msgpack_scan *scan, const struct msgpack_item *item)
{
    scan->left[scan->depth - 1]--;
    if (item->type < MSGPACK_ARRAY) {
        scan->skip = item->size;
        return MSGPACK_OK;
    }
    if (scan->depth > scan->depth_max)
        return MSGPACK_DAMAGED;
    scan->left[scan->depth++] = (uint64_t)item->size * (item->type == MSGPACK_MAP ? 2 : 1);
    return MSGPACK_OK;
}

enum msgpack_result msgpack_scan(struct msgpack_scan *scan, const uint8_t **at, const uint8_t *end)
{
    for (;;) {
        size_t here = (size_t)(end - *at);
        size_t step = scan->skip < here ? (size_t)scan->skip : here;
        *at += step;
        scan->skip -= step;
        if (scan->skip > 0)
            return MSGPACK_MORE;
        while (scan->depth > 0 && scan->left[scan->depth - 1] == 0)
            scan->depth--;
        if (scan->depth == 0)
            return MSGPACK_OK;
        struct msgpack_item item;
        const uint8_t *next = *at;
        enum msgpack_result result = msgpack_read_head(&next, end, &item);
        if (result == MSGPACK_OK)
            result = scan_enter(scan, &item);
        if (result != MSGPACK_OK)
            return result;
        *at = next;
    }
}
