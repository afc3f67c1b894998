#include "daemon/engine/row_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"

struct lane { /* one sink */
    struct row_writer *row_writer;
    uint32_t index;
    struct sink *sink;
    struct block *block; /* NULL while the sink has it */
    bool due;            /* everything dirty, not only what has to go */
    bool forgotten;      /* the partitions of the block under way are gone */
};

struct row_writer {
    uv_loop_t *loop;
    struct row_writer_callbacks callbacks;
    const struct registry *registry;
    struct lane lanes[SINKS_MAX];
    uint32_t lanes_count, open_count;
    bool closing;
};

static void feed_lane(struct lane *lane)
{
    struct row_writer *row_writer = lane->row_writer;
    if (row_writer->closing || lane->block == NULL)
        return;
    lane->block->sink = lane->index;
    lane->block->registry = row_writer->registry;
    uint32_t rows = row_writer->callbacks.take(row_writer->callbacks.context, lane->index,
                                               lane->due, lane->block);
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
        lane->row_writer->callbacks.settled(lane->row_writer->callbacks.context, *block);
    take_back(lane, block);
    feed_lane(lane);
    lane->row_writer->callbacks.moved(lane->row_writer->callbacks.context);
}

static void on_abandoned(void *context, struct block **block)
{
    struct lane *lane = context;
    if (!lane->forgotten)
        lane->row_writer->callbacks.abandoned(lane->row_writer->callbacks.context, *block);
    take_back(lane, block);
}

/* Thread: any. */
static bool may_write(void *context)
{
    const struct row_writer *row_writer = ((const struct lane *)context)->row_writer;
    return row_writer->callbacks.may_write == NULL ||
           row_writer->callbacks.may_write(row_writer->callbacks.context);
}

static void on_proven(void *context, int64_t before_ms)
{
    const struct lane *lane = context;
    lane->row_writer->callbacks.proven(lane->row_writer->callbacks.context, lane->index, before_ms);
}

static void on_lost(void *context, bool outage)
{
    (void)outage;
    const struct lane *lane = context;
    lane->row_writer->callbacks.lost(lane->row_writer->callbacks.context, lane->index);
}

static void row_writer_free(struct row_writer *row_writer)
{
    for (uint32_t i = 0; i < row_writer->lanes_count; i++)
        block_destroy(&row_writer->lanes[i].block);
    free(row_writer);
}

static void on_closed(void *context)
{
    struct row_writer *row_writer = ((struct lane *)context)->row_writer;
    if (--row_writer->open_count > 0)
        return;
    struct row_writer_callbacks callbacks = row_writer->callbacks;
    row_writer_free(row_writer);
    if (callbacks.closed != NULL)
        callbacks.closed(callbacks.context);
}

static int lane_open(struct row_writer *row_writer, const struct config *config)
{
    struct lane *lane = &row_writer->lanes[row_writer->lanes_count];
    *lane = (struct lane){.row_writer = row_writer, .index = row_writer->lanes_count};
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
    err = sink_create(&lane->sink, row_writer->loop, conf, config->window.bucket_ms, &callbacks);
    if (err < 0) {
        LOG_ERROR("pump.sink_failed", "sink=%s error=\"%s\"", conf->name, err_str(err));
        block_destroy(&lane->block);
        return err;
    }
    row_writer->lanes_count++;
    row_writer->open_count++;
    return 0;
}

int row_writer_create(struct row_writer **row_writer_out, uv_loop_t *loop,
                      const struct config *config, const struct row_writer_callbacks *callbacks)
{
    struct row_writer *row_writer = calloc(1, sizeof(*row_writer));
    if (row_writer == NULL)
        return -ENOMEM;
    row_writer->loop = loop;
    row_writer->callbacks = *callbacks;
    row_writer->registry = config->registry;
    ASSERT(config->sinks_count > 0 && config->sinks_count <= SINKS_MAX);
    int err = 0;
    for (uint32_t i = 0; i < config->sinks_count && err == 0; i++)
        err = lane_open(row_writer, config);
    if (err == 0) {
        *row_writer_out = row_writer;
        return 0;
    }
    row_writer->callbacks.closed = NULL;
    if (row_writer->open_count > 0)
        row_writer_close(row_writer); /* what is open closes on the loop */
    else
        row_writer_free(row_writer);
    return err;
}

void row_writer_emit(struct row_writer *row_writer)
{
    for (uint32_t i = 0; i < row_writer->lanes_count; i++)
        row_writer->lanes[i].due = true;
    row_writer_kick(row_writer);
}

bool row_writer_is_due(const struct row_writer *row_writer, uint32_t sink)
{
    return row_writer->lanes[sink].due;
}

void row_writer_kick(struct row_writer *row_writer)
{
    for (uint32_t i = 0; i < row_writer->lanes_count; i++)
        feed_lane(&row_writer->lanes[i]);
    row_writer->callbacks.moved(row_writer->callbacks.context);
}

void row_writer_withdraw(struct row_writer *row_writer)
{
    for (uint32_t i = 0; i < row_writer->lanes_count; i++)
        sink_withdraw(row_writer->lanes[i].sink);
}

void row_writer_forget(struct row_writer *row_writer)
{
    for (uint32_t i = 0; i < row_writer->lanes_count; i++)
        row_writer->lanes[i].forgotten = row_writer->lanes[i].block == NULL;
    row_writer_withdraw(row_writer);
}

void row_writer_close(struct row_writer *row_writer)
{
    row_writer->closing = true;
    for (uint32_t i = 0; i < row_writer->lanes_count; i++)
        sink_close(row_writer->lanes[i].sink);
}

uint32_t row_writer_get_sinks_count(const struct row_writer *row_writer)
{
    return row_writer->lanes_count;
}

const struct sink_stats *row_writer_get_stats(const struct row_writer *row_writer, uint32_t sink)
{
    return sink_get_stats(row_writer->lanes[sink].sink);
}
