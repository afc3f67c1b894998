/* The courses of the facilities of a shard: which stamps the watermark crosses, and what they tell.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/param.h>

#include "base/decimal.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_sums.h"
#include "pipelines/rollup/site_totals.h"
#include "pipelines/state/shard_state.h"

/* --- making them --- */

/* Targets of one facility. A ledger has the production of one meter: that of the first intensity.
 */
struct own_targets {
    const struct target **targets;
    uint32_t count;
    uint32_t meter; /* REGISTRY_NONE */
    uint32_t left_out;
};

/* Adds the target if it is of the facility; targets: NULL only counts it. */
static void add_target(struct own_targets *own, const struct target *target, uint32_t facility)
{
    if (target->level != TARGET_FACILITY || target->facility != facility)
        return;
    if (target->form == TARGET_INTENSITY && own->meter == REGISTRY_NONE)
        own->meter = target->meter;
    if (target->form == TARGET_INTENSITY && own->meter != target->meter) {
        own->left_out++;
        return;
    }
    if (own->targets != NULL)
        own->targets[own->count] = target;
    own->count++;
}

static struct own_targets find_targets(const struct targets *targets, uint32_t facility,
                                       const struct target **into)
{
    struct own_targets own = {.targets = into, .meter = REGISTRY_NONE};
    for (uint32_t i = 0; targets != NULL && i < targets->targets_count; i++)
        add_target(&own, &targets->targets[i], facility);
    return own;
}

size_t shard_facility_size(const struct shard_context *context, uint32_t facility)
{
    struct own_targets own = find_targets(context->targets, facility, NULL);
    const struct courses_conf conf = {
        .targets = context->targets, .registry = context->registry, .facility = facility};
    size_t bytes = site_size(context->registry, context->window, facility);
    return own.count == 0 ? bytes : bytes + site_totals_size() + courses_size(&conf, own.count);
}

void shard_put_targets(const struct shard *shard, struct site_conf *conf)
{
    struct own_targets own = find_targets(shard->context.targets, conf->facility, NULL);
    conf->has_targets = own.count > 0;
    conf->production_meter = own.meter;
}

/* The sinks that get such rows, a bit each. */
static uint8_t sinks_with(const struct shard_context *context, int skip_bit)
{
    uint8_t sinks = 0;
    for (uint32_t i = 0; i < context->sinks_count; i++) {
        bool skips = context->sinks != NULL && (context->sinks[i].skips >> skip_bit & 1U) != 0;
        sinks |= (uint8_t)(!skips << i);
    }
    return sinks;
}

/* The sinks that know what stands as long as they live, a bit each. */
static uint8_t sinks_of_state(const struct shard_context *context)
{
    uint8_t sinks = 0;
    for (uint32_t i = 0; context->sinks != NULL && i < context->sinks_count; i++)
        sinks |= (uint8_t)(sink_conf_repeats(&context->sinks[i]) << i);
    return sinks & sinks_with(context, SINK_ALERTS_BIT);
}

