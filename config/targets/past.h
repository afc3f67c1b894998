/*
 * past.h - what the history has of a target's subject: its months, shares applied.
 *
 * A facility is part of a month on the days on which it belongs to the group (its valid_from and
 * valid_to) and its share is not 0. A month is known if the history has each of the target's scopes
 * of every facility that is part of it. Pure. Thread: any.
 */
#ifndef GHGD_PAST_H
#define GHGD_PAST_H

#include "config/targets/targets.h"

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
/* Whether any of the facility counts on any of these days. */
bool past_has_share(const struct targets *targets, uint32_t facility, enum approach approach,
                    struct member_days days);

/* The subject's emissions of a calendar month, 1 .. 12. False: not known. A subject that no
 * facility was part of has no such month; one above MONTH_MG_MAX is not known. */
bool past_month(int64_t *mg_out, const struct targets *targets, const struct registry *registry,
                const struct target *target, int year, int month);

/* How much of a day counts as worked, for the subject: PART_ONE, or `nonworking` if it is off; of
 * several facilities the mean over those that are part of it, rounded down. PART_ONE if none is. */
int64_t past_day_factor(const struct targets *targets, const struct registry *registry,
                        const struct target *target, int32_t day, uint8_t days_off,
                        int64_t nonworking);

#endif
