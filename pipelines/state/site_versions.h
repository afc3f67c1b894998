/*
 * site_versions.h - versions of registers in a site that goes on from a saved state.
 */
#ifndef GHGD_SITE_VERSIONS_H
#define GHGD_SITE_VERSIONS_H

#include "pipelines/rollup/site.h"
#include "pipelines/state/dictionary.h"

/* Whether a reading of the column `of` is one of this column, too: it is the same, or another
 * version of the register. */
bool site_versions_share(const struct site *site, uint32_t column, uint32_t of);

/* Versions that the saved configuration did not have get the readings that others of their register
 * have, as they would have read them. */
void site_versions_adopt(struct site *site, const struct dictionary *dictionary);

#endif
