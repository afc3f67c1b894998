#include "daemon/engine/rekey/pace.h"

#include <sys/param.h>

void pace_open(struct pace_lane *lane, int64_t now_ms)
{
    *lane = (struct pace_lane){.head_ms = INT64_MIN, .moved_ms = now_ms};
}

void pace_move(struct pace_lane *lane, int64_t head_ms, int64_t now_ms)
{
    lane->head_ms = head_ms;
    lane->moved_ms = now_ms;
}

static bool is_waited_for(const struct pace_lane *lane, int64_t now_ms)
{
    return !lane->caught_up && now_ms - lane->moved_ms < PACE_PATIENCE_MS;
}

int64_t pace_limit(const struct pace_lane *const *lanes, size_t count, size_t index,
                   int64_t slack_ms, int64_t now_ms)
{
    int64_t oldest_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (i != index && is_waited_for(lanes[i], now_ms))
            oldest_ms = MIN(oldest_ms, lanes[i]->head_ms);
    if (oldest_ms == INT64_MIN || oldest_ms == INT64_MAX)
        return oldest_ms;
    return oldest_ms + slack_ms;
}
