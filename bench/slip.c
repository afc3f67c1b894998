/*
 * bench/slip - how soon a drift is seen that begins on 1 July, and how often there is an alarm
 * without one.
 *
 *     bench/slip [--seed N] [--sites N] [--days-off FILE] [DIR]
 *
 * Without DIR: simulated sites, and tests/data/daily. With DIR: every *.csv of it
 * (bench/daily/daily.h). A year is judged
 * if the two years before it are there, too; up to three of them are the baseline. The budget is
 * what the year emitted without the drift, so a site without it ends exactly on budget. Alarms:
 *
 *     drift      pipelines/trajectory/drift.c, CUSUM or EWMA, k and h of the site's own
 *     slip       pipelines/trajectory/slip.c, a warning, with the rules that are preset
 *     slip g     the same without the probability of a miss
 *     slip w     the same as slip with the wider deviation that docs/forecast.md proposes
 *     slip 25    the same as slip with `share_min: 25%`
 *     slip 25w   both
 *     slip F     the same as slip with `forecast: model`
 *     ytd 2 %    year to date 2 % above budget, from W = 0.1
 *     plain      CUSUM 0.5/5 on residuals of the same baseline, their autocorrelation left in
 *
 * Each is a state that is entered and left: a sum is left at 0, ytd 2 % below it. An alarm is its
 * entrance. False alarms are listed by month, too.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/daily/daily.h"
#include "pipelines/trajectory/drift.h"
#include "pipelines/trajectory/forecast.h"
#include "pipelines/trajectory/slip.h"

enum alarm {
    DRIFT,
    SLIP,
    SLIP_MASS,
    SLIP_WIDE,
    SLIP_LATE,
    SLIP_LATE_WIDE,
    SLIP_MODEL,
    YTD,
    PLAIN,
    ALARMS
};
static const char *const names[ALARMS] = {"drift",    "slip",   "slip g",  "slip w", "slip 25",
                                          "slip 25w", "slip F", "ytd 2 %", "plain"};

/* How slips are judged, from SLIP on. */
enum { SLIPS = SLIP_MODEL - SLIP + 1, LATE = PART_ONE / 4 };
static const struct slip_rule {
    bool mass_only, wide, by_model;
    int64_t share_min;
} slip_rules[SLIPS] = {
    {.mass_only = false},
    {.mass_only = true},
    {.wide = true},
    {.share_min = LATE},
    {.wide = true, .share_min = LATE},
    {.by_model = true},
};

enum {
    FIRST_YEAR = 2017,
    SIMULATED_YEARS = 4,
    PAST_MIN = 2,
    PAST_MAX = 3,
    YEARS_MAX = 8192,
    DRIFTS = 3
};
static const double drifts[DRIFTS] = {0.03, 0.05, 0.10};
static const int64_t day_ms = INT64_C(86400000);

static const struct slip_conf slip_conf = {
    .threshold = {0, 50, 200, 500},
    .margin = 100,
    .probability = 900,
    .enter_days = 3,
    .leave_days = 3,
    .dwell_ms = INT64_C(86400000),
};

/* Days from 1 July of each site-year's first alarm from then on. */
enum {
    NOT_SEEN = -1,
    STOOD = -2
}; /* STOOD: it was above its threshold already, and tells nothing */
struct found {
    int32_t days[ALARMS][YEARS_MAX];
    uint32_t false_alarms[ALARMS][YEAR_MONTHS]; /* only of years without a drift */
    uint32_t count;
};

/* Known before the year begins. */
struct plan {
    struct civil_year year;
    struct shares shares;
    struct drift_baseline baseline;
    double plain_deviation; /* of residuals as they are */
    struct residuals residuals;
    int64_t budget_mg, before_mg;
};

static void read_days(struct drift_day days[], const struct daily *daily, int32_t first,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)(first - daily->first_day) + i;
        double production = daily->production[index];
        days[i] = (struct drift_day){.day = first + (int32_t)i,
                                     .mg = daily_mg(daily, first + (int32_t)i),
                                     .production = isnan(production) ? 0 : production,
                                     .factor = daily->factor[index],
                                     .known = !isnan(daily->kg[index])};
    }
}

