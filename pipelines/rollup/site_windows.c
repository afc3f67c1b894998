/* The windows of a site: which are open, which are touched, which may go. */
#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site.h"

int64_t site_row(const struct site *site, int64_t time_ms)
{
    int64_t bucket_ms = site->conf.window->bucket_ms;
    return time_ms / bucket_ms - (time_ms % bucket_ms < 0);
}

int64_t site_row_from(const struct site *site, int64_t time_ms)
{
    return site_row(site, time_ms + site->conf.window->bucket_ms - 1);
}

static struct day *newest_day(const struct site *site)
{
    return site_day(site, site->days_count - 1);
}

/* --- days --- */

static void day_open(struct site *site, struct day *day, int64_t time_ms)
{
    struct figures *cache = day->cache;
    uint64_t *reporting = day->reporting;
    *day = (struct day){.cache = cache, .reporting = reporting};
    day->window = calendar_window(site->calendar, LEVEL_DAY, time_ms);
    day->first_row = site_row_from(site, day->window.start_ms);
    day->end_row = site_row_from(site, day->window.end_ms);
    day->stale_row = day->end_row;
    day->stale_end_row = day->first_row;
    int64_t hour_ms = day->window.start_ms;
    if (site->conf.window->bucket_ms == HOUR_MS)
        return; /* the buckets are the hours: one row, not two of the same name */
    while (hour_ms < day->window.end_ms && day->hours_count < HOURS_PER_DAY_MAX) {
        day->hour_row[day->hours_count++] =
            (uint16_t)(site_row_from(site, hour_ms) - day->first_row);
        hour_ms = calendar_window(site->calendar, LEVEL_HOUR, hour_ms).end_ms;
    }
    day->hour_row[day->hours_count] = (uint16_t)(day->end_row - day->first_row);
}

void site_open_first_day(struct site *site, int64_t time_ms)
{
    ASSERT(site->days_count == 0);
    site->days_first = 0;
    site->days_count = 1;
    day_open(site, site_day(site, 0), time_ms);
}

bool site_has_room(const struct site *site)
{
    int64_t next_ms = newest_day(site)->window.end_ms;
    struct window next = calendar_window(site->calendar, LEVEL_DAY, next_ms);
    return site_row_from(site, next.end_ms) - site_day(site, 0)->first_row <=
               (int64_t)site->panel->rows &&
           site->days_count < site->days_capacity;
}

void site_open_next_day(struct site *site)
{
    int64_t next_ms = newest_day(site)->window.end_ms;
    site->days_count++;
    day_open(site, newest_day(site), next_ms);
}

void site_drop_oldest_day(struct site *site)
{
    const struct day *day = site_day(site, 0);
    for (int64_t row = day->first_row; row < day->end_row; row++) {
        panel_clear_row(site->panel, row);
        site->row_marks[panel_slot(site->panel, row)] = (struct mark){0};
    }
    site->days_first = (site->days_first + 1) % site->days_capacity;
    site->days_count--;
}

static struct day *find_day(const struct site *site, int64_t row)
{
    for (uint32_t i = site->days_count; i-- > 0;) {
        struct day *day = site_day(site, i);
        if (row >= day->first_row)
            return row < day->end_row ? day : NULL;
    }
    return NULL;
}

/* Hours are nearly all of one length: the guess is at most a change of clocks away. */
static uint32_t hour_index(const struct day *day, int64_t row)
{
    int64_t offset = row - day->first_row;
    int64_t rows_count = day->end_row - day->first_row;
    uint32_t hour = (uint32_t)(offset * day->hours_count / rows_count);
    while (hour > 0 && day->hour_row[hour] > offset)
        hour--;
    while (hour + 1 < day->hours_count && day->hour_row[hour + 1] <= offset)
        hour++;
    return hour;
}

/* --- months and years --- */

struct period *site_find_period(struct site *site, enum level level, int64_t time_ms)
{
    struct period *unused = NULL;
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (!period->used)
            unused = period;
        else if (period->level == level && time_ms >= period->window.start_ms &&
                 time_ms < period->window.end_ms)
            return period;
    }
    if (unused == NULL)
        return NULL;
    site->changed = true;
    unused->used = unused->changed = true;
    unused->level = (uint8_t)level;
    unused->window = calendar_window(site->calendar, level, time_ms);
    unused->mark = (struct mark){0};
    site_clear_period(site, unused);
    return unused;
}

void site_clear_period(struct site *site, struct period *period)
{
    memset(period->closed, 0, site->facility->series_count * sizeof(*period->closed));
    memset(period->reporting, 0, site->words * sizeof(*period->reporting));
}

