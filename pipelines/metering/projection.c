#include "pipelines/metering/projection.h"

#include <sys/param.h>

#include "base/decimal.h"
#include "base/timestamp.h"
#include "pipelines/metering/decisions.h"
#include "pipelines/metering/gauges.h"
#include "pipelines/metering/intervals.h"
#include "pipelines/metering/registers.h"
#include "pipelines/metering/stock.h"

/* Deliveries cover no time that is expected. So the time of the bucket can say which part of their
 * amount is estimated: exactly, if the fraction has so small a denominator; else rounded down. */
static void share_estimated(struct cell_sum *sum, int128 estimated, int128 all, int64_t length_ms)
{
    if (estimated == 0)
        return;
    int128 divisor = greatest_divisor(estimated, all);
    int128 numerator = estimated / divisor;
    int128 denominator = all / divisor;
    if (denominator > length_ms) {
        numerator = estimated * length_ms / all;
        denominator = length_ms;
    }
    sum->estimated_ms = (int64_t)numerator;
    sum->covered_ms = (int64_t)denominator;
}

static void sum_deliveries(struct cell_sum *sum, const struct journal *journal,
                           struct stretch bucket)
{
    int128 estimated = 0;
    int128 all = 0;
    for (uint32_t i = journal_find(journal, bucket.from_ms); i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms >= bucket.to_ms)
            break;
        int128 size = reading->value < 0 ? -(int128)reading->value : reading->value;
        sum->activity += reading->value;
        sum->present = true;
        all += size;
        estimated += reading->quality == QUALITY_ESTIMATED ? size : 0;
    }
    share_estimated(sum, estimated, all, bucket.to_ms - bucket.from_ms);
}

/* Readings that begin in the bucket and stand where another value of their rank was. */
static uint32_t count_conflicts(const struct journal *journal, struct stretch bucket)
{
    uint32_t count = 0;
    for (uint32_t i = journal_find(journal, bucket.from_ms); i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms >= bucket.to_ms)
            break;
        count += reading->conflict;
    }
    return count;
}

void projection_cell(struct cell *cell_out, const struct meter *meter,
                     const struct journal *journal, int64_t start_ms, int64_t length_ms)
{
    ASSERT(length_ms > 0 && length_ms <= HOUR_MS);
    struct stretch bucket = {start_ms, start_ms + length_ms};
    if (meter->versioned) { /* its journal has what other versions have read, too */
        bucket.from_ms = MAX(bucket.from_ms, meter->valid_from_ms);
        bucket.to_ms = MIN(bucket.to_ms, meter->valid_to_ms);
        if (bucket.to_ms <= bucket.from_ms) {
            *cell_out = (struct cell){0};
            return;
        }
    }
    struct cell_sum sum = {0};
    switch ((enum meter_kind)meter->kind) {
    case KIND_INTERVAL:
        intervals_sum(&sum, meter, journal, bucket);
        break;
    case KIND_REGISTER:
        registers_sum(&sum, meter, journal, bucket);
        break;
    case KIND_GAUGE:
        gauges_sum(&sum, meter, journal, bucket);
        break;
    case KIND_STOCK:
        stock_sum(&sum, journal, bucket);
        break;
    case KIND_DELIVERY:
    case KIND_COUNT:
        sum_deliveries(&sum, journal, bucket);
        break;
    }
    sum.conflicts += count_conflicts(journal, bucket);
    if (journal->aside_count > 0)
        sum.present |= decisions_touch(meter, journal, bucket);
    ASSERT(sum.estimated_ms <= sum.covered_ms);
    ASSERT(sum.covered_ms <= length_ms); /* no moment of a bucket is covered twice */
    bool held = sum.activity > meter->cell_max || sum.activity < -meter->cell_max;
    bool noted = sum.held_ms != 0 || sum.moved_ms != 0 || sum.glitches != 0 || sum.conflicts != 0;
    *cell_out = (struct cell){.activity = held ? 0 : (int64_t)sum.activity,
                              .covered_ms = (uint32_t)sum.covered_ms,
                              .estimated_ms = (uint32_t)sum.estimated_ms,
                              .spread_ms = (uint32_t)sum.spread_ms,
                              .held_ms = (uint32_t)sum.held_ms,
                              .moved_ms = sum.moved_ms,
                              .glitches = sum.glitches,
                              .conflicts = sum.conflicts,
                              .present = sum.present || noted, /* what is held is seen */
                              .held = held};
}
