/*
 * driver.h - what a kind of sink implements, and what it gets from the common part (sink.c).
 *
 *     idle -> working -> idle                       the block is settled
 *             working -> waiting -> working ...     it is tried again later
 *             working -> stopping -> (stopped)      the owner gave up; from waiting, too
 *
 * A driver's struct begins with a struct sink. Every begin() and resume() ends in exactly one call
 * of sink_settled() or sink_retry_in(), on the loop thread, never before it has returned.
 */
#ifndef GHGD_DRIVER_H
#define GHGD_DRIVER_H

#include "pipelines/sink/backoff.h"
#include "pipelines/sink/lineproto.h"
#include "pipelines/sink/sink.h"

struct driver {
    size_t size; /* of the driver's struct */
    /* Opens what the sink writes to; the common part is ready. Failure leaves nothing behind. */
    int (*open)(struct sink *sink);
    void (*begin)(struct sink *sink);  /* sink->block is new */
    void (*resume)(struct sink *sink); /* the same block, after sink_retry_in() */
    /* True if the try under way has stopped at once; false if it ends in its own time. */
    bool (*cancel)(struct sink *sink);
    /* As sink_forget(); no try is under way. NULL: it remembers nothing. */
    void (*forget)(struct sink *sink, uint32_t partition);
    /* Closes handles, then calls sink_driver_closed(); no try is under way. NULL if it has none. */
    void (*close)(struct sink *sink);
    void (*fini)(struct sink *sink); /* releases the rest, but not the struct */
};

extern const struct driver driver_file, driver_sqlite, driver_influx, driver_webhook,
    driver_alertmanager, driver_topic, driver_totals;

enum sink_state { SINK_IDLE, SINK_WORKING, SINK_WAITING, SINK_STOPPING, SINK_CLOSED };

struct sink {
    const struct driver *driver;
    enum sink_state state;
    bool begins; /* waiting: the block was not begun, as nothing might be written */
    uv_loop_t *loop;
    const struct sink_conf *conf;
    int64_t bucket_ms;
    struct sink_callbacks callbacks;
    struct sink_stats stats;
    struct block *block;                /* under way */
    bool block_at_risk;                 /* a try of it that failed may still reach the database */
    bool block_lost;                    /* the database may have lost some of it again */
    bool block_taken;                   /* some rows of it are written */
    void (*stopped)(struct sink *sink); /* what follows when a stop has ended */
    uv_timer_t retry;
    uv_work_t work;
    uint64_t started_ns; /* of the request under way */
    struct backoff backoff;
    struct lineproto lineproto;
};

/* The block is written or set aside. Gives it back, and resets the backoff. durable: the sink
 * cannot lose it any more. */
void sink_settled(struct sink *sink, bool durable);
/* As `proven` and `lost` of struct sink_callbacks. */
void sink_proven(struct sink *sink, int64_t before_ms);
void sink_lost(struct sink *sink, bool outage);
/* As `emptied`. */
void sink_emptied(struct sink *sink);
/* Calls resume() in `delay_ms`; or ends a stop. */
void sink_retry_in(struct sink *sink, int64_t delay_ms);
void sink_driver_closed(struct sink *sink);

/* Whether the owner lets anything be written now. Thread: any. */
bool sink_may_write(const struct sink *sink);

/* Runs `work` on a thread of the pool, then `after` on the loop. One at a time. While it runs the
 * driver's own memory, the block, the registry and sink->lineproto belong to the thread. */
void sink_run_work(struct sink *sink, uv_work_cb work, uv_after_work_cb after);

/* A request begins; and has been answered, or not: counts its latency. */
void sink_request_began(struct sink *sink);
void sink_request_ended(struct sink *sink);
/* Rows of the block are written; or will never be, with the words of the server. */
void sink_note_written(struct sink *sink, uint32_t rows);
void sink_note_refused(struct sink *sink, uint32_t rows, const char *words);
/* The last request succeeded; or failed, with the words of the server or library. */
void sink_note_success(struct sink *sink);
void sink_note_failure(struct sink *sink, const char *words);

#endif