/* Periods that no day can change any more, and that every sink has. */
static void drop_periods(struct site *site)
{
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (!period->used || period->window.end_ms > site_day(site, 0)->window.start_ms ||
            !marks_are_settled(period->mark.sinks))
            continue;
        period->used = false;
        for (uint32_t k = 0; period->level == LEVEL_YEAR && k < site->facility->series_count; k++)
            site->balance[k] -= period->closed[k].value[FIGURE_ACTIVITY];
    }
}

static void close_day_into(struct site *site, const struct site_clock *clock, const struct day *day,
                           struct period *period)
{
    for (uint32_t i = 0; i < site->facility->series_count; i++)
        figures_add(&period->closed[i], &day->cache[i]);
    site_expect(site, clock, day->first_row, day->end_row, period->closed);
    for (uint32_t i = 0; i < site->words; i++)
        period->reporting[i] |= day->reporting[i];
    period->changed = true;
}

/* --- opening and retiring --- */

/* Whether the month and the year of a day are there, or could be made. */
static bool has_periods(struct site *site, int64_t time_ms)
{
    return site_find_period(site, LEVEL_MONTH, time_ms) != NULL &&
           site_find_period(site, LEVEL_YEAR, time_ms) != NULL;
}

/* Lets the oldest day go if it may; opens its successor if it was the only one. */
static bool retire_oldest(struct site *site, const struct site_clock *clock)
{
    struct day *day = site_day(site, 0);
    if (day->marks.unsettled > 0 || !has_periods(site, day->window.start_ms) ||
        !has_periods(site, day->window.end_ms))
        return false;
    site_refresh_day(site, day);
    close_day_into(site, clock, day, site_find_period(site, LEVEL_MONTH, day->window.start_ms));
    close_day_into(site, clock, day, site_find_period(site, LEVEL_YEAR, day->window.start_ms));
    int64_t end_ms = day->window.end_ms;
    site_drop_oldest_day(site);
    site->changed = true;
    if (site->days_count == 0)
        site_open_first_day(site, end_ms);
    for (uint32_t i = 0; i < site->facility->meters_count; i++)
        booking_forget(&site->panel->meters[i], &site->journals[i], end_ms);
    drop_periods(site);
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
    while (row >= newest_day(site)->end_row) {
        if (site_has_room(site) && has_periods(site, newest_day(site)->window.end_ms)) {
            site_open_next_day(site);
            continue;
        }
        if (site_day(site, 0)->window.end_ms > clock->floor_ms || !retire_oldest(site, clock))
            return false;
    }
    return true;
}

/* --- touching --- */

static void touch_period(struct site *site, const struct site_clock *clock, enum level level,
                         int64_t time_ms)
{
    struct period *period = site_find_period(site, level, time_ms);
    ASSERT(period != NULL); /* made when its day was opened, and kept while the day is */
    site_touch_mark(site, clock, NULL, &period->mark, period->window.end_ms);
}

/* The part of [from, to) that lies in one day; its windows are touched once each. */
static void touch_day(struct site *site, const struct site_clock *clock, struct day *day,
                      int64_t from_row, int64_t to_row)
{
    int64_t bucket_ms = site->conf.window->bucket_ms;
    uint32_t hour = UINT32_MAX;
    day->stale_row = MIN(day->stale_row, from_row);
    day->stale_end_row = MAX(day->stale_end_row, to_row);
    for (int64_t row = from_row; row < to_row; row++) {
        site_touch_mark(site, clock, day, &site->row_marks[panel_slot(site->panel, row)],
                        (row + 1) * bucket_ms);
        uint32_t row_hour = day->hours_count > 0 ? hour_index(day, row) : UINT32_MAX;
        if (row_hour == hour)
            continue;
        hour = row_hour;
        site_touch_mark(site, clock, day, &day->hours[hour],
                        (day->first_row + day->hour_row[hour + 1]) * bucket_ms);
    }
    site_touch_mark(site, clock, day, &day->mark, day->window.end_ms);
}

/* Earlier than any reading before: from here on the facility is expected to report. */
static void begin_at(struct site *site, int64_t row)
{
    site->first_row = row;
    site->closed_ms = MIN(site->closed_ms, row * site->conf.window->bucket_ms);
    site->seen_row = MIN(site->seen_row, row - 1);
}

int64_t site_touch(struct site *site, const struct site_clock *clock, uint32_t column,
                   int64_t from_row, int64_t to_row)
{
    if (from_row < site->first_row)
        begin_at(site, from_row);
    while (from_row < to_row) {
        if (!reach(site, clock, from_row))
            return from_row;
        struct day *day = find_day(site, from_row);
        ASSERT(day != NULL); /* nothing before the floor gets here */
        int64_t until_row = MIN(to_row, day->end_row);
        for (int64_t row = from_row; row < until_row; row++)
            panel_mark_stale(site->panel, row, column);
        touch_day(site, clock, day, from_row, until_row);
        touch_period(site, clock, LEVEL_MONTH, day->window.start_ms);
        touch_period(site, clock, LEVEL_YEAR, day->window.start_ms);
        from_row = until_row;
    }
    return to_row;
}

