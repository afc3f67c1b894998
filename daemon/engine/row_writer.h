/*
 * row_writer.h - rows from the shards to the sinks: one block under way per sink, each at its own
 * pace.
 *
 * A sink that is down keeps its block and its dirty windows; the others go on. Every emit interval,
 * each sink is due everything that is dirty; in between, only what a shard needs to be rid of. The
 * loop thread owns it.
 */
#ifndef GHGD_ROW_WRITER_H
#define GHGD_ROW_WRITER_H

#include <uv.h>

#include "config/config.h"
#include "pipelines/sink/sink.h"

struct row_writer;

struct row_writer_callbacks {
    /* Appends rows for the sink to the block; returns their number. */
    uint32_t (*take)(void *context, uint32_t sink, bool due, struct block *block);
    void (*settled)(void *context, const struct block *block);
    void (*abandoned)(void *context, const struct block *block);
    bool (*may_write)(void *context); /* as in struct sink_callbacks. Thread: any */
    /* As in struct sink_callbacks. */
    void (*proven)(void *context, uint32_t sink, int64_t before_ms);
    void (*lost)(void *context, uint32_t sink);
    void (*moved)(void *context); /* some block was settled: what waited for it may go on */
    void (*closed)(void *context);
    void *context;
};

int row_writer_create(struct row_writer **row_writer_out, uv_loop_t *loop,
                      const struct config *config,
                      const struct row_writer_callbacks *callbacks) MUST_CHECK;
/* Everything dirty is due to every sink, now. */
void row_writer_emit(struct row_writer *row_writer);
/* Whether the sink has not yet got everything that was due. */
bool row_writer_is_due(const struct row_writer *row_writer, uint32_t sink);
/* Tries every idle sink. */
void row_writer_kick(struct row_writer *row_writer);
/* Gives up the blocks under way; they come back through `abandoned`, or `settled` where that had
 * succeeded. */
void row_writer_withdraw(struct row_writer *row_writer);
/* The same, for partitions that are no longer ours: nothing is heard of these blocks any more. */
void row_writer_forget(struct row_writer *row_writer);
/* Blocks under way come back through `abandoned`, then `closed` is called. */
void row_writer_close(struct row_writer *row_writer);
uint32_t row_writer_get_sinks_count(const struct row_writer *row_writer);
const struct sink_stats *row_writer_get_stats(const struct row_writer *row_writer, uint32_t sink);

#endif
