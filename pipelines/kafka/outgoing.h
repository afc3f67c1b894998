/*
 * outgoing.h - a record on its way to a topic: key, value, headers, and the message that it was
 * made of.
 *
 * Holds its own copy of key and value until delivery is acknowledged, so that a failed one can be
 * sent again. Headers are with the client while it is sending, else here.
 */
#ifndef GHGD_OUTGOING_H
#define GHGD_OUTGOING_H

#include <librdkafka/rdkafka.h>

#include "base/base.h"

/* The kind of a record, and so the topic that it goes to. */
enum outgoing_kind {
    OUTGOING_DEAD_LETTER,
    OUTGOING_LATE_LETTER,
    OUTGOING_RUN, /* events on their way to the topic keyed by facility */
    OUTGOING_KINDS_COUNT
};

/* A reserve is memory for records, taken before the events are judged.
 *
 * A shard that has applied a batch cannot take it back: the letters of its refused events have to
 * be made then. So their memory is made sure of before, as one block for the worst case; it is
 * used only if calloc() fails. Pages that no record touches cost nothing. A block that records lie
 * in lives until the last of them is destroyed. The loop thread owns a reserve. */
struct outgoing_block;

struct outgoing_reserve {
    struct outgoing_block *block; /* NULL: nothing was reserved yet */
};

/* Makes sure of allocations that cost `bytes` together. Returns 0, or -ENOMEM and the reserve is
 * as it was. */
int outgoing_reserve_grow(struct outgoing_reserve *reserve, size_t bytes) MUST_CHECK;
/* Blocks go with the last of their records. */
void outgoing_reserve_fini(struct outgoing_reserve *reserve);

struct outgoing {
    struct outgoing *older, *newer; /* of the same partition, by offset */
    struct outgoing *next_retry;
    struct outgoing_block *block; /* of the reserve, if it lies in one */
    uint64_t sequence;            /* of a parked one: rises in the order of parking */
    int64_t offset;               /* of the message that it was made of */
    int32_t partition;
    enum outgoing_kind kind;
    bool is_cut;                 /* the topic takes no message of the full size */
    int64_t timestamp_ms;        /* of that message; 0 if it has none */
    rd_kafka_headers_t *headers; /* NULL while the client has them */
    bool has_key;
    size_t key_size, size;
    char bytes[]; /* key, then value */
};

/* Makes a record of a message's offset, partition and timestamp. It has a copy of the key (may be
 * NULL), room for a value of `size` bytes, and no headers. reserve: used if there is no other
 * memory; may be NULL. Returns NULL if memory is short. */
struct outgoing *outgoing_create(struct outgoing_reserve *reserve,
                                 const rd_kafka_message_t *message, const void *key,
                                 size_t key_size, size_t size);
/* The most that a record takes of a reserve. */
size_t outgoing_reserved_size(size_t key_size, size_t size);
void outgoing_destroy(struct outgoing *outgoing);

static inline char *outgoing_value(struct outgoing *outgoing)
{
    return outgoing->bytes + outgoing->key_size;
}

static inline size_t outgoing_cost(const struct outgoing *outgoing)
{
    return outgoing->key_size + outgoing->size;
}

/* Hands the record to the client, which borrows its bytes until the delivery report. On failure the
 * record is as before. */
rd_kafka_resp_err_t outgoing_send(struct outgoing *outgoing, rd_kafka_t *client, const char *topic);
/* Takes the headers back from a delivery report, for another try. */
void outgoing_recover(struct outgoing *outgoing, const rd_kafka_message_t *report);
/* Leaves only the beginning of a letter, and says so in a header. */
void outgoing_cut(struct outgoing *outgoing);

#endif
