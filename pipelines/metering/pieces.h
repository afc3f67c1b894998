/*
 * pieces.h - how the projection of each kind cuts what lies over several buckets.
 *
 * Private to metering. The pieces of a total always sum to it, because each is a difference of one
 * rounded running sum.
 */
#ifndef GHGD_PIECES_H
#define GHGD_PIECES_H

#include <sys/param.h>

#include "base/decimal.h"
#include "pipelines/metering/journal.h"

struct stretch {
    int64_t from_ms, to_ms;
};

struct cell_sum {
    int128 activity; /* micro-units; gauges: times GAUGE_SCALE */
    int64_t covered_ms, estimated_ms, spread_ms, held_ms, moved_ms; /* as in struct cell */
    uint32_t glitches, conflicts;
    bool present;
};

/* How much of a total that is spread evenly over `whole` lies in `part` of it. */
static inline int128 stretch_piece(int64_t total, struct stretch whole, struct stretch part)
{
    if (part.from_ms == whole.from_ms && part.to_ms == whole.to_ms)
        return total;
    int64_t span_ms = whole.to_ms - whole.from_ms;
    return div_floor((int128)total * (part.to_ms - whole.from_ms), span_ms) -
           div_floor((int128)total * (part.from_ms - whole.from_ms), span_ms);
}

static inline struct stretch stretch_common(struct stretch a, struct stretch b)
{
    return (struct stretch){MAX(a.from_ms, b.from_ms), MIN(a.to_ms, b.to_ms)};
}

static inline void cell_cover(struct cell_sum *sum, struct stretch part, bool estimated)
{
    sum->covered_ms += part.to_ms - part.from_ms;
    if (estimated)
        sum->estimated_ms += part.to_ms - part.from_ms;
    sum->present = true;
}

#endif
