/*
 * effects.h - why a source's emissions differ from those of the same days a year ago: activity,
 * efficiency and carbon, by the logarithmic mean Divisia index (LMDI I; Ang 2005).
 *
 * E = P * (A / P) * (E / A): production, activity per unit of it, mass per activity. dE_x =
 * L(E1, E0) * ln(x1 / x0), L(a, b) = (a - b) / ln(a / b), L(a, a) = a. Without production of both
 * sides, activity counts as a whole and there is no efficiency effect. Effects are whole milligrams
 * that sum to the difference exactly: each is rounded, and the largest takes what is left. A change
 * of factor alone is a carbon effect alone. A side of 0 is the limit of a small one: if its
 * activity is 0, too, all is activity. Pure.
 */
#ifndef GHGD_EFFECTS_H
#define GHGD_EFFECTS_H

#include "base/base.h"

struct effect_side {
    int64_t mg;        /* of CO2e */
    double activity;   /* in the source's unit */
    double production; /* 0: not known */
};

struct effects {
    /* False: only the total is known. A side lacks its activity, signs differ, or a number is not
     * finite or too large. */
    bool split;
    int64_t total_mg, activity_mg, efficiency_mg, carbon_mg;
};
struct effects effects_split(const struct effect_side *now, const struct effect_side *before);

#endif
