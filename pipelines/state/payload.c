/* Times and sinks of a payload, as they are taken; payload.h tells the order. */
#include "pipelines/state/payload.h"

#define TEN_YEARS_MS (3653 * DAY_MS)

int64_t payload_take_time(struct packed *packed)
{
    int64_t time_ms = packed_take_int(packed, INT64_MIN, TIME_MAX_MS + TEN_YEARS_MS);
    if (time_ms != INT64_MIN && time_ms < TIME_MIN_MS - TEN_YEARS_MS)
        packed->damaged = true;
    return time_ms;
}

bool payload_take_sinks(const struct payload_names *names, struct packed *packed,
                        uint8_t *sinks_out)
{
    uint64_t saved = packed_take_uint(packed, (1U << names->sinks_count) - 1);
    *sinks_out = 0;
    for (uint32_t i = 0; i < names->sinks_count; i++) {
        if ((saved >> i & 1) != 0)
            *sinks_out |= names->sinks[i];
    }
    return saved != 0;
}
