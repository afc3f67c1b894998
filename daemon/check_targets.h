/*
 * check_targets.h - what `ghgd check` says of targets: what each of them allows, and by which base;
 * what is owned today, what history there is, and how many days are off.
 */
#ifndef GHGD_CHECK_TARGETS_H
#define GHGD_CHECK_TARGETS_H

#include "config/config.h"

/* Prints nothing if there are no tables about targets. `today` is a day as in civil.h. */
void check_targets_print(const struct config *config, int32_t today, struct buffer *out);

#endif
