/* The marks of a site: who still has to hear of a window. */
#include <string.h>

#include "pipelines/state/site.h"

uint8_t site_all_sinks(const struct site *site)
{
    return (uint8_t)((1U << site->conf.sinks_count) - 1);
}

static void note_change(struct site *site, struct day *day)
{
    site->changed = true;
    if (day != NULL)
        day->changed = true;
}

void site_mark_suspect(struct site *site, struct day *day, struct mark *mark, uint8_t sinks)
{
    uint8_t added = sinks & (uint8_t)~mark->suspect;
    mark->suspect |= added;
    site->suspect_count += (uint32_t)__builtin_popcount(added);
    if (day != NULL)
        day->suspect_count += (uint32_t)__builtin_popcount(added);
    note_change(site, day);
}

void site_mark_dirty(struct site *site, struct day *day, struct mark *mark, uint8_t sinks)
{
    for (uint8_t added = sinks & (uint8_t)~mark->dirty; added != 0; added &= (uint8_t)(added - 1)) {
        if (day != NULL)
            day->dirty_count[__builtin_ctz(added)]++;
        site->dirty_count++;
    }
    mark->dirty |= sinks;
    if (site->healing)
        site_mark_suspect(site, day, mark, sinks);
    note_change(site, day);
}

void site_mark_taken(struct site *site, struct day *day, struct mark *mark, uint32_t sink)
{
    uint8_t bit = (uint8_t)(1U << sink);
    ASSERT((mark->dirty & bit) != 0);
    mark->dirty &= (uint8_t)~bit;
    mark->in_flight |= bit;
    site->dirty_count--;
    if (day != NULL) {
        day->dirty_count[sink]--;
        day->in_flight_count++;
    }
}

bool site_mark_settled(struct site *site, struct day *day, struct mark *mark, uint32_t sink)
{
    uint8_t bit = (uint8_t)(1U << sink);
    if ((mark->in_flight & bit) == 0)
        return false;
    note_change(site, day);
    mark->in_flight &= (uint8_t)~bit;
    if (day != NULL)
        day->in_flight_count--;
    return true;
}

void site_mark_unproven(struct site *site, struct day *day, struct mark *mark, uint8_t sinks)
{
    uint8_t added = sinks & (uint8_t) ~(mark->unproven | mark->aging);
    if (day != NULL)
        day->unproven_count += (uint32_t)__builtin_popcount(added);
    mark->unproven |= sinks;
    mark->aging &= (uint8_t)~sinks;
    site->unproven = true;
}

static bool has_passed(const struct site *site, const struct site_clock *clock, int64_t end_ms)
{
    return clock->passed_ms != INT64_MIN &&
           end_ms + site->conf.window->grace_ms <= clock->passed_ms;
}

void site_touch_mark(struct site *site, const struct site_clock *clock, struct day *day,
                     struct mark *mark, int64_t end_ms)
{
    mark->touches++;
    mark->revision += has_passed(site, clock, end_ms);
    note_change(site, day);
    site_mark_dirty(site, day, mark, site_all_sinks(site));
}

/* --- all of them --- */

struct walk {
    struct site *site;
    void (*visit)(void *context, const struct mark_place *place);
    void *context;
};

static void visit(const struct walk *walk, struct mark *mark, struct day *day, int64_t end_ms)
{
    const struct site *site = walk->site;
    bool closed = end_ms <= site->closed_ms && site->first_row != INT64_MAX &&
                  end_ms > site->first_row * site->conf.window->bucket_ms;
    const struct mark_place place = {
        .mark = mark, .day = day, .end_ms = end_ms, .told = mark->touches > 0 || closed};
    walk->visit(walk->context, &place);
}

static void visit_day(const struct walk *walk, struct day *day)
{
    struct site *site = walk->site;
    int64_t bucket_ms = site->conf.window->bucket_ms;
    for (int64_t row = day->first_row; row < day->end_row; row++)
        visit(walk, &site->row_marks[panel_slot(site->panel, row)], day, (row + 1) * bucket_ms);
    for (uint32_t hour = 0; hour < day->hours_count; hour++)
        visit(walk, &day->hours[hour], day, (day->first_row + day->hour_row[hour + 1]) * bucket_ms);
    visit(walk, &day->mark, day, day->window.end_ms);
}

