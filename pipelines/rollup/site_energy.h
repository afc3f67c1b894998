/*
 * site_energy.h - the electricity of a facility in a window: consumption = import + generation -
 * export.
 *
 * It is formed of the figures that the rows of sources have, so it needs no state of its own. A
 * flow (import, export, generation) is the sum of the activity of its series. A flow is null if it
 * is not known: it would be 0, but its meters are silent. A null stands in place of a 0 only, so
 * that longer windows are the sum of shorter ones, whether some are null or not.
 */
#ifndef GHGD_SITE_ENERGY_H
#define GHGD_SITE_ENERGY_H

#include "pipelines/rollup/site.h"

/* Whether a row of energy stands beside each row of coverage. */
static inline bool site_has_energy(const struct site *site)
{
    return site->facility->flows != 0;
}
/* Sets what a row of ROW_ENERGY has of figures, by series of the facility, in some window. Its
 * figures hold figures. */
void site_put_energy(const struct registry *registry, const struct facility *facility,
                     const struct figures *figures, struct row *row);

#endif
