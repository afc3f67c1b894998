#include "pipelines/sink/sink.h"

#include "base/foreign.h"
#include "base/log.h"
#include "pipelines/sink/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORBIDDEN_RETRY_MS = 200 };
static const int64_t share_ms = 300000; /* statistics of so long, and of as long before */

const uint32_t sink_latency_bounds_us[12] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 2500000, 10000000, UINT32_MAX};

static const struct driver *driver_find(int type)
{
    switch (type) {
    case SINK_INFLUX:
        return &driver_influx;
    case SINK_FILE:
        return &driver_file;
    case SINK_SQLITE:
        return &driver_sqlite;
    case SINK_WEBHOOK:
        return &driver_webhook;
    case SINK_ALERTMANAGER:
        return &driver_alertmanager;
    case SINK_TOPIC:
        return &driver_topic;
    case SINK_TOTALS:
        return &driver_totals;
    default:
        return NULL;
    }
}

/* Jitter is there to keep processes apart: it need not be hard to guess. */
static uint64_t jitter_seed(const struct sink *sink)
{
    return uv_hrtime() ^ ((uint64_t)getpid() << 32) ^ (uintptr_t)sink;
}

int sink_create(struct sink **sink_out, uv_loop_t *loop, const struct sink_conf *conf,
                int64_t bucket_ms, const struct sink_callbacks *callbacks)
{
    const struct driver *driver = driver_find(conf->type);
    if (driver == NULL)
        return -EINVAL;
    ASSERT(driver->size >= sizeof(struct sink));
    struct sink *sink = calloc(1, driver->size);
    if (sink == NULL)
        return -ENOMEM;
    sink->driver = driver;
    sink->loop = loop;
    sink->conf = conf;
    sink->bucket_ms = bucket_ms;
    sink->callbacks = *callbacks;
    sink->stats.healthy = true;
    backoff_init(&sink->backoff, conf->backoff_min_ms, conf->backoff_max_ms, jitter_seed(sink));
    lineproto_init(&sink->lineproto, (enum sink_dialect)conf->dialect, bucket_ms);
    int err = driver->open(sink);
    if (err < 0)
        goto fail_open;
    err = uv_timer_init(loop, &sink->retry);
    ASSERT(err == 0); /* libuv: a timer's init cannot fail */
    sink->retry.data = sink;
    *sink_out = sink;
    return 0;

fail_open:
    lineproto_fini(&sink->lineproto);
    free(sink);
    return err;
}

bool sink_is_idle(const struct sink *sink)
{
    return sink->state == SINK_IDLE;
}

bool sink_may_write(const struct sink *sink)
{
    return sink->callbacks.may_write == NULL || sink->callbacks.may_write(sink->callbacks.context);
}

/* Begins the block or resumes it, as soon as that is allowed. */
static void start_try(struct sink *sink)
{
    if (!sink_may_write(sink)) {
        sink_retry_in(sink, FORBIDDEN_RETRY_MS);
        return;
    }
    bool begins = sink->begins;
    sink->begins = false;
    if (begins)
        sink->driver->begin(sink);
    else
        sink->driver->resume(sink);
}

int sink_submit(struct sink *sink, struct block **block)
{
    if (sink->state != SINK_IDLE)
        return ERR_FULL;
    ASSERT((*block)->count <= (*block)->capacity);
    ASSERT(sink->block == NULL);
    sink->block = TAKE(*block);
    sink->block_at_risk = false;
    sink->block_lost = false;
    sink->block_taken = false;
    sink->state = SINK_WORKING;
    sink->begins = true;
    start_try(sink);
    return 0;
}

static void on_retry(uv_timer_t *timer)
{
    struct sink *sink = timer->data;
    ASSERT(sink->state == SINK_WAITING);
    sink->state = SINK_WORKING;
    sink->stats.retry_at_ms = 0;
    sink->stats.retries += !sink->begins;
    start_try(sink);
}

void sink_retry_in(struct sink *sink, int64_t delay_ms)
{
    if (sink->state == SINK_STOPPING) {
        sink->stopped(sink);
        return;
    }
    ASSERT(sink->state == SINK_WORKING && delay_ms >= 0);
    sink->state = SINK_WAITING;
    sink->stats.retry_at_ms = (int64_t)uv_now(sink->loop) + delay_ms;
    int err = uv_timer_start(&sink->retry, on_retry, (uint64_t)delay_ms, 0);
    ASSERT(err == 0); /* it is not closing */
}

void sink_retry_now(struct sink *sink)
{
    if (sink->state != SINK_WAITING)
        return;
    uv_timer_stop(&sink->retry);
    on_retry(&sink->retry);
}

static void withdraw_stopped(struct sink *sink);

static enum block_end end_of_written(const struct sink *sink, bool durable)
{
    if (sink->block_lost)
        return sink->block_at_risk ? BLOCK_UNKNOWN : BLOCK_GIVEN_BACK;
    if (sink->block_at_risk)
        return BLOCK_WRITTEN_AT_RISK;
    return durable ? BLOCK_DURABLE : BLOCK_ACKNOWLEDGED;
}

