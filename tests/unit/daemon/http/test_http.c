/* test_http.c - the HTTP server and its clients in one loop, over real sockets on loopback. */
#include "daemon/http/http.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"

enum { CLIENTS_MAX = HTTP_CONNECTIONS_MAX + 8, ANSWER_MAX = 2 << 20, DEADLINE_MS = 60000 };

struct fixture {
    uv_loop_t loop;
    struct http *http;
    int calls;
    uint64_t pieces;
    bool closed;
};

static unsigned handle_hello(void *context, struct buffer *body)
{
    struct fixture *fixture = context;
    fixture->calls++;
    buffer_printf(body, "hello %d\n", fixture->calls);
    return 200;
}

static unsigned handle_big(void *context, struct buffer *body)
{
    (void)context;
    for (int i = 0; i < 50000; i++)
        buffer_add_str(body, "0123456789");
    return 200;
}

static unsigned handle_sick(void *context, struct buffer *body)
{
    (void)context;
    buffer_add_str(body, "sick\n");
    return 503;
}

static unsigned handle_endless(void *context, struct buffer *body)
{
    (void)context;
    while (!buffer_failed(body))
        buffer_add_str(body, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    return 200;
}

static void on_closed(void *context)
{
    ((struct fixture *)context)->closed = true;
}

static unsigned post_order(void *context, const struct http_query *query, struct buffer *body)
{
    (void)context;
    const char *dish = http_query_get(query, "dish");
    buffer_printf(body, "%s, %s\n", dish != NULL ? dish : "nothing",
                  http_query_get(query, "none") == NULL ? "no more" : "more");
    return dish != NULL ? 202 : 400;
}

enum { PIECES = 300, PIECE_BYTES = 5000 };

/* Some pieces are empty, the first and the last too. */
static bool piece_of_long(void *context, uint64_t *cursor, struct buffer *body)
{
    ((struct fixture *)context)->pieces++;
    for (int i = 0; *cursor % 3 != 0 && i < PIECE_BYTES / 10; i++)
        buffer_printf(body, "%04" PRIu64 "abcdef", *cursor);
    return (*cursor)++ < PIECES;
}

static bool piece_of_sick(void *context, uint64_t *cursor, struct buffer *body)
{
    buffer_add_str(body, "sick");
    if ((*cursor)++ == 1)
        (void)handle_endless(context, body);
    return true;
}

static bool piece_of_nothing(void *context, uint64_t *cursor, struct buffer *body)
{
    (void)context;
    (void)cursor;
    (void)body;
    return false;
}

#define TEXT .content_type = "text/plain"
static struct http_handler handlers[] = {
    {.path = "/hello", .content_type = "text/plain; version=0.0.4", .handle = handle_hello},
    {.path = "/big", TEXT, .handle = handle_big},
    {.path = "/sick", TEXT, .handle = handle_sick},
    {.path = "/endless", TEXT, .handle = handle_endless},
    {.path = "/order", TEXT, .post = post_order},
    {.path = "/long", TEXT, .piece = piece_of_long},
    {.path = "/long/sick", TEXT, .piece = piece_of_sick},
    {.path = "/long/nothing", TEXT, .piece = piece_of_nothing},
};

#define TOKEN "a-token"
#define AUTHORIZED "Authorization: Bearer " TOKEN "\r\n"

static int create(struct http **http_out, uv_loop_t *loop, const char *host, int port)
{
    const struct http_server_conf conf = {.host = host,
                                          .port = port,
                                          .allowed_hosts = "x,plant.example.net:443",
                                          .token = TOKEN,
                                          .handlers = handlers,
                                          .handlers_count = ARRAY_LEN(handlers)};
    return http_create(http_out, loop, &conf);
}

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        handlers[i].context = &fixture;
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    assert_int_equal(create(&fixture.http, &fixture.loop, "127.0.0.1", 0), 0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    http_close(fixture->http, on_closed, fixture);
    assert_false(fixture->closed); /* never from within the call */
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->closed);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    return 0;
}

