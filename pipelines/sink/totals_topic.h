/*
 * totals_topic.h - is the topic of a sink of totals there, and as it has to be? Makes it if not.
 *
 * It has to be compacted, and to have one partition: so its records have one order.
 */
#ifndef GHGD_TOTALS_TOPIC_H
#define GHGD_TOTALS_TOPIC_H

#include "pipelines/kafka/topic_check.h"

/* One check: as topic_check_start(). The configuration has a sink of totals. */
int totals_topic_check(struct topic_check **check_out, uv_loop_t *loop, const struct config *config,
                       void (*done)(void *context, const struct topic_verdict *verdict),
                       void *context) MUST_CHECK;

#endif
