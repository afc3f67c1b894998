/*
 * timestamp_merge.h - several partitions that are behind are read side by side, in the order of
 * their timestamps, so that none is ahead of the others by more than a slack.
 *
 * Where their events flow together, the one that is ahead moves the watermark, and the events of
 * the others would be late. The merge does not wait for a partition at the end of its log. It
 * also does not wait for a partition that was silent for TIMESTAMP_MERGE_PATIENCE_MS: its broker
 * may be away. Pure.
 */
#ifndef GHGD_TIMESTAMP_MERGE_H
#define GHGD_TIMESTAMP_MERGE_H

#include "base/base.h"

enum { TIMESTAMP_MERGE_PATIENCE_MS = 30000 };

struct partition_clock {
    int64_t head_ms;  /* timestamp of the message that comes next, or came last; INT64_MIN: none */
    int64_t moved_ms; /* on the clock that `now_ms` is of: when it was opened, or heard of last */
    bool caught_up;
};

void timestamp_merge_open(struct partition_clock *clock, int64_t now_ms);
void timestamp_merge_move(struct partition_clock *clock, int64_t head_ms, int64_t now_ms);

/* The timestamp up to which clocks[index] may go on. The clock whose head is the oldest always may.
 */
int64_t timestamp_merge_limit(const struct partition_clock *const *clocks, size_t count,
                              size_t index, int64_t slack_ms, int64_t now_ms);

#endif
