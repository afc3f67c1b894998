#include "pipelines/metering/register_chain.h"

#include "pipelines/metering/register_steps.h"

_Static_assert(sizeof(struct chain_link) == sizeof(uint64_t), "the field of a reading");

/* A chain that ends at a reading, or may. */
struct chain_end {
    int32_t cost, breaks, aside;
    uint32_t before; /* index; NO_READING: it begins here */
    uint8_t step, distance;
    int64_t amount;
};

/* --- the cheapest chain to a reading --- */

static void fill_window(const struct judged *chain, struct look_back *window, uint32_t index)
{
    uint32_t at = CHAIN_LOOK_BACK;
    window->from_start = !chain->journal->past.known; /* else no chain passes over the first */
    while (index > 0) {
        const struct reading *reading = journal_at(chain->journal, --index);
        if (!is_measured(reading))
            continue;
        if (at == 0) {
            window->from_start = false;
            break;
        }
        window->index[--at] = index;
        if (reading->role == ROLE_INITIAL || reading->accepted) { /* no chain crosses it */
            window->from_start = false;
            break;
        }
    }
    window->count = CHAIN_LOOK_BACK - at;
    memmove(window->index, window->index + at, window->count * sizeof(*window->index));
    for (uint32_t i = 0; i < window->count; i++) {
        struct chain_link link = chain_link_of(journal_at(chain->journal, window->index[i]));
        window->cost[i] = i == 0 ? 0 : window->cost[i - 1] + (int32_t)link.cost - CHAIN_BIAS;
        window->breaks[i] = i == 0 ? 0 : window->breaks[i - 1] + (int32_t)link.breaks - CHAIN_BIAS;
        window->aside[i] = i == 0 ? 0 : window->aside[i - 1] + (int32_t)link.aside - CHAIN_BIAS;
    }
}

/* Whether the first of two chains keeps the older reading where they part. Both end at `end`. */
static bool keeps_older(const struct judged *chain, uint32_t a, uint32_t b, uint32_t end)
{
    uint32_t last_a = end;
    uint32_t last_b = end;
    while (a != b) {
        if (b == NO_READING || (a != NO_READING && a > b)) {
            last_a = a;
            a = chain_before(chain, a);
        } else {
            last_b = b;
            b = chain_before(chain, b);
        }
    }
    return last_a < last_b;
}

static void take_better(const struct judged *chain, struct chain_end *best,
                        const struct chain_end *other, uint32_t end)
{
    bool better = best->step == CHAIN_NONE;
    if (!better && other->cost != best->cost)
        better = other->cost < best->cost;
    else if (!better && other->breaks != best->breaks)
        better = other->breaks < best->breaks;
    else if (!better && other->aside != best->aside)
        better = other->aside < best->aside;
    else if (!better)
        better = keeps_older(chain, other->before, best->before, end);
    if (better)
        *best = *other;
}

static struct chain_end end_of_step(const struct judged *chain, const struct look_back *window,
                                    uint32_t at, enum chain_step step, bool glitch,
                                    const struct reading *reading)
{
    uint32_t index = window->index[at];
    const struct reading *before = journal_at(chain->journal, index);
    int64_t amount = chain_step_amount(chain->meter, step, before, reading);
    struct rise rise = {size_of(amount), amount != 0 ? between_ms(before, reading) : 0};
    int32_t was = chain_first_rise_cost(chain, index, (struct rise){0, 0});
    int32_t is = chain_first_rise_cost(chain, index, rise);
    int32_t aside = (int32_t)(window->count - 1 - at);
    int32_t paid = glitch ? 0 : aside;
    return (struct chain_end){.cost = window->cost[at] - was + is + paid + (step == CHAIN_LOOSE),
                              .aside = window->aside[at] + aside,
                              .breaks =
                                  window->breaks[at] - (was == BREAK_COST) + (is == BREAK_COST),
                              .before = index,
                              .step = (uint8_t)step,
                              .distance = (uint8_t)(window->count - at),
                              .amount = amount};
}

/* A first rise from 0, which counts as a break if later rises contradict it. It may leave nothing
 * aside but glitches: else leaving aside all that contradicts it would be cheaper for ever. */
