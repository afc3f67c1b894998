/*
 * journal.h - the accepted readings of one meter within the horizon, sorted by start, then length,
 * then role, then id and value.
 *
 * The slots belong to the caller (one slab per facility) and never move; a full journal refuses.
 * The last slots hold decisions of people, and the readings that they set aside (decisions.h).
 * Readings mostly arrive in order, so adding is mostly appending. The loop thread owns it.
 */
#ifndef GHGD_JOURNAL_H
#define GHGD_JOURNAL_H

#include "base/limits.h"
#include "base/measure.h"

/* One accepted reading of one meter, as the journal keeps it: 40 bytes.
 *
 * Identity is meter, time and role. Between readings of one identity the rank decides: an estimate
 * never replaces a measurement; then the higher revision; then the better quality. Between two
 * values of one rank the order of the log decides, or what else the meter's on_conflict says. */
struct reading {
    int64_t start_ms;
    int64_t value;         /* canonical micro-units; gauges: per hour */
    int64_t offset;        /* where its value was sent, the last time if on_conflict is `last` */
    uint64_t span_ms : 40; /* intervals: their length; instants: 0 */
    uint64_t revision : 16;
    uint64_t quality : 2;  /* enum quality */
    uint64_t role : 3;     /* enum reading_role */
    uint64_t conflict : 1; /* another value of its identity and rank was there */
    uint64_t accepted : 1; /* registers: a person has accepted it; not saved */
    uint64_t : 1;
    union {
        uint64_t id_hash; /* deliveries, stocks, intervals: of their `id`; 0: they have none */
        uint64_t chain;   /* registers: what their chain made of it; not saved */
    };
};
_Static_assert(sizeof(struct reading) == 40, "the memory that `ghgd check` states");

static inline int64_t reading_end_ms(const struct reading *reading)
{
    return reading->start_ms + (int64_t)reading->span_ms;
}

static inline uint32_t reading_rank(const struct reading *reading)
{
    uint32_t measured = reading->quality != QUALITY_ESTIMATED;
    return measured << 18 | (uint32_t)reading->revision << 2 | (uint32_t)reading->quality;
}

/* The order of a journal, in which no two readings are equal. */
static inline bool reading_is_before(const struct reading *a, const struct reading *b)
{
    if (a->start_ms != b->start_ms)
        return a->start_ms < b->start_ms;
    if (a->span_ms != b->span_ms)
        return a->span_ms < b->span_ms;
    if (a->role != b->role)
        return a->role < b->role;
    return a->id_hash != b->id_hash ? a->id_hash < b->id_hash : a->value < b->value;
}

/* Readings of a register, and steps between them, by what its chain says. */
struct chain_counts {
    uint32_t rollovers, breaks;
    uint32_t left_aside;
};

/* A rise of a register's chain: from the state `before`, by `amount`, over `ms`. */
struct register_rise {
    int64_t before, amount, ms;
    uint8_t step; /* enum chain_step */
};

/* How the chain of a register came to the first reading, if those before it are forgotten. */
enum { PAST_RISES = 8 }; /* as many as judge a step */
struct register_past {
    bool known;    /* then the first reading is measured, and in the chain for good */
    bool exempt;   /* its counter began at a known state */
    uint8_t rises; /* as in struct chain_link: since its counter began */
    struct register_rise newest[PAST_RISES]; /* as many as there are, newest first */
};

/* The amount of a balance, and the time between its dips. span_ms is 0 if they are not known;
 * amount is STOCK_RATE_HELD if the balance is held. */
struct stock_rate {
    int64_t amount, span_ms;
};
enum { STOCK_RATE_HELD = -1 };

struct journal {
    /* The fields that an append needs lie together. */
    struct reading *slots;
    uint32_t capacity, head, count;
    uint32_t aside_count; /* the last slots, in the order of a journal */
    /* Readings of a register that were forgotten since this was made; not saved. */
    struct chain_counts gone;
    bool overlapping;   /* some readings overlap, or have: the simple projection does not do */
    bool changed;       /* something did since the last save, if only that old readings are gone */
    bool past_changed;  /* that, too */
    bool base_accrued;  /* stocks: base_booked is what has accrued: all of its balance is moved */
    int64_t longest_ms; /* no reading has a longer span, */
    int64_t end_ms;     /* and none ends later */

    /* For saving what changed only: the first reading that did, INT64_MAX if none. */
    int64_t changed_ms;

    /* Registers, of the first reading: up to base_ms what follows it was booked in windows that
     * have closed since, base_booked in all. base_ms is INT64_MIN while nothing was. It is the time
     * of the first reading itself if windows that closed before it booked too much: base_booked; or
     * too little, and then base_booked is below zero. */
    int64_t base_ms, base_booked;

    int64_t forgotten_ms; /* cells before it rest on readings that may be gone; INT64_MIN: none */
    int64_t saved_forgotten_ms; /* as it was at the last save: cells before that are saved */

    struct register_past past;

    /* Stocks whose consumption goes on behind the last dip: up to when; INT64_MIN: it does not. The
     * clock of the shard says so; it is not saved. */
    int64_t accrued_ms;
    /* Cells from then on may have had a part in that, and say 0 if nothing is in them: databases
     * keep no former figure. INT64_MAX: none has had. */
    int64_t told_ms;
    struct stock_rate dip_rate; /* stocks: of the balance that the first reading, a dip, closes */
};

void journal_init(struct journal *journal, struct reading *slots, uint32_t capacity);

static inline struct reading *journal_at(const struct journal *journal, uint32_t index)
{
    return &journal->slots[journal->head + index];
}

/* Readings that can still be put in, or set aside. */
static inline uint32_t journal_room(const struct journal *journal)
{
    return journal->capacity - journal->count - journal->aside_count;
}

static inline bool journal_is_full(const struct journal *journal)
{
    return journal_room(journal) == 0;
}

static inline struct reading *journal_aside(const struct journal *journal, uint32_t index)
{
    return &journal->slots[journal->capacity - journal->aside_count + index];
}

/* The first index whose reading starts at or after time_ms; count if there is no such reading. */
uint32_t journal_find(const struct journal *journal, int64_t time_ms);
/* Puts a reading in at an index that keeps the order. Returns 0 or ERR_FULL. */
int journal_insert(struct journal *journal, uint32_t index,
                   const struct reading *reading) MUST_CHECK;
/* Puts a reading in behind all others, and tells so. It does not start before the newest one, and
 * there is room. */
void journal_append(struct journal *journal, const struct reading *reading);
/* Takes readings out; they are not forgotten, and so the caller tells journal_changed(). */
void journal_remove(struct journal *journal, uint32_t first, uint32_t count);
/* Sets a reading aside, in its order. Returns 0 or ERR_FULL. */
int journal_put_aside(struct journal *journal, const struct reading *reading) MUST_CHECK;
void journal_take_aside(struct journal *journal, uint32_t index);
/* A reading that starts then is new or another: journal_insert() leaves telling it to the caller.
 */
void journal_changed(struct journal *journal, int64_t start_ms);
/* All changes so far are saved. */
void journal_saved(struct journal *journal);
/* Forgets the first `count` readings. */
void journal_drop_first(struct journal *journal, uint32_t count);
/* Forgets every reading that ended at or before end_ms. */
void journal_drop_ended(struct journal *journal, int64_t end_ms);
/* Asserts what holds of every journal, by a walk over its readings from `first` on: for tests, and
 * for what is saved. */
void journal_check(const struct journal *journal, uint32_t first);

#endif
