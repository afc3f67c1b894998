#include "pipelines/metering/intervals.h"

/* Stamps jitter: readings that overlap by up to this share of the shorter one keep their values. */
enum { JITTER_SHARE = 10 };

static bool is_jitter(const struct reading *earlier, const struct reading *later)
{
    int64_t overlap_ms = reading_end_ms(earlier) - later->start_ms;
    int64_t shorter_ms = (int64_t)MIN(earlier->span_ms, later->span_ms);
    return overlap_ms > 0 && overlap_ms * JITTER_SHARE <= shorter_ms;
}

static struct stretch stretch_of(const struct reading *reading)
{
    return (struct stretch){reading->start_ms, reading_end_ms(reading)};
}

/* Its time without what jitter leaves to the first of the later readings of its rank. */
static struct stretch effective(const struct journal *journal, const struct reading *reading)
{
    struct stretch whole = stretch_of(reading);
    if (reading + 1 < journal_at(journal, journal->count) && reading[1].start_ms >= whole.to_ms)
        return whole; /* mostly, and no search is needed then */
    uint32_t i = journal_find(journal, whole.to_ms - (int64_t)reading->span_ms / JITTER_SHARE);
    for (; i < journal->count && journal_at(journal, i)->start_ms < whole.to_ms; i++) {
        const struct reading *later = journal_at(journal, i);
        if (is_jitter(reading, later) && reading_rank(later) == reading_rank(reading))
            whole.to_ms = later->start_ms;
    }
    return whole;
}

/* Whether both have one period: lines of one bill, if their rank is one, too. The journal has them
 * side by side. */
static bool is_beside(const struct reading *a, const struct reading *b)
{
    return a->start_ms == b->start_ms && a->span_ms == b->span_ms;
}

bool intervals_agree(const struct reading *earlier, const struct reading *later)
{
    return reading_rank(earlier) == reading_rank(later) &&
           (is_beside(earlier, later) || is_jitter(earlier, later));
}

static bool is_further_line(const struct journal *journal, const struct reading *reading)
{
    const struct reading *first = journal_at(journal, 0);
    for (const struct reading *other = reading; other > first && is_beside(other - 1, reading);) {
        other--;
        if (reading_rank(other) == reading_rank(reading))
            return true;
    }
    return false;
}

const struct reading *intervals_first_line(const struct journal *journal,
                                           const struct reading *reading)
{
    const struct reading *first = reading;
    const struct reading *other = reading;
    while (other > journal_at(journal, 0) && is_beside(other - 1, reading)) {
        other--;
        if (reading_rank(other) == reading_rank(reading))
            first = other;
    }
    return first;
}

/* The sum of all lines of the bill whose first one is `reading`. Booking saw to it that a cell can
 * hold them. */
