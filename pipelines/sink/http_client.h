/*
 * http_client.h - one POST at a time on the loop, over a connection that is kept.
 *
 * Built on libcurl's multi interface, whose sockets and timer live on the loop. Redirects are not
 * followed, no proxy is used, nothing but http and https is spoken. The loop thread owns it.
 */
#ifndef GHGD_HTTP_CLIENT_H
#define GHGD_HTTP_CLIENT_H

#include <uv.h>

#include "base/buffer.h"

struct http_client;

struct http_conf {
    const char *url;             /* whole, with its query */
    const char *user, *password; /* Basic authorisation; NULL for none */
    const char *authorization; /* the value of that header; NULL for none. Secrets: never logged */
    const char *content_type;  /* NULL: plain text */
    const char *content_encoding; /* "gzip", or NULL */
    int64_t timeout_ms, connect_timeout_ms;
    /* Asked before anything is sent or read; once it says no, the request under way is given up, as
     * if the connection had failed. NULL: always. */
    bool (*may_go_on)(void *context);
};

struct http_answer {
    int status; /* 0: there was no answer, or not all of it */
    bool timed_out;
    bool sent;              /* some of the request went out, perhaps all of it */
    bool connected;         /* a connection was made for it, so the server may be another one */
    const char *error;      /* status 0: what happened, in libcurl's words */
    int64_t retry_after_ms; /* of the Retry-After header; 0 without one */
    const char *body;       /* what was kept of it: up to HTTP_ANSWER_BYTES_MAX */
    size_t body_size;
};

/* On the loop thread, never before http_client_post() has returned. `answer` lives until it
 * returns. The next http_client_post() may be called from here. */
typedef void (*http_answered)(void *context, const struct http_answer *answer);

/* Copies what it needs of `conf`. Returns 0, -ENOMEM, or -EINVAL for a malformed URL. */
int http_client_create(struct http_client **client_out, uv_loop_t *loop,
                       const struct http_conf *conf, http_answered answered,
                       void *context) MUST_CHECK;
/* Sends this header, "Name: value", with each later request, in the place of the one before.
 * Returns 0 or -ENOMEM; then no request has it. No request is under way. */
int http_client_set_header(struct http_client *client, const char *header) MUST_CHECK;
/* The body is borrowed until the answer or http_client_cancel(). Returns 0 or -EIO. */
int http_client_post(struct http_client *client, const void *body, size_t size) MUST_CHECK;
bool http_client_is_busy(const struct http_client *client);
/* Ends the request under way, if there is one, at once: there will be no answer. Returns whether
 * some of it had been sent. */
bool http_client_cancel(struct http_client *client);
/* Takes *client; ends the request under way; calls `closed` when nothing is left. */
void http_client_close(struct http_client **client, void (*closed)(void *context));

#endif
