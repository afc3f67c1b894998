#include "pipelines/metering/projection.h"

#include <sys/param.h>

#include "base/decimal.h"
#include "base/timestamp.h"
#include "pipelines/metering/booking.h"

/* A gauge's sum is in micro-units per hour, twice, times milliseconds: no rounding before the end.
 */
#define GAUGE_SCALE ((int128)2 * HOUR_MS)

struct stretch {
    int64_t from_ms, to_ms;
};

struct sum {
    int128 activity; /* micro-units; gauges: times GAUGE_SCALE */
    int64_t covered_ms, estimated_ms;
    bool present;
};

/* How much of a total that is spread evenly over `whole` lies in `part` of it. */
static int128 piece(int64_t total, struct stretch whole, struct stretch part)
{
    if (part.from_ms == whole.from_ms && part.to_ms == whole.to_ms)
        return total;
    int64_t span_ms = whole.to_ms - whole.from_ms;
    return div_floor((int128)total * (part.to_ms - whole.from_ms), span_ms) -
           div_floor((int128)total * (part.from_ms - whole.from_ms), span_ms);
}

static struct stretch common(struct stretch a, struct stretch b)
{
    return (struct stretch){MAX(a.from_ms, b.from_ms), MIN(a.to_ms, b.to_ms)};
}

static void cover(struct sum *sum, struct stretch part, bool estimated)
{
    sum->covered_ms += part.to_ms - part.from_ms;
    if (estimated)
        sum->estimated_ms += part.to_ms - part.from_ms;
    sum->present = true;
}

static struct stretch stretch_of(const struct reading *reading)
{
    return (struct stretch){reading->start_ms, reading_end_ms(reading)};
}

static void add_interval(struct sum *sum, const struct reading *reading, struct stretch part)
{
    sum->activity += piece(reading->value, stretch_of(reading), part);
    cover(sum, part, reading->quality == QUALITY_ESTIMATED);
}

/* Intervals that do not overlap: each gives its part. */
static void sum_intervals(struct sum *sum, const struct journal *journal, struct stretch bucket)
{
    uint32_t i = journal_find(journal, bucket.from_ms);
    if (i > 0)
        i--; /* it may reach into the bucket */
    for (; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms >= bucket.to_ms)
            break;
        struct stretch part = common(stretch_of(reading), bucket);
        if (part.from_ms < part.to_ms)
            add_interval(sum, reading, part);
    }
}

/* The better of two readings over the same moment: rank, then the shorter, then the earlier. */
static bool outranks(const struct reading *a, const struct reading *b)
{
    uint32_t rank_a = reading_rank(a);
    uint32_t rank_b = reading_rank(b);
    if (rank_a != rank_b)
        return rank_a > rank_b;
    if (a->span_ms != b->span_ms)
        return a->span_ms < b->span_ms;
    return a->start_ms < b->start_ms;
}

struct depth {
    const struct reading *readings[OVERLAP_DEPTH_MAX];
    uint32_t count;
};

static void depth_enter(struct depth *depth, const struct reading *reading)
{
    if (depth->count < OVERLAP_DEPTH_MAX) {
        depth->readings[depth->count++] = reading;
        return;
    }
    uint32_t worst = 0;
    for (uint32_t i = 1; i < depth->count; i++) {
        if (outranks(depth->readings[worst], depth->readings[i]))
            worst = i;
    }
    if (outranks(reading, depth->readings[worst]))
        depth->readings[worst] = reading;
}

/* Drops what has ended by time_ms; returns the best of the rest, and when the first of them ends.
 */
static const struct reading *depth_best(struct depth *depth, int64_t time_ms, int64_t *until_ms)
{
    const struct reading *best = NULL;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < depth->count; i++) {
        const struct reading *reading = depth->readings[i];
        if (reading_end_ms(reading) <= time_ms)
            continue;
        depth->readings[kept++] = reading;
        *until_ms = MIN(*until_ms, reading_end_ms(reading));
        if (best == NULL || outranks(reading, best))
            best = reading;
    }
    depth->count = kept;
    return best;
}