static int64_t amount_of(const struct journal *journal, const struct reading *reading)
{
    const struct reading *end = journal_at(journal, journal->count);
    int64_t amount = reading->value;
    for (const struct reading *other = reading + 1; other < end && is_beside(other, reading);
         other++) {
        if (reading_rank(other) == reading_rank(reading))
            amount += other->value;
    }
    return amount;
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
        if (part.from_ms >= part.to_ms)
            continue;
        sum->activity += stretch_piece(reading->value, stretch_of(reading), part);
        cell_cover(sum, part, reading->quality == QUALITY_ESTIMATED);
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

/* A walk through the time of `over`, from moment to moment at which a reading begins or ends. */
struct sweep {
    const struct journal *journal;
    const struct reading *below; /* only readings that outrank it count; NULL: all */
    struct stretch over;
    int64_t time_ms;
    uint32_t next;  /* reading that has not begun */
    uint32_t count; /* of candidates: they have begun, and may not have ended */
    struct interval_candidate candidates[OVERLAP_DEPTH_MAX];
};

static void sweep_init(struct sweep *sweep, const struct journal *journal,
                       const struct reading *below, struct stretch over)
{
    sweep->journal = journal;
    sweep->below = below;
    sweep->over = over;
    sweep->time_ms = over.from_ms;
    sweep->next = journal_find(journal, over.from_ms - journal->longest_ms);
    sweep->count = 0;
}

static void sweep_enter(struct sweep *sweep, const struct reading *reading)
{
    if (reading_end_ms(reading) <= sweep->time_ms ||
        (sweep->below != NULL && !outranks(reading, sweep->below)) ||
        is_further_line(sweep->journal, reading))
        return;
    struct interval_candidate *place = &sweep->candidates[sweep->count];
    if (sweep->count == OVERLAP_DEPTH_MAX) {
        place = sweep->candidates;
        for (uint32_t i = 1; i < sweep->count; i++) {
            if (outranks(place->reading, sweep->candidates[i].reading))
                place = &sweep->candidates[i];
        }
        if (!outranks(reading, place->reading))
            return;
        sweep->count--;
    }
    *place = (struct interval_candidate){.reading = reading,
                                         .whole = effective(sweep->journal, reading)};
    sweep->count++;
}

/* Lets in what has begun, and drops what has ended. Returns when either happens next. */
static int64_t sweep_update(struct sweep *sweep)
{
    const struct journal *journal = sweep->journal;
    while (sweep->next < journal->count &&
           journal_at(journal, sweep->next)->start_ms <= sweep->time_ms)
        sweep_enter(sweep, journal_at(journal, sweep->next++));
    int64_t until_ms = sweep->over.to_ms;
    if (journal->base_ms > sweep->time_ms)
        until_ms = MIN(until_ms, journal->base_ms);
    if (sweep->next < journal->count)
        until_ms = MIN(until_ms, journal_at(journal, sweep->next)->start_ms);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sweep->count; i++) {
        if (sweep->candidates[i].whole.to_ms <= sweep->time_ms)
            continue;
        until_ms = MIN(until_ms, sweep->candidates[i].whole.to_ms);
        sweep->candidates[kept++] = sweep->candidates[i];
    }
    sweep->count = kept;
    return until_ms;
}

/* The best candidate over this moment, or the worst; NULL if no reading covers it. */
static struct interval_candidate *sweep_pick(struct sweep *sweep, bool best)
{
    struct interval_candidate *picked = NULL;
    for (uint32_t i = 0; i < sweep->count; i++) {
        struct interval_candidate *candidate = &sweep->candidates[i];
        if (picked == NULL || outranks(candidate->reading, picked->reading) == best)
            picked = candidate;
    }
    return picked;
}

/* Whether no better reading lies over any moment of the candidate, which has just begun. */
static bool is_alone(const struct sweep *sweep, const struct interval_candidate *candidate)
{
    for (uint32_t i = 0; i < sweep->count; i++) {
        if (outranks(sweep->candidates[i].reading, candidate->reading))
            return false;
    }
    for (uint32_t i = sweep->next; i < sweep->journal->count; i++) {
        const struct reading *later = journal_at(sweep->journal, i);
        if (later->start_ms >= candidate->whole.to_ms)
            break;
        if (outranks(later, candidate->reading))
            return false;
    }
    return true;
}

/* Whether the reading is the total around the instant whose time others lie in: of totals within
 * each other the outer one, of one period the best. */
static bool is_outer(const struct journal *journal, const struct reading *total, int64_t time_ms)
{
    if (time_ms <= total->start_ms || time_ms >= reading_end_ms(total))
        return false;
    uint32_t i = journal_find(journal, time_ms - journal->longest_ms);
    for (; i < journal->count && journal_at(journal, i)->start_ms < time_ms; i++) {
        const struct reading *other = journal_at(journal, i);
        if (reading_end_ms(other) <= time_ms)
            continue;
        if (is_beside(other, total) ? outranks(other, total) : outranks(total, other))
            return false;
    }
    return !is_further_line(journal, total);
}

/* Finds what better readings leave of a total. If several lie over one moment, the worst of them
 * counts: it is a total itself, and stands for what lies in it. */
