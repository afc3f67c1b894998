#include "daemon/trajectory/subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"

int subject_make(struct target_subject *subject_out, const struct target *target, int32_t first_day,
                 int32_t end_day)
{
    size_t count = (size_t)(end_day - first_day);
    *subject_out = (struct target_subject){.target = target,
                                           .first_day = first_day,
                                           .end_day = end_day,
                                           .totals = calloc(count, sizeof(*subject_out->totals)),
                                           .end_ms = calloc(count, sizeof(*subject_out->end_ms)),
                                           .days = calloc(count, sizeof(*subject_out->days)),
                                           .known_day = INT32_MAX,
                                           .final_day = INT32_MIN,
                                           .outcome = PLAN_NOT_ALLOWED};
    int err = day_ledger_create(&subject_out->ledger, LEDGER_DAYS_MAX);
    if (err == 0 &&
        (subject_out->totals == NULL || subject_out->end_ms == NULL || subject_out->days == NULL))
        err = -ENOMEM;
    for (size_t i = 0; err == 0 && i < count; i++) {
        subject_out->totals[i].whole = true;
        subject_out->end_ms[i] = (int64_t)(first_day + (int32_t)i + 1) * DAY_MS;
    }
    if (err < 0)
        subject_fini(subject_out);
    return err;
}

void subject_fini(struct target_subject *subject)
{
    day_ledger_destroy(&subject->ledger);
    free(subject->totals);
    free(subject->end_ms);
    free(subject->days);
    *subject = (struct target_subject){0};
}

void subject_add(struct target_subject *subject, const struct config *config,
                 const struct archived_days *days)
{
    for (int32_t day = subject->first_day; day < subject->end_day; day++) {
        size_t i = (size_t)(day - subject->first_day);
        archived_days_add(days, day, config->targets, subject->target, &subject->totals[i]);
        if (subject->target->level == TARGET_FACILITY)
            subject->end_ms[i] = archived_days_end_ms(days, day);
    }
}

static void find_known(struct target_subject *subject)
{
    for (int32_t day = subject->first_day; day < subject->end_day; day++) {
        const struct day_total *total = &subject->totals[day - subject->first_day];
        if (!total->known)
            continue;
        subject->known_day = MIN(subject->known_day, day);
        if (total->final)
            subject->final_day = day;
    }
}

/* Days without any row lie between days that have some: nothing of them is covered, and they are no
 * measured zeros. Days of the first target year on which meters were to report already are like
 * them.
 */
static void fill_ledger(struct target_subject *subject)
{
    find_known(subject);
    if (subject->final_day == INT32_MIN)
        return;
    struct civil_year year = civil_year_of(subject->known_day, subject->target->year_start);
    for (int32_t day = MAX(year.first_day, subject->first_day); day <= subject->final_day; day++) {
        struct day_total *total = &subject->totals[day - subject->first_day];
        if (day < subject->known_day && total->expected_ms == 0)
            continue;
        if (!total->known) {
            total->known = total->final = true;
            total->whole = false;
        }
        (void)day_ledger_set(subject->ledger, day, total);
    }
}

static int64_t find_end_ms(void *context, int32_t day)
{
    const struct target_subject *subject = context;
    ASSERT(day >= subject->first_day && day < subject->end_day);
    return subject->end_ms[day - subject->first_day];
}

static void judge_year(struct target_subject *subject, const struct config *config,
                       const struct course_conf *conf, struct course_state *state)
{
    const struct window_conf *window = &config->window;
    const struct civil_year *year = &subject->plan.year;
    const struct course_basis basis = {.conf = conf,
                                       .plan = &subject->plan,
                                       .ledger = subject->ledger,
                                       .day_end_ms = find_end_ms,
                                       .context = subject};
    int32_t end_day = MIN(year->first_day + year->days, subject->final_day + 1);
    for (int32_t day = MAX(year->first_day, subject->known_day); day < end_day; day++) {
        int64_t end_ms = find_end_ms(subject, day);
        const struct course_day step = {.day = day,
                                        .end_ms = end_ms,
                                        .stamp_ms =
                                            end_ms + window->allowed_delay_ms + window->grace_ms,
                                        .part = PART_ONE,
                                        .closed = true};
        struct judged_day *judged = &subject->days[subject->days_count];
        subject->days_count += course_step(state, &basis, &step, &judged->row, &judged->transition);
    }
}

void subject_judge(struct target_subject *subject, const struct config *config)
{
    const struct course_conf conf = course_conf_of(&config->trajectory);
    const struct plan_input input = {.targets = config->targets,
                                     .registry = config->registry,
                                     .target = subject->target,
                                     .ledger = subject->ledger,
                                     .days_off = config->trajectory.days_off.days,
                                     .nonworking = config->trajectory.nonworking,
                                     .base_threshold = config->trajectory.base_change_min};
    subject->unmetered = target_unmetered(subject->target, config->registry);
    fill_ledger(subject);
    if (subject->final_day == INT32_MIN)
        return;
    struct course_state state;
    course_init(&state);
    int start = subject->target->year_start;
    int last = civil_year_of(subject->final_day, start).year;
    for (int year = civil_year_of(subject->known_day, start).year; year <= last; year++) {
        subject->outcome = plan_make(&subject->plan, &subject->line, &input, year);
        /* A year that began before the days that were asked for has no year to date. */
        if (subject->outcome == PLAN_MADE && subject->plan.year.first_day >= subject->first_day)
            judge_year(subject, config, &conf, &state);
    }
}

const struct judged_day *subject_last(const struct target_subject *subject)
{
    if (subject->outcome != PLAN_MADE || subject->days_count == 0)
        return NULL;
    const struct judged_day *last = &subject->days[subject->days_count - 1];
    return last->row.day >= subject->plan.year.first_day ? last : NULL;
}
