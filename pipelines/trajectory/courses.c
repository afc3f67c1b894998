/* The courses of one subject as time passes. */
#include "pipelines/trajectory/courses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

/* --- making them --- */

/* Whether the target counts all days of the facility in full. */
static bool is_whole(const struct courses_conf *conf)
{
    if (conf->facility == REGISTRY_NONE)
        return true;
    const struct facility *facility = &conf->registry->facilities[conf->facility];
    if (facility->valid_from_ms != INT64_MIN || facility->valid_to_ms != INT64_MAX)
        return false;
    for (uint32_t i = 0; i < conf->targets->ownerships_count; i++) {
        if (conf->targets->ownerships[i].facility == conf->facility)
            return false;
    }
    return true;
}

size_t courses_size(const struct courses_conf *conf, uint32_t count)
{
    size_t each = sizeof(struct course) + COURSE_TOLD_MAX * sizeof(struct told_row) +
                  (is_whole(conf) ? 0 : day_ledger_size(LEDGER_DAYS_MAX));
    return sizeof(struct courses) + count * each;
}

static int make_course(struct course *course, const struct courses_conf *conf,
                       const struct target *target)
{
    course->target = target;
    course_init(&course->state);
    return is_whole(conf) ? 0 : day_ledger_create(&course->shared, LEDGER_DAYS_MAX);
}

int courses_create(struct courses **courses_out, const struct courses_conf *conf,
                   const struct target *const targets[], uint32_t count)
{
    ASSERT(count > 0);
    struct courses *courses = calloc(1, sizeof(*courses));
    if (courses == NULL)
        return -ENOMEM;
    courses->conf = *conf;
    courses->rules = course_conf_of(conf->trajectory);
    courses->judged_ms = INT64_MIN;
    courses->told_capacity = count * COURSE_TOLD_MAX;
    courses->courses = calloc(count, sizeof(*courses->courses));
    courses->told = calloc(courses->told_capacity, sizeof(*courses->told));
    int err = courses->courses == NULL || courses->told == NULL ? -ENOMEM : 0;
    for (; err == 0 && courses->count < count; courses->count++)
        err = make_course(&courses->courses[courses->count], conf, targets[courses->count]);
    if (err < 0)
        courses_destroy(&courses);
    else
        *courses_out = courses;
    return err;
}

void courses_destroy(struct courses **courses)
{
    struct courses *gone = TAKE(*courses);
    if (gone == NULL)
        return;
    for (uint32_t i = 0; i < gone->count; i++)
        day_ledger_destroy(&gone->courses[i].shared);
    free(gone->courses);
    free(gone->told);
    free(gone);
}

struct course *courses_find(const struct courses *courses, const char *id)
{
    for (uint32_t i = 0; i < courses->count; i++) {
        if (strcmp(courses->courses[i].target->id, id) == 0)
            return &courses->courses[i];
    }
    return NULL;
}

/* --- the ring --- */

bool courses_have_room(struct courses *courses)
{
    uint32_t needed = COURSE_STAMPS_MAX * courses->count;
    while (courses->told_capacity - courses->told_count < needed &&
           marks_are_settled(courses_told(courses, 0)->sinks)) {
        courses->told_first = (courses->told_first + 1) % courses->told_capacity;
        courses->told_count--;
        courses->told_settled -= courses->told_settled > 0;
    }
    return courses->told_capacity - courses->told_count >= needed;
}

static void push(struct courses *courses, const struct course_told *told, uint8_t sinks)
{
    ASSERT(courses->told_count < courses->told_capacity);
    struct told_row *row = courses_told(courses, courses->told_count++);
    *row = (struct told_row){.told = *told};
    courses_dirty(courses, &row->sinks, sinks);
}

/* The rows that wait are those of more targets than there are now. */
static int grow(struct courses *courses)
{
    uint32_t capacity = courses->told_capacity + COURSE_TOLD_MAX;
    struct told_row *told = calloc(capacity, sizeof(*told));
    if (told == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < courses->told_count; i++)
        told[i] = *courses_told(courses, i);
    free(courses->told);
    courses->told = told;
    courses->told_first = 0;
    courses->told_capacity = capacity;
    return 0;
}

int courses_restore(struct courses *courses, const struct course_told *told, uint8_t sinks)
{
    int err = courses->told_count == courses->told_capacity ? grow(courses) : 0;
    if (err == 0)
        push(courses, told, sinks & courses_sinks_of(courses, told));
    return err;
}

void courses_clear_rows(struct courses *courses)
{
    courses->told_first = courses->told_count = courses->told_settled = 0;
    for (uint32_t i = 0; i < courses->count; i++) {
        memset(courses->courses[i].now, 0, sizeof(courses->courses[i].now));
        courses->courses[i].change = (struct told_row){0};
    }
    courses->marks = (struct mark_counts){0};
}

/* --- days with shares applied --- */

static void apply_share(struct day_total *total, int64_t share)
{
    for (int scope = 0; scope < LEDGER_SCOPES; scope++) {
        total->mg[scope] = share_of(total->mg[scope], share);
        total->estimated_mg[scope] = share_of(total->estimated_mg[scope], share);
    }
    total->production_micro = share_of(total->production_micro, share);
}

/* A day on which nothing of the facility counts has nothing, and is not measured. The ledger
 * begins with the first day that counts. */
