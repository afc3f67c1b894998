/*
 * sync.c - writing one block and waiting for it, for replay: runs the loop until it is settled.
 */
#include "pipelines/sink/driver.h"

#include <errno.h>

struct wait {
    struct sink *sink;
    struct sink_callbacks callbacks; /* the sink's own */
    struct block *block;             /* as it came back */
    bool settled, abandoned, timer_closed;
    uv_timer_t deadline;
};

static void on_done(void *context, struct block **block)
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
    sink_stop(wait->sink, on_stopped);
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
    sink->callbacks = (struct sink_callbacks){.done = on_done, .lost = on_lost, .context = &wait};
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
