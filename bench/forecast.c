/*
 * bench/forecast - how far forecasts of the year's end are off, at the end of each month: the
 * model, the ratio rule (year to date / W) and linear pro rata. And how often the model's interval
 * holds the year's end: 80 % is what it promises. Then the ratio's error in deviations, its root
 * mean square, which should be 1: by s_F; by the wider deviation that docs/forecast.md proposes;
 * and by that with past years compared to shares of their own working days.
 *
 *     bench/forecast [--seed N] [--sites N] [--days-off FILE] [DIR]
 *
 * Without DIR: a simulator, with a drift of 5 % or -5 % from 1 July of the year that is judged at
 * half of the sites, and without; then tests/data/daily. With DIR: every *.csv of it
 * (bench/daily/daily.h). A year is judged if the two years before it are there, too; weights come
 * of all years before it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "bench/daily/daily.h"
#include "pipelines/trajectory/forecast.h"

enum { PAST_MIN = 2, PAST_MAX = 40, RULES = 3, FIRST_YEAR = 2016, SIMULATED_YEARS = 6 };

#define SHARE_MIN (PART_ONE / 10)

static const char *const rules[RULES] = {"model", "ratio", "linear"};
enum { DEVIATIONS = 3 };
static const char *const deviations[DEVIATIONS] = {"s_F", "wider", "own days"};

struct score {
    double off[YEAR_MONTHS][RULES]; /* sums of |forecast - year| / year */
    double squares[YEAR_MONTHS][DEVIATIONS];
    uint32_t held[YEAR_MONTHS], count[YEAR_MONTHS];
    uint32_t years;
};

/* A month's deviation over past years, each by shares of its own working days. */
static double own_deviation(const struct daily *daily, int oldest, const struct past_year *past,
                            uint32_t past_count)
{
    double squares = 0;
    for (uint32_t i = 0; i < past_count; i++) {
        struct civil_year year = civil_year_named(oldest + (int)i, 1);
        int64_t factors[YEAR_DAYS_MAX];
        struct shares shares;
        double total = 0;
        daily_factors(factors, daily, &year);
        shares_of_past(&shares, &year, factors, past, past_count);
        for (int month = 0; month < YEAR_MONTHS; month++)
            total += (double)past[i].mg[month];
        for (int month = 0; month < YEAR_MONTHS; month++) {
            double share = (double)shares.month[month] / PART_ONE;
            double off = (double)past[i].mg[month] - share * total; /* they sum to 0 */
            squares += off * off;
        }
    }
    return sqrt(squares / (past_count * YEAR_MONTHS - 1));
}

static void add_squares(double squares[DEVIATIONS], const struct forecast *forecast,
                        const struct residuals *residuals, double own, int64_t year_mg)
{
    double years = (double)residuals->months / YEAR_MONTHS;
    double share = (double)forecast->share / PART_ONE;
    double off = (double)(forecast->ratio_mg - year_mg) / (double)forecast->deviation_mg;
    double wider = off / sqrt((years + 1) / ((years - 1) * share));
    double of_own = wider * (double)residuals->deviation_mg / own;
    squares[0] += off * off;
    squares[1] += wider * wider;
    squares[2] += of_own * of_own;
}

static void judge_month(struct score *score, struct forecast_input *input, int month, double own,
                        int64_t year_mg)
{
    const struct civil_year *year = &input->shares->year;
    input->day_of_year = year->month_first[month + 1] - year->first_day - 1;
    input->ytd_mg += input->month_mg[month];
    struct forecast forecast;
    forecast_make(&forecast, input);
    if (!forecast.given)
        return;
    double linear = (double)input->ytd_mg * year->days / (input->day_of_year + 1);
    const double made[RULES] = {(double)forecast.model_mg, (double)forecast.ratio_mg, linear};
    for (int i = 0; i < RULES; i++)
        score->off[month][i] += fabs(made[i] - (double)year_mg) / (double)year_mg;
    if (month < YEAR_MONTHS - 1)
        add_squares(score->squares[month], &forecast, &input->residuals, own, year_mg);
    score->held[month] += forecast.low_mg <= year_mg && year_mg <= forecast.high_mg;
    score->count[month]++;
}

