#include "pipelines/metering/registers.h"

#include "pipelines/metering/register_chain.h"
#include "pipelines/metering/register_steps.h"

enum {
    USUAL_INTERVALS = 3, /* in a longer stretch the shape is assumed, not measured */
    KEPT_BEFORE = CHAIN_LOOK_BACK,
};
#define NO_READING UINT32_MAX

static bool is_kept(const struct journal *journal, uint32_t index)
{
    return chain_link_of(journal_at(journal, index)).kept;
}

/* The newest kept reading before the index, or NO_READING. */
static uint32_t kept_before(const struct journal *journal, uint32_t index)
{
    while (index > 0) {
        if (is_kept(journal, --index))
            return index;
    }
    return NO_READING;
}

/* The first kept reading from the index on, or NO_READING. */
static uint32_t kept_from(const struct journal *journal, uint32_t index)
{
    for (; index < journal->count; index++) {
        if (is_kept(journal, index))
            return index;
    }
    return NO_READING;
}

/* The time between two kept readings. */
struct step {
    struct stretch whole; /* where it is booked */
    int64_t total;        /* what it books there */
    int64_t moved_ms;     /* time before base_ms whose amount is in it */
    bool booked;          /* else it is held */
};

/* All that steps up to the one to `index` book. */
static int64_t booked_up_to(const struct meter *meter, const struct journal *journal,
                            uint32_t index)
{
    int64_t sum = 0;
    uint32_t before = NO_READING;
    for (uint32_t i = 0; i <= index && i < journal->count; i++) {
        struct chain_link link = chain_link_of(journal_at(journal, i));
        if (!link.kept)
            continue;
        if (before != NO_READING && link.booked)
            sum +=
                register_chain_amount(meter, journal_at(journal, before), journal_at(journal, i));
        before = i;
    }
    return sum;
}

/* All that steps before base_ms book. */
static int64_t booked_up_to_base(const struct meter *meter, const struct journal *journal)
{
    uint32_t last = kept_before(journal, journal_find(journal, journal->base_ms + 1));
    return last == NO_READING ? 0 : booked_up_to(meter, journal, last);
}

/* Whether the step is the first that is booked behind base_ms. */
static bool makes_good(const struct journal *journal, uint32_t before, uint32_t after)
{
    if (journal->base_ms == INT64_MIN || journal_at(journal, after)->start_ms <= journal->base_ms)
        return false;
    while (before != NO_READING && journal_at(journal, before)->start_ms > journal->base_ms) {
        if (chain_link_of(journal_at(journal, before)).booked)
            return false;
        before = kept_before(journal, before);
    }
    return true;
}

/* Books from base_ms on what closed windows did not. */
static void make_good(struct step *step, const struct meter *meter, const struct journal *journal,
                      uint32_t before)
{
    int64_t base_ms = journal->base_ms;
    int64_t missing = booked_up_to(meter, journal, before) - journal->base_booked;
    int64_t since_ms = step->whole.from_ms;
    if (since_ms < base_ms) {
        int64_t closed = (int64_t)stretch_piece(step->total, step->whole,
                                                (struct stretch){step->whole.from_ms, base_ms});
        step->moved_ms = missing + closed != 0 ? base_ms - since_ms : 0;
        step->whole.from_ms = base_ms;
    } else if (missing != 0) {
        while (before != NO_READING && journal_at(journal, before)->start_ms >= base_ms)
            before = kept_before(journal, before);
        if (before != NO_READING)
            step->moved_ms = base_ms - journal_at(journal, before)->start_ms;
    }
    step->total += missing;
}

static struct step step_between(const struct meter *meter, const struct journal *journal,
                                uint32_t before, uint32_t after)
{
    const struct reading *old = journal_at(journal, before);
    const struct reading *new = journal_at(journal, after);
    struct step step = {.whole = {old->start_ms, new->start_ms},
                        .booked = chain_link_of(new).booked};
    if (!step.booked)
        return step;
    step.total = register_chain_amount(meter, old, new);
    if (makes_good(journal, before, after))
        make_good(&step, meter, journal, before);
    return step;
}

/* --- what closed windows have booked --- */

/* The step that makes good; its time is from 0 to 0 as long as no step does. */
static struct step find_carrying_step(const struct meter *meter, const struct journal *journal)
{
    struct step none = {.whole = {0, 0}};
    if (journal->base_ms == INT64_MIN)
        return none;
    uint32_t before = kept_before(journal, journal_find(journal, journal->base_ms));
    uint32_t after = kept_from(journal, before == NO_READING ? 0 : before + 1);
    while (after != NO_READING) {
        struct chain_link link = chain_link_of(journal_at(journal, after));
        if (before != NO_READING && journal_at(journal, after)->start_ms > journal->base_ms &&
            link.booked)
            return step_between(meter, journal, before, after);
        before = after;
        after = kept_from(journal, after + 1);
    }
    return none;
}

