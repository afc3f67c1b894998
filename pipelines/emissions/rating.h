/*
 * rating.h - one bucket of a facility: activity becomes mass, cells become series.
 *
 * The factors are looked up at the bucket's time. Rounding to milligrams happens here, once per
 * meter and bucket and gas; everything after is integer addition.
 */
#ifndef GHGD_RATING_H
#define GHGD_RATING_H

#include "config/registry/registry.h"
#include "pipelines/emissions/figures.h"
#include "pipelines/emissions/kernels.h"

/* The cells of one facility in one bucket: arrays over its meters, in column order. */
struct bucket_cells {
    int64_t start_ms, length_ms;
    const int64_t *activity;      /* micro-units */
    const uint32_t *covered_ms;   /* <= length_ms; deliveries: 0 */
    const uint32_t *estimated_ms; /* <= covered_ms: covered by estimated readings */
    const uint8_t *present;       /* 1 if any reading touches the cell */
};

/* Scratch for one facility's masses; one per thread. */
struct rating;
/* meters_max: the largest facility. Returns 0 or -ENOMEM. */
int rating_create(struct rating **rating_out, const struct kernels *kernels,
                  uint32_t meters_max) MUST_CHECK;
void rating_destroy(struct rating **rating);

/* Adds the bucket to series_out[0 .. facility->series_count). Expected time is the part of the
 * bucket in which an `expected` meter is valid; covered time counts those meters only. A cell that
 * is not present adds nothing else, whatever it holds. The estimated part of a cell is its CO2e
 * times estimated_ms / covered_ms, floored. */
void rating_add(struct rating *rating, const struct registry *registry,
                const struct facility *facility, const struct bucket_cells *cells,
                struct figures *series_out);

#endif
