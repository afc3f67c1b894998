/*
 * counters.h - the counter behind several versions of a register: which of them go on from one
 * another, and what a state of it is to each.
 *
 * The multiplier, unit or factor of a register changes from a day on, and its counter goes on: its
 * versions have the same digits, decimals and modulus. If those change too, it is another counter.
 * Pure. Thread: any.
 */
#ifndef GHGD_COUNTERS_H
#define GHGD_COUNTERS_H

#include "config/registry/registry.h"

/* Fills in `first_version` of every meter, and of registers `versioned`, `counter_from_ms` and
 * `counter_to_ms`; all versions of one get the largest readings_max. Meters have their scales and
 * next versions then. */
void counters_link(struct registry *registry);

/* The next version of the same register at the same facility that is not `meter`, behind the column
 * `version`; begin with REGISTRY_NONE. REGISTRY_NONE: there is no other. */
uint32_t counters_next(const struct registry *registry, uint32_t meter, uint32_t version);

/* A state of the counter in micro-units of the version `from`, in those of the version `to`:
 * rounded once, half to even. False if it is too large. */
bool counters_rescale(int64_t *value_out, const struct meter *from, const struct meter *to,
                      int64_t value) MUST_CHECK;

#endif
