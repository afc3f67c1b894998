/* The state of a facility's targets as bytes, and back. */
#include "pipelines/state/course_bytes.h"

#include <sys/param.h>

#include "base/base.h"
#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"

/* Days of calendars, and a year on both sides. */
#define DAY_FIRST ((int32_t)(TIME_MIN_MS / DAY_MS) - 366)
#define DAY_LAST ((int32_t)(TIME_MAX_MS / DAY_MS) + 366)
/* So times of a year fit 64 bits. */
#define TOTAL_TIME_MAX (INT64_C(1) << 53)

enum { DAY_KNOWN = 1, DAY_FINAL = 2, DAY_WHOLE = 4, DAY_FLAGS = 7 };

/* One way of a list of fields: out of them, or into them. */
struct way {
    struct buffer *out;    /* NULL: into them */
    struct packed *packed; /* NULL: out of them */
};

static int64_t pass(const struct way *way, int64_t value, int64_t min, int64_t max)
{
    if (way->packed != NULL)
        return packed_take_int(way->packed, min, max);
    packed_add_int(way->out, value);
    return value;
}

static int64_t pass_any(const struct way *way, int64_t value)
{
    return pass(way, value, INT64_MIN, INT64_MAX);
}

/* --- daily totals --- */

static void pass_total(const struct way *way, struct day_total *total)
{
    int64_t flags = (total->known ? DAY_KNOWN : 0) | (total->final ? DAY_FINAL : 0) |
                    (total->whole ? DAY_WHOLE : 0);
    flags = pass(way, flags, 0, DAY_FLAGS);
    total->known = (flags & DAY_KNOWN) != 0;
    total->final = (flags & DAY_FINAL) != 0;
    total->whole = (flags & DAY_WHOLE) != 0;
    if (!total->known)
        return;
    for (int scope = 0; scope < LEDGER_SCOPES; scope++) {
        total->mg[scope] = pass_any(way, total->mg[scope]);
        total->estimated_mg[scope] = pass_any(way, total->estimated_mg[scope]);
    }
    total->production_micro = pass_any(way, total->production_micro);
    total->covered_ms = pass(way, total->covered_ms, 0, TOTAL_TIME_MAX);
    total->expected_ms = pass(way, total->expected_ms, 0, TOTAL_TIME_MAX);
}

/* The number of the series whose activity is the production, plus one; 0: none. */
static uint64_t production_series(const struct site *site)
{
    const struct registry *registry = site->conf.registry;
    uint32_t meter = site->totals->meter;
    return meter == REGISTRY_NONE
               ? 0
               : registry->meters[meter].series - site->facility->series_first + 1;
}

static void save_totals(const struct site *site, bool full, struct buffer *out)
{
    const struct site_totals *totals = site->totals;
    const struct way way = {.out = out};
    int32_t first = totals->saved_first;
    int32_t last = totals->saved_last;
    bool any = full ? day_ledger_span(totals->ledger, &first, &last) : first <= last;
    if (any)
        first = MAX(first, last - LEDGER_DAYS_MAX + 1); /* older ones are forgotten */
    packed_add_uint(out, production_series(site));
    packed_add_int(out, totals->production_day);
    packed_add_int(out, totals->changed_day);
    packed_add_uint(out, any ? (uint64_t)(last - first + 1) : 0);
    if (!any)
        return;
    packed_add_int(out, first);
    for (int32_t day = first; day <= last; day++) {
        const struct day_total *total = day_ledger_get(totals->ledger, day);
        struct day_total copy = total != NULL ? *total : (struct day_total){0};
        pass_total(&way, &copy);
    }
}