static void find_rest(struct interval_candidate *total, const struct journal *journal,
                      int64_t time_ms)
{
    bool based = is_outer(journal, total->reading, journal->base_ms);
    int128 better = 0;
    int128 better_closed = 0;
    struct sweep inside;
    sweep_init(&inside, journal, total->reading, total->whole);
    total->rest = total->closed = (struct interval_rest){0};
    while (inside.time_ms < inside.over.to_ms) {
        struct stretch part = {inside.time_ms, sweep_update(&inside)};
        bool closed = based && part.from_ms < journal->base_ms;
        const struct interval_candidate *worst = sweep_pick(&inside, false);
        if (worst != NULL) {
            *(closed ? &better_closed : &better) +=
                stretch_piece(amount_of(journal, worst->reading), worst->whole, part);
        } else {
            struct interval_rest *rest = closed ? &total->closed : &total->rest;
            rest->left_ms += part.to_ms - part.from_ms;
            rest->passed_ms += MAX(MIN(part.to_ms, time_ms) - part.from_ms, 0);
        }
        inside.time_ms = part.to_ms;
    }
    int64_t booked = based ? journal->base_booked : 0;
    total->closed.amount = (int64_t)(booked - better_closed);
    total->rest.amount = (int64_t)(amount_of(journal, total->reading) - booked - better);
    total->known = true;
}

bool intervals_is_contradicted(const struct meter *meter, const struct interval_candidate *total)
{
    return (total->rest.amount < 0 && !meter->negative) ||
           (total->rest.amount != 0 && total->rest.left_ms == 0);
}

/* Finds the rests of readings that begin at this moment, and counts those that are contradicted by
 * what lies in them. */
static void judge_totals(struct cell_sum *sum, const struct meter *meter, struct sweep *sweep)
{
    for (uint32_t i = 0; i < sweep->count; i++) {
        struct interval_candidate *total = &sweep->candidates[i];
        if (total->whole.from_ms != sweep->time_ms)
            continue;
        if (is_alone(sweep, total)) { /* mostly; and to see that is cheap */
            total->known = true;
            total->rest.amount = amount_of(sweep->journal, total->reading);
            total->rest.left_ms = total->whole.to_ms - total->whole.from_ms;
            continue;
        }
        find_rest(total, sweep->journal, sweep->time_ms);
        sum->conflicts += intervals_is_contradicted(meter, total);
    }
}

/* Books the rest of the best reading over `part`. */
static void add_rest(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                     struct interval_candidate *best, struct stretch part)
{
    if (!best->known)
        find_rest(best, journal, part.from_ms);
    int64_t length_ms = part.to_ms - part.from_ms;
    bool closed = best->closed.left_ms > 0 && part.from_ms < journal->base_ms;
    if (!closed && intervals_is_contradicted(meter, best)) { /* the readings stand, and it adds */
        sum->held_ms += length_ms;                           /* nothing to them */
        sum->present = true;
        return;
    }
    struct interval_rest *rest = closed ? &best->closed : &best->rest;
    struct stretch left = {0, rest->left_ms};
    struct stretch passed = {rest->passed_ms, rest->passed_ms + length_ms};
    sum->activity += stretch_piece(rest->amount, left, passed);
    if (!closed && best->closed.left_ms > 0)
        sum->moved_ms += (int64_t)stretch_piece(best->closed.left_ms, left, passed);
    rest->passed_ms = passed.to_ms;
    cell_cover(sum, part, best->reading->quality == QUALITY_ESTIMATED);
}

void intervals_walk(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                    struct stretch whole,
                    void (*take)(void *context, const struct interval_part *part), void *context)
{
    struct sweep sweep;
    sweep_init(&sweep, journal, NULL, whole);
    while (sweep.time_ms < whole.to_ms) {
        struct stretch part = {sweep.time_ms, sweep_update(&sweep)};
        struct cell_sum before = *sum;
        if (meter->total)
            judge_totals(sum, meter, &sweep);
        struct interval_candidate *best = sweep_pick(&sweep, true);
        if (best != NULL && meter->total) {
            add_rest(sum, meter, journal, best, part);
        } else if (best != NULL) {
            sum->activity += stretch_piece(amount_of(journal, best->reading), best->whole, part);
            cell_cover(sum, part, best->reading->quality == QUALITY_ESTIMATED);
        }
        if (best != NULL && take != NULL)
            take(context, &(struct interval_part){.time = part,
                                                  .best = best,
                                                  .activity = sum->activity - before.activity,
                                                  .held = sum->held_ms > before.held_ms,
                                                  .candidates = sweep.candidates,
                                                  .count = sweep.count});
        sweep.time_ms = part.to_ms;
    }
}

