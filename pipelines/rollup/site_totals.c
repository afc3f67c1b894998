/* The daily totals of a facility. */
#include "pipelines/rollup/site_totals.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "config/targets/past.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_marks.h"
#include "pipelines/rollup/site_sums.h"

size_t site_totals_size(void)
{
    return sizeof(struct site_totals) + day_ledger_size(LEDGER_DAYS_MAX);
}

int site_totals_create(struct site_totals **totals_out, uint32_t meter)
{
    struct site_totals *totals = calloc(1, sizeof(*totals));
    if (totals == NULL)
        return -ENOMEM;
    int err = day_ledger_create(&totals->ledger, LEDGER_DAYS_MAX);
    if (err < 0) {
        free(totals);
        return err;
    }
    totals->meter = meter;
    totals->production_day = INT32_MIN;
    totals->seen_ms = INT64_MIN;
    totals->saved_first = INT32_MAX;
    totals->saved_last = INT32_MIN;
    site_totals_judged(totals);
    *totals_out = totals;
    return 0;
}

void site_totals_destroy(struct site_totals **totals)
{
    struct site_totals *gone = TAKE(*totals);
    if (gone == NULL)
        return;
    day_ledger_destroy(&gone->ledger);
    free(gone);
}

void site_totals_judged(struct site_totals *totals)
{
    totals->changed_day = totals->set_first = INT32_MAX;
    totals->set_last = INT32_MIN;
}

int32_t site_local_day(const struct site *site, struct window day)
{
    return past_local_day(site->conf.registry, site->facility->zone, day.start_ms);
}

/* --- setting days --- */

static bool is_flagged_alike(const struct day_total *a, const struct day_total *b)
{
    return a->known == b->known && a->final == b->final && a->whole == b->whole;
}

static bool is_equal(const struct day_total *a, const struct day_total *b)
{
    for (int scope = 0; scope < LEDGER_SCOPES; scope++) {
        if (a->mg[scope] != b->mg[scope] || a->estimated_mg[scope] != b->estimated_mg[scope])
            return false;
    }
    return a->production_micro == b->production_micro && a->covered_ms == b->covered_ms &&
           a->expected_ms == b->expected_ms;
}

static void put(struct site *site, int32_t day, const struct day_total *total)
{
    struct site_totals *totals = site->totals;
    const struct day_total *before = day_ledger_get(totals->ledger, day);
    bool equal = before != NULL && is_equal(before, total);
    if (equal && is_flagged_alike(before, total))
        return;
    if (!day_ledger_set(totals->ledger, day, total))
        return; /* older than twelve years */
    if (!equal)
        totals->changed_day = MIN(totals->changed_day, day);
    totals->set_first = MIN(totals->set_first, day);
    totals->set_last = MAX(totals->set_last, day);
    totals->saved_first = MIN(totals->saved_first, day);
    totals->saved_last = MAX(totals->saved_last, day);
    site->changed = true;
}

void site_totals_restore(struct site_totals *totals, int32_t day, const struct day_total *total)
{
    (void)day_ledger_set(totals->ledger, day, total);
    totals->set_first = MIN(totals->set_first, day);
    totals->set_last = MAX(totals->set_last, day);
}

/* --- forming them --- */

