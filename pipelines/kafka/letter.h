/*
 * letter.h - one refused event on its way to the dead-letter or the late topic.
 *
 * Holds its own copy of the event's bytes and of the key until delivery is acknowledged, so that a
 * failed one can be sent again. Headers are with the client while it is sending, else here.
 */
#ifndef GHGD_LETTER_H
#define GHGD_LETTER_H

#include <librdkafka/rdkafka.h>

#include "pipelines/ingest/batch.h"
#include "pipelines/kafka/letter_reserve.h"

struct letter {
    struct letter *older, *newer; /* of the same partition, by offset */
    struct letter *next_retry;
    struct letter_block *block; /* of the reserve, if it lies in one */
    uint64_t sequence;          /* of a parked one: rises in the order of parking */
    int64_t offset;             /* of the message that the event came in */
    int32_t partition;
    bool is_late;                /* to the late topic */
    bool is_run;                 /* not refused: to the topic keyed by facility (rekeyed.h) */
    bool is_cut;                 /* the topic takes no message of the full size */
    int64_t timestamp_ms;        /* of the original message; 0 if it has none */
    rd_kafka_headers_t *headers; /* NULL while the client has them */
    bool has_key;
    size_t key_size, size;
    char bytes[]; /* key, then event */
};

/* Copies the event out of its message, or the message whole, with the message's headers and ours.
 * reserve: used if there is no other memory; may be NULL. Returns NULL if there is none. */
struct letter *letter_create(struct letter_reserve *reserve, const rd_kafka_message_t *message,
                             const struct refusal *refusal, bool whole);
/* The key that letters of the message have. */
size_t letter_key_size(const rd_kafka_message_t *message);
/* What a letter takes of a reserve, at most. */
size_t letter_reserved_size(size_t key_size, size_t size);
void letter_destroy(struct letter *letter);
/* It was judged anew, and refused for this reason instead. */
void letter_refuse(struct letter *letter, enum outcome outcome);

/* Hands the letter to the client, which borrows the body until its delivery report. On failure the
 * letter is as before. */
rd_kafka_resp_err_t letter_send(struct letter *letter, rd_kafka_t *client, const char *topic);

/* Takes the headers back from a delivery report, for another try. */
void letter_recover(struct letter *letter, const rd_kafka_message_t *report);
/* Leaves only the beginning of the body, and says so in a header. */
void letter_cut(struct letter *letter);

#endif
