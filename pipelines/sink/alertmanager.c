/*
 * alertmanager.c - a sink that tells Alertmanager which alerts stand, over its API v2.
 *
 *     rows of alerts -> table of standing alerts -> POST of all, now and each sinks.repeat
 *
 * Alertmanager knows what it has heard lately: an alert that is not sent again is over. So each
 * alert that stands is sent each sinks.repeat, until four of these have passed, and an alert that
 * has ended is sent for a while, too. A block is settled when a request with its alerts has been
 * answered. An alert that ended before Alertmanager first heard of it makes no notice there.
 *
 * The table is not saved. A shard that begins or goes on has the newest alert of each target that
 * is above ok written again to sinks of this type (sink_conf_repeats()); and sink_forget() says
 * that a partition has another owner.
 */
#include "base/clock.h"
#include "base/log.h"
#include "pipelines/notice/notice_row.h"
#include "pipelines/sink/dead_rows.h"
#include "pipelines/sink/hook.h"
#include "pipelines/sink/http_sink.h"
#include "pipelines/sink/standing.h"

#include <errno.h>
#include <stdio.h>

enum {
    BODY_BYTES_MAX = 256 << 20, /* TARGETS_MAX targets, three levels, 16 KiB each */
    REPEAT_DEFAULT_MS = 60000,
    REPEATS_VALID = 4 /* as Prometheus does: three requests may fail */
};

/* The purpose of the request under way. */
enum errand {
    ERRAND_NONE,
    ERRAND_BLOCK, /* alerts of the block are in it */
    ERRAND_REPEAT /* it says what is known already; the block, if there is one, waits */
};

struct alertmanager {
    struct sink sink;
    struct http_client *client;
    struct standing_table *table;
    enum errand errand;
    uv_timer_t repeat;
    uint32_t handles; /* to close: the client, the timer */
    uint32_t alerts;  /* of the block */
    struct buffer body;
};

static int64_t repeat_ms(const struct alertmanager *manager)
{
    return manager->sink.conf->repeat_ms > 0 ? manager->sink.conf->repeat_ms : REPEAT_DEFAULT_MS;
}

static int take_block(struct alertmanager *manager)
{
    const struct block *block = manager->sink.block;
    int64_t now_ms = clock_wall_ms();
    manager->alerts = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind != ROW_ALERT)
            continue;
        struct alert_notice notice = notice_of_row(row, block->registry);
        int err = standing_take(manager->table, &notice, row->partition, now_ms);
        if (err < 0)
            return err;
        manager->alerts++;
    }
    return 0;
}

/* False: there is no memory for the body. */
static bool post(struct alertmanager *manager, enum errand errand)
{
    int64_t now_ms = clock_wall_ms();
    standing_expire(manager->table, now_ms);
    buffer_clear(&manager->body);
    standing_add(manager->table, &manager->body, now_ms,
                 now_ms + REPEATS_VALID * repeat_ms(manager));
    if (buffer_failed(&manager->body))
        return false;
    manager->errand = errand;
    sink_request_began(&manager->sink);
    int err = hook_post(manager->client, manager->sink.conf, &manager->body);
    ASSERT(err == 0); /* it is not signed, and the client is ours alone and not under way */
    manager->sink.stats.bytes_sent += manager->body.size;
    return true;
}

/* The block's alerts are in the table: sends them, as soon as no request is under way. */
static void send_block(struct alertmanager *manager)
{
    struct sink *sink = &manager->sink;
    if (http_client_is_busy(manager->client))
        return;
    int err = take_block(manager);
    if (err == 0 && post(manager, ERRAND_BLOCK))
        return;
    sink_note_failure(sink, err_str(-ENOMEM));
    sink_retry_in(sink, backoff_next_ms(&sink->backoff));
}

static void on_repeat(uv_timer_t *timer)
{
    struct alertmanager *manager = timer->data;
    struct sink *sink = &manager->sink;
    bool idle = sink->state == SINK_IDLE || sink->state == SINK_WAITING;
    if (!idle || http_client_is_busy(manager->client) || !sink_may_write(sink) ||
        standing_count(manager->table) == 0)
        return; /* a block that is under way tells all */
    (void)post(manager, ERRAND_REPEAT);
}

/* ---- answers */

static void succeeded(struct alertmanager *manager, enum errand errand)
{
    struct sink *sink = &manager->sink;
    sink->stats.requests_ok++;
    sink_note_success(sink);
    if (errand != ERRAND_BLOCK)
        return;
    sink_note_written(sink, manager->alerts);
    backoff_reset(&sink->backoff);
    sink_settled(sink, true);
}

