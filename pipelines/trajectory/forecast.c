#include "pipelines/trajectory/forecast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"

/* Half of the width that holds 80 % of a normal distribution, in deviations. */
#define INTERVAL_DEVIATIONS 1.2815515655446

/* The model's numbers; bench/forecast measures them. */
#define LEVEL_WALK 0.08      /* variance of the level's step in a month, of a month's variance */
#define YEAR_JUMP 0.03       /* usual deviation of a year's level from that of the month before */
#define YEAR_JUMP_WEIGHT 2.0 /* so many years of it are counted beside those that were seen */
#define MONTH_DEVIATION 0.05 /* of a month, parts of a twelfth, if history does not tell */
#define MONTH_DEVIATION_MIN 0.005 /* history that repeats itself does not make months exact */

double round_9(double value)
{
    char text[32];
    if (!isfinite(value) || value == 0)
        return value;
    (void)snprintf(text, sizeof(text), "%.8e", value); /* exact, half to even; no locale is set */
    return strtod(text, NULL);
}

static int64_t narrow(int128 value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

/* Whole milligrams; what 64 bits cannot hold is bounded. */
static int64_t whole(double value)
{
    if (!(value < 0x1p63)) /* NaN, too */
        return INT64_MAX;
    return value > -0x1p63 ? (int64_t)rint(value) : -INT64_MAX;
}

/* A whole year's mass at the level of now, and how sure that is. This is a local level
 * model: a month tells its mass / its share, the more surely the larger its share. Between months
 * the level may move. */
struct year_level {
    double mg, variance;
    bool known;
};

static void level_see(struct year_level *level, double seen_mg, double variance)
{
    if (!level->known) {
        *level = (struct year_level){seen_mg, variance, true};
        return;
    }
    double sum = level->variance + variance;
    double gain = sum > 0 ? level->variance / sum : 1;
    level->mg += gain * (seen_mg - level->mg);
    level->variance *= 1 - gain;
}

/* A month goes by; `passed` of its `planned` parts did, with mg in them. */
static void level_month(struct year_level *level, int64_t mg, int64_t passed, int64_t planned,
                        double month_variance)
{
    level->variance += LEVEL_WALK * month_variance * YEAR_MONTHS * YEAR_MONTHS;
    if (passed <= 0)
        return;
    double share = (double)passed / PART_ONE;
    double month_share = (double)planned / PART_ONE;
    level_see(level, (double)mg / share, month_variance / (share * month_share));
}

/* Follows the level over past years, and how far it was off the year that came next. */
static struct year_level level_of_past(const int64_t months[YEAR_MONTHS],
                                       const struct past_year *past, uint32_t past_count,
                                       double month_variance)
{
    struct year_level level = {0};
    double jumps = 0;
    for (uint32_t year = 0; year < past_count; year++) {
        double before = level.mg;
        double total = 0;
        for (int month = 0; month < YEAR_MONTHS; month++) {
            level_month(&level, past[year].mg[month], months[month], months[month], month_variance);
            total += (double)past[year].mg[month];
        }
        if (year > 0)
            jumps += (total - before) * (total - before);
    }
    double usual = YEAR_JUMP * level.mg;
    level.variance +=
        (YEAR_JUMP_WEIGHT * usual * usual + jumps) / (past_count - 1 + YEAR_JUMP_WEIGHT);
    return level;
}

/* The variance of (month's total - share * year's total) over all months, the mean taken off. */
static double month_variance_of_past(const int64_t months[YEAR_MONTHS],
                                     const struct past_year *past, uint32_t past_count)
{
    uint32_t count = past_count * YEAR_MONTHS;
    double mean = 0;
    double squares = 0;
    for (int pass = 0; pass < 2; pass++) {
        double sum = 0;
        squares = 0;
        for (uint32_t year = 0; year < past_count; year++) {
            int128 total = 0;
            for (int month = 0; month < YEAR_MONTHS; month++)
                total += past[year].mg[month];
            for (int month = 0; month < YEAR_MONTHS; month++) {
                int128 planned = div_round_even(total * months[month], PART_ONE);
                double off = (double)(past[year].mg[month] - planned) - mean;
                sum += off;
                squares += off * off;
            }
        }
        mean = sum / count;
    }
    return squares / (count - 1);
}

struct residuals residuals_of(const int64_t months[YEAR_MONTHS], const struct past_year *past,
                              uint32_t past_count)
{
    struct residuals residuals = {-1, past_count * YEAR_MONTHS, -1, -1};
    if (residuals.months < RESIDUAL_MONTHS_MIN)
        return residuals;
    double variance = month_variance_of_past(months, past, past_count);
    struct year_level level = level_of_past(months, past, past_count, variance);
    residuals.deviation_mg = whole(round_9(sqrt(variance)));
    residuals.level_mg = whole(round_9(level.mg));
    residuals.level_deviation_mg = whole(round_9(sqrt(level.variance)));
    return residuals;
}

/* Where the year stands. */
struct year_place {
    int month;           /* the running one, of 0 .. 11 */
    int64_t share;       /* W */
    int64_t month_share; /* of the running month that has passed */
    double months_left;  /* with the part of the running one */
};

static struct year_place position_of(const struct forecast_input *input)
{
    const struct shares *shares = input->shares;
    int32_t day = input->day_of_year;
    int32_t date = shares->year.first_day + day;
    struct year_place at = {0};
    while (at.month < YEAR_MONTHS - 1 && date >= shares->year.month_first[at.month + 1])
        at.month++;
    int32_t first = shares->year.month_first[at.month];
    int32_t end = shares->year.month_first[at.month + 1];
    int64_t before = shares_until(shares, first - shares->year.first_day - 1);
    at.share = shares_at(shares, day, input->part);
    at.month_share = at.share - before;
    int64_t left = (int64_t)(end - date) * PART_ONE - input->part;
    at.months_left = (double)left / ((double)(end - first) * PART_ONE) + YEAR_MONTHS - 1 - at.month;
    return at;
}

/* The deviation of a month's mass: from history, if that is not too little to be true. */
static double month_deviation(const struct forecast_input *input, double ratio_mg)
{
    double usual = fabs(ratio_mg) / YEAR_MONTHS;
    double deviation = (double)input->residuals.deviation_mg;
    if (deviation < 0)
        return MONTH_DEVIATION * usual;
    return deviation < MONTH_DEVIATION_MIN * usual ? MONTH_DEVIATION_MIN * usual : deviation;
}

static struct year_level level_of(const struct forecast_input *input, const struct year_place *at,
                                  double ratio_mg)
{
    const struct residuals *residuals = &input->residuals;
    double deviation = month_deviation(input, ratio_mg);
    struct year_level level = {0};
    if (residuals->deviation_mg >= 0 && residuals->level_mg > 0) {
        double off = (double)residuals->level_deviation_mg;
        level = (struct year_level){(double)residuals->level_mg, off * off, true};
    } else if (input->before_mg > 0) {
        double off = YEAR_JUMP * (double)input->before_mg;
        level = (struct year_level){(double)input->before_mg, off * off, true};
    }
    for (int month = 0; month <= at->month; month++) {
        int64_t planned = input->shares->month[month];
        int64_t passed = month == at->month ? at->month_share : planned;
        level_month(&level, input->month_mg[month], passed, planned, deviation * deviation);
    }
    return level;
}

static int32_t probability_of(int64_t budget_mg, int64_t forecast_mg, int64_t deviation_mg)
{
    if (deviation_mg < 0)
        return -1;
    if (deviation_mg == 0)
        return forecast_mg > budget_mg ? 1000 : 0;
    double beyond = (double)((int128)forecast_mg - budget_mg) / (double)deviation_mg;
    double probability = round_9(0.5 * erfc(-beyond / sqrt(2)));
    return (int32_t)rint(probability * 1000);
}

/* A sum that grows in step with the shares of days: by more_mg over `share` parts, from `from` on.
 */
struct growth {
    int64_t from, share;
    int128 more_mg;
};

/* The first day, from `first` up to `end`, at whose end the sum is above room_mg. -1: none. */
static int32_t day_beyond(const struct shares *shares, int32_t first, int32_t end,
                          const struct growth *growth, int128 room_mg)
{
    int64_t sum = shares_until(shares, first - 1);
    for (int32_t day = first; day < end; day++) {
        sum += shares->day[day];
        if (growth->more_mg * (sum - growth->from) > room_mg * growth->share)
            return day;
    }
    return -1;
}

/* Past months pass the budget on the day that their shares tell; later days by the forecast. */
static int32_t used_up_day(const struct forecast_input *input, const struct year_place *at,
                           int64_t forecast_mg)
{
    const struct shares *shares = input->shares;
    int128 room = input->budget_mg;
    for (int month = 0; month <= at->month; room -= input->month_mg[month++]) {
        if (input->month_mg[month] <= room)
            continue;
        bool running = month == at->month;
        int32_t first = shares->year.month_first[month] - shares->year.first_day;
        int32_t last = running ? input->day_of_year
                               : shares->year.month_first[month + 1] - shares->year.first_day - 1;
        const struct growth passed = {shares_until(shares, first - 1),
                                      running ? at->month_share : shares->month[month],
                                      input->month_mg[month]};
        int32_t day = day_beyond(shares, first, last, &passed, room);
        return day >= 0 ? day : last;
    }
    const struct growth ahead = {at->share, PART_ONE - at->share,
                                 (int128)forecast_mg - input->ytd_mg};
    return day_beyond(shares, input->day_of_year, shares->year.days, &ahead,
                      (int128)input->budget_mg - input->ytd_mg);
}

/* The forecasts' common deviation: months that remain, and what is open of those that passed. */
static int64_t deviation_of(const struct forecast_input *input, const struct year_place *at)
{
    if (input->residuals.deviation_mg < 0)
        return -1;
    double month = (double)input->residuals.deviation_mg;
    double open = input->open_mg > 0 ? (double)input->open_mg : 0;
    return whole(round_9(sqrt(at->months_left * month * month + open * open)));
}

/* The interval knows more than s_F. The level may be off, and shares that were learnt from n years
 * fit these better than another year, by (n + 1) / (n - 1) in variance. */
static void make_interval(struct forecast *forecast, const struct forecast_input *input,
                          const struct year_place *at, const struct year_level *level)
{
    if (forecast->deviation_mg < 0)
        return;
    double years = (double)input->residuals.months / YEAR_MONTHS;
    years = years < 2 ? 2 : years;
    double month = (double)input->residuals.deviation_mg;
    double rest = (double)(PART_ONE - at->share) / PART_ONE;
    double open = input->open_mg > 0 ? (double)input->open_mg : 0;
    double variance = at->months_left * month * month * (years + 1) / (years - 1) +
                      rest * rest * level->variance + open * open;
    int64_t half = whole(round_9(INTERVAL_DEVIATIONS * sqrt(variance)));
    forecast->interval_given = true;
    forecast->low_mg = narrow((int128)forecast->model_mg - half);
    forecast->high_mg = narrow((int128)forecast->model_mg + half);
}

void forecast_make(struct forecast *forecast_out, const struct forecast_input *input)
{
    ASSERT(input->day_of_year >= 0 && input->day_of_year < input->shares->year.days);
    ASSERT(input->part >= 0 && input->part <= PART_ONE);
    struct year_place at = position_of(input);
    *forecast_out = (struct forecast){
        .share = at.share, .deviation_mg = -1, .probability = -1, .used_up_day = -1};
    if (at.share <= 0 || at.share < input->share_min)
        return;
    struct forecast *forecast = forecast_out;
    forecast->given = true;
    forecast->ratio_mg = narrow(div_round_even((int128)input->ytd_mg * PART_ONE, at.share));
    struct year_level level = level_of(input, &at, (double)forecast->ratio_mg);
    double rest = level.mg * ((double)(PART_ONE - at.share) / PART_ONE);
    forecast->model_mg = narrow((int128)input->ytd_mg + whole(round_9(rest)));
    int64_t by = input->by_model ? forecast->model_mg : forecast->ratio_mg;
    forecast->deviation_mg = deviation_of(input, &at);
    forecast->probability = probability_of(input->budget_mg, by, forecast->deviation_mg);
    forecast->used_up_day = used_up_day(input, &at, by);
    make_interval(forecast, input, &at, &level);
}

struct needed needed_rates(int64_t now_mg, int64_t end_mg, int64_t remaining_mg, int years)
{
    struct needed needed = {0};
    if (now_mg <= 0 || years <= 0)
        return needed;
    int128 unchanged = (int128)now_mg * years; /* what follows if nothing is done */
    int128 excess = unchanged - remaining_mg;
    needed.to_end_known = true;
    needed.to_end = narrow(div_round_even(((int128)now_mg - end_mg) * PART_ONE, unchanged));
    needed.cumulative =
        narrow(div_round_even(2 * excess * PART_ONE, unchanged * ((int128)years + 1)));
    needed.budget_gone = 2 * excess >= (int128)now_mg * ((int128)years + 1);
    return needed;
}

bool achieved_part(int64_t *part_out, int64_t base_mg, int64_t now_mg, int64_t end_mg)
{
    int128 whole_way = (int128)base_mg - end_mg;
    int128 way = (int128)base_mg - now_mg;
    if (whole_way == 0)
        return false;
    if (whole_way < 0) { /* a target above the base */
        whole_way = -whole_way;
        way = -way;
    }
    *part_out = narrow(div_round_even(way * PART_ONE, whole_way));
    return true;
}