/* Intervals that overlap: a sweep through the bucket; at every moment the best reading counts. */
static void sum_overlapping(struct sum *sum, const struct journal *journal, struct stretch bucket)
{
    struct depth depth = {.count = 0};
    uint32_t next = 0;
    for (int64_t time_ms = bucket.from_ms; time_ms < bucket.to_ms;) {
        while (next < journal->count && journal_at(journal, next)->start_ms <= time_ms) {
            const struct reading *reading = journal_at(journal, next++);
            if (reading_end_ms(reading) > time_ms)
                depth_enter(&depth, reading);
        }
        int64_t until_ms = bucket.to_ms;
        if (next < journal->count)
            until_ms = MIN(until_ms, journal_at(journal, next)->start_ms);
        const struct reading *best = depth_best(&depth, time_ms, &until_ms);
        if (best != NULL)
            add_interval(sum, best, (struct stretch){time_ms, until_ms});
        time_ms = until_ms;
    }
}

static void sum_registers(struct sum *sum, const struct meter *meter, const struct journal *journal,
                          struct stretch bucket)
{
    uint32_t i = journal_find(journal, bucket.from_ms);
    if (i > 0)
        i--;
    for (; i + 1 < journal->count; i++) {
        const struct reading *before = journal_at(journal, i);
        if (before->start_ms >= bucket.to_ms)
            break;
        struct stretch whole = {0, before[1].start_ms};
        int64_t total;
        if (!register_stretch(meter, journal, i, &whole.from_ms, &total))
            continue;
        struct stretch part = common(whole, bucket);
        if (part.from_ms >= part.to_ms)
            continue;
        sum->activity += piece(total, whole, part);
        cover(sum, part,
              before->quality == QUALITY_ESTIMATED || before[1].quality == QUALITY_ESTIMATED);
    }
}

/* Twice the integral of the straight line from `before` to `after`, up to x_ms after it began. The
 * rounding down of the cut is far below a micro-unit, and both sides of a cut round alike. */
static int128 line_integral(const struct reading *before, const struct reading *after, int64_t x_ms)
{
    int64_t length_ms = after->start_ms - before->start_ms;
    int128 rise = (int128)after->value - before->value;
    return 2 * (int128)before->value * x_ms + div_floor(rise * x_ms * x_ms, length_ms);
}

static void sum_gauges(struct sum *sum, const struct meter *meter, const struct journal *journal,
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
        struct stretch part = common((struct stretch){before->start_ms, after->start_ms}, bucket);
        if (part.from_ms >= part.to_ms || after->start_ms - before->start_ms > meter->hold_ms)
            continue;
        sum->activity += line_integral(before, after, part.to_ms - before->start_ms) -
                         line_integral(before, after, part.from_ms - before->start_ms);
        cover(sum, part,
              before->quality == QUALITY_ESTIMATED || after->quality == QUALITY_ESTIMATED);
    }
}

static void sum_deliveries(struct sum *sum, const struct journal *journal, struct stretch bucket)
{
    for (uint32_t i = journal_find(journal, bucket.from_ms); i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms >= bucket.to_ms)
            break;
        sum->activity += reading->value;
        sum->present = true;
    }
}

void projection_cell(struct cell *cell_out, const struct meter *meter,
                     const struct journal *journal, int64_t start_ms, int64_t length_ms)
{
    ASSERT(length_ms > 0 && length_ms <= HOUR_MS);
    struct stretch bucket = {start_ms, start_ms + length_ms};
    struct sum sum = {0};
    switch ((enum meter_kind)meter->kind) {
    case KIND_INTERVAL:
        if (journal->overlapping)
            sum_overlapping(&sum, journal, bucket);
        else
            sum_intervals(&sum, journal, bucket);
        break;
    case KIND_REGISTER:
        sum_registers(&sum, meter, journal, bucket);
        break;
    case KIND_GAUGE:
        sum_gauges(&sum, meter, journal, bucket);
        sum.activity = div_round_even(sum.activity, GAUGE_SCALE);
        break;
    case KIND_DELIVERY:
    case KIND_COUNT:
        sum_deliveries(&sum, journal, bucket);
        break;
    }
    ASSERT(sum.estimated_ms <= sum.covered_ms);
    ASSERT(sum.covered_ms <= length_ms); /* no moment of a bucket is covered twice */
    bool held = sum.activity > meter->cell_max || sum.activity < -meter->cell_max;
    *cell_out = (struct cell){.activity = held ? 0 : (int64_t)sum.activity,
                              .covered_ms = (uint32_t)sum.covered_ms,
                              .estimated_ms = (uint32_t)sum.estimated_ms,
                              .present = sum.present,
                              .held = held};
}
