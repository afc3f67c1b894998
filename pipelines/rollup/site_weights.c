/* Coverage by emissions. */
#include "pipelines/rollup/site_weights.h"

#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_sums.h"

/* Parts are floored: finer than a milligram, so that no quotient shows it. */
#define WEIGHT_SCALE 1000000

/* A part of a month would weigh otherwise than the whole one does. */
static bool is_known(const struct site *site, const struct period *month)
{
    return site->conf.known_from_ms == 0 || month->window.start_ms >= site->conf.known_from_ms;
}

/* The floor that belongs to a reading in the bucket that starts then. */
static int64_t floor_at(const struct site *site, int64_t time_ms)
{
    return time_ms - site->conf.window->allowed_delay_ms - site->conf.window->horizon_ms;
}

static const struct period *month_of(const struct site *site, const struct site_clock *clock,
                                     struct window window)
{
    int64_t newest_row = MIN(clock->top_row, site_row_from(site, window.end_ms) - 1);
    int64_t floor_ms = floor_at(site, newest_row * site->conf.window->bucket_ms);
    const struct period *month = NULL;
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        const struct period *period = &site->periods[i];
        if (period->used && period->level == LEVEL_MONTH && period->window.end_ms <= floor_ms &&
            (month == NULL || period->window.end_ms > month->window.end_ms))
            month = period;
    }
    return month == NULL || is_known(site, month) ? month : NULL;
}

/* The month's mass, wherever its days are: no reading can change it any more. */
static int128 emitted(const struct site *site, const struct period *month, uint32_t series)
{
    int128 mass = month->closed[series].value[FIGURE_CO2E];
    for (uint32_t i = 0; i < site->days_count; i++) {
        const struct day *day = site_day(site, i);
        if (day->window.start_ms >= month->window.end_ms)
            break;
        if (site_period_holds(month, day))
            mass += day->cache[series].value[FIGURE_CO2E];
    }
    return mass;
}

static void refresh_days(struct site *site, const struct period *month)
{
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        if (day->window.start_ms >= month->window.end_ms)
            break;
        if (site_period_holds(month, day))
            site_refresh_day(site, day);
    }
}

struct weights site_weigh(struct site *site, const struct site_clock *clock, struct window window)
{
    struct weights weights = {0, 0};
    const struct period *month = month_of(site, clock, window);
    if (month == NULL)
        return weights;
    refresh_days(site, month);
    for (uint32_t i = 0; i < site->facility->series_count; i++) {
        const struct figures *figures = &site->scratch.window[i];
        int128 expected_ms = figures->value[FIGURE_EXPECTED];
        int128 covered_ms = MIN(figures->value[FIGURE_COVERED], expected_ms);
        int128 weight = expected_ms > 0 ? emitted(site, month, i) * WEIGHT_SCALE : 0;
        if (weight <= 0)
            continue;
        /* weight * covered / expected, where the product might not fit */
        weights.covered +=
            weight / expected_ms * covered_ms + weight % expected_ms * covered_ms / expected_ms;
        weights.total += weight;
    }
    return weights;
}

bool site_weighs_by(const struct site *site, const struct period *period)
{
    /* The row of a month may be written as late as its days have left. */
    int64_t oldest_ms = site_day(site, 0)->window.start_ms - 31 * DAY_MS;
    return period->level == LEVEL_MONTH &&
           calendar_window(site->calendar, LEVEL_MONTH, period->window.end_ms).end_ms >
               floor_at(site, oldest_ms);
}