static bool rises_from_zero(const struct judged *chain, uint32_t index,
                            const struct reading *reading)
{
    const struct reading *before = journal_at(chain->journal, index);
    struct chain_link link = chain_link_of(before);
    return chain->meter->rate_max == 0 && link.rises == 0 && !link.exempt && before->value == 0 &&
           reading->value != 0;
}

static struct chain_end find_best(const struct judged *chain, const struct look_back *window,
                                  uint32_t end)
{
    const struct reading *reading = journal_at(chain->journal, end);
    struct chain_end best = {.step = CHAIN_NONE};
    if (window->from_start && window->count < CHAIN_LOOK_BACK)
        best = (struct chain_end){.cost = (int32_t)window->count,
                                  .aside = (int32_t)window->count,
                                  .before = NO_READING,
                                  .step = CHAIN_START};
    struct rise largest = {0, 0};
    for (uint32_t at = window->count; at-- > 0;) {
        largest = chain_lengthen_run(chain, window, at, largest, reading);
        enum chain_step step = chain_judge_step(chain, window, window->index[at], reading);
        bool glitch = chain_is_glitch(chain, window, at, largest, reading, &step);
        bool paid = !glitch && at + 1 < window->count;
        if (step != CHAIN_NONE && !(paid && rises_from_zero(chain, window->index[at], reading))) {
            struct chain_end next = end_of_step(chain, window, at, step, glitch, reading);
            take_better(chain, &best, &next, end);
        }
        bool told =
            chain_crosses(chain->meter, journal_at(chain->journal, window->index[at]), reading);
        struct chain_end next = {.cost = window->cost[at] + (told ? 0 : BREAK_COST) +
                                         (int32_t)(window->count - 1 - at),
                                 .breaks = window->breaks[at] + !told,
                                 .aside = window->aside[at] + (int32_t)(window->count - 1 - at),
                                 .before = window->index[at],
                                 .step = CHAIN_BREAK,
                                 .distance = (uint8_t)(window->count - at)};
        take_better(chain, &best, &next, end);
    }
    return best;
}

/* The last reading of the cheapest chain over the window; NO_READING if it is empty. */
static uint32_t find_end(const struct judged *chain, const struct look_back *window)
{
    struct chain_end best = {.step = CHAIN_NONE, .before = NO_READING};
    for (uint32_t at = 0; at < window->count; at++) {
        struct chain_end next = {.cost = window->cost[at] + (int32_t)(window->count - 1 - at),
                                 .breaks = window->breaks[at],
                                 .aside = window->aside[at] + (int32_t)(window->count - 1 - at),
                                 .before = window->index[at],
                                 .step = CHAIN_RISE};
        take_better(chain, &best, &next, UINT32_MAX - 1);
    }
    return best.before;
}

/* --- links --- */

/* The loose rise at the end of its chain waits for a higher reading. */
static bool is_pending(const struct judged *chain, uint32_t index, struct chain_link link)
{
    if (link.rises == 0)
        return false;
    if (link.rise == 0)
        return link.step == CHAIN_LOOSE;
    struct chain_link rise = chain_link_of(journal_at(chain->journal, index - (uint32_t)link.rise));
    return rise.step == CHAIN_LOOSE;
}

static void carry_rises(const struct judged *chain, struct chain_link *link, uint32_t index,
                        const struct chain_end *best)
{
    struct chain_link before = chain_link_of(journal_at(chain->journal, best->before));
    uint64_t distance = before.rise + (index - best->before);
    link->exempt = before.exempt;
    link->rises = before.rises;
    if (best->amount != 0) {
        link->rises = MIN(before.rises + 1, RISES_COUNTED);
    } else if (before.rises > 0 && distance <= RISE_DISTANCE) {
        link->rise = distance & RISE_DISTANCE;
    } else if (before.rises > 0) { /* so long ago that nothing is known of it */
        link->rises = 0;
        link->exempt = 1;
    }
}

static uint32_t biased(int32_t difference)
{
    return (uint32_t)(MAX(-CHAIN_BIAS, MIN(difference, CHAIN_BIAS - 1)) + CHAIN_BIAS);
}

