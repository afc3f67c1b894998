/* The months and years of a site. */
#include "pipelines/rollup/site_periods.h"

#include <string.h>
#include <sys/param.h>

#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_sums.h"
#include "pipelines/rollup/site_weights.h"

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
    site_clear_figures(site, period->closed, period->reporting);
}

bool site_has_periods(struct site *site, int64_t time_ms)
{
    return site_find_period(site, LEVEL_MONTH, time_ms) != NULL &&
           site_find_period(site, LEVEL_YEAR, time_ms) != NULL;
}

static void close_day_into(struct site *site, const struct site_clock *clock, const struct day *day,
                           struct period *period)
{
    site_add_day(site, day, period->closed, period->reporting);
    site_expect(site, clock, day->first_row, day->end_row, period->closed);
    period->changed = true;
    site_drop_sum(site, period);
}

void site_close_day(struct site *site, const struct site_clock *clock, const struct day *day)
{
    int64_t start_ms = day->window.start_ms;
    close_day_into(site, clock, day, site_find_period(site, LEVEL_MONTH, start_ms));
    close_day_into(site, clock, day, site_find_period(site, LEVEL_YEAR, start_ms));
}

void site_drop_periods(struct site *site)
{
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (!period->used || period->window.end_ms > site_day(site, 0)->window.start_ms ||
            !marks_are_settled(period->mark.sinks) || site_weighs_by(site, period))
            continue;
        period->used = false;
        site_drop_sum(site, period);
        for (uint32_t k = 0; period->level == LEVEL_YEAR && k < site->facility->series_count; k++)
            site->balance[k] -= period->closed[k].value[FIGURE_ACTIVITY];
    }
}

void site_sum_period(struct site *site, const struct site_clock *clock, const struct period *period)
{
    int64_t from_row = INT64_MAX;
    int64_t to_row = INT64_MIN;
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        if (!site_period_holds(period, day))
            continue;
        site_refresh_day(site, day);
        from_row = MIN(from_row, day->first_row);
        to_row = MAX(to_row, day->end_row);
    }
    const struct period_sum *sum = site_get_sum(site, period);
    for (uint32_t i = 0; i < site->facility->series_count; i++)
        figures_copy(&site->scratch.window[i], &sum->figures[i]);
    memcpy(site->scratch.reporting, sum->reporting, site->words * sizeof(*sum->reporting));
    site_expect(site, clock, from_row, to_row, site->scratch.window);
}
