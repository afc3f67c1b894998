/*
 * health.h - what /healthz and /readyz answer.
 *
 * Healthy: the loop turns, or nobody would answer, and nothing fatal has happened; a manager may
 * restart what is not. A partition that is halted because data is gone is told, but does not make
 * the process unhealthy: a restart mends nothing, and stops the others. Ready: the figures in the
 * sinks are as current as they can be; what is not ready is better left alone, and its neighbours
 * asked. One line a condition, "ok" or "no" first.
 */
#ifndef GHGD_HEALTH_H
#define GHGD_HEALTH_H

#include "base/buffer.h"
#include "daemon/http/metrics.h"

/* A sink that has failed for longer than this makes the process not ready. */
enum { HEALTH_SINK_FAILING_MS_MAX = 60000 };

/* `fatal` says what has happened, or is NULL. Returns 200 or 503. */
unsigned health_print(const char *fatal, const struct metrics_source *source, struct buffer *out);
/* Ready: the group has answered, no partition is halted, every one has its state and is caught up,
 * every sink works or has not failed for long; the same of the group and the partitions of the
 * input topic, where a stage re-keys it. A process to which the group gave no partition is a
 * spare, and ready. Returns 200 or 503. */
unsigned health_print_ready(const char *fatal, const struct metrics_source *source,
                            struct buffer *out);

#endif
