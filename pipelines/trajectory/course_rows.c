#include "pipelines/trajectory/course_rows.h"

#include <string.h>

#include "base/decimal.h"
#include "base/timestamp.h"
#include "config/targets/civil.h"

_Static_assert(COURSE_SOURCE_3 - COURSE_SOURCE_1 + 1 == COURSE_SOURCES, "a number for each");
_Static_assert(COURSE_SOURCE_3_YTD - COURSE_SOURCE_1_YTD + 1 == COURSE_SOURCES, "and its mass");

static int64_t if_known(bool known, int64_t number)
{
    return known ? number : NULL_NUMBER;
}

/* The nearest number that fits. It is not NULL_NUMBER. */
static int64_t narrow(int128 value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value <= INT64_MIN ? -INT64_MAX : (int64_t)value;
}

static int64_t part_of(int64_t above, int64_t below)
{
    if (below <= 0)
        return NULL_NUMBER;
    return narrow(div_round_even((int128)above * PART_ONE, below));
}

static int64_t date_ms(int32_t day)
{
    return day * DAY_MS;
}

static void put_year_to_date(int64_t *course, const struct course_row *row)
{
    course[COURSE_STAMP] = row->stamp_ms;
    course[COURSE_DAY] = date_ms(row->day);
    course[COURSE_BASE_VERSION] = row->base_version;
    course[COURSE_BASE] = if_known(row->base_mg > 0, row->base_mg);
    course[COURSE_BUDGET] = row->budget_mg;
    course[COURSE_SHARE] = row->share;
    course[COURSE_DUE] = row->due_mg;
    course[COURSE_YTD] = row->ytd_mg;
    course[COURSE_YTD_ESTIMATED] = row->estimated_mg;
    course[COURSE_OVER] = narrow((int128)row->ytd_mg - row->due_mg);
    course[COURSE_COVERAGE] = part_of(row->covered_ms, row->expected_ms);
    course[COURSE_SLIP] = if_known(row->slip != INT32_MIN, row->slip);
    course[COURSE_LEVEL] = row->level;
    course[COURSE_RESTATED] = row->restated;
    course[COURSE_COUNTED] = row->counted;
}

static void put_forecast(int64_t *course, const struct course_row *row, const struct target *target)
{
    const struct forecast *forecast = &row->forecast;
    bool ranged = forecast->given && forecast->interval_given;
    bool used_up = forecast->given && forecast->used_up_day >= 0;
    const struct civil_year year = civil_year_of(row->day, target->year_start);
    course[COURSE_FORECAST] = if_known(forecast->given, forecast->model_mg);
    course[COURSE_FORECAST_LOW] = if_known(ranged, forecast->low_mg);
    course[COURSE_FORECAST_HIGH] = if_known(ranged, forecast->high_mg);
    course[COURSE_FORECAST_RATIO] = if_known(forecast->given, forecast->ratio_mg);
    course[COURSE_MISS_PROBABILITY] =
        if_known(forecast->given && forecast->probability >= 0, forecast->probability);
    course[COURSE_USED_UP_DAY] =
        if_known(used_up, date_ms(year.first_day + (used_up ? forecast->used_up_day : 0)));
    course[COURSE_FORECAST_KNOWN] = forecast->given;
    course[COURSE_INTERVAL_KNOWN] = ranged;
    course[COURSE_USED_UP] = used_up;
}

static void put_progress(int64_t *course, const struct course_row *row)
{
    const struct needed *needed = &row->needed;
    course[COURSE_TRAILING] = if_known(row->trailing_mg != -1, row->trailing_mg);
    course[COURSE_NEEDED_TO_END] = if_known(needed->to_end_known, needed->to_end);
    /* INT64_MIN is what a course has for unknown, too. */
    course[COURSE_NEEDED_CUMULATIVE] = needed->cumulative;
    course[COURSE_ACHIEVED] = row->achieved;
    course[COURSE_OVERSHOOT] = row->overshoot_mg;
}

static void put_sources(int64_t *course, const struct course_source *sources)
{
    for (int i = 0; i < COURSE_SOURCES; i++) {
        bool known = sources[i].index != REGISTRY_NONE;
        course[COURSE_SOURCE_1 + i] = if_known(known, sources[i].index);
        course[COURSE_SOURCE_1_YTD + i] = if_known(known, sources[i].ytd_mg);
    }
}

static void put_transition(int64_t *course, const struct course_transition *transition)
{
    ASSERT(transition->event != COURSE_NOTHING);
    bool is_over = transition->to == ALERT_OK;
    course[COURSE_EVENT] = transition->event;
    course[COURSE_NUMBER] = transition->number;
    course[COURSE_LEVEL_FROM] = transition->from;
    course[COURSE_LEVEL] = transition->to;
    course[COURSE_STARTED] = transition->since_ms; /* INT64_MIN: never */
    course[COURSE_ENDED] = if_known(is_over, transition->day_end_ms);
}

static void put(struct row *row_out, const struct course_told *told, enum row_kind kind)
{
    const struct target *target = told->target;
    memset(row_out, 0, sizeof(*row_out));
    row_out->kind = (uint8_t)kind;
    row_out->facility = target->facility;
    row_out->series = REGISTRY_NONE;
    row_out->target = target;
    for (int i = 0; i < COURSE_NUMBERS; i++)
        row_out->course[i] = NULL_NUMBER;
    put_year_to_date(row_out->course, &told->row);
    put_forecast(row_out->course, &told->row, target);
    put_progress(row_out->course, &told->row);
    put_sources(row_out->course, told->sources);
}

void course_put_row(struct row *row_out, const struct course_told *told, enum row_kind kind)
{
    ASSERT(kind == ROW_TRAJECTORY || kind == ROW_ALERT);
    put(row_out, told, kind);
    row_out->level = told->row.closed ? LEVEL_DAY : LEVEL_HOUR;
    row_out->final = true;
    row_out->window = (struct window){told->row.stamp_ms, told->row.stamp_ms};
    if (kind == ROW_ALERT)
        put_transition(row_out->course, &told->transition);
}

void course_put_now(struct row *row_out, const struct course_told *told, struct window year,
                    uint32_t version)
{
    put(row_out, told, ROW_TRAJECTORY_NOW);
    row_out->level = LEVEL_YEAR;
    row_out->window = year;
    row_out->version = version;
}
