/*
 * registers.h - cumulative counters: readings enter, and what lies between two true ones is booked.
 *
 * The chain (pipelines/metering/register_chain.h) says which readings are true. The journal keeps
 * the amount that closed windows booked: base_booked, from the first reading up to base_ms. The
 * first stretch that is booked behind base_ms makes good an amount that is missing or too much.
 */
#ifndef GHGD_REGISTERS_H
#define GHGD_REGISTERS_H

#include "config/registry/registry.h"
#include "pipelines/metering/pieces.h"

/* Whether the reading may change what is booked before floor_ms. */
bool register_reaches_back(const struct meter *meter, const struct journal *journal,
                           const struct reading *reading, int64_t floor_ms);
/* Forgets readings before floor_ms of a journal that is full, as many as decide nothing more.
 * Widens *changed by the time whose activity this changes. */
void register_make_room(const struct meter *meter, struct journal *journal, int64_t floor_ms,
                        struct stretch *changed);
/* Puts a reading in that follows on the newest one without any doubt, as most do; what lies between
 * the two is changed. False if it does not, and then nothing is. The journal has room. */
bool register_enter_next(const struct meter *meter, struct journal *journal,
                         const struct reading *reading, int64_t floor_ms);
/* Puts the reading in at `index`, or in the place of the one there if that has its time and role.
 * The journal has room. Widens *changed by the time whose activity changes. */
void register_enter(const struct meter *meter, struct journal *journal, uint32_t index,
                    const struct reading *reading, int64_t floor_ms, struct stretch *changed);
/* Takes out the reading at `index`, which starts at or after floor_ms, as if it had never been
 * there. Widens *changed as register_enter() does. */
void register_leave(const struct meter *meter, struct journal *journal, uint32_t index,
                    int64_t floor_ms, struct stretch *changed);

/* The amount of the step between two readings of the chain that lies in the validity of this
 * version of the register, before windows that have closed are made good. */
int64_t registers_own_amount(const struct meter *meter, const struct reading *before,
                             const struct reading *reading);

void registers_sum(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                   struct stretch bucket);

#endif
