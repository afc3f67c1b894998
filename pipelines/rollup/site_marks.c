/* The marks of a site: who still has to hear of a window. */
#include "pipelines/rollup/site_marks.h"

#include <string.h>

#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_lead.h"

static uint8_t all_sinks(const struct site *site)
{
    return (uint8_t)((1U << site->conf.sinks_count) - 1);
}

_Static_assert((int)SINK_TRAJECTORY_BIT == (int)LEVEL_COUNT,
               "a bit of sink_conf.skips for a level");

uint8_t site_sinks_of(const struct site *site, enum level level)
{
    return (uint8_t)(all_sinks(site) & ~site->conf.skipped[level]);
}

uint8_t site_lead_sinks(const struct site *site)
{
    return site_sinks_of(site, LEVEL_DAY) | site_sinks_of(site, LEVEL_MONTH);
}

static void note_change(struct site *site, struct day *day)
{
    site->changed = true;
    if (day != NULL)
        day->changed = true;
}

static struct mark_tally tally_of(struct site *site, struct day *day)
{
    return (struct mark_tally){&site->marks, day == NULL ? NULL : &day->marks};
}

/* The one way of a mark to its next state. A state saved before has to be saved again if it has
 * become settled, or no longer is. */
static void advance(struct site *site, struct day *day, struct mark *mark, uint32_t sink,
                    enum mark_event event)
{
    const struct mark_tally tally = tally_of(site, day);
    bool at_risk = (site->taking_over >> sink & 1) != 0;
    if (marks_advance(&mark->sinks, sink, event, at_risk, &tally))
        note_change(site, day);
}

void site_mark_dirty(struct site *site, struct day *day, struct mark *mark, uint8_t sinks)
{
    if (site->taking_over == 0 && marks_are_dirty(mark->sinks, sinks))
        return; /* of many readings, one changes the mark */
    for (; sinks != 0; sinks &= (uint8_t)(sinks - 1))
        advance(site, day, mark, (uint32_t)__builtin_ctz(sinks), MARK_CHANGED);
}

void site_mark_taken(struct site *site, struct day *day, struct mark *mark, uint32_t sink)
{
    advance(site, day, mark, sink, MARK_TAKEN);
}

bool site_mark_ended(struct site *site, struct day *day, struct mark *mark, uint32_t sink,
                     enum block_end end)
{
    enum mark_state state = marks_get(mark->sinks, sink);
    if (state != MARK_SENT && state != MARK_SENT_CHANGED)
        return false;
    const struct mark_tally tally = tally_of(site, day);
    bool at_risk = (site->taking_over >> sink & 1) != 0;
    if (marks_end_block(&mark->sinks, sink, end, at_risk, &tally))
        note_change(site, day);
    return true;
}

bool site_has_passed(const struct site *site, int64_t passed_ms, int64_t end_ms)
{
    return passed_ms != INT64_MIN && end_ms + site->conf.window->grace_ms <= passed_ms;
}

void site_touch_mark(struct site *site, int64_t passed_ms, const struct mark_place *place,
                     uint32_t readings)
{
    place->mark->touches += readings;
    if (site_has_passed(site, passed_ms, place->end_ms))
        place->mark->revision += readings;
    note_change(site, place->day);
    site_mark_dirty(site, place->day, place->mark, place->sinks);
}

static struct mark *find_period_mark(struct site *site, enum level level, int64_t start_ms)
{
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (period->used && period->level == level && period->window.start_ms == start_ms)
            return &period->mark;
    }
    return NULL;
}

static struct mark *find_day_mark(struct site *site, enum level level, int64_t start_ms,
                                  struct day **day_out)
{
    int64_t row = site_row_from(site, start_ms);
    struct day *day = site_find_day(site, row);
    *day_out = day;
    if (day == NULL)
        return NULL;
    switch (level) {
    case LEVEL_BUCKET:
        return &site->row_marks[panel_slot(site->panel, row)];
    case LEVEL_HOUR:
        return &day->hours[site_hour_index(day, row)];
    default:
        return &day->mark;
    }
}