/* A block that was withdrawn too late is as settled as any other. */
void sink_settled(struct sink *sink, bool durable)
{
    bool stops = sink->state == SINK_STOPPING;
    ASSERT(stops || sink->state == SINK_WORKING);
    ASSERT(sink->block != NULL);
    stops = stops && sink->stopped != withdraw_stopped;
    backoff_reset(&sink->backoff);
    sink->stats.versions_saturated = sink->lineproto.versions_saturated;
    if (sink->block_taken)
        sink->stats.refusing_since_ms = 0;
    struct block *block = TAKE(sink->block);
    block->end = end_of_written(sink, durable);
    if (!stops)
        sink->state = SINK_IDLE; /* so that the receiver may submit the next one */
    sink->callbacks.done(sink->callbacks.context, &block);
    if (stops)
        sink->stopped(sink);
}

void sink_proven(struct sink *sink, int64_t before_ms)
{
    if (sink->callbacks.proven != NULL)
        sink->callbacks.proven(sink->callbacks.context, before_ms);
}

void sink_lost(struct sink *sink, bool outage)
{
    if (sink->callbacks.lost != NULL)
        sink->callbacks.lost(sink->callbacks.context, outage);
}

void sink_emptied(struct sink *sink)
{
    sink->stats.emptied++;
    if (sink->callbacks.emptied != NULL)
        sink->callbacks.emptied(sink->callbacks.context);
}

/* Between a stop and what follows it. */
static void abandon_block(struct sink *sink)
{
    if (sink->block == NULL)
        return;
    struct block *block = TAKE(sink->block);
    block->end = sink->block_at_risk ? BLOCK_UNKNOWN : BLOCK_GIVEN_BACK;
    sink->callbacks.abandoned(sink->callbacks.context, &block);
}

/* Ends the try or the wait under way and abandons the block, then calls `stopped`: now or later. */
static void stop(struct sink *sink, void (*stopped)(struct sink *sink))
{
    enum sink_state before = sink->state;
    ASSERT(before == SINK_IDLE || before == SINK_WORKING || before == SINK_WAITING);
    sink->state = SINK_STOPPING;
    sink->stopped = stopped;
    uv_timer_stop(&sink->retry);
    sink->stats.retry_at_ms = 0;
    if (before != SINK_WORKING || sink->driver->cancel(sink))
        stopped(sink);
}

static void withdraw_stopped(struct sink *sink)
{
    ASSERT(sink->state == SINK_STOPPING);
    sink->state = SINK_IDLE; /* so that the receiver may submit the next one */
    abandon_block(sink);
}

void sink_withdraw(struct sink *sink)
{
    if (sink->state == SINK_WORKING || sink->state == SINK_WAITING)
        stop(sink, withdraw_stopped);
}

void sink_forget(struct sink *sink, uint32_t partition)
{
    if (sink->driver->forget != NULL)
        sink->driver->forget(sink, partition);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct sink *sink = handle->data;
    ASSERT(sink->state == SINK_CLOSED && sink->block == NULL);
    struct sink_callbacks callbacks = sink->callbacks;
    sink->driver->fini(sink);
    lineproto_fini(&sink->lineproto);
    free(sink);
    callbacks.closed(callbacks.context);
}

void sink_driver_closed(struct sink *sink)
{
    ASSERT(sink->state == SINK_CLOSED);
    uv_close((uv_handle_t *)&sink->retry, on_timer_closed);
}

static void close_stopped(struct sink *sink)
{
    ASSERT(sink->state == SINK_STOPPING);
    abandon_block(sink);
    sink->state = SINK_CLOSED;
    if (sink->driver->close != NULL)
        sink->driver->close(sink);
    else
        sink_driver_closed(sink);
}

void sink_close(struct sink *sink)
{
    if (sink->state == SINK_STOPPING)
        sink->stopped = close_stopped; /* being withdrawn: what follows is more */
    else
        stop(sink, close_stopped);
}

const struct sink_stats *sink_get_stats(const struct sink *sink)
{
    return &sink->stats;
}

void sink_run_work(struct sink *sink, uv_work_cb work, uv_after_work_cb after)
{
    sink->work.data = sink;
    int err = uv_queue_work(sink->loop, &sink->work, work, after);
    ASSERT(err == 0); /* it fails only without a function */
}

void sink_request_began(struct sink *sink)
{
    sink->started_ns = uv_hrtime();
}

void sink_request_ended(struct sink *sink)
{
    uint64_t latency_us = (uv_hrtime() - sink->started_ns) / 1000;
    size_t bucket = 0;
    while (bucket + 1 < ARRAY_LEN(sink_latency_bounds_us) &&
           latency_us > sink_latency_bounds_us[bucket])
        bucket++;
    sink->stats.latency_bucket[bucket]++;
    sink->stats.latency_count++;
    sink->stats.latency_sum_us += latency_us;
}

