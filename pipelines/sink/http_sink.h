/*
 * http_sink.h - a sink over HTTP has failed with a request: for the drivers of all such sinks.
 */
#ifndef GHGD_HTTP_SINK_H
#define GHGD_HTTP_SINK_H

#include "pipelines/sink/driver.h"
#include "pipelines/sink/http_client.h"
#include "pipelines/sink/influx_answer.h"

/* The request may succeed later: counts, notes and logs that. Returns how long to wait. */
int64_t http_sink_failed(struct sink *sink, const struct influx_answer *judged,
                         const struct http_answer *answer);

#endif