static void follow_day(struct course *course, const struct courses_conf *conf, int32_t day,
                       const struct day_total *whole)
{
    struct member_days member = past_member_days(conf->registry, conf->facility, day, day + 1);
    int64_t share =
        targets_share(conf->targets, conf->facility, day, (enum approach)course->target->approach);
    struct day_total total = *whole;
    if (member.first >= member.end || share == 0) {
        total = (struct day_total){.known = true, .final = whole->final};
        int32_t first;
        int32_t last;
        if (!day_ledger_span(course->shared, &first, &last) || day < first)
            return;
    }
    apply_share(&total, share);
    (void)day_ledger_set(course->shared, day, &total);
}

static void follow(struct course *course, const struct courses *courses,
                   const struct courses_subject *subject)
{
    int32_t first;
    int32_t last;
    if (course->shared == NULL || subject->set_first > subject->set_last ||
        !day_ledger_span(subject->ledger, &first, &last))
        return;
    for (int32_t day = MAX(first, subject->set_first); day <= MIN(last, subject->set_last); day++) {
        const struct day_total *whole = day_ledger_get(subject->ledger, day);
        if (whole != NULL)
            follow_day(course, &courses->conf, day, whole);
    }
}

static const struct day_ledger *ledger_of(const struct course *course,
                                          const struct courses_subject *subject)
{
    return course->shared != NULL ? course->shared : subject->ledger;
}

/* --- judging --- */

/* The plan of the year in which the day lies. False: there is nothing to judge. */
static bool plan(struct course *course, const struct courses *courses,
                 const struct courses_subject *subject, int32_t day)
{
    const struct courses_conf *conf = &courses->conf;
    if (!course->planned || day < course->year.first_day ||
        day >= course->year.first_day + course->year.days) {
        struct civil_year year = civil_year_of(day, course->target->year_start);
        const struct plan_input input = {.targets = conf->targets,
                                         .registry = conf->registry,
                                         .target = course->target,
                                         .ledger = ledger_of(course, subject),
                                         .days_off = conf->trajectory->days_off.days,
                                         .nonworking = conf->trajectory->nonworking,
                                         .base_threshold = conf->trajectory->base_change_min};
        course->outcome = plan_make(&course->plan, &course->line, &input, year.year);
        course->year = year;
        course->planned = true;
    }
    /* A year's production counts from its first day on. */
    return course->outcome == PLAN_MADE && (course->target->form != TARGET_INTENSITY ||
                                            subject->production_day <= course->year.first_day);
}

static struct course_basis basis_of(const struct courses *courses, struct course *course,
                                    const struct courses_subject *subject)
{
    return (struct course_basis){.conf = &courses->rules,
                                 .plan = &course->plan,
                                 .ledger = ledger_of(course, subject),
                                 .day_end_ms = subject->day_end_ms,
                                 .context = subject->context,
                                 .memo = &course->memo};
}

static void find_sources(const struct course *course, const struct courses_subject *subject,
                         struct course_told *told)
{
    for (int i = 0; i < COURSE_SOURCES; i++)
        told->sources[i] = (struct course_source){.index = REGISTRY_NONE};
    /* Sources have no shares. */
    if (course->shared == NULL)
        subject->find_sources(subject->context, course->target, &course->plan.year, told->sources);
}

/* The row of that target year, or the older one. */
static struct now_row *find_now(struct course *course, int year)
{
    struct now_row *older = NULL;
    for (int i = 0; i < COURSE_NOW_ROWS; i++) {
        struct now_row *now = &course->now[i];
        if (now->year == year)
            return now;
        if (older == NULL || now->year < older->year)
            older = now;
    }
    older->told = (struct course_told){.target = NULL};
    older->year = year;
    older->window = (struct window){0, 0};
    return older;
}

/* A day that closes while the next one runs changes the level only. */
static void tell_now(struct courses *courses, struct course *course, const struct course_told *told)
{
    struct now_row *now = find_now(course, course->year.year);
    if (now->told.target == NULL || told->row.day >= now->told.row.day)
        now->told = *told;
    now->told.row.level = told->row.level;
    now->version = ++course->stamps;
    courses_dirty(courses, &now->sinks, courses->conf.sinks);
}

static void tell(struct courses *courses, struct course *course,
                 const struct courses_subject *subject, const struct course_day *stamp)
{
    if (!plan(course, courses, subject, stamp->day))
        return;
    const struct course_basis basis = basis_of(courses, course, subject);
    struct course_told told = {.target = course->target};
    if (!course_step(&course->state, &basis, stamp, &told.row, &told.transition))
        return;
    find_sources(course, subject, &told);
    push(courses, &told, courses_sinks_of(courses, &told));
    if (told.transition.event != COURSE_NOTHING)
        course->change.told = told;
    tell_now(courses, course, &told);
}

void courses_judge(struct courses *courses, const struct courses_subject *subject,
                   const struct course_day stamps[], uint32_t count, int64_t watermark_ms)
{
    ASSERT(count <= COURSE_STAMPS_MAX && watermark_ms > courses->judged_ms);
    for (uint32_t i = 0; i < courses->count; i++) {
        struct course *course = &courses->courses[i];
        follow(course, courses, subject);
        if (subject->set_first < course->year.first_day)
            course->planned = false; /* its past is another one */
        if (subject->set_first <= course->memo.first_day + course->memo.ytd.day_of_year)
            course->memo.used = false;
    }
    for (uint32_t k = 0; k < count; k++) {
        for (uint32_t i = 0; i < courses->count; i++) {
            struct course *course = &courses->courses[i];
            struct course_day stamp = stamps[k];
            stamp.restated = k == 0 && subject->changed_day <= course->state.closed_day;
            tell(courses, course, subject, &stamp);
        }
    }
    courses->judged_ms = watermark_ms;
    courses->changed = true;
}
