#include "pipelines/trajectory/drift.h"

#include <math.h>
#include <string.h>

#include "pipelines/trajectory/forecast.h"

enum {
    LEVEL_TERM,
    PRODUCTION_TERM,
    OFF_TERM,
    WEEKDAY_TERM, /* six, from Tuesday on */
    SEASON_TERM = WEEKDAY_TERM + 6,
    TREND_TERM = SEASON_TERM + 4,
    TERMS
};

enum {
    SEASON_DAYS_MIN = 330, /* a season is not told from fewer known days, */
    TREND_DAYS_MIN = 660,  /* and a trend not from a season */
    PASSES = 3,            /* of fitting, each without the days that were far off */
    HELD_OUT_DAYS = 365,
    H_STEPS = 71, /* up to 40 */
    TRIAL_YEARS = 100,
    TRIAL_DAYS = 365,
    BLOCK_DAYS = 28 /* drawn together, because what lasts longer than a day stays in a residual */
};

#define NUMBER_MAX 1e18    /* a day with a larger one, or none, is passed over */
#define DRIFT_PART 0.05    /* of the usual day: the drift that is looked for */
#define DEVIATION_MIN 1e-9 /* of the usual day; below it there is nothing to judge by */
#define AUTOCORRELATION_MAX 0.95
#define BOUND 3.0 /* deviations: one day alone does not alarm */
#define K_MIN 0.3 /* or years that differ a little would sum up */
#define K_MAX 0.5
#define H_MIN 5.0
#define H_STEP 0.5
#define CUSUM_MAX 2.0      /* of h: an alarm ends soon after its cause */
#define EWMA_LIMIT 1.0     /* at H_MIN: three of the EWMA's own deviations */
#define ALARMS_A_YEAR 0.3  /* in trials; half an alarm is what is wanted of all together */
#define BASELINE_ERROR 3.5 /* deviation of a baseline's mean of n days, times the root of n */
#define YEAR_DAYS 365.2425
#define TWO_PI 6.283185307179586

static void season_of(double season_out[4], int32_t day)
{
    double years = day / YEAR_DAYS;
    double angle = TWO_PI * (years - floor(years));
    season_out[0] = round_9(sin(angle));
    season_out[1] = round_9(cos(angle));
    season_out[2] = 2 * season_out[0] * season_out[1];
    season_out[3] = 1 - 2 * season_out[0] * season_out[0];
}

/* Units of the fit, for the equations' sake: masses and production are parts of their mean, and
 * time is in years to the last day. */
struct drift_units {
    double mass, production, trend;
    int32_t last_day;
};

static int weekday_of(int32_t day)
{
    int weekday = (day % 7 + 3) % 7; /* 1970-01-01 was a Thursday */
    return weekday < 0 ? weekday + 7 : weekday;
}

static void terms_of(double terms_out[TERMS], const struct drift_day *day,
                     const struct drift_units *units)
{
    terms_out[LEVEL_TERM] = 1;
    terms_out[PRODUCTION_TERM] = units->production > 0 ? day->production / units->production : 0;
    terms_out[OFF_TERM] = 1 - day->factor;
    for (int i = 0; i < 6; i++)
        terms_out[WEEKDAY_TERM + i] = weekday_of(day->day) == i + 1;
    season_of(terms_out + SEASON_TERM, day->day);
    terms_out[TREND_TERM] = ((double)day->day - units->last_day) / YEAR_DAYS;
}

static bool counts(const struct drift_day *day)
{
    return day->known && fabs(day->production) < NUMBER_MAX && fabs(day->factor) < NUMBER_MAX;
}

/* The row, of those that are not used, with the largest number of that term. */
static int pivot_of(double rows[TERMS][TERMS + 1], const bool used[TERMS], int term)
{
    int best = -1;
    for (int row = 0; row < TERMS; row++)
        if (!used[row] && (best < 0 || fabs(rows[row][term]) > fabs(rows[best][term])))
            best = row;
    return best;
}

/* Takes the pivot's row off another one, so that the term is only in the pivot's. */
static void take_off(double row[TERMS + 1], const double pivot[TERMS + 1], int term)
{
    double times = row[term] / pivot[term];
    for (int column = term; column <= TERMS; column++)
        row[column] -= times * pivot[column];
}

