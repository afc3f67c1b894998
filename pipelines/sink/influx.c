/*
 * influx.c - a sink that writes line protocol over HTTP: InfluxDB 1.x and 2.x, VictoriaMetrics.
 *
 *     range of rows -> lines, gzip (pool) -> POST (loop) -> verdict -> next range
 *
 * A block is a stack of ranges of rows (halving.h). A range that was refused is halved until the
 * rows that the server will not take stand alone. They are set aside, and the others go on. If a
 * request is too large, rows are sent in smaller pieces from then on. Every other failure is tried
 * again, for ever; so are refusals that may be a proxy's.
 *
 * VictoriaMetrics answers before it writes: when it is killed, rows that it acknowledged in its
 * last seconds are gone. A row is proven by the answer to a request on the same connection that
 * began sinks.confirm_after or more after its acknowledgement: the server lived on. If there are no
 * rows to write, an empty request asks for the proof. After a new connection or a failure, rows
 * without proof may be lost. Writing them again does no harm, because a row has the same timestamp
 * each time.
 */
#include "base/foreign.h"
#include "base/log.h"
#include "pipelines/sink/dead_rows.h"
#include "pipelines/sink/driver.h"
#include "pipelines/sink/halving.h"
#include "pipelines/sink/http_sink.h"
#include "pipelines/sink/influx_answer.h"
#include "pipelines/sink/influx_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    BODY_BYTES_MAX = 64 << 20, /* ROWS_PER_BLOCK_MAX rows, every name as long as can be */
    FRESH_CONNECTIONS_MAX = 3, /* so many in a row: this server keeps no connections */
    ASK_AGAIN_MS = 100         /* where the proof is due, and something else is under way */
};
_Static_assert((int)ANSWER_WORDS_SIZE <= (int)DOUBT_WORDS_SIZE, "words are kept whole");

/* The purpose of the request under way. */
enum purpose {
    PURPOSE_NONE,
    PURPOSE_ROWS,   /* the range on top of the stack */
    PURPOSE_ASK,    /* a row that was taken before: is it still the database that answers? */
    PURPOSE_CONFIRM /* nothing: its answer shows that the server lived on */
};

