/*
 * client_time.h - the processor time of librdkafka's threads, by kind of client.
 *
 * Compressing, hashing and sending happen on threads that librdkafka starts, so the loop's own
 * clock does not see them. Counts are of the process and never fall: a thread that ends leaves its
 * time. Thread: any.
 */
#ifndef GHGD_CLIENT_TIME_H
#define GHGD_CLIENT_TIME_H

#include "pipelines/kafka/client.h"

/* Clients made with these settings count as `kind`. Returns 0 or -ENOMEM. */
int client_time_watch(rd_kafka_conf_t *settings, enum client_kind kind) MUST_CHECK;

/* User and system time of all threads that there were, in microseconds. */
uint64_t client_time_us(enum client_kind kind);

#endif
