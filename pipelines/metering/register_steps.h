/*
 * register_steps.h - how one reading of a register goes on from another: rates, rollovers, runs of
 * wrong readings. Private to register_chain.c; docs/metering.md tells the rule.
 *
 * A rate is an amount over a time, compared in whole numbers. All functions only read the journal,
 * and the links of the readings before.
 */
#ifndef GHGD_REGISTER_STEPS_H
#define GHGD_REGISTER_STEPS_H

#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/metering/register_chain.h"

enum {
    BREAK_COST = 3,         /* measured readings */
    RISES_MAX = PAST_RISES, /* the loose rate is that of so many rises */
    RISES_COUNTED = 9,      /* the first of a counter, and those after it that judge it */
    LOOSE_TIMES = 20,       /* how much steeper than they a rise may be */
    ROLLOVER_TIMES = 2,     /* and a wrapped one */
    RETURN_TAIL = 4,        /* readings of a run from which the return must not go on */
    RISE_DISTANCE = 65535,  /* entries; a rise before that gives no rate */
};
#define NO_READING UINT32_MAX

/* An amount over a time; ms 0: no rise. */
struct rise {
    int64_t amount, ms;
};

struct judged {
    const struct meter *meter;
    struct journal *journal;
};

/* The measured readings before one, oldest first, with the costs of the chains that end there. */
struct look_back {
    uint32_t count;
    bool from_start; /* no measured reading is before them */
    uint32_t index[CHAIN_LOOK_BACK];
    int32_t cost[CHAIN_LOOK_BACK], breaks[CHAIN_LOOK_BACK], aside[CHAIN_LOOK_BACK];
};

/* The verdict of later rises on the first rise of a counter. */
struct verdict {
    int32_t cost;
    bool booked; /* once a later reading is higher, if it has a cost */
};

static inline void set_link(struct reading *reading, struct chain_link link)
{
    memcpy(&reading->chain, &link, sizeof(link));
}

/* Whether it is a link of chains. An estimate is one if a person says that it is true. */
static inline bool is_measured(const struct reading *reading)
{
    return reading->quality != QUALITY_ESTIMATED || reading->accepted;
}

static inline int64_t size_of(int64_t amount)
{
    return amount < 0 ? -amount : amount;
}

static inline int64_t between_ms(const struct reading *before, const struct reading *reading)
{
    return MAX(reading->start_ms - before->start_ms, 1);
}

/* amount / ms <= times * rate */
static inline bool is_within(int64_t amount, int64_t ms, struct rise rate, int times)
{
    return (int128)amount * rate.ms <= (int128)rate.amount * times * ms;
}

static inline struct rise steeper(struct rise a, struct rise b)
{
    if (a.ms == 0 || (b.ms != 0 && (int128)b.amount * a.ms > (int128)a.amount * b.ms))
        return b;
    return a;
}

static inline bool is_plausible(const struct meter *meter, int64_t amount, int64_t ms,
                                int64_t digit)
{
    /* amount <= rate * ms * 1.1 + digit, in whole numbers */
    return ((int128)amount - digit) * 10 * HOUR_MS <= (int128)meter->rate_max * ms * 11;
}

/* Whether another counter begins between the two, by the table of meters. A final state that an
 * exchange names at that moment is the old one's. */
static inline bool chain_crosses(const struct meter *meter, const struct reading *before,
                                 const struct reading *reading)
{
    if (!meter->versioned)
        return false;
    int64_t end_ms =
        before->start_ms < meter->counter_from_ms ? meter->counter_from_ms : meter->counter_to_ms;
    return before->start_ms < end_ms &&
           (reading->start_ms > end_ms ||
            (reading->start_ms == end_ms && reading->role != ROLE_FINAL));
}

/* The index of the reading before this one in its chain; NO_READING: it is the first. */
uint32_t chain_before(const struct judged *chain, uint32_t index);
/* The amount of a step of this kind. */
int64_t chain_step_amount(const struct meter *meter, enum chain_step step,
                          const struct reading *before, const struct reading *reading);
/* The newest rises of the chain that ends at the reading, newest first, `max` at most. Those before
 * the journal's first reading are among them. */
uint32_t chain_list_rises(const struct judged *chain, uint32_t index, struct register_rise *rises,
                          uint32_t max);
/* How the chain came to the reading; that is not known of an estimate. */
struct register_past chain_past(const struct judged *chain, uint32_t index);
/* The verdict of later rises on the first one of the chain that ends at the reading, with one rise
 * more unless its ms is 0. */
struct verdict chain_judge_first_rise(const struct judged *chain, uint32_t index, struct rise more);
/* The cost of the first rise now; if all are there that judge it, it is in the costs for good: 0.
 */
int32_t chain_first_rise_cost(const struct judged *chain, uint32_t index, struct rise more);
/* How the reading goes on from the one at `index`; CHAIN_NONE: it does not. */
enum chain_step chain_judge_step(const struct judged *chain, const struct look_back *window,
                                 uint32_t index, const struct reading *reading);
/* The steepest step within the run behind entry `at` of the window, by `largest`, that of the run
 * behind the next entry. Steps that reach above the reading do not count. */
struct rise chain_lengthen_run(const struct judged *chain, const struct look_back *window,
                               uint32_t at, struct rise largest, const struct reading *reading);
/* Whether leaving aside the run behind entry `at` of the window costs nothing, if the reading goes
 * on from that entry by *step. `largest` is the steepest step within the run. A loose step may
 * become a plain one. */
bool chain_is_glitch(const struct judged *chain, const struct look_back *window, uint32_t at,
                     struct rise largest, const struct reading *reading, enum chain_step *step);

#endif