struct mark *site_find_mark(struct site *site, enum level level, int64_t start_ms,
                            struct day **day_out)
{
    *day_out = NULL;
    struct mark *mark = level == LEVEL_MONTH || level == LEVEL_YEAR
                            ? find_period_mark(site, level, start_ms)
                            : find_day_mark(site, level, start_ms, day_out);
    bool led = mark == NULL && (level == LEVEL_DAY || level == LEVEL_MONTH) &&
               site_has_lead(site) && start_ms < site->lead.until_ms;
    return led ? &site->lead.mark : mark;
}

/* --- all of them --- */

struct walk {
    struct site *site;
    void (*visit)(void *context, const struct mark_place *place);
    void *context;
};

/* begin_ms: windows that end then or before have no row without a reading. */
static void visit(const struct walk *walk, enum level level, struct mark *mark, struct day *day,
                  struct window window, int64_t begin_ms)
{
    const struct site *site = walk->site;
    bool closed = window.end_ms <= site->closed_ms && site->first_row != INT64_MAX &&
                  window.end_ms > begin_ms;
    const struct mark_place place = {
        .mark = mark,
        .day = day,
        .end_ms = window.end_ms,
        .sinks = site_sinks_of(site, level),
        .told = mark->touches > 0 ||
                (closed && site_is_expected(site, window.start_ms, window.end_ms))};
    walk->visit(walk->context, &place);
}

static void visit_day(const struct walk *walk, struct day *day)
{
    struct site *site = walk->site;
    int64_t bucket_ms = site->conf.window->bucket_ms;
    int64_t begin_ms = site->first_row == INT64_MAX ? INT64_MAX : site->first_row * bucket_ms;
    for (int64_t row = day->first_row; row < day->end_row; row++)
        visit(walk, LEVEL_BUCKET, &site->row_marks[panel_slot(site->panel, row)], day,
              (struct window){row * bucket_ms, (row + 1) * bucket_ms}, begin_ms);
    for (uint32_t hour = 0; hour < day->hours_count; hour++)
        visit(walk, LEVEL_HOUR, &day->hours[hour], day,
              (struct window){(day->first_row + day->hour_row[hour]) * bucket_ms,
                              (day->first_row + day->hour_row[hour + 1]) * bucket_ms},
              begin_ms);
    visit(walk, LEVEL_DAY, &day->mark, day, day->window, INT64_MIN);
}

static void visit_lead(const struct walk *walk)
{
    struct lead *lead = &walk->site->lead;
    const struct mark_place place = {.mark = &lead->mark,
                                     .end_ms = lead->until_ms,
                                     .sinks = site_lead_sinks(walk->site),
                                     .told = true};
    if (site_has_lead(walk->site))
        walk->visit(walk->context, &place);
}

void site_visit_marks(struct site *site,
                      void (*visitor)(void *context, const struct mark_place *place), void *context)
{
    const struct walk walk = {site, visitor, context};
    for (uint32_t i = 0; i < site->days_count; i++)
        visit_day(&walk, site_day(site, i));
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        bool kept = period->window.end_ms <= site_day(site, 0)->window.start_ms &&
                    marks_are_settled(period->mark.sinks); /* for its weights only */
        if (period->used && !kept)
            visit(&walk, (enum level)period->level, &period->mark, NULL, period->window, INT64_MIN);
    }
    visit_lead(&walk);
}

struct telling {
    struct site *site;
    const struct site_clock *clock;
    uint8_t sinks;
};

static void touch_told(void *context, const struct mark_place *place)
{
    const struct telling *telling = context;
    if (place->told)
        site_touch_mark(telling->site, telling->clock->passed_ms, place, 1);
}

