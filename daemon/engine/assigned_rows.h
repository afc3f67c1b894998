/*
 * assigned_rows.h - the rows of the partitions assigned to us: which a sink gets, and what becomes
 * of a partition when a sink has answered.
 *
 * A function that returns bool says whether a partition wants rows to be taken now. now_ms is the
 * loop's time. The loop thread only.
 */
#ifndef GHGD_ASSIGNED_ROWS_H
#define GHGD_ASSIGNED_ROWS_H

#include "daemon/engine/assigned_set.h"

/* Rows for one sink: of every partition, what must go for it to go on; and if `due`, of those that
 * are live, everything dirty. Returns the number of rows appended to the block. */
uint32_t assigned_rows_take(struct assigned_set *set, uint32_t sink, bool due, struct block *block);
/* A sink has given the block back; block->end says how it ended. */
bool assigned_rows_ended(struct assigned_set *set, const struct block *block, int64_t now_ms);
/* As in struct sink_callbacks. After a loss all partitions want rows to be taken. */
bool assigned_rows_proven(struct assigned_set *set, uint32_t sink, int64_t before_ms,
                          int64_t now_ms);
void assigned_rows_lost(struct assigned_set *set, uint32_t sink);

/* An earlier owner may send rows of the partition until then (takeover.h). */
void assigned_rows_take_over(const struct assigned_set *set, struct assigned *assigned,
                             int64_t until_ms);
/* The partition has caught up, and its rows can prove that a sink works off older requests. */
void assigned_rows_caught_up(const struct assigned_set *set, struct assigned *assigned,
                             int64_t now_ms);
/* Rows at risk are written once more as soon as nothing older can arrive. */
bool assigned_rows_step_takeovers(struct assigned_set *set, int64_t now_ms);

/* The windows that assigned_rows_mark_dirty() has marked. */
struct assigned_rows_marked {
    uint64_t windows;
    uint32_t partitions, waiting; /* waiting: not caught up yet, and write nothing until then */
    int64_t open_ms;              /* as shard_open_ms(), of all of them */
};
/* Every window of the state that ends after from_ms is dirty for the sink, as by
 * shard_mark_dirty(). A partition whose state is being restored follows with all of its windows
 * (assigned_rows_mark_owed()). */
void assigned_rows_mark_dirty(struct assigned_set *set, uint32_t sink, int64_t from_ms,
                              struct assigned_rows_marked *marked_out);
/* The partition has its state now. */
void assigned_rows_mark_owed(struct assigned *assigned);
/* Windows of partitions without an event for the idle timeout may be called final. */
void assigned_rows_check_idle(struct assigned_set *set, int64_t now_ms, int64_t wall_ms);
/* Every live partition has all its rows settled with every sink. */
bool assigned_rows_are_drained(const struct assigned_set *set);

#endif