static struct chain_link link_from(const struct judged *chain, const struct look_back *window,
                                   uint32_t index, const struct chain_end *best)
{
    struct chain_link link = {.step = best->step & 7U, .before = best->distance & 127U};
    if (window->count > 0) {
        link.cost = biased(best->cost - window->cost[window->count - 1]) & 255U;
        link.breaks = biased(best->breaks - window->breaks[window->count - 1]) & 255U;
        link.aside = biased(best->aside - window->aside[window->count - 1]) & 255U;
    }
    if (best->step != CHAIN_START && best->step != CHAIN_BREAK)
        carry_rises(chain, &link, index, best);
    else
        link.exempt = journal_at(chain->journal, index)->accepted;
    if (window->count == 0) {
        link.quiet = CHAIN_LOOK_BACK;
    } else if (best->distance == 1 && link.cost == CHAIN_BIAS && link.breaks == CHAIN_BIAS &&
               best->step != CHAIN_LOOSE && !is_pending(chain, index, link)) {
        struct chain_link last =
            chain_link_of(journal_at(chain->journal, window->index[window->count - 1]));
        link.quiet = MIN(last.quiet + 1U, CHAIN_LOOK_BACK) & 127U;
    }
    return link;
}

/* The newest rise of the chain that ends at the reading, which has one. */
static struct rise newest_rise(const struct judged *chain, uint32_t index)
{
    const struct reading *reading = journal_at(chain->journal, index);
    struct chain_link link = chain_link_of(reading);
    if (link.rise == 0 && link.before == 1 && link.step == CHAIN_RISE && is_measured(reading - 1))
        return (struct rise){size_of(reading->value - reading[-1].value),
                             between_ms(reading - 1, reading)};
    struct register_rise newest = {0};
    (void)chain_list_rises(chain, index, &newest, 1);
    return (struct rise){size_of(newest.amount), newest.ms};
}

/* The reading at `index` goes on from the one just before it, and no other chain can be better. */
static bool goes_on(const struct judged *chain, uint32_t before_index,
                    const struct reading *reading)
{
    const struct meter *meter = chain->meter;
    const struct reading *before = journal_at(chain->journal, before_index);
    struct chain_link last = chain_link_of(before);
    int64_t amount = reading->value - before->value;
    if (amount < 0 || last.quiet < CHAIN_LOOK_BACK || !is_measured(before) ||
        !is_measured(reading) || reading->role != ROLE_READING || last.rise == RISE_DISTANCE ||
        chain_crosses(meter, before, reading))
        return false;
    int64_t ms = between_ms(before, reading);
    if (meter->rate_max > 0)
        return is_plausible(meter, amount, ms, 0);
    if (last.rises < 2)
        return false;
    if (amount == 0)
        return true;
    return is_within(amount, ms, newest_rise(chain, before_index), LOOSE_TIMES) &&
           (last.rises >= RISES_COUNTED ||
            chain_first_rise_cost(chain, before_index, (struct rise){0, 0}) ==
                chain_first_rise_cost(chain, before_index, (struct rise){amount, ms}));
}

static struct chain_link plain_link(const struct reading *before, const struct reading *reading)
{
    struct chain_link last = chain_link_of(before);
    bool rises = reading->value != before->value;
    return (struct chain_link){.exempt = last.exempt,
                               .step = CHAIN_RISE,
                               .before = 1,
                               .rises =
                                   rises ? MIN(last.rises + 1U, RISES_COUNTED) & 15U : last.rises,
                               .quiet = CHAIN_LOOK_BACK,
                               .cost = CHAIN_BIAS,
                               .breaks = CHAIN_BIAS,
                               .aside = CHAIN_BIAS,
                               .rise = rises || last.rises == 0 ? 0 : (last.rise + 1U) & 0xffffU};
}

