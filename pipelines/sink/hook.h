/*
 * hook.h - where the sinks of alerts post JSON to, and what the answers mean.
 *
 * The verdicts are those of influx_answer.h. 2xx is done. 400 and 422 speak of the alerts, and 413
 * of their size. 408, 425, 429 and 5xx may pass. Any other answer speaks of the address or of the
 * right to write: nothing is lost while a person mends that.
 */
#ifndef GHGD_HOOK_H
#define GHGD_HOOK_H

#include "config/config.h"
#include "pipelines/sink/http_client.h"
#include "pipelines/sink/influx_answer.h"

/* Where requests of that type of sink go: below conf->url. */
#define HOOK_ALERTMANAGER_PATH "/api/v2/alerts"
#define HOOK_WEBHOOK_PATH ""

struct hook_callbacks {
    http_answered answered;
    bool (*may_go_on)(void *context); /* as in struct http_conf */
    void *context;
};

/* The client for conf->url and `path`, by conf's user or token. Returns 0, -ENOMEM, or -EINVAL for
 * a malformed URL. */
int hook_open(struct http_client **client_out, uv_loop_t *loop, const struct sink_conf *conf,
              const char *path, const struct hook_callbacks *callbacks) MUST_CHECK;
/* Posts the body, signed if there is a secret. The body is borrowed until the answer. Returns 0, or
 * negative: nothing was sent. */
int hook_post(struct http_client *client, const struct sink_conf *conf,
              const struct buffer *body) MUST_CHECK;
void hook_judge(struct influx_answer *answer_out, const struct http_answer *answer);

#endif
