/* From the windows of a site to rows. */
#include "pipelines/rollup/site_rows.h"

#include <string.h>
#include <sys/param.h>

#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_energy.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_lead.h"
#include "pipelines/rollup/site_marks.h"
#include "pipelines/rollup/site_periods.h"
#include "pipelines/rollup/site_sums.h"
#include "pipelines/rollup/site_weights.h"

/* Copies all but the figures, which are the last, and the largest. The block's last
 * row here may have been that of a target, which has no figures. */
static struct row *append(struct block *block, const struct row *head)
{
    struct row *out = &block->rows[block->count++];
    if (out->kind >= ROW_WINDOW_KINDS)
        memset(&out->figures, 0, sizeof(out->figures));
    memcpy(out, head, offsetof(struct row, figures));
    return out;
}

/* Sums the scratch figures that a coverage row has, over the series. */
static const struct figures *sum_coverage(const struct site *site)
{
    struct figures *coverage = site->scratch.coverage;
    const struct figures *figures = site->scratch.window;
    figures_clear(coverage);
    for (size_t figure = FIGURE_COVERED; figure < FIGURES_PLAIN; figure++) {
        int128 sum = 0;
        for (uint32_t i = 0; i < site->facility->series_count; i++)
            sum += figures[i].value[figure];
        coverage->value[figure] = sum;
    }
    for (uint32_t i = 0; i < site->facility->series_count; i++)
        if (figures[i].noted)
            figures_add_notes(coverage, &figures[i], 1);
    return coverage;
}

/* Appends the window's rows from the scratch figures: one for every series that has a reading, one
 * for the electricity of the facility if it has any, and one for its coverage, which carries the
 * acknowledgement. The head is that of any series. It is not changed here: a copy that follows a
 * change of it waits for that. */
static void append_rows(const struct site *site, const struct row *head,
                        const struct figures *coverage, struct weights weights, struct block *block)
{
    const struct figures *figures = site->scratch.window;
    for (uint32_t i = 0; i < site->facility->series_count; i++) {
        if (figures[i].value[FIGURE_CELLS] == 0)
            continue;
        struct row *out = append(block, head);
        out->series = site->facility->series_first + i;
        figures_copy(&out->figures, &figures[i]);
    }
    if (site_has_energy(site)) {
        struct row *energy = append(block, head);
        energy->kind = ROW_ENERGY;
        energy->series = REGISTRY_NONE;
        site_put_energy(site->conf.registry, site->facility, figures, energy);
    }
    struct row *out = append(block, head);
    out->kind = ROW_COVERAGE;
    out->series = REGISTRY_NONE;
    figures_copy(&out->figures, coverage);
    out->meters_expected = site_count_expected(site, head->window.start_ms, head->window.end_ms);
    out->weight_covered = weights.covered;
    out->weight_total = weights.total;
    out->meters_reporting = rated_panel_count_reporting(site->rated, site->scratch.reporting);
}

struct row_taking {
    const struct site_clock *clock;
    struct block *block;
    uint32_t sink;
    uint8_t bit; /* of the sink */
};

static bool is_dirty(const struct mark *mark, const struct row_taking *taking)
{
    return marks_are_dirty(mark->sinks, taking->bit);
}

static bool has_room(const struct site *site, const struct block *block)
{
    return block->capacity - block->count > site->facility->series_count + site_has_energy(site);
}

/* Final: the watermark has passed it by the grace, or every expected meter has covered it all. */
static bool is_final(const struct site *site, const struct row_taking *taking, struct window window,
                     const struct figures *coverage)
{
    int64_t seen_ms = (taking->clock->top_row + 1) * site->conf.window->bucket_ms;
    int128 expected_ms = coverage->value[FIGURE_EXPECTED];
    bool complete = expected_ms > 0 && coverage->value[FIGURE_COVERED] == expected_ms;
    return window.end_ms <= taking->clock->final_ms || (complete && window.end_ms <= seen_ms);
}

