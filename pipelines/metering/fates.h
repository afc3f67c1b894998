/*
 * fates.h - what became of each reading of a journal, and what it contradicts: for people.
 *
 * A pure function of the meter and its journal, by the rules of the projection. It computes no
 * figure that is stored.
 */
#ifndef GHGD_FATES_H
#define GHGD_FATES_H

#include "config/registry/registry.h"
#include "pipelines/metering/journal.h"

enum fate {
    FATE_COUNTS,        /* intervals, deliveries, samples: whole; registers: the difference; dips:
                         * what was used since the dip `before` */
    FATE_COUNTS_PARTLY, /* intervals: a better reading has the rest; gauges: one side is a gap */
    FATE_LINE,          /* intervals: with the first line of its bill, which is `before` */
    FATE_OUTRANKED,     /* intervals: better readings have all of its time */
    FATE_BEGINS,        /* registers, gauges, dips: what follows goes on from it */
    FATE_GAP,           /* gauges: both neighbours are farther away than `hold` */
    FATE_LEFT_ASIDE,    /* registers: the readings around it fit each other, and not this one */
    FATE_BREAK,         /* registers: does not go on from `before`; the stretch between is held */
    FATE_HELD,          /* totals: the better readings in it contradict it, and stand;
                         * registers: later readings decide whether it goes on from `before`;
                         * dips: the balance since the dip `before` is below zero */
    FATE_CONTRADICTED,  /* totals: better readings have all of its time, and do not sum to it */
    FATE_IN_BALANCE,    /* amounts of a stock: between the dips `before` and `after` */
    FATE_WAITS,         /* amounts of a stock: no dip is on one side */
    FATE_DROPPED,       /* a person has decided that it is not true */
    FATE_COUNT
};

enum { FATE_NO_READING = UINT32_MAX };

struct reading_fate {
    /* Micro-units of activity that it books; BREAK, HELD, CONTRADICTED: the amount in question. */
    int64_t amount;
    int64_t counted_ms; /* intervals: the time over which it counts */
    /* Indices in the journal, or FATE_NO_READING. Registers: the reading that it goes on from, or
     * contradicts; gauges: the neighbour that it is joined to. Intervals: the first better reading
     * that overlaps, if it does not count whole. */
    uint32_t before;
    uint32_t after;  /* registers, LEFT_ASIDE: the next that holds; gauges: is joined to it */
    uint8_t fate;    /* enum fate */
    bool has_amount; /* false for gauges, and for readings that book nothing by themselves */
    bool rollover;   /* registers: the counter has wrapped since `before` */
};

/* Judges every reading: fates_out has journal->count elements. The journal is not changed; that of
 * a register has its links (pipelines/metering/register_chain.h). */
void fates_judge(struct reading_fate *fates_out, const struct meter *meter,
                 const struct journal *journal);

/* All that is held, as far as a journal reaches: stretches of a register, balances of a stock, and
 * totals that better readings contradict. */
struct held_stretches {
    uint32_t count;
    int64_t held_ms;        /* their time in all */
    int64_t from_ms, to_ms; /* from the beginning of the oldest to the end of the newest */
    int64_t newest_ms;      /* when the newest begins: of a stock its opening dip */
    int64_t amount;         /* micro-units in question in the newest */
    int64_t since_ms;       /* those that end at or before it were left out */
};

static inline void held_stretches_add(struct held_stretches *held, int64_t from_ms, int64_t to_ms,
                                      int64_t held_ms, int64_t amount)
{
    if (to_ms <= held->since_ms)
        return;
    if (held->count++ == 0)
        held->from_ms = from_ms;
    held->newest_ms = from_ms;
    held->to_ms = to_ms;
    held->held_ms += held_ms;
    held->amount = amount;
}

/* A document that should have come by now, as event time is. */
struct overdue {
    int64_t document_ms; /* the end of the newest document; INT64_MIN: no document is there */
    int64_t due_ms;      /* when the next one was due: the first one, after the meter is expected */
    int64_t time_ms;     /* since then; 0: none is overdue */
};

/* Why something of the meter is held: a word that stays. */
const char *held_reason(const struct meter *meter);

/* Finds those that end after since_ms, for gauges and deliveries none, without memory of its own;
 * what fates_judge() does takes some for each reading. */
void fates_find_held(struct held_stretches *held_out, const struct meter *meter,
                     const struct journal *journal, int64_t since_ms);

#endif