static int64_t narrow(int128 value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

/* Adds what the day's cache holds. Returns whether there is any reading in it. */
static bool add_cache(const struct site *site, const struct figures *cache, struct day_total *total)
{
    const struct registry *registry = site->conf.registry;
    uint32_t produced = site->totals->meter == REGISTRY_NONE
                            ? REGISTRY_NONE
                            : registry->meters[site->totals->meter].series;
    int128 covered_ms = total->covered_ms;
    bool any = false;
    for (uint32_t i = 0; i < site->facility->series_count; i++) {
        uint32_t series = site->facility->series_first + i;
        uint8_t scope = registry->series[series].scope;
        const int128 *value = cache[i].value;
        ASSERT(scope < LEDGER_SCOPES);
        total->mg[scope] = narrow(total->mg[scope] + value[FIGURE_CO2E]);
        total->estimated_mg[scope] =
            narrow(total->estimated_mg[scope] + value[FIGURE_CO2E_ESTIMATED]);
        if (series == produced)
            total->production_micro = narrow(value[FIGURE_ACTIVITY]);
        covered_ms += value[FIGURE_COVERED];
        any |= value[FIGURE_CELLS] != 0;
    }
    total->covered_ms = narrow(covered_ms);
    return any;
}

/* The time of the rows in which meters are expected, and which deliveries cover. */
static void add_expected(struct site *site, const struct site_clock *clock, int64_t from_row,
                         int64_t to_row, struct day_total *total)
{
    struct figures *figures = site->scratch.window;
    int128 expected_ms = 0;
    int128 covered_ms = 0;
    site_clear_figures(site, figures, site->scratch.reporting);
    site_expect(site, clock, from_row, to_row, figures);
    for (uint32_t i = 0; i < site->facility->series_count; i++) {
        expected_ms += figures[i].value[FIGURE_EXPECTED];
        covered_ms += figures[i].value[FIGURE_COVERED];
    }
    total->expected_ms = narrow(expected_ms);
    total->covered_ms = narrow(covered_ms);
}

/* cache: NULL if the day is not open. A day before the first reading, in which nothing was
 * expected, has no total; a day with neither readings nor expectations has no rows, and is not
 * whole. */
static void form(struct site *site, const struct site_clock *clock, struct window window,
                 const struct figures *cache, bool is_final)
{
    int64_t from_row = site_row_from(site, window.start_ms);
    int64_t to_row = site_row_from(site, window.end_ms);
    struct day_total total = {.known = true, .final = is_final};
    if (site->first_row == INT64_MAX)
        return;
    add_expected(site, clock, from_row, to_row, &total);
    bool any = cache != NULL && add_cache(site, cache, &total);
    if (!any && total.expected_ms == 0 && to_row <= site->first_row)
        return;
    total.whole = is_final && (any || total.expected_ms > 0);
    put(site, site_local_day(site, window), &total);
}

/* Days that have not been opened, because nothing touched them and no row was taken since. */
static void form_unopened(struct site *site, const struct site_clock *clock, int64_t watermark_ms)
{
    int64_t end_ms = (clock->top_row + 1) * site->conf.window->bucket_ms;
    int64_t start_ms = site_newest_day(site)->window.end_ms;
    while (start_ms < end_ms) {
        struct window window = calendar_window(site->calendar, LEVEL_DAY, start_ms);
        if (!site_has_passed(site, site->totals->seen_ms, window.end_ms))
            form(site, clock, window, NULL, site_has_passed(site, watermark_ms, window.end_ms));
        start_ms = window.end_ms;
    }
}

void site_totals_refresh(struct site *site, const struct site_clock *clock, int64_t watermark_ms)
{
    struct site_totals *totals = site->totals;
    int64_t end_ms = (clock->top_row + 1) * site->conf.window->bucket_ms;
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        if (day->window.start_ms >= end_ms)
            break;
        if (!day->total_stale && site_has_passed(site, totals->seen_ms, day->window.end_ms))
            continue;
        site_refresh_day(site, day);
        day->total_stale = false;
        form(site, clock, day->window, day->cache,
             site_has_passed(site, watermark_ms, day->window.end_ms));
    }
    form_unopened(site, clock, watermark_ms);
    totals->seen_ms = watermark_ms;
    totals->floor_ms = clock->floor_ms;
}

void site_totals_close(struct site *site, const struct site_clock *clock, const struct day *day)
{
    form(site, clock, day->window, day->cache, true);
}

void site_totals_expect(struct site *site, bool whole)
{
    struct site_totals *totals = site->totals;
    totals->seen_ms = INT64_MIN;
    if (site->expected->begin_ms == INT64_MAX)
        return;
    int64_t until_ms = site_day(site, 0)->window.start_ms;
    int64_t from_ms = MAX(site->expected->begin_ms, until_ms - LEDGER_DAYS_MAX * DAY_MS);
    while (from_ms < until_ms) {
        struct window window = calendar_window(site->calendar, LEVEL_DAY, from_ms);
        int32_t day = site_local_day(site, window);
        struct day_total total = {.known = true, .final = true, .whole = whole};
        site_clear_figures(site, site->scratch.window, site->scratch.reporting);
        site_expect_span(site, window.start_ms, window.end_ms, site->scratch.window);
        for (uint32_t i = 0; i < site->facility->series_count; i++)
            total.expected_ms += (int64_t)site->scratch.window[i].value[FIGURE_EXPECTED];
        if (total.expected_ms > 0 && day_ledger_get(totals->ledger, day) == NULL)
            put(site, day, &total);
        from_ms = window.end_ms;
    }
}
