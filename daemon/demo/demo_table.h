/*
 * demo_table.h - the live figures of the demonstration, and how far its factories are off their
 * targets, gathered from the rows that the sink took.
 *
 * On a terminal a table that is drawn over itself, elsewhere a plain line a facility.
 */
#ifndef GHGD_DEMO_TABLE_H
#define GHGD_DEMO_TABLE_H

#include <stdio.h>

#include "pipelines/rollup/row.h"

struct demo_table;

/* The registry outlives the table. */
int demo_table_create(struct demo_table **table_out, const struct registry *registry) MUST_CHECK;
void demo_table_destroy(struct demo_table **table);

/* Rows that the sink has acknowledged. */
void demo_table_add(struct demo_table *table, const struct block *block);
/* Draws the figures as of `now_ms` of simulated time. `status` is one line above the table. */
void demo_table_draw(struct demo_table *table, FILE *out, bool terminal, int64_t now_ms,
                     const char *status);

/* Up to when the rows of every facility have come; INT64_MIN: of some none has. */
int64_t demo_table_get_reached(const struct demo_table *table);

struct demo_table_counts {
    uint64_t rows, final, revised;
};
const struct demo_table_counts *demo_table_get_counts(const struct demo_table *table);

#endif
