/* The open days of a site: the rows and hours in them, and the sums of their buckets. */
#include "pipelines/rollup/site_days.h"

#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_sums.h"

int64_t site_row(const struct site *site, int64_t time_ms)
{
    int64_t bucket_ms = site->conf.window->bucket_ms;
    return time_ms / bucket_ms - (time_ms % bucket_ms < 0);
}

int64_t site_row_from(const struct site *site, int64_t time_ms)
{
    return site_row(site, time_ms + site->conf.window->bucket_ms - 1);
}

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
    day->total_stale = true;
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
    int64_t next_ms = site_newest_day(site)->window.end_ms;
    struct window next = calendar_window(site->calendar, LEVEL_DAY, next_ms);
    return site_row_from(site, next.end_ms) - site_day(site, 0)->first_row <=
               (int64_t)site->panel->rows &&
           site->days_count < site->days_capacity;
}

void site_open_next_day(struct site *site)
{
    int64_t next_ms = site_newest_day(site)->window.end_ms;
    site->days_count++;
    day_open(site, site_newest_day(site), next_ms);
}

void site_drop_oldest_day(struct site *site)
{
    const struct day *day = site_day(site, 0);
    site->left.negative_rests += day->judgement.negative_rests;
    site->left.check_differences += day->judgement.check_differences;
    for (int64_t row = day->first_row; row < day->end_row; row++) {
        panel_clear_row(site->panel, row);
        site->row_marks[panel_slot(site->panel, row)] = (struct mark){0};
    }
    site->days_first = (site->days_first + 1) % site->days_capacity;
    site->days_count--;
}

struct day *site_find_day(const struct site *site, int64_t row)
{
    for (uint32_t i = site->days_count; i-- > 0;) {
        struct day *day = site_day(site, i);
        if (row >= day->first_row)
            return row < day->end_row ? day : NULL;
    }
    return NULL;
}

/* Hours are nearly all of one length: the guess is at most a change of clocks away. */
uint32_t site_hour_index(const struct day *day, int64_t row)
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

/* --- figures --- */

/* Corrects the day's sum, and those of its month and year, by what its rows gave before and give
 * now. False if some meter no longer reports in a row: all are to be formed again. */
static bool correct_day(struct site *site, struct day *day, int64_t from_row, int64_t to_row)
{
    uint32_t series_count = site->facility->series_count;
    struct figures *change = site->scratch.change;
    for (uint32_t i = 0; i < series_count; i++)
        figures_clear(&change[i]);
    if (!rated_panel_refresh(site->rated, from_row, to_row, change, day->reporting))
        return false;
    for (uint32_t i = 0; i < series_count; i++)
        figures_add(&day->cache[i], &change[i]);
    site_correct_sums(site, day, change);
    return true;
}

static void form_day(struct site *site, struct day *day)
{
    site_clear_figures(site, day->cache, day->reporting);
    rated_panel_add(site->rated, day->first_row, day->end_row, day->cache, day->reporting);
    day->summed = true;
    site_drop_sums(site, day);
}

/* Main meters, sub-meters and check meters beside each other. */
static void judge_day(struct site *site, struct day *day)
{
    if (site->rated->submeters == NULL)
        return;
    day->judgement =
        submeters_judge(site->rated->submeters, site->panel, day->first_row, day->end_row);
    site->rests_untold |= day->judgement.negative_rests > 0;
}

static void refresh_day(struct site *site, struct day *day)
{
    int64_t from_row = day->stale_row;
    int64_t to_row = day->stale_end_row;
    day->stale_row = day->end_row;
    day->stale_end_row = day->first_row;
    if (day->summed && correct_day(site, day, from_row, to_row))
        return;
    if (!day->summed)
        (void)rated_panel_refresh(site->rated, from_row, to_row, NULL, NULL);
    form_day(site, day);
}

void site_refresh_day(struct site *site, struct day *day)
{
    if (day->summed && day->stale_row >= day->stale_end_row)
        return;
    refresh_day(site, day);
    judge_day(site, day);
}
