#include "daemon/alerts/trial.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "pipelines/notice/alert_body.h"
#include "pipelines/sink/hook.h"

enum { BODY_BYTES_MAX = 256 << 10 };

struct trial_run {
    struct trial *trial;
    int64_t started_ms;
    bool answered, closed;
};

/* Alertmanager takes the alert for over a minute later. */
static void add_body(struct buffer *body, const struct sink_conf *conf, int64_t now_ms)
{
    const struct alert_notice notice = notice_sample(now_ms);
    enum language language = (enum language)conf->language;
    if (conf->type == SINK_WEBHOOK) {
        webhook_body_add(body, conf->name, &notice, 1, language);
        return;
    }
    buffer_add_char(body, '[');
    standing_alert_add(body, &notice, notice.to, language);
    standing_times_add(body, notice.start_ms, now_ms + MINUTE_MS);
    buffer_add_char(body, ']');
}

static void on_answered(void *context, const struct http_answer *answer)
{
    struct trial_run *run = context;
    struct influx_answer judged;
    hook_judge(&judged, answer);
    run->answered = true;
    run->trial->taken = judged.verdict == VERDICT_DONE;
    run->trial->status = answer->status;
    run->trial->took_ms = clock_steady_ms() - run->started_ms;
    (void)snprintf(run->trial->words, sizeof(run->trial->words), "%s", judged.words);
}

static void on_closed(void *context)
{
    struct trial_run *run = context;
    run->closed = true;
}

static int post(struct trial_run *run, uv_loop_t *loop, const struct sink_conf *conf,
                const struct buffer *body)
{
    const struct hook_callbacks callbacks = {.answered = on_answered, .context = run};
    bool is_webhook = conf->type == SINK_WEBHOOK;
    struct http_client *client = NULL;
    int err = hook_open(&client, loop, conf,
                        is_webhook ? HOOK_WEBHOOK_PATH : HOOK_ALERTMANAGER_PATH, &callbacks);
    if (err < 0)
        return err;
    err = hook_post(client, conf, body);
    while (err == 0 && !run->answered)
        uv_run(loop, UV_RUN_ONCE);
    http_client_close(&client, on_closed);
    while (!run->closed)
        uv_run(loop, UV_RUN_ONCE);
    return err;
}

int trial_run(struct trial *trial_out, const struct sink_conf *conf, int64_t now_ms)
{
    ASSERT(sink_conf_tells_people(conf));
    *trial_out = (struct trial){0};
    struct trial_run run = {.trial = trial_out, .started_ms = clock_steady_ms()};
    uv_loop_t loop;
    int err = uv_loop_init(&loop);
    if (err < 0)
        return err;
    struct buffer body;
    buffer_init(&body, BODY_BYTES_MAX);
    add_body(&body, conf, now_ms);
    err = buffer_failed(&body) ? -ENOMEM : post(&run, &loop, conf, &body);
    buffer_fini(&body);
    (void)uv_loop_close(&loop); /* every handle is closed */
    return err;
}
