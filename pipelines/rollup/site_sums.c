/* The sums of a site's days: what a month and a year hold. */
#include "pipelines/rollup/site_sums.h"

#include <string.h>

void site_clear_figures(const struct site *site, struct figures *figures, uint64_t *reporting)
{
    for (uint32_t i = 0; i < site->facility->series_count; i++)
        figures_clear(&figures[i]);
    memset(reporting, 0, site->words * sizeof(*reporting));
}

static void add_to(const struct site *site, const struct figures *terms, const uint64_t *bits,
                   struct figures *sums, uint64_t *reporting)
{
    for (uint32_t i = 0; i < site->facility->series_count; i++)
        figures_add(&sums[i], &terms[i]);
    for (uint32_t i = 0; i < site->words; i++)
        reporting[i] |= bits[i];
}

void site_add_day(const struct site *site, const struct day *day, struct figures *sums,
                  uint64_t *reporting)
{
    add_to(site, day->cache, day->reporting, sums, reporting);
}

static const struct day *open_day(const struct site *site, uint32_t index)
{
    return &site->days[(site->days_first + index) % site->days_capacity];
}

/* Sums the closed part and the open days from scratch. */
static void form(const struct site *site, const struct period *period, struct figures *sums,
                 uint64_t *reporting)
{
    for (uint32_t i = 0; i < site->facility->series_count; i++)
        figures_copy(&sums[i], &period->closed[i]);
    memcpy(reporting, period->reporting, site->words * sizeof(*reporting));
    for (uint32_t i = 0; i < site->days_count; i++) {
        const struct day *day = open_day(site, i);
        if (site_period_holds(period, day))
            site_add_day(site, day, sums, reporting);
    }
}

const struct period_sum *site_get_sum(struct site *site, const struct period *period)
{
    struct period_sum *sum = &site->sums[period->level == LEVEL_YEAR];
    if (sum->period != period)
        form(site, period, sum->figures, sum->reporting);
    sum->period = period;
    return sum;
}

void site_correct_sums(struct site *site, const struct day *day, const struct figures *change)
{
    for (uint32_t i = 0; i < SITE_SUMS; i++) {
        struct period_sum *sum = &site->sums[i];
        if (sum->period != NULL && site_period_holds(sum->period, day))
            add_to(site, change, day->reporting, sum->figures, sum->reporting);
    }
}

void site_drop_sums(struct site *site, const struct day *day)
{
    for (uint32_t i = 0; i < SITE_SUMS; i++) {
        struct period_sum *sum = &site->sums[i];
        if (sum->period != NULL && site_period_holds(sum->period, day))
            sum->period = NULL;
    }
}

void site_drop_sum(struct site *site, const struct period *period)
{
    struct period_sum *sum = &site->sums[period->level == LEVEL_YEAR];
    if (sum->period == period)
        sum->period = NULL;
}

/* --- sums in step --- */

static int128 sum_figure(const struct site *site, const struct period *period, uint32_t series,
                         size_t figure)
{
    int128 sum = period->closed[series].value[figure];
    for (uint32_t i = 0; i < site->days_count; i++) {
        const struct day *day = open_day(site, i);
        if (day->summed && site_period_holds(period, day))
            sum += day->cache[series].value[figure];
    }
    return sum;
}

static uint64_t join_bits(const struct site *site, const struct period *period, uint32_t word)
{
    uint64_t bits = period->reporting[word];
    for (uint32_t i = 0; i < site->days_count; i++) {
        const struct day *day = open_day(site, i);
        if (day->summed && site_period_holds(period, day))
            bits |= day->reporting[word];
    }
    return bits;
}

void site_check_sums(const struct site *site)
{
    for (uint32_t i = 0; i < SITE_SUMS; i++) {
        const struct period_sum *sum = &site->sums[i];
        if (sum->period == NULL)
            continue;
        ASSERT(sum->period->used);
        for (uint32_t series = 0; series < site->facility->series_count; series++)
            for (size_t figure = 0; figure < FIGURE_COUNT; figure++)
                ASSERT(sum->figures[series].value[figure] ==
                       sum_figure(site, sum->period, series, figure));
        for (uint32_t word = 0; word < site->words; word++)
            ASSERT(sum->reporting[word] == join_bits(site, sum->period, word));
    }
}
