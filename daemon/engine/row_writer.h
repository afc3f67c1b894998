/*
 * row_writer.h - rows from the partitions to the sinks: one block under way per sink, each at its
 * own pace.
 *
 *     IDLE -- rows are taken --> SENT -- done, abandoned --> IDLE
 *                                 |                           ^
 *                                 +-- forgotten --> ORPHAN ---+
 *
 * A sink that is down keeps its block and its dirty windows; the others go on. Every emit interval,
 * each sink is due everything that is dirty; in between, only what a shard needs to be rid of. An
 * orphan is a block whose partitions have gone: no partition hears of its rows. The loop thread
 * owns it.
 */
#ifndef GHGD_ROW_WRITER_H
#define GHGD_ROW_WRITER_H

#include <uv.h>

#include "config/config.h"
#include "daemon/engine/assigned_set.h"
#include "pipelines/sink/sink.h"

struct row_writer;

struct row_writer_conf {
    uv_loop_t *loop;
    const struct config *config;
    struct assigned_set *assigned_set; /* all borrowed, and outlive it */
    /* Rows that a sink has acknowledged, for a live display; may be NULL. */
    void (*written)(void *context, const struct block *block);
    void *context;
};

/* Opens every sink, and emits every emit interval from then on. Returns 0 or negative; then what
 * is open closes on the loop. */
int row_writer_create(struct row_writer **row_writer_out,
                      const struct row_writer_conf *conf) MUST_CHECK;
/* Everything dirty is due to every sink, now. */
void row_writer_emit(struct row_writer *row_writer);
/* Whether the sink has not yet got everything that was due. */
bool row_writer_is_due(const struct row_writer *row_writer, uint32_t sink);
/* Rows wait to be taken: tries every idle sink as soon as the loop's callback has returned. */
void row_writer_want(struct row_writer *row_writer);
/* Gives up the blocks under way; their rows are dirty again, or settled where that had succeeded.
 */
void row_writer_withdraw(struct row_writer *row_writer);
/* The same, for a partition that is no longer ours: these blocks do not come back. */
void row_writer_forget(struct row_writer *row_writer, uint32_t partition);
/* Emits no more by itself; what is under way goes on. */
void row_writer_rest(struct row_writer *row_writer);
/* Gives up the blocks under way, closes the sinks, then calls `closed`. */
void row_writer_close(struct row_writer *row_writer, void (*closed)(void *context), void *context);
uint32_t row_writer_get_sinks_count(const struct row_writer *row_writer);
const struct sink_stats *row_writer_get_stats(const struct row_writer *row_writer, uint32_t sink);

#endif
