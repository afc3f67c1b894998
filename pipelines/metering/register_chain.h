/*
 * register_chain.h - which readings of a register are true.
 *
 * The cheapest chain of measured readings holds; docs/metering.md tells the rule. A chain
 * is a property of the readings in the journal, whatever their order of arrival. It is kept in the
 * field `chain` of each reading, derived and never saved. An append that fits costs little; another
 * change judges the readings after it again, until they are as they were.
 * All functions are pure except for that field. Thread: the journal's.
 */
#ifndef GHGD_REGISTER_CHAIN_H
#define GHGD_REGISTER_CHAIN_H

#include <string.h>

#include "config/registry/registry.h"
#include "pipelines/metering/pieces.h"

enum {
    CHAIN_LOOK_BACK = 64, /* measured readings; a run left aside has fewer */
    CHAIN_BIAS = 128,     /* differences of costs may be below zero */
};

/* How a reading goes on from the one before it in its chain. */
enum chain_step {
    CHAIN_NONE,     /* it does not */
    CHAIN_START,    /* the first of its journal */
    CHAIN_RISE,     /* signed registers: also a fall */
    CHAIN_LOOSE,    /* a rise beyond the loose rate: held until a later reading is higher */
    CHAIN_ROLLOVER, /* a fall that the modulus explains */
    CHAIN_RESTART,  /* a fall: the new value counts from zero */
    CHAIN_BREAK,    /* another counter: held */
    CHAIN_BRIDGE,   /* another counter, by an exchange that was told */
};

/* The part that a reading plays in the chains. */
struct chain_link {
    uint64_t kept : 1;   /* it is in the chain that holds */
    uint64_t booked : 1; /* and the step to it counts */
    uint64_t exempt : 1; /* its counter begins at a known state */
    uint64_t step : 3;   /* enum chain_step */
    uint64_t before : 7; /* measured readings back to the one before it; 0: it is the first */
    uint64_t rises : 4;  /* since the counter began, RISES_COUNTED at most */
    uint64_t quiet : 7;  /* readings up to here without a doubt, at most CHAIN_LOOK_BACK */
    uint64_t rise : 16;  /* entries back to the newest rise of its chain */
    uint64_t cost : 8;   /* more than the measured reading before it, and CHAIN_BIAS */
    uint64_t breaks : 8; /* the same for breaks */
    uint64_t aside : 8;  /* the same for readings left aside */
};

static inline struct chain_link chain_link_of(const struct reading *reading)
{
    struct chain_link link;
    memcpy(&link, &reading->chain, sizeof(link));
    return link;
}

/* Whether `reading` behind the newest one goes on from it without any doubt. */
bool register_chain_fits(const struct meter *meter, const struct journal *journal,
                         const struct reading *reading);
/* Links the newest reading, which register_chain_fits() before it was put in. */
void register_chain_append(struct journal *journal);
/* Judges the journal after the reading at `index` was put in or changed. Returns the span of time
 * for which the chain says something else than before. */
struct stretch register_chain_update(const struct meter *meter, struct journal *journal,
                                     uint32_t index);
/* Forgets the first `count` readings. The next one, a reading of the chain, stays in it for good
 * if it is measured. Returns what register_chain_update() does, from 0 to 0 if nothing changed. */
struct stretch register_chain_cut(const struct meter *meter, struct journal *journal,
                                  uint32_t count);
/* Judges all of the journal, whose links are not known. */
void register_chain_judge(const struct meter *meter, struct journal *journal);

/* Adds what the chain says of the readings [from, to), and of the steps to them. Versions that
 * share a counter count their own time each. */
void register_chain_count(struct chain_counts *counts, const struct meter *meter,
                          const struct journal *journal, uint32_t from, uint32_t to);

/* The amount of the step from `before` to `reading`; both are kept, next to each other. */
int64_t register_chain_amount(const struct meter *meter, const struct reading *before,
                              const struct reading *reading);

#endif