void site_visit_marks(struct site *site,
                      void (*visitor)(void *context, const struct mark_place *place), void *context)
{
    const struct walk walk = {site, visitor, context};
    for (uint32_t i = 0; i < site->days_count; i++)
        visit_day(&walk, site_day(site, i));
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        struct period *period = &site->periods[i];
        if (period->used)
            visit(&walk, &period->mark, NULL, period->window.end_ms);
    }
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
        site_touch_mark(telling->site, telling->clock, place->day, place->mark, place->end_ms);
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
        site_mark_dirty(telling->site, place->day, place->mark, telling->sinks);
}

void site_tell_again(struct site *site, uint8_t sinks)
{
    struct telling telling = {.site = site, .sinks = sinks};
    site_visit_marks(site, tell_again, &telling);
}

/* --- proof --- */

struct proving {
    struct site *site;
    uint8_t sinks;
    bool any;
};

/* Neither unproven nor aging any more. */
static void forget_proof(const struct mark_place *place, uint8_t sinks)
{
    if (place->day != NULL)
        place->day->unproven_count -= (uint32_t)__builtin_popcount(sinks);
}

static void prove(void *context, const struct mark_place *place)
{
    struct proving *proving = context;
    struct mark *mark = place->mark;
    uint8_t proven = mark->aging & proving->sinks;
    uint8_t aging = mark->unproven & proving->sinks;
    mark->aging = (mark->aging & (uint8_t)~proven) | aging;
    mark->unproven &= (uint8_t)~aging;
    if (proven != 0) {
        forget_proof(place, proven);
        note_change(proving->site, place->day);
        proving->any = true;
    }
    proving->site->unproven |= (mark->aging | mark->unproven) != 0;
}

bool site_prove(struct site *site, uint8_t sinks)
{
    if (!site->unproven)
        return false;
    struct proving proving = {.site = site, .sinks = sinks};
    site->unproven = false;
    site_visit_marks(site, prove, &proving);
    return proving.any;
}

static void lose(void *context, const struct mark_place *place)
{
    struct proving *proving = context;
    struct mark *mark = place->mark;
    uint8_t lost = (mark->unproven | mark->aging) & proving->sinks;
    mark->unproven &= (uint8_t)~lost;
    mark->aging &= (uint8_t)~lost;
    proving->site->unproven |= (mark->aging | mark->unproven) != 0;
    if (lost == 0)
        return;
    forget_proof(place, lost);
    site_mark_dirty(proving->site, place->day, mark, lost);
}

void site_lose(struct site *site, uint8_t sinks)
{
    if (!site->unproven)
        return;
    struct proving proving = {.site = site, .sinks = sinks};
    site->unproven = false;
    site_visit_marks(site, lose, &proving);
}

/* --- healing --- */

struct suspecting {
    struct site *site;
    uint8_t sinks;
};

static void suspect_dirty(void *context, const struct mark_place *place)
{
    struct suspecting *suspecting = context;
    site_mark_suspect(suspecting->site, place->day, place->mark, place->mark->dirty);
    suspecting->sinks |= place->mark->suspect;
}

uint8_t site_begin_healing(struct site *site)
{
    struct suspecting suspecting = {.site = site};
    site->healing = true;
    site_visit_marks(site, suspect_dirty, &suspecting);
    return suspecting.sinks;
}

static void clear_suspect(void *context, const struct mark_place *place)
{
    struct site *site = context;
    uint8_t sinks = place->mark->suspect;
    place->mark->suspect = 0;
    if (sinks != 0)
        site_mark_dirty(site, place->day, place->mark, sinks);
}

void site_heal(struct site *site)
{
    site->healing = false;
    if (site->suspect_count == 0)
        return;
    site_visit_marks(site, clear_suspect, site);
    site->suspect_count = 0;
    for (uint32_t i = 0; i < site->days_count; i++)
        site_day(site, i)->suspect_count = 0;
}
