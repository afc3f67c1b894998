/* The windows of a site as readings come and time passes. */
#include "pipelines/rollup/site_windows.h"

#include <sys/param.h>

#include "config/registry/counters.h"
#include "pipelines/metering/stock.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_documents.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_marks.h"
#include "pipelines/rollup/site_periods.h"
#include "pipelines/rollup/site_totals.h"

/* --- touching --- */

static int64_t row_end_ms(const struct site *site, int64_t row)
{
    return (row + 1) * site->conf.window->bucket_ms;
}

/* Readings that have touched the same windows. */
struct touch {
    struct site *site;
    int64_t passed_ms; /* as in the clock */
    uint32_t readings;
};

static void tell_mark(const struct touch *touch, enum level level, struct day *day,
                      struct mark *mark, int64_t end_ms)
{
    const struct mark_place place = {
        .mark = mark, .day = day, .end_ms = end_ms, .sinks = site_sinks_of(touch->site, level)};
    site_touch_mark(touch->site, touch->passed_ms, &place, touch->readings);
}

static void tell_period(const struct touch *touch, enum level level, int64_t time_ms)
{
    struct period *period = site_find_period(touch->site, level, time_ms);
    ASSERT(period != NULL); /* made when its day was opened, and kept while the day is */
    tell_mark(touch, level, NULL, &period->mark, period->window.end_ms);
}

/* Tells every window around the rows [from, to) once. They lie in one day. */
static void tell_windows(const struct touch *touch, struct day *day, int64_t from_row,
                         int64_t to_row)
{
    struct site *site = touch->site;
    uint32_t hour = UINT32_MAX;
    for (int64_t row = from_row; row < to_row; row++) {
        tell_mark(touch, LEVEL_BUCKET, day, &site->row_marks[panel_slot(site->panel, row)],
                  row_end_ms(site, row));
        uint32_t row_hour = day->hours_count > 0 ? site_hour_index(day, row) : UINT32_MAX;
        if (row_hour == hour)
            continue;
        hour = row_hour;
        tell_mark(touch, LEVEL_HOUR, day, &day->hours[hour],
                  row_end_ms(site, day->first_row + day->hour_row[hour + 1] - 1));
    }
    tell_mark(touch, LEVEL_DAY, day, &day->mark, day->window.end_ms);
    tell_period(touch, LEVEL_MONTH, day->window.start_ms);
    tell_period(touch, LEVEL_YEAR, day->window.start_ms);
}

/* Rows of [from, to) in which another version of the register is valid: it has its readings too. */
static void mark_version_stale(struct site *site, uint32_t version, int64_t from_row,
                               int64_t to_row)
{
    const struct meter *meter = &site->conf.registry->meters[version];
    if (meter->valid_from_ms > row_end_ms(site, from_row))
        from_row = site_row(site, meter->valid_from_ms);
    if (meter->valid_to_ms < row_end_ms(site, to_row))
        to_row = MIN(to_row, site_row(site, meter->valid_to_ms) + 1);
    for (int64_t row = from_row; row < to_row; row++)
        panel_mark_stale(site->panel, row, version - site->facility->meters_first);
}

/* The part of [from, to) that lies in one day. */
static void mark_stale(struct site *site, struct day *day, uint32_t column, int64_t from_row,
                       int64_t to_row)
{
    uint32_t meter = column + site->facility->meters_first;
    for (uint32_t version = counters_next(site->conf.registry, meter, REGISTRY_NONE);
         version != REGISTRY_NONE; version = counters_next(site->conf.registry, meter, version))
        mark_version_stale(site, version, from_row, to_row);
    day->stale_row = MIN(day->stale_row, from_row);
    day->stale_end_row = MAX(day->stale_end_row, to_row);
    day->total_stale = true;
    for (int64_t row = from_row; row < to_row; row++)
        panel_mark_stale(site->panel, row, column);
}

/* --- stocks that accrue --- */

/* The rows of one day to which the accrual of the column has come. Those before the last dip are in
 * a balance already, and are not touched again. */
static void accrue_column(struct site *site, const struct site_clock *clock, struct day *day,
                          uint32_t column)
{
    const struct journal *journal = &site->journals[column];
    int64_t from_ms = MAX(journal->told_ms, clock->accrued_from_ms);
    if (from_ms >= journal->accrued_ms)
        return;
    const struct touch touch = {site, clock->passed_ms, 1};
    int64_t dip_row = site_row(site, stock_accrual_of(journal).from_ms);
    int64_t from_row = MAX(day->first_row, site_row(site, from_ms));
    int64_t to_row = MIN(day->end_row, site_row_from(site, journal->accrued_ms));
    if (from_row < to_row)
        mark_stale(site, day, column, from_row, to_row);
    if (MAX(from_row, dip_row) < to_row)
        tell_windows(&touch, day, MAX(from_row, dip_row), to_row);
}