static void take_totals(struct site *site, const struct dictionary *dictionary,
                        struct packed *packed)
{
    struct site_totals *totals = site->totals;
    const struct way way = {.packed = packed};
    uint64_t series = packed_take_uint(packed, dictionary->series_count);
    int32_t production_day = (int32_t)packed_take_int(packed, INT32_MIN, DAY_LAST);
    int32_t changed_day = (int32_t)packed_take_int(packed, INT32_MIN, INT32_MAX);
    uint64_t count = packed_take_uint(packed, LEDGER_DAYS_MAX);
    int32_t first = count == 0 ? 0 : (int32_t)packed_take_int(packed, DAY_FIRST, DAY_LAST);
    for (uint64_t i = 0; i < count && !packed->damaged; i++) {
        struct day_total total = {0};
        pass_total(&way, &total);
        if (total.known && totals != NULL && !packed->damaged)
            site_totals_restore(totals, first + (int32_t)i, &total);
    }
    if (totals == NULL)
        return;
    totals->changed_day = changed_day;
    totals->production_day = production_day;
    uint32_t index = series == 0 ? REGISTRY_NONE : dictionary->series[series - 1];
    uint64_t now = index == REGISTRY_NONE ? 0 : (uint64_t)index + 1;
    /* Another meter counts it now: nothing is known of days that have left. */
    if (production_series(site) != 0 && production_series(site) != now)
        totals->production_day = site_local_day(site, site_day(site, 0)->window);
}

/* --- courses --- */

/* INT64_MIN, or the end of a day. */
static int64_t pass_end(const struct way *way, int64_t value)
{
    int64_t end_ms = pass(way, value, INT64_MIN, (DAY_LAST + 2) * DAY_MS);
    if (way->packed != NULL && end_ms != INT64_MIN && end_ms < DAY_FIRST * DAY_MS)
        way->packed->damaged = true;
    return end_ms;
}

static void pass_slip(const struct way *way, struct slip_state *slip)
{
    slip->level = (uint8_t)pass(way, slip->level, 0, ALERT_LEVELS - 1);
    slip->count = (uint8_t)pass(way, slip->count, 0, SLIP_RUN_MAX);
    slip->entered_ms = pass_end(way, slip->entered_ms);
    slip->since_ms = pass_end(way, slip->since_ms);
    if (way->packed != NULL && slip->level > ALERT_OK && slip->entered_ms == INT64_MIN)
        way->packed->damaged = true;
    for (uint8_t i = 0; i < slip->count; i++) {
        slip->slip[i] = (int32_t)pass(way, slip->slip[i], -INT32_MAX, INT32_MAX);
        slip->probability[i] = (int32_t)pass(way, slip->probability[i], -1, INT32_MAX);
    }
}

static void pass_state(const struct way *way, struct course_state *state)
{
    state->year = (int16_t)pass(way, state->year, 0, INT16_MAX);
    state->closed_day = (int32_t)pass(way, state->closed_day, INT32_MIN, DAY_LAST);
    if (way->packed != NULL && state->closed_day != INT32_MIN && state->closed_day < DAY_FIRST)
        way->packed->damaged = true;
    state->number = (uint32_t)pass(way, state->number, 0, UINT32_MAX);
    pass_slip(way, &state->slip);
    pass_slip(way, &state->year_began);
    state->row_ms = pass_any(way, state->row_ms);
}

/* A year that begins in another month than before begins with the next closed day. */
static void settle_state(struct course *course)
{
    struct course_state *state = &course->state;
    if (state->closed_day == INT32_MIN ||
        civil_year_of(state->closed_day, course->target->year_start).year != state->year)
        state->year = 0;
}

/* --- told rows --- */

static void pass_forecast(const struct way *way, struct forecast *forecast)
{
    forecast->share = pass(way, forecast->share, 0, PART_ONE);
    forecast->given = pass(way, forecast->given, 0, 1) != 0;
    forecast->ratio_mg = pass_any(way, forecast->ratio_mg);
    forecast->model_mg = pass_any(way, forecast->model_mg);
    forecast->deviation_mg = pass_any(way, forecast->deviation_mg);
    forecast->interval_given = pass(way, forecast->interval_given, 0, 1) != 0;
    forecast->low_mg = pass_any(way, forecast->low_mg);
    forecast->high_mg = pass_any(way, forecast->high_mg);
    forecast->probability = (int32_t)pass(way, forecast->probability, -1, INT32_MAX);
    forecast->used_up_day = (int32_t)pass(way, forecast->used_up_day, -1, YEAR_DAYS_MAX);
}

