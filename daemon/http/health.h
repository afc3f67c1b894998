/*
 * health.h - what /healthz and /readyz answer.
 *
 * Healthy: the loop turns (else there is no answer), and nothing fatal has happened. A manager may
 * restart an unhealthy process. A partition that is halted because data is gone is told, but does
 * not make the process unhealthy: a restart mends nothing, and stops the others.
 *
 * Ready: the figures in the sinks are as current as they can be. If a process is not ready, leave
 * it alone and ask its neighbours. One line a condition, "ok" or "no" first.
 */
#ifndef GHGD_HEALTH_H
#define GHGD_HEALTH_H

#include "base/buffer.h"
#include "daemon/http/metrics.h"

/* A sink that has failed for longer than this makes the process not ready. */
enum { HEALTH_SINK_FAILING_MS_MAX = 60000 };

/* `fatal` says what has happened, or is NULL. Returns 200 or 503. */
unsigned health_print(const char *fatal, const struct metrics_source *source, struct buffer *out);
/* Ready: the group has answered, no partition is halted, and every partition has its state and is
 * caught up. Every sink works or has not failed for long. If a stage re-keys the input topic, its
 * group and partitions have to be ready too. A process without partitions is a spare, and ready.
 * A last line names facilities without a reading, and makes nothing not ready. Returns 200 or 503.
 */
unsigned health_print_ready(const char *fatal, const struct metrics_source *source,
                            struct buffer *out);

#endif