/* Even, and greater whenever the rows of the window may hold other figures than before. Either an
 * event touched the window, or more of its buckets are expected to hold readings. It goes by the
 * log alone. So every process numbers the rows alike, however often it makes them. */
static uint32_t make_version(const struct site *site, const struct site_clock *clock,
                             struct window window, const struct mark *mark)
{
    int64_t version =
        mark->touches + site_count_expectations(site, clock, site_row_from(site, window.start_ms),
                                                site_row_from(site, window.end_ms));
    return 2 * (uint32_t)MIN(version, UINT32_MAX / 2 - 1);
}

/* The window's figures are in the scratch: makes its rows, and takes the mark. */
static void take(struct site *site, const struct row_taking *taking, enum level level,
                 struct window window, struct day *day, struct mark *mark)
{
    const struct figures *coverage = sum_coverage(site);
    struct row head; /* its figures are not looked at */
    memset(&head, 0, offsetof(struct row, figures));
    head.kind = ROW_EMISSIONS;
    head.level = (uint8_t)level;
    head.final = is_final(site, taking, window, coverage);
    head.partition = site->conf.partition;
    head.facility = site->conf.facility;
    head.window = window;
    head.revision = mark->revision;
    head.version = make_version(site, taking->clock, window, mark) + head.final;
    append_rows(site, &head, coverage, site_weigh(site, taking->clock, window), taking->block);
    site_mark_taken(site, day, mark, taking->sink);
}

struct rows_span {
    int64_t from_row, to_row;
};

static void take_rows_window(struct site *site, const struct row_taking *taking, struct day *day,
                             enum level level, struct rows_span span, struct mark *mark)
{
    int64_t bucket_ms = site->conf.window->bucket_ms;
    struct window window = {span.from_row * bucket_ms, span.to_row * bucket_ms};
    site_clear_figures(site, site->scratch.window, site->scratch.reporting);
    rated_panel_add(site->rated, span.from_row, span.to_row, site->scratch.window,
                    site->scratch.reporting);
    site_expect(site, taking->clock, span.from_row, span.to_row, site->scratch.window);
    take(site, taking, level, window, day, mark);
}

static bool take_buckets(struct site *site, const struct row_taking *taking, struct day *day)
{
    uint32_t slot = panel_slot(site->panel, day->first_row);
    for (int64_t row = day->first_row; row < day->end_row; row++) {
        struct mark *mark = &site->row_marks[slot];
        slot = panel_next_slot(site->panel, slot);
        if (!is_dirty(mark, taking))
            continue;
        if (!has_room(site, taking->block))
            return false;
        take_rows_window(site, taking, day, LEVEL_BUCKET, (struct rows_span){row, row + 1}, mark);
    }
    return true;
}

static bool take_hours(struct site *site, const struct row_taking *taking, struct day *day)
{
    for (uint32_t hour = 0; hour < day->hours_count; hour++) {
        if (!is_dirty(&day->hours[hour], taking))
            continue;
        if (!has_room(site, taking->block))
            return false;
        struct rows_span span = {day->first_row + day->hour_row[hour],
                                 day->first_row + day->hour_row[hour + 1]};
        take_rows_window(site, taking, day, LEVEL_HOUR, span, &day->hours[hour]);
    }
    return true;
}

static bool take_day(struct site *site, const struct row_taking *taking, struct day *day)
{
    if (day->marks.state[taking->sink][MARK_DIRTY] == 0)
        return true;
    site_refresh_day(site, day);
    if (!take_buckets(site, taking, day) || !take_hours(site, taking, day))
        return false;
    if (!is_dirty(&day->mark, taking))
        return true;
    if (!has_room(site, taking->block))
        return false;
    site_clear_figures(site, site->scratch.window, site->scratch.reporting);
    site_add_day(site, day, site->scratch.window, site->scratch.reporting);
    site_expect(site, taking->clock, day->first_row, day->end_row, site->scratch.window);
    take(site, taking, LEVEL_DAY, day->window, day, &day->mark);
    return true;
}