static double expected_of(const struct drift_baseline *baseline, const struct drift_day *day)
{
    struct drift_state fresh = {0};
    return drift_judge(&fresh, baseline, day).expected_mg;
}

/* False: the year cannot be judged. */
static bool plan_make(struct plan *plan, const struct daily *daily, int year)
{
    struct past_year past[PAST_MAX];
    uint32_t past_count = 0;
    int oldest = year;
    while (year - oldest < PAST_MAX && daily_has_year(daily, oldest - 1))
        oldest--;
    for (int before = oldest; before < year; before++)
        daily_past(&past[past_count++], daily, before);
    if (past_count < PAST_MIN || !daily_has_year(daily, year))
        return false;
    plan->year = civil_year_named(year, 1);
    int64_t factors[YEAR_DAYS_MAX];
    daily_factors(factors, daily, &plan->year);
    shares_of_past(&plan->shares, &plan->year, factors, past, past_count);
    plan->residuals = residuals_of(plan->shares.month, past, past_count);
    plan->budget_mg = 0;
    for (int32_t day = 0; day < plan->year.days; day++)
        plan->budget_mg += daily_mg(daily, plan->year.first_day + day);
    struct drift_day days[DRIFT_BASELINE_MAX];
    int32_t first = civil_day(oldest, 1, 1);
    uint32_t count = (uint32_t)(plan->year.first_day - first);
    read_days(days, daily, first, count);
    drift_fit(&plan->baseline, days, count);
    if (!plan->baseline.usable || plan->budget_mg <= 0)
        return false;
    double squares = 0;
    double known = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!days[i].known)
            continue;
        double off = (double)days[i].mg - expected_of(&plan->baseline, &days[i]);
        squares += off * off;
        known++;
    }
    plan->plain_deviation = sqrt(squares / known);
    return true;
}

/* One year's run of all alarms, day by day. */
struct run {
    struct drift_state drift;
    struct slip_state slip[SLIPS];
    double plain;
    bool drift_above, ytd_above, plain_above;
    int64_t ytd_mg, month_mg[YEAR_MONTHS];
    int month;
};

static bool is_slip(struct slip_state *state, int64_t end_ms, int32_t slip, int32_t probability)
{
    struct slip_day day = {.end_ms = end_ms, .slip = slip, .probability = probability};
    enum alert_level before = slip_judge(state, &slip_conf, &day);
    return before < ALERT_WARNING && state->level >= ALERT_WARNING;
}

/* P by the deviation that the ratio has: what months that are over were off is scaled up with them,
 * and shares fit the n years that they come from. */
static int32_t wide_probability(const struct forecast *forecast, const struct plan *plan)
{
    double years = (double)plan->residuals.months / YEAR_MONTHS;
    double share = (double)forecast->share / PART_ONE;
    double deviation = (double)forecast->deviation_mg * sqrt((years + 1) / ((years - 1) * share));
    if (!(deviation > 0))
        return forecast->probability;
    double off = (double)(forecast->ratio_mg - plan->budget_mg) / deviation;
    return (int32_t)rint(1000 * 0.5 * erfc(-off / sqrt(2)));
}

static bool run_slip(struct slip_state *state, const struct slip_rule *rule,
                     const struct plan *plan, const struct forecast_input *run_input,
                     int64_t end_ms)
{
    struct forecast_input input = *run_input;
    struct forecast forecast;
    input.by_model = rule->by_model;
    forecast_make(&forecast, &input);
    if (!forecast.given || forecast.share < rule->share_min)
        return false;
    int32_t slip = slip_of(input.ytd_mg, plan->budget_mg, forecast.share);
    int32_t ahead = slip_of(forecast.model_mg, plan->budget_mg, PART_ONE);
    int32_t probability = rule->mass_only ? -1
                          : rule->wide    ? wide_probability(&forecast, plan)
                                          : forecast.probability;
    return is_slip(state, end_ms, rule->by_model && ahead > slip ? ahead : slip, probability);
}

