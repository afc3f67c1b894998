#include "pipelines/trajectory/course.h"

#include "base/decimal.h"

enum { UNITS_MICRO = 1000000 };

struct course_conf course_conf_of(const struct trajectory_conf *conf)
{
    enum { PER_MYRIAD = PART_ONE / 10000, PER_MILLE = PART_ONE / 1000 };
    return (struct course_conf){
        .slip = {.threshold = {[ALERT_WATCH] = (int32_t)(conf->watch / PER_MYRIAD),
                               [ALERT_WARNING] = (int32_t)(conf->warning / PER_MYRIAD),
                               [ALERT_CRITICAL] = (int32_t)(conf->critical / PER_MYRIAD)},
                 .margin = (int32_t)(conf->margin / PER_MYRIAD),
                 .probability = (int32_t)(conf->miss_probability / PER_MILLE),
                 .enter_days = (uint32_t)conf->enter_days,
                 .leave_days = (uint32_t)conf->leave_days,
                 .dwell_ms = conf->dwell_ms},
        .share_min = conf->share_min,
        .coverage_min = conf->coverage_min,
        .base_threshold = conf->base_change_min,
        .by_model = conf->forecast == FORECAST_MODEL,
        .missing_deviation = conf->missing_deviation,
        .estimated_deviation = conf->estimated_deviation};
}

void course_init(struct course_state *state_out)
{
    *state_out = (struct course_state){.closed_day = INT32_MIN, .row_ms = INT64_MIN};
    slip_init(&state_out->slip);
    slip_init(&state_out->year_began);
}

