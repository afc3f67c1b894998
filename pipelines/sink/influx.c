/*
 * influx.c - a sink that writes line protocol over HTTP: InfluxDB 1.x and 2.x, VictoriaMetrics.
 *
 *     range of rows -> lines, gzip (pool) -> POST (loop) -> verdict -> next range
 *
 * A block is a stack of ranges of rows. A range that was refused whole is halved until the rows
 * that the server will not take stand alone. They are set aside, and the others go on. If a request
 * is too large, rows are sent in smaller pieces from then on. Every other failure is tried again,
 * for ever.
 *
 * VictoriaMetrics answers before it writes: when it is killed, rows that it acknowledged in its
 * last seconds are gone. A row is proven by the answer to a request on the same connection that
 * began sinks.confirm_after or more after its acknowledgement: the server lived on. If there are no
 * rows to write, an empty request asks for the proof. After a new connection or a failure, rows
 * without proof may be lost. Writing them again does no harm, because a row has the same timestamp
 * each time.
 */
#include "base/log.h"
#include "pipelines/sink/driver.h"
#include "pipelines/sink/http_sink.h"
#include "pipelines/sink/influx_answer.h"
#include "pipelines/sink/influx_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    BODY_BYTES_MAX = 64 << 20, /* ROWS_PER_BLOCK_MAX rows, every name as long as can be */
    RANGES_MAX = 32,           /* halving ROWS_PER_BLOCK_MAX rows puts two on the stack each time */
    FRESH_CONNECTIONS_MAX = 3, /* so many in a row: this server keeps no connections */
    ASK_AGAIN_MS = 100         /* where the proof is due, and something else is under way */
};
_Static_assert(ROWS_PER_BLOCK_MAX < 1 << (RANGES_MAX / 2 - 1), "the stack holds every halving");

/* The purpose of the request under way. */
enum purpose {
    PURPOSE_NONE,
    PURPOSE_ROWS,   /* the range on top of the stack */
    PURPOSE_CONFIRM /* nothing: its answer shows that the server lived on */
};

struct range {
    uint32_t first, count;
};

struct influx {
    struct sink sink;
    struct http_client *client;
    enum purpose purpose;
    bool packing; /* a thread of the pool makes the body */
    struct range ranges[RANGES_MAX];
    uint32_t ranges_count;
    uint32_t rows_fit;   /* in one request, as far as we know */
    struct range packed; /* the rows of `body`; count 0: it has to be made */
    struct buffer lines, body;
    int err;           /* of packing */
    int64_t posted_ms; /* the request under way began */
    int64_t acked_ms;  /* VictoriaMetrics: of the last row that is not proven; INT64_MIN: all are */
    bool has_acked;    /* some rows of the block */
    uv_timer_t asker;  /* wakes the request that belongs to no block */
    uint32_t fresh_connections;
    uint32_t handles; /* to close: the client, the timer */
};

static void go_on(struct influx *influx);

static bool is_victoria(const struct influx *influx)
{
    return influx->sink.conf->dialect == DIALECT_VICTORIA;
}

static int64_t now_ms(const struct influx *influx)
{
    return (int64_t)uv_now(influx->sink.loop);
}

/* ---- ranges */

static void push_range(struct influx *influx, uint32_t first, uint32_t count)
{
    if (count == 0)
        return;
    ASSERT(influx->ranges_count < RANGES_MAX);
    influx->ranges[influx->ranges_count++] = (struct range){first, count};
}

/* Puts the next rows to send, no more than fit, on top of the stack. */
static struct range next_range(struct influx *influx)
{
    ASSERT(influx->ranges_count > 0);
    struct range top = influx->ranges[influx->ranges_count - 1];
    if (top.count > influx->rows_fit) {
        influx->ranges_count--;
        push_range(influx, top.first + influx->rows_fit, top.count - influx->rows_fit);
        push_range(influx, top.first, influx->rows_fit);
        top.count = influx->rows_fit;
    }
    return top;
}

/* The rows of the body are dealt with. */
static void pop_range(struct influx *influx)
{
    ASSERT(influx->ranges_count > 0);
    influx->ranges_count--;
    influx->packed.count = 0;
}

static void halve_range(struct influx *influx)
{
    struct range range = influx->packed;
    pop_range(influx);
    push_range(influx, range.first + range.count / 2, range.count - range.count / 2);
    push_range(influx, range.first, range.count / 2);
}

/* ---- the body */