/* The dirty period that ends first, months before years; NULL if no period ends up to limit_ms. */
static struct period *next_period(struct site *site, const struct row_taking *taking,
                                  int64_t limit_ms)
{
    struct period *next = NULL;
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (!period->used || !is_dirty(&period->mark, taking) || period->window.end_ms > limit_ms)
            continue;
        if (next == NULL || period->window.end_ms < next->window.end_ms ||
            (period->window.end_ms == next->window.end_ms && period->level < next->level))
            next = period;
    }
    return next;
}

static bool take_periods(struct site *site, const struct row_taking *taking, int64_t limit_ms)
{
    struct period *period;
    while ((period = next_period(site, taking, limit_ms)) != NULL) {
        if (!has_room(site, taking->block))
            return false;
        site_sum_period(site, taking->clock, period);
        take(site, taking, (enum level)period->level, period->window, NULL, &period->mark);
    }
    return true;
}

/* The rows of a window before the ring; their head is of a window that is over. */
static void take_lead_window(struct site *site, const struct row_taking *taking, enum level level,
                             struct window window)
{
    if ((site_sinks_of(site, level) & taking->bit) == 0 ||
        !site_is_expected(site, window.start_ms, window.end_ms))
        return;
    site_clear_figures(site, site->scratch.window, site->scratch.reporting);
    site_expect_span(site, window.start_ms, window.end_ms, site->scratch.window);
    const struct row head = {.level = (uint8_t)level,
                             .final = true,
                             .partition = site->conf.partition,
                             .facility = site->conf.facility,
                             .window = window,
                             .version =
                                 make_version(site, taking->clock, window, &site->lead.mark) + 1};
    append_rows(site, &head, sum_coverage(site), (struct weights){0, 0}, taking->block);
}

/* Days, and the months that are over with them. */
static bool take_lead(struct site *site, const struct row_taking *taking, int64_t limit_ms)
{
    static const enum level levels[] = {LEVEL_DAY, LEVEL_MONTH};
    struct lead *lead = &site->lead;
    if (!is_dirty(&lead->mark, taking) || lead->until_ms > limit_ms)
        return true;
    ASSERT(taking->block->capacity > LEAD_ROWS_MAX);
    if (taking->block->capacity - taking->block->count <= LEAD_ROWS_MAX)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        struct window window = calendar_window(site->calendar, levels[i], lead->from_ms);
        while (window.end_ms <= lead->until_ms) {
            take_lead_window(site, taking, levels[i], window);
            window = calendar_window(site->calendar, levels[i], window.end_ms);
        }
    }
    site_mark_taken(site, NULL, &lead->mark, taking->sink);
    return true;
}

bool site_take_rows(struct site *site, const struct site_clock *clock, uint32_t sink,
                    int64_t limit_ms, struct block *block)
{
    struct row_taking taking = {
        .clock = clock, .block = block, .sink = sink, .bit = (uint8_t)(1U << sink)};
    if (!take_lead(site, &taking, limit_ms))
        return false;
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        if (day->window.end_ms > limit_ms)
            break;
        if (!take_day(site, &taking, day))
            return false;
    }
    return take_periods(site, &taking, limit_ms);
}

int64_t site_closing_ms(const struct site *site, uint32_t sink, int64_t limit_ms)
{
    if (marks_are_dirty(site->lead.mark.sinks, (uint8_t)(1U << sink)) &&
        site->lead.until_ms <= limit_ms)
        return site->lead.until_ms;
    for (uint32_t i = 0; i < site->days_count; i++) {
        const struct day *day = site_day(site, i);
        if (day->window.end_ms > limit_ms)
            break;
        if (mark_counts_dirty(&day->marks, sink) > 0)
            return day->window.end_ms;
    }
    return INT64_MAX;
}
