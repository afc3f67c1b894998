#include "pipelines/metering/fates.h"

#include <sys/param.h>

#include "pipelines/metering/intervals.h"
#include "pipelines/metering/register_chain.h"
#include "pipelines/metering/registers.h"
#include "pipelines/metering/stock_fates.h"

static uint32_t index_of(const struct journal *journal, const struct reading *reading)
{
    return (uint32_t)(reading - journal_at(journal, 0));
}

/* --- intervals --- */

struct interval_walk {
    struct reading_fate *fates;
    struct held_stretches *held; /* to find, or NULL */
    const struct meter *meter;
    const struct journal *journal;
};

/* Totals that begin here, and that better readings contradict. */
static void note_contradicted(const struct interval_walk *walk, const struct interval_part *part)
{
    for (uint32_t i = 0; i < part->count; i++) {
        const struct interval_candidate *total = &part->candidates[i];
        if (total->whole.from_ms != part->time.from_ms ||
            !intervals_is_contradicted(walk->meter, total))
            continue;
        if (walk->held != NULL) {
            held_stretches_add(walk->held, total->whole.from_ms, total->whole.to_ms,
                               total->rest.left_ms, total->rest.amount);
            continue;
        }
        struct reading_fate *fate = &walk->fates[index_of(walk->journal, total->reading)];
        fate->fate = FATE_CONTRADICTED;
        fate->amount = total->rest.amount;
    }
}

static void on_held_part(void *context, const struct interval_part *part)
{
    note_contradicted(context, part);
}

/* Readings that do not count where `best` does are told the first such reading. */
static void note_better(struct interval_walk *walk, const struct interval_part *part, uint32_t best)
{
    for (uint32_t i = 0; i < part->count; i++) {
        uint32_t other = index_of(walk->journal, part->candidates[i].reading);
        if (other != best && walk->fates[other].before == FATE_NO_READING)
            walk->fates[other].before = best;
    }
}

static void on_part(void *context, const struct interval_part *part)
{
    struct interval_walk *walk = context;
    const struct stretch *whole = &part->best->whole;
    uint32_t best = index_of(walk->journal, part->best->reading);
    struct reading_fate *fate = &walk->fates[best];
    note_better(walk, part, best);
    note_contradicted(walk, part);
    if (part->held) {
        fate->fate = FATE_HELD;
        fate->amount = part->best->rest.amount;
        return;
    }
    fate->counted_ms += part->time.to_ms - part->time.from_ms;
    fate->amount += (int64_t)part->activity;
    fate->fate =
        fate->counted_ms == whole->to_ms - whole->from_ms ? FATE_COUNTS : FATE_COUNTS_PARTLY;
}

/* The time of all readings. */
static struct stretch extent_of(const struct journal *journal)
{
    const struct reading *first = journal_at(journal, 0);
    const struct reading *last = journal_at(journal, journal->count - 1);
    return (struct stretch){first->start_ms, last->start_ms + journal->longest_ms};
}

static void judge_intervals(struct reading_fate *fates, const struct meter *meter,
                            const struct journal *journal)
{
    struct interval_walk walk = {.fates = fates, .meter = meter, .journal = journal};
    struct cell_sum sum = {0};
    for (uint32_t i = 0; i < journal->count; i++) {
        fates[i].fate = FATE_OUTRANKED;
        fates[i].has_amount = true;
    }
    if (journal->count > 0)
        intervals_walk(&sum, meter, journal, extent_of(journal), on_part, &walk);
    for (uint32_t i = 0; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        const struct reading *first = intervals_first_line(journal, reading);
        if (first == reading)
            continue;
        fates[i] = (struct reading_fate){
            .fate = FATE_LINE, .before = index_of(journal, first), .after = FATE_NO_READING};
    }
}

static void find_contradicted(struct held_stretches *held, const struct meter *meter,
                              const struct journal *journal)
{
    if (!meter->total || !journal->overlapping || journal->count == 0)
        return;
    struct interval_walk walk = {.held = held, .meter = meter, .journal = journal};
    struct cell_sum sum = {0};
    intervals_walk(&sum, meter, journal, extent_of(journal), on_held_part, &walk);
}