static struct chain_link judge_reading(const struct judged *chain, uint32_t index)
{
    const struct reading *reading = journal_at(chain->journal, index);
    const struct register_past *past = &chain->journal->past;
    if (index == 0 && past->known)
        return (struct chain_link){.step = CHAIN_START,
                                   .exempt = past->exempt,
                                   .rises = past->rises & 15U,
                                   .quiet = CHAIN_LOOK_BACK};
    if (!is_measured(reading))
        return (struct chain_link){0};
    if (index > 0 && goes_on(chain, index - 1, reading))
        return plain_link(reading - 1, reading);
    struct look_back window;
    fill_window(chain, &window, index);
    if (reading->role == ROLE_INITIAL) {
        uint32_t end = find_end(chain, &window);
        uint32_t distance = 0;
        for (uint32_t i = 0; i < window.count; i++)
            distance += end != NO_READING && window.index[i] >= end;
        return (struct chain_link){
            .exempt = 1, .step = CHAIN_BRIDGE, .before = distance & 127U, .quiet = CHAIN_LOOK_BACK};
    }
    struct chain_end best = find_best(chain, &window, index);
    return link_from(chain, &window, index, &best);
}

/* --- the chain that holds --- */

/* The entries whose part in the chain has changed. */
struct changes {
    uint32_t first;     /* NO_READING: none */
    uint32_t last_step; /* the last to which the step is another */
    uint32_t last;      /* the last from which it is, too */
    uint32_t entered;   /* a new one; NO_READING */
    uint32_t glitch;    /* the last that was left aside and no longer is, or the reverse; or none */
};

static const struct changes no_changes = {
    .first = NO_READING, .entered = NO_READING, .glitch = NO_READING};

static void note_step(struct changes *changes, uint32_t index)
{
    changes->first = MIN(changes->first, index);
    changes->last_step = MAX(changes->last_step, index);
}

static void note_change(struct changes *changes, uint32_t index)
{
    note_step(changes, index);
    changes->last = MAX(changes->last, index);
}

static void note_glitch(struct changes *changes, uint32_t index)
{
    changes->glitch = changes->glitch == NO_READING ? index : MAX(changes->glitch, index);
}

/* Says of the entry what it is now; its links to others are new if it lies behind `judged`. */
static void mark(const struct judged *chain, struct changes *changes, uint32_t index, bool kept,
                 bool booked)
{
    struct reading *reading = journal_at(chain->journal, index);
    struct chain_link link = chain_link_of(reading);
    if (link.kept == kept && link.booked == booked)
        return;
    if (link.kept != kept) {
        note_change(changes, index);
        if (index != changes->entered)
            note_glitch(changes, index);
    }
    note_step(changes, index);
    link.kept = kept;
    link.booked = booked;
    set_link(reading, link);
}

/* Estimates count behind the last measured reading that holds. Each that goes on from the one
 * before it does. */
static void mark_estimates(const struct judged *chain, struct changes *changes, uint32_t last)
{
    const struct reading *before = last == NO_READING ? NULL : journal_at(chain->journal, last);
    for (uint32_t i = last == NO_READING ? 0 : last + 1; i < chain->journal->count; i++) {
        struct reading *reading = journal_at(chain->journal, i);
        if (is_measured(reading)) {
            mark(chain, changes, i, false, false);
            continue;
        }
        int64_t amount = before == NULL ? 0 : reading->value - before->value;
        bool crosses = before != NULL && chain_crosses(chain->meter, before, reading);
        bool fits = before == NULL || crosses || amount >= 0 || chain->meter->negative;
        if (fits && before != NULL && !crosses && chain->meter->rate_max > 0)
            fits = is_plausible(chain->meter, size_of(amount), between_ms(before, reading), 0);
        struct chain_link link = chain_link_of(reading);
        link.step = before == NULL ? CHAIN_START : crosses ? CHAIN_BREAK : CHAIN_RISE;
        set_link(reading, link);
        mark(chain, changes, i, fits, fits && before != NULL && !crosses);
        if (fits)
            before = reading;
    }
}

/* Where the walk back meets what it left the last time. */
static bool is_settled(const struct judged *chain, uint32_t index, uint32_t judged)
{
    struct chain_link link = chain_link_of(journal_at(chain->journal, index));
    return index < judged && link.kept && link.quiet == CHAIN_LOOK_BACK &&
           (chain->meter->rate_max > 0 || link.rises >= RISES_COUNTED);
}