void site_touch_told(struct site *site, const struct site_clock *clock)
{
    struct telling telling = {.site = site, .clock = clock};
    site_visit_marks(site, touch_told, &telling);
}

static void tell_again(void *context, const struct mark_place *place)
{
    const struct telling *telling = context;
    if (place->told)
        site_mark_dirty(telling->site, place->day, place->mark, telling->sinks & place->sinks);
}

void site_tell_again(struct site *site, uint8_t sinks)
{
    struct telling telling = {.site = site, .sinks = sinks};
    site_visit_marks(site, tell_again, &telling);
}

/* --- what a sink has shown, and takeovers --- */

struct advancing {
    struct site *site;
    uint32_t sink;
    enum mark_event event;
};

static void advance_one(void *context, const struct mark_place *place)
{
    const struct advancing *advancing = context;
    advance(advancing->site, place->day, place->mark, advancing->sink, advancing->event);
}

static void advance_acked(struct site *site, uint32_t sink, enum mark_event event)
{
    struct advancing advancing = {.site = site, .sink = sink, .event = event};
    if (mark_counts_acked(&site->marks, sink) > 0)
        site_visit_marks(site, advance_one, &advancing);
}

void site_prove(struct site *site, uint32_t sink)
{
    advance_acked(site, sink, MARK_PROVEN);
}

void site_lose(struct site *site, uint32_t sink)
{
    advance_acked(site, sink, MARK_LOST);
}

static void heal_one(void *context, const struct mark_place *place)
{
    const struct advancing *advancing = context;
    if (marks_at_risk(place->mark->sinks, advancing->sink))
        advance(advancing->site, place->day, place->mark, advancing->sink, MARK_HEALED);
}

static void put_dirty_at_risk(void *context, const struct mark_place *place)
{
    const struct advancing *advancing = context;
    enum mark_state state = marks_get(place->mark->sinks, advancing->sink);
    if (state != MARK_DIRTY && state != MARK_SENT_CHANGED)
        return;
    const struct mark_tally tally = tally_of(advancing->site, place->day);
    (void)marks_put_at_risk(&place->mark->sinks, advancing->sink, &tally);
}

void site_take_over(struct site *site, uint32_t sink, enum takeover_action action)
{
    struct advancing advancing = {.site = site, .sink = sink};
    bool heals = action == TAKEOVER_ROUND_ONE || action == TAKEOVER_ROUND_TWO;
    uint8_t bit = (uint8_t)(1U << sink);
    if (action == TAKEOVER_ROUND_TWO)
        site->taking_over &= (uint8_t)~bit;
    else if (action != TAKEOVER_NOTHING)
        site->taking_over |= bit;
    if (heals && site->marks.at_risk[sink] > 0)
        site_visit_marks(site, heal_one, &advancing);
    if ((action == TAKEOVER_ROUND_ONE || action == TAKEOVER_PUT_AT_RISK) &&
        mark_counts_dirty(&site->marks, sink) > 0)
        site_visit_marks(site, put_dirty_at_risk, &advancing);
}

/* --- counts in step --- */

struct recount {
    struct mark_counts site, day;
    const struct day *of; /* the day that is being counted */
};

static void end_day(struct recount *recount)
{
    ASSERT(recount->of == NULL ||
           memcmp(&recount->day, &recount->of->marks, sizeof(recount->day)) == 0);
    memset(&recount->day, 0, sizeof(recount->day));
}

static void recount_one(void *context, const struct mark_place *place)
{
    struct recount *recount = context;
    if (place->day != recount->of)
        end_day(recount);
    recount->of = place->day;
    mark_counts_add(&recount->site, place->mark->sinks);
    mark_counts_add(&recount->day, place->mark->sinks);
}

void site_check_marks(struct site *site)
{
    struct recount recount = {.of = NULL};
    site_visit_marks(site, recount_one, &recount);
    end_day(&recount);
    ASSERT(memcmp(&recount.site, &site->marks, sizeof(recount.site)) == 0);
}
