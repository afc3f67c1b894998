/*
 * gauges.h - samples of a rate over one bucket, integrated: by the straight line between two
 * samples, or each as it holds until the next one. The newest sample gives nothing yet.
 */
#ifndef GHGD_GAUGES_H
#define GHGD_GAUGES_H

#include "config/registry/registry.h"
#include "pipelines/metering/pieces.h"

void gauges_sum(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                struct stretch bucket);

#endif
