#include "pipelines/trajectory/plan.h"

#include <string.h>
#include <sys/param.h>

/* Months of a target year; -1: not known. */
struct months {
    int64_t mg[YEAR_MONTHS];
    bool whole; /* all are known */
    int64_t sum;
};

/* False: not every day of the month is known and whole. */
static bool measured_month(int64_t *mg_out, const struct plan_input *input, int32_t first_day,
                           int32_t end_day)
{
    struct days_sum sum = {0};
    for (int32_t day = first_day; day < end_day; day++) {
        const struct day_total *total = day_ledger_get(input->ledger, day);
        if (total == NULL || !total->whole)
            return false;
        day_ledger_add(input->ledger, day, input->target->scopes, &sum);
    }
    *mg_out = (int64_t)MIN(sum.mg, MONTH_MG_MAX);
    return true;
}

static struct months find_months(const struct plan_input *input, const struct civil_year *year)
{
    struct months months = {.whole = true};
    for (int i = 0; i < YEAR_MONTHS; i++) {
        struct date date = civil_date(year->month_first[i]);
        if (!measured_month(&months.mg[i], input, year->month_first[i], year->month_first[i + 1]) &&
            !past_month(&months.mg[i], input->targets, input->registry, input->target, date.year,
                        date.month))
            months.mg[i] = -1;
        months.whole = months.whole && months.mg[i] >= 0;
        months.sum += MAX(months.mg[i], 0);
    }
    return months;
}

static void find_factors(int64_t factors_out[YEAR_DAYS_MAX], const struct plan_input *input,
                         const struct civil_year *year)
{
    for (int32_t i = 0; i < year->days; i++)
        factors_out[i] = past_day_factor(input->targets, input->registry, input->target,
                                         year->first_day + i, input->days_off, input->nonworking);
}

/* A target's history begins near its base year: years before it are of another company. */
enum { YEARS_BEFORE_BASE = 10 };

static int first_past_year(const struct target *target, int year)
{
    return MAX(MAX(target->base_year - YEARS_BEFORE_BASE, year - SHARES_YEARS_MAX),
               TARGET_YEAR_MIN);
}

static bool take_past(struct past_year *past_out, const struct plan_input *input, int year)
{
    struct civil_year civil = civil_year_named(year, input->target->year_start);
    struct months months = find_months(input, &civil);
    if (!months.whole)
        return false;
    int64_t factors[YEAR_DAYS_MAX];
    find_factors(factors, input, &civil);
    for (int i = 0; i < YEAR_MONTHS; i++) {
        past_out->mg[i] = months.mg[i];
        past_out->working[i] = shares_working(&civil, factors, i);
    }
    return true;
}

/* Whole years before this one, the newest first. */
struct past {
    struct past_year years[SHARES_YEARS_MAX];
    int16_t names[SHARES_YEARS_MAX];
    uint32_t count;
};

static void find_past(struct past *past, const struct plan_input *input, int year)
{
    past->count = 0;
    for (int y = year - 1; y >= first_past_year(input->target, year); y--) {
        if (past->count < SHARES_YEARS_MAX && take_past(&past->years[past->count], input, y))
            past->names[past->count++] = (int16_t)y;
    }
}

uint32_t plan_past_years(const struct plan_input *input, int year)
{
    struct past past;
    find_past(&past, input, year);
    return past.count;
}

static int64_t sum_of(const struct past_year *year)
{
    int64_t sum = 0;
    for (int i = 0; i < YEAR_MONTHS; i++)
        sum += year->mg[i];
    return sum;
}

static bool find_sum(int64_t *sum_out, const struct past *past, int year)
{
    for (uint32_t i = 0; i < past->count; i++) {
        if (past->names[i] != year)
            continue;
        *sum_out = sum_of(&past->years[i]);
        return true;
    }
    return false;
}

static void make_shares(struct course_plan *plan, const struct plan_input *input,
                        const struct past *past)
{
    const struct target *target = input->target;
    int64_t factors[YEAR_DAYS_MAX];
    int64_t sum;
    find_factors(factors, input, &plan->year);
    bool only_base =
        past->count == 1 && find_sum(&sum, past, target->base_year); /* of one year: of that only */
    if (target->form != TARGET_INTENSITY && target->weights != NULL)
        shares_given(&plan->shares, &plan->year, factors, target->weights);
    else if (target->form != TARGET_INTENSITY && (past->count > 1 || only_base))
        shares_of_past(&plan->shares, &plan->year, factors, past->years, past->count);
    else
        shares_linear(&plan->shares, &plan->year);
}

/* The model follows the months one by one up to this year: years before a gap are not of it. */
static struct residuals find_residuals(const struct course_plan *plan, const struct past *past)
{
    struct past_year years[SHARES_YEARS_MAX];
    uint32_t count = 0;
    while (count < past->count && past->names[count] == plan->year.year - 1 - (int)count)
        count++;
    for (uint32_t i = 0; i < count; i++)
        years[i] = past->years[count - 1 - i];
    return residuals_of(plan->shares.month, years, count);
}

/* The years after the base year that are over, as they were and as they were allowed. */
static void sum_closed_years(struct course_plan *plan, const struct plan_input *input,
                             const struct past *past)
{
    int128 emitted = 0;
    int128 allowed = 0;
    plan->years_closed_known = true;
    for (int year = input->target->base_year + 1; year < plan->year.year; year++) {
        struct civil_year civil = civil_year_named(year, input->target->year_start);
        const struct base_version *version =
            target_line_version(plan->line, &civil, civil.first_day + civil.days - 1);
        int64_t mg;
        int64_t allowed_mg;
        if (!find_sum(&mg, past, year) ||
            !target_line_allowed(&allowed_mg, plan->line, version, year)) {
            plan->years_closed_known = false;
            return;
        }
        emitted += mg;
        allowed += allowed_mg;
    }
    plan->years_closed_known = emitted <= INT64_MAX && allowed <= INT64_MAX;
    plan->emitted_since_base_mg = (int64_t)MIN(emitted, INT64_MAX);
    plan->allowed_since_base_mg = (int64_t)MIN(allowed, INT64_MAX);
}

static bool find_base(int64_t *base_mg_out, const struct target *target, const struct past *past)
{
    *base_mg_out = MAX(target->base_mg, 0);
    if (target->form == TARGET_INTENSITY || target->base_mg > 0)
        return true;
    return find_sum(base_mg_out, past, target->base_year) && *base_mg_out > 0;
}

enum plan_outcome plan_make(struct course_plan *plan_out, struct target_line *line_out,
                            const struct plan_input *input, int year)
{
    struct past past;
    int64_t base_mg;
    memset(plan_out, 0, sizeof(*plan_out));
    if (year <= input->target->base_year || year > input->target->target_year)
        return PLAN_NOT_ALLOWED;
    find_past(&past, input, year);
    if (!find_base(&base_mg, input->target, &past))
        return PLAN_BASE_UNKNOWN;
    if (!target_line_make(line_out, input->target, base_mg, input->base_threshold))
        return PLAN_BASE_CHANGED;
    plan_out->line = line_out;
    plan_out->year = civil_year_named(year, input->target->year_start);
    make_shares(plan_out, input, &past);
    plan_out->residuals = find_residuals(plan_out, &past);
    struct civil_year before = civil_year_named(year - 1, input->target->year_start);
    struct months last = find_months(input, &before);
    memcpy(plan_out->last_year_mg, last.mg, sizeof(last.mg));
    plan_out->last_closed_mg = last.whole ? last.sum : -1;
    sum_closed_years(plan_out, input, &past);
    return PLAN_MADE;
}
