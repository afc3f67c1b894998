#include "tests/unit/sink/scripted_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CONNECTIONS_MAX = 64, BODY_MAX = 16 << 20 };

struct connection {
    uv_tcp_t tcp; /* first: a handle is its connection */
    struct scripted_server *server;
    uint32_t number;
    struct buffer in;
    char chunk[65536];
};

struct scripted_server {
    uv_tcp_t tcp;
    scripted_handler handler;
    void *context;
    uint32_t requests, connected, resets;
    struct connection *connections[CONNECTIONS_MAX];
    uint32_t handles;
};

struct reply {
    uv_write_t request;
    struct buffer text;
};

static void release(struct scripted_server *server)
{
    if (--server->handles == 0)
        free(server);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = (struct connection *)handle;
    struct scripted_server *server = connection->server;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (server->connections[i] == connection)
            server->connections[i] = NULL;
    buffer_fini(&connection->in);
    free(connection);
    release(server);
}

static void hang_up(struct connection *connection, bool reset)
{
    if (uv_is_closing((uv_handle_t *)&connection->tcp))
        return;
    if (!reset || uv_tcp_close_reset(&connection->tcp, on_closed) < 0)
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

static void inflate_body(struct buffer *out, const char *data, size_t size)
{
    z_stream stream = {.next_in = (z_const Bytef *)data, .avail_in = (uInt)size};
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        abort();
    int status = Z_OK;
    while (status == Z_OK) {
        unsigned char chunk[4096];
        stream.next_out = chunk;
        stream.avail_out = sizeof(chunk);
        status = inflate(&stream, Z_NO_FLUSH);
        buffer_add(out, chunk, sizeof(chunk) - stream.avail_out);
    }
    if (status != Z_STREAM_END)
        abort();
    (void)inflateEnd(&stream);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    struct reply *reply = (struct reply *)request;
    buffer_fini(&reply->text);
    free(reply);
}

static void send_reply(struct connection *connection, const struct scripted_response *response)
{
    struct reply *reply = calloc(1, sizeof(*reply));
    if (reply == NULL)
        abort();
    const char *body = response->body == NULL ? "" : response->body;
    buffer_init(&reply->text, BODY_MAX);
    buffer_printf(&reply->text, "HTTP/1.1 %d Scripted\r\n%s", response->status,
                  response->headers == NULL ? "" : response->headers);
    if (response->status != 204)
        buffer_printf(&reply->text, "Content-Length: %zu\r\n", strlen(body));
    buffer_printf(&reply->text, "\r\n%s", body);
    size_t size = reply->text.size;
    if (response->manner == MANNER_RESET_IN_BODY)
        size -= strlen(body) / 2;
    uv_buf_t bytes = uv_buf_init(reply->text.data, (unsigned)size);
    if (uv_try_write((uv_stream_t *)&connection->tcp, &bytes, 1) != (int)size)
        abort(); /* these are short */
    on_written(&reply->request, 0);
}

static void answer(struct connection *connection, const char *head, const char *body, size_t size)
{
    struct scripted_server *server = connection->server;
    struct buffer text;
    buffer_init(&text, BODY_MAX);
    if (strstr(head, "Content-Encoding: gzip") != NULL)
        inflate_body(&text, body, size);
    else
        buffer_add(&text, body, size);
    struct scripted_request request = {.index = server->requests++,
                                       .head = head,
                                       .body = buffer_text(&text),
                                       .connection = connection->number};
    for (size_t i = 0; i < text.size; i++)
        request.lines += text.data[i] == '\n';
    struct scripted_response response = server->handler(server->context, &request);
    if (response.manner != MANNER_STALL && response.manner != MANNER_RESET)
        send_reply(connection, &response);
    if (response.manner == MANNER_RESET || response.manner == MANNER_RESET_IN_BODY)
        hang_up(connection, true);
    else if (response.manner == MANNER_ANSWER_AND_CLOSE)
        hang_up(connection, false);
    buffer_fini(&text);
}

/* One request, as soon as it is whole; libcurl sends no second one before the answer. */
static void look_for_request(struct connection *connection)
{
    const char *text = buffer_text(&connection->in);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length:");
    if (end == NULL || length == NULL)
        return;
    size_t size = strtoul(length + strlen("Content-Length:"), NULL, 10);
    const char *body = end + 4;
    if (connection->in.size - (size_t)(body - text) < size)
        return;
    char *head = strndup(text, (size_t)(end - text));
    struct buffer in = connection->in;
    buffer_init(&connection->in, BODY_MAX);
    answer(connection, head, body, size);
    free(head);
    buffer_fini(&in);
}

static void give_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *chunk)
{
    (void)suggested;
    struct connection *connection = (struct connection *)handle;
    *chunk = uv_buf_init(connection->chunk, sizeof(connection->chunk));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *chunk)
{
    struct connection *connection = (struct connection *)stream;
    if (size < 0) {
        connection->server->resets += size == UV_ECONNRESET;
        hang_up(connection, false);
        return;
    }
    buffer_add(&connection->in, chunk->base, (size_t)size);
    look_for_request(connection);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct scripted_server *server = stream->data;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (status < 0 || connection == NULL)
        abort();
    connection->server = server;
    connection->number = ++server->connected;
    buffer_init(&connection->in, BODY_MAX);
    if (uv_tcp_init(stream->loop, &connection->tcp) < 0 ||
        uv_accept(stream, (uv_stream_t *)&connection->tcp) < 0 ||
        uv_read_start((uv_stream_t *)&connection->tcp, give_chunk, on_read) < 0)
        abort();
    server->handles++;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (server->connections[i] == NULL) {
            server->connections[i] = connection;
            return;
        }
    abort();
}

struct scripted_server *scripted_server_start(uv_loop_t *loop, scripted_handler handler,
                                              void *context)
{
    struct scripted_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address;
    if (server == NULL || uv_ip4_addr("127.0.0.1", 0, &address) < 0 ||
        uv_tcp_init(loop, &server->tcp) < 0 ||
        uv_tcp_bind(&server->tcp, (const struct sockaddr *)&address, 0) < 0 ||
        uv_listen((uv_stream_t *)&server->tcp, CONNECTIONS_MAX, on_connection) < 0)
        abort();
    server->tcp.data = server;
    server->handler = handler;
    server->context = context;
    server->handles = 1;
    return server;
}

int scripted_server_port(const struct scripted_server *server)
{
    struct sockaddr_in address;
    int size = sizeof(address);
    if (uv_tcp_getsockname(&server->tcp, (struct sockaddr *)&address, &size) < 0)
        abort();
    return ntohs(address.sin_port);
}

uint32_t scripted_server_requests(const struct scripted_server *server)
{
    return server->requests;
}

uint32_t scripted_server_resets(const struct scripted_server *server)
{
    return server->resets;
}

void scripted_server_drop(struct scripted_server *server)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (server->connections[i] != NULL)
            hang_up(server->connections[i], true);
}

static void on_listener_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void scripted_server_stop(struct scripted_server **server)
{
    struct scripted_server *taken = TAKE(*server);
    scripted_server_drop(taken);
    uv_close((uv_handle_t *)&taken->tcp, on_listener_closed);
}
