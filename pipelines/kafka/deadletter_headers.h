/*
 * deadletter_headers.h - the headers of a dead letter: where its event came from, and the reason.
 *
 * Letters carry headers of ghgd (dead_letter.h), and so do re-keyed messages. Behind a letter there
 * may be a mark: a message with the same four headers of its place and DEADLETTER_RETRIED. That
 * header says that the event was sent in once more, and where it stands now. A place names an event
 * for ever: the same event refused twice (after a restart from an earlier offset) has two letters
 * of one place. Thread: any.
 */
#ifndef GHGD_DEADLETTER_HEADERS_H
#define GHGD_DEADLETTER_HEADERS_H

#include <librdkafka/rdkafka.h>

#include "base/base.h"

enum deadletter_header {
    DEADLETTER_REASON,
    DEADLETTER_HELP,
    DEADLETTER_TOPIC,
    DEADLETTER_PARTITION,
    DEADLETTER_OFFSET,
    DEADLETTER_INDEX, /* position within its message */
    DEADLETTER_TIMESTAMP,
    DEADLETTER_TRUNCATED, /* bytes of the whole; the letter has only the first */
    DEADLETTER_WHOLE,     /* the whole message, for this event and all that follow */
    DEADLETTER_RETRIED,   /* of a mark: the offset at which the event was sent in again */
    DEADLETTER_RETRY_OF,  /* of an event that was sent in again: the place of its letter */
    DEADLETTER_KEY,       /* of a re-keyed message, no letter: the key it had */
    DEADLETTER_HEADER_COUNT
};

/* "ghgd-reason" and so on: they never change. */
const char *deadletter_header_name(enum deadletter_header header);
/* Takes all of ghgd's headers away, except DEADLETTER_RETRY_OF. */
void deadletter_headers_strip(rd_kafka_headers_t *headers);
/* A copy of the message's headers without ghgd's. NULL if out of memory. */
rd_kafka_headers_t *deadletter_headers_copy(const rd_kafka_message_t *message);
void deadletter_headers_add_text(rd_kafka_headers_t *headers, enum deadletter_header header,
                                 const char *text);
void deadletter_headers_add_number(rd_kafka_headers_t *headers, enum deadletter_header header,
                                   int64_t number);

struct deadletter_headers {
    /* Borrowed from the headers; "" if absent. */
    const char *topic, *reason, *help, *retry_of;
    int64_t offset;
    int32_t partition;
    uint32_t index;
    int64_t timestamp_ms; /* of the original message; 0 if it had none */
    int64_t full_size;    /* of a truncated letter; else -1 */
    int64_t retried_at;   /* of a mark: the offset; else -1 */
    bool whole;
};

/* Returns 0, or ERR_SYNTAX: not written by ghgd, or damaged. headers may be NULL. */
int deadletter_headers_read(struct deadletter_headers *deadletter_headers_out,
                            const rd_kafka_headers_t *headers) MUST_CHECK;

/* Where the events of a message stood when they came in. Texts are borrowed from the message. */
struct message_place {
    const char *topic;
    int32_t partition;
    int64_t offset;
    uint32_t index;  /* of the first event */
    const void *key; /* NULL: it had none */
    size_t key_size;
};

/* The place that a re-keyed message names; false: the message was not re-keyed. */
bool message_place_read(struct message_place *place_out, const rd_kafka_message_t *message);
/* The place that a re-keyed message names, or else the message's own. */
struct message_place message_place_of(const rd_kafka_message_t *message);

#endif