/* Normal equations, the right side in the last column. A term that the others already tell, or that
 * never differs, gets 0. */
static void solve(double solution_out[TERMS], double rows[TERMS][TERMS + 1])
{
    bool used[TERMS] = {false};
    int pivots[TERMS];
    double least = 1e-9 * rows[0][0]; /* rows[0][0] is the number of days */
    for (int term = 0; term < TERMS; term++) {
        int pivot = pivot_of(rows, used, term);
        pivots[term] = -1;
        if (!(fabs(rows[pivot][term]) > least))
            continue;
        used[pivot] = true;
        pivots[term] = pivot;
        for (int row = 0; row < TERMS; row++)
            if (row != pivot)
                take_off(rows[row], rows[pivot], term);
    }
    for (int term = 0; term < TERMS; term++) {
        const double *row = pivots[term] < 0 ? NULL : rows[pivots[term]];
        solution_out[term] = row == NULL ? 0 : row[TERMS] / row[term];
    }
}

static double expected_of(const struct drift_baseline *baseline, const struct drift_day *day)
{
    double season[4];
    season_of(season, day->day);
    double expected = baseline->level + baseline->off_day * (1 - day->factor);
    if (baseline->with_production)
        expected += baseline->per_unit * day->production;
    for (int i = 0; i < 4; i++)
        expected += baseline->season[i] * season[i];
    return expected + baseline->weekday[weekday_of(day->day)];
}

/* The known days, their residuals, and whether they count in the fit. */
struct drift_work {
    struct drift_units units;
    uint32_t count;
    struct drift_day days[DRIFT_BASELINE_MAX];
    double residual[DRIFT_BASELINE_MAX]; /* mg; then freed, in deviations */
    bool kept[DRIFT_BASELINE_MAX];
};

/* False: there are too few days, or no emissions. */
static bool take_days(struct drift_work *work, const struct drift_day days[], uint32_t count)
{
    work->count = 0;
    work->units = (struct drift_units){0};
    for (uint32_t i = 0; i < count; i++) {
        if (!counts(&days[i]))
            continue;
        work->units.mass += (double)days[i].mg;
        work->units.production += days[i].production;
        work->units.last_day = days[i].day;
        work->kept[work->count] = true;
        work->days[work->count++] = days[i];
    }
    if (work->count < DRIFT_BASELINE_MIN || !(work->units.mass > 0))
        return false;
    work->units.mass /= work->count;
    work->units.production /= work->count;
    return true;
}

static void fit_terms(struct drift_baseline *baseline, struct drift_work *work)
{
    struct drift_units *units = &work->units;
    double rows[TERMS][TERMS + 1] = {{0}};
    uint32_t terms_count = work->count >= TREND_DAYS_MIN    ? TERMS
                           : work->count >= SEASON_DAYS_MIN ? TREND_TERM
                                                            : SEASON_TERM;
    for (uint32_t i = 0; i < work->count; i++) {
        if (!work->kept[i])
            continue;
        double terms[TERMS];
        terms_of(terms, &work->days[i], units);
        for (uint32_t row = 0; row < terms_count; row++) {
            for (uint32_t column = 0; column < terms_count; column++)
                rows[row][column] += terms[row] * terms[column];
            rows[row][TERMS] += terms[row] * ((double)work->days[i].mg / units->mass);
        }
    }
    double solution[TERMS];
    solve(solution, rows);
    baseline->with_production = units->production > 0;
    baseline->level = solution[LEVEL_TERM] * units->mass;
    if (baseline->with_production)
        baseline->per_unit = solution[PRODUCTION_TERM] * units->mass / units->production;
    baseline->off_day = solution[OFF_TERM] * units->mass;
    for (int i = 0; i < 6; i++)
        baseline->weekday[i + 1] = solution[WEEKDAY_TERM + i] * units->mass;
    for (int i = 0; i < 4; i++)
        baseline->season[i] = solution[SEASON_TERM + i] * units->mass;
    units->trend = solution[TREND_TERM] * units->mass / YEAR_DAYS;
}

/* Each day's residual; the trend ends with the baseline, and is not carried on. Days that are off
 * by more than BOUND deviations do not count in the next fit. */
