/*
 * client_slack.h - librdkafka's threads may wake a millisecond late from a timer.
 *
 * Before 2.4 (librdkafka issue 4684) a client's main thread rounds the time to its next timer down
 * to whole milliseconds, wakes too early by the rest, and spins until the timer is due: 0.8 ms of
 * processor time a second for a client that has nothing to do, five times what all its threads need
 * else. The kernel's timer slack covers the rest. All its threads get it, as those that it starts
 * later inherit it anyway. It is for what is done by the clock (timeouts, retries, heartbeats, a
 * batch that lingers): what arrives wakes a thread at once, as ever.
 */
#ifndef GHGD_CLIENT_SLACK_H
#define GHGD_CLIENT_SLACK_H

#include <librdkafka/rdkafka.h>

#include "base/base.h"

/* Of clients made with these settings. Returns 0 or -ENOMEM. */
int client_slack_set(rd_kafka_conf_t *settings) MUST_CHECK;

#endif
