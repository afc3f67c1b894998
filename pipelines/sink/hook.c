#include "pipelines/sink/hook.h"

#include "base/clock.h"
#include "base/timestamp.h"
#include "pipelines/sink/signature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    URL_BYTES_MAX = 8 << 10,
    HEADER_BYTES_MAX = 66 << 10, /* a secret has 64 KiB at most */
    SIGNATURE_BYTES_MAX = 256,
    TIMEOUT_DEFAULT_MS = 20000,
    CONNECT_TIMEOUT_DEFAULT_MS = 5000
};

/* The path begins with a slash: one at the end of the URL goes. */
static void add_url(struct buffer *url, const char *text, const char *path)
{
    size_t size = strlen(text);
    while (path[0] == '/' && size > 0 && text[size - 1] == '/')
        size--;
    buffer_add(url, text, size);
    buffer_add_str(url, path);
}

int hook_open(struct http_client **client_out, uv_loop_t *loop, const struct sink_conf *conf,
              const char *path, const struct hook_callbacks *callbacks)
{
    if (conf->url == NULL)
        return -EINVAL;
    struct buffer url;
    struct buffer header;
    buffer_init(&url, URL_BYTES_MAX);
    buffer_init(&header, HEADER_BYTES_MAX);
    add_url(&url, conf->url, path);
    if (conf->token != NULL)
        buffer_printf(&header, "Bearer %s", conf->token);
    struct http_conf http_conf = {
        .url = buffer_text(&url),
        .user = conf->user,
        .password = conf->password,
        .authorization = conf->token != NULL ? buffer_text(&header) : NULL,
        .content_type = "application/json",
        .may_go_on = callbacks->may_go_on,
        .timeout_ms = conf->timeout_ms > 0 ? conf->timeout_ms : TIMEOUT_DEFAULT_MS,
        .connect_timeout_ms =
            conf->connect_timeout_ms > 0 ? conf->connect_timeout_ms : CONNECT_TIMEOUT_DEFAULT_MS,
    };
    int err = buffer_failed(&url) || buffer_failed(&header)
                  ? -ENOMEM
                  : http_client_create(client_out, loop, &http_conf, callbacks->answered,
                                       callbacks->context);
    buffer_fini(&url);
    buffer_fini(&header);
    return err;
}

int hook_post(struct http_client *client, const struct sink_conf *conf, const struct buffer *body)
{
    int err = 0;
    if (conf->secret != NULL) {
        struct buffer header;
        buffer_init(&header, SIGNATURE_BYTES_MAX);
        err = signature_add(&header, conf->secret, clock_wall_ms() / SECOND_MS, body->data,
                            body->size);
        if (err == 0)
            err = http_client_set_header(client, buffer_text(&header));
        buffer_fini(&header);
    }
    return err < 0 ? err : http_client_post(client, body->data, body->size);
}

static enum verdict verdict_of(int status)
{
    switch (status) {
    case 400:
    case 422:
        return VERDICT_REFUSED;
    case 413:
        return VERDICT_TOO_LARGE;
    case 429:
    case 503:
        return VERDICT_BUSY;
    case 408:
    case 425:
        return VERDICT_BROKEN;
    default:
        break;
    }
    if (status >= 200 && status < 300)
        return VERDICT_DONE;
    return status >= 500 || status == 0 ? VERDICT_BROKEN : VERDICT_HOLD;
}

void hook_judge(struct influx_answer *answer_out, const struct http_answer *answer)
{
    *answer_out = (struct influx_answer){.verdict = verdict_of(answer->status)};
    if (answer->status == 0)
        answer_words(answer_out->words, 0, answer->error, strlen(answer->error));
    else if (answer_out->verdict != VERDICT_DONE)
        answer_words(answer_out->words, answer->status, answer->body, answer->body_size);
}