static void run_budget(bool alarm_out[ALARMS], struct run *run, const struct plan *plan,
                       int32_t day_of_year)
{
    const struct forecast_input input = {.shares = &plan->shares,
                                         .month_mg = run->month_mg,
                                         .day_of_year = day_of_year,
                                         .part = PART_ONE,
                                         .ytd_mg = run->ytd_mg,
                                         .budget_mg = plan->budget_mg,
                                         .share_min = PART_ONE / 10,
                                         .residuals = plan->residuals};
    int64_t end_ms = (plan->year.first_day + day_of_year + 1) * day_ms;
    int64_t share = shares_until(&plan->shares, day_of_year);
    for (int i = 0; i < SLIPS; i++)
        alarm_out[SLIP + i] = run_slip(&run->slip[i], &slip_rules[i], plan, &input, end_ms);
    if (share < input.share_min)
        return;
    bool above = slip_of(run->ytd_mg, plan->budget_mg, share) >= 200;
    alarm_out[YTD] = above && !run->ytd_above;
    run->ytd_above = above;
}

static void run_day(bool alarm_out[ALARMS], struct run *run, const struct plan *plan,
                    const struct drift_day *day)
{
    int32_t day_of_year = day->day - plan->year.first_day;
    for (int i = 0; i < ALARMS; i++)
        alarm_out[i] = false;
    while (day->day >= plan->year.month_first[run->month + 1])
        run->month++;
    run->month_mg[run->month] += day->mg;
    run->ytd_mg += day->mg;
    run_budget(alarm_out, run, plan, day_of_year);
    if (!day->known)
        return;
    struct drift_judgement judgement = drift_judge(&run->drift, &plan->baseline, day);
    bool above = judgement.alarm_cusum || judgement.alarm_ewma;
    alarm_out[DRIFT] = above && !run->drift_above;
    run->drift_above = above;
    run->plain += ((double)day->mg - judgement.expected_mg) / plan->plain_deviation - 0.5;
    run->plain = run->plain > 0 ? run->plain : 0;
    above = run->plain > (run->plain_above ? 0 : 5);
    alarm_out[PLAIN] = above && !run->plain_above;
    run->plain_above = above;
}

static void judge_year(struct found *found, const struct plan *plan, const struct daily *daily,
                       bool drifts_then)
{
    static struct drift_day days[YEAR_DAYS_MAX];
    read_days(days, daily, plan->year.first_day, (uint32_t)plan->year.days);
    struct run run = {0};
    for (int i = 0; i < SLIPS; i++)
        slip_init(&run.slip[i]);
    int32_t july = civil_day(plan->year.year, 7, 1) - plan->year.first_day;
    bool stood[ALARMS] = {false};
    for (int i = 0; i < ALARMS; i++)
        found->days[i][found->count] = NOT_SEEN;
    for (int32_t day = 0; day < plan->year.days; day++) {
        bool alarm[ALARMS];
        run_day(alarm, &run, plan, &days[day]);
        for (int i = 0; i < ALARMS; i++) {
            found->false_alarms[i][run.month] += alarm[i] && !drifts_then;
            int32_t *first = &found->days[i][found->count];
            if (day == july && stood[i])
                *first = STOOD;
            if (day >= july && alarm[i] && *first == NOT_SEEN)
                *first = day - july;
        }
        for (int i = 0; i < SLIPS; i++)
            stood[SLIP + i] = run.slip[i].level >= ALERT_WARNING;
        stood[YTD] = run.ytd_above;
        stood[DRIFT] = run.drift_above;
        stood[PLAIN] = run.plain_above;
    }
    found->count++;
}

static struct found calm, drifted[DRIFTS];

static void judge_site(const struct daily *daily, int first_year, int last_year)
{
    for (int year = first_year; year <= last_year && calm.count < YEARS_MAX; year++) {
        struct plan plan;
        if (!plan_make(&plan, daily, year))
            continue;
        judge_year(&calm, &plan, daily, false);
        for (int i = 0; i < DRIFTS; i++) {
            struct daily copy;
            daily_drift(&copy, daily, civil_day(year, 7, 1), 1 + drifts[i]);
            judge_year(&drifted[i], &plan, &copy, true);
            daily_free(&copy);
        }
    }
}

