/*
 * influx_request.h - where a sink's writes go, and by whose right: URL and headers, from its
 * options.
 */
#ifndef GHGD_INFLUX_REQUEST_H
#define GHGD_INFLUX_REQUEST_H

#include "config/config.h"
#include "pipelines/sink/http_client.h"

struct influx_request_callbacks {
    http_answered answered;
    bool (*may_go_on)(void *context); /* as in struct http_conf */
    void *context;
};

/* The client for those writes. Returns 0, -ENOMEM, or -EINVAL for a malformed URL. */
int influx_request_open(struct http_client **client_out, uv_loop_t *loop,
                        const struct sink_conf *conf,
                        const struct influx_request_callbacks *callbacks) MUST_CHECK;

/* Appends the data compressed in one piece, as a gzip member, at level 1: a sixth of the size for a
 * microsecond a line. Returns 0 or -ENOMEM. Thread: any. */
int gzip_add(struct buffer *out, const void *data, size_t size) MUST_CHECK;

#endif