/* Whether the step to the reading counts. `higher`: the chain has a rise behind it. The verdict is
 * that of its counter's first rise. */
static bool is_booked(const struct judged *chain, uint32_t index, bool higher,
                      const struct verdict *verdict)
{
    struct chain_link link = chain_link_of(journal_at(chain->journal, index));
    if (link.step == CHAIN_LOOSE && !higher)
        return false;
    if (link.step == CHAIN_START || link.step >= CHAIN_BREAK)
        return false;
    if (link.rises != 1 || link.rise != 0 || chain->meter->rate_max > 0 ||
        journal_at(chain->journal, index)->accepted)
        return true;
    return verdict->booked && (verdict->cost == 0 || higher);
}

/* Whether the nine rises that judge a counter's first one lie before or at the reading, and as many
 * of them as the chain has. */
static bool shows_first_rise(const struct judged *chain, uint32_t index, struct chain_link link)
{
    if (link.rises < RISES_COUNTED)
        return link.rises > 0;
    uint32_t before = chain_before(chain, index);
    if (link.rise == 0 && before != NO_READING)
        link = chain_link_of(journal_at(chain->journal, before));
    return link.rises < RISES_COUNTED;
}

/* Marks the chain that ends at `end`, from there back to what is settled. */
static void mark_chain(const struct judged *chain, struct changes *changes, uint32_t end,
                       uint32_t judged, bool higher)
{
    uint32_t index = end;
    struct verdict verdict = {0, true};
    bool known = false; /* the verdict is that of this counter */
    while (index != NO_READING && !is_settled(chain, index, judged)) {
        struct chain_link link = chain_link_of(journal_at(chain->journal, index));
        if (!known && shows_first_rise(chain, index, link)) {
            verdict = chain_judge_first_rise(chain, index, (struct rise){0, 0});
            known = true;
        }
        mark(chain, changes, index, true, is_booked(chain, index, higher, &verdict));
        uint32_t before = chain_before(chain, index);
        if (link.step == CHAIN_START || link.step >= CHAIN_BREAK)
            higher = known = false;
        else if (link.rises > 0 && link.rise == 0)
            higher = true;
        for (uint32_t i = before == NO_READING ? 0 : before + 1; i < index; i++)
            mark(chain, changes, i, false, false);
        index = before;
    }
}

/* --- changes --- */

