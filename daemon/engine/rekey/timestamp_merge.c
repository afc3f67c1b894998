#include "daemon/engine/rekey/timestamp_merge.h"

#include <sys/param.h>

void timestamp_merge_open(struct partition_clock *clock, int64_t now_ms)
{
    *clock = (struct partition_clock){.head_ms = INT64_MIN, .moved_ms = now_ms};
}

void timestamp_merge_move(struct partition_clock *clock, int64_t head_ms, int64_t now_ms)
{
    clock->head_ms = head_ms;
    clock->moved_ms = now_ms;
}

static bool is_waited_for(const struct partition_clock *clock, int64_t now_ms)
{
    return !clock->caught_up && now_ms - clock->moved_ms < TIMESTAMP_MERGE_PATIENCE_MS;
}

int64_t timestamp_merge_limit(const struct partition_clock *const *clocks, size_t count,
                              size_t index, int64_t slack_ms, int64_t now_ms)
{
    int64_t oldest_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (i != index && is_waited_for(clocks[i], now_ms))
            oldest_ms = MIN(oldest_ms, clocks[i]->head_ms);
    if (oldest_ms == INT64_MIN || oldest_ms == INT64_MAX)
        return oldest_ms;
    return oldest_ms + slack_ms;
}
