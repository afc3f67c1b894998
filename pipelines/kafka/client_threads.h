/*
 * client_threads.h - librdkafka's threads: their processor time, by kind of client, and their
 * timers.
 *
 * Compressing, hashing and sending happen on threads that librdkafka starts, so the loop's own
 * clock does not see them. Counts are of the process and never fall: a thread that ends leaves its
 * time. Thread: any.
 */
#ifndef GHGD_CLIENT_THREADS_H
#define GHGD_CLIENT_THREADS_H

#include "pipelines/kafka/client.h"

/* Clients made with these settings count as `kind`. Returns 0 or -ENOMEM. */
int client_time_watch(rd_kafka_conf_t *settings, enum client_kind kind) MUST_CHECK;

/* User and system time of all threads that there were, in microseconds. */
uint64_t client_time_us(enum client_kind kind);

/* The threads of clients made with these settings may wake a millisecond late from a timer. Returns
 * 0 or -ENOMEM.
 *
 * Before 2.4 (librdkafka issue 4684) a client's main thread rounds the time to its next timer down
 * to whole milliseconds. It wakes too early by the rest, and spins until the timer is due. That
 * takes 0.8 ms of processor time a second for a client that has nothing to do, five times the time
 * of all its other work. The kernel's timer slack covers the rest. All its threads get it, as
 * threads that it starts later inherit it anyway. The slack delays only work that is done by the
 * clock (timeouts, retries, heartbeats, a batch that lingers). Data that arrives wakes a thread at
 * once.
 */
int client_slack_set(rd_kafka_conf_t *settings) MUST_CHECK;

#endif
