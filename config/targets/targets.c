#include "config/targets/targets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/arena.h"
#include "config/targets/civil.h"

void targets_destroy(struct targets **targets)
{
    struct targets *gone = TAKE(*targets);
    if (gone == NULL)
        return;
    arena_destroy(&gone->arena);
    free(gone);
}

/* The first of the facility's rows; ownerships_count if it has none. */
static uint32_t find_ownership(const struct targets *targets, uint32_t facility)
{
    uint32_t low = 0;
    uint32_t high = targets->ownerships_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (targets->ownerships[middle].facility < facility)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < targets->ownerships_count && targets->ownerships[low].facility == facility;
    return found ? low : targets->ownerships_count;
}

/* The share on `day`, and the first later day on which it may be another one. */
static int64_t share_until(const struct targets *targets, uint32_t facility, enum approach approach,
                           int32_t day, int32_t *until_out)
{
    uint32_t at = find_ownership(targets, facility);
    *until_out = INT32_MAX;
    if (at == targets->ownerships_count)
        return PART_ONE;
    for (; at < targets->ownerships_count && targets->ownerships[at].facility == facility; at++) {
        const struct ownership *row = &targets->ownerships[at];
        if (day < row->from_day) {
            *until_out = row->from_day;
            return 0;
        }
        if (day < row->to_day) {
            *until_out = row->to_day;
            return row->share[approach];
        }
    }
    return 0;
}

int64_t targets_share(const struct targets *targets, uint32_t facility, int32_t day,
                      enum approach approach)
{
    int32_t until;
    return share_until(targets, facility, approach, day, &until);
}

int64_t share_of(int64_t mass, int64_t share)
{
    ASSERT(share >= 0 && share <= PART_ONE);
    return (int64_t)div_round_even((int128)mass * share, PART_ONE);
}

int64_t targets_share_of_span(const struct targets *targets, uint32_t facility,
                              enum approach approach, int64_t mass, int32_t first_day,
                              int32_t end_day)
{
    ASSERT(first_day < end_day);
    int32_t days = end_day - first_day;
    int64_t cut = 0; /* of the mass, before the day */
    int64_t counted = 0;
    for (int32_t day = first_day; day < end_day;) {
        int32_t until;
        int64_t share = share_until(targets, facility, approach, day, &until);
        until = MIN(until, end_day);
        int64_t next = (int64_t)div_floor((int128)mass * (until - first_day), days);
        counted += share_of(next - cut, share);
        cut = next;
        day = until;
    }
    return counted;
}

static int compare_history(const struct history_row *row, uint32_t facility, int scope, int year,
                           int month)
{
    if (row->facility != facility)
        return row->facility < facility ? -1 : 1;
    if (row->scope != scope)
        return row->scope < scope ? -1 : 1;
    if (row->year != year)
        return row->year < year ? -1 : 1;
    return row->month - month;
}

const struct history_row *targets_history(const struct targets *targets, uint32_t facility,
                                          int scope, int year, int month)
{
    uint32_t low = 0;
    uint32_t high = targets->history_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_history(&targets->history[middle], facility, scope, year, month);
        if (order == 0)
            return &targets->history[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static uint32_t first_holiday(const struct targets *targets, int32_t day)
{
    uint32_t low = 0;
    uint32_t high = targets->holidays_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (targets->holidays[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum holiday_of holiday_of(const struct holiday *holiday, const struct registry *registry,
                           uint32_t facility)
{
    if (holiday->facility != REGISTRY_NONE)
        return holiday->facility == facility ? HOLIDAY_OF_FACILITY : HOLIDAY_OF_OTHERS;
    if (holiday->country == NULL)
        return HOLIDAY_OF_ALL;
    bool same = strcmp(holiday->country, registry->facilities[facility].country) == 0;
    return same ? HOLIDAY_OF_COUNTRY : HOLIDAY_OF_OTHERS;
}

uint8_t targets_days_off(const struct targets *targets, uint32_t facility, uint8_t days_off)
{
    bool given = targets->weekends != NULL && targets->weekends[facility].of != HOLIDAY_OF_OTHERS;
    return given ? targets->weekends[facility].days_off : days_off;
}

bool targets_works(const struct targets *targets, const struct registry *registry,
                   uint32_t facility, int32_t day, uint8_t days_off)
{
    enum holiday_of decides = HOLIDAY_OF_OTHERS;
    uint8_t weekdays_off = targets_days_off(targets, facility, days_off);
    bool works = (weekdays_off >> civil_weekday(day) & 1) == 0;
    for (uint32_t at = first_holiday(targets, day);
         at < targets->holidays_count && targets->holidays[at].day == day; at++) {
        const struct holiday *holiday = &targets->holidays[at];
        enum holiday_of of = holiday_of(holiday, registry, facility);
        if (of <= decides)
            continue;
        decides = of;
        works = holiday->works;
    }
    return works;
}

bool target_has(const struct target *target, const struct registry *registry, uint32_t facility)
{
    if (target->level == TARGET_ALL)
        return true;
    if (target->level == TARGET_FACILITY)
        return target->facility == facility;
    const char *group = registry->facilities[facility].groups[target->group_level];
    return group != NULL && strcmp(group, target->name) == 0;
}

uint8_t target_unmetered(const struct target *target, const struct registry *registry)
{
    uint8_t unmetered = target->scopes;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        const struct facility *facility = &registry->facilities[i];
        if (!target_has(target, registry, i))
            continue;
        for (uint32_t k = 0; k < facility->series_count; k++)
            unmetered &= (uint8_t) ~(1U << registry->series[facility->series_first + k].scope);
    }
    return unmetered;
}
