/*
 * mark.h - what is known of one window about each sink: a state, and whether it is at risk.
 *
 * docs/delivery.md draws the states; docs/model/marks.pml has the same ones, and shows that none
 * of them can be merged with another. A mark is a pure value: it knows no window, no clock and no
 * sink but its number. Every transition is a row of one table, and counts itself.
 */
#ifndef GHGD_DELIVERY_MARK_H
#define GHGD_DELIVERY_MARK_H

#include "base/base.h"
#include "base/limits.h"

enum mark_state {
    MARK_CLEAN,        /* the sink has the row as it is, and cannot lose it */
    MARK_DIRTY,        /* the row has to be written */
    MARK_SENT,         /* it is under way in a block */
    MARK_SENT_CHANGED, /* ... and the window has changed since */
    MARK_ACKED_YOUNG,  /* the sink has acknowledged it, and may still lose it */
    MARK_ACKED_OLD,    /* ... and it was acknowledged before the generation ended */
    MARK_STATES
};

enum mark_event {
    MARK_CHANGED,      /* the window changed, or has to be written again */
    MARK_TAKEN,        /* its row is in a block */
    MARK_DURABLE,      /* the sink has acknowledged it, and cannot lose it */
    MARK_ACKNOWLEDGED, /* the sink has acknowledged it, and may still lose it */
    MARK_GIVEN_BACK,   /* the block has ended without having been written */
    MARK_PROVEN,       /* the sink has shown that it keeps the old generation */
    MARK_LOST,         /* the sink may have lost what it acknowledged */
    MARK_HEALED, /* at risk, and no older write can arrive any more: it is written once more */
    MARK_EVENTS
};

/* How a block ended. "At risk" says that an earlier try of it may still arrive. */
enum block_end {
    BLOCK_DURABLE,
    BLOCK_ACKNOWLEDGED,
    BLOCK_WRITTEN_AT_RISK, /* acknowledged, but an earlier try may still arrive after it */
    BLOCK_GIVEN_BACK,      /* not written, or lost; nothing of it can arrive */
    BLOCK_UNKNOWN          /* ... and some of it may have arrived, or still arrive */
};

/* The marks of one window, four bits for each sink. All 0: every sink has it. */
struct marks {
    uint32_t bits;
};

/* How many marks are in each state. A shard's facilities and days keep one each. */
struct mark_counts {
    uint32_t state[SINKS_MAX][MARK_STATES];
    uint32_t at_risk[SINKS_MAX];
    uint32_t unsettled; /* neither clean nor without risk, over all sinks */
};

/* Where marks of a window are counted; a month or a year lies in no day. */
struct mark_tally {
    struct mark_counts *site, *day; /* day: may be NULL */
};

enum mark_state marks_get(struct marks marks, uint32_t sink);
bool marks_at_risk(struct marks marks, uint32_t sink);
/* Every sink has the row for good, and nothing older can arrive. */
static inline bool marks_are_settled(struct marks marks)
{
    return marks.bits == 0;
}
/* A bit for each sink that is not settled: they are saved, and are dirty after a restart. */
uint8_t marks_unsettled(struct marks marks);
/* Dirty for these sinks, a bit each: what a saved state says. Nothing is counted. */
static inline struct marks marks_all_dirty(uint8_t sinks)
{
    uint32_t bits = sinks; /* a bit each, to the lowest of four each */
    bits = (bits | bits << 12) & 0x000f000f;
    bits = (bits | bits << 6) & 0x03030303;
    bits = (bits | bits << 3) & 0x11111111;
    return (struct marks){bits * MARK_DIRTY};
}
/* Whether one more MARK_CHANGED would change no state for these sinks. */
static inline bool marks_are_dirty(struct marks marks, uint8_t sinks)
{
    uint32_t dirty = marks_all_dirty(sinks).bits;
    return (marks.bits & dirty * 7) == dirty;
}

/* The state after the event; asserts that the event can happen in the state. */
enum mark_state mark_next(enum mark_state state, enum mark_event event);

/* Advances the mark, and the counts. at_risk: an older write may arrive after what this event lets
 * be written; only MARK_HEALED ends a risk. Returns whether marks_unsettled() has
 * changed. */
bool marks_advance(struct marks *marks, uint32_t sink, enum mark_event event, bool at_risk,
                   const struct mark_tally *tally);
/* An older write may still arrive. */
bool marks_put_at_risk(struct marks *marks, uint32_t sink, const struct mark_tally *tally);
/* The end of a block, for the mark of a row in it; the mark is sent. */
bool marks_end_block(struct marks *marks, uint32_t sink, enum block_end end, bool at_risk,
                     const struct mark_tally *tally);

/* Counts the marks of a window from scratch, for checks of the counts that transitions keep. */
void mark_counts_add(struct mark_counts *counts, struct marks marks);
/* Rows that the sink has to get: dirty, also where an older row is still sent. */
uint32_t mark_counts_dirty(const struct mark_counts *counts, uint32_t sink);
uint32_t mark_counts_sent(const struct mark_counts *counts, uint32_t sink);
/* Acknowledged, and not yet durable. */
uint32_t mark_counts_acked(const struct mark_counts *counts, uint32_t sink);

#endif
