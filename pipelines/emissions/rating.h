/*
 * rating.h - buckets of a facility: activity becomes mass, cells become series.
 *
 * The factors are looked up at the buckets' time. Rounding happens here, once per meter and bucket
 * and row of the factor matrix, to the whole numbers of its unit (rate_decimals()); all after
 * it is integer addition.
 */
#ifndef GHGD_RATING_H
#define GHGD_RATING_H

#include "config/registry/registry.h"
#include "pipelines/emissions/figures.h"
#include "pipelines/emissions/kernels.h"
#include "pipelines/metering/cell_note.h"

/* The cells of one facility in consecutive buckets: arrays [rows][meters], in column order. A cell
 * that no reading touches holds 0 everywhere. */
struct bucket_cells {
    int64_t start_ms, length_ms; /* of the first; each bucket's */
    uint32_t rows;
    const int64_t *activity;      /* micro-units */
    const uint32_t *covered_ms;   /* <= length_ms */
    const uint32_t *estimated_ms; /* <= covered_ms: covered by estimated readings */
    const uint8_t *present;       /* 1 if any reading touches the cell */
    const struct cell_note *notes;
    const bool *noted; /* [rows]; false: the notes of that row are empty */
};

/* Scratch for one facility at a time; one per thread. */
struct rating;
/* Scratch that all facilities of a rating share, so that it stays in the caches. It holds what its
 * last user left there, perhaps of another facility. */
struct rating_scratch {
    struct figures *run;      /* [rows][series] of buckets that are rated together */
    struct figures *change;   /* [series] by which sums are corrected */
    struct figures *window;   /* [series] of the window whose rows are being made */
    struct figures *coverage; /* of the facility in it */
    uint64_t *reporting;      /* and a bit per meter */
};
/* meters_max: the largest facility. Returns 0 or -ENOMEM. */
int rating_create(struct rating **rating_out, const struct kernels *kernels,
                  uint32_t meters_max) MUST_CHECK;
void rating_destroy(struct rating **rating);
struct rating_scratch rating_scratch(const struct rating *rating);

/* How many of `rows` buckets may be rated together from start_ms on: they lie in one era, and the
 * scratch holds them. At least 1. */
uint32_t rating_run(const struct rating *rating, const struct registry *registry,
                    const struct facility *facility, int64_t start_ms, int64_t length_ms,
                    uint32_t rows);

/* Rates the buckets, which rating_run() allows together. Sets figures_out[rows][series], which held
 * figures before. Covered time counts meters that are expected to report; what is noted counts of
 * all meters. Some rows of the factor matrix tell unknown cells: a cell whose factor is 0 there is
 * unknown, whatever its activity. The estimated part of a cell is its CO2e times estimated_ms /
 * covered_ms, floored. FIGURE_EXPECTED is 0. */
void rating_rate(struct rating *rating, const struct registry *registry,
                 const struct facility *facility, const struct bucket_cells *cells,
                 struct figures *figures_out);

#endif