static void accrue_day(struct site *site, const struct site_clock *clock, struct day *day)
{
    if (!site->accrues || day->end_row <= site_row(site, clock->accrued_from_ms) ||
        day->first_row >= site_row(site, clock->accrued_ms))
        return;
    for (uint32_t column = 0; column < site->facility->meters_count; column++)
        accrue_column(site, clock, day, column);
}

void site_begin_accrual(struct site *site, const struct site_clock *clock)
{
    if (!site->accrues)
        return;
    site_set_accrued(site, clock->accrued_ms);
    for (uint32_t i = 0; i < site->days_count; i++)
        accrue_day(site, clock, site_day(site, i));
}

/* --- opening and retiring --- */

/* Lets the oldest day go if it may; opens its successor if it was the only one. */
static bool retire_oldest(struct site *site, const struct site_clock *clock)
{
    struct day *day = site_day(site, 0);
    if (day->marks.unsettled > 0 || !site_has_periods(site, day->window.start_ms) ||
        !site_has_periods(site, day->window.end_ms))
        return false;
    site_refresh_day(site, day);
    if (site->totals != NULL)
        site_totals_close(site, clock, day);
    site_close_day(site, clock, day);
    int64_t end_ms = day->window.end_ms;
    site_drop_oldest_day(site);
    site->changed = true;
    if (site->days_count == 0) {
        site_open_first_day(site, end_ms);
        accrue_day(site, clock, site_day(site, 0));
    }
    for (uint32_t i = 0; i < site->facility->meters_count; i++)
        site_forget(site, i, end_ms);
    site_drop_periods(site);
    return true;
}

void site_retire(struct site *site, const struct site_clock *clock, int64_t limit_ms)
{
    while (site_day(site, 0)->window.end_ms <= limit_ms && retire_oldest(site, clock)) {
    }
}

/* Makes sure that the row's day is open. Returns false if a day has to be settled first. */
static bool reach(struct site *site, const struct site_clock *clock, int64_t row)
{
    while (row >= site_newest_day(site)->end_row) {
        if (site_has_room(site) && site_has_periods(site, site_newest_day(site)->window.end_ms)) {
            site_open_next_day(site);
            accrue_day(site, clock, site_newest_day(site));
            continue;
        }
        if (site_day(site, 0)->window.end_ms > clock->floor_ms || !retire_oldest(site, clock))
            return false;
    }
    return true;
}

int64_t site_touch(struct site *site, const struct site_clock *clock, uint32_t column,
                   int64_t from_row, int64_t to_row)
{
    site_tell(site); /* a day may leave */
    const struct touch touch = {site, clock->passed_ms, 1};
    while (from_row < to_row) {
        if (!reach(site, clock, from_row))
            return from_row;
        struct day *day = site_find_day(site, from_row);
        ASSERT(day != NULL); /* nothing before the floor gets here */
        int64_t until_row = MIN(to_row, day->end_row);
        mark_stale(site, day, column, from_row, until_row);
        tell_windows(&touch, day, from_row, until_row);
        from_row = until_row;
    }
    return to_row;
}

bool site_end_accrual(struct site *site, const struct site_clock *clock)
{
    int64_t end_ms = INT64_MIN;
    for (uint32_t column = 0; site->accrues && column < site->facility->meters_count; column++) {
        const struct journal *journal = &site->journals[column];
        if (MAX(journal->told_ms, clock->accrued_from_ms) < journal->accrued_ms)
            end_ms = MAX(end_ms, journal->accrued_ms);
    }
    if (end_ms == INT64_MIN)
        return true;
    site_tell(site); /* a day may leave */
    return reach(site, clock, site_row_from(site, end_ms) - 1);
}

void site_expect_touches(struct site *site, const struct site_clock *clock, int64_t from_row,
                         int64_t to_row)
{
    ASSERT(site->touched.day == NULL);
    struct day *day = site_find_day(site, from_row); /* NULL: it has left since */
    if (day != NULL && to_row <= day->end_row)
        site->touched = (struct touched){
            .day = day, .from_row = from_row, .to_row = to_row, .passed_ms = clock->passed_ms};
}

/* As the watermark only rises, a bucket that it has not passed was not passed before. Then none of
 * the windows around it was. */
static bool passes_as_before(const struct site *site, const struct site_clock *clock)
{
    return clock->passed_ms == site->touched.passed_ms ||
           !site_has_passed(site, clock->passed_ms, row_end_ms(site, site->touched.from_row));
}

