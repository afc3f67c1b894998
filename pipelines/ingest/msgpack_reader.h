/*
 * msgpack_reader.h - MessagePack, item by item, never a byte beyond its end.
 *
 * Pure; memory is never taken, whatever count or size an item declares.
 */
#ifndef GHGD_MSGPACK_READER_H
#define GHGD_MSGPACK_READER_H

#include <endian.h>
#include <string.h>

#include "base/base.h"

/* Arrays and maps inside each other, in a whole message. msgpack-c has the same limit. */
enum { MSGPACK_DEPTH_MAX = 32 };

enum msgpack_type {
    MSGPACK_NIL,
    MSGPACK_BOOL,
    MSGPACK_INT,
    MSGPACK_UINT, /* beyond what MSGPACK_INT holds */
    MSGPACK_FLOAT,
    MSGPACK_DOUBLE,
    MSGPACK_STR,
    MSGPACK_BIN,
    MSGPACK_EXT,
    MSGPACK_ARRAY,
    MSGPACK_MAP
};

struct msgpack_item {
    enum msgpack_type type;
    uint32_t size; /* bytes of a STR, BIN or EXT; elements of an ARRAY; pairs of a MAP; else 0 */
    int8_t ext_type;
    union {
        int64_t integer;
        uint64_t whole;
        float single;
        double real;
    };
    const uint8_t *bytes; /* of a STR, BIN or EXT */
};

enum msgpack_result {
    MSGPACK_OK,
    MSGPACK_MORE,   /* the bytes end before the item does */
    MSGPACK_DAMAGED /* no MessagePack, or nested too deeply */
};

/* Reads the item at *at without the bytes of a STR, BIN or EXT, which follow; moves *at on. */
enum msgpack_result msgpack_read_head(const uint8_t **at, const uint8_t *end,
                                      struct msgpack_item *item) MUST_CHECK;

/* Reads a whole item; what is inside an ARRAY or a MAP follows. */
static inline enum msgpack_result msgpack_read(const uint8_t **at, const uint8_t *end,
                                               struct msgpack_item *item)
{
    if (*at < end && (**at & 0xe0) == 0xa0) { /* short text: most of all items */
        item->type = MSGPACK_STR;
        item->size = **at & 0x1f;
        ++*at;
    } else {
        enum msgpack_result result = msgpack_read_head(at, end, item);
        if (result != MSGPACK_OK || item->type < MSGPACK_STR || item->type > MSGPACK_EXT)
            return result;
    }
    if ((size_t)(end - *at) < item->size)
        return MSGPACK_MORE;
    item->bytes = *at;
    *at += item->size;
    return MSGPACK_OK;
}

/* Finds the end of items that may come in pieces, everything inside them included. */
struct msgpack_scan {
    uint64_t skip; /* bytes of a STR, BIN or EXT still to come */
    uint32_t depth, depth_max;
    uint64_t left[MSGPACK_DEPTH_MAX + 1]; /* items that have not begun, by depth */
};

/* Begins before `items` items, in which up to depth_max <= MSGPACK_DEPTH_MAX arrays and maps may be
 * inside each other. */
void msgpack_scan_begin(struct msgpack_scan *scan, uint64_t items, uint32_t depth_max);
/* Takes the next bytes and moves *at on. MSGPACK_OK: the items end at *at. MSGPACK_MORE: *at is
 * where the next call goes on, once more bytes follow; fewer than ten are left. MSGPACK_DAMAGED: at
 * *at. */
enum msgpack_result msgpack_scan(struct msgpack_scan *scan, const uint8_t **at,
                                 const uint8_t *end) MUST_CHECK;

#endif
