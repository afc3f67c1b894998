/*
 * figures.h - what is known of one series in one window: integers that add up, and the table that
 * says what each of them is.
 *
 * FIGURES is the one list. States, rows of every sink, docs/series.md and the memory that a site
 * takes follow from it. Every longer window is the sum of its buckets, figure by figure. 128 bits,
 * so that no sum of bounded cells overflows. Ratios (coverage, estimated share) are formed at
 * output only.
 */
#ifndef GHGD_FIGURES_H
#define GHGD_FIGURES_H

#include <string.h>

#include "base/measure.h"

/* How a cell, which is a meter in a bucket, adds to a figure. */
enum figure_adds {
    ADDS_ACTIVITY,       /* its activity */
    ADDS_RATED,          /* its activity rated by a row of the factor matrix */
    ADDS_ESTIMATED_PART, /* the part of that mass that rests on estimated readings */
    ADDS_CELL,           /* one */
    ADDS_UNKNOWN_CELL,   /* one, if its meter has no factor in that row */
    ADDS_COVERED,        /* the time that readings cover, if the meter is expected to report */
    ADDS_ESTIMATED,      /* the time that estimated readings cover, expected or not */
    ADDS_NOTE,           /* a time or count that is noted of it, expected or not */
    ADDS_EXPECTED        /* the time in which the meter is expected to report */
};

/* X(id, name, unit, decimals, adds, row of the factor matrix, figure that counts unknown cells,
 * what it is, over what it may be summed). A unit has 10^decimals of the whole numbers that are
 * held. The name is that of the field in every sink, and of the figure in a saved state.
 *
 * A figure is null while its count of unknown cells is above 0. It needs such a count, or NONE, if
 * there are meters that it does not know. An amount that states of released versions lack needs
 * one too: all cells of the closed part of a window are unknown then. The count adds up as every
 * figure does, and is a field of its own, since a store may keep a value that has become null. */
#define SUM_ALL "every tag; windows of one measurement"

/* Fields of emissions_*. */
#define FIGURES_OF_SERIES(X)                                                                       \
    X(ACTIVITY, "activity", "see tag `unit`", 6, ADDS_ACTIVITY, RATE_NONE, NONE,                   \
      "energy, fuel or material used", "rows of the same `unit` only; windows of one measurement") \
    X(CO2, "co2_kg", "kg", 6, ADDS_RATED, RATE_CO2, NONE,                                          \
      "fossil CO2; 0 where the factor tells CO2e only", SUM_ALL)                                   \
    X(CH4, "ch4_kg", "kg", 9, ADDS_RATED, RATE_CH4, NONE, "methane, as mass of CH4", SUM_ALL)      \
    X(N2O, "n2o_kg", "kg", 9, ADDS_RATED, RATE_N2O, NONE, "nitrous oxide, as mass of N2O",         \
      SUM_ALL)                                                                                     \
    X(CO2E, "co2e_kg", "kg CO2e", 6, ADDS_RATED, RATE_CO2E, NONE,                                  \
      "all gases under the configured GWP set; electricity location-based", SUM_ALL)               \
    X(BIOGENIC_CO2, "biogenic_co2_kg", "kg", 6, ADDS_RATED, RATE_BIOGENIC_CO2, NONE,               \
      "CO2 of biomass, outside the scopes and not in co2e_kg", SUM_ALL)                            \
    X(CO2E_UNSPLIT, "co2e_unsplit_kg", "kg CO2e", 6, ADDS_RATED, RATE_CO2E_UNSPLIT, NONE,          \
      "the part of co2e_kg whose factor does not tell the gases apart", SUM_ALL)                   \
    X(CO2E_ESTIMATED, "co2e_estimated_kg", "kg CO2e", 6, ADDS_ESTIMATED_PART, RATE_CO2E, NONE,     \
      "the part of co2e_kg that rests on estimated readings", SUM_ALL)                             \
    X(ENERGY, "energy_gj", "GJ", 6, ADDS_RATED, RATE_ENERGY, ENERGY_UNKNOWN,                       \
      "energy as metered, or heat content of the fuel on the basis (ncv or gcv) of its factor; "   \
      "null if energy_unknown is above 0",                                                         \
      "rows whose energy_unknown is 0, on one basis; windows of one measurement")                  \
    X(ENERGY_UNKNOWN, "energy_unknown", "cells", 0, ADDS_UNKNOWN_CELL, RATE_ENERGY, NONE,          \
      "cells (a meter in a bucket) whose energy is not known", SUM_ALL)

/* Fields of emissions_* and coverage_*. */
#define FIGURES_OF_COVERED(X)                                                                      \
    X(COVERED, "covered_s", "s", 3, ADDS_COVERED, RATE_NONE, NONE,                                 \
      "meter-seconds of the window that readings cover", SUM_ALL)                                  \
    X(ESTIMATED, "estimated_s", "s", 3, ADDS_ESTIMATED, RATE_NONE, NONE,                           \
      "meter-seconds that rest on estimated readings", SUM_ALL)
