#include "pipelines/notice/notice_row.h"

#include "base/decimal.h"
#include "base/timestamp.h"
#include "config/targets/civil.h"

_Static_assert(COURSE_SOURCE_3 - COURSE_SOURCE_1 + 1 == (int)NOTICE_SOURCES, "one for each");

static int32_t date_of(int64_t date_ms)
{
    return (int32_t)div_floor(date_ms, DAY_MS);
}

static int32_t day_that_ends(int64_t end_ms)
{
    return date_of(end_ms + DAY_MS / 2) - 1;
}

static const char *facility_name(const struct registry *registry, int64_t facility)
{
    ASSERT(facility >= 0 && facility < registry->facilities_count);
    const char *name = registry->facilities[facility].name;
    return name != NULL && name[0] != '\0' ? name : registry->facilities[facility].id;
}

static const char *source_name(const struct target *target, const struct registry *registry,
                               int64_t index)
{
    if (target->level != TARGET_FACILITY)
        return facility_name(registry, index);
    ASSERT(index >= 0 && index < registry->series_count);
    const struct series *series = &registry->series[index];
    return series->source[0] != '\0' ? series->source : series->category;
}

static void put_sources(struct alert_notice *notice, const struct row *row,
                        const struct registry *registry)
{
    for (int i = 0; i < NOTICE_SOURCES; i++) {
        int64_t index = row->course[COURSE_SOURCE_1 + i];
        if (index == NULL_NUMBER || row->course[COURSE_SOURCE_1_YTD + i] == NULL_NUMBER)
            return;
        notice->sources[i] = (struct notice_source){source_name(row->target, registry, index),
                                                    row->course[COURSE_SOURCE_1_YTD + i]};
    }
}

static void put_times(struct alert_notice *notice, const struct row *row)
{
    const struct target *target = row->target;
    int64_t started_ms = row->course[COURSE_STARTED];
    int64_t ended_ms = row->course[COURSE_ENDED];
    notice->day = date_of(row->course[COURSE_DAY]);
    const struct civil_year year = civil_year_of(notice->day, target->year_start);
    notice->year = year.year;
    notice->year_end_day = year.first_day + year.days - 1;
    notice->since_day = started_ms == NULL_NUMBER ? INT32_MIN : day_that_ends(started_ms);
    notice->start_ms = started_ms == NULL_NUMBER ? row->window.start_ms : started_ms;
    notice->end_ms = ended_ms == NULL_NUMBER ? row->window.start_ms : ended_ms;
}

struct alert_notice notice_of_row(const struct row *row, const struct registry *registry)
{
    ASSERT(row->kind == ROW_ALERT && row->target != NULL);
    const struct target *target = row->target;
    const int64_t *course = row->course;
    bool of_facility = target->level == TARGET_FACILITY;
    struct alert_notice notice = {
        .target = target->id,
        .subject = target->name,
        .name = of_facility ? facility_name(registry, target->facility) : target->name,
        .where = target->level,
        .scopes = target->scopes,
        .intensity = target->form == TARGET_INTENSITY,
        .event = (uint8_t)course[COURSE_EVENT],
        .from = (uint8_t)course[COURSE_LEVEL_FROM],
        .to = (uint8_t)course[COURSE_LEVEL],
        .base_version = (uint16_t)course[COURSE_BASE_VERSION],
        .number = (uint32_t)course[COURSE_NUMBER],
        .budget_mg = course[COURSE_BUDGET],
        .due_mg = course[COURSE_DUE],
        .ytd_mg = course[COURSE_YTD],
        .slip = course[COURSE_SLIP],
        .coverage = course[COURSE_COVERAGE],
        .forecast_mg = course[COURSE_FORECAST],
        .low_mg = course[COURSE_FORECAST_LOW],
        .high_mg = course[COURSE_FORECAST_HIGH],
        .miss = course[COURSE_MISS_PROBABILITY],
    };
    put_times(&notice, row);
    put_sources(&notice, row, registry);
    return notice;
}
