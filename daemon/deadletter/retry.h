/*
 * retry.h - sends the events of letters in once more, and marks the letters.
 *
 * An event goes to the partition that it came from, with its key, its headers, its bytes and its
 * timestamp. When the broker has it, a mark goes to the topic of its letter, so that it is not sent
 * twice. Between the two a crash may fall: then it is sent again, and the daemon takes the second
 * for the duplicate that it is. Calls block while too much is under way. One thread owns it.
 */
#ifndef GHGD_RETRY_H
#define GHGD_RETRY_H

#include <librdkafka/rdkafka.h>

#include "daemon/deadletter/index.h"

struct letter_retry;

struct letter_retry_stats {
    uint64_t sent;     /* events that the broker has acknowledged */
    uint64_t marked;   /* letters whose marks it has */
    uint64_t failed;   /* events that it refused, or never answered for */
    uint64_t unmarked; /* events that it has, but not their marks */
};

/* Returns 0, or negative with a line in `why`. */
int letter_retry_create(struct letter_retry **retry_out, const struct kafka_conf *conf,
                        struct buffer *why) MUST_CHECK;
/* Frees what letter_retry_finish() has left. */
void letter_retry_destroy(struct letter_retry **retry);

/* Sends the bytes as the record's event. `source` has key and headers: the letter, or the original
 * message. box: topic of the letter. The record's texts outlive the retry. Returns 0, -ENOMEM, or
 * -ETIMEDOUT: the brokers have answered nothing for long. An event that the client refuses is
 * counted as failed. */
int letter_retry_send(struct letter_retry *retry, const struct letter_record *record,
                      const char *box, const rd_kafka_message_t *source, const void *bytes,
                      size_t size) MUST_CHECK;
/* Waits for all answers. Returns 0 or -ETIMEDOUT. */
int letter_retry_finish(struct letter_retry *retry) MUST_CHECK;

const struct letter_retry_stats *letter_retry_get_stats(const struct letter_retry *retry);
/* Why the last one that failed did; "" if none did. */
const char *letter_retry_error(const struct letter_retry *retry);

#endif