#define FIGURE_OF_EXPECTED(X, sums)                                                                \
    X(EXPECTED, "expected_s", "s", 3, ADDS_EXPECTED, RATE_NONE, NONE,                              \
      "meter-seconds that should be covered; deliveries expect none without `expected_every`",     \
      sums)
#define FIGURES_OF_COVERAGE(X) FIGURES_OF_COVERED(X) FIGURE_OF_EXPECTED(X, SUM_ALL)

/* Both have notes of how far their figures can be trusted. States and rows of earlier versions lack
 * them: closed windows have 0 then, as nothing was noted. */
#define FIGURES_OF_NOTES(X)                                                                        \
    X(SPREAD, "spread_s", "s", 3, ADDS_NOTE, RATE_NONE, NONE,                                      \
      "meter-seconds for which an amount was spread evenly, as its readings lie far apart",        \
      SUM_ALL)                                                                                     \
    X(HELD, "held_s", "s", 3, ADDS_NOTE, RATE_NONE, NONE,                                          \
      "meter-seconds whose readings contradict each other: not covered, and nothing is booked",    \
      SUM_ALL)                                                                                     \
    X(MOVED, "moved_s", "s", 3, ADDS_NOTE, RATE_NONE, NONE,                                        \
      "meter-seconds before the window, in closed days, whose amount is booked in it", SUM_ALL)    \
    X(CONFLICTS, "conflicts", "readings", 0, ADDS_NOTE, RATE_NONE, NONE,                           \
      "readings for which another value of the same rank was sent too", SUM_ALL)                   \
    X(GLITCHES, "glitches", "readings", 0, ADDS_NOTE, RATE_NONE, NONE,                             \
      "readings that were left aside, as those around them prove them wrong", SUM_ALL)

/* Held, and written to no sink. */
#define FIGURES_WITHIN(X)                                                                          \
    X(CELLS, "cells", "cells", 0, ADDS_CELL, RATE_NONE, NONE,                                      \
      "cells with any reading; 0: nothing is known, which is not zero", SUM_ALL)

/* Every cell has these, or every window. Then come notes, which few cells have. */
#define PLAIN_FIGURES(X) FIGURES_OF_SERIES(X) FIGURES_WITHIN(X) FIGURES_OF_COVERAGE(X)
#define FIGURES(X) PLAIN_FIGURES(X) FIGURES_OF_NOTES(X)

enum figure {
#define FIGURE_ID(id, ...) FIGURE_##id,
    FIGURES(FIGURE_ID)
#undef FIGURE_ID
        FIGURE_COUNT,
    FIGURE_NONE = FIGURE_COUNT,
    /* The figures before it come of cells, and every cell has them. */
    FIGURES_OF_CELLS = FIGURE_EXPECTED,
    /* Expected time is there without a reading, and follows from the window alone. */
    FIGURES_PLAIN = FIGURE_EXPECTED + 1,
    /* From it on all are notes, which few cells have. */
    FIGURES_NOTED = FIGURE_SPREAD
};
_Static_assert((int)FIGURES_PLAIN == (int)FIGURES_NOTED, "and there are no others");

struct figure_row {
    const char *name, *unit;
    uint8_t decimals;
    uint8_t adds;    /* enum figure_adds */
    uint8_t rate;    /* enum rate */
    uint8_t unknown; /* enum figure: the count of cells that it does not know */
    const char *help, *sums;
};
extern const struct figure_row figure_table[FIGURE_COUNT];

struct figures {
    bool noted; /* some note is not 0; most sums need not touch theirs */
    int128 value[FIGURE_COUNT];
};

/* False: the figure is null. */
bool figures_know(const struct figures *figures, enum figure figure);
/* Its notes have been set: says whether there are any. */
void figures_note(struct figures *figures);
/* Copies its notes only; what `to` held before were figures. */
void figures_copy_notes(struct figures *to, const struct figures *from);
/* Adds its notes only, `sign` times. */
void figures_add_notes(struct figures *sum, const struct figures *term, int sign);

/* As an assignment does; what `to` held before were figures. */
static inline void figures_copy(struct figures *to, const struct figures *from)
{
    memcpy(to->value, from->value, FIGURES_PLAIN * sizeof(int128));
    if (to->noted || from->noted)
        figures_copy_notes(to, from);
}

/* Sets to 0 what was figures before. The table spells the figures out here and below: loops over so
 * few take twice the time. */
static inline void figures_clear(struct figures *figures)
{
    static const struct figures none;
#define CLEAR_FIGURE(id, ...) figures->value[FIGURE_##id] = 0;
    PLAIN_FIGURES(CLEAR_FIGURE)
#undef CLEAR_FIGURE
    if (figures->noted)
        figures_copy_notes(figures, &none);
}

static inline void figures_add(struct figures *sum, const struct figures *term)
{
#define ADD_FIGURE(id, ...) sum->value[FIGURE_##id] += term->value[FIGURE_##id];
    PLAIN_FIGURES(ADD_FIGURE)
#undef ADD_FIGURE
    if (term->noted)
        figures_add_notes(sum, term, 1);
}

#endif