static void judge_year(struct score *score, const struct daily *daily, int year)
{
    struct past_year past[PAST_MAX];
    uint32_t past_count = 0;
    int oldest = year;
    while (year - oldest < PAST_MAX && daily_has_year(daily, oldest - 1))
        oldest--;
    for (int before = oldest; before < year; before++)
        daily_past(&past[past_count++], daily, before);
    if (past_count < PAST_MIN || !daily_has_year(daily, year))
        return;
    struct civil_year at = civil_year_named(year, 1);
    int64_t factors[YEAR_DAYS_MAX];
    daily_factors(factors, daily, &at);
    struct shares shares;
    shares_of_past(&shares, &at, factors, past, past_count);
    struct past_year actual;
    daily_past(&actual, daily, year);
    int64_t year_mg = 0;
    int64_t before_mg = 0;
    for (int month = 0; month < YEAR_MONTHS; month++) {
        year_mg += actual.mg[month];
        before_mg += past[past_count - 1].mg[month];
    }
    if (year_mg <= 0)
        return;
    struct forecast_input input = {
        .shares = &shares,
        .month_mg = actual.mg,
        .part = PART_ONE,
        .budget_mg = before_mg,
        .before_mg = before_mg,
        .share_min = SHARE_MIN,
        .residuals = residuals_of(shares.month, past, past_count),
    };
    double own = own_deviation(daily, oldest, past, past_count);
    score->years++;
    for (int month = 0; month < YEAR_MONTHS; month++)
        judge_month(score, &input, month, own, year_mg);
}

static void print_score(const char *title, const struct score *score)
{
    printf("%s: %" PRIu32 " site-years; mean absolute error of the year's end in %%\n", title,
           score->years);
    printf("%-8s", "month");
    for (int i = 0; i < RULES; i++)
        printf(" %8s", rules[i]);
    printf("  in the interval");
    for (int i = 0; i < DEVIATIONS; i++)
        printf(" %8s", deviations[i]);
    printf("\n");
    double total[RULES] = {0};
    uint32_t held = 0;
    uint32_t count = 0;
    for (int month = 0; month < YEAR_MONTHS - 1; month++) {
        if (score->count[month] == 0)
            continue;
        printf("%-8d", month + 1);
        for (int i = 0; i < RULES; i++) {
            printf(" %8.3f", 100 * score->off[month][i] / score->count[month]);
            total[i] += score->off[month][i];
        }
        printf("  %5.1f %%        ", 100.0 * score->held[month] / score->count[month]);
        for (int i = 0; i < DEVIATIONS; i++)
            printf(" %8.2f", sqrt(score->squares[month][i] / score->count[month]));
        printf("\n");
        held += score->held[month];
        count += score->count[month];
    }
    if (count == 0)
        return;
    printf("%-8s", "all");
    for (int i = 0; i < RULES; i++)
        printf(" %8.3f", 100 * total[i] / count);
    printf("  %5.1f %%\n\n", 100.0 * held / count);
}

static void judge_site(struct score *score, const struct daily *daily)
{
    int first = civil_date(daily->first_day).year;
    int last = civil_date(daily->first_day + (int32_t)daily->count - 1).year;
    for (int year = first; year <= last; year++)
        judge_year(score, daily, year);
}

/* The simulator's last year, alone. A quarter of the sites drifts up from 1 July, and one down. */
static void judge_simulated(const struct daily_options *options, double drift, const char *title)
{
    static struct score score;
    score = (struct score){0};
    struct dailies dailies;
    dailies_simulate(&dailies, options->sites, FIRST_YEAR, SIMULATED_YEARS, options->seed);
    int year = FIRST_YEAR + SIMULATED_YEARS - 1;
    const double times[4] = {1, 1 + drift, 1, 1 - drift};
    for (uint32_t i = 0; i < dailies.count; i++) {
        struct daily drifted;
        daily_drift(&drifted, &dailies.sites[i], civil_day(year, 7, 1), times[i % 4]);
        judge_year(&score, &drifted, year);
        daily_free(&drifted);
    }
    dailies_free(&dailies);
    print_score(title, &score);
}

static void judge_folder(const struct daily_options *options)
{
    static struct score score;
    struct dailies dailies;
    dailies_read(&dailies, options->folder, options->days_off);
    for (uint32_t i = 0; i < dailies.count; i++)
        judge_site(&score, &dailies.sites[i]);
    dailies_free(&dailies);
    print_score(options->folder, &score);
}

int main(int argc, char **argv)
{
    struct daily_options options;
    daily_options(&options, argc, argv);
    if (options.simulate) {
        printf("simulator, seed %" PRIu64 "\n", options.seed);
        judge_simulated(&options, 0.05, "half of them 5 % up or down from 1 July");
        judge_simulated(&options, 0, "without drift");
    }
    if (options.folder != NULL)
        judge_folder(&options);
    return 0;
}
