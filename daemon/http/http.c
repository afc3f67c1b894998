#include "daemon/http/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/http/doors.h"

struct http {
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_idle_t again; /* a timer of 0 ms that sets itself again would hold up all else */
    struct http_server_conf conf;
    struct buffer body; /* of the request in hand; the library takes a copy */
    int port;
    int handles_open;
    int pieces_left; /* that may be made in this turn */
    void (*closed)(void *context);
    void *context;
};

static unsigned connections(struct http *http)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == NULL ? 0 : info->num_connections;
}

/* Lets the library do what is due, and asks it when it wants to be called next. At its limit of
 * connections it stops listening, and takes that up again only in the turn after one has ended. */
static void http_turn(struct http *http)
{
    unsigned before;
    http->pieces_left = HTTP_PIECES_PER_TURN;
    do {
        before = connections(http);
        if (MHD_run(http->daemon) != MHD_YES)
            LOG_LIMITED(LOG_LEVEL_WARN, "http.turn_failed", "port=%d", http->port);
    } while (connections(http) < before);
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    (void)uv_timer_stop(&http->timer);
    (void)uv_idle_stop(&http->again);
    if (MHD_get_timeout(http->daemon, &timeout_ms) != MHD_YES)
        return;
    if (timeout_ms > 0)
        (void)uv_timer_start(&http->timer, http->timer.timer_cb, timeout_ms, 0);
    else
        (void)uv_idle_start(&http->again, http->again.idle_cb);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an epoll descriptor has no errors of its own */
    (void)events;
    http_turn(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
    http_turn(timer->data);
}

static void on_again(uv_idle_t *idle)
{
    http_turn(idle->data);
}

/* A request and what is answered to it. */
struct exchange {
    struct MHD_Connection *connection;
    const char *url;
    const char *allow; /* methods of the path, for status 405 */
    const char *content_type;
    const struct http_handler *stream; /* the page comes in pieces; NULL: it is http->body */
};

/* A page that is made while the client reads it. */
struct stream {
    struct http *http;
    const struct http_handler *handler;
    uint64_t cursor;
    struct buffer piece;
    size_t sent; /* of the piece */
    bool ended;
};

struct http_query {
    struct MHD_Connection *connection;
};

const char *http_query_get(const struct http_query *query, const char *name)
{
    return MHD_lookup_connection_value(query->connection, MHD_GET_ARGUMENT_KIND, name);
}

static void stream_free(void *context)
{
    struct stream *stream = context;
    buffer_fini(&stream->piece);
    free(stream);
}

/* The library asks as long as the client takes, and again in the next turn if it gets nothing. A
 * page that breaks off ends the connection, so that no client takes it for whole. */
static ssize_t stream_read(void *context, uint64_t position, char *out, size_t size_max)
{
    (void)position;
    struct stream *stream = context;
    while (stream->sent == stream->piece.size && !stream->ended) {
        if (stream->http->pieces_left == 0)
            return 0;
        stream->http->pieces_left--;
        buffer_clear(&stream->piece);
        stream->sent = 0;
        const struct http_handler *handler = stream->handler;
        stream->ended = !handler->piece(handler->context, &stream->cursor, &stream->piece);
        if (buffer_failed(&stream->piece))
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t size = MIN(size_max, stream->piece.size - stream->sent);
    if (size == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    memcpy(out, stream->piece.data + stream->sent, size);
    stream->sent += size;
    return (ssize_t)size;
}

static struct MHD_Response *create_stream(struct http *http, const struct http_handler *handler)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        return NULL;
    stream->http = http;
    stream->handler = handler;
    buffer_init(&stream->piece, HTTP_PIECE_BYTES_MAX);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, HTTP_REQUEST_BYTES_MAX, stream_read, stream, stream_free);
    if (response == NULL)
        stream_free(stream);
    return response;
}

/* The pages are text, and no page of others shows them within itself. */
static const char *const safety[][2] = {
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static enum MHD_Result respond(struct http *http, const struct exchange *exchange, unsigned status)
{
    struct MHD_Response *response =
        exchange->stream != NULL ? create_stream(http, exchange->stream)
                                 : MHD_create_response_from_buffer(http->body.size, http->body.data,
                                                                   MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, exchange->content_type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    for (size_t i = 0; i < ARRAY_LEN(safety); i++)
        (void)MHD_add_response_header(response, safety[i][0], safety[i][1]);
    if (status == MHD_HTTP_UNAUTHORIZED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, exchange->allow);
    enum MHD_Result result = MHD_queue_response(exchange->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static const char *header_of(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static unsigned handle_post(struct http *http, const struct http_handler *handler,
                            const struct exchange *exchange)
{
    const char *token = http->conf.token;
    if (token == NULL || !doors_know_token(header_of(exchange, "Authorization"), token)) {
        buffer_add_str(&http->body,
                       "A command needs the header \"Authorization: Bearer TOKEN\", with "
                       "the token of http.token_file, or of the file http-token in "
                       "the state directory.\n");
        return MHD_HTTP_UNAUTHORIZED;
    }
    const struct http_query query = {exchange->connection};
    return handler->post(handler->context, &query, &http->body);
}

static bool is_get(const char *method)
{
    return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static unsigned refuse_method(struct http *http, struct exchange *exchange, bool takes_post)
{
    exchange->allow = takes_post ? "POST" : "GET, HEAD";
    buffer_add_str(&http->body, takes_post ? "Only POST is served here.\n"
                                           : "Only GET and HEAD are served here.\n");
    return MHD_HTTP_METHOD_NOT_ALLOWED;
}

static unsigned handle_method(struct http *http, const struct http_handler *handler,
                              struct exchange *exchange, const char *method)
{
    bool posts = strcmp(method, MHD_HTTP_METHOD_POST) == 0 && handler->post != NULL;
    bool gets = is_get(method) && (handler->handle != NULL || handler->piece != NULL);
    if (!posts && !gets)
        return refuse_method(http, exchange, handler->post != NULL);
    exchange->content_type = handler->content_type;
    if (posts)
        return handle_post(http, handler, exchange);
    if (handler->handle != NULL)
        return handler->handle(handler->context, &http->body);
    exchange->stream = handler;
    return MHD_HTTP_OK;
}

static unsigned handle_url(struct http *http, struct exchange *exchange, const char *method)
{
    for (size_t i = 0; i < http->conf.handlers_count; i++) {
        if (strcmp(exchange->url, http->conf.handlers[i].path) == 0)
            return handle_method(http, &http->conf.handlers[i], exchange, method);
    }
    if (!is_get(method))
        return refuse_method(http, exchange, false);
    buffer_add_str(&http->body, "There is no such page. The pages are:\n");
    for (size_t i = 0; i < http->conf.handlers_count; i++)
        buffer_printf(&http->body, "  %s\n", http->conf.handlers[i].path);
    return MHD_HTTP_NOT_FOUND;
}

static enum MHD_Result count_length(void *context, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    (void)kind;
    (void)value;
    unsigned *lengths = context;
    *lengths += strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
                strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    return MHD_YES;
}

/* Where a proxy and this server could disagree on where the next request begins. */
static bool has_one_length(struct MHD_Connection *connection)
{
    unsigned lengths = 0;
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_length, &lengths);
    return lengths <= 1;
}

/* A client of HTTP/1.0 need not name a host; no browser is one. */
static bool is_for_us(const struct http *http, const struct exchange *exchange)
{
    const char *host = header_of(exchange, MHD_HTTP_HEADER_HOST);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr_storage local = {0};
    socklen_t size = sizeof(local);
    return host == NULL ||
           (info != NULL && getsockname(info->connect_fd, (struct sockaddr *)&local, &size) == 0 &&
            (doors_know_host(host, http->conf.allowed_hosts, (const struct sockaddr *)&local) ||
             doors_know_host(host, http->conf.host, (const struct sockaddr *)&local)));
}

static unsigned handle(struct http *http, struct exchange *exchange, const char *method)
{
    if (!has_one_length(exchange->connection)) {
        buffer_add_str(&http->body,
                       "A request has one Content-Length, or one Transfer-Encoding.\n");
        return MHD_HTTP_BAD_REQUEST;
    }
    if (is_for_us(http, exchange))
        return handle_url(http, exchange, method);
    buffer_add_str(&http->body, "This host is not known here. The name by which others ask belongs "
                                "into http.allowed_hosts of the configuration.\n");
    return MHD_HTTP_MISDIRECTED_REQUEST;
}

static enum MHD_Result answer(struct http *http, struct MHD_Connection *connection, const char *url,
                              const char *method)
{
    struct exchange exchange = {
        .connection = connection, .url = url, .content_type = "text/plain; charset=utf-8"};
    buffer_clear(&http->body);
    unsigned status = handle(http, &exchange, method);
    if (buffer_failed(&http->body)) {
        LOG_LIMITED(LOG_LEVEL_ERROR, "http.body_too_large", "path=\"%s\" bytes_max=%zu", url,
                    http->body.limit);
        buffer_clear(&http->body);
        status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    return respond(http, &exchange, status);
}

/* The library calls this once with the headers, then for pieces of a body, then once without one.
 * *request counts the bytes of a body, plus one: it is NULL at first only. */
// NOLINTNEXTLINE(readability-function-size): the parameters are the library's
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request)
{
    (void)version;
    (void)upload;
    uintptr_t read = (uintptr_t)*request;
    if (read == 0) {
        *request = (void *)(uintptr_t)1; // NOLINT(performance-no-int-to-ptr): a count, see above
        /* Nothing is read of a body whose length is in doubt. */
        return has_one_length(connection) ? MHD_YES : answer(context, connection, url, method);
    }
    if (*upload_size == 0)
        return answer(context, connection, url, method);
    if (*upload_size > HTTP_UPLOAD_BYTES_MAX - (size_t)(read - 1))
        return MHD_NO;                        /* no client has to send us anything: hang up */
    *request = (void *)(read + *upload_size); // NOLINT(performance-no-int-to-ptr): as above
    *upload_size = 0;
    return MHD_YES;
}

/* Opens the socket here, not in the library, which does not tell why it could not. */
static int open_address(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, HTTP_BACKLOG) == 0)
        return fd;
    int err = -errno;
    (void)close(fd);
    return err;
}

static int open_socket(const char *host, int port)
{
    if (port < 0 || port > UINT16_MAX)
        return -EINVAL; /* getaddrinfo() takes it modulo 2^16 */
    char service[16];
    (void)snprintf(service, sizeof(service), "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    if (getaddrinfo(host, service, &hints, &addresses) != 0)
        return -EADDRNOTAVAIL;
    int fd = -EADDRNOTAVAIL;
    for (const struct addrinfo *address = addresses; address != NULL; address = address->ai_next) {
        fd = open_address(address);
        if (fd >= 0)
            break;
    }
    freeaddrinfo(addresses);
    return fd;
}

static int socket_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    char service[16] = "";
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        getnameinfo((struct sockaddr *)&address, size, NULL, 0, service, sizeof(service),
                    NI_NUMERICSERV) != 0)
        return -EINVAL;
    return (int)strtol(service, NULL, 10);
}

static struct MHD_Daemon *start_daemon(struct http *http, int fd)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_REQUEST_BYTES_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

/* All handles become live, or none. */
static int watch(struct http *http, uv_loop_t *loop)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL)
        return -EINVAL;
    int err = uv_poll_init(loop, &http->poll, info->epoll_fd);
    if (err < 0)
        return err;
    err = uv_timer_init(loop, &http->timer);
    ASSERT(err == 0); /* documented to have no failures */
    err = uv_poll_start(&http->poll, UV_READABLE, on_poll);
    ASSERT(err == 0);
    (void)uv_idle_init(loop, &http->again); /* this one cannot fail, either */
    http->poll.data = http->timer.data = http->again.data = http;
    http->timer.timer_cb = on_timer;
    http->again.idle_cb = on_again;
    http->handles_open = 3;
    return 0;
}

int http_create(struct http **http_out, uv_loop_t *loop, const struct http_server_conf *conf)
{
    struct http *http = calloc(1, sizeof(*http));
    if (http == NULL)
        return -ENOMEM;
    http->conf = *conf;
    buffer_init(&http->body, HTTP_BODY_BYTES_MAX);
    int fd = open_socket(conf->host, conf->port);
    int err = fd;
    if (err < 0)
        goto fail_socket;
    http->port = socket_port(fd);
    http->daemon = start_daemon(http, fd);
    err = -ENOMEM;
    if (http->daemon == NULL)
        goto fail_socket;    /* the library closes the socket on some failures: then we must not */
    err = watch(http, loop); /* last: only uv_close() undoes a live handle */
    if (err < 0)
        goto fail_watch;
    *http_out = http;
    return 0;

fail_watch:
    MHD_stop_daemon(http->daemon); /* closes the socket, too */
fail_socket:
    buffer_fini(&http->body);
    free(http);
    return err;
}

int http_get_port(const struct http *http)
{
    return http->port;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http *http = handle->data;
    if (--http->handles_open > 0)
        return;
    void (*closed)(void *) = http->closed;
    void *context = http->context;
    buffer_fini(&http->body);
    free(http);
    if (closed != NULL)
        closed(context);
}

void http_close(struct http *http, void (*closed)(void *context), void *context)
{
    http->closed = closed;
    http->context = context;
    /* The handles first: the loop must not watch a descriptor that the library has closed. */
    uv_close((uv_handle_t *)&http->poll, on_handle_closed);
    uv_close((uv_handle_t *)&http->timer, on_handle_closed);
    uv_close((uv_handle_t *)&http->again, on_handle_closed);
    MHD_stop_daemon(TAKE(http->daemon));
}
