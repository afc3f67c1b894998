/*
 * http.h - the daemon's small HTTP server: a table of paths, answered on the loop.
 *
 * GET and HEAD are for all clients that ask for this host, as doors.h says. POST changes something:
 * it has to show the token, too. No body is read.
 *
 * libmicrohttpd runs in its external epoll mode, so there is no thread. Connections, their memory
 * and their idle time are bounded (limits.h): clients beyond the limit wait in the kernel's
 * backlog.
 */
#ifndef GHGD_HTTP_H
#define GHGD_HTTP_H

#include <uv.h>

#include "base/buffer.h"

struct http;

struct http_query;
/* A parameter of the query, decoded; NULL without it. Lives until the handler returns. */
const char *http_query_get(const struct http_query *query, const char *name);

/* Called on the loop; must not block. An unused function is NULL. */
struct http_handler {
    const char *path; /* exact, without a query */
    const char *content_type;
    void *context;
    /* GET and POST: append the body and return the status. */
    unsigned (*handle)(void *context, struct buffer *body);
    unsigned (*post)(void *context, const struct http_query *query, struct buffer *body);
    /* GET of a page too long to be made at once: appends its next piece, which begins at *cursor (0
     * at first), and moves the cursor. False: that was the last. Other callbacks of the loop come
     * between two pieces. */
    bool (*piece)(void *context, uint64_t *cursor, struct buffer *body);
};

/* All of it is borrowed until `closed`. */
struct http_server_conf {
    const char *host;                  /* a name or an address */
    int port;                          /* 0 takes any free one */
    const char *allowed_hosts, *token; /* as doors.h says; without a token: no command */
    const struct http_handler *handlers;
    size_t handlers_count;
};

/* Listens. Returns 0, -EADDRINUSE, -EADDRNOTAVAIL (no such host or not ours), -EINVAL (no such
 * port), -EACCES, -ENOMEM and what else the sockets say. */
int http_create(struct http **http_out, uv_loop_t *loop,
                const struct http_server_conf *conf) MUST_CHECK;
int http_get_port(const struct http *http);
/* Drops every connection, then calls `closed` from the loop; nothing of the server is left then. */
void http_close(struct http *http, void (*closed)(void *context), void *context);

#endif
