/*
 * kept_bytes.h - days and months of group_totals in few bytes: figures by their number in the
 * table, those that are 0 left out.
 *
 * These bytes never leave the process: the registry and the figure table that they were made by
 * are those that they are read by.
 */
#ifndef GHGD_KEPT_BYTES_H
#define GHGD_KEPT_BYTES_H

#include "pipelines/groups/group_sum.h"

/* A day without its series. */
void kept_add_day(struct buffer *out, const struct day_figures *day);
void kept_take_day(struct packed *packed, struct day_figures *day_out);
void kept_add_sum(struct buffer *out, const struct group_sum *sum);
void kept_take_sum(struct packed *packed, struct group_sum *sum_out);

#endif
