/*
 * past.h - what the history has of a target's subject: its months and years, shares applied.
 *
 * A facility is part of a month or year on the days on which it belongs to the group (its
 * valid_from and valid_to) and its share is not 0. A month is known if the history has each of the
 * target's scopes of every facility that is part of it. A year is known if the history has them as
 * one row or as months. The mass of a row was emitted evenly on those of its days on which the
 * facility belongs to the group, and each of them counts by its share. A row without such a day
 * does not count. Pure. Thread: any.
 */
#ifndef GHGD_PAST_H
#define GHGD_PAST_H

#include "config/targets/civil.h"
#include "config/targets/targets.h"

/* A target's history begins near its base year: years before it are of another company. */
enum { PAST_YEARS_BEFORE_BASE = 10 };

/* The largest month: twelve of them fit 64 bits. */
#define MONTH_MG_MAX (INT64_MAX / 12)

/* The date at that instant in a zone of the registry; INT32_MIN and INT32_MAX of an open one. */
int32_t past_local_day(const struct registry *registry, uint32_t zone, int64_t time_ms);

/* The local days [first, end) of a span on which the facility belongs to the group; none if first
 * is not before end. */
struct member_days {
    int32_t first, end;
};
struct member_days past_member_days(const struct registry *registry, uint32_t facility,
                                    int32_t first_day, int32_t end_day);
/* The subject's emissions of a calendar month, 1 .. 12. False: not known. A subject that no
 * facility was part of has no such month; one above MONTH_MG_MAX is not known. */
bool past_month(int64_t *mg_out, const struct targets *targets, const struct registry *registry,
                const struct target *target, int year, int month);

/* The tables that tell what a target is about. */
struct past_subject {
    const struct targets *targets;
    const struct registry *registry;
    const struct target *target;
};
/* Adds what the history has of a scope of the facility in a target year. Returns the months that
 * lack, a bit each, 1 << 0 is the year's first; 0: it is complete. */
uint16_t past_add_scope(int128 *mg, const struct past_subject *subject, uint32_t facility,
                        int scope, const struct civil_year *year);
/* The subject's emissions of a target year. False: not known, as of a month. */
bool past_year_total(int64_t *mg_out, const struct past_subject *subject,
                     const struct civil_year *year);

/* How much of a day counts as worked, for the subject: PART_ONE, or `nonworking` if it is off; of
 * several facilities the mean over those that are part of it, rounded down. PART_ONE if none is. */
int64_t past_day_factor(const struct targets *targets, const struct registry *registry,
                        const struct target *target, int32_t day, uint8_t days_off,
                        int64_t nonworking);

#endif
