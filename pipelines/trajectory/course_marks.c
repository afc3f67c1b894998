/* Which rows of courses each sink still needs. */
#include "pipelines/trajectory/courses.h"

#include <sys/param.h>

#include "base/timestamp.h"

static void advance(struct courses *courses, struct marks *marks, uint32_t sink,
                    enum mark_event event)
{
    const struct mark_tally tally = {.site = &courses->marks};
    bool at_risk = (courses->taking_over >> sink & 1) != 0;
    if (marks_advance(marks, sink, event, at_risk, &tally))
        courses->changed = true;
}

void courses_dirty(struct courses *courses, struct marks *marks, uint8_t sinks)
{
    for (; sinks != 0; sinks &= (uint8_t)(sinks - 1))
        advance(courses, marks, (uint32_t)__builtin_ctz(sinks), MARK_CHANGED);
}

uint8_t courses_sinks_of(const struct courses *courses, const struct course_told *told)
{
    bool alerts = told->transition.event != COURSE_NOTHING;
    return courses->conf.sinks | (alerts ? courses->conf.alert_sinks : 0);
}

/* --- taking --- */

enum { ROWS_EACH = 2 };

static void put(struct block *block, const struct courses *courses, const struct course_told *told,
                enum row_kind kind)
{
    struct row *row = &block->rows[block->count++];
    course_put_row(row, told, kind);
    row->partition = courses->conf.partition;
}

/* The row of the change of level goes first: the last one carries the acknowledgement. */
static void take_told(struct courses *courses, struct told_row *row, uint32_t sink,
                      struct block *block)
{
    if (row->told.transition.event != COURSE_NOTHING &&
        (courses->conf.alert_sinks >> sink & 1) != 0)
        put(block, courses, &row->told, ROW_ALERT);
    if ((courses->conf.sinks >> sink & 1) != 0)
        put(block, courses, &row->told, ROW_TRAJECTORY);
    advance(courses, &row->sinks, sink, MARK_TAKEN);
}

static bool take_all_told(struct courses *courses, uint32_t sink, struct block *block)
{
    for (uint32_t i = courses->told_settled; i < courses->told_count; i++) {
        struct told_row *row = courses_told(courses, i);
        if (marks_get(row->sinks, sink) != MARK_DIRTY)
            continue;
        if (block->capacity - block->count < ROWS_EACH)
            return false;
        take_told(courses, row, sink, block);
    }
    return true;
}

static void take_now(struct courses *courses, struct now_row *now,
                     const struct courses_subject *subject, uint32_t sink, struct block *block)
{
    if (now->window.start_ms == now->window.end_ms) {
        const struct civil_year year = civil_year_named(now->year, now->told.target->year_start);
        now->window.start_ms = subject->day_end_ms(subject->context, year.first_day - 1);
        now->window.end_ms = subject->day_end_ms(subject->context, year.first_day + year.days - 1);
    }
    struct row *row = &block->rows[block->count++];
    course_put_now(row, &now->told, now->window, now->version);
    row->partition = courses->conf.partition;
    advance(courses, &now->sinks, sink, MARK_TAKEN);
}

static struct now_row *now_at(const struct courses *courses, uint32_t index)
{
    return &courses->courses[index / COURSE_NOW_ROWS].now[index % COURSE_NOW_ROWS];
}

static bool take_standing(struct courses *courses, uint32_t sink, struct block *block)
{
    for (uint32_t i = 0; i < courses->count; i++) {
        struct told_row *change = &courses->courses[i].change;
        if (marks_get(change->sinks, sink) != MARK_DIRTY)
            continue;
        if (block->count == block->capacity)
            return false;
        put(block, courses, &change->told, ROW_ALERT);
        advance(courses, &change->sinks, sink, MARK_TAKEN);
    }
    return true;
}

bool courses_take(struct courses *courses, const struct courses_subject *subject, uint32_t sink,
                  bool with_now, struct block *block)
{
    if (courses->marks.state[sink][MARK_DIRTY] == 0)
        return true;
    if (!take_all_told(courses, sink, block) || !take_standing(courses, sink, block))
        return false;
    for (uint32_t i = 0; with_now && i < courses->count * COURSE_NOW_ROWS; i++) {
        struct now_row *now = now_at(courses, i);
        if (marks_get(now->sinks, sink) != MARK_DIRTY)
            continue;
        if (block->count == block->capacity)
            return false;
        take_now(courses, now, subject, sink, block);
    }
    return true;
}

/* --- ends --- */

static bool is_sent(struct marks marks, uint32_t sink)
{
    enum mark_state state = marks_get(marks, sink);
    return state == MARK_SENT || state == MARK_SENT_CHANGED;
}

static bool is_told(const struct told_row *told, const struct row *row)
{
    return told->told.target == row->target && told->told.row.stamp_ms == row->window.start_ms &&
           told->told.row.closed == (row->level == LEVEL_DAY);
}

