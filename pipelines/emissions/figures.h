/*
 * figures.h - what is known of one series in one window: integers that add up.
 *
 * Every longer window is the sum of its buckets, field by field. 128 bits, so that no sum of
 * bounded cells overflows. Ratios (coverage, estimated share) are formed at output only.
 */
#ifndef GHGD_FIGURES_H
#define GHGD_FIGURES_H

#include "base/measure.h"

struct figures {
    int128 activity; /* micro-units of the series' quantity */
    int128 mass_mg[GAS_COUNT];
    int128 co2e_unsplit_mg;   /* the part of CO2e whose factor does not tell the gases apart */
    int128 co2e_estimated_mg; /* the part of CO2e that rests on estimated readings */
    int128 covered_ms;        /* meter-milliseconds that readings cover */
    int128 expected_ms;       /* meter-milliseconds that should have been covered */
    uint64_t cells;           /* cells with any reading; 0: nothing is known, which is not zero */
};

void figures_add(struct figures *sum, const struct figures *term);

#endif
