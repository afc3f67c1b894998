/*
 * group_report.h - what `ghgd groups` prints of a group and a period.
 *
 * CSV and JSON have a row for each scope with a reading, and one of scope "total": scopes 1 to 3
 * together, with the coverage. A text has a line for each period.
 */
#ifndef GHGD_GROUP_REPORT_H
#define GHGD_GROUP_REPORT_H

#include "daemon/groups/group_list.h"
#include "daemon/trajectory/report.h"
#include "pipelines/groups/group_sum.h"

struct group_period {
    const char *text; /* 2026-03-01, 2026-03, 2026 */
    bool running;     /* not all of its days have come */
};

/* The names of columns of CSV. */
void group_report_add_heads(struct buffer *out, enum report_format format);
/* A text's heading of the group. */
void group_report_add_group(struct buffer *out, enum report_format format,
                            const struct group_entry *entry);
void group_report_add(struct buffer *out, enum report_format format,
                      const struct group_entry *entry, const struct group_period *period,
                      const struct group_sum *sum);

#endif
