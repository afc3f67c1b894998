/*
 * http_sink.h - a sink over HTTP has failed with a request, or with a row: for the drivers of all
 * such sinks.
 */
#ifndef GHGD_HTTP_SINK_H
#define GHGD_HTTP_SINK_H

#include "pipelines/sink/driver.h"
#include "pipelines/sink/http_client.h"
#include "pipelines/sink/influx_answer.h"

/* The request may succeed later: counts, notes and logs that. Returns how long to wait. */
int64_t http_sink_failed(struct sink *sink, const struct influx_answer *judged,
                         const struct http_answer *answer);
/* The server will never take the row: counts and logs it, and keeps its text, which ends with a
 * newline, in the sink's file of dead rows. */
void http_sink_set_aside(struct sink *sink, const char *words, const struct buffer *text);

#endif
