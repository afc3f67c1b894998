#include "pipelines/sink/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    /* Two lines of words for each of 5000 rows; what is longer is read, and not kept. */
    HTTP_ANSWER_BYTES_MAX = 4 << 20,
    RETRY_AFTER_MAX_S = 3600, /* a server that asks for more is asked again all the same */
    KEEPALIVE_IDLE_S = 30
};

struct http_client {
    uv_loop_t *loop;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist changing; /* before them: http_client_set_header() */
    http_answered answered;
    bool (*may_go_on)(void *context);
    void (*closed)(void *context);
    void *context;
    uv_timer_t timer;
    uint32_t handles; /* of libuv, not yet closed: the timer and the sockets */
    bool busy;
    unsigned int timeout_ms;
    struct buffer body;
    char error[CURL_ERROR_SIZE];
};

/* A socket of libcurl's, watched by the loop; freed when its handle has closed. */
struct http_socket {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t fd;
};

/* Without a loop there is nothing to wait for: the last close frees. */
static void release(struct http_client *client)
{
    ASSERT(client->handles > 0);
    if (--client->handles > 0)
        return;
    void (*closed)(void *context) = client->closed;
    void *context = client->context;
    buffer_fini(&client->body);
    curl_slist_free_all(client->headers);
    free(client->changing.data);
    free(client);
    closed(context);
}

static bool has_sent(const struct http_client *client)
{
    long size = 0;
    curl_easy_getinfo(client->easy, CURLINFO_REQUEST_SIZE, &size);
    return size > 0;
}

static void finish(struct http_client *client, CURLcode code)
{
    long status = 0;
    long connects = 0;
    curl_off_t retry_after_s = 0;
    if (code == CURLE_OK)
        curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(client->easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(client->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s < 0)
        retry_after_s = 0;
    if (retry_after_s > RETRY_AFTER_MAX_S)
        retry_after_s = RETRY_AFTER_MAX_S;
    const char *words = client->error[0] != '\0' ? client->error : curl_easy_strerror(code);
    struct http_answer answer = {.status = (int)status,
                                 .timed_out = code == CURLE_OPERATION_TIMEDOUT,
                                 .sent = has_sent(client),
                                 .connected = connects > 0,
                                 .error = code == CURLE_OK ? "" : words,
                                 .retry_after_ms = retry_after_s * 1000,
                                 .body = client->body.size > 0 ? client->body.data : "",
                                 .body_size = client->body.size};
    curl_multi_remove_handle(client->multi, client->easy);
    client->busy = false;
    /* The body moves aside: the next request, begun inside, has one of its own. */
    struct buffer body = client->body;
    buffer_init(&client->body, HTTP_ANSWER_BYTES_MAX);
    client->answered(client->context, &answer);
    buffer_fini(&body);
}

static void look_for_end(struct http_client *client)
{
    int left = 0;
    CURLMsg *message = curl_multi_info_read(client->multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE)
        finish(client, message->data.result); /* there is one request: nothing else is left */
}

/* Returns true if nothing may be sent: then the request is over. */
static bool is_given_up(struct http_client *client)
{
    if (!client->busy || client->may_go_on == NULL || client->may_go_on(client->context))
        return false;
    (void)snprintf(client->error, sizeof(client->error), "given up: nothing may be written now");
    finish(client, CURLE_ABORTED_BY_CALLBACK);
    return true;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct http_socket *watched = poll->data;
    struct http_client *client = watched->client;
    if (is_given_up(client))
        return;
    int flags = 0;
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if ((events & UV_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    int running = 0;
    curl_multi_socket_action(client->multi, watched->fd, flags, &running);
    look_for_end(client);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_client *client = timer->data;
    if (is_given_up(client))
        return;
    int running = 0;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_end(client);
}

/* libcurl asks to be called in `timeout_ms`; it must not be called from here, not even for 0. */
static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct http_client *client = context;
    if (timeout_ms < 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_timer, timeout_ms == 0 ? 1 : (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct http_socket *watched = handle->data;
    struct http_client *client = watched->client;
    free(watched);
    release(client);
}

static struct http_socket *watch(struct http_client *client, curl_socket_t fd)
{
    struct http_socket *watched = calloc(1, sizeof(*watched));
    if (watched == NULL)
        return NULL;
    if (uv_poll_init_socket(client->loop, &watched->poll, fd) < 0) {
        free(watched);
        return NULL;
    }
    watched->poll.data = watched;
    watched->client = client;
    watched->fd = fd;
    client->handles++;
    curl_multi_assign(client->multi, fd, watched);
    return watched;
}

static void unwatch(struct http_client *client, struct http_socket *watched)
{
    uv_poll_stop(&watched->poll); /* before libcurl closes the descriptor */
    curl_multi_assign(client->multi, watched->fd, NULL);
    uv_close((uv_handle_t *)&watched->poll, on_socket_closed);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket)
{
    (void)easy;
    struct http_client *client = context;
    struct http_socket *watched = socket;
    if (what == CURL_POLL_REMOVE) {
        if (watched != NULL)
            unwatch(client, watched);
        return 0;
    }
    if (watched == NULL)
        watched = watch(client, fd);
    if (watched == NULL)
        return -1; /* libcurl fails the request */
    int events = 0;
    if ((what & CURL_POLL_IN) != 0)
        events |= UV_READABLE;
    if ((what & CURL_POLL_OUT) != 0)
        events |= UV_WRITABLE;
    return uv_poll_start(&watched->poll, events, on_ready) < 0 ? -1 : 0;
}

static size_t take_body(char *data, size_t one, size_t size, void *context)
{
    (void)one;
    struct http_client *client = context;
    size_t room = HTTP_ANSWER_BYTES_MAX - client->body.size;
    buffer_add(&client->body, data, size < room ? size : room);
    return size; /* more than that is read, so that the connection can be used again */
}

static int add_header(struct http_client *client, const char *name, const char *value)
{
    struct buffer line;
    buffer_init(&line, 1 << 16);
    buffer_printf(&line, "%s:%s%s", name, value[0] == '\0' ? "" : " ", value);
    const char *text = buffer_text(&line);
    struct curl_slist *longer = text == NULL ? NULL : curl_slist_append(client->headers, text);
    if (longer != NULL)
        client->headers = longer;
    buffer_fini(&line);
    return longer == NULL ? -ENOMEM : 0;
}

static int add_headers(struct http_client *client, const struct http_conf *conf)
{
    int err = add_header(client, "Expect", ""); /* else bodies over 1 MB wait for a 100-continue */
    if (err == 0)
        err = add_header(client, "Content-Type",
                         conf->content_type == NULL ? "text/plain; charset=utf-8"
                                                    : conf->content_type);
    if (err == 0 && conf->content_encoding != NULL)
        err = add_header(client, "Content-Encoding", conf->content_encoding);
    if (err == 0 && conf->authorization != NULL)
        err = add_header(client, "Authorization", conf->authorization);
    return err;
}

/* libcurl would take "http:///write" for a host named write. */
static bool has_host(const char *url)
{
    const char *colon = strstr(url, "://");
    return colon != NULL && colon[3] != '/' && colon[3] != '\0';
}

static bool is_url(const char *text)
{
    CURLU *url = curl_url();
    bool good = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    curl_url_cleanup(url);
    return good;
}

/* A request that was given up must not arrive later. So a socket that is closed, also by the end of
 * the process, drops the bytes that it has not sent yet. Bytes without acknowledgement are tried
 * for the request's own time at most. Otherwise the kernel would deliver for minutes, long after
 * another process has written newer rows. */
static int set_socket_options(void *context, curl_socket_t fd, curlsocktype purpose)
{
    (void)purpose;
    const struct http_client *client = context;
    const struct linger abort_at_close = {.l_onoff = 1, .l_linger = 0};
    unsigned int timeout_ms = client->timeout_ms;
    bool set =
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_at_close, sizeof(abort_at_close)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms)) == 0;
    return set ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

static int set_options(struct http_client *client, const struct http_conf *conf)
{
    CURL *easy = client->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, conf->url); /* copied */
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK && conf->user != NULL)
        code = curl_easy_setopt(easy, CURLOPT_USERNAME, conf->user);
    if (code == CURLE_OK && conf->user != NULL && conf->password != NULL)
        code = curl_easy_setopt(easy, CURLOPT_PASSWORD, conf->password);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a hanging resolver must not stall the loop */
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket_options);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, client);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)conf->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)conf->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    return code == CURLE_OK ? 0 : -ENOMEM;
}

