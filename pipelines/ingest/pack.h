/*
 * pack.h - MessagePack, item by item, never a byte beyond its end.
 *
 * Pure; memory is never taken, whatever count or size an item declares.
 */
#ifndef GHGD_PACK_H
#define GHGD_PACK_H

#include <endian.h>
#include <string.h>

#include "base/base.h"

/* Arrays and maps inside each other, in a whole message. msgpack-c has the same limit. */
enum { PACK_DEPTH_MAX = 32 };

enum pack_type {
    PACK_NIL,
    PACK_BOOL,
    PACK_INT,
    PACK_UINT, /* beyond what PACK_INT holds */
    PACK_FLOAT,
    PACK_DOUBLE,
    PACK_STR,
    PACK_BIN,
    PACK_EXT,
    PACK_ARRAY,
    PACK_MAP
};

struct pack_item {
    enum pack_type type;
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

enum pack_result {
    PACK_OK,
    PACK_MORE,   /* the bytes end before the item does */
    PACK_DAMAGED /* no MessagePack, or nested too deeply */
};

/* Reads the item at *at without the bytes of a STR, BIN or EXT, which follow; moves *at on. */
enum pack_result pack_read_head(const uint8_t **at, const uint8_t *end,
                                struct pack_item *item) MUST_CHECK;

/* Reads a whole item; what is inside an ARRAY or a MAP follows. */
static inline enum pack_result pack_read(const uint8_t **at, const uint8_t *end,
                                         struct pack_item *item)
{
    if (*at < end && (**at & 0xe0) == 0xa0) { /* short text: most of all items */
        item->type = PACK_STR;
        item->size = **at & 0x1f;
        ++*at;
    } else {
        enum pack_result result = pack_read_head(at, end, item);
        if (result != PACK_OK || item->type < PACK_STR || item->type > PACK_EXT)
            return result;
    }
    if ((size_t)(end - *at) < item->size)
        return PACK_MORE;
    item->bytes = *at;
    *at += item->size;
    return PACK_OK;
}

/* Finds the end of items that may come in pieces, everything inside them included. */
struct pack_scan {
    uint64_t skip; /* bytes of a STR, BIN or EXT still to come */
    uint32_t depth, depth_max;
    uint64_t left[PACK_DEPTH_MAX + 1]; /* items that have not begun, by depth */
};

/* Begins before `items` items, in which up to depth_max <= PACK_DEPTH_MAX arrays and maps may be
 * inside each other. */
void pack_scan_begin(struct pack_scan *scan, uint64_t items, uint32_t depth_max);
/* Takes the next bytes and moves *at on. PACK_OK: the items end at *at. PACK_MORE: *at is where the
 * next call goes on, once more bytes follow; fewer than ten are left. PACK_DAMAGED: at *at. */
enum pack_result pack_scan(struct pack_scan *scan, const uint8_t **at,
                           const uint8_t *end) MUST_CHECK;

#endif