/* --- time passes --- */

static void close_mark(struct site *site, const struct site_clock *clock, struct day *day,
                       struct mark *mark, int64_t end_ms)
{
    if (end_ms > site->closed_ms && end_ms <= clock->final_ms)
        site_mark_dirty(site, day, mark, site_all_sinks(site));
}

static void write_again(struct site *site, struct day *day, struct mark *mark)
{
    if (mark->touches > 0) /* of a window without a reading nothing is told before it is final */
        site_mark_dirty(site, day, mark, site_all_sinks(site));
}

static int64_t row_end_ms(const struct site *site, int64_t row)
{
    return (row + 1) * site->conf.window->bucket_ms;
}

static void expect_more_of_day(struct site *site, struct day *day, int64_t from_row)
{
    for (uint32_t hour = 0; hour < day->hours_count; hour++) {
        int64_t end_row = day->first_row + day->hour_row[hour + 1];
        if (end_row > from_row)
            write_again(site, day, &day->hours[hour]);
    }
    write_again(site, day, &day->mark);
}

/* The shard has come to further buckets, perhaps by the readings of others. The hours, days, months
 * and years around them expect readings of them. */
static void expect_more(struct site *site, const struct site_clock *clock)
{
    int64_t seen_row = MIN(clock->top_row, newest_day(site)->end_row - 1);
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
            write_again(site, NULL, &period->mark);
    }
    site->seen_row = seen_row;
    site->changed = true;
}

static void close_day(struct site *site, const struct site_clock *clock, struct day *day)
{
    int64_t bucket_ms = site->conf.window->bucket_ms;
    int64_t first = MAX(MAX(day->first_row, site->first_row),
                        site->closed_ms == INT64_MIN ? INT64_MIN : site_row(site, site->closed_ms));
    int64_t end = MIN(day->end_row, clock->top_row + 1);
    for (int64_t row = first; row < end && (row + 1) * bucket_ms <= clock->final_ms; row++)
        close_mark(site, clock, day, &site->row_marks[panel_slot(site->panel, row)],
                   (row + 1) * bucket_ms);
    for (uint32_t hour = 0; hour < day->hours_count; hour++) {
        int64_t end_row = day->first_row + day->hour_row[hour + 1];
        if (end_row > site->first_row)
            close_mark(site, clock, day, &day->hours[hour], end_row * bucket_ms);
    }
    close_mark(site, clock, day, &day->mark, day->window.end_ms);
}

bool site_has_opened(const struct site *site, const struct site_clock *clock)
{
    return site->first_row == INT64_MAX || newest_day(site)->end_row > clock->top_row;
}

void site_advance(struct site *site, const struct site_clock *clock)
{
    if (site->first_row == INT64_MAX)
        return;
    bool reached = reach(site, clock, clock->top_row);
    expect_more(site, clock);
    if (clock->final_ms <= site->closed_ms)
        return;
    int64_t bucket_ms = site->conf.window->bucket_ms;
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        if (day->window.end_ms > site->closed_ms && day->end_row > site->first_row)
            close_day(site, clock, day);
    }
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (period->used && period->window.end_ms > site->first_row * bucket_ms)
            close_mark(site, clock, NULL, &period->mark, period->window.end_ms);
    }
    site->changed = true;
    site->closed_ms =
        reached ? clock->final_ms : MIN(clock->final_ms, newest_day(site)->window.end_ms);
}

/* --- looking up --- */

int64_t site_closing_ms(const struct site *site, uint32_t sink, int64_t limit_ms)
{
    for (uint32_t i = 0; i < site->days_count; i++) {
        const struct day *day = site_day(site, i);
        if (day->window.end_ms > limit_ms)
            break;
        if (mark_counts_dirty(&day->marks, sink) > 0)
            return day->window.end_ms;
    }
    return INT64_MAX;
}

struct mark *site_find_mark(struct site *site, enum level level, int64_t start_ms,
                            struct day **day_out)
{
    *day_out = NULL;
    if (level == LEVEL_MONTH || level == LEVEL_YEAR) {
        for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
            struct period *period = &site->periods[i];
            if (period->used && period->level == level && period->window.start_ms == start_ms)
                return &period->mark;
        }
        return NULL;
    }
    int64_t row = site_row_from(site, start_ms);
    struct day *day = find_day(site, row);
    *day_out = day;
    if (day == NULL)
        return NULL;
    switch (level) {
    case LEVEL_BUCKET:
        return &site->row_marks[panel_slot(site->panel, row)];
    case LEVEL_HOUR:
        return &day->hours[hour_index(day, row)];
    default:
        return &day->mark;
    }
}
