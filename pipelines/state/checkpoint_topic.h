/*
 * checkpoint_topic.h - is the checkpoint topic there, and as it has to be? Makes it if not.
 *
 * One check is one object, with a Kafka client of its own. It works in a thread of libuv's pool,
 * because librdkafka asks for metadata by waiting; done() comes on the loop, then it is gone.
 */
#ifndef GHGD_CHECKPOINT_TOPIC_H
#define GHGD_CHECKPOINT_TOPIC_H

#include <uv.h>

#include "config/config.h"

struct topic_check;

/* err: 0, the topic is good, and has so many partitions; ERR_CONFIG, it cannot serve, and `why`
 * says what to do; -EAGAIN, brokers were away or did not say. */
struct topic_verdict {
    int err;
    int32_t partitions;
    const char *why;
};

/* `config` outlives the check. Returns 0, -ENOMEM or a code of libuv. */
int topic_check_start(struct topic_check **check_out, uv_loop_t *loop, const struct config *config,
                      void (*done)(void *context, const struct topic_verdict *verdict),
                      void *context) MUST_CHECK;
/* Makes done() come soon, within seconds. */
void topic_check_hurry(struct topic_check *check);

#endif
