/*
 * booking.h - a reading enters the journal of its meter: duplicate, correction, or activity.
 *
 * Nothing is added up here. The journal is the truth, cells are its projection (projection.h), and
 * booking tells which span of time has to be projected again. So corrections, late neighbours and
 * any order of arrival need no undo.
 */
#ifndef GHGD_BOOKING_H
#define GHGD_BOOKING_H

#include "config/registry/registry.h"
#include "pipelines/ingest/outcome.h"
#include "pipelines/metering/journal.h"

struct booking {
    enum outcome outcome;   /* of the new reading */
    enum outcome displaced; /* OUTCOME_USED, or what became of the reading that it replaced */
    int64_t other_offset;   /* of the reading of its identity that was there */
    bool conflict;          /* that one has its rank and another value */
    int64_t from_ms, to_ms; /* cells in [from, to) changed; empty if from == to */
    int64_t left_from_ms, left_to_ms; /* so did these, where a document was or would have been; also
                                         of one that is not used */
    bool overlap;
};

/* Whether the reading changes a stretch that begins before floor_ms, where windows are closed: a
 * register's or gauge's, whose predecessor is older; an interval's that it shortens, or that is the
 * total of its time. The caller then projects the meter's cells
 * before the floor for the last time and calls booking_forget(), before booking_add(). */
bool booking_reaches_back(const struct meter *meter, const struct journal *journal,
                          const struct reading *reading, int64_t floor_ms);

/* Room for every event: an exchange is two readings. */
static inline bool booking_has_room(const struct journal *journal)
{
    return journal_room(journal) >= 2;
}

/* Adds `reading`. bucket_ms: the cells' length, for the overflow check. floor_ms: where the open
 * buckets begin. If a register difference begins before it, the amount booked there stays. The rest
 * is booked from the floor on, in windows that are still open: the total is exact. */
void booking_add(struct booking *booking_out, const struct meter *meter, struct journal *journal,
                 const struct reading *reading, int64_t bucket_ms, int64_t floor_ms);

/* Makes room for another event, if it can; of a register by giving up readings before floor_ms.
 * Sets the cells of *booking if this changes some. Returns booking_has_room(). */
bool booking_make_room(struct booking *booking, const struct meter *meter, struct journal *journal,
                       int64_t floor_ms);

/* Takes the reading at `index` out again, as if it had never come. It starts at or after floor_ms,
 * or is an amount of a stock whose balance is open. */
void booking_remove(struct booking *booking_out, const struct meter *meter, struct journal *journal,
                    uint32_t index, int64_t floor_ms);

/* Adds the reading as booking_add() does, for less, if it follows on the newest one of a register
 * without any doubt, or is an interval behind all others, as most are. It reaches back before no
 * floor. False of others, and then nothing is changed. */
bool booking_add_next(struct booking *booking_out, const struct meter *meter,
                      struct journal *journal, const struct reading *reading, int64_t floor_ms);

/* Forgets what can no longer change a cell at or after floor_ms; keeps the base of registers and
 * the last sample of gauges. */
void booking_forget(const struct meter *meter, struct journal *journal, int64_t floor_ms);

#endif
