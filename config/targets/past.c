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

/* Whether any of the facility counts on any of these days. */
static bool has_share(const struct past_subject *subject, uint32_t facility,
                      struct member_days days)
{
    /* 1 t on each day: a share is never below 0, and the least above it (1e-9) leaves 1 mg. */
    return days.first < days.end &&
           targets_share_of_span(
               subject->targets, facility, (enum approach)subject->target->approach,
               (int64_t)(days.end - days.first) * PART_ONE, days.first, days.end) > 0;
}

/* Whether it is part of the subject on any day of [first_day, end_day). */
static bool is_part(const struct past_subject *subject, uint32_t facility, int32_t first_day,
                    int32_t end_day)
{
    return target_has(subject->target, subject->registry, facility) &&
           has_share(subject, facility,
                     past_member_days(subject->registry, facility, first_day, end_day));
}

/* The part of a row that counts; its period is [first_day, end_day). */
static int64_t row_mass(const struct past_subject *subject, const struct history_row *row,
                        int32_t first_day, int32_t end_day)
{
    struct member_days days =
        past_member_days(subject->registry, row->facility, first_day, end_day);
    if (days.first >= days.end)
        return 0;
    return targets_share_of_span(subject->targets, row->facility,
                                 (enum approach)subject->target->approach, row->mg, days.first,
                                 days.end);
}

/* Adds the scopes of one facility. False: some are not known. */
static bool add_facility(int128 *mg, const struct past_subject *subject, uint32_t facility,
                         const struct civil_year *year, int month)
{
    for (int scope = 1; scope <= 3; scope++) {
        if ((subject->target->scopes >> scope & 1) == 0)
            continue;
        const struct history_row *row =
            targets_history(subject->targets, facility, scope, year->year, month);
        if (row == NULL)
            return false;
        *mg += row_mass(subject, row, year->month_first[month - 1], year->month_first[month]);
    }
    return true;
}

bool past_month(int64_t *mg_out, const struct targets *targets, const struct registry *registry,
                const struct target *target, int year, int month)
{
    const struct past_subject subject = {targets, registry, target};
    const struct civil_year whole = civil_year_named(year, 1);
    uint32_t members = 0;
    int128 mg = 0;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        if (!is_part(&subject, i, whole.month_first[month - 1], whole.month_first[month]))
            continue;
        members++;
        if (!add_facility(&mg, &subject, i, &whole, month))
            return false;
    }
    *mg_out = (int64_t)MIN(mg, MONTH_MG_MAX);
    return members > 0 && mg <= MONTH_MG_MAX;
}

uint16_t past_add_scope(int128 *mg, const struct past_subject *subject, uint32_t facility,
                        int scope, const struct civil_year *year)
{
    const struct targets *targets = subject->targets;
    bool calendar = subject->target->year_start == 1;
    uint16_t lacking = 0;
    const struct history_row *row =
        calendar ? targets_history(targets, facility, scope, year->year, 0) : NULL;
    if (row != NULL) {
        *mg += row_mass(subject, row, year->first_day, year->first_day + year->days);
        return 0;
    }
    for (int i = 0; i < 12; i++) {
        int32_t first = year->month_first[i];
        int32_t end = year->month_first[i + 1];
        struct date month = civil_date(first);
        row = targets_history(targets, facility, scope, month.year, month.month);
        if (row != NULL)
            *mg += row_mass(subject, row, first, end);
        else if (is_part(subject, facility, first, end))
            lacking |= (uint16_t)(1U << i);
    }
    return lacking;
}

bool past_year_total(int64_t *mg_out, const struct past_subject *subject,
                     const struct civil_year *year)
{
    const int64_t mg_max = MONTH_MG_MAX * 12;
    uint32_t members = 0;
    int128 mg = 0;
    for (uint32_t i = 0; i < subject->registry->facilities_count; i++) {
        if (!is_part(subject, i, year->first_day, year->first_day + year->days))
            continue;
        members++;
        for (int scope = 1; scope <= 3; scope++) {
            if ((subject->target->scopes >> scope & 1) != 0 &&
                past_add_scope(&mg, subject, i, scope, year) != 0)
                return false;
        }
    }
    *mg_out = (int64_t)MIN(mg, mg_max);
    return members > 0 && mg <= mg_max;
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
