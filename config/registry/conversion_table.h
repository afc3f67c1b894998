/*
 * conversion_table.h - conversions as doubles, each worked out once for an edition and an activity.
 *
 * Hundreds of thousands of meters share a few hundred conversions, and exact fractions are slow.
 */
#ifndef GHGD_CONVERSION_TABLE_H
#define GHGD_CONVERSION_TABLE_H

#include "config/registry/conversion.h"

struct conversion {
    struct activity_unit activity;
    uint32_t next;              /* another one of the edition, or ID_INDEX_NONE */
    enum fit fit;               /* of a misfit the numbers below are 0 */
    double kg[GAS_COUNT];       /* per canonical unit */
    double factors[RATE_COUNT]; /* the column of the factor matrix */
};

struct conversion_table {
    const struct factor_table *factors; /* borrowed, complete */
    uint32_t *first;                    /* by edition, and one more: without a factor */
    struct conversion *rows;
    uint32_t count, capacity;
};

/* Returns 0 or -ENOMEM. An all-zero struct is an empty table, and may be given to fini. */
int conversion_table_init(struct conversion_table *table,
                          const struct factor_table *factors) MUST_CHECK;
void conversion_table_fini(struct conversion_table *table);

/* The conversion, made if it is not there yet; it is valid until the next call. `edition` is NULL
 * for a meter without a factor. Returns 0 or -ENOMEM. */
int conversion_table_add(struct conversion_table *table, const struct factor_row *edition,
                         struct activity_unit activity,
                         const struct conversion **conversion_out) MUST_CHECK;
/* The conversion, or NULL if it was not added. */
const struct conversion *conversion_table_find(const struct conversion_table *table,
                                               const struct factor_row *edition,
                                               struct activity_unit activity);

#endif