static int by_number(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a;
    int32_t right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

static int32_t median_of(int32_t values[], uint32_t count)
{
    qsort(values, count, sizeof(values[0]), by_number);
    return count > 0 ? values[count / 2] : 0;
}

/* Nothing until the year's end counts as the 184 days that are left of it. */
static int32_t days_of(int32_t found)
{
    return found == NOT_SEEN ? 184 : found;
}

static void print_drift(const struct found *found, int alarm)
{
    static int32_t days[YEARS_MAX];
    static int32_t lead[YEARS_MAX];
    uint32_t count = 0;
    uint32_t lead_count = 0;
    uint32_t seen = 0;
    for (uint32_t year = 0; year < found->count; year++) {
        int32_t own = found->days[alarm][year];
        int32_t ytd = found->days[YTD][year];
        if (own == STOOD)
            continue;
        seen += own != NOT_SEEN;
        days[count++] = days_of(own);
        if (ytd != STOOD)
            lead[lead_count++] = days_of(ytd) - days_of(own);
    }
    printf("  | %4d %4.0f %% %5d", median_of(days, count), count > 0 ? 100.0 * seen / count : 0,
           median_of(lead, lead_count));
}

static void print_found(void)
{
    printf("%-8s %12s", "", "false alarms");
    for (int i = 0; i < DRIFTS; i++)
        printf("  | drift of %4.0f %%  ", 100 * drifts[i]);
    printf("\n%-8s %12s", "alarm", "a site-year");
    for (int i = 0; i < DRIFTS; i++)
        printf("  | days   seen  lead");
    printf("\n");
    for (int alarm = 0; alarm < ALARMS && calm.count > 0; alarm++) {
        uint32_t sum = 0;
        for (int month = 0; month < YEAR_MONTHS; month++)
            sum += calm.false_alarms[alarm][month];
        printf("%-8s %12.3f", names[alarm], (double)sum / calm.count);
        for (int i = 0; i < DRIFTS; i++)
            print_drift(&drifted[i], alarm);
        printf("\n");
    }
    printf("%-8s false alarms by month\n", "");
    for (int alarm = 0; alarm < ALARMS && calm.count > 0; alarm++) {
        printf("%-8s", names[alarm]);
        for (int month = 0; month < YEAR_MONTHS; month++)
            printf(" %4" PRIu32, calm.false_alarms[alarm][month]);
        printf("\n");
    }
    printf("days: median from 1 July, 184 if not seen in the year; lead: median of days before "
           "ytd 2 %%.\nYears in which an alarm stood on 1 July are left out of its figures.\n\n");
}

static void judge_folder(const struct daily_options *options)
{
    struct dailies dailies;
    dailies_read(&dailies, options->folder, options->days_off);
    calm = (struct found){0};
    memset(drifted, 0, sizeof(drifted));
    for (uint32_t i = 0; i < dailies.count; i++) {
        const struct daily *daily = &dailies.sites[i];
        int last = civil_date(daily->first_day + (int32_t)daily->count - 1).year;
        judge_site(daily, civil_date(daily->first_day).year, last);
    }
    printf("%s: %" PRIu32 " site-years\n", options->folder, calm.count);
    print_found();
    dailies_free(&dailies);
}

static void judge_simulated(uint32_t sites, uint64_t seed)
{
    struct dailies dailies;
    dailies_simulate(&dailies, sites, FIRST_YEAR, SIMULATED_YEARS, seed);
    int year = FIRST_YEAR + SIMULATED_YEARS - 1;
    for (uint32_t i = 0; i < dailies.count; i++)
        judge_site(&dailies.sites[i], year, year);
    printf("simulator, seed %" PRIu64 ": %" PRIu32 " site-years\n", seed, calm.count);
    print_found();
    dailies_free(&dailies);
}

int main(int argc, char **argv)
{
    struct daily_options options;
    daily_options(&options, argc, argv);
    if (options.simulate)
        judge_simulated(options.sites, options.seed);
    if (options.folder != NULL)
        judge_folder(&options);
    return 0;
}
