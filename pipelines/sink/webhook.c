/*
 * webhook.c - a sink that posts changes of alerts as JSON, in the body of Alertmanager's webhooks.
 *
 *     rows of alerts -> notices -> JSON, signed -> POST -> verdict -> next rows
 *
 * It takes rows of ROW_ALERT and passes over any other. A request has the alerts of one block, up
 * to ALERTS_MAX. If the receiver refuses them, they are sent one by one: those that it refuses
 * alone are set aside. Every other failure is tried again, for ever. So each change arrives at
 * least once, and its id tells whether it has arrived before. A request that comes late harms
 * nothing, as no later one takes its place: no block is at risk.
 */
#include "pipelines/notice/alert_body.h"
#include "pipelines/notice/notice_row.h"
#include "pipelines/sink/dead_rows.h"
#include "pipelines/sink/hook.h"
#include "pipelines/sink/http_sink.h"

#include <errno.h>
#include <stdio.h>

enum {
    ALERTS_MAX = 64,
    BODY_BYTES_MAX = 4 << 20, /* an alert has 32 KiB at most, with every name as long as can be */
};

struct webhook {
    struct sink sink;
    struct http_client *client;
    uint32_t next;  /* row of the block; those before are dealt with */
    uint32_t fit;   /* alerts in one request, of this block */
    uint32_t end;   /* the request under way has the alerts of rows [next, end), */
    uint32_t count; /* so many */
    struct alert_notice notices[ALERTS_MAX];
    struct buffer body;
};

/* Takes up to `fit` alerts from the next row on. */
static void collect(struct webhook *webhook)
{
    const struct block *block = webhook->sink.block;
    webhook->count = 0;
    for (webhook->end = webhook->next; webhook->end < block->count; webhook->end++) {
        const struct row *row = &block->rows[webhook->end];
        if (row->kind != ROW_ALERT)
            continue;
        if (webhook->count == webhook->fit)
            break;
        webhook->notices[webhook->count++] = notice_of_row(row, block->registry);
    }
}

static void post(struct webhook *webhook)
{
    struct sink *sink = &webhook->sink;
    buffer_clear(&webhook->body);
    webhook_body_add(&webhook->body, sink->conf->name, webhook->notices, webhook->count,
                     (enum language)sink->conf->language);
    sink_request_began(sink);
    int err = buffer_failed(&webhook->body)
                  ? -ENOMEM
                  : hook_post(webhook->client, sink->conf, &webhook->body);
    if (err < 0) {
        sink_note_failure(sink, err_str(err));
        sink_retry_in(sink, backoff_next_ms(&sink->backoff));
        return;
    }
    sink->stats.bytes_sent += webhook->body.size;
}

/* Sends the next alerts. False: none are left. */
static bool send_next(struct webhook *webhook)
{
    collect(webhook);
    if (webhook->count == 0)
        return false;
    post(webhook);
    return true;
}

static void go_on(struct webhook *webhook)
{
    if (!send_next(webhook))
        sink_settled(&webhook->sink, true);
}

/* ---- answers */

static void succeeded(struct webhook *webhook)
{
    struct sink *sink = &webhook->sink;
    sink->stats.requests_ok++;
    sink_note_written(sink, webhook->count);
    sink_note_success(sink);
    backoff_reset(&sink->backoff);
    webhook->next = webhook->end;
    go_on(webhook);
}

static void refused(struct webhook *webhook, const struct influx_answer *judged)
{
    struct sink *sink = &webhook->sink;
    sink->stats.requests_refused++;
    (void)snprintf(sink->stats.last_error, sizeof(sink->stats.last_error), "%s", judged->words);
    if (webhook->count == 1) {
        buffer_add_char(&webhook->body, '\n');
        dead_rows_add(sink, 1, 1, judged->words, &webhook->body);
        webhook->next = webhook->end;
    } else {
        webhook->fit = judged->verdict == VERDICT_TOO_LARGE ? webhook->count / 2 : 1;
    }
    go_on(webhook);
}

static void on_answered(void *context, const struct http_answer *answer)
{
    struct webhook *webhook = context;
    struct sink *sink = &webhook->sink;
    struct influx_answer judged;
    sink_request_ended(sink);
    hook_judge(&judged, answer);
    switch (judged.verdict) {
    case VERDICT_DONE:
        succeeded(webhook);
        break;
    case VERDICT_REFUSED:
    case VERDICT_TOO_LARGE:
        refused(webhook, &judged);
        break;
    default:
        sink_retry_in(sink, http_sink_failed(sink, &judged, answer));
        break;
    }
}

/* ---- the driver */

static bool may_go_on(void *context)
{
    return sink_may_write(context);
}

static void webhook_resume(struct sink *sink)
{
    struct webhook *webhook = (struct webhook *)sink;
    if (!send_next(webhook))
        sink_settled(sink, true);
}

static void webhook_begin(struct sink *sink)
{
    struct webhook *webhook = (struct webhook *)sink;
    bool is_set = sink->conf->rows_max > 0 && sink->conf->rows_max < ALERTS_MAX;
    webhook->next = 0;
    webhook->fit = is_set ? (uint32_t)sink->conf->rows_max : ALERTS_MAX;
    if (!send_next(webhook))
        sink_retry_in(sink, 0); /* it is settled, but not before we have returned */
}

static bool webhook_cancel(struct sink *sink)
{
    struct webhook *webhook = (struct webhook *)sink;
    (void)http_client_cancel(webhook->client);
    return true;
}

static void on_closed(void *context)
{
    sink_driver_closed(context);
}

static void webhook_close(struct sink *sink)
{
    struct webhook *webhook = (struct webhook *)sink;
    http_client_close(&webhook->client, on_closed);
}

static void webhook_fini(struct sink *sink)
{
    struct webhook *webhook = (struct webhook *)sink;
    buffer_fini(&webhook->body);
}

static int webhook_open(struct sink *sink)
{
    struct webhook *webhook = (struct webhook *)sink;
    buffer_init(&webhook->body, BODY_BYTES_MAX);
    const struct hook_callbacks callbacks = {on_answered, may_go_on, webhook};
    return hook_open(&webhook->client, sink->loop, sink->conf, HOOK_WEBHOOK_PATH, &callbacks);
}

const struct driver driver_webhook = {
    .size = sizeof(struct webhook),
    .open = webhook_open,
    .begin = webhook_begin,
    .resume = webhook_resume,
    .cancel = webhook_cancel,
    .close = webhook_close,
    .fini = webhook_fini,
};
