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

static int first_past_year(const struct target *target, int year)
{
    return MAX(MAX(target->base_year - PAST_YEARS_BEFORE_BASE, year - SHARES_YEARS_MAX),
               TARGET_YEAR_MIN);
}

/* Years before this one, the newest first. */
struct past {
    struct past_year years[SHARES_YEARS_MAX]; /* whose months are known */
    int16_t names[SHARES_YEARS_MAX];
    uint32_t count;
    int64_t totals[SHARES_YEARS_MAX]; /* of each year: the newest is the year before; -1 unknown */
    uint32_t totals_count, whole_count; /* years; those that are known as a whole only */
};

static void add_months(struct past *past, const struct plan_input *input,
                       const struct civil_year *year, const struct months *months)
{
    int64_t factors[YEAR_DAYS_MAX];
    struct past_year *past_year = &past->years[past->count];
    find_factors(factors, input, year);
    for (int i = 0; i < YEAR_MONTHS; i++) {
        past_year->mg[i] = months->mg[i];
        past_year->working[i] = shares_working(year, factors, i);
    }
    past->names[past->count++] = year->year;
}

static void find_past(struct past *past, const struct plan_input *input, int year)
{
    const struct past_subject subject = {input->targets, input->registry, input->target};
    *past = (struct past){0};
    for (int y = year - 1; y >= first_past_year(input->target, year); y--) {
        struct civil_year civil = civil_year_named(y, input->target->year_start);
        struct months months = find_months(input, &civil);
        int64_t *total = &past->totals[past->totals_count++];
        *total = months.sum;
        if (months.whole)
            add_months(past, input, &civil, &months);
        else if (past_year_total(total, &subject, &civil))
            past->whole_count++;
        else
            *total = -1;
    }
}

static bool find_sum(int64_t *sum_out, const struct past *past, const struct course_plan *plan,
                     int year)
{
    uint32_t back = (uint32_t)(plan->year.year - 1 - year);
    if (back >= past->totals_count || past->totals[back] < 0)
        return false;
    *sum_out = past->totals[back];
    return true;
}

static void make_shares(struct course_plan *plan, const struct plan_input *input,
                        const struct past *past)
{
    const struct target *target = input->target;
    int64_t factors[YEAR_DAYS_MAX];
    find_factors(factors, input, &plan->year);
    /* of one year: of that only */
    bool only_base = past->count == 1 && past->names[0] == target->base_year;
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
        if (!find_sum(&mg, past, plan, year) ||
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

static bool find_base(int64_t *base_mg_out, const struct target *target, const struct past *past,
                      const struct course_plan *plan)
{
    *base_mg_out = MAX(target->base_mg, 0);
    if (target->form == TARGET_INTENSITY || target->base_mg > 0)
        return true;
    return find_sum(base_mg_out, past, plan, target->base_year) && *base_mg_out > 0;
}

enum plan_outcome plan_make(struct course_plan *plan_out, struct target_line *line_out,
                            const struct plan_input *input, int year)
{
    struct past past;
    int64_t base_mg;
    memset(plan_out, 0, sizeof(*plan_out));
    if (year <= input->target->base_year || year > input->target->target_year)
        return PLAN_NOT_ALLOWED;
    plan_out->year = civil_year_named(year, input->target->year_start);
    find_past(&past, input, year);
    plan_out->past_years = past.count;
    plan_out->whole_years = past.whole_count;
    if (!find_base(&base_mg, input->target, &past, plan_out))
        return PLAN_BASE_UNKNOWN;
    if (!target_line_make(line_out, input->target, base_mg, input->base_threshold))
        return PLAN_BASE_CHANGED;
    plan_out->line = line_out;
    make_shares(plan_out, input, &past);
    plan_out->residuals = find_residuals(plan_out, &past);
    struct civil_year before = civil_year_named(year - 1, input->target->year_start);
    struct months last = find_months(input, &before);
    memcpy(plan_out->last_year_mg, last.mg, sizeof(last.mg));
    plan_out->last_closed_mg = past.totals_count > 0 ? past.totals[0] : -1;
    sum_closed_years(plan_out, input, &past);
    return PLAN_MADE;
}
