/*
 * group_totals.h - the totals topic as it was read: a record for each facility and local day.
 *
 *     records -> days of the running and the previous year -> months of the years before
 *
 * A day has one record. A record of a higher epoch takes its place; so does one of the same epoch
 * that stands later in the topic, as compaction would leave that one too. A tombstone takes the day
 * back. Days are kept packed, without names, by the registry that the table was made for; records
 * of facilities that it does not have are counted and left out. All memory counts against a
 * ceiling, and a record that does not fit is refused. One owner. Pure.
 */
#ifndef GHGD_GROUP_TOTALS_H
#define GHGD_GROUP_TOTALS_H

#include "pipelines/groups/group_sum.h"

struct group_totals;

struct group_totals_conf {
    const struct registry *registry;
    const struct targets *targets; /* NULL: every facility counts whole */
    int64_t bucket_ms;
    size_t bytes_max;
};

struct group_totals_stats {
    uint64_t records; /* all that were put, also those left out */
    uint64_t days;    /* that are kept as days */
    uint64_t months;  /* facility-months that days have gone into */
    uint64_t replaced, repeated, tombstones;
    uint64_t outdated;  /* of a lower epoch: left out */
    uint64_t went_back; /* of a lower version than the one before, in the same epoch: it is of a
                           former owner, or of a state that began without a checkpoint */
    uint64_t differing; /* of the same epoch and version as the one before, with other figures */
    uint64_t strangers; /* of facilities that the registry does not have: left out */
    uint64_t closed;    /* of days that have gone into their month: left out */
    uint64_t figures_unknown, series_unknown; /* names that were left out */
    uint32_t differing_facility; /* the first that differed; REGISTRY_NONE: all were equal */
    int32_t differing_day;
};

/* Returns 0, -ENOMEM, or what calendar_create() returns. */
int group_totals_create(struct group_totals **totals_out,
                        const struct group_totals_conf *conf) MUST_CHECK;
void group_totals_destroy(struct group_totals **totals);

/* A record of the topic, value NULL for a tombstone. Returns 0, also if it is left out;
 * ERR_PROTOCOL if it is damaged; ERR_FULL if it has no room below the ceiling; -ENOMEM. After a
 * failure, `why` follows "the record at offset 7", and the day is as it was. */
int group_totals_put(struct group_totals *totals, const void *key, size_t key_size,
                     const void *value, size_t value_size, struct buffer *why) MUST_CHECK;

/* Days before `day`, the first of a month, go into the sums of their months. From then on the
 * shares of now are in them. Returns 0; or ERR_FULL or -ENOMEM, and only some of the days have gone
 * into months. */
int group_totals_fold(struct group_totals *totals, int32_t day) MUST_CHECK;
/* Days are kept from this one on; INT32_MIN: all are. */
int32_t group_totals_first_kept(const struct group_totals *totals);

/* The first and last day of any facility that was ever put; false: nothing was. */
bool group_totals_span(const struct group_totals *totals, int32_t *first_out, int32_t *last_out);
/* The facility's day; false: no record of it is kept. */
bool group_totals_get(const struct group_totals *totals, uint32_t facility, int32_t day,
                      struct day_figures *figures_out);
/* The activity of a series outside the scopes on that day, in micro-units; false: not known. */
bool group_totals_get_activity(const struct group_totals *totals, uint32_t facility, int32_t day,
                               uint32_t series, int64_t *activity_out);
/* Adds the facility's days of [first_day, end_day) to the sum: those on which it belongs to the
 * group, and some part of it counts. A day without a record is missing. A facility that counts on
 * some day is one facility of the sum. The span has all or nothing of a month that days have gone
 * into. */
void group_totals_add(const struct group_totals *totals, uint32_t facility, int32_t first_day,
                      int32_t end_day, struct group_sum *sum);

const struct group_totals_stats *group_totals_get_stats(const struct group_totals *totals);
/* The memory that it holds now. */
size_t group_totals_bytes(const struct group_totals *totals);
/* Walks over everything, and asserts that the counts agree. */
void group_totals_check(const struct group_totals *totals);

#endif