/* Thread: the pool's. */
static void on_pack(uv_work_t *work)
{
    struct influx *influx = work->data;
    const struct block *block = influx->sink.block;
    struct range range = influx->packed;
    buffer_clear(&influx->lines);
    buffer_clear(&influx->body);
    for (uint32_t i = 0; i < range.count; i++)
        lineproto_add(&influx->sink.lineproto, &influx->lines, block->registry,
                      &block->rows[range.first + i]);
    influx->err = buffer_failed(&influx->lines) ? -ENOMEM : 0;
    if (influx->err < 0)
        return;
    if (influx->sink.conf->gzip)
        influx->err = gzip_add(&influx->body, influx->lines.data, influx->lines.size);
    else
        buffer_add(&influx->body, influx->lines.data, influx->lines.size);
    if (buffer_failed(&influx->body))
        influx->err = -ENOMEM;
}

static void post(struct influx *influx, enum purpose purpose, const void *body, size_t size)
{
    sink_request_began(&influx->sink);
    influx->purpose = purpose;
    influx->posted_ms = now_ms(influx);
    int err = http_client_post(influx->client, body, size);
    ASSERT(err == 0); /* the handle is ours alone and not under way */
    influx->sink.stats.bytes_sent += size;
}

static void on_packed(uv_work_t *work, int status)
{
    struct influx *influx = work->data;
    ASSERT(status == 0); /* nothing cancels it */
    influx->packing = false;
    if (influx->err < 0)
        influx->packed.count = 0;
    if (influx->sink.state == SINK_STOPPING) {
        sink_retry_in(&influx->sink, 0);
    } else if (influx->err < 0) {
        sink_note_failure(&influx->sink, err_str(influx->err));
        sink_retry_in(&influx->sink, backoff_next_ms(&influx->sink.backoff));
    } else {
        go_on(influx);
    }
}

static void pack(struct influx *influx, struct range range)
{
    influx->packed = range;
    influx->packing = true;
    sink_run_work(&influx->sink, on_pack, on_packed);
}

/* ---- what is sent next */

static void send_rows(struct influx *influx)
{
    struct range range = next_range(influx);
    if (range.first == influx->packed.first && range.count == influx->packed.count)
        post(influx, PURPOSE_ROWS, influx->body.data, influx->body.size);
    else
        pack(influx, range);
}

/* A body that says nothing, in the encoding that the headers promise. */
static void send_confirm(struct influx *influx)
{
    static const char nothing[] = "\n";
    influx->packed.count = 0; /* its body makes room */
    buffer_clear(&influx->body);
    int err = 0;
    if (influx->sink.conf->gzip)
        err = gzip_add(&influx->body, nothing, strlen(nothing));
    else
        buffer_add(&influx->body, nothing, strlen(nothing));
    if (err == 0 && !buffer_failed(&influx->body))
        post(influx, PURPOSE_CONFIRM, influx->body.data, influx->body.size);
}

static bool is_proven(const struct influx *influx)
{
    return influx->acked_ms == INT64_MIN;
}

static int64_t confirm_at_ms(const struct influx *influx)
{
    return influx->acked_ms + influx->sink.conf->confirm_after_ms;
}

static void plan_confirm(struct influx *influx);

static void on_asker(uv_timer_t *timer)
{
    go_on(timer->data);
    plan_confirm(timer->data);
}

/* Makes sure that what is not proven will be. */
static void plan_confirm(struct influx *influx)
{
    if (is_proven(influx) || uv_is_closing((uv_handle_t *)&influx->asker))
        return;
    int64_t delay_ms = confirm_at_ms(influx) - now_ms(influx);
    uv_timer_start(&influx->asker, on_asker, delay_ms > 0 ? (uint64_t)delay_ms : ASK_AGAIN_MS, 0);
}

static void settle(struct influx *influx)
{
    sink_settled(&influx->sink, is_proven(influx));
}

/* Begins the next request, if none is under way and there is something to send. */
static void go_on(struct influx *influx)
{
    struct sink *sink = &influx->sink;
    bool has_block = sink->state == SINK_WORKING;
    if (http_client_is_busy(influx->client) || influx->packing ||
        (!has_block && sink->state != SINK_IDLE))
        return; /* the request under way goes on when it ends */
    if (!has_block && !is_proven(influx) && confirm_at_ms(influx) <= now_ms(influx))
        send_confirm(influx);
    else if (has_block && influx->ranges_count > 0)
        send_rows(influx);
    else if (has_block)
        settle(influx);
    plan_confirm(influx);
}