/* Whether links are the same, except for the marks. */
static bool is_same_link(struct chain_link a, struct chain_link b)
{
    a.kept = b.kept;
    a.booked = b.booked;
    return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Judges from `index` on until all is as it was. Returns the first entry that was not looked at. */
static uint32_t judge_from(const struct judged *chain, struct changes *changes, uint32_t index)
{
    uint32_t same = 0; /* since so many rises, or more, are as they were: what they are a rate of */
    uint32_t rises = 0; /* as they were */
    uint32_t i = index;
    for (; i < chain->journal->count; i++) {
        struct reading *reading = journal_at(chain->journal, i);
        struct chain_link was = chain_link_of(reading);
        if (!is_measured(reading) && i != index)
            continue;
        struct chain_link link = judge_reading(chain, i);
        link.kept = was.kept;
        link.booked = was.booked;
        set_link(reading, link);
        bool unchanged = i != index && is_same_link(was, link);
        if (!unchanged && i != index && link.kept &&
            (was.step != link.step || was.before != link.before))
            note_step(changes, i);
        same = unchanged && rises > RISES_COUNTED ? same + 1 : 0;
        rises = unchanged ? rises + (link.rises > 0 && link.rise == 0) : 0;
        if (same > 2 * CHAIN_LOOK_BACK)
            return i + 1;
    }
    return i;
}

static uint32_t find_last(const struct judged *chain)
{
    struct look_back window;
    fill_window(chain, &window, chain->journal->count);
    return find_end(chain, &window);
}

static void judge_and_mark(const struct judged *chain, struct changes *changes, uint32_t index)
{
    uint32_t judged = judge_from(chain, changes, index);
    if (judged == chain->journal->count) {
        uint32_t last = find_last(chain);
        mark_estimates(chain, changes, last);
        mark_chain(chain, changes, last, index, false);
        return;
    }
    while (!chain_link_of(journal_at(chain->journal, judged - 1)).kept)
        judged--;
    mark_chain(chain, changes, judged - 1, index, true);
}

static bool is_kept(const struct journal *journal, uint32_t index)
{
    return chain_link_of(journal_at(journal, index)).kept;
}

/* The time between the kept readings around what changed. */
static struct stretch span_of(const struct journal *journal, const struct changes *changes)
{
    uint32_t first = changes->first;
    while (first > 0 && !is_kept(journal, --first))
        continue;
    uint32_t last = changes->last;
    while (last + 1 < journal->count && !is_kept(journal, ++last))
        continue;
    last = MAX(last, changes->last_step);
    int64_t to_ms = journal_at(journal, last)->start_ms + !is_kept(journal, last);
    if (changes->glitch != NO_READING)
        to_ms = MAX(to_ms, journal_at(journal, changes->glitch)->start_ms + 1);
    return (struct stretch){journal_at(journal, first)->start_ms, to_ms};
}

bool register_chain_fits(const struct meter *meter, const struct journal *journal,
                         const struct reading *reading)
{
    if (journal->count == 0)
        return false;
    const struct reading *last = journal_at(journal, journal->count - 1);
    struct judged chain = {meter, (struct journal *)journal};
    struct chain_link link = chain_link_of(last);
    return last->start_ms < reading->start_ms && link.kept &&
           goes_on(&chain, journal->count - 1, reading);
}

void register_chain_append(struct journal *journal)
{
    struct reading *reading = journal_at(journal, journal->count - 1);
    struct chain_link link = plain_link(reading - 1, reading);
    link.kept = link.booked = 1;
    set_link(reading, link);
}

static bool may_bound(const struct journal *journal, uint32_t index)
{
    return is_kept(journal, index) || is_measured(journal_at(journal, index));
}

/* The time for which a reading counts that changes no chain. Behind the last reading that holds,
 * time is held up to the newest measured one: if it is this one, more is held than before. */
static struct stretch span_aside(const struct journal *journal, uint32_t index)
{
    int64_t at_ms = journal_at(journal, index)->start_ms;
    uint32_t first = index;
    for (uint32_t i = index + 1; i < journal->count; i++) {
        if (may_bound(journal, i))
            return (struct stretch){at_ms, at_ms + 1};
    }
    while (first > 0 && !may_bound(journal, --first))
        continue;
    return (struct stretch){journal_at(journal, first)->start_ms, at_ms + 1};
}

struct stretch register_chain_update(const struct meter *meter, struct journal *journal,
                                     uint32_t index)
{
    struct judged chain = {meter, journal};
    struct changes changes = no_changes;
    bool was_kept = is_kept(journal, index);
    if (journal_at(journal, index)->chain == 0)
        changes.entered = index;
    judge_and_mark(&chain, &changes, index);
    if (changes.first == NO_READING && !was_kept && !is_kept(journal, index))
        return span_aside(journal, index);
    note_change(&changes, index);
    if (!is_kept(journal, index))
        note_glitch(&changes, index);
    return span_of(journal, &changes);
}

struct stretch register_chain_cut(const struct meter *meter, struct journal *journal,
                                  uint32_t count)
{
    struct judged chain = {meter, journal};
    struct changes changes = no_changes;
    struct reading *first = journal_at(journal, count);
    struct register_past past = chain_past(&chain, count);
    journal_drop_first(journal, count);
    journal->past = past;
    journal->past_changed = true;
    struct chain_link link = chain_link_of(first);
    link.booked = 0; /* the step to it has gone with the reading before: nothing has changed */
    set_link(first, link);
    judge_and_mark(&chain, &changes, 0);
    if (changes.first == NO_READING)
        return (struct stretch){0, 0};
    return span_of(journal, &changes);
}

void register_chain_judge(const struct meter *meter, struct journal *journal)
{
    struct judged chain = {meter, journal};
    struct changes changes = no_changes;
    if (journal->count == 0)
        return;
    for (uint32_t i = 0; i < journal->count; i++)
        journal_at(journal, i)->chain = 0;
    judge_and_mark(&chain, &changes, 0);
}
