/*
 * generation.h - when what a sink acknowledged is durable: in two generations.
 *
 * A sink says "what I acknowledged before T is durable". Marks keep no time, so there are two
 * generations: the old one was acknowledged before end_ms, the young one since. When a proof
 * reaches end_ms, the old marks are clean and the young ones are old. ONE_GENERATION in docs/model
 * shows that one does not do.
 */
#ifndef GHGD_DELIVERY_GENERATION_H
#define GHGD_DELIVERY_GENERATION_H

#include "base/base.h"

struct generation { /* of one sink */
    int64_t end_ms; /* the old marks were acknowledged before then */
};

/* The sink's acknowledgements before before_ms are durable. Returns whether the old marks are clean
 * by that, and the young ones old (MARK_PROVEN): the next generation begins then. young, old: how
 * many there are. */
bool generation_ends(struct generation *generation, uint64_t young, uint64_t old, int64_t before_ms,
                     int64_t now_ms) MUST_CHECK;

#endif
