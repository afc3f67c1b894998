#include "pipelines/delivery/mark.h"

enum { MARK_BITS = 4, STATE_MASK = 7, AT_RISK = 8, NEVER = MARK_STATES };
_Static_assert(MARK_STATES <= STATE_MASK + 1, "a state has three bits");
_Static_assert(MARK_DIRTY == 1, "marks_all_dirty() spreads bits");
_Static_assert(SINKS_MAX *MARK_BITS <= 32, "four bits for each sink");

/* By event and state; NEVER: it cannot happen. docs/delivery.md draws it. */
static const uint8_t next_state[MARK_EVENTS][MARK_STATES] = {
    /*                    clean       dirty       sent               sent, changed
     *                    acknowledged: young     old */
    [MARK_CHANGED] = {MARK_DIRTY, MARK_DIRTY, MARK_SENT_CHANGED, MARK_SENT_CHANGED, /**/
                      MARK_DIRTY, MARK_DIRTY},
    [MARK_TAKEN] = {NEVER, MARK_SENT, NEVER, NEVER, /**/
                    NEVER, NEVER},
    [MARK_DURABLE] = {NEVER, NEVER, MARK_CLEAN, MARK_DIRTY, /**/
                      NEVER, NEVER},
    [MARK_ACKNOWLEDGED] = {NEVER, NEVER, MARK_ACKED_YOUNG, MARK_DIRTY, /**/
                           NEVER, NEVER},
    [MARK_GIVEN_BACK] = {NEVER, NEVER, MARK_DIRTY, MARK_DIRTY, /**/
                         NEVER, NEVER},
    [MARK_PROVEN] = {MARK_CLEAN, MARK_DIRTY, MARK_SENT, MARK_SENT_CHANGED, /**/
                     MARK_ACKED_OLD, MARK_CLEAN},
    [MARK_LOST] = {MARK_CLEAN, MARK_DIRTY, MARK_SENT, MARK_SENT_CHANGED, /**/
                   MARK_DIRTY, MARK_DIRTY},
    [MARK_HEALED] = {MARK_DIRTY, MARK_DIRTY, MARK_SENT_CHANGED, MARK_SENT_CHANGED, /**/
                     MARK_DIRTY, MARK_DIRTY},
};

static uint32_t get_bits(struct marks marks, uint32_t sink)
{
    ASSERT(sink < SINKS_MAX);
    return marks.bits >> sink * MARK_BITS & (STATE_MASK | AT_RISK);
}

enum mark_state marks_get(struct marks marks, uint32_t sink)
{
    return (enum mark_state)(get_bits(marks, sink) & STATE_MASK);
}

bool marks_at_risk(struct marks marks, uint32_t sink)
{
    return (get_bits(marks, sink) & AT_RISK) != 0;
}

uint8_t marks_unsettled(struct marks marks)
{
    uint8_t sinks = 0;
    for (uint32_t sink = 0; marks.bits >> sink * MARK_BITS != 0; sink++) {
        sinks |= (uint8_t)((get_bits(marks, sink) != 0) << sink);
        if (sink + 1 == SINKS_MAX)
            break;
    }
    return sinks;
}

enum mark_state mark_next(enum mark_state state, enum mark_event event)
{
    ASSERT(state < MARK_STATES && event < MARK_EVENTS);
    enum mark_state next = (enum mark_state)next_state[event][state];
    ASSERT(next < MARK_STATES); /* the event cannot happen in this state */
    return next;
}

static void count(struct mark_counts *counts, uint32_t sink, uint32_t before, uint32_t after)
{
    ASSERT((before & STATE_MASK) == MARK_CLEAN ||
           counts->state[sink][before & STATE_MASK] > 0); /* clean ones are not counted */
    if ((before & STATE_MASK) != MARK_CLEAN)
        counts->state[sink][before & STATE_MASK]--;
    if ((after & STATE_MASK) != MARK_CLEAN)
        counts->state[sink][after & STATE_MASK]++;
    counts->at_risk[sink] += ((after & AT_RISK) != 0) - (uint32_t)((before & AT_RISK) != 0);
    counts->unsettled += (after != 0) - (uint32_t)(before != 0);
}

/* The one place in which a mark changes. */
static bool set_bits(struct marks *marks, uint32_t sink, uint32_t after,
                     const struct mark_tally *tally)
{
    uint32_t before = get_bits(*marks, sink);
    if (before == after)
        return false;
    marks->bits ^= (before ^ after) << sink * MARK_BITS;
    count(tally->site, sink, before, after);
    if (tally->day != NULL)
        count(tally->day, sink, before, after);
    return (before == 0) != (after == 0);
}

bool marks_advance(struct marks *marks, uint32_t sink, enum mark_event event, bool at_risk,
                   const struct mark_tally *tally)
{
    uint32_t before = get_bits(*marks, sink);
    enum mark_state state = (enum mark_state)(before & STATE_MASK);
    enum mark_state next = mark_next(state, event);
    uint32_t risk = event == MARK_HEALED ? 0 : before & AT_RISK;
    bool to_write =
        event == MARK_CHANGED || event == MARK_GIVEN_BACK || (event == MARK_LOST && next != state);
    if (at_risk && to_write)
        risk = AT_RISK;
    return set_bits(marks, sink, next | risk, tally);
}

bool marks_put_at_risk(struct marks *marks, uint32_t sink, const struct mark_tally *tally)
{
    return set_bits(marks, sink, get_bits(*marks, sink) | AT_RISK, tally);
}

bool marks_end_block(struct marks *marks, uint32_t sink, enum block_end end, bool at_risk,
                     const struct mark_tally *tally)
{
    /* Rows written at risk are written again anyway, so their durability does not matter. */
    static const enum mark_event events[] = {
        [BLOCK_DURABLE] = MARK_DURABLE,         [BLOCK_ACKNOWLEDGED] = MARK_ACKNOWLEDGED,
        [BLOCK_WRITTEN_AT_RISK] = MARK_DURABLE, [BLOCK_GIVEN_BACK] = MARK_GIVEN_BACK,
        [BLOCK_UNKNOWN] = MARK_GIVEN_BACK,
    };
    ASSERT(end < ARRAY_LEN(events));
    bool changed = false;
    if (end == BLOCK_WRITTEN_AT_RISK || end == BLOCK_UNKNOWN)
        changed = marks_put_at_risk(marks, sink, tally);
    return marks_advance(marks, sink, events[end], at_risk, tally) || changed;
}

void mark_counts_add(struct mark_counts *counts, struct marks marks)
{
    for (uint32_t sink = 0; sink < SINKS_MAX; sink++)
        count(counts, sink, 0, get_bits(marks, sink));
}

uint32_t mark_counts_dirty(const struct mark_counts *counts, uint32_t sink)
{
    return counts->state[sink][MARK_DIRTY] + counts->state[sink][MARK_SENT_CHANGED];
}

uint32_t mark_counts_sent(const struct mark_counts *counts, uint32_t sink)
{
    return counts->state[sink][MARK_SENT] + counts->state[sink][MARK_SENT_CHANGED];
}

uint32_t mark_counts_acked(const struct mark_counts *counts, uint32_t sink)
{
    return counts->state[sink][MARK_ACKED_YOUNG] + counts->state[sink][MARK_ACKED_OLD];
}
