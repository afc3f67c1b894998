/*
 * intervals.h - interval readings over one bucket: each gives its part, and where they overlap, the
 * best one counts at every moment.
 */
#ifndef GHGD_INTERVALS_H
#define GHGD_INTERVALS_H

#include "pipelines/metering/pieces.h"

enum {
    OVERLAP_DEPTH_MAX = 64
}; /* readings of one meter over one moment; the worst beyond are ignored */

void intervals_sum(struct cell_sum *sum, const struct journal *journal, struct stretch bucket);

#endif