static void pass_row(const struct way *way, struct course_row *row)
{
    row->stamp_ms = pass(way, row->stamp_ms, DAY_FIRST * DAY_MS, DAY_LAST * DAY_MS);
    row->day = (int32_t)pass(way, row->day, DAY_FIRST, DAY_LAST);
    row->closed = pass(way, row->closed, 0, 1) != 0;
    row->restated = pass(way, row->restated, 0, 1) != 0;
    row->counted = pass(way, row->counted, 0, 1) != 0;
    row->base_version = (uint16_t)pass(way, row->base_version, 0, UINT16_MAX);
    row->base_mg = pass_any(way, row->base_mg);
    row->budget_mg = pass_any(way, row->budget_mg);
    row->share = pass(way, row->share, 0, PART_ONE);
    row->due_mg = pass_any(way, row->due_mg);
    row->ytd_mg = pass_any(way, row->ytd_mg);
    row->estimated_mg = pass_any(way, row->estimated_mg);
    row->covered_ms = pass_any(way, row->covered_ms);
    row->expected_ms = pass_any(way, row->expected_ms);
    row->slip = (int32_t)pass(way, row->slip, INT32_MIN, INT32_MAX);
    row->trailing_mg = pass_any(way, row->trailing_mg);
    pass_forecast(way, &row->forecast);
    row->needed.to_end_known = pass(way, row->needed.to_end_known, 0, 1) != 0;
    row->needed.to_end = pass_any(way, row->needed.to_end);
    row->needed.cumulative = pass_any(way, row->needed.cumulative);
    row->needed.budget_gone = pass(way, row->needed.budget_gone, 0, 1) != 0;
    row->achieved = pass_any(way, row->achieved);
    row->overshoot_mg = pass_any(way, row->overshoot_mg);
    row->level = (uint8_t)pass(way, row->level, 0, ALERT_LEVELS - 1);
}

static void pass_transition(const struct way *way, struct course_transition *transition)
{
    transition->event = (uint8_t)pass(way, transition->event, 0, COURSE_RETRACTED);
    if (transition->event == COURSE_NOTHING)
        return;
    transition->from = (uint8_t)pass(way, transition->from, 0, ALERT_LEVELS - 1);
    transition->to = (uint8_t)pass(way, transition->to, 0, ALERT_LEVELS - 1);
    transition->base_version = (uint16_t)pass(way, transition->base_version, 0, UINT16_MAX);
    transition->number = (uint32_t)pass(way, transition->number, 0, UINT32_MAX);
    transition->stamp_ms = pass_any(way, transition->stamp_ms);
    transition->day_end_ms = pass_any(way, transition->day_end_ms);
    transition->since_ms = pass_any(way, transition->since_ms);
}

/* Sources are series; by their numbers plus one. */
static void save_sources(const struct site *site, const struct course_source *sources,
                         struct buffer *out)
{
    for (int i = 0; i < COURSE_SOURCES; i++) {
        bool none = sources[i].index == REGISTRY_NONE;
        packed_add_uint(out, none ? 0 : sources[i].index - site->facility->series_first + 1);
        if (!none)
            packed_add_int(out, sources[i].ytd_mg);
    }
}

static void take_sources(const struct site *site, const struct dictionary *dictionary,
                         struct course_source *sources_out, struct packed *packed)
{
    for (int i = 0; i < COURSE_SOURCES; i++) {
        uint64_t number = packed_take_uint(packed, dictionary->series_count);
        sources_out[i] = (struct course_source){.index = REGISTRY_NONE};
        if (number == 0)
            continue;
        sources_out[i].ytd_mg = packed_take_int(packed, INT64_MIN, INT64_MAX);
        uint32_t series = dictionary->series[number - 1];
        if (series != REGISTRY_NONE)
            sources_out[i].index = site->facility->series_first + series;
    }
}

static void save_row(const struct site *site, const struct course_told *told, struct buffer *out)
{
    const struct way way = {.out = out};
    struct course_told copy = *told;
    pass_row(&way, &copy.row);
    pass_transition(&way, &copy.transition);
    save_sources(site, copy.sources, out);
}