int shard_make_courses(struct shard *shard, uint32_t facility)
{
    const struct shard_context *context = &shard->context;
    const struct courses_conf conf = {.targets = context->targets,
                                      .registry = context->registry,
                                      .trajectory = context->trajectory,
                                      .facility = facility,
                                      .partition = shard->partition,
                                      .sinks = sinks_with(context, SINK_TRAJECTORY_BIT),
                                      .alert_sinks = sinks_with(context, SINK_ALERTS_BIT),
                                      .standing_sinks = sinks_of_state(context)};
    uint32_t count = find_targets(context->targets, facility, NULL).count;
    if (count == 0)
        return 0;
    const struct target **list = calloc(count, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    struct own_targets own = find_targets(context->targets, facility, list);
    int err = courses_create(&shard->courses[facility], &conf, list, count);
    free(list);
    if (err < 0)
        return err;
    if (own.left_out > 0)
        LOG_LIMITED(LOG_LEVEL_WARN, "shard.targets_left_out",
                    "facility=\"%s\" targets=%" PRIu32
                    " reason=\"another intensity counts the production of another meter\"",
                    context->registry->facilities[facility].id, own.left_out);
    shard->courses[facility]->taking_over = shard->taking_over;
    shard->courses[facility]->next_ms = INT64_MIN;
    shard->judge_ms = INT64_MIN;
    return 0;
}

/* --- stamps --- */

static int64_t hour_at(int64_t time_ms)
{
    int64_t rest_ms = time_ms % HOUR_MS;
    return time_ms - (rest_ms < 0 ? rest_ms + HOUR_MS : rest_ms);
}

/* The day whose end the watermark passes next by the grace, if it is at judged_ms now. */
static struct window next_day(struct site *site, int64_t judged_ms)
{
    int64_t time_ms = MAX(judged_ms - site->conf.window->grace_ms, TIME_MIN_MS);
    return calendar_window(site->calendar, LEVEL_DAY, time_ms);
}

static int64_t next_stamp(struct site *site, int64_t judged_ms)
{
    return MIN(hour_at(judged_ms) + HOUR_MS,
               next_day(site, judged_ms).end_ms + site->conf.window->grace_ms);
}

static struct course_day hour_stamp(struct site *site, int64_t hour_ms)
{
    struct window day = calendar_window(site->calendar, LEVEL_DAY, hour_ms - 1);
    return (struct course_day){
        .day = site_local_day(site, day),
        .end_ms = day.end_ms,
        .stamp_ms = hour_ms,
        .part = (int64_t)div_round_even((int128)(hour_ms - day.start_ms) * PART_ONE,
                                        day.end_ms - day.start_ms)};
}

static struct course_day closed_stamp(const struct site *site, struct window day)
{
    const struct window_conf *window = site->conf.window;
    return (struct course_day){.day = site_local_day(site, day),
                               .end_ms = day.end_ms,
                               .stamp_ms = day.end_ms + window->allowed_delay_ms + window->grace_ms,
                               .part = PART_ONE,
                               .closed = true};
}

/* Those at that watermark: the day that closes comes first. */
static uint32_t find_stamps(struct site *site, int64_t judged_ms, int64_t watermark_ms,
                            struct course_day stamps_out[COURSE_STAMPS_MAX])
{
    struct window day = next_day(site, judged_ms);
    uint32_t count = 0;
    if (day.end_ms + site->conf.window->grace_ms == watermark_ms)
        stamps_out[count++] = closed_stamp(site, day);
    if (hour_at(watermark_ms) == watermark_ms)
        stamps_out[count++] = hour_stamp(site, watermark_ms);
    return count;
}

/* --- what courses ask of their site --- */

static int64_t day_end_ms(void *context, int32_t day)
{
    struct site *site = context;
    struct date date = civil_date(day + 1);
    int64_t end_ms = 0;
    int err = calendar_date_start(site->calendar, date.year, date.month, date.day, &end_ms);
    return err == 0 ? end_ms : (day + 1) * DAY_MS; /* outside of the years that a calendar has */
}

static void insert_source(struct course_source sources[COURSE_SOURCES], struct course_source source)
{
    for (int i = 0; i < COURSE_SOURCES; i++) {
        if (sources[i].index != REGISTRY_NONE && sources[i].ytd_mg >= source.ytd_mg)
            continue;
        struct course_source lower = sources[i];
        sources[i] = source;
        source = lower;
    }
}

/* The year's period is there while its end is not before the floor; its days have been refreshed.
 */
static const struct period *find_year(struct site *site, int64_t time_ms)
{
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        const struct period *period = &site->periods[i];
        if (period->used && period->level == LEVEL_YEAR && time_ms >= period->window.start_ms &&
            time_ms < period->window.end_ms)
            return period;
    }
    return NULL;
}