static void see_residuals(struct drift_baseline *baseline, struct drift_work *work)
{
    double squares = 0;
    double kept = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        double trend = work->units.trend * ((double)work->days[i].day - work->units.last_day);
        work->residual[i] =
            (double)work->days[i].mg - expected_of(baseline, &work->days[i]) - trend;
        if (!work->kept[i])
            continue;
        squares += work->residual[i] * work->residual[i];
        kept++;
    }
    baseline->bound = BOUND * sqrt(squares / kept);
    for (uint32_t i = 0; i < work->count; i++)
        work->kept[i] = fabs(work->residual[i]) <= baseline->bound;
}

static double within(double value, double bound)
{
    return value > bound ? bound : value < -bound ? -bound : value;
}

/* The part of a day's residual that the day before does not tell; in deviations, bounded. */
static double freed(const struct drift_baseline *baseline, double residual_mg, bool follows,
                    double last_mg)
{
    double r = baseline->autocorrelation;
    double e = follows ? residual_mg - r * last_mg : residual_mg * sqrt(1 - r * r);
    return within(e / baseline->deviation, BOUND);
}

static bool follows_at(const struct drift_work *work, uint32_t i)
{
    if (i == 0)
        return false;
    return (int64_t)work->days[i].day - 1 == work->days[i - 1].day;
}

/* Autocorrelation and deviation of bounded residuals, which are freed of it. */
static void free_residuals(struct drift_baseline *baseline, struct drift_work *work)
{
    double squares = 0;
    double products = 0;
    double before_squares = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        work->residual[i] = within(work->residual[i], baseline->bound);
        squares += work->residual[i] * work->residual[i];
        if (!follows_at(work, i))
            continue;
        products += work->residual[i] * work->residual[i - 1];
        before_squares += work->residual[i - 1] * work->residual[i - 1];
    }
    double r = before_squares > 0 ? products / before_squares : 0;
    r = r > AUTOCORRELATION_MAX ? AUTOCORRELATION_MAX : r < 0 ? 0 : r;
    baseline->autocorrelation = r;
    baseline->deviation = sqrt(squares / work->count * (1 - r * r));
    double last = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        double residual = work->residual[i];
        work->residual[i] = freed(baseline, residual, follows_at(work, i), last);
        last = residual;
    }
}

/* Numbers that look random, the same everywhere (xorshift64*). */
static uint32_t next_random(uint64_t *seed, uint32_t below)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (uint32_t)((((*seed * UINT64_C(2685821657736338717)) >> 32) * below) >> 32);
}

/* One residual more. A sum of low ones that passes h, too, lowers what is expected by k: what a
 * site has become better by is not there to be lost unseen. Returns true if an alarm begins. */
static bool step(struct drift_state *state, const struct drift_baseline *baseline, double residual)
{
    double e = residual - state->offset;
    double cusum = state->cusum + e - baseline->k;
    double low = state->low - e - baseline->k;
    double most = CUSUM_MAX * baseline->h;
    state->cusum = cusum > most ? most : cusum > 0 ? cusum : 0;
    state->low = low > 0 ? low : 0;
    state->ewma += DRIFT_WEIGHT * (e - state->ewma);
    if (state->low > baseline->h) {
        state->low = 0;
        state->offset -= baseline->k;
    }
    bool stood = state->alarm_cusum || state->alarm_ewma;
    state->alarm_cusum = state->cusum > (state->alarm_cusum ? 0 : baseline->h);
    state->alarm_ewma = state->ewma > (state->alarm_ewma ? 0 : baseline->limit);
    return !stood && (state->alarm_cusum || state->alarm_ewma);
}

/* Alarms a year of years that are put together from blocks of the baseline's own residuals. Each
 * year is off as well, because the baseline's level and season are estimates. */
static double alarms_a_year(const struct drift_baseline *baseline, const double residuals[],
                            uint32_t count)
{
    uint64_t seed = 88172645463325252U;
    static const double quantiles[5] = {-1.28, -0.52, 0, 0.52, 1.28}; /* of a normal distribution */
    double error = BASELINE_ERROR / sqrt(count);
    uint32_t alarms = 0;
    struct drift_state state = {0};
    uint32_t at = 0;
    for (uint32_t day = 0; day < TRIAL_YEARS * TRIAL_DAYS; day++) {
        if (day % BLOCK_DAYS == 0)
            at = next_random(&seed, count);
        if (day % TRIAL_DAYS == 0)
            state = (struct drift_state){.offset = error * quantiles[day / TRIAL_DAYS % 5]};
        alarms += step(&state, baseline, residuals[at]);
        at = at + 1 < count ? at + 1 : 0;
    }
    return (double)alarms / TRIAL_YEARS;
}