static int client_open(const struct fixture *fixture)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address;
    assert_int_equal(uv_ip4_addr("127.0.0.1", http_get_port(fixture->http), &address), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void client_send(int fd, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* One turn of the loop; waits for it or for the client, whichever has something first. */
static void turn(struct fixture *fixture, int fd, int wait_ms)
{
    (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
    int due_ms = uv_backend_timeout(&fixture->loop);
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
                           {.fd = uv_backend_fd(&fixture->loop), .events = POLLIN}};
    (void)poll(fds, 2, due_ms >= 0 && due_ms < wait_ms ? due_ms : wait_ms);
    (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

/* Reads until `enough` stands in what came, or, if it is NULL, until the server hangs up. */
static const char *client_read(struct fixture *fixture, int fd, const char *enough)
{
    static char answer[ANSWER_MAX];
    size_t size = 0;
    uint64_t deadline = uv_hrtime() + DEADLINE_MS * UINT64_C(1000000);
    answer[0] = '\0';
    while (uv_hrtime() < deadline) {
        turn(fixture, fd, 100);
        ssize_t got = recv(fd, answer + size, sizeof(answer) - 1 - size, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            if (enough != NULL)
                fail_msg("hung up before \"%s\": %.200s", enough, answer);
            return answer;
        }
        if (got < 0)
            continue;
        size += (size_t)got;
        answer[size] = '\0';
        if (enough != NULL && strstr(answer, enough) != NULL)
            return answer;
    }
    fail_msg("no \"%s\" in %zu bytes: %.200s", enough == NULL ? "end" : enough, size, answer);
    return NULL;
}

static void test_requests(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name, *request, *want, *also;
    } cases[] = {
        {"get", "GET /hello HTTP/1.1\r\n", "HTTP/1.1 200 ", "\r\n\r\nhello "},
        {"content type", "GET /hello HTTP/1.1\r\n", "HTTP/1.1 200 ",
         "Content-Type: text/plain; version=0.0.4\r\n"},
        {"not cached", "GET /hello HTTP/1.1\r\n", "HTTP/1.1 200 ", "Cache-Control: no-store\r\n"},
        {"query is ignored", "GET /hello?a=b HTTP/1.1\r\n", "HTTP/1.1 200 ", "hello "},
        {"old client", "GET /hello HTTP/1.0\r\n", "HTTP/1.", "hello "},
        {"handler's status", "GET /sick HTTP/1.1\r\n", "HTTP/1.1 503 ", "sick\n"},
        {"a body with a get is read over", "GET /hello HTTP/1.1\r\nContent-Length: 5\r\n",
         "HTTP/1.1 200 ", "hello "},
        {"root", "GET / HTTP/1.1\r\n", "HTTP/1.1 404 ", "  /hello\n"},
        {"unknown path", "GET /helloo HTTP/1.1\r\n", "HTTP/1.1 404 ", "There is no such page."},
        {"path above", "GET /../hello HTTP/1.1\r\n", "HTTP/1.1 404 ", "There is no such page."},
        {"case matters", "GET /Hello HTTP/1.1\r\n", "HTTP/1.1 404 ", "There is no such page."},
        {"post", "POST /hello HTTP/1.1\r\nContent-Length: 5\r\n", "HTTP/1.1 405 ",
         "Allow: GET, HEAD\r\n"},
        {"post nowhere", "POST /x HTTP/1.1\r\nContent-Length: 0\r\n", "HTTP/1.1 405 ", "Only GET"},
        {"put", "PUT /hello HTTP/1.1\r\nContent-Length: 5\r\n", "HTTP/1.1 405 ", "Only GET"},
        {"delete", "DELETE /hello HTTP/1.1\r\n", "HTTP/1.1 405 ", "Only GET"},
        {"options", "OPTIONS * HTTP/1.1\r\n", "HTTP/1.1 405 ", "Only GET"},
        {"unknown method", "BREW /hello HTTP/1.1\r\n", "HTTP/1.1 405 ", "Only GET"},
        {"command", "POST /order?dish=soup&a=b HTTP/1.1\r\n" AUTHORIZED "", "HTTP/1.1 202 ",
         "soup, no more"},
        {"decoded", "POST /order?dish=a%26b%20c HTTP/1.1\r\nauthorization: bearer " TOKEN "\r\n",
         "HTTP/1.1 202 ", "a&b c, no more"},
        {"no parameter", "POST /order HTTP/1.1\r\n" AUTHORIZED "", "HTTP/1.1 400 ",
         "nothing, no more"},
        {"a body with a command is read over",
         "POST /order?dish=soup HTTP/1.1\r\n" AUTHORIZED "Content-Length: 5\r\n", "HTTP/1.1 202 ",
         "soup"},
        {"without a token", "POST /order?dish=soup HTTP/1.1\r\n", "HTTP/1.1 401 ",
         "\"Authorization: Bearer TOKEN\""},
        {"two lengths", "GET /hello HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n",
         "HTTP/1.1 400 ", ""},
        {"two kinds of length",
         "GET /hello HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n",
         "HTTP/1.1 400 ", ""},
        {"no frame", "GET /hello HTTP/1.1\r\n", "HTTP/1.1 200 ", "X-Frame-Options: DENY\r\n"},
        {"get a command", "GET /order?dish=soup HTTP/1.1\r\n" AUTHORIZED "", "HTTP/1.1 405 ",
         "Allow: POST\r\n"},
        {"put a command", "PUT /order?dish=soup HTTP/1.1\r\n" AUTHORIZED "", "HTTP/1.1 405 ",
         "Only POST"},
        {"answer too large", "GET /endless HTTP/1.1\r\n", "HTTP/1.1 500 ", "Content-Length: 0\r\n"},
        {"in pieces", "GET /long HTTP/1.1\r\n", "HTTP/1.1 200 ", "Transfer-Encoding: chunked\r\n"},
        {"head of pieces", "HEAD /long HTTP/1.1\r\n", "HTTP/1.1 200 ", "text/plain\r\n"},
        {"no piece", "GET /long/nothing HTTP/1.1\r\n", "HTTP/1.1 200 ", "\r\n0\r\n\r\n"},
        {"post pieces", "POST /long HTTP/1.1\r\n" AUTHORIZED "", "HTTP/1.1 405 ",
         "Allow: GET, HEAD\r\n"},
        {"wrong protocol", "GET /hello HTTP/9.9\r\n", "HTTP/1.1 505 ", ""},
        {"line noise", "\x16\x03\x01\x02 \xff\r\n", "HTTP/1.1 4", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = client_open(fixture);
        client_send(fd, cases[i].request);
        client_send(fd, "Host: x\r\nConnection: close\r\n\r\n");
        if (strstr(cases[i].request, "Content-Length: 5") != NULL)
            client_send(fd, "12345");
        const char *got = client_read(fixture, fd, NULL);
        if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0 ||
            strstr(got, cases[i].also) == NULL)
            fail_msg("%s: %.500s", cases[i].name, got);
        (void)close(fd);
    }
}

static void test_hosts(void **state)
{
    struct fixture *fixture = *state;
    static const char *const cases[][2] = {{"LOCALHOST:9477", "HTTP/1.1 200 "},
                                           {"x:80", "HTTP/1.1 200 "},
                                           {"x.example.net", "HTTP/1.1 421 "}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = client_open(fixture);
        client_send(fd, "GET /hello HTTP/1.1\r\nConnection: close\r\nHost: ");
        client_send(fd, cases[i][0]);
        client_send(fd, "\r\n\r\n");
        const char *got = client_read(fixture, fd, NULL);
        if (strncmp(got, cases[i][1], strlen(cases[i][1])) != 0)
            fail_msg("%s: %.100s", cases[i][0], got);
        (void)close(fd);
    }
}

/* The address of some interface that is not the loopback's; false if no interface has one. */
static bool find_own_address(struct sockaddr_in *address_out)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return false;
    bool found = false;
    for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
        found = i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET &&
                (i->ifa_flags & IFF_LOOPBACK) == 0 && (i->ifa_flags & IFF_UP) != 0;
        if (found)
            memcpy(address_out, i->ifa_addr, sizeof(*address_out));
    }
    freeifaddrs(all);
    return found;
}

/* The address at which a request arrives is a host that is known, without being told. */
static void test_command_from_elsewhere(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_in address;
    if (!find_own_address(&address))
        skip();
    struct http *http;
    assert_int_equal(create(&http, &fixture->loop, "0.0.0.0", 0), 0);
    address.sin_port = htons((uint16_t)http_get_port(http));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    char host[INET_ADDRSTRLEN];
    assert_int_equal(uv_ip4_name(&address, host, sizeof(host)), 0);
    client_send(fd, "POST /order?dish=soup HTTP/1.1\r\nHost: ");
    client_send(fd, host);
    client_send(fd, "\r\n\r\n");
    (void)client_read(fixture, fd, "HTTP/1.1 401 ");
    client_send(fd, "POST /order?dish=soup HTTP/1.1\r\nHost: ");
    client_send(fd, host);
    client_send(fd, "\r\n" AUTHORIZED "\r\n");
    (void)client_read(fixture, fd, "HTTP/1.1 202 ");
    (void)close(fd);
    http_close(http, on_closed, fixture);
    while (!fixture->closed)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    fixture->closed = false;
}

static void test_head(void **state)
{
    struct fixture *fixture = *state;
    int fd = client_open(fixture);
    client_send(fd, "HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const char *got = client_read(fixture, fd, NULL);
    assert_non_null(strstr(got, "HTTP/1.1 200 "));
    assert_non_null(strstr(got, "Content-Length: 8\r\n"));
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n");
    (void)close(fd);
}

static void test_pipelined(void **state)
{
    struct fixture *fixture = *state;
    int fd = client_open(fixture);
    client_send(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                    "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *got = client_read(fixture, fd, "hello 2\n");
    const char *second = strstr(got, " 404 ");
    assert_non_null(second);
    assert_true(strstr(got, "hello 1\n") < second);
    client_send(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"); /* and the connection stays open */
    (void)client_read(fixture, fd, "hello 3\n");
    (void)close(fd);
}

static void test_slow_client(void **state)
{
    struct fixture *fixture = *state;
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = client_open(fixture);
    for (size_t i = 0; i + 1 < sizeof(request); i++) {
        assert_int_equal(fixture->calls, 0);
        assert_int_equal(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
        turn(fixture, fd, 0);
    }
    (void)client_read(fixture, fd, "hello 1\n");

    /* A client that asks for much and does not read holds no other client up. */
    client_send(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    int other = client_open(fixture);
    client_send(other, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    (void)client_read(fixture, other, "hello 2\n");
    client_send(fd, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const char *got = client_read(fixture, fd, NULL);
    assert_true(strlen(got) > 500000);
    assert_non_null(strstr(got, "hello 3\n"));
    (void)close(other);
    (void)close(fd);
}

/* HTTP/1.0 has no chunks: what comes is the page as it is. */
static void test_pieces(void **state)
{
    struct fixture *fixture = *state;
    int fd = client_open(fixture);
    client_send(fd, "GET /long HTTP/1.0\r\n\r\n");
    for (uint64_t before = 0; fixture->pieces <= PIECES; before = fixture->pieces) {
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
        /* Once because more is to be sent, and once because the client has read. */
        assert_true(fixture->pieces - before <= UINT64_C(2) * HTTP_PIECES_PER_TURN);
    }
    const char *got = strstr(client_read(fixture, fd, NULL), "\r\n\r\n");
    assert_non_null(got);
    got += 4;
    for (uint64_t i = 0; i <= PIECES; i++) {
        char want[16];
        (void)snprintf(want, sizeof(want), "%04" PRIu64 "abcdef", i);
        for (int k = 0; i % 3 != 0 && k < PIECE_BYTES / 10; k++, got += 10)
            assert_memory_equal(got, want, 10);
    }
    assert_string_equal(got, "");
    assert_int_equal(fixture->pieces, PIECES + 1);
    (void)close(fd);
}

/* A page that breaks off is not taken for whole: its last chunk never comes. */
static void test_pieces_break_off(void **state)
{
    struct fixture *fixture = *state;
    int fd = client_open(fixture);
    client_send(fd, "GET /long/sick HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *got = client_read(fixture, fd, NULL);
    assert_non_null(strstr(got, "\r\n4\r\nsick\r\n"));
    assert_null(strstr(got, "\r\n0\r\n"));
    (void)close(fd);
}

static void test_client_vanishes(void **state)
{
    struct fixture *fixture = *state;
    static const char *const assigned_set[] = {"", "GET /big",
                                               "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
                                               "GET /long HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(assigned_set); i++) {
        int fd = client_open(fixture);
        if (assigned_set[i][0] != '\0')
            client_send(fd, assigned_set[i]);
        turn(fixture, fd, 0);
        struct linger linger = {.l_onoff = 1}; /* a reset instead of a farewell */
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        (void)close(fd);
        turn(fixture, -1, 0);
    }
    int fd = client_open(fixture);
    client_send(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)client_read(fixture, fd, "hello 1\n");
    (void)close(fd);
}

static void test_too_many_clients(void **state)
{
    struct fixture *fixture = *state;
    int fds[CLIENTS_MAX];
    for (int i = 0; i < CLIENTS_MAX; i++) {
        fds[i] = client_open(fixture);
        turn(fixture, -1, 0);
    }
    for (int i = 0; i < CLIENTS_MAX; i++)
        client_send(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        (void)client_read(fixture, fds[i], "hello ");
    assert_int_equal(fixture->calls, HTTP_CONNECTIONS_MAX);
    char byte;
    assert_int_equal(recv(fds[CLIENTS_MAX - 1], &byte, 1, MSG_DONTWAIT), -1); /* it waits */
    for (int i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        (void)close(fds[i]);
    for (int i = HTTP_CONNECTIONS_MAX; i < CLIENTS_MAX; i++) {
        (void)client_read(fixture, fds[i], "hello ");
        (void)close(fds[i]);
    }
}

static void test_long_requests(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name, *head, *tail, *want;
    } cases[] = {
        {"long URL", "GET /", " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 414 "},
        {"long header", "GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: ", "\r\n\r\n", "HTTP/1.1 431 "},
    };
    static char request[3 * HTTP_REQUEST_BYTES_MAX];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t size = (size_t)snprintf(request, sizeof(request), "%s", cases[i].head);
        memset(request + size, 'a', 2 * (size_t)HTTP_REQUEST_BYTES_MAX);
        (void)snprintf(request + size + 2 * (size_t)HTTP_REQUEST_BYTES_MAX, 64, "%s",
                       cases[i].tail);
        int fd = client_open(fixture);
        client_send(fd, request);
        const char *got = client_read(fixture, fd, "HTTP/1.1 4");
        if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("%s: %.200s", cases[i].name, got);
        (void)close(fd);
    }
    assert_int_equal(fixture->calls, 0);
}

static void test_endless_upload(void **state)
{
    struct fixture *fixture = *state;
    int fd = client_open(fixture);
    client_send(fd, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
    static char chunk[4096];
    size_t sent = 0;
    while (sent < 1U << 30) {
        ssize_t size = send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && errno != EAGAIN)
            break; /* it hung up */
        sent += size > 0 ? (size_t)size : 0;
        turn(fixture, fd, 10);
    }
    assert_true(sent < 64U << 20);
    assert_int_equal(fixture->calls, 0);
    (void)close(fd);
}

static void test_addresses(void **state)
{
    struct fixture *fixture = *state;
    struct http *http = NULL;
    static const struct {
        const char *host;
        int port, want; /* port -1: the one in use */
    } cases[] = {
        {"127.0.0.1", -1, -EADDRINUSE},
        {"203.0.113.1", 0, -EADDRNOTAVAIL},
        {"no such host", 0, -EADDRNOTAVAIL},
        {"127.0.0.1", 65536, -EINVAL},
        {"127.0.0.1", -2, -EINVAL},
        {"127.0.0.2", 0, 0},
        {"localhost", 0, 0},
    };
    struct addrinfo *known = NULL; /* a bare container has no file that names localhost */
    size_t count = ARRAY_LEN(cases) - (getaddrinfo("localhost", NULL, NULL, &known) != 0);
    if (known != NULL)
        freeaddrinfo(known);
    for (size_t i = 0; i < count; i++) {
        int port = cases[i].port == -1 ? http_get_port(fixture->http) : cases[i].port;
        int got = create(&http, &fixture->loop, cases[i].host, port);
        if (got != cases[i].want)
            fail_msg("%s:%d: got %d", cases[i].host, port, got);
        if (got < 0)
            continue;
        assert_true(http_get_port(http) > 0);
        fixture->closed = false;
        http_close(TAKE(http), on_closed, fixture);
        while (!fixture->closed)
            turn(fixture, -1, 0);
    }
    fixture->closed = false;
}

/* Connections are open, idle and half-way through a request when the server goes. */
static void test_close_under_way(void **state)
{
    struct fixture *fixture = *state;
    struct http *http = NULL;
    assert_int_equal(create(&http, &fixture->loop, "127.0.0.1", 0), 0);
    struct fixture view = {.http = http};
    int idle = client_open(&view);
    int half = client_open(&view);
    int busy = client_open(&view);
    int reading = client_open(&view);
    client_send(half, "GET /hel");
    client_send(busy, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    client_send(reading, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    turn(fixture, -1, 0);
    http_close(TAKE(http), on_closed, fixture);
    assert_string_equal(client_read(fixture, idle, NULL), "");
    assert_string_equal(client_read(fixture, half, NULL), "");
    assert_true(fixture->closed);
    fixture->closed = false;
    (void)close(idle);
    (void)close(half);
    (void)close(busy);
    (void)close(reading);
}

int main(void)
{
    (void)alarm(240); /* rather than hang */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_command_from_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pipelined, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pieces_break_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_vanishes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless_upload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_under_way, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