/* ---- answers */

/* Some rows were refused, and the server has named one at least; the others are stored. */
static void note_partial(struct influx *influx, uint32_t rejected, const char *words,
                         const struct http_answer *answer)
{
    struct sink *sink = &influx->sink;
    sink->stats.rows_refused += rejected;
    LOG_LIMITED(LOG_LEVEL_ERROR, "sink.partial_write", "sink=%s rows=%u rejected=%u words=\"%s\"",
                sink->conf->name, influx->packed.count, rejected, words);
    (void)snprintf(sink->stats.last_error, sizeof(sink->stats.last_error), "%s", words);
    int err = dead_rows_add(sink->conf->dead_rows_path, sink->conf->name, answer->body,
                            answer->body_size, NULL, 0);
    if (err < 0)
        LOG_LIMITED(LOG_LEVEL_ERROR, "sink.dead_row_lost", "sink=%s error=\"%s\"", sink->conf->name,
                    err_str(err));
}

static void rows_stored(struct influx *influx, const struct influx_answer *judged,
                        const struct http_answer *answer)
{
    struct sink *sink = &influx->sink;
    uint32_t count = influx->packed.count;
    uint32_t rejected = judged->rejected < count ? judged->rejected : count;
    if (rejected > 0)
        note_partial(influx, rejected, judged->words, answer);
    sink->stats.rows_written += count - rejected;
    pop_range(influx);
    if (is_victoria(influx)) {
        influx->acked_ms = now_ms(influx);
        influx->has_acked = true;
    }
}

/* Rows without proof may be lost. */
static void lose(struct influx *influx, bool outage)
{
    if (is_proven(influx))
        return;
    influx->acked_ms = INT64_MIN;
    if (influx->sink.block != NULL)
        influx->sink.block_lost |= influx->has_acked;
    sink_lost(&influx->sink, outage);
}

/* The server lived on until it read the request, so until we sent it at least. When its answer came
 * says nothing: we may have stood still meanwhile. */
static void prove(struct influx *influx)
{
    if (is_proven(influx))
        return;
    int64_t before_ms = influx->posted_ms - influx->sink.conf->confirm_after_ms;
    bool all = influx->acked_ms <= before_ms;
    if (all)
        influx->acked_ms = INT64_MIN;
    sink_proven(&influx->sink, all ? INT64_MAX : before_ms);
}

/* Draws from any answer what it tells of the server. A new connection may mean a new server, unless
 * connections are never kept. */
static void learn_connection(struct influx *influx, bool connected)
{
    influx->fresh_connections = connected ? influx->fresh_connections + 1 : 0;
    if (connected && influx->fresh_connections <= FRESH_CONNECTIONS_MAX)
        lose(influx, false);
    else
        prove(influx);
}

static void succeeded(struct influx *influx, const struct influx_answer *judged,
                      const struct http_answer *answer)
{
    struct sink *sink = &influx->sink;
    enum purpose purpose = influx->purpose;
    if (judged->verdict == VERDICT_DONE)
        sink->stats.requests_ok++;
    else
        sink->stats.requests_partial++;
    sink_note_success(sink);
    backoff_reset(&sink->backoff);
    learn_connection(influx, answer->connected);
    if (purpose == PURPOSE_ROWS)
        rows_stored(influx, judged, answer);
    go_on(influx);
}

static void refused(struct influx *influx, const struct influx_answer *judged,
                    const struct http_answer *answer)
{
    struct sink *sink = &influx->sink;
    sink->stats.requests_refused++;
    (void)snprintf(sink->stats.last_error, sizeof(sink->stats.last_error), "%s", judged->words);
    learn_connection(influx, answer->connected); /* an answer it is */
    uint32_t count = influx->packed.count;
    if (influx->purpose == PURPOSE_ROWS && count == 1) {
        http_sink_set_aside(sink, judged->words, &influx->lines);
        pop_range(influx);
    } else if (influx->purpose == PURPOSE_ROWS) {
        if (judged->verdict == VERDICT_TOO_LARGE)
            influx->rows_fit = count / 2;
        halve_range(influx);
    }
    go_on(influx);
}

static void failed(struct influx *influx, const struct influx_answer *judged,
                   const struct http_answer *answer)
{
    struct sink *sink = &influx->sink;
    bool ambiguous = answer->status == 0 ? answer->sent : judged->verdict == VERDICT_BROKEN;
    if (influx->purpose == PURPOSE_ROWS && ambiguous)
        sink->block_at_risk = true; /* the server may be at it still */
    int64_t retry_ms = http_sink_failed(sink, judged, answer);
    influx->fresh_connections = 0;
    lose(influx, judged->verdict == VERDICT_BROKEN);
    if (sink->state == SINK_WORKING)
        sink_retry_in(sink, retry_ms);
}

