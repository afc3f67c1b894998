/*
 * sink.h - where rows go: a time-series database over HTTP, SQLite, a file, a topic of totals;
 * alerts to a webhook, Alertmanager or a topic.
 *
 * A sink has at most one block under way. It retries requests that may yet succeed for ever
 * (backoff with jitter, Retry-After). It sets aside rows that the server names bad. Every block
 * comes back through `done`, in the order of submission. The loop thread owns it; a sink may work
 * on another thread (uv_queue_work) but calls back on the loop thread only. There is no queue:
 * dirty marks wait.
 */
#ifndef GHGD_SINK_H
#define GHGD_SINK_H

#include <uv.h>

#include "config/config.h"
#include "pipelines/rollup/row.h"

struct sink;

/* Rows that a sink has judged since a time of the loop. */
struct sink_share {
    int64_t since_ms;
    uint64_t written, refused;
};

struct sink_stats {
    uint64_t rows_written; /* acknowledged */
    uint64_t rows_refused; /* named bad by the server, set aside in the dead-rows file */
    uint64_t bytes_sent;
    uint64_t requests_ok, requests_partial, requests_refused, requests_throttled, requests_failed,
        requests_timeout; /* 204; 400 partial; other 4xx; 429/503; 5xx and broken; no answer */
    uint64_t retries;
    uint64_t emptied;            /* as in struct sink_callbacks */
    uint64_t versions_saturated; /* VictoriaMetrics: rows whose version no longer fits the window */
    uint64_t latency_count, latency_sum_us;
    uint64_t latency_bucket[12]; /* up to each of sink_latency_bounds_us, not cumulative */
    bool healthy;                /* the last request succeeded */
    int64_t retry_at_ms;         /* uv_now() time of the next try; 0 if none is waiting */
    char last_error[256];        /* the server's words, cleaned (foreign.h) */
    char last_refusal[256];      /* the same, of a row that was set aside */
    int64_t failing_since_ms;    /* uv_now(): not healthy since then */
    int64_t refusing_since_ms;   /* uv_now(): since then it has only refused; 0 if it takes rows */
    struct sink_share share[2];  /* of the last minutes; and before */
};
extern const uint32_t sink_latency_bounds_us[12]; /* the last is UINT32_MAX: everything else */

struct sink_callbacks {
    /* The block is settled: written, or set aside row by row and counted. The sink no longer uses
     * it; the receiver owns it again. */
    void (*done)(void *context, struct block **block);
    /* sink_close() has ended; nothing of the sink is left. The block under way, if any, came back
     * through `abandoned` before. */
    void (*closed)(void *context);
    /* The block was given up: some of it may have been written, or be on its way
     * (block->end). */
    void (*abandoned)(void *context, struct block **block);
    /* Whether anything may be written now; asked before every try, and before every piece of one.
     * Thread: any. NULL: always. */
    bool (*may_write)(void *context);
    /* A sink may lose rows that it has acknowledged (BLOCK_ACKNOWLEDGED). "proven" says that rows
     * settled before before_ms, by the loop's time, are durable; INT64_MAX stands for all rows.
     * "lost" says that rows without proof may be gone, and have to be written again. With outage a
     * request has failed; without it there is only a new connection. NULL: the owner does not need
     * to know. */
    void (*proven)(void *context, int64_t before_ms);
    void (*lost)(void *context, bool outage);
    /* The database has lost everything that it had: it did not exist, or was another one. NULL: the
     * owner does not need to know. */
    void (*emptied)(void *context);
    void *context;
};

/* Makes a sink of conf->type. `conf` and the strings in it outlive the sink. bucket_ms names the
 * measurements. Returns 0 or negative; SQLite and files are opened here and can fail. A sink of
 * totals needs the configuration in which it stands: conf->config. */
int sink_create(struct sink **sink_out, uv_loop_t *loop, const struct sink_conf *conf,
                int64_t bucket_ms, const struct sink_callbacks *callbacks) MUST_CHECK;

bool sink_is_idle(const struct sink *sink);
/* Takes *block and sets it to NULL; ERR_FULL (block kept) if one is under way. */
int sink_submit(struct sink *sink, struct block **block) MUST_CHECK;
/* Gives up waiting: the next retry happens now. For tests. */
void sink_retry_now(struct sink *sink);
/* Gives up the block under way, if there is one. It comes back through `abandoned`, at once or when
 * the try under way has ended. If that try succeeds, it comes back through `done`. */
void sink_withdraw(struct sink *sink);
/* The partition has gone to another owner, after the block with its rows was withdrawn: the sink
 * tells no more of it than the rows that it gets. */
void sink_forget(struct sink *sink, uint32_t partition);
/* Ends the request under way and all handles, then calls `closed`. */
void sink_close(struct sink *sink);
const struct sink_stats *sink_get_stats(const struct sink *sink);
/* Rows that were taken and refused in the last minutes. */
struct sink_share sink_share_of(const struct sink_stats *stats, int64_t now_ms);

/* Writes a block and waits, for replay: runs the loop until the block is settled. `done` and
 * `abandoned` are not called: the block is in *block again when this returns. Returns 0 when it is
 * settled; -ETIMEDOUT if it was given up after `deadline_ms` (stats->last_error tells why);
 * ERR_FULL if another block is under way. */
int sink_write_sync(struct sink *sink, uv_loop_t *loop, struct block **block,
                    int64_t deadline_ms) MUST_CHECK;

#endif
