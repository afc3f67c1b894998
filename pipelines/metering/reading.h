/*
 * reading.h - one accepted reading of one meter, as the journal keeps it: 32 bytes.
 *
 * Identity is meter and time. Between readings of one identity the rank decides: an estimate never
 * replaces a measurement; then the higher revision; then the better quality. The order is total,
 * so the reading that stays does not depend on which one came first.
 */
#ifndef GHGD_READING_H
#define GHGD_READING_H

#include "base/limits.h"
#include "base/measure.h"

struct reading {
    int64_t start_ms;
    int64_t value;         /* canonical micro-units; gauges: per hour */
    int64_t offset;        /* where it came from, for explanations */
    uint64_t span_ms : 40; /* intervals: their length; instants: 0 */
    uint64_t revision : 16;
    uint64_t quality : 2; /* enum quality */
    uint64_t : 6;
};
_Static_assert(sizeof(struct reading) == 32, "the memory that `ghgd check` states");

static inline int64_t reading_end_ms(const struct reading *reading)
{
    return reading->start_ms + (int64_t)reading->span_ms;
}

static inline uint32_t reading_rank(const struct reading *reading)
{
    uint32_t measured = reading->quality != QUALITY_ESTIMATED;
    return measured << 18 | (uint32_t)reading->revision << 2 | (uint32_t)reading->quality;
}

#endif