static void save_told(const struct site *site, const struct courses *courses, struct buffer *out)
{
    for (uint32_t i = 0; i < courses->told_count; i++) {
        const struct told_row *row = courses_told(courses, i);
        uint8_t sinks = marks_unsettled(row->sinks);
        if (sinks == 0)
            continue;
        packed_add_uint(out, sinks);
        packed_add_text(out, row->told.target->id);
        save_row(site, &row->told, out);
    }
    packed_add_uint(out, 0);
}

struct course_taking {
    struct site *site;
    struct courses *courses; /* NULL: what is said passes */
    const struct dictionary *dictionary;
    const struct payload_names *names;
    struct packed *packed;
};

static struct course *take_target(const struct course_taking *taking)
{
    char id[NAME_BYTES_MAX + 1];
    packed_take_text(taking->packed, id, sizeof(id));
    return taking->courses == NULL ? NULL : courses_find(taking->courses, id);
}

static struct course_told take_row(const struct course_taking *taking)
{
    const struct way way = {.packed = taking->packed};
    struct course_told told = {0};
    pass_row(&way, &told.row);
    pass_transition(&way, &told.transition);
    take_sources(taking->site, taking->dictionary, told.sources, taking->packed);
    return told;
}

static int take_told(const struct course_taking *taking)
{
    int err = 0;
    for (;;) {
        uint8_t sinks;
        if (!payload_take_sinks(taking->names, taking->packed, &sinks) || err < 0)
            return err;
        const struct course *course = take_target(taking);
        struct course_told told = take_row(taking);
        if (course == NULL || taking->packed->damaged)
            continue;
        told.target = course->target;
        err = courses_restore(taking->courses, &told, sinks);
    }
}

/* --- all of it --- */

static void save_now(const struct site *site, const struct now_row *now, struct buffer *out)
{
    packed_add_uint(out, now->told.target != NULL);
    if (now->told.target == NULL)
        return;
    packed_add_uint(out, now->version);
    packed_add_uint(out, marks_unsettled(now->sinks));
    save_row(site, &now->told, out);
}

static void save_change(const struct site *site, const struct course_told *told, struct buffer *out)
{
    packed_add_uint(out, told->target != NULL);
    if (told->target != NULL)
        save_row(site, told, out);
}

static void save_courses(const struct site *site, const struct courses *courses, struct buffer *out)
{
    const struct way way = {.out = out};
    packed_add_int(out, courses->judged_ms);
    packed_add_uint(out, courses->count);
    for (uint32_t i = 0; i < courses->count; i++) {
        struct course_state state = courses->courses[i].state;
        packed_add_text(out, courses->courses[i].target->id);
        pass_state(&way, &state);
        packed_add_uint(out, courses->courses[i].stamps);
        for (int k = 0; k < COURSE_NOW_ROWS; k++)
            save_now(site, &courses->courses[i].now[k], out);
        save_change(site, &courses->courses[i].change.told, out);
    }
    save_told(site, courses, out);
}

static void take_now(const struct course_taking *taking, const struct course *course,
                     struct now_row *now_out, uint8_t *sinks_out)
{
    if (packed_take_uint(taking->packed, 1) == 0)
        return;
    now_out->version = (uint32_t)packed_take_uint(taking->packed, UINT32_MAX);
    (void)payload_take_sinks(taking->names, taking->packed, sinks_out);
    now_out->told = take_row(taking);
    if (course == NULL)
        return;
    now_out->told.target = course->target;
    now_out->year = civil_year_of(now_out->told.row.day, course->target->year_start).year;
}

/* A change that changes nothing is damage. */
static struct course_told take_change(const struct course_taking *taking,
                                      const struct course *course)
{
    struct course_told told = {0};
    if (packed_take_uint(taking->packed, 1) == 0)
        return told;
    told = take_row(taking);
    told.target = course == NULL ? NULL : course->target;
    taking->packed->damaged |= told.transition.event == COURSE_NOTHING;
    return told;
}

/* A year that begins in another month than before may be that of both rows. */
static void drop_older_now(struct now_row now[COURSE_NOW_ROWS])
{
    if (now[0].told.target == NULL || now[1].told.target == NULL || now[0].year != now[1].year)
        return;
    int older = now[0].told.row.stamp_ms < now[1].told.row.stamp_ms ? 0 : 1;
    now[older] = (struct now_row){.told.target = NULL};
}

