#include "pipelines/ingest/decode.h"
#include "pipelines/ingest/msgpack_reader.h"

_Static_assert((int)NESTING_MAX == (int)MSGPACK_DEPTH_MAX, "both formats may nest as deeply");

struct cursor {
    const uint8_t *at, *end;
};

/* A map on the way to a mapped field; everything else inside an event is a value or is skipped. */
struct msgpack_level {
    uint32_t pairs_left, name;
    uint8_t *expect;
};

/* Passes over what is inside an item that was read, in `depth` arrays and maps. */
static bool skip_inside(struct cursor *cursor, const struct msgpack_item *item, uint32_t depth)
{
    if (item->type < MSGPACK_ARRAY)
        return true;
    if (depth >= MSGPACK_DEPTH_MAX)
        return false;
    struct msgpack_scan scan;
    msgpack_scan_begin(&scan, (uint64_t)item->size * (item->type == MSGPACK_MAP ? 2 : 1),
                       MSGPACK_DEPTH_MAX - depth - 1);
    return msgpack_scan(&scan, &cursor->at, cursor->end) == MSGPACK_OK;
}

/* The timestamp extension: 32 bits of seconds; 30 of nanoseconds and 34 of seconds; or 32 and 64.
 */
static void set_ext(struct event_builder *builder, enum event_field field,
                    const struct msgpack_item *item)
{
    enum { TIMESTAMP_TYPE = -1 };
    uint64_t seconds = 0;
    uint32_t words[3] = {0};
    if (item->ext_type != TIMESTAMP_TYPE ||
        (item->size != 4 && item->size != 8 && item->size != 12)) {
        event_builder_other(builder, field);
        return;
    }
    memcpy(words, item->bytes, item->size);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        words[i] = be32toh(words[i]);
    if (item->size == 4) {
        event_builder_timestamp(builder, field, words[0], 0);
    } else if (item->size == 8) {
        seconds = (uint64_t)(words[0] & 3) << 32 | words[1];
        event_builder_timestamp(builder, field, (int64_t)seconds, words[0] >> 2);
    } else {
        seconds = (uint64_t)words[1] << 32 | words[2];
        event_builder_timestamp(builder, field, (int64_t)seconds, words[0]);
    }
}

static void set_number(struct event_builder *builder, enum event_field field,
                       const struct msgpack_item *item)
{
    struct numeric number = {.form = NUMERIC_INT, .integer = item->integer};
    if (item->type == MSGPACK_UINT)
        number = (struct numeric){.form = NUMERIC_UINT, .whole = item->whole};
    else if (item->type == MSGPACK_FLOAT)
        number = (struct numeric){.form = NUMERIC_FLOAT, .single = item->single};
    else if (item->type == MSGPACK_DOUBLE)
        number = (struct numeric){.form = NUMERIC_DOUBLE, .real = item->real};
    event_builder_number(builder, field, &number);
}

static void set_field(struct event_builder *builder, enum event_field field,
                      const struct msgpack_item *item)
{
    switch (item->type) {
    case MSGPACK_STR:
        event_builder_text(builder, field, (const char *)item->bytes, item->size);
        break;
    case MSGPACK_INT:
    case MSGPACK_UINT:
    case MSGPACK_FLOAT:
    case MSGPACK_DOUBLE:
        set_number(builder, field, item);
        break;
    case MSGPACK_EXT:
        set_ext(builder, field, item);
        break;
    case MSGPACK_NIL:
        event_builder_null(builder, field);
        break;
    default:
        event_builder_other(builder, field);
    }
}

/* Reads a key; *name_out is NAMES_NONE if it leads to no field. */
static bool read_key(struct decode *decode, struct cursor *cursor, struct msgpack_level *level,
                     uint32_t depth, uint32_t *name_out)
{
    struct msgpack_item key;
    *name_out = NAMES_NONE;
    if (msgpack_read(&cursor->at, cursor->end, &key) != MSGPACK_OK)
        return false;
    if (key.type != MSGPACK_STR)
        return skip_inside(cursor, &key, depth);
    *name_out = field_map_find(&decode->names, level->name, &level->expect, key.bytes, key.size,
                               (size_t)(cursor->end - key.bytes));
    return true;
}

/* Reads the pairs of a map that is inside `depth - 1` arrays, down to the mapped fields. */
static bool read_event(struct decode *decode, struct cursor *cursor, uint32_t pairs, uint32_t depth)
{
    struct msgpack_level levels[FIELD_PATH_DEPTH_MAX];
    struct msgpack_level *level = levels;
    *level =
        (struct msgpack_level){pairs, NAMES_ROOT, field_map_expect(&decode->names, NAMES_ROOT)};
    event_builder_begin(&decode->builder);
    for (;;) {
        if (level->pairs_left == 0) {
            if (level == levels)
                return true;
            level--;
            depth--;
            continue;
        }
        level->pairs_left--;
        uint32_t name;
        struct msgpack_item value;
        if (!read_key(decode, cursor, level, depth, &name) ||
            msgpack_read(&cursor->at, cursor->end, &value) != MSGPACK_OK)
            return false;
        const struct field_name *found = name == NAMES_NONE ? NULL : &decode->names.at[name];
        if (found != NULL && found->field == FIELD_COUNT && value.type == MSGPACK_MAP) {
            *++level =
                (struct msgpack_level){value.size, name, field_map_expect(&decode->names, name)};
            depth++;
            continue;
        }
        if (found != NULL && found->field != FIELD_COUNT)
            set_field(&decode->builder, (enum event_field)found->field, &value);
        if (!skip_inside(cursor, &value, depth))
            return false;
    }
}

static bool read_element(struct decode *decode, struct cursor *cursor)
{
    const uint8_t *start = cursor->at;
    struct msgpack_item item;
    if (msgpack_read(&cursor->at, cursor->end, &item) != MSGPACK_OK)
        return false;
    if (item.type == MSGPACK_MAP) {
        if (!read_event(decode, cursor, item.size, 2))
            return false;
        decode_give(decode, start, (size_t)(cursor->at - start));
        return true;
    }
    if (!skip_inside(cursor, &item, 1))
        return false;
    decode_refuse(decode, REJECT_UNDECODABLE, start, (size_t)(cursor->at - start));
    return true;
}

bool decode_msgpack(struct decode *decode, const uint8_t *message, size_t size)
{
    struct cursor cursor = {message, message + size};
    struct msgpack_item item;
    if (msgpack_read(&cursor.at, cursor.end, &item) != MSGPACK_OK)
        return false;
    if (item.type == MSGPACK_MAP) {
        if (!read_event(decode, &cursor, item.size, 1) || cursor.at != cursor.end)
            return false;
        decode_give(decode, message, size);
        return true;
    }
    if (item.type != MSGPACK_ARRAY)
        return false;
    for (uint32_t i = 0; i < item.size; i++)
        if (!read_element(decode, &cursor))
            return false;
    return cursor.at == cursor.end;
}
