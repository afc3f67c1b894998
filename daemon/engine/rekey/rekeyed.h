/*
 * rekeyed.h - a message of the topic that is keyed by facility: a run of events out of a message of
 * another topic, and where they stood there.
 *
 * Key: the facility's id. Value: the event as it was, or an array of the events as they were.
 * Headers and timestamp are those of the original message, plus ghgd-topic, ghgd-partition,
 * ghgd-offset and ghgd-index (of the first event of the run), and ghgd-key, the original key, which
 * marks the message as one of ours. Dead letters name the original place and have the original key.
 */
#ifndef GHGD_REKEYED_H
#define GHGD_REKEYED_H

#include "daemon/engine/rekey/splitter.h"
#include "pipelines/kafka/letter.h"

/* The run as a message, ready for deadletter_post(). NULL if out of memory. */
struct letter *rekeyed_create(const rd_kafka_message_t *message, const struct run *run,
                              const char *facility);

/* Where the events of a message stood. Texts are borrowed from its headers. */
struct rekeyed {
    const char *topic;
    int32_t partition;
    int64_t offset;
    uint32_t index;  /* of the first event */
    const void *key; /* NULL: it had none */
    size_t key_size;
};

/* False if the message was not made by rekeyed_create(). */
bool rekeyed_read(struct rekeyed *rekeyed_out, const rd_kafka_message_t *message);

#endif
