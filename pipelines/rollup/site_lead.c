/* The days of the fiscal year that were over before the ring of a site began. */
#include "pipelines/rollup/site_lead.h"

#include <sys/param.h>

#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_marks.h"
#include "pipelines/rollup/site_periods.h"
#include "pipelines/rollup/site_sums.h"

/* The lead's part of the month or year in which the oldest open day lies. */
static void book(struct site *site, enum level level, int64_t from_ms, int64_t until_ms)
{
    struct period *period = site_find_period(site, level, until_ms);
    ASSERT(period != NULL); /* of a day that is open */
    from_ms = MAX(from_ms, period->window.start_ms);
    if (from_ms >= until_ms)
        return;
    site_expect_span(site, from_ms, until_ms, period->closed);
    period->changed = true;
    site_drop_sum(site, period);
}

void site_open_lead(struct site *site)
{
    int64_t begin_ms = site->expected->begin_ms;
    int64_t until_ms = site_day(site, 0)->window.start_ms;
    if (begin_ms >= until_ms || !site_is_expected(site, begin_ms, until_ms))
        return;
    struct lead *lead = &site->lead;
    /* A facility has one lead. It would have another only if its first reading turned out to be of
     * an earlier fiscal year; then no day of the year before was led. */
    lead->until_ms = site_has_lead(site) ? MAX(lead->until_ms, until_ms) : until_ms;
    lead->from_ms = calendar_window(site->calendar, LEVEL_DAY, begin_ms).start_ms;
    site->changed = true;
    book(site, LEVEL_MONTH, begin_ms, until_ms);
    book(site, LEVEL_YEAR, begin_ms, until_ms);
    site_mark_dirty(site, NULL, &lead->mark, site_lead_sinks(site));
}
