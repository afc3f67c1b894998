#include "pipelines/metering/gauges.h"

#include "base/timestamp.h"

/* A gauge's sum is in micro-units per hour, twice, times milliseconds: no rounding before the end.
 */
#define GAUGE_SCALE ((int128)2 * HOUR_MS)

/* Twice the integral of the straight line from `before` to `after`, up to x_ms after it began. The
 * rounding down of the cut is far below a micro-unit, and both sides of a cut round alike. */
static int128 line_integral(const struct reading *before, const struct reading *after, int64_t x_ms)
{
    int64_t length_ms = after->start_ms - before->start_ms;
    int128 rise = (int128)after->value - before->value;
    return 2 * (int128)before->value * x_ms + div_floor(rise * x_ms * x_ms, length_ms);
}

static void add_line(struct cell_sum *sum, const struct reading *before, struct stretch part)
{
    const struct reading *after = before + 1;
    sum->activity += line_integral(before, after, part.to_ms - before->start_ms) -
                     line_integral(before, after, part.from_ms - before->start_ms);
    cell_cover(sum, part,
               before->quality == QUALITY_ESTIMATED || after->quality == QUALITY_ESTIMATED);
}

static void add_step(struct cell_sum *sum, const struct reading *before, struct stretch part)
{
    sum->activity += 2 * (int128)before->value * (part.to_ms - part.from_ms);
    cell_cover(sum, part, before->quality == QUALITY_ESTIMATED);
}

void gauges_sum(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                struct stretch bucket)
{
    uint32_t i = journal_find(journal, bucket.from_ms);
    if (i > 0)
        i--;
    for (; i + 1 < journal->count; i++) {
        const struct reading *before = journal_at(journal, i);
        const struct reading *after = before + 1;
        if (before->start_ms >= bucket.to_ms)
            break;
        struct stretch whole = {before->start_ms, after->start_ms};
        if (meter->step)
            whole.to_ms = MIN(whole.to_ms, whole.from_ms + meter->hold_ms);
        struct stretch part = stretch_common(whole, bucket);
        if (part.from_ms >= part.to_ms || whole.to_ms - whole.from_ms > meter->hold_ms)
            continue;
        if (meter->step)
            add_step(sum, before, part);
        else
            add_line(sum, before, part);
    }
    sum->activity = div_round_even(sum->activity, GAUGE_SCALE);
}
