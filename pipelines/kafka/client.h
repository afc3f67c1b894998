/*
 * client.h - what our Kafka clients share: settings, their check, and librdkafka's log lines.
 *
 * Settings are ours first, then the operator's `kafka.properties`; those that carry a promise of
 * the daemon (where offsets come from, who commits, what an acknowledgement means) are refused.
 * Values of passwords and keys are never repeated in a message.
 */
#ifndef GHGD_CLIENT_H
#define GHGD_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "base/log.h"
#include "config/config.h"

enum client_kind {
    CLIENT_CONSUMER, /* member of the group */
    CLIENT_PRODUCER, /* of dead letters: what they refuse is tried for ever */
    CLIENT_READER,   /* a consumer without a group, for rd_kafka_consume_start_queue() */
    CLIENT_WRITER,   /* of checkpoints: given up after a minute, as the next one says more */
    CLIENT_TOTALS,   /* of totals: given up within a sink's timeout, and sent again by the sink */
    CLIENT_KINDS
};

/* Builds a client that posts `events` (RD_KAFKA_EVENT_...; errors and logs always) to its queues.
 * Returns 0, -ENOMEM or ERR_CONFIG; `why` then has a line for every fault. */
int client_create(rd_kafka_t **client_out, const struct kafka_conf *conf, enum client_kind kind,
                  int events, struct buffer *why) MUST_CHECK;

/* Builds every kind without a broker to connect to, and checks what librdkafka accepts silently.
 * Returns 0, or ERR_CONFIG with a line per fault in `faults`. */
int client_check(const struct kafka_conf *conf, struct buffer *faults) MUST_CHECK;

/* The number that the client has in force for a property; -1 if it has none. */
int64_t client_get_number(rd_kafka_t *client, const char *property);

/* Logs an RD_KAFKA_EVENT_LOG as one of our lines, at most one per second and limit. */
void client_log(struct log_limit *limit, const char *name, rd_kafka_event_t *event);

enum { CLIENT_ERROR_TEXT_SIZE = 512 };
/* Tells whether an RD_KAFKA_EVENT_ERROR ends the client, and says why. */
bool client_error_is_fatal(rd_kafka_t *client, rd_kafka_event_t *event,
                           char text[CLIENT_ERROR_TEXT_SIZE]);

#endif
