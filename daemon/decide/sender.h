/*
 * sender.h - one message into one partition, and the broker's answer.
 */
#ifndef GHGD_SENDER_H
#define GHGD_SENDER_H

#include "config/config.h"

struct sent_message {
    const char *topic;
    int32_t partition;
    const char *key; /* text */
    const void *bytes;
    size_t size;
};

/* Sends the message with the header ghgd-native: 1, and waits until all replicas have it. Returns 0
 * and its offset; or negative with words in `why`. -ETIMEDOUT: the brokers may have it. */
int sender_send(const struct kafka_conf *conf, const struct sent_message *message,
                int64_t *offset_out, struct buffer *why) MUST_CHECK;

#endif