static void take_course(const struct course_taking *taking)
{
    const struct way way = {.packed = taking->packed};
    struct course *course = take_target(taking);
    struct course_state state;
    struct now_row now[COURSE_NOW_ROWS] = {0};
    uint8_t sinks[COURSE_NOW_ROWS] = {0};
    course_init(&state);
    pass_state(&way, &state);
    uint32_t stamps = (uint32_t)packed_take_uint(taking->packed, UINT32_MAX);
    for (int k = 0; k < COURSE_NOW_ROWS; k++)
        take_now(taking, course, &now[k], &sinks[k]);
    struct course_told change = take_change(taking, course);
    if (course == NULL || taking->packed->damaged)
        return;
    drop_older_now(now);
    course->state = state;
    course->stamps = stamps;
    course->change.told = change;
    for (int k = 0; k < COURSE_NOW_ROWS; k++) {
        course->now[k] = now[k];
        bool told = now[k].told.target != NULL;
        courses_dirty(taking->courses, &course->now[k].sinks,
                      told ? sinks[k] & taking->courses->conf.sinks : 0);
    }
    settle_state(course);
}

static int take_courses(const struct course_taking *taking)
{
    int64_t judged_ms = payload_take_time(taking->packed);
    uint32_t count = packed_take_count(taking->packed, TARGETS_MAX);
    if (taking->courses != NULL)
        courses_clear_rows(taking->courses);
    for (uint32_t i = 0; i < count && !taking->packed->damaged; i++)
        take_course(taking);
    if (taking->courses != NULL)
        taking->courses->judged_ms = judged_ms;
    return take_told(taking);
}

void course_bytes_save(const struct site *site, const struct courses *courses, bool full,
                       struct buffer *out)
{
    bool all = courses != NULL && (full || courses->changed);
    packed_add_uint(out, courses != NULL);
    if (courses == NULL)
        return;
    save_totals(site, full, out);
    packed_add_uint(out, all);
    if (all)
        save_courses(site, courses, out);
}

void course_bytes_saved(struct site *site, struct courses *courses)
{
    if (courses == NULL)
        return;
    site->totals->saved_first = INT32_MAX;
    site->totals->saved_last = INT32_MIN;
    courses->changed = false;
}

int course_bytes_take(struct site *site, struct courses *courses,
                      const struct dictionary *dictionary, const struct payload_names *names,
                      struct packed *packed)
{
    const struct course_taking taking = {site, courses, dictionary, names, packed};
    if (names->version < PAYLOAD_VERSION_TARGETS || packed_take_uint(packed, 1) == 0)
        return packed->damaged ? ERR_SYNTAX : 0;
    take_totals(site, dictionary, packed);
    if (courses != NULL)
        courses->continued = true;
    if (packed_take_uint(packed, 1) == 0)
        return packed->damaged ? ERR_SYNTAX : 0;
    int err = take_courses(&taking);
    return packed->damaged ? ERR_SYNTAX : err;
}

void course_bytes_end(struct site *site, struct courses *courses, uint8_t new_sinks,
                      int64_t watermark_ms)
{
    if (courses == NULL)
        return;
    for (uint32_t i = 0; i < courses->count; i++) {
        struct course *course = &courses->courses[i];
        for (int k = 0; k < COURSE_NOW_ROWS; k++) {
            bool told = course->now[k].told.target != NULL;
            courses_dirty(courses, &course->now[k].sinks,
                          told ? new_sinks & courses->conf.sinks : 0);
        }
    }
    for (uint32_t i = 0; i < courses->told_count; i++) {
        struct told_row *row = courses_told(courses, i);
        courses_dirty(courses, &row->sinks, new_sinks & courses_sinks_of(courses, &row->told));
    }
    courses_tell_standing(courses);
    if (courses->continued || site->expected->begin_ms == INT64_MAX)
        return;
    /* The facility has its first target. Nothing is known of days that have left. */
    courses->judged_ms = watermark_ms;
    courses->changed = true;
    site->totals->production_day = site_local_day(site, site_day(site, 0)->window);
    site_totals_expect(site, false);
}