/* --- gauges --- */

static void judge_gauges(struct reading_fate *fates, const struct meter *meter,
                         const struct journal *journal)
{
    for (uint32_t i = 0; i + 1 < journal->count; i++) {
        int64_t apart_ms = journal_at(journal, i + 1)->start_ms - journal_at(journal, i)->start_ms;
        if (apart_ms > meter->hold_ms)
            continue;
        fates[i].after = i + 1;
        fates[i + 1].before = i;
    }
    for (uint32_t i = 0; i < journal->count; i++) {
        bool joined_before = fates[i].before != FATE_NO_READING;
        bool joined_after = fates[i].after != FATE_NO_READING;
        if (joined_before && (joined_after || i + 1 == journal->count))
            fates[i].fate = FATE_COUNTS;
        else if (i == 0 && (joined_after || journal->count == 1))
            fates[i].fate = FATE_BEGINS;
        else
            fates[i].fate = joined_before || joined_after ? FATE_COUNTS_PARTLY : FATE_GAP;
    }
}

/* A sample counts from its time on, until the next one, and for `hold` at most. */
static void judge_steps(struct reading_fate *fates, const struct meter *meter,
                        const struct journal *journal)
{
    for (uint32_t i = 0; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        bool newest = i + 1 == journal->count;
        bool joined = !newest && reading[1].start_ms - reading->start_ms <= meter->hold_ms;
        fates[i].fate = newest ? FATE_BEGINS : joined ? FATE_COUNTS : FATE_COUNTS_PARTLY;
        fates[i].after = joined ? i + 1 : FATE_NO_READING;
    }
}

/* --- registers --- */

static bool is_left_aside(const struct journal *journal, uint32_t index)
{
    return !chain_link_of(journal_at(journal, index)).kept;
}

/* The fate of a reading of the chain that holds; `before` is the one before it there. */
static void judge_kept(struct reading_fate *fate, const struct meter *meter,
                       const struct journal *journal, uint32_t before, uint32_t index)
{
    const struct reading *reading = journal_at(journal, index);
    struct chain_link link = chain_link_of(reading);
    fate->fate = FATE_BEGINS;
    if (before == FATE_NO_READING)
        return;
    const struct reading *old = journal_at(journal, before);
    /* An exchange whose final state fits leaves no time between the two counters. */
    if (link.step == CHAIN_BRIDGE && old->start_ms == reading->start_ms)
        return;
    /* The version before has all that was counted up to the change. */
    if (link.booked && meter->versioned && reading->start_ms <= meter->valid_from_ms)
        return;
    bool breaks = link.step == CHAIN_BREAK || link.step == CHAIN_BRIDGE;
    fate->fate = link.booked ? FATE_COUNTS : breaks ? FATE_BREAK : FATE_HELD;
    fate->rollover = link.step == CHAIN_ROLLOVER;
    fate->before = before;
    fate->has_amount = true;
    fate->amount = breaks ? reading->value - old->value : registers_own_amount(meter, old, reading);
}

/* Behind the last reading of the chain some may contradict it. The newest that was measured says
 * how long: later ones decide which are true. FATE_NO_READING without such a reading. */
static uint32_t find_undecided(const struct journal *journal)
{
    for (uint32_t i = journal->count; i-- > 0 && is_left_aside(journal, i);) {
        if (journal_at(journal, i)->quality != QUALITY_ESTIMATED)
            return i;
    }
    return FATE_NO_READING;
}

static void judge_undecided(struct reading_fate *fate, const struct journal *journal,
                            uint32_t before, uint32_t index)
{
    fate->fate = FATE_HELD;
    fate->before = before;
    fate->has_amount = true;
    fate->amount = journal_at(journal, index)->value - journal_at(journal, before)->value;
}