static struct stretch find_carrier(const struct meter *meter, const struct journal *journal)
{
    return find_carrying_step(meter, journal).whole;
}

/* The amount that cells before floor_ms hold since the register's first reading. */
static int64_t booked_before(const struct meter *meter, const struct journal *journal,
                             int64_t floor_ms)
{
    struct stretch carrier = find_carrier(meter, journal);
    bool based = journal->base_ms != INT64_MIN;
    if (based && (carrier.to_ms == carrier.from_ms || floor_ms <= carrier.from_ms))
        return journal->base_booked;
    uint32_t after = kept_from(journal, journal_find(journal, floor_ms));
    uint32_t before = kept_before(journal, after == NO_READING ? journal->count : after);
    if (before == NO_READING)
        return 0;
    int64_t sum = booked_up_to(meter, journal, before);
    if (based && floor_ms <= carrier.to_ms)
        sum = journal->base_booked;
    if (after == NO_READING || journal_at(journal, before)->start_ms >= floor_ms)
        return sum;
    struct step step = step_between(meter, journal, before, after);
    if (!step.booked || step.whole.from_ms >= floor_ms)
        return sum;
    return sum + (int64_t)stretch_piece(step.total, step.whole,
                                        (struct stretch){step.whole.from_ms, floor_ms});
}

static void widen(struct stretch *changed, struct stretch other)
{
    if (other.from_ms >= other.to_ms)
        return;
    if (changed->from_ms >= changed->to_ms)
        *changed = other;
    changed->from_ms = MIN(changed->from_ms, other.from_ms);
    changed->to_ms = MAX(changed->to_ms, other.to_ms);
}

/* Whether readings before this one decide nothing more, once the journal remembers how the chain
 * came to it: it is in the chain beyond doubt, and no chain behind it passes over it. */
static bool is_firm(const struct journal *journal, uint32_t index)
{
    const struct reading *reading = journal_at(journal, index);
    struct chain_link link = chain_link_of(reading);
    if (!is_measured(reading) || !link.kept || link.quiet == 0)
        return false;
    uint32_t distance = 0; /* measured readings behind */
    for (uint32_t i = index + 1; i < journal->count && distance < CHAIN_LOOK_BACK; i++) {
        distance += is_measured(journal_at(journal, i));
        if (chain_link_of(journal_at(journal, i)).before > distance)
            return false;
    }
    return true;
}

/* Which of the first `closed` readings is to be the first one, so that about `kept` of them stay;
 * NO_READING if none can be. */
static uint32_t find_first(const struct journal *journal, uint32_t closed, uint32_t kept)
{
    uint32_t newest = closed - kept;
    for (uint32_t first = newest; first > newest / 2; first--) {
        if (is_firm(journal, first))
            return first;
    }
    for (uint32_t first = newest + 1; first < closed; first++) {
        if (is_firm(journal, first))
            return first;
    }
    uint32_t first = kept_before(journal, newest + 1);
    return first != NO_READING && first > 0 ? first : kept_from(journal, newest + 1);
}

/* Forgets all but the newest `kept` of the first `closed` readings, or a few more, if one of the
 * chain is then first. */
static void trim(const struct meter *meter, struct journal *journal, uint32_t closed, uint32_t kept,
                 struct stretch *changed)
{
    if (closed <= kept)
        return;
    uint32_t first = find_first(journal, closed, kept);
    if (first == NO_READING || first == 0 || first >= closed)
        return;
    int64_t base_ms = journal->base_ms;
    int64_t missing = booked_up_to_base(meter, journal) - journal->base_booked;
    struct step was = find_carrying_step(meter, journal);
    /* The step to the first one that stays goes, too. */
    register_chain_count(&journal->gone, meter, journal, 0, first + 1);
    struct stretch judged = register_chain_cut(meter, journal, first);
    journal->base_ms = base_ms;
    /* Steps before the first one have gone. Closed windows miss as much as they did. */
    journal->base_booked = booked_up_to_base(meter, journal) - missing;
    if (judged.to_ms > base_ms)
        widen(changed, judged);
    struct step is = find_carrying_step(meter, journal);
    bool same = was.total == is.total && was.moved_ms == is.moved_ms &&
                was.whole.from_ms == is.whole.from_ms && was.whole.to_ms == is.whole.to_ms;
    if (!same) {
        widen(changed, was.whole);
        widen(changed, is.whole);
    }
}