static void set_multi_options(struct http_client *client)
{
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
}

int http_client_create(struct http_client **client_out, uv_loop_t *loop,
                       const struct http_conf *conf, http_answered answered, void *context)
{
    if (conf->url == NULL || !has_host(conf->url) || !is_url(conf->url))
        return -EINVAL;
    int err = -ENOMEM;
    struct http_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return err;
    *client = (struct http_client){.loop = loop,
                                   .answered = answered,
                                   .may_go_on = conf->may_go_on,
                                   .context = context,
                                   .timeout_ms = (unsigned int)conf->timeout_ms};
    buffer_init(&client->body, HTTP_ANSWER_BYTES_MAX);
    client->multi = curl_multi_init();
    client->easy = curl_easy_init();
    if (client->multi == NULL || client->easy == NULL)
        goto fail;
    err = add_headers(client, conf);
    if (err == 0)
        err = set_options(client, conf);
    if (err < 0)
        goto fail;
    set_multi_options(client);
    err = uv_timer_init(loop, &client->timer); /* last: only uv_close() undoes a live handle */
    if (err < 0)
        goto fail;
    client->timer.data = client;
    client->handles = 1;
    *client_out = client;
    return 0;

fail:
    curl_easy_cleanup(client->easy);
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->headers);
    free(client);
    return err;
}

int http_client_set_header(struct http_client *client, const char *header)
{
    ASSERT(!client->busy && client->easy != NULL);
    free(client->changing.data);
    client->changing = (struct curl_slist){strdup(header), client->headers};
    bool has_it = client->changing.data != NULL;
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER,
                     has_it ? &client->changing : client->headers);
    return has_it ? 0 : -ENOMEM;
}

int http_client_post(struct http_client *client, const void *body, size_t size)
{
    ASSERT(!client->busy && client->easy != NULL);
    buffer_clear(&client->body);
    client->error[0] = '\0';
    curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    if (curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
        return -EIO;
    client->busy = true;
    return 0;
}

bool http_client_is_busy(const struct http_client *client)
{
    return client->busy;
}

bool http_client_cancel(struct http_client *client)
{
    if (!client->busy)
        return false;
    bool sent = has_sent(client);
    curl_multi_remove_handle(client->multi, client->easy); /* closes the connection, too */
    client->busy = false;
    return sent;
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void http_client_close(struct http_client **client, void (*closed)(void *context))
{
    struct http_client *taken = TAKE(*client);
    (void)http_client_cancel(taken);
    taken->closed = closed;
    curl_easy_cleanup(taken->easy);
    curl_multi_cleanup(taken->multi); /* gives every socket back through set_socket() */
    uv_close((uv_handle_t *)&taken->timer, on_timer_closed);
}