static void on_answered(void *context, const struct http_answer *answer)
{
    struct influx *influx = context;
    struct sink *sink = &influx->sink;
    struct influx_answer judged = {.verdict = VERDICT_BROKEN};
    sink_request_ended(sink);
    if (answer->status == 0)
        (void)snprintf(judged.words, sizeof(judged.words), "%s", answer->error);
    else
        influx_answer_judge(&judged, (enum sink_dialect)sink->conf->dialect, answer->status,
                            answer->body, answer->body_size);
    switch (judged.verdict) {
    case VERDICT_DONE:
    case VERDICT_PARTIAL:
        succeeded(influx, &judged, answer);
        break;
    case VERDICT_REFUSED:
    case VERDICT_TOO_LARGE:
        refused(influx, &judged, answer);
        break;
    case VERDICT_HOLD:
    case VERDICT_BUSY:
    case VERDICT_BROKEN:
    default:
        failed(influx, &judged, answer);
        break;
    }
}

/* ---- the driver */

static bool may_go_on(void *context)
{
    const struct influx *influx = context;
    return sink_may_write(&influx->sink);
}

static void influx_resume(struct sink *sink)
{
    go_on((struct influx *)sink);
}

static void influx_begin(struct sink *sink)
{
    struct influx *influx = (struct influx *)sink;
    influx->ranges_count = 0;
    influx->packed.count = 0;
    influx->has_acked = false;
    push_range(influx, 0, sink->block->count);
    if (influx->ranges_count > 0)
        go_on(influx);
    else
        sink_retry_in(sink, 0); /* nothing to do is settled, too, but not before we have returned */
}

static bool influx_cancel(struct sink *sink)
{
    struct influx *influx = (struct influx *)sink;
    if (http_client_cancel(influx->client) && influx->purpose == PURPOSE_ROWS)
        sink->block_at_risk = true;
    plan_confirm(influx); /* the next connection will be another */
    return !influx->packing;
}

static void release(struct influx *influx)
{
    ASSERT(influx->handles > 0);
    if (--influx->handles == 0)
        sink_driver_closed(&influx->sink);
}

static void on_client_closed(void *context)
{
    release(context);
}

static void on_asker_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void influx_close(struct sink *sink)
{
    struct influx *influx = (struct influx *)sink;
    if (!is_proven(influx))
        LOG_INFO("sink.unconfirmed", "sink=%s", influx->sink.conf->name);
    influx->handles = 2;
    http_client_close(&influx->client, on_client_closed);
    uv_close((uv_handle_t *)&influx->asker, on_asker_closed);
}

static void influx_fini(struct sink *sink)
{
    struct influx *influx = (struct influx *)sink;
    buffer_fini(&influx->lines);
    buffer_fini(&influx->body);
}

static uint32_t rows_max(const struct sink_conf *conf)
{
    bool is_set = conf->rows_max > 0 && conf->rows_max < ROWS_PER_BLOCK_MAX;
    return is_set ? (uint32_t)conf->rows_max : ROWS_PER_BLOCK_MAX;
}

static int influx_open(struct sink *sink)
{
    struct influx *influx = (struct influx *)sink;
    const struct influx_request_callbacks callbacks = {
        .answered = on_answered, .may_go_on = may_go_on, .context = influx};
    int err = influx_request_open(&influx->client, sink->loop, sink->conf, &callbacks);
    if (err < 0)
        return err;
    influx->acked_ms = INT64_MIN;
    err = uv_timer_init(sink->loop, &influx->asker);
    ASSERT(err == 0); /* libuv: a timer's init cannot fail */
    influx->asker.data = influx;
    uv_unref((uv_handle_t *)&influx->asker); /* it has no say in whether the loop goes on */
    influx->rows_fit = rows_max(sink->conf);
    buffer_init(&influx->lines, BODY_BYTES_MAX);
    buffer_init(&influx->body, BODY_BYTES_MAX);
    return 0;
}

const struct driver driver_influx = {
    .size = sizeof(struct influx),
    .open = influx_open,
    .begin = influx_begin,
    .resume = influx_resume,
    .cancel = influx_cancel,
    .close = influx_close,
    .fini = influx_fini,
};