static void judge_registers(struct reading_fate *fates, const struct meter *meter,
                            const struct journal *journal)
{
    uint32_t before = FATE_NO_READING;
    for (uint32_t i = 0; i < journal->count; i++) {
        if (is_left_aside(journal, i)) {
            fates[i].fate = FATE_LEFT_ASIDE;
            fates[i].before = before;
            continue;
        }
        judge_kept(&fates[i], meter, journal, before, i);
        before = i;
    }
    uint32_t undecided = find_undecided(journal);
    if (undecided != FATE_NO_READING && before != FATE_NO_READING)
        judge_undecided(&fates[undecided], journal, before, undecided);
    uint32_t after = FATE_NO_READING;
    for (uint32_t i = journal->count; i-- > 0;) {
        if (is_left_aside(journal, i))
            fates[i].after = after;
        else
            after = i;
    }
}

static void add_held(struct held_stretches *held, const struct meter *meter,
                     const struct journal *journal, const struct reading_fate *fate, uint32_t index)
{
    int64_t from_ms = journal_at(journal, fate->before)->start_ms;
    int64_t to_ms = journal_at(journal, index)->start_ms;
    if (meter->versioned) { /* the rest is that of other versions */
        from_ms = MAX(from_ms, meter->valid_from_ms);
        to_ms = MIN(to_ms, meter->valid_to_ms);
    }
    if (from_ms >= to_ms)
        return;
    held_stretches_add(held, from_ms, to_ms, to_ms - from_ms, fate->amount);
}

static void find_register_held(struct held_stretches *held_out, const struct meter *meter,
                               const struct journal *journal)
{
    uint32_t before = FATE_NO_READING;
    for (uint32_t i = 0; i < journal->count; i++) {
        struct reading_fate fate = {.before = FATE_NO_READING, .after = FATE_NO_READING};
        if (is_left_aside(journal, i))
            continue;
        judge_kept(&fate, meter, journal, before, i);
        if (fate.fate == FATE_BREAK || fate.fate == FATE_HELD)
            add_held(held_out, meter, journal, &fate, i);
        before = i;
    }
    uint32_t undecided = find_undecided(journal);
    if (undecided == FATE_NO_READING || before == FATE_NO_READING)
        return;
    struct reading_fate fate = {0};
    judge_undecided(&fate, journal, before, undecided);
    add_held(held_out, meter, journal, &fate, undecided);
}

void fates_find_held(struct held_stretches *held_out, const struct meter *meter,
                     const struct journal *journal, int64_t since_ms)
{
    *held_out = (struct held_stretches){.since_ms = since_ms};
    if (meter->kind == KIND_REGISTER)
        find_register_held(held_out, meter, journal);
    else if (meter->kind == KIND_STOCK)
        stock_find_held(held_out, journal);
    else if (meter->kind == KIND_INTERVAL)
        find_contradicted(held_out, meter, journal);
}

const char *held_reason(const struct meter *meter)
{
    switch ((enum meter_kind)meter->kind) {
    case KIND_REGISTER:
        return "register_contradiction";
    case KIND_STOCK:
        return "stock_negative";
    default:
        return "total_contradiction";
    }
}

static void judge_deliveries(struct reading_fate *fates, const struct journal *journal)
{
    for (uint32_t i = 0; i < journal->count; i++) {
        fates[i].fate = FATE_COUNTS;
        fates[i].has_amount = true;
        fates[i].amount = journal_at(journal, i)->value;
    }
}

void fates_judge(struct reading_fate *fates_out, const struct meter *meter,
                 const struct journal *journal)
{
    for (uint32_t i = 0; i < journal->count; i++)
        fates_out[i] = (struct reading_fate){.before = FATE_NO_READING, .after = FATE_NO_READING};
    switch ((enum meter_kind)meter->kind) {
    case KIND_INTERVAL:
        judge_intervals(fates_out, meter, journal);
        break;
    case KIND_REGISTER:
        judge_registers(fates_out, meter, journal);
        break;
    case KIND_GAUGE:
        if (meter->step)
            judge_steps(fates_out, meter, journal);
        else
            judge_gauges(fates_out, meter, journal);
        break;
    case KIND_STOCK:
        stock_judge(fates_out, journal);
        break;
    case KIND_DELIVERY:
    case KIND_COUNT:
        judge_deliveries(fates_out, journal);
        break;
    }
}
