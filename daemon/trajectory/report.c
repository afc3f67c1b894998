#include "daemon/trajectory/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "base/cells.h"
#include "base/durations.h"
#include "base/timestamp.h"
#include "daemon/trajectory/course_text.h"

enum { TEXT_SIZE = COURSE_TEXT_SIZE };

static const char *const event_words[] = {[COURSE_NOTHING] = "",
                                          [COURSE_ENTERED] = "entered",
                                          [COURSE_LEFT] = "left",
                                          [COURSE_RETRACTED] = "retracted"};

int report_format_find(const char *name)
{
    static const char *const names[REPORT_FORMAT_COUNT] = {"text", "csv", "json"};
    for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

/* --- numbers for people --- */

/* A part of 1e9 as percent. */
static const char *percent(char text[TEXT_SIZE], int64_t part)
{
    enum { PER_MYRIAD = PART_ONE / 10000, HUNDRED = 100 };
    int64_t hundredths = (int64_t)div_round_even(part, PER_MYRIAD);
    int64_t size = hundredths < 0 ? -hundredths : hundredths;
    (void)snprintf(text, TEXT_SIZE, "%s%" PRId64 ".%02" PRId64 " %%", hundredths < 0 ? "-" : "",
                   size / HUNDRED, size % HUNDRED);
    return text;
}

/* INT32_MIN is not known. */
static int64_t slip_of_row(const struct course_row *row)
{
    return row->slip == INT32_MIN ? NULL_NUMBER : row->slip;
}

static const char *date_text(char text[TEXT_SIZE], int32_t day)
{
    struct date date = civil_date(day);
    (void)snprintf(text, TEXT_SIZE, "%04d-%02d-%02d", date.year, date.month, date.day);
    return text;
}

/* 0 of nothing, and at most what 64 bits hold. */
static int64_t part_of(int64_t above, int64_t below)
{
    if (below <= 0 || above <= 0)
        return 0;
    return (int64_t)MIN(div_round_even((int128)above * PART_ONE, below), INT64_MAX);
}

/* "1+2"; "" of no scope. */
static const char *scopes_text(char text[TEXT_SIZE], uint8_t scopes, const char *between)
{
    size_t size = 0;
    text[0] = '\0';
    for (int scope = 1; scope < LEDGER_SCOPES; scope++) {
        if ((scopes >> scope & 1) != 0)
            size += (size_t)snprintf(text + size, TEXT_SIZE - size, "%s%d", size > 0 ? between : "",
                                     scope);
    }
    return text;
}

/* --- text --- */

static void add_subject(struct buffer *out, const struct config *config,
                        const struct target *target)
{
    char scopes[TEXT_SIZE];
    buffer_printf(out, "%s: ", target->id);
    if (target->level == TARGET_FACILITY)
        buffer_printf(out, "facility %s", target->name);
    else if (target->level == TARGET_GROUP)
        buffer_printf(out, "%s %s", config->registry->group_levels[target->group_level],
                      target->name);
    else
        buffer_add_str(out, "all facilities");
    buffer_printf(out, ", scope %s, %s\n", scopes_text(scopes, target->scopes, " "),
                  target->approach == APPROACH_EQUITY ? "equity share" : "control");
}

static const char *basis_text(const struct target_subject *subject)
{
    bool several = subject->plan.past_years > 1; /* perhaps without emissions */
    switch (subject->plan.shares.basis) {
    case SHARES_LINEAR:
        return several ? "every day alike, as past years have no emissions to go by"
                       : "every day alike, as no two years of the past are known";
    case SHARES_BASE_YEAR:
        return several ? "the months of the one past year that has emissions"
                       : "the months of the base year";
    case SHARES_MEDIAN:
        return "the median of past years";
    default:
        ASSERT(subject->plan.shares.basis == SHARES_GIVEN);
        return "weights that are given";
    }
}

static void add_budget(struct buffer *out, const struct target_subject *subject)
{
    const struct course_row *row = &subject->days[subject->days_count - 1].row;
    char budget[TEXT_SIZE];
    char base[TEXT_SIZE];
    if (subject->target->form == TARGET_INTENSITY) {
        buffer_printf(out, "  budget of %d: by production\n", subject->plan.year.year);
        return;
    }
    buffer_printf(out, "  budget of %d: %s t (base %s t in %d, version %u), over the year by %s",
                  subject->plan.year.year, tonnes_text(budget, row->budget_mg),
                  tonnes_text(base, row->base_mg), subject->target->base_year, row->base_version,
                  basis_text(subject));
    if (subject->plan.shares.basis == SHARES_MEDIAN)
        buffer_printf(out, " (%" PRIu32 ")", subject->plan.shares.years);
    if (subject->plan.shares.basis == SHARES_LINEAR && subject->plan.past_years < 2 &&
        subject->plan.whole_years > 0)
        buffer_printf(out,
                      " by months (as a whole: %" PRIu32
                      "; add their months to tables.history, or weights to tables.weights)",
                      subject->plan.whole_years);
    buffer_add_char(out, '\n');
}

/* Why the day does not count: each reason that holds. */
static void add_reasons(struct buffer *out, const struct trajectory_conf *conf,
                        const struct target *target, const struct course_row *row)
{
    const char *between = " (the day does not count: ";
    if (row->share < conf->share_min) {
        buffer_printf(out, "%sW is ", between);
        percent_print(out, row->share);
        buffer_add_str(out, ", below trajectory.share_min of ");
        percent_print(out, conf->share_min);
        between = "; ";
    }
    if (row->expected_ms <= 0) {
        buffer_printf(out, "%snothing is expected of its meters: deliveries need expected_every",
                      between);
        between = "; ";
    } else if ((int128)row->covered_ms * PART_ONE < (int128)row->expected_ms * conf->coverage_min) {
        buffer_printf(out, "%scoverage is below trajectory.coverage_min of ", between);
        percent_print(out, conf->coverage_min);
        between = "; ";
    }
    if (row->slip == INT32_MIN) {
        bool intensity = target->form == TARGET_INTENSITY;
        buffer_printf(out, "%s%s", between,
                      intensity             ? "nothing is due, as nothing was produced"
                      : row->budget_mg <= 0 ? "the budget is 0"
                                            : "nothing is due yet");
        if (!intensity && row->budget_mg <= 0 && row->ytd_mg > 0)
            buffer_add_str(out, ", and there are emissions");
    }
    buffer_add_char(out, ')');
}

static void add_now(struct buffer *out, const struct config *config,
                    const struct target_subject *subject, const struct course_row *row)
{
    char scopes[TEXT_SIZE];
    char date[TEXT_SIZE];
    char ytd[TEXT_SIZE];
    char due[TEXT_SIZE];
    char slip[TEXT_SIZE];
    char coverage[TEXT_SIZE];
    buffer_printf(out, "  up to %s: %s t of %s t due, %s; coverage %s; level %s",
                  date_text(date, row->day), tonnes_text(ytd, row->ytd_mg),
                  tonnes_text(due, row->due_mg), slip_text(slip, slip_of_row(row)),
                  percent(coverage, part_of(row->covered_ms, row->expected_ms)),
                  level_text(row->level));
    if (!row->counted)
        add_reasons(out, &config->trajectory, subject->target, row);
    if (subject->unmetered != 0)
        buffer_printf(out, "; no meter has scope %s, which counts as 0 t",
                      scopes_text(scopes, subject->unmetered, " or "));
    buffer_add_char(out, '\n');
}

static void add_forecast(struct buffer *out, const struct target_subject *subject,
                         const struct course_row *row)
{
    const struct forecast *forecast = &row->forecast;
    char model[TEXT_SIZE];
    char ratio[TEXT_SIZE];
    char low[TEXT_SIZE];
    char high[TEXT_SIZE];
    if (!forecast->given)
        return;
    buffer_printf(out, "  forecast of the year: %s t", tonnes_text(model, forecast->model_mg));
    if (forecast->deviation_mg >= 0)
        buffer_printf(out, " (80 %%: %s to %s)", tonnes_text(low, forecast->low_mg),
                      tonnes_text(high, forecast->high_mg));
    buffer_printf(out, "; year to date by share: %s t", tonnes_text(ratio, forecast->ratio_mg));
    if (forecast->probability >= 0)
        buffer_printf(out, "; probability of a miss %.3f", forecast->probability / 1000.0);
    if (forecast->deviation_mg < 0)
        buffer_printf(out,
                      "; no interval and no probability of a miss: %d months of the years up to "
                      "this one are needed, known are %" PRIu32,
                      RESIDUAL_MONTHS_MIN, subject->plan.residuals.months);
    if (forecast->used_up_day >= 0)
        buffer_printf(out, "; the budget is used up on %s",
                      date_text(low, subject->plan.year.first_day + forecast->used_up_day));
    buffer_add_char(out, '\n');
}

static void add_needed(struct buffer *out, const struct target_subject *subject,
                       const struct course_row *row)
{
    char text[TEXT_SIZE];
    if (row->trailing_mg >= 0)
        buffer_printf(out, "  last twelve complete months: %s t\n",
                      tonnes_text(text, row->trailing_mg));
    if (row->achieved != INT64_MIN)
        buffer_printf(out, "  achieved of the target by %d: %s\n", subject->plan.year.year - 1,
                      percent(text, row->achieved));
    if (row->overshoot_mg != INT64_MIN)
        buffer_printf(out, "  emitted beyond what was allowed since %d: %s t\n",
                      subject->target->base_year, tonnes_text(text, row->overshoot_mg));
    if (!row->needed.to_end_known)
        return;
    buffer_printf(out, "  needed a year up to %d: %s of last year's emissions",
                  subject->target->target_year, percent(text, row->needed.to_end));
    if (row->needed.budget_gone)
        buffer_add_str(out, "; the budget of all years together is used up");
    else if (row->needed.cumulative != INT64_MIN)
        buffer_printf(out, ", %s for the budget of all years together",
                      percent(text, row->needed.cumulative));
    buffer_add_char(out, '\n');
}

/* The last judged day of each month of the last year. */
static void add_months(struct buffer *out, const struct target_subject *subject)
{
    buffer_printf(out, "  %-10s %16s %16s %10s %16s %6s %10s  %s\n", "up to", "emitted t", "due t",
                  "slip", "forecast t", "P", "coverage", "level");
    for (uint32_t i = 0; i < subject->days_count; i++) {
        const struct course_row *row = &subject->days[i].row;
        if (row->day < subject->plan.year.first_day ||
            (i + 1 < subject->days_count && civil_date(row->day + 1).day != 1))
            continue;
        char date[TEXT_SIZE];
        char ytd[TEXT_SIZE];
        char due[TEXT_SIZE];
        char slip[TEXT_SIZE];
        char coverage[TEXT_SIZE];
        char forecast[TEXT_SIZE] = "-";
        char probability[TEXT_SIZE] = "-";
        if (row->forecast.given)
            (void)tonnes_text(forecast, row->forecast.model_mg);
        if (row->forecast.given && row->forecast.probability >= 0)
            (void)snprintf(probability, TEXT_SIZE, "%.3f", row->forecast.probability / 1000.0);
        buffer_printf(out, "  %-10s %16s %16s %10s %16s %6s %10s  %s\n", date_text(date, row->day),
                      tonnes_text(ytd, row->ytd_mg), tonnes_text(due, row->due_mg),
                      slip_text(slip, slip_of_row(row)), forecast, probability,
                      percent(coverage, part_of(row->covered_ms, row->expected_ms)),
                      level_text(row->level));
    }
}

static void add_transitions(struct buffer *out, const struct target_subject *subject)
{
    for (uint32_t i = 0; i < subject->days_count; i++) {
        const struct course_transition *transition = &subject->days[i].transition;
        char date[TEXT_SIZE];
        char slip[TEXT_SIZE];
        if (transition->event == COURSE_NOTHING)
            continue;
        buffer_printf(out, "  %s: %s -> %s, at %s (%s-%u-%" PRIu32 ")\n",
                      date_text(date, subject->days[i].row.day), level_text(transition->from),
                      level_text(transition->to),
                      slip_text(slip, slip_of_row(&subject->days[i].row)), subject->target->id,
                      transition->base_version, transition->number);
    }
}

/* Its outcome says why there is no course of the last day's year. */
static void add_nothing(struct buffer *out, const struct target_subject *subject)
{
    const struct target *target = subject->target;
    if (subject->outcome == PLAN_MADE && subject->plan.year.first_day < subject->first_day)
        buffer_printf(out, "  nothing to judge: %d began before the days that are read\n",
                      subject->plan.year.year);
    else if (target->form == TARGET_INTENSITY && target->path_count == 0)
        buffer_printf(out,
                      "  nothing to judge: it allows emissions of %d only, as it has no path\n",
                      target->target_year);
    else
        buffer_printf(out, "  nothing to judge: it allows emissions of %d to %d\n",
                      target->base_year + 1, target->target_year);
}

static void add_text(struct buffer *out, const struct config *config,
                     const struct target_subject *subject)
{
    add_subject(out, config, subject->target);
    if (subject->final_day == INT32_MIN)
        buffer_add_str(out, "  no day of it is final in the database yet\n");
    else if (subject->outcome == PLAN_BASE_UNKNOWN)
        buffer_printf(
            out,
            "  no base: not every day of %d was measured, and the history lacks some; add "
            "rows to tables.history, or base_t to the target\n",
            subject->target->base_year);
    else if (subject->outcome == PLAN_BASE_CHANGED)
        buffer_printf(
            out,
            "  no base: what was measured in %d, with the changes of tables.base_changes, "
            "leaves none that is above 0, and at most 1000000000 t\n",
            subject->target->base_year);
    else if (subject_last(subject) == NULL)
        add_nothing(out, subject);
    const struct judged_day *last = subject_last(subject);
    if (last == NULL)
        return;
    const struct course_row *row = &last->row;
    add_budget(out, subject);
    add_now(out, config, subject, row);
    add_forecast(out, subject, row);
    add_needed(out, subject, row);
    add_months(out, subject);
    add_transitions(out, subject);
}

/* --- CSV and JSON: the same columns --- */

static void add_kg(struct cells *cells, const char *name, int64_t mg, bool known)
{
    enum { KG_DECIMALS = 6 };
    cells_add_fixed(cells, name, mg, KG_DECIMALS, known);
}

static void add_part(struct cells *cells, const char *name, int64_t part, bool known)
{
    cells_add_fixed(cells, name, part, PART_DECIMALS, known);
}

static void add_forecast_cells(struct cells *cells, const struct target *target,
                               const struct course_row *row)
{
    enum { PROBABILITY_DECIMALS = 3 };
    const struct forecast *forecast = &row->forecast;
    int32_t first_day = civil_year_of(row->day, target->year_start).first_day;
    char date[TEXT_SIZE];
    bool used_up = forecast->given && forecast->used_up_day >= 0;
    bool ranged = forecast->given && forecast->deviation_mg >= 0;
    add_kg(cells, "forecast_kg", forecast->model_mg, forecast->given);
    add_kg(cells, "forecast_low_kg", forecast->low_mg, ranged);
    add_kg(cells, "forecast_high_kg", forecast->high_mg, ranged);
    add_kg(cells, "forecast_ratio_kg", forecast->ratio_mg, forecast->given);
    cells_add_fixed(cells, "miss_probability", forecast->probability, PROBABILITY_DECIMALS,
                    forecast->given && forecast->probability >= 0);
    cells_add_text(cells, "used_up",
                   used_up ? date_text(date, first_day + forecast->used_up_day) : NULL);
}

static void add_needed_cells(struct cells *cells, const struct course_row *row)
{
    const struct needed *needed = &row->needed;
    bool cumulative = needed->to_end_known && needed->cumulative != INT64_MIN;
    add_kg(cells, "trailing_kg", row->trailing_mg, row->trailing_mg >= 0);
    add_part(cells, "achieved", row->achieved, row->achieved != INT64_MIN);
    add_kg(cells, "overshoot_kg", row->overshoot_mg, row->overshoot_mg != INT64_MIN);
    add_part(cells, "needed_to_end", needed->to_end, needed->to_end_known);
    add_part(cells, "needed_cumulative", needed->cumulative, cumulative);
    cells_add_fixed(cells, "budget_gone", needed->budget_gone, 0, cumulative);
}

static void add_day(struct cells *cells, const struct target_subject *subject,
                    const struct judged_day *day)
{
    enum { SLIP_DECIMALS = 2 };
    const struct course_row *row = &day->row;
    const struct course_transition *transition = &day->transition;
    char date[TEXT_SIZE];
    char stamp[TIMESTAMP_TEXT_SIZE];
    char scopes[TEXT_SIZE];
    cells_add_text(cells, "target", subject->target->id);
    cells_add_text(cells, "day", date_text(date, row->day));
    cells_add_text(cells, "stamp", timestamp_format(stamp, row->stamp_ms));
    cells_add_fixed(cells, "base_version", row->base_version, 0, true);
    add_kg(cells, "budget_kg", row->budget_mg, true);
    add_part(cells, "share", row->share, true);
    add_kg(cells, "due_kg", row->due_mg, true);
    add_kg(cells, "ytd_kg", row->ytd_mg, true);
    add_kg(cells, "ytd_estimated_kg", row->estimated_mg, true);
    add_part(cells, "coverage", part_of(row->covered_ms, row->expected_ms), row->expected_ms > 0);
    cells_add_text(cells, "unmetered_scopes", scopes_text(scopes, subject->unmetered, "+"));
    cells_add_fixed(cells, "slip_percent", row->slip, SLIP_DECIMALS, row->slip != INT32_MIN);
    add_forecast_cells(cells, subject->target, row);
    add_needed_cells(cells, row);
    cells_add_fixed(cells, "counted", row->counted, 0, true);
    cells_add_text(cells, "level", level_text(row->level));
    cells_add_text(cells, "event", event_words[transition->event]);
    cells_add_fixed(cells, "number", transition->number, 0, transition->event != COURSE_NOTHING);
}

static void add_row(struct buffer *out, enum cells_format format,
                    const struct target_subject *subject, const struct judged_day *day)
{
    struct cells cells = cells_begin(out, format);
    add_day(&cells, subject, day);
    cells_end(&cells);
}

void report_add_heads(struct buffer *out, enum report_format format)
{
    static const struct judged_day no_day;
    static const struct target no_target = {.id = "", .year_start = 1};
    static const struct target_subject nothing = {.target = &no_target};
    if (format == REPORT_CSV)
        add_row(out, CELLS_HEADS, &nothing, &no_day);
}

void report_add(struct buffer *out, enum report_format format, const struct config *config,
                const struct target_subject *subject)
{
    enum cells_format cells_format = format == REPORT_JSON ? CELLS_JSON : CELLS_CSV;
    if (format == REPORT_TEXT)
        add_text(out, config, subject);
    for (uint32_t i = 0; format != REPORT_TEXT && i < subject->days_count; i++)
        add_row(out, cells_format, subject, &subject->days[i]);
}
