/*
 * cell_note.h - what is to be said of a cell beside its activity and how much of it is covered.
 *
 * Most cells have none, so that a panel keeps them apart, and looks at them where a row has any.
 */
#ifndef GHGD_CELL_NOTE_H
#define GHGD_CELL_NOTE_H

#include "base/base.h"

/* 16 bytes. A cell is at most an hour long, and its readings are fewer than 2^20. */
struct cell_note {
    uint64_t spread_ms : 22; /* as in struct cell, all of them */
    uint64_t held_ms : 22;
    uint64_t glitches : 20;
    uint64_t conflicts : 20;
    uint64_t moved_ms : 44; /* 557 years */
};
_Static_assert(sizeof(struct cell_note) == 16, "the memory that `ghgd check` states");

enum { NOTE_MS_MAX = (1 << 22) - 1, NOTE_COUNT_MAX = (1 << 20) - 1 };
#define NOTE_MOVED_MAX_MS ((INT64_C(1) << 44) - 1)

/* Over all cells as they were last projected. */
struct note_sums {
    uint64_t held_ms, glitches, conflicts;
    uint64_t held_stock_ms; /* of held_ms: balances of stocks */
};

static inline bool note_is_empty(const struct cell_note *note)
{
    return note->spread_ms == 0 && note->held_ms == 0 && note->glitches == 0 &&
           note->conflicts == 0 && note->moved_ms == 0;
}

#endif