struct influx {
    struct sink sink;
    struct http_client *client;
    enum purpose purpose;
    bool packing; /* a thread of the pool makes the body */
    struct halving halving;
    char partial_words[ANSWER_WORDS_SIZE]; /* of the last partial write */
    struct http_answer strange;            /* what came with the last strange words */
    bool missing;                          /* the database did not exist, when we last asked */
    uint32_t rows_fit;                     /* in one request, as far as we know */
    struct range packed;                   /* the rows of `body`; count 0: it has to be made */
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
static void leave_rows(struct influx *influx);
static void hold(struct influx *influx);

static bool is_victoria(const struct influx *influx)
{
    return influx->sink.conf->dialect == DIALECT_VICTORIA;
}

static uint32_t rows_max(const struct sink_conf *conf)
{
    bool is_set = conf->rows_max > 0 && conf->rows_max < ROWS_PER_BLOCK_MAX;
    return is_set ? (uint32_t)conf->rows_max : ROWS_PER_BLOCK_MAX;
}

static int64_t now_ms(const struct influx *influx)
{
    return (int64_t)uv_now(influx->sink.loop);
}

/* ---- the body */

/* Thread: the pool's; or the loop's, while nothing is packed. */
static void add_lines(struct influx *influx, const struct range *range)
{
    const struct block *block = influx->sink.block;
    buffer_clear(&influx->lines);
    for (uint32_t i = 0; i < range->count; i++)
        lineproto_add(&influx->sink.lineproto, &influx->lines, block->registry,
                      &block->rows[range->first + i]);
}

/* Thread: the pool's. */
static void on_pack(uv_work_t *work)
{
    struct influx *influx = work->data;
    buffer_clear(&influx->body);
    add_lines(influx, &influx->packed);
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
    struct halving *halving = &influx->halving;
    bool asks = halving_is_in_doubt(halving);
    struct range range = asks ? (struct range){.first = (uint32_t)halving->taken, .count = 1}
                              : halving_next(halving, influx->rows_fit);
    if (range.first == influx->packed.first && range.count == influx->packed.count)
        post(influx, asks ? PURPOSE_ASK : PURPOSE_ROWS, influx->body.data, influx->body.size);
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

static void go_on_with_block(struct influx *influx)
{
    struct halving *halving = &influx->halving;
    if (halving_is_spent(halving))
        leave_rows(influx);
    if (halving_is_in_doubt(halving) && halving_is_hopeless(halving))
        hold(influx);
    else if (halving->count > 0 || halving->doubts_count > 0)
        send_rows(influx);
    else
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
    else if (has_block)
        go_on_with_block(influx);
    plan_confirm(influx);
}

/* ---- answers */

static void set_aside(struct influx *influx, const struct range *range, uint32_t refused,
                      const char *words)
{
    add_lines(influx, range);
    dead_rows_add(&influx->sink, range->count, refused, words, &influx->lines);
}

static void set_one_aside(struct influx *influx, const char *words)
{
    set_aside(influx, &influx->packed, 1, words);
    halving_refuse(&influx->halving);
}

/* Rows that are stored, except for some: no more is spent on finding those. */
static void leave_rows(struct influx *influx)
{
    struct range range;
    uint32_t refused = halving_leave(&influx->halving, &range);
    sink_note_written(&influx->sink, range.count - refused);
    if (refused > 0)
        set_aside(influx, &range, refused, influx->partial_words);
}

/* The server takes rows: so suspects were refused by its word. */
static void end_doubts(struct influx *influx)
{
    struct halving *halving = &influx->halving;
    for (uint32_t i = 0; i < halving->doubts_count; i++)
        if (halving->doubts[i].range.suspect)
            set_aside(influx, &halving->doubts[i].range, 1, halving->doubts[i].words);
    halving_end_doubts(halving);
}

static void rows_stored(struct influx *influx)
{
    sink_note_written(&influx->sink, influx->packed.count);
    halving_take(&influx->halving);
    end_doubts(influx);
    if (is_victoria(influx)) {
        influx->acked_ms = now_ms(influx);
        influx->has_acked = true;
    }
}

/* Some rows were refused, and the server has named one at least; the others are stored. */
static void rows_stored_in_part(struct influx *influx, const struct influx_answer *judged)
{
    struct sink *sink = &influx->sink;
    uint32_t count = influx->packed.count;
    uint32_t rejected = judged->rejected < count ? judged->rejected : count;
    if (!influx->packed.stored)
        LOG_LIMITED(LOG_LEVEL_ERROR, "sink.partial_write",
                    "sink=%s rows=%u rejected=%u words=\"%s\"", sink->conf->name, count, rejected,
                    judged->words);
    memcpy(influx->partial_words, judged->words, sizeof(influx->partial_words));
    if (count > 1)
        halving_separate(&influx->halving, rejected);
    else
        set_one_aside(influx, judged->words);
    if (rejected < count)
        end_doubts(influx);
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

/* The database exists, and lacks all that it had. Partitions may have come since it was missed. */
static void found_again(struct influx *influx)
{
    if (!influx->missing)
        return;
    influx->missing = false;
    sink_emptied(&influx->sink);
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
    if (purpose != PURPOSE_CONFIRM)
        found_again(influx);
    if (purpose == PURPOSE_ASK)
        end_doubts(influx);
    else if (purpose == PURPOSE_ROWS && judged->verdict == VERDICT_DONE)
        rows_stored(influx);
    else if (purpose == PURPOSE_ROWS)
        rows_stored_in_part(influx, judged);
    influx->packed.count = 0;
    go_on(influx);
}

/* The database says so itself. */
static void refused(struct influx *influx, const struct influx_answer *judged,
                    const struct http_answer *answer)
{
    struct sink *sink = &influx->sink;
    uint32_t count = influx->packed.count;
    sink->stats.requests_refused++;
    learn_connection(influx, answer->connected); /* an answer it is */
    if (influx->purpose == PURPOSE_ASK) { /* it answers, whatever it thinks of this row now */
        end_doubts(influx);
    } else if (influx->purpose == PURPOSE_ROWS && count == 1) {
        set_one_aside(influx, judged->words);
    } else if (influx->purpose == PURPOSE_ROWS) {
        if (judged->verdict == VERDICT_TOO_LARGE)
            influx->rows_fit = count / 2;
        if (influx->packed.stored && judged->verdict == VERDICT_REFUSED)
            halving_separate(&influx->halving, count);
        else
            halving_split(&influx->halving);
    }
    influx->packed.count = 0;
    go_on(influx);
}

static void failed(struct influx *influx, const struct influx_answer *judged,
                   const struct http_answer *answer)
{
    struct sink *sink = &influx->sink;
    bool ambiguous = answer->status == 0 ? answer->sent : judged->verdict == VERDICT_BROKEN;
    if (influx->purpose != PURPOSE_CONFIRM && ambiguous)
        sink->block_at_risk = true; /* the server may be at it still */
    int64_t retry_ms = http_sink_failed(sink, judged, answer);
    influx->fresh_connections = 0;
    lose(influx, judged->verdict == VERDICT_BROKEN);
    if (judged->missing && !influx->missing)
        sink_emptied(sink);
    influx->missing |= judged->missing;
    if (sink->state == SINK_WORKING)
        sink_retry_in(sink, retry_ms);
}

/* All that was refused lately was refused by strange words: rows wait, and are not judged. */
static void hold(struct influx *influx)
{
    struct halving *halving = &influx->halving;
    struct influx_answer judged = {.verdict = VERDICT_STRANGE};
    ASSERT(halving->doubts_count > 0);
    memcpy(judged.words, halving->doubts[halving->doubts_count - 1].words, sizeof(judged.words));
    halving_hold(halving);
    influx->rows_fit = rows_max(influx->sink.conf);
    failed(influx, &judged, &influx->strange);
}

/* Words that may be a proxy's: they tell of rows only if others are taken, and prove nothing. */
static void strange(struct influx *influx, const struct influx_answer *judged,
                    const struct http_answer *answer)
{
    uint32_t count = influx->packed.count;
    influx->packed.count = 0;
    influx->sink.stats.requests_refused++;
    influx->strange =
        (struct http_answer){.status = answer->status, .retry_after_ms = answer->retry_after_ms};
    if (influx->purpose == PURPOSE_CONFIRM) {
        struct influx_answer held = *judged;
        held.verdict = VERDICT_STRANGE;
        failed(influx, &held, answer);
        return;
    }
    influx->fresh_connections += answer->connected;
    if (answer->connected && influx->fresh_connections <= FRESH_CONNECTIONS_MAX)
        lose(influx, false);
    if (influx->purpose == PURPOSE_ASK) {
        hold(influx);
        return;
    }
    if (count > 1 && judged->verdict == VERDICT_TOO_LARGE)
        influx->rows_fit = count / 2;
    if (count > 1)
        halving_split(&influx->halving);
    else
        halving_doubt(&influx->halving, judged->words);
    go_on(influx);
}

static void on_answered(void *context, const struct http_answer *answer)
{
    struct influx *influx = context;
    struct sink *sink = &influx->sink;
    struct influx_answer judged = {.verdict = VERDICT_BROKEN};
    sink_request_ended(sink);
    if (answer->status == 0)
        foreign_clean(judged.words, sizeof(judged.words), answer->error, strlen(answer->error));
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
    case VERDICT_STRANGE:
        if (judged.own)
            refused(influx, &judged, answer);
        else
            strange(influx, &judged, answer);
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
    influx->packed.count = 0;
    influx->has_acked = false;
    halving_begin(&influx->halving, sink->block->count);
    if (influx->halving.count > 0)
        go_on(influx);
    else
        sink_retry_in(sink, 0); /* nothing to do is settled, too, but not before we have returned */
}

static bool influx_cancel(struct sink *sink)
{
    struct influx *influx = (struct influx *)sink;
    if (http_client_cancel(influx->client) && influx->purpose != PURPOSE_CONFIRM)
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