/* Alertmanager takes the alerts that are good even if it refuses others. */
static void refused(struct alertmanager *manager, enum errand errand,
                    const struct influx_answer *judged)
{
    struct sink *sink = &manager->sink;
    sink->stats.requests_refused++;
    sink_note_failure(sink, judged->words);
    if (errand != ERRAND_BLOCK) {
        LOG_LIMITED(LOG_LEVEL_ERROR, "sink.alerts_refused", "sink=%s words=\"%s\"",
                    sink->conf->name, sink->stats.last_error);
        return;
    }
    buffer_add_char(&manager->body, '\n');
    dead_rows_add(sink, 1, 1, judged->words, &manager->body);
    sink_settled(sink, true);
}

static void on_answered(void *context, const struct http_answer *answer)
{
    struct alertmanager *manager = context;
    struct sink *sink = &manager->sink;
    struct influx_answer judged;
    enum errand errand = manager->errand;
    manager->errand = ERRAND_NONE;
    sink_request_ended(sink);
    hook_judge(&judged, answer);
    if (judged.verdict == VERDICT_TOO_LARGE)
        judged.verdict = VERDICT_HOLD; /* all that stands has to be told: a person must make room */
    if (judged.verdict == VERDICT_DONE) {
        succeeded(manager, errand);
    } else if (judged.verdict == VERDICT_REFUSED) {
        refused(manager, errand, &judged);
    } else {
        int64_t retry_ms = http_sink_failed(sink, &judged, answer);
        if (errand == ERRAND_BLOCK)
            sink_retry_in(sink, retry_ms);
    }
    if (errand == ERRAND_REPEAT && sink->state == SINK_WORKING)
        send_block(manager); /* it came meanwhile */
}

/* ---- the driver */

static bool may_go_on(void *context)
{
    return sink_may_write(context);
}

static void alertmanager_begin(struct sink *sink)
{
    send_block((struct alertmanager *)sink);
}

static bool alertmanager_cancel(struct sink *sink)
{
    struct alertmanager *manager = (struct alertmanager *)sink;
    if (manager->errand == ERRAND_BLOCK) {
        (void)http_client_cancel(manager->client);
        manager->errand = ERRAND_NONE;
    }
    return true;
}

static void alertmanager_forget(struct sink *sink, uint32_t partition)
{
    standing_forget(((struct alertmanager *)sink)->table, partition);
}

static void release(struct alertmanager *manager)
{
    ASSERT(manager->handles > 0);
    if (--manager->handles == 0)
        sink_driver_closed(&manager->sink);
}

static void on_client_closed(void *context)
{
    release(context);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void alertmanager_close(struct sink *sink)
{
    struct alertmanager *manager = (struct alertmanager *)sink;
    manager->handles = 2;
    http_client_close(&manager->client, on_client_closed);
    uv_close((uv_handle_t *)&manager->repeat, on_timer_closed);
}

static void alertmanager_fini(struct sink *sink)
{
    struct alertmanager *manager = (struct alertmanager *)sink;
    standing_destroy(&manager->table);
    buffer_fini(&manager->body);
}

static int alertmanager_open(struct sink *sink)
{
    struct alertmanager *manager = (struct alertmanager *)sink;
    int err = standing_create(&manager->table, (enum language)sink->conf->language);
    if (err < 0)
        return err;
    const struct hook_callbacks callbacks = {on_answered, may_go_on, manager};
    err = hook_open(&manager->client, sink->loop, sink->conf, HOOK_ALERTMANAGER_PATH, &callbacks);
    if (err < 0) {
        standing_destroy(&manager->table);
        return err;
    }
    buffer_init(&manager->body, BODY_BYTES_MAX);
    err = uv_timer_init(sink->loop, &manager->repeat);
    ASSERT(err == 0); /* libuv: a timer's init cannot fail */
    manager->repeat.data = manager;
    uint64_t every_ms = (uint64_t)repeat_ms(manager);
    err = uv_timer_start(&manager->repeat, on_repeat, every_ms, every_ms);
    ASSERT(err == 0);                          /* it is not closing */
    uv_unref((uv_handle_t *)&manager->repeat); /* it has no say in whether the loop goes on */
    return 0;
}

const struct driver driver_alertmanager = {
    .size = sizeof(struct alertmanager),
    .open = alertmanager_open,
    .begin = alertmanager_begin,
    .resume = alertmanager_begin,
    .cancel = alertmanager_cancel,
    .forget = alertmanager_forget,
    .close = alertmanager_close,
    .fini = alertmanager_fini,
};