/* The mark that the row acknowledges: if a sink gets both, a change of level has none. */
static struct marks *find_marks(struct courses *courses, uint32_t sink, const struct row *row)
{
    if (row->kind == ROW_ALERT && (courses->conf.sinks >> sink & 1) != 0)
        return NULL;
    for (uint32_t i = 0; row->kind == ROW_TRAJECTORY_NOW && i < courses->count * COURSE_NOW_ROWS;
         i++) {
        struct now_row *now = now_at(courses, i);
        if (now->told.target == row->target && now->window.start_ms == row->window.start_ms &&
            is_sent(now->sinks, sink))
            return &now->sinks;
    }
    for (uint32_t i = courses->told_settled;
         row->kind != ROW_TRAJECTORY_NOW && i < courses->told_count; i++) {
        struct told_row *told = courses_told(courses, i);
        if (is_told(told, row) && is_sent(told->sinks, sink))
            return &told->sinks;
    }
    for (uint32_t i = 0; row->kind == ROW_ALERT && i < courses->count; i++) {
        struct told_row *change = &courses->courses[i].change;
        if (change->told.target == row->target)
            return &change->sinks;
    }
    return NULL;
}

/* Some row may have become settled. */
static void settle(struct courses *courses)
{
    while (courses->told_settled < courses->told_count &&
           marks_are_settled(courses_told(courses, courses->told_settled)->sinks))
        courses->told_settled++;
}

void courses_end_row(struct courses *courses, uint32_t sink, const struct row *row,
                     enum block_end end)
{
    struct marks *marks = find_marks(courses, sink, row);
    if (marks == NULL)
        return;
    if (!is_sent(*marks, sink))
        return; /* a row of an earlier life */
    const struct mark_tally tally = {.site = &courses->marks};
    bool at_risk = (courses->taking_over >> sink & 1) != 0;
    if (marks_end_block(marks, sink, end, at_risk, &tally))
        courses->changed = true;
    settle(courses);
}

/* --- what a sink has shown, and takeovers --- */

static struct marks *visit(struct courses *courses, uint32_t index)
{
    if (index < courses->told_count)
        return &courses_told(courses, index)->sinks;
    index -= courses->told_count;
    if (index < courses->count * COURSE_NOW_ROWS)
        return &now_at(courses, index)->sinks;
    index -= courses->count * COURSE_NOW_ROWS;
    return index < courses->count ? &courses->courses[index].change.sinks : NULL;
}

static void advance_acked(struct courses *courses, uint32_t sink, enum mark_event event)
{
    struct marks *marks;
    if (mark_counts_acked(&courses->marks, sink) == 0)
        return;
    for (uint32_t i = 0; (marks = visit(courses, i)) != NULL; i++)
        advance(courses, marks, sink, event);
}

void courses_prove(struct courses *courses, uint32_t sink)
{
    advance_acked(courses, sink, MARK_PROVEN);
    settle(courses);
}

void courses_lose(struct courses *courses, uint32_t sink)
{
    advance_acked(courses, sink, MARK_LOST);
}

static void heal(struct courses *courses, uint32_t sink)
{
    struct marks *marks;
    for (uint32_t i = 0; (marks = visit(courses, i)) != NULL; i++) {
        if (marks_at_risk(*marks, sink))
            advance(courses, marks, sink, MARK_HEALED);
    }
}

static void put_dirty_at_risk(struct courses *courses, uint32_t sink)
{
    const struct mark_tally tally = {.site = &courses->marks};
    struct marks *marks;
    for (uint32_t i = 0; (marks = visit(courses, i)) != NULL; i++) {
        enum mark_state state = marks_get(*marks, sink);
        if (state == MARK_DIRTY || state == MARK_SENT_CHANGED)
            (void)marks_put_at_risk(marks, sink, &tally);
    }
}

void courses_take_over(struct courses *courses, uint32_t sink, enum takeover_action action)
{
    uint8_t bit = (uint8_t)(1U << sink);
    if (action == TAKEOVER_ROUND_TWO)
        courses->taking_over &= (uint8_t)~bit;
    else if (action != TAKEOVER_NOTHING)
        courses->taking_over |= bit;
    if (action == TAKEOVER_ROUND_ONE || action == TAKEOVER_ROUND_TWO)
        heal(courses, sink);
    if (action == TAKEOVER_ROUND_ONE || action == TAKEOVER_PUT_AT_RISK)
        put_dirty_at_risk(courses, sink);
}

uint64_t courses_mark_dirty(struct courses *courses, uint32_t sink, int64_t from_ms)
{
    uint8_t bit = (uint8_t)(1U << sink);
    uint64_t rows = 0;
    courses->told_settled = 0;
    for (uint32_t i = 0; i < courses->told_count; i++) {
        struct told_row *row = courses_told(courses, i);
        if (row->told.row.stamp_ms <= from_ms || (courses_sinks_of(courses, &row->told) & bit) == 0)
            continue;
        courses_dirty(courses, &row->sinks, bit);
        rows++;
    }
    for (uint32_t i = 0; i < courses->count * COURSE_NOW_ROWS; i++) {
        struct now_row *now = now_at(courses, i);
        if (now->told.target == NULL || (courses->conf.sinks & bit) == 0)
            continue;
        courses_dirty(courses, &now->sinks, bit);
        rows++;
    }
    return rows;
}

void courses_tell_standing(struct courses *courses)
{
    bool changed = courses->changed; /* the state says as much as before */
    for (uint32_t i = 0; i < courses->count; i++) {
        struct told_row *change = &courses->courses[i].change;
        if (change->told.target != NULL && change->told.transition.to > ALERT_OK)
            courses_dirty(courses, &change->sinks, courses->conf.standing_sinks);
    }
    courses->changed = changed;
}