void intervals_sum(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                   struct stretch bucket)
{
    if (journal->overlapping)
        intervals_walk(sum, meter, journal, bucket, NULL, NULL);
    else
        sum_plain(sum, journal, bucket);
}

/* Whether no reading of a journal without overlaps shares a moment with `whole`. */
static bool is_apart(const struct journal *journal, struct stretch whole)
{
    uint32_t index = journal_find(journal, whole.from_ms);
    return (index == 0 || reading_end_ms(journal_at(journal, index - 1)) <= whole.from_ms) &&
           (index == journal->count || journal_at(journal, index)->start_ms >= whole.to_ms);
}

struct stretch intervals_changed(const struct meter *meter, const struct journal *journal,
                                 const struct reading *reading)
{
    struct stretch own = stretch_of(reading);
    if (!journal->overlapping && is_apart(journal, own))
        return own;
    uint32_t i = journal_find(journal, own.from_ms - journal->longest_ms);
    for (; i < journal->count && journal_at(journal, i)->start_ms < reading->start_ms; i++) {
        if (is_jitter(journal_at(journal, i), reading))
            own.from_ms = MIN(own.from_ms, journal_at(journal, i)->start_ms);
    }
    if (!meter->total)
        return own;
    struct stretch changed = own;
    i = journal_find(journal, own.from_ms - journal->longest_ms);
    for (; i < journal->count && journal_at(journal, i)->start_ms < own.to_ms; i++) {
        struct stretch whole = stretch_of(journal_at(journal, i));
        if (whole.to_ms <= own.from_ms)
            continue;
        changed.from_ms = MIN(changed.from_ms, whole.from_ms);
        changed.to_ms = MAX(changed.to_ms, whole.to_ms);
    }
    return changed;
}

/* The reading around the instant that is_outer(), or NULL. */
static const struct reading *find_outer(const struct journal *journal, int64_t time_ms)
{
    uint32_t i = journal_find(journal, time_ms - journal->longest_ms);
    for (; i < journal->count && journal_at(journal, i)->start_ms < time_ms; i++) {
        if (is_outer(journal, journal_at(journal, i), time_ms))
            return journal_at(journal, i);
    }
    return NULL;
}

void intervals_move_base(const struct meter *meter, struct journal *journal,
                         const struct reading *reading, int64_t floor_ms)
{
    if (!meter->total || floor_ms == INT64_MIN || floor_ms == journal->base_ms ||
        reading->start_ms >= journal->end_ms)
        return;
    const struct reading *total = find_outer(journal, floor_ms);
    if (total == NULL || reading->start_ms >= reading_end_ms(total) || is_beside(reading, total) ||
        !outranks(reading, total))
        return;
    bool based = is_outer(journal, total, journal->base_ms);
    struct stretch closed = {based ? journal->base_ms : total->start_ms, floor_ms};
    struct cell_sum sum = {0};
    intervals_walk(&sum, meter, journal, closed, NULL, NULL);
    journal->base_booked = (based ? journal->base_booked : 0) + (int64_t)sum.activity;
    journal->base_ms = floor_ms;
}

static int64_t needed_from(const struct meter *meter, const struct journal *journal,
                           int64_t floor_ms)
{
    if (!meter->total)
        return floor_ms;
    for (uint32_t i = 0; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms >= floor_ms)
            break;
        if (reading_end_ms(reading) > floor_ms)
            return reading->start_ms;
    }
    return floor_ms;
}

void intervals_forget(const struct meter *meter, struct journal *journal, int64_t floor_ms)
{
    journal_drop_ended(journal, needed_from(meter, journal, floor_ms));
    if (journal->base_ms == INT64_MIN || find_outer(journal, journal->base_ms) != NULL)
        return;
    journal->base_ms = INT64_MIN;
    journal->base_booked = 0;
    journal->changed = true;
}