static int64_t narrow(int128 value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

static void year_begin(struct year_to_date *ytd)
{
    *ytd = (struct year_to_date){.day_of_year = -1};
    for (int month = 0; month < YEAR_MONTHS; month++)
        ytd->month_known[month] = true;
}

static void year_advance(struct year_to_date *ytd, const struct course_basis *basis)
{
    const struct civil_year *year = &basis->plan->year;
    int32_t day = year->first_day + ++ytd->day_of_year;
    if (day >= year->month_first[ytd->month + 1])
        ytd->month++;
    int128 before = ytd->sum.mg;
    if (!day_ledger_add(basis->ledger, day, basis->plan->line->target->scopes, &ytd->sum))
        ytd->month_known[ytd->month] = false;
    ytd->month_mg[ytd->month] = narrow((int128)ytd->month_mg[ytd->month] + ytd->sum.mg - before);
}

/* The last days of a year to date change most: they are added in every step. */
enum { MEMO_DAYS = 3 };

static void year_sum(struct year_to_date *ytd, const struct course_basis *basis,
                     int32_t day_of_year)
{
    int32_t first_day = basis->plan->year.first_day;
    struct year_memo *memo = basis->memo;
    if (memo != NULL && memo->used && memo->first_day == first_day &&
        memo->ytd.day_of_year <= day_of_year)
        *ytd = memo->ytd;
    else
        year_begin(ytd);
    while (ytd->day_of_year < day_of_year) {
        year_advance(ytd, basis);
        if (memo != NULL && ytd->day_of_year == day_of_year - MEMO_DAYS)
            *memo = (struct year_memo){.used = true, .first_day = first_day, .ytd = *ytd};
    }
}

/* The budget of the year and to date. False: none. */
static bool budget_of(struct course_row *row, const struct course_plan *plan,
                      const struct year_to_date *ytd)
{
    const struct base_version *version = target_line_version(plan->line, &plan->year, row->day);
    int64_t allowed = 0;
    if (!target_line_allowed(&allowed, plan->line, version, plan->year.year))
        return false;
    row->base_version = version->number;
    row->base_mg = version->base_mg;
    if (plan->line->target->form == TARGET_INTENSITY) {
        int128 produced = narrow(ytd->sum.production_micro);
        row->due_mg = narrow(div_round_even(allowed * produced, UNITS_MICRO));
        row->budget_mg = row->due_mg;
        return true;
    }
    row->budget_mg = allowed;
    row->due_mg = narrow(div_round_even((int128)allowed * row->share, PART_ONE));
    return true;
}

/* As a deviation: the mass that time without readings would have at the rate of the rest, and the
 * mass that is estimated. They are added, as if one could not make up for the other. */
static int64_t open_of(const struct course_conf *conf, const struct days_sum *sum)
{
    int128 open = 0;
    if (sum->covered_ms > 0 && sum->covered_ms < sum->expected_ms && sum->mg > 0) {
        int128 missing =
            div_round_even(sum->mg * (sum->expected_ms - sum->covered_ms), sum->covered_ms);
        open += div_round_even((int128)narrow(missing) * conf->missing_deviation, PART_ONE);
    }
    if (sum->estimated_mg > 0)
        open +=
            div_round_even((int128)narrow(sum->estimated_mg) * conf->estimated_deviation, PART_ONE);
    return narrow(open);
}

static void forecast_of(struct course_row *row, const struct course_basis *basis,
                        const struct year_to_date *ytd, int64_t part)
{
    const struct course_plan *plan = basis->plan;
    row->forecast = (struct forecast){
        .share = row->share, .deviation_mg = -1, .probability = -1, .used_up_day = -1};
    if (plan->line->target->form == TARGET_INTENSITY || row->budget_mg <= 0)
        return;
    struct forecast_input input = {
        .shares = &plan->shares,
        .month_mg = ytd->month_mg,
        .day_of_year = ytd->day_of_year,
        .part = part,
        .ytd_mg = row->ytd_mg,
        .budget_mg = row->budget_mg,
        .before_mg =
            plan->residuals.level_mg < 0 && plan->last_closed_mg > 0 ? plan->last_closed_mg : 0,
        .open_mg = open_of(basis->conf, &ytd->sum),
        .share_min = basis->conf->share_min,
        .residuals = plan->residuals,
        .by_model = basis->conf->by_model};
    forecast_make(&row->forecast, &input);
}

static void slip_find(struct course_row *row, const struct course_basis *basis)
{
    bool intensity = basis->plan->line->target->form == TARGET_INTENSITY;
    row->slip = INT32_MIN;
    if (row->budget_mg <= 0 || row->share <= 0)
        return;
    row->slip = slip_of(row->ytd_mg, row->budget_mg, intensity ? PART_ONE : row->share);
    if (!basis->conf->by_model || !row->forecast.given)
        return;
    int32_t year_end = slip_of(row->forecast.model_mg, row->budget_mg, PART_ONE);
    if (year_end > row->slip)
        row->slip = year_end;
}

static bool is_covered(const struct course_row *row, const struct course_conf *conf)
{
    return row->expected_ms > 0 &&
           (int128)row->covered_ms * PART_ONE >= (int128)row->expected_ms * conf->coverage_min;
}

/* Everything of the row that a day is judged by. False: the year has no budget. */
static bool reckon(struct course_row *row, const struct course_basis *basis,
                   const struct year_to_date *ytd, const struct course_day *day)
{
    const struct course_conf *conf = basis->conf;
    *row = (struct course_row){.stamp_ms = day->stamp_ms,
                               .day = day->day,
                               .closed = day->closed,
                               .restated = day->restated,
                               .ytd_mg = narrow(ytd->sum.mg),
                               .estimated_mg = narrow(ytd->sum.estimated_mg),
                               .covered_ms = ytd->sum.covered_ms,
                               .expected_ms = ytd->sum.expected_ms};
    row->share = shares_at(&basis->plan->shares, ytd->day_of_year, day->part);
    if (!budget_of(row, basis->plan, ytd))
        return false;
    forecast_of(row, basis, ytd, day->part);
    slip_find(row, basis);
    row->counted = day->closed && row->slip != INT32_MIN && row->share >= conf->share_min &&
                   is_covered(row, conf);
    return true;
}

static void judge(struct slip_state *slip, const struct course_conf *conf,
                  const struct course_row *row, int64_t end_ms)
{
    struct slip_day day = {end_ms, row->slip, row->forecast.probability};
    if (row->counted)
        (void)slip_judge(slip, &conf->slip, &day);
}

/* The year's closed days with what is known now. True: the level is lower for it. */
static bool judge_again(struct course_state *state, const struct course_basis *basis)
{
    const struct civil_year *year = &basis->plan->year;
    struct slip_state again = state->year_began;
    struct year_to_date ytd;
    year_begin(&ytd);
    for (int32_t day = year->first_day; day <= state->closed_day; day++) {
        struct course_day closed = {.day = day, .part = PART_ONE, .closed = true};
        struct course_row row;
        year_advance(&ytd, basis);
        if (reckon(&row, basis, &ytd, &closed) && row.counted)
            judge(&again, basis->conf, &row, basis->day_end_ms(basis->context, day));
    }
    if (again.level >= state->slip.level)
        return false;
    state->slip = again;
    return true;
}

/* Months that are over count, those of the year before in place of the others. */
static int64_t trailing_of(const struct course_plan *plan, const struct year_to_date *ytd,
                           const struct course_day *day)
{
    bool month_ends = day->closed && day->day + 1 == plan->year.month_first[ytd->month + 1];
    int over = month_ends ? ytd->month + 1 : ytd->month;
    int128 sum = 0;
    for (int month = 0; month < YEAR_MONTHS; month++) {
        bool known = month < over ? ytd->month_known[month] : plan->last_year_mg[month] >= 0;
        if (!known)
            return -1;
        sum += month < over ? ytd->month_mg[month] : plan->last_year_mg[month];
    }
    return narrow(sum);
}

/* All years from the running one on may still emit this together. False: it is not known. */
static bool remaining_of(int64_t *remaining_out, const struct course_plan *plan,
                         const struct base_version *version)
{
    int128 sum = (int128)plan->allowed_since_base_mg - plan->emitted_since_base_mg;
    for (int year = plan->year.year; year <= plan->line->target->target_year; year++) {
        int64_t allowed = 0;
        if (!target_line_allowed(&allowed, plan->line, version, year))
            return false;
        sum += allowed;
    }
    *remaining_out = narrow(sum);
    return plan->years_closed_known;
}

static void progress_find(struct course_row *row, const struct course_plan *plan)
{
    const struct target_line *line = plan->line;
    row->needed.cumulative = INT64_MIN;
    row->achieved = INT64_MIN;
    row->overshoot_mg = INT64_MIN;
    if (line->target->form == TARGET_INTENSITY)
        return;
    if (plan->years_closed_known)
        row->overshoot_mg =
            narrow((int128)plan->emitted_since_base_mg - plan->allowed_since_base_mg);
    const struct base_version *version = target_line_version(line, &plan->year, row->day);
    int64_t end_mg = 0;
    int64_t remaining_mg = 0;
    if (plan->last_closed_mg < 0 || !target_line_end(&end_mg, line, version))
        return;
    (void)achieved_part(&row->achieved, version->base_mg, plan->last_closed_mg, end_mg);
    bool known = remaining_of(&remaining_mg, plan, version);
    int years = line->target->target_year - plan->year.year + 1;
    row->needed = needed_rates(plan->last_closed_mg, end_mg, remaining_mg, years);
    if (!known || !row->needed.to_end_known) {
        row->needed.cumulative = INT64_MIN;
        row->needed.budget_gone = false;
    }
}

static void begin_year(struct course_state *state, const struct course_plan *plan)
{
    state->year = plan->year.year;
    state->year_began = state->slip;
}

/* The change of level that the step made. */
static void transition_find(struct course_transition *transition_out, struct course_state *state,
                            const struct slip_state *before, const struct course_row *row,
                            bool lowered)
{
    enum alert_level from = before->level;
    enum alert_level to = state->slip.level;
    *transition_out = (struct course_transition){.event = COURSE_NOTHING};
    if (to == from)
        return;
    transition_out->event = to > from ? COURSE_ENTERED : lowered ? COURSE_RETRACTED : COURSE_LEFT;
    transition_out->from = (uint8_t)from;
    transition_out->to = (uint8_t)to;
    transition_out->base_version = row->base_version;
    transition_out->number = ++state->number;
    transition_out->stamp_ms = row->stamp_ms;
    transition_out->since_ms = to == ALERT_OK ? before->since_ms : state->slip.since_ms;
}

bool course_step(struct course_state *state, const struct course_basis *basis,
                 const struct course_day *day, struct course_row *row_out,
                 struct course_transition *transition_out)
{
    const struct course_plan *plan = basis->plan;
    int32_t day_of_year = day->day - plan->year.first_day;
    ASSERT(day_of_year >= 0 && day_of_year < plan->year.days);
    ASSERT(!day->closed || day->part == PART_ONE);
    struct year_to_date ytd;
    year_sum(&ytd, basis, day_of_year);
    if (!reckon(row_out, basis, &ytd, day))
        return false;
    row_out->trailing_mg = trailing_of(plan, &ytd, day);
    progress_find(row_out, plan);

    const struct slip_state before = state->slip;
    if (day->closed && day->day > state->closed_day) {
        if (state->year != plan->year.year)
            begin_year(state, plan);
        state->closed_day = day->day;
        judge(&state->slip, basis->conf, row_out, day->end_ms);
    }
    /* Judging again cannot end below ALERT_OK. */
    bool lowered = day->restated && state->year == plan->year.year &&
                   state->slip.level > ALERT_OK && judge_again(state, basis);
    transition_find(transition_out, state, &before, row_out, lowered);
    if (transition_out->event != COURSE_NOTHING)
        transition_out->day_end_ms = basis->day_end_ms(basis->context, state->closed_day);
    row_out->level = state->slip.level;
    if (day->stamp_ms > state->row_ms)
        state->row_ms = day->stamp_ms;
    return true;
}
