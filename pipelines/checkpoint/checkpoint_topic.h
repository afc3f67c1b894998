/*
 * checkpoint_topic.h - is the checkpoint topic there, and as it has to be? Makes it if not.
 *
 * It has to be compacted, and to have a partition for each one of the log that is read.
 */
#ifndef GHGD_CHECKPOINT_TOPIC_H
#define GHGD_CHECKPOINT_TOPIC_H

#include "pipelines/kafka/topic_check.h"

/* One check: as topic_check_start(). */
int checkpoint_topic_check(struct topic_check **check_out, uv_loop_t *loop,
                           const struct config *config,
                           void (*done)(void *context, const struct topic_verdict *verdict),
                           void *context) MUST_CHECK;

#endif
