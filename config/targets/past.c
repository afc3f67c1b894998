#include "config/targets/past.h"

#include <sys/param.h>

#include "base/timestamp.h"
#include "config/targets/civil.h"

int32_t past_local_day(const struct registry *registry, uint32_t zone, int64_t time_ms)
{
    int64_t until_ms;
    if (time_ms == INT64_MIN)
        return INT32_MIN;
    if (time_ms == INT64_MAX)
        return INT32_MAX;
    int64_t offset_ms = local_time_offset(&registry->local_times[zone], time_ms, &until_ms);
    return (int32_t)div_floor((int128)time_ms + offset_ms, DAY_MS);
}

struct member_days past_member_days(const struct registry *registry, uint32_t facility,
                                    int32_t first_day, int32_t end_day)
{
    const struct facility *row = &registry->facilities[facility];
    return (struct member_days){
        .first = MAX(first_day, past_local_day(registry, row->zone, row->valid_from_ms)),
        .end = MIN(end_day, past_local_day(registry, row->zone, row->valid_to_ms))};
}

bool past_has_share(const struct targets *targets, uint32_t facility, enum approach approach,
                    struct member_days days)
{
    /* 1 t on each day: a share is never below 0, and the least above it (1e-9) leaves 1 mg. */
    return days.first < days.end &&
           targets_share_of_span(targets, facility, approach,
                                 (int64_t)(days.end - days.first) * PART_ONE, days.first,
                                 days.end) > 0;
}

/* Adds the scopes of one facility. False: some are not known. */
static bool add_facility(int128 *mg, const struct targets *targets, const struct target *target,
                         uint32_t facility, const struct civil_year *year, int month)
{
    for (int scope = 1; scope <= 3; scope++) {
        if ((target->scopes >> scope & 1) == 0)
            continue;
        const struct history_row *row =
            targets_history(targets, facility, scope, year->year, month);
        if (row == NULL)
            return false;
        *mg += targets_share_of_span(targets, facility, (enum approach)target->approach, row->mg,
                                     year->month_first[month - 1], year->month_first[month]);
    }
    return true;
}

bool past_month(int64_t *mg_out, const struct targets *targets, const struct registry *registry,
                const struct target *target, int year, int month)
{
    const struct civil_year whole = civil_year_named(year, 1);
    uint32_t members = 0;
    int128 mg = 0;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        if (!target_has(target, registry, i))
            continue;
        struct member_days days =
            past_member_days(registry, i, whole.month_first[month - 1], whole.month_first[month]);
        if (!past_has_share(targets, i, (enum approach)target->approach, days))
            continue;
        members++;
        if (!add_facility(&mg, targets, target, i, &whole, month))
            return false;
    }
    *mg_out = (int64_t)MIN(mg, MONTH_MG_MAX);
    return members > 0 && mg <= MONTH_MG_MAX;
}

int64_t past_day_factor(const struct targets *targets, const struct registry *registry,
                        const struct target *target, int32_t day, uint8_t days_off,
                        int64_t nonworking)
{
    int64_t sum = 0;
    uint32_t members = 0;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        if (!target_has(target, registry, i))
            continue;
        struct member_days days = past_member_days(registry, i, day, day + 1);
        if (days.first >= days.end ||
            targets_share(targets, i, day, (enum approach)target->approach) == 0)
            continue;
        members++;
        sum += targets_works(targets, registry, i, day, days_off) ? PART_ONE : nonworking;
    }
    return members == 0 ? PART_ONE : sum / members;
}