/* Alarms of a baseline's first part in the days that follow it: what it does not know of them
 * counts, too, which its own residuals do not tell. */
static uint32_t alarms_after(const struct drift_baseline *baseline, const struct drift_day days[],
                             uint32_t count)
{
    struct drift_state state = {0};
    uint32_t alarms = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool stood = state.alarm_cusum || state.alarm_ewma;
        struct drift_judgement judgement = drift_judge(&state, baseline, &days[i]);
        alarms += !stood && (judgement.alarm_cusum || judgement.alarm_ewma);
    }
    return alarms;
}

/* Fits what is expected, and k: half of the shift that is looked for. False: it is not usable. */
static bool fit_expected(struct drift_baseline *baseline, struct drift_work *work,
                         const struct drift_day days[], uint32_t count)
{
    *baseline = (struct drift_baseline){0};
    if (!take_days(work, days, count))
        return false;
    struct drift_baseline fitted = {0};
    for (int pass = 0; pass < PASSES; pass++) {
        fit_terms(&fitted, work);
        see_residuals(&fitted, work);
    }
    if (!(fitted.bound > DEVIATION_MIN * work->units.mass) || !isfinite(fitted.bound))
        return false;
    free_residuals(&fitted, work);
    double shift = DRIFT_PART * work->units.mass * (1 - fitted.autocorrelation) / fitted.deviation;
    fitted.k = shift / 2 < K_MIN ? K_MIN : shift / 2 > K_MAX ? K_MAX : shift / 2;
    fitted.usable = true;
    *baseline = fitted;
    return true;
}

static void set_limits(struct drift_baseline *baseline, double h)
{
    baseline->h = h;
    baseline->limit = EWMA_LIMIT * h / H_MIN;
}

/* h: the least with which there are alarms seldom enough, in trials with the baseline's residuals;
 * and none in the baseline's last year, if that is judged by what the time before it tells. */
void drift_fit(struct drift_baseline *baseline_out, const struct drift_day days[], uint32_t count)
{
    ASSERT(count <= DRIFT_BASELINE_MAX);
    struct drift_work work;
    struct drift_baseline first = {0};
    uint32_t first_count = count >= 2 * HELD_OUT_DAYS ? count - HELD_OUT_DAYS : 0;
    if (first_count > 0)
        (void)fit_expected(&first, &work, days, first_count);
    if (!fit_expected(baseline_out, &work, days, count))
        return;
    for (int step_h = 0; step_h < H_STEPS; step_h++) {
        set_limits(baseline_out, H_MIN + step_h * H_STEP);
        set_limits(&first, baseline_out->h);
        if (first.usable && alarms_after(&first, days + first_count, count - first_count) > 0)
            continue;
        if (alarms_a_year(baseline_out, work.residual, work.count) <= ALARMS_A_YEAR)
            return;
    }
}

struct drift_judgement drift_judge(struct drift_state *state, const struct drift_baseline *baseline,
                                   const struct drift_day *day)
{
    ASSERT(baseline->usable);
    struct drift_judgement judgement = {0};
    if (!counts(day))
        return judgement;
    judgement.expected_mg = expected_of(baseline, day);
    double off = (double)day->mg - judgement.expected_mg;
    if (!isfinite(off))
        return judgement;
    double residual = within(off, baseline->bound);
    bool follows = state->begun && state->last_day == (int64_t)day->day - 1;
    judgement.residual = freed(baseline, residual, follows, state->last_residual);
    double before = state->cusum;
    step(state, baseline, judgement.residual);
    if (before == 0 && state->cusum > 0)
        state->since_day = day->day;
    state->last_residual = residual;
    state->last_day = day->day;
    state->begun = true;
    state->days++;
    judgement.alarm_cusum = state->alarm_cusum;
    judgement.alarm_ewma = state->alarm_ewma;
    return judgement;
}

void drift_reset(struct drift_state *state)
{
    state->cusum = 0;
    state->ewma = 0;
    state->alarm_cusum = state->alarm_ewma = false;
    state->days = 0;
}
