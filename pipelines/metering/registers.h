/*
 * registers.h - cumulative counters: what the difference between two readings is, and what it
 * books.
 */
#ifndef GHGD_REGISTERS_H
#define GHGD_REGISTERS_H

#include "config/registry/registry.h"
#include "pipelines/metering/pieces.h"

enum register_step {
    STEP_RISE,          /* new >= old */
    STEP_ROLLOVER,      /* a fall that the digits and the maximum rate explain */
    STEP_DISCONTINUITY, /* a fall or a jump that they do not: held, not booked */
};
/* The difference between two neighbouring register readings, 0 for a discontinuity. */
enum register_step register_step(const struct meter *meter, const struct reading *before,
                                 const struct reading *after, int64_t *delta_out);

/* The part of a difference that closed windows did not book, if the difference ends at the base and
 * no open window is left for it. The stretch after the base books it. */
int64_t register_unbooked(const struct meter *meter, const struct journal *journal);
/* Keeps apart what the stretch after the first reading has booked before the floor, if a reading is
 * about to be put in at `index` and changes that stretch. */
void register_move_base(const struct meter *meter, struct journal *journal, uint32_t index,
                        int64_t floor_ms);
void registers_sum(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                   struct stretch bucket);

#endif