void register_make_room(const struct meter *meter, struct journal *journal, int64_t floor_ms,
                        struct stretch *changed)
{
    uint32_t closed = journal_find(journal, floor_ms);
    uint32_t last = kept_before(journal, closed);
    if (last == NO_READING)
        return;
    /* The stretch over the floor is to be cut as it was: the base is where it begins. */
    int64_t last_ms = journal_at(journal, last)->start_ms;
    struct stretch carrier = find_carrier(meter, journal);
    if (journal->base_ms == INT64_MIN ||
        (carrier.from_ms < carrier.to_ms && carrier.to_ms <= last_ms)) {
        journal->base_booked = booked_up_to(meter, journal, last);
        journal->base_ms = last_ms;
    }
    trim(meter, journal, closed, MAX(1, MIN(KEPT_BEFORE, journal->capacity / 4)), changed);
}

/* --- readings enter --- */

bool register_reaches_back(const struct meter *meter, const struct journal *journal,
                           const struct reading *reading, int64_t floor_ms)
{
    if (journal->count == 0 || journal_at(journal, 0)->start_ms >= floor_ms)
        return false;
    return journal_at(journal, journal->count - 1)->start_ms < floor_ms ||
           !register_chain_fits(meter, journal, reading);
}

static void put(struct journal *journal, uint32_t index, bool same, const struct reading *reading)
{
    journal_changed(journal, reading->start_ms);
    if (same) {
        uint64_t chain = journal_at(journal, index)->chain; /* what was said is compared */
        *journal_at(journal, index) = *reading;
        journal_at(journal, index)->chain = chain;
        return;
    }
    int err = journal_insert(journal, index, reading);
    ASSERT(err == 0); /* there was room */
    journal_at(journal, index)->chain = 0;
}

static void close_before(const struct meter *meter, struct journal *journal, int64_t floor_ms,
                         int64_t booked, struct stretch *changed)
{
    journal->base_ms = floor_ms;
    journal->base_booked = booked;
    uint32_t closed = journal_find(journal, floor_ms);
    if (closed > 2 * KEPT_BEFORE)
        trim(meter, journal, closed, KEPT_BEFORE, changed);
}

bool register_enter_next(const struct meter *meter, struct journal *journal,
                         const struct reading *reading, int64_t floor_ms)
{
    uint32_t count = journal->count;
    if (count == 0 || journal_at(journal, count - 1)->start_ms < floor_ms ||
        !register_chain_fits(meter, journal, reading))
        return false;
    journal_append(journal, reading);
    register_chain_append(journal);
    return true;
}

/* The state that a change of the chain finds. */
struct found {
    bool reaches;   /* some windows that it books in may be closed, */
    int64_t booked; /* and hold that */
    struct stretch carrier;
};

static struct found find_before(const struct meter *meter, const struct journal *journal,
                                int64_t floor_ms)
{
    bool reaches = journal->count > 0 && journal_at(journal, 0)->start_ms < floor_ms;
    return (struct found){.reaches = reaches,
                          .booked = reaches ? booked_before(meter, journal, floor_ms) : 0,
                          .carrier = find_carrier(meter, journal)};
}

/* The chain has changed in `judged`: what closed windows hold stays. */
static void settle(const struct meter *meter, struct journal *journal, const struct found *found,
                   struct stretch judged, int64_t floor_ms, struct stretch *changed)
{
    struct stretch is = find_carrier(meter, journal);
    if (judged.from_ms < MAX(found->carrier.to_ms, is.to_ms)) {
        widen(&judged, found->carrier);
        widen(&judged, is);
    }
    if (found->reaches && judged.from_ms < floor_ms) {
        close_before(meter, journal, floor_ms, found->booked, &judged);
        widen(&judged, find_carrier(meter, journal));
    }
    widen(changed, judged);
}

/* The time between the kept readings around one. */
static struct stretch around(const struct journal *journal, uint32_t index)
{
    uint32_t before = kept_before(journal, index);
    uint32_t after = kept_from(journal, index + 1);
    if (before == NO_READING)
        before = 0;
    if (after == NO_READING)
        after = journal->count - 1;
    return (struct stretch){journal_at(journal, before)->start_ms,
                            journal_at(journal, after)->start_ms + 1};
}

