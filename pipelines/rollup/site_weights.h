/*
 * site_weights.h - coverage by emissions: how much of what a facility emits do readings cover?
 *
 * The sources of a window are weighed by their CO2e in the last month that had closed by then: the
 * month that was before the floor when the window's newest bucket came. So the weights of a window
 * that is over follow from the log alone.
 */
#ifndef GHGD_SITE_WEIGHTS_H
#define GHGD_SITE_WEIGHTS_H

#include "pipelines/rollup/site.h"

/* In whole millionths of a milligram of CO2e. */
struct weights {
    int128 covered; /* floored, source by source */
    int128 total;   /* of sources that are expected to report in the window; 0: no month, or none */
};
/* The window's figures are in the scratch. */
struct weights site_weigh(struct site *site, const struct site_clock *clock, struct window window);
/* Whether some window that may still be written is weighed by this month. */
bool site_weighs_by(const struct site *site, const struct period *period);

#endif