bool site_touch_again(struct site *site, const struct site_clock *clock, uint32_t column,
                      int64_t from_row, int64_t to_row)
{
    struct touched *touched = &site->touched;
    if (touched->day == NULL || from_row != touched->from_row || to_row != touched->to_row ||
        !passes_as_before(site, clock))
        return false;
    mark_stale(site, touched->day, column, from_row, to_row);
    touched->untold++;
    return true;
}

void site_tell(struct site *site)
{
    const struct touched touched = site->touched;
    site->touched = (struct touched){.day = NULL};
    if (touched.untold == 0)
        return;
    const struct touch touch = {site, touched.passed_ms, touched.untold};
    tell_windows(&touch, touched.day, touched.from_row, touched.to_row);
}

/* --- time passes --- */

/* A window without a reading in which none was expected has no row. */
static void close_mark(struct site *site, const struct site_clock *clock, enum level level,
                       struct day *day, struct mark *mark, struct window window)
{
    if (window.end_ms > site->closed_ms && window.end_ms <= clock->final_ms &&
        (mark->touches > 0 || site_is_expected(site, window.start_ms, window.end_ms)))
        site_mark_dirty(site, day, mark, site_sinks_of(site, level));
}

static void write_again(struct site *site, enum level level, struct day *day, struct mark *mark)
{
    if (mark->touches > 0) /* of a window without a reading nothing is told before it is final */
        site_mark_dirty(site, day, mark, site_sinks_of(site, level));
}

static void expect_more_of_day(struct site *site, struct day *day, int64_t from_row)
{
    for (uint32_t hour = 0; hour < day->hours_count; hour++) {
        int64_t end_row = day->first_row + day->hour_row[hour + 1];
        if (end_row > from_row)
            write_again(site, LEVEL_HOUR, day, &day->hours[hour]);
    }
    write_again(site, LEVEL_DAY, day, &day->mark);
}

/* The shard has come to further buckets, perhaps by the readings of others. The hours, days, months
 * and years around them expect readings of them. */
static void expect_more(struct site *site, const struct site_clock *clock)
{
    int64_t seen_row = MIN(clock->top_row, site_newest_day(site)->end_row - 1);
    if (seen_row <= site->seen_row)
        return;
    int64_t from_row = MAX(site->seen_row + 1, site->first_row);
    for (uint32_t i = 0; i < site->days_count; i++) {
        if (site_day(site, i)->end_row > from_row)
            expect_more_of_day(site, site_day(site, i), from_row);
    }
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (period->used && period->window.end_ms >= row_end_ms(site, from_row))
            write_again(site, (enum level)period->level, NULL, &period->mark);
    }
    site->seen_row = seen_row;
    site->changed = true;
}

static void close_marks_of_day(struct site *site, const struct site_clock *clock, struct day *day)
{
    int64_t bucket_ms = site->conf.window->bucket_ms;
    int64_t first = MAX(MAX(day->first_row, site->first_row),
                        site->closed_ms == INT64_MIN ? INT64_MIN : site_row(site, site->closed_ms));
    int64_t end = MIN(day->end_row, clock->top_row + 1);
    for (int64_t row = first; row < end && (row + 1) * bucket_ms <= clock->final_ms; row++)
        close_mark(site, clock, LEVEL_BUCKET, day, &site->row_marks[panel_slot(site->panel, row)],
                   (struct window){row * bucket_ms, (row + 1) * bucket_ms});
    for (uint32_t hour = 0; hour < day->hours_count; hour++) {
        int64_t first_row = day->first_row + day->hour_row[hour];
        int64_t end_row = day->first_row + day->hour_row[hour + 1];
        if (end_row > site->first_row)
            close_mark(site, clock, LEVEL_HOUR, day, &day->hours[hour],
                       (struct window){first_row * bucket_ms, end_row * bucket_ms});
    }
    close_mark(site, clock, LEVEL_DAY, day, &day->mark, day->window);
}

bool site_has_opened(const struct site *site, const struct site_clock *clock)
{
    return site->first_row == INT64_MAX || site_newest_day(site)->end_row > clock->top_row;
}

void site_advance(struct site *site, const struct site_clock *clock)
{
    ASSERT(site->touched.day == NULL); /* no batch is being applied */
    if (site->first_row == INT64_MAX)
        return;
    bool reached = reach(site, clock, clock->top_row);
    expect_more(site, clock);
    if (clock->final_ms <= site->closed_ms)
        return;
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        if (day->window.end_ms > site->closed_ms)
            close_marks_of_day(site, clock, day);
    }
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (period->used)
            close_mark(site, clock, (enum level)period->level, NULL, &period->mark, period->window);
    }
    site->changed = true;
    site->closed_ms =
        reached ? clock->final_ms : MIN(clock->final_ms, site_newest_day(site)->window.end_ms);
}