void register_leave(const struct meter *meter, struct journal *journal, uint32_t index,
                    int64_t floor_ms, struct stretch *changed)
{
    const struct found found = find_before(meter, journal, floor_ms);
    struct stretch left = around(journal, index);
    journal_changed(journal, journal_at(journal, index)->start_ms);
    journal_remove(journal, index, 1);
    if (journal->count > 0)
        widen(&left, register_chain_update(meter, journal, MIN(index, journal->count - 1)));
    settle(meter, journal, &found, left, floor_ms, changed);
}

void register_enter(const struct meter *meter, struct journal *journal, uint32_t index,
                    const struct reading *reading, int64_t floor_ms, struct stretch *changed)
{
    const struct reading *there = index < journal->count ? journal_at(journal, index) : NULL;
    bool same =
        there != NULL && there->start_ms == reading->start_ms && there->role == reading->role;
    if (!same && register_enter_next(meter, journal, reading, floor_ms)) {
        const struct reading *before = journal_at(journal, index - 1);
        widen(changed, (struct stretch){before->start_ms, reading->start_ms});
        return;
    }
    const struct found found = find_before(meter, journal, floor_ms);
    put(journal, index, same, reading);
    settle(meter, journal, &found, register_chain_update(meter, journal, index), floor_ms, changed);
}

/* --- activity --- */

/* The share of the step that lies in the validity of this version, cut off once. */
static void clip(struct step *step, const struct meter *meter)
{
    struct stretch valid = {meter->valid_from_ms, meter->valid_to_ms};
    struct stretch own = stretch_common(step->whole, valid);
    if (own.from_ms >= own.to_ms ||
        (own.from_ms == step->whole.from_ms && own.to_ms == step->whole.to_ms))
        return;
    struct stretch all = {0, step->whole.to_ms - step->whole.from_ms};
    struct stretch share = {0, own.to_ms - own.from_ms};
    step->total = (int64_t)stretch_piece(step->total, all, share);
    step->moved_ms = (int64_t)stretch_piece(step->moved_ms, all, share);
    step->whole = own;
}

int64_t registers_own_amount(const struct meter *meter, const struct reading *before,
                             const struct reading *reading)
{
    struct step step = {.whole = {before->start_ms, reading->start_ms},
                        .total = register_chain_amount(meter, before, reading)};
    if (meter->versioned)
        clip(&step, meter);
    return step.total;
}

static void sum_step(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                     uint32_t before, uint32_t after, struct stretch bucket)
{
    struct step step = step_between(meter, journal, before, after);
    if (meter->versioned)
        clip(&step, meter);
    struct stretch part = stretch_common(step.whole, bucket);
    if (part.from_ms >= part.to_ms)
        return;
    if (!step.booked) {
        sum->held_ms += part.to_ms - part.from_ms;
        return;
    }
    const struct reading *old = journal_at(journal, before);
    const struct reading *new = journal_at(journal, after);
    sum->activity += stretch_piece(step.total, step.whole, part);
    if (step.moved_ms != 0)
        sum->moved_ms += (int64_t)stretch_piece(step.moved_ms, step.whole, part);
    if (new->start_ms - old->start_ms > USUAL_INTERVALS * meter->interval_ms)
        sum->spread_ms += part.to_ms - part.from_ms;
    cell_cover(sum, part, old->quality == QUALITY_ESTIMATED || new->quality == QUALITY_ESTIMATED);
}

/* Behind the last reading that holds there may be some that contradict it. */
static void sum_tail(struct cell_sum *sum, const struct journal *journal, uint32_t last,
                     struct stretch bucket)
{
    struct stretch held = {journal_at(journal, last)->start_ms, INT64_MIN};
    for (uint32_t i = journal->count; i-- > last + 1 && held.to_ms == INT64_MIN;) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->quality != QUALITY_ESTIMATED)
            held.to_ms = reading->start_ms;
    }
    struct stretch part = stretch_common(held, bucket);
    if (part.from_ms < part.to_ms)
        sum->held_ms += part.to_ms - part.from_ms;
}

void registers_sum(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                   struct stretch bucket)
{
    uint32_t first = journal_find(journal, bucket.from_ms);
    for (uint32_t i = first; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms >= bucket.to_ms)
            break;
        sum->glitches += reading->quality != QUALITY_ESTIMATED && !is_kept(journal, i);
    }
    uint32_t before = kept_before(journal, first);
    if (before == NO_READING)
        before = kept_from(journal, first);
    while (before != NO_READING && journal_at(journal, before)->start_ms < bucket.to_ms) {
        uint32_t after = kept_from(journal, before + 1);
        if (after == NO_READING)
            sum_tail(sum, journal, before, bucket);
        else
            sum_step(sum, meter, journal, before, after, bucket);
        before = after;
    }
}