/* The share of the minutes under way. */
static struct sink_share *share_now(struct sink *sink)
{
    struct sink_share *share = sink->stats.share;
    int64_t now_ms = (int64_t)uv_now(sink->loop);
    if (share[0].since_ms == 0 || now_ms - share[0].since_ms >= share_ms) {
        share[1] = share[0];
        share[0] = (struct sink_share){.since_ms = now_ms};
    }
    return share;
}

void sink_note_written(struct sink *sink, uint32_t rows)
{
    sink->stats.rows_written += rows;
    share_now(sink)->written += rows;
    sink->block_taken |= rows > 0;
}

void sink_note_refused(struct sink *sink, uint32_t rows, const char *words)
{
    struct sink_stats *stats = &sink->stats;
    stats->rows_refused += rows;
    share_now(sink)->refused += rows;
    if (!sink->block_taken && stats->refusing_since_ms == 0)
        stats->refusing_since_ms = (int64_t)uv_now(sink->loop);
    foreign_clean(stats->last_refusal, sizeof(stats->last_refusal), words, strlen(words));
}

struct sink_share sink_share_of(const struct sink_stats *stats, int64_t now_ms)
{
    struct sink_share sum = {.since_ms = now_ms};
    for (size_t i = 0; i < ARRAY_LEN(stats->share); i++) {
        const struct sink_share *share = &stats->share[i];
        if (share->since_ms == 0 || now_ms - share->since_ms > 2 * share_ms)
            continue;
        sum.since_ms = share->since_ms;
        sum.written += share->written;
        sum.refused += share->refused;
    }
    return sum;
}

void sink_note_success(struct sink *sink)
{
    if (!sink->stats.healthy)
        LOG_INFO("sink.recovered", "sink=%s retries=%llu", sink->conf->name,
                 (unsigned long long)sink->stats.retries);
    sink->stats.healthy = true;
}

void sink_note_failure(struct sink *sink, const char *words)
{
    if (sink->stats.healthy)
        sink->stats.failing_since_ms = (int64_t)uv_now(sink->loop);
    sink->stats.healthy = false;
    foreign_clean(sink->stats.last_error, sizeof(sink->stats.last_error), words, strlen(words));
}

/* ---- one block, waited for: runs the loop until it is settled ---- */

struct wait {
    struct sink *sink;
    struct sink_callbacks callbacks; /* the sink's own */
    struct block *block;             /* as it came back */
    bool settled, abandoned, timer_closed;
    uv_timer_t deadline;
};

static void on_waited(void *context, struct block **block)
{
    struct wait *wait = context;
    ASSERT(!wait->settled && !wait->abandoned);
    wait->block = TAKE(*block);
    wait->settled = true;
    uv_stop(wait->sink->loop); /* or a turn that settled it in a timer would wait for more */
}

static void on_lost(void *context, bool outage)
{
    const struct wait *wait = context;
    if (wait->callbacks.lost != NULL)
        wait->callbacks.lost(wait->callbacks.context, outage);
}

static void on_emptied(void *context)
{
    const struct wait *wait = context;
    if (wait->callbacks.emptied != NULL)
        wait->callbacks.emptied(wait->callbacks.context);
}

static void on_stopped(struct sink *sink)
{
    struct wait *wait = sink->callbacks.context;
    ASSERT(sink->state == SINK_STOPPING);
    sink->state = SINK_IDLE;
    if (wait->settled) /* it had just been written */
        return;
    wait->block = TAKE(sink->block);
    wait->abandoned = true;
    uv_stop(sink->loop);
}

static void on_deadline(uv_timer_t *timer)
{
    struct wait *wait = timer->data;
    stop(wait->sink, on_stopped);
}

static void on_deadline_closed(uv_handle_t *handle)
{
    struct wait *wait = handle->data;
    wait->timer_closed = true;
}

int sink_write_sync(struct sink *sink, uv_loop_t *loop, struct block **block, int64_t deadline_ms)
{
    if (!sink_is_idle(sink))
        return ERR_FULL;
    struct wait wait = {.sink = sink, .callbacks = sink->callbacks};
    int err = uv_timer_init(loop, &wait.deadline);
    if (err < 0)
        return err;
    wait.deadline.data = &wait;
    sink->callbacks = (struct sink_callbacks){
        .done = on_waited, .lost = on_lost, .emptied = on_emptied, .context = &wait};
    err = sink_submit(sink, block);
    ASSERT(err == 0); /* it was idle */
    uv_update_time(loop);
    err =
        uv_timer_start(&wait.deadline, on_deadline, deadline_ms > 0 ? (uint64_t)deadline_ms : 0, 0);
    ASSERT(err == 0); /* it is not closing */
    while (!wait.settled && !wait.abandoned)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&wait.deadline, on_deadline_closed);
    while (!wait.timer_closed)
        uv_run(loop, UV_RUN_ONCE);
    sink->callbacks = wait.callbacks;
    *block = TAKE(wait.block);
    return wait.settled ? 0 : -ETIMEDOUT;
}
