/*
 * standing.h - the alerts that stand, and those that ended lately, as Alertmanager has to hear of
 * them again and again.
 *
 * To Alertmanager an alert of a target is another one at each level. So a change of level ends one
 * and begins another. A target has one entry, and the change with the highest number counts: one
 * that comes again, or late, changes nothing. Ended alerts stay for STANDING_ENDED_MS. Entries copy
 * what they need. One owner, no clock.
 */
#ifndef GHGD_STANDING_H
#define GHGD_STANDING_H

#include "pipelines/notice/alert_body.h"

/* A restarted Alertmanager knows an alert that it had heard of; it hears of its end for so long. */
#define STANDING_ENDED_MS INT64_C(900000)

struct standing_table;

/* Returns 0 or -ENOMEM. */
int standing_create(struct standing_table **table_out, enum language language) MUST_CHECK;
void standing_destroy(struct standing_table **table);

/* Takes a change of level that a partition has told, now. Returns 0 or -ENOMEM, with the table as
 * it was. */
int standing_take(struct standing_table *table, const struct alert_notice *notice,
                  uint32_t partition, int64_t now_ms) MUST_CHECK;
/* The partition has another owner, who tells of its alerts from now on. */
void standing_forget(struct standing_table *table, uint32_t partition);
/* Drops those that ended too long ago. */
void standing_expire(struct standing_table *table, int64_t now_ms);
/* Alerts in it, standing or ended. */
uint32_t standing_count(const struct standing_table *table);
/* Appends all of them as one JSON array. Alerts that stand do so until `until_ms`, unless they are
 * sent again. */
void standing_add(const struct standing_table *table, struct buffer *out, int64_t now_ms,
                  int64_t until_ms);

#endif
