#include "daemon/engine/pump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"

struct lane { /* one sink */
    struct pump *pump;
    uint32_t index;
    struct sink *sink;
    struct block *block; /* NULL while the sink has it */
    bool due;            /* everything dirty, not only what has to go */
    bool forgotten;      /* the partitions of the block under way are gone */
};

struct pump {
    uv_loop_t *loop;
    struct pump_callbacks callbacks;
    const struct registry *registry;
    struct lane lanes[SINKS_MAX];
    uint32_t lanes_count, open_count;
    bool closing;
};

static void feed_lane(struct lane *lane)
{
    struct pump *pump = lane->pump;
    if (pump->closing || lane->block == NULL)
        return;
    lane->block->sink = lane->index;
    lane->block->registry = pump->registry;
    uint32_t rows =
        pump->callbacks.take(pump->callbacks.context, lane->index, lane->due, lane->block);
    if (rows == 0) {
        lane->due = false;
        return;
    }
    int err = sink_submit(lane->sink, &lane->block);
    ASSERT(err == 0); /* we have its block, so none is under way */
}

static void take_back(struct lane *lane, struct block **block)
{
    (*block)->count = 0;
    lane->forgotten = false;
    lane->block = TAKE(*block);
}

static void on_done(void *context, struct block **block)
{
    struct lane *lane = context;
    if (!lane->forgotten)
        lane->pump->callbacks.settled(lane->pump->callbacks.context, *block);
    take_back(lane, block);
    feed_lane(lane);
    lane->pump->callbacks.moved(lane->pump->callbacks.context);
}

static void on_abandoned(void *context, struct block **block)
{
    struct lane *lane = context;
    if (!lane->forgotten)
        lane->pump->callbacks.abandoned(lane->pump->callbacks.context, *block);
    take_back(lane, block);
}

/* Thread: any. */
static bool may_write(void *context)
{
    const struct pump *pump = ((const struct lane *)context)->pump;
    return pump->callbacks.may_write == NULL || pump->callbacks.may_write(pump->callbacks.context);
}

static void on_proven(void *context, int64_t before_ms)
{
    const struct lane *lane = context;
    lane->pump->callbacks.proven(lane->pump->callbacks.context, lane->index, before_ms);
}

static void on_lost(void *context, bool outage)
{
    (void)outage;
    const struct lane *lane = context;
    lane->pump->callbacks.lost(lane->pump->callbacks.context, lane->index);
}

static void pump_free(struct pump *pump)
{
    for (uint32_t i = 0; i < pump->lanes_count; i++)
        block_destroy(&pump->lanes[i].block);
    free(pump);
}

static void on_closed(void *context)
{
    struct pump *pump = ((struct lane *)context)->pump;
    if (--pump->open_count > 0)
        return;
    struct pump_callbacks callbacks = pump->callbacks;
    pump_free(pump);
    if (callbacks.closed != NULL)
        callbacks.closed(callbacks.context);
}

static int lane_open(struct pump *pump, const struct config *config)
{
    struct lane *lane = &pump->lanes[pump->lanes_count];
    *lane = (struct lane){.pump = pump, .index = pump->lanes_count};
    struct sink_callbacks callbacks = {.done = on_done,
                                       .closed = on_closed,
                                       .abandoned = on_abandoned,
                                       .may_write = may_write,
                                       .proven = on_proven,
                                       .lost = on_lost,
                                       .context = lane};
    int err = block_create(&lane->block, ROWS_PER_BLOCK_MAX);
    if (err < 0)
        return err;
    const struct sink_conf *conf = &config->sinks[lane->index];
    err = sink_create(&lane->sink, pump->loop, conf, config->window.bucket_ms, &callbacks);
    if (err < 0) {
        LOG_ERROR("pump.sink_failed", "sink=%s error=\"%s\"", conf->name, err_str(err));
        block_destroy(&lane->block);
        return err;
    }
    pump->lanes_count++;
    pump->open_count++;
    return 0;
}

int pump_create(struct pump **pump_out, uv_loop_t *loop, const struct config *config,
                const struct pump_callbacks *callbacks)
{
    struct pump *pump = calloc(1, sizeof(*pump));
    if (pump == NULL)
        return -ENOMEM;
    pump->loop = loop;
    pump->callbacks = *callbacks;
    pump->registry = config->registry;
    ASSERT(config->sinks_count > 0 && config->sinks_count <= SINKS_MAX);
    int err = 0;
    for (uint32_t i = 0; i < config->sinks_count && err == 0; i++)
        err = lane_open(pump, config);
    if (err == 0) {
        *pump_out = pump;
        return 0;
    }
    pump->callbacks.closed = NULL;
    if (pump->open_count > 0)
        pump_close(pump); /* what is open closes on the loop */
    else
        pump_free(pump);
    return err;
}

void pump_emit(struct pump *pump)
{
    for (uint32_t i = 0; i < pump->lanes_count; i++)
        pump->lanes[i].due = true;
    pump_kick(pump);
}

bool pump_is_due(const struct pump *pump, uint32_t sink)
{
    return pump->lanes[sink].due;
}

void pump_kick(struct pump *pump)
{
    for (uint32_t i = 0; i < pump->lanes_count; i++)
        feed_lane(&pump->lanes[i]);
    pump->callbacks.moved(pump->callbacks.context);
}

void pump_withdraw(struct pump *pump)
{
    for (uint32_t i = 0; i < pump->lanes_count; i++)
        sink_withdraw(pump->lanes[i].sink);
}

void pump_forget(struct pump *pump)
{
    for (uint32_t i = 0; i < pump->lanes_count; i++)
        pump->lanes[i].forgotten = pump->lanes[i].block == NULL;
    pump_withdraw(pump);
}

void pump_close(struct pump *pump)
{
    pump->closing = true;
    for (uint32_t i = 0; i < pump->lanes_count; i++)
        sink_close(pump->lanes[i].sink);
}

uint32_t pump_get_sinks_count(const struct pump *pump)
{
    return pump->lanes_count;
}

const struct sink_stats *pump_get_stats(const struct pump *pump, uint32_t sink)
{
    return sink_get_stats(pump->lanes[sink].sink);
}
