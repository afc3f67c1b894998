/*
 * rated_panel.h - the figures of a facility's buckets: each is rated once after it changed.
 *
 * Figures take a quarter of the memory of journals and panel at most. They are kept by row modulo
 * the number of buckets that fit, so the newest ones are always kept. A bucket that is not kept is
 * rated again when a row needs it. A sum over many buckets need not be formed again when a few of
 * them change: their old figures are taken off it, and the new ones are added.
 */
#ifndef GHGD_RATED_PANEL_H
#define GHGD_RATED_PANEL_H

#include "pipelines/emissions/rating.h"
#include "pipelines/metering/submeters.h"

enum { RATED_ROWS_MAX = 32 }; /* rows that are rated together */

struct rated_panel {
    struct panel *panel;
    struct submeters *submeters; /* NULL: every meter counts what it shows */
    struct rating *rating;       /* shared scratch */
    const struct registry *registry;
    const struct facility *facility;
    uint32_t slots;
    int64_t *rows;           /* [slots]: the row that is kept there; INT64_MIN: none */
    int64_t *kept;           /* [slots][series][FIGURES_OF_CELLS] */
    struct figures *figures; /* shared scratch of one run of rows */
    uint64_t *bits;          /* scratch: the meters that reported in one */

    uint64_t *expected_bits; /* of meters that are expected to report at some time */
    uint32_t run_max;
    bool has_versions; /* some meter has several */
};

/* The bytes that rated_panel_create takes beside journals of so many readings, without
 * submeters_size() of RATED_ROWS_MAX rows. */
size_t rated_panel_size(const struct facility *facility, uint32_t rows, size_t readings);
/* All are borrowed, and outlive it. 0 or -ENOMEM. */
int rated_panel_create(struct rated_panel **rated_out, struct panel *panel, struct rating *rating,
                       const struct registry *registry, const struct facility *facility,
                       size_t readings) MUST_CHECK;
void rated_panel_destroy(struct rated_panel **rated);

/* Projects and rates the stale cells in rows [from, to). sums[series] and the bits of `reporting`
 * hold the earlier sum over all of the rows, and are corrected. If they are NULL, no sum is kept.
 * Returns false if some meter no longer reports in some row: then the bits have to be formed again.
 */
bool rated_panel_refresh(struct rated_panel *rated, int64_t from_row, int64_t to_row,
                         struct figures *sums, uint64_t *reporting);
/* Adds rows [from, to) to the sums, and to the bits of the meters that reported. No row of them is
 * stale. */
void rated_panel_add(struct rated_panel *rated, int64_t from_row, int64_t to_row,
                     struct figures *sums, uint64_t *reporting);

/* How many of the meters of these bits are expected to report at all; one counts once, whatever
 * number of its versions has. */
uint32_t rated_panel_count_reporting(const struct rated_panel *rated, const uint64_t *reporting);

#endif
