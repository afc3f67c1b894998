#include "pipelines/metering/intervals.h"

static struct stretch stretch_of(const struct reading *reading)
{
    return (struct stretch){reading->start_ms, reading_end_ms(reading)};
}

static void add_interval(struct cell_sum *sum, const struct reading *reading, struct stretch part)
{
    sum->activity += stretch_piece(reading->value, stretch_of(reading), part);
    cell_cover(sum, part, reading->quality == QUALITY_ESTIMATED);
}

/* Intervals that do not overlap: each gives its part. */
static void sum_plain(struct cell_sum *sum, const struct journal *journal, struct stretch bucket)
{
    uint32_t i = journal_find(journal, bucket.from_ms);
    if (i > 0)
        i--; /* it may reach into the bucket */
    for (; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms >= bucket.to_ms)
            break;
        struct stretch part = stretch_common(stretch_of(reading), bucket);
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
static void sum_overlapping(struct cell_sum *sum, const struct journal *journal,
                            struct stretch bucket)
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

void intervals_sum(struct cell_sum *sum, const struct journal *journal, struct stretch bucket)
{
    if (journal->overlapping)
        sum_overlapping(sum, journal, bucket);
    else
        sum_plain(sum, journal, bucket);
}
