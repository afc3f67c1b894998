/*
 * http.h - the daemon's small HTTP server: a table of paths, answered on the loop.
 *
 * GET and HEAD only; no body is read, nothing can be changed through it. libmicrohttpd runs in its
 * external epoll mode, so there is no thread. Connections, their memory and their idle time are
 * bounded (limits.h): clients beyond the limit wait in the kernel's backlog.
 */
#ifndef GHGD_HTTP_H
#define GHGD_HTTP_H

#include <uv.h>

#include "base/buffer.h"

struct http;

struct http_handler {
    const char *path; /* exact, without a query */
    const char *content_type;
    /* Appends the body and returns the status. Called on the loop; must not block. */
    unsigned (*handle)(void *context, struct buffer *body);
    void *context;
};

/* Listens on host (a name or an address) and port; port 0 takes any free one. `handlers` is
 * borrowed until `closed`. Returns 0, -EADDRINUSE, -EADDRNOTAVAIL (no such host or not ours),
 * -EINVAL (no such port), -EACCES, -ENOMEM and what else the sockets say. */
int http_create(struct http **http_out, uv_loop_t *loop, const char *host, int port,
                const struct http_handler *handlers, size_t count) MUST_CHECK;
int http_get_port(const struct http *http);
/* Drops every connection, then calls `closed` from the loop; nothing of the server is left then. */
void http_close(struct http *http, void (*closed)(void *context), void *context);

#endif