static void find_sources(void *context, const struct target *target, const struct civil_year *year,
                         struct course_source sources_out[COURSE_SOURCES])
{
    struct site *site = context;
    /* Noon of the day before the last one is in the year in every zone. */
    int64_t within_ms = (year->first_day + year->days - 2) * DAY_MS + DAY_MS / 2;
    const struct period *period = find_year(site, within_ms);
    if (target->year_start != site->conf.window->fiscal_year_start || period == NULL ||
        period->window.end_ms <= site->totals->floor_ms)
        return;
    for (uint32_t i = 0; i < site->days_count; i++)
        site_refresh_day(site, site_day(site, i));
    const struct period_sum *sum = site_get_sum(site, period);
    for (uint32_t i = 0; i < site->facility->series_count; i++) {
        uint32_t series = site->facility->series_first + i;
        uint8_t scope = site->conf.registry->series[series].scope;
        int128 mg = sum->figures[i].value[FIGURE_CO2E];
        if ((target->scopes >> scope & 1) != 0 && mg > 0)
            insert_source(sources_out, (struct course_source){series, (int64_t)MIN(mg, INT64_MAX)});
    }
}

static struct courses_subject subject_of(struct site *site)
{
    const struct site_totals *totals = site->totals;
    return (struct courses_subject){.ledger = totals->ledger,
                                    .changed_day = totals->changed_day,
                                    .set_first = totals->set_first,
                                    .set_last = totals->set_last,
                                    .production_day = totals->production_day,
                                    .day_end_ms = day_end_ms,
                                    .find_sources = find_sources,
                                    .context = site};
}

/* --- judging --- */

/* False: rows have to be taken first. */
static bool judge_site(struct shard *shard, struct site *site, int64_t watermark_ms)
{
    struct courses *courses = shard->courses[site->conf.facility];
    if (site->expected->begin_ms == INT64_MAX) {
        courses->next_ms = INT64_MAX; /* until it has been heard */
        return true;
    }
    if (courses->judged_ms == INT64_MIN) {
        courses->judged_ms = watermark_ms;
        courses->changed = true;
    }
    courses->next_ms = next_stamp(site, courses->judged_ms);
    if (courses->next_ms > watermark_ms)
        return true;
    site_totals_refresh(site, &shard->clock, watermark_ms);
    while (courses->next_ms <= watermark_ms) {
        struct course_day stamps[COURSE_STAMPS_MAX];
        if (!courses_have_room(courses))
            return false;
        uint32_t count = find_stamps(site, courses->judged_ms, courses->next_ms, stamps);
        const struct courses_subject subject = subject_of(site);
        courses_judge(courses, &subject, stamps, count, courses->next_ms);
        site_totals_judged(site->totals);
        courses->next_ms = next_stamp(site, courses->judged_ms);
    }
    return true;
}

bool shard_judge_due(struct shard *shard, int64_t watermark_ms)
{
    bool all = true;
    int64_t next_ms = INT64_MAX;
    for (uint32_t i = 0; i < shard->own_count; i++) {
        struct site *site = shard->own[i];
        struct courses *courses = shard->courses[site->conf.facility];
        if (courses == NULL)
            continue;
        if (courses->next_ms <= watermark_ms)
            all &= judge_site(shard, site, watermark_ms);
        next_ms = MIN(next_ms, courses->next_ms);
    }
    shard->judge_ms = next_ms;
    return all;
}

void shard_expect_courses(struct shard *shard, struct site *site)
{
    if (site->totals == NULL)
        return;
    site_totals_expect(site, true);
    shard->courses[site->conf.facility]->next_ms = shard->judge_ms = INT64_MIN;
}

/* --- rows --- */

bool shard_take_courses(struct shard *shard, struct site *site, uint32_t sink, bool with_now,
                        struct block *block)
{
    struct courses *courses = shard->courses[site->conf.facility];
    if (courses == NULL || courses->judged_ms == INT64_MIN)
        return true;
    const struct courses_subject subject = subject_of(site);
    return courses_take(courses, &subject, sink, with_now, block);
}
