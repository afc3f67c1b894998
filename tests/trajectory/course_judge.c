/* Plans years and judges days that test_course.py writes to its standard input, and prints what
 * became of them. The forecast is a simple one, which course_oracle.py has too: forecast_make() is
 * wrapped (-Wl,--wrap), because the rules of levels must not depend on the model.
 *
 *   conf WATCH WARNING CRITICAL MARGIN P ENTER LEAVE DWELL_MS SHARE_MIN COVERAGE_MIN THRESHOLD
 *        BY_MODEL MISSING ESTIMATED
 *   path YEAR VALUE                       before the target
 *   change DAY AT_ONCE DELTA_MG           before the target
 *   target FORM YEAR_START BASE_YEAR TARGET_YEAR CUT INTENSITY SCOPES BASE_MG     a new history
 *   summer FROM_DAY TO_DAY                days that end an hour earlier
 *   off DAY FACTOR                        before the plan: factors of days, if not 1e9
 *   past MG*12 WORKING*12                 before the plan
 *   given SHARE*12                        before the plan
 *   plan YEAR DEVIATION_MG KNOWN EMITTED ALLOWED LAST_CLOSED LAST_YEAR*12
 *   total DAY MG*4 ESTIMATED*4 PRODUCTION COVERED EXPECTED
 *   step DAY CLOSED RESTATED PART STAMP_MS
 *   again                                 the state is copied elsewhere and back
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "pipelines/trajectory/course.h"

enum { NUMBERS_MAX = 32, PASTS_MAX = 16, DAY_MS = 86400000, HOUR_MS = 3600000 };

static struct course_conf conf;
static struct path_year path[TARGET_YEARS_MAX];
static struct base_change changes[BASE_CHANGES_MAX];
static struct target target;
static struct target_line line;
static struct day_ledger *ledger;
static struct course_plan plans[2]; /* by the year's parity */
static struct course_state course;
static int64_t factors_off[2][YEAR_DAYS_MAX]; /* day and factor */
static uint32_t factors_count, path_count, changes_count, past_count;
static struct past_year past[PASTS_MAX];
static int64_t given[YEAR_MONTHS];
static bool is_given;
static int32_t summer_from, summer_to;

static int64_t bound(int128 value)
{
    return value > INT64_MAX ? INT64_MAX : value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

/* As course_oracle.py has it. NOLINTBEGIN(*-reserved-identifier,cert-dcl*,*-identifier-naming): the
 * linker gives the name. */
void __wrap_forecast_make(struct forecast *out, const struct forecast_input *input);
void __wrap_forecast_make(struct forecast *out, const struct forecast_input *input)
/* NOLINTEND(*-reserved-identifier,cert-dcl*,*-identifier-naming) */
{
    int64_t share = shares_at(input->shares, input->day_of_year, input->part);
    *out = (struct forecast){.share = share, .probability = -1};
    if (share <= 0 || share < input->share_min)
        return;
    int128 mixed = (int128)input->ytd_mg + 3 * (int128)input->budget_mg +
                   7 * (int128)input->open_mg + 11 * (int128)input->before_mg +
                   17 * (int128)input->residuals.deviation_mg + 19 * (int128)input->day_of_year;
    for (int month = 0; month < YEAR_MONTHS; month++)
        mixed += (month + 1) * (int128)input->month_mg[month];
    int64_t noise = (int64_t)(mixed - div_floor(mixed, 7) * 7) - 3;
    out->given = true;
    out->ratio_mg = bound(div_round_even((int128)input->ytd_mg * PART_ONE, share));
    out->model_mg = bound(out->ratio_mg + div_floor((int128)input->budget_mg * noise, 10000));
    if (input->residuals.deviation_mg < 0)
        return;
    int64_t slip = slip_of(input->ytd_mg, input->budget_mg, share);
    int64_t middle = input->residuals.deviation_mg % 600;
    int64_t probability = 900 + (int64_t)div_floor(slip - middle, 4) + noise;
    out->probability = (int32_t)(probability < 0 ? 0 : probability > 1000 ? 1000 : probability);
}

static int64_t day_end_ms(void *context, int32_t day)
{
    (void)context;
    int64_t early = day >= summer_from && day < summer_to ? HOUR_MS : 0;
    return (int64_t)(day + 1) * DAY_MS - early;
}

static void take_conf(const int64_t n[])
{
    conf =
        (struct course_conf){.slip = {.threshold = {0, (int32_t)n[0], (int32_t)n[1], (int32_t)n[2]},
                                      .margin = (int32_t)n[3],
                                      .probability = (int32_t)n[4],
                                      .enter_days = (uint32_t)n[5],
                                      .leave_days = (uint32_t)n[6],
                                      .dwell_ms = n[7]},
                             .share_min = n[8],
                             .coverage_min = n[9],
                             .base_threshold = n[10],
                             .by_model = n[11] != 0,
                             .missing_deviation = n[12],
                             .estimated_deviation = n[13]};
}

static void take_path(const int64_t n[])
{
    path[path_count++] = (struct path_year){(int16_t)n[0], n[1]};
}

static void take_change(const int64_t n[])
{
    changes[changes_count++] =
        (struct base_change){.day = (int32_t)n[0], .at_once = n[1] != 0, .delta_mg = n[2]};
}

static void take_target(const int64_t n[])
{
    target = (struct target){.form = (uint8_t)n[0],
                             .year_start = (uint8_t)n[1],
                             .base_year = (int16_t)n[2],
                             .target_year = (int16_t)n[3],
                             .cut = n[4],
                             .intensity = n[5],
                             .scopes = (uint8_t)n[6],
                             .path = path,
                             .path_count = path_count,
                             .changes = changes,
                             .changes_count = changes_count};
    path_count = changes_count = 0;
    if (!target_line_make(&line, &target, n[7], conf.base_threshold))
        abort();
    for (uint32_t i = 0; i < line.versions_count; i++)
        printf("version %d %" PRId32 " %" PRId64 " %" PRId64 "\n", line.versions[i].number,
               line.versions[i].from_day, line.versions[i].base_mg, line.versions[i].pending_mg);
    day_ledger_destroy(&ledger);
    if (day_ledger_create(&ledger, LEDGER_DAYS_MAX) < 0)
        exit(1);
    course_init(&course);
    summer_from = summer_to = 0;
}

static void take_summer(const int64_t n[])
{
    summer_from = (int32_t)n[0];
    summer_to = (int32_t)n[1];
}

static void take_off(const int64_t n[])
{
    factors_off[0][factors_count] = n[0];
    factors_off[1][factors_count++] = n[1];
}

static void take_past(const int64_t n[])
{
    struct past_year *year = &past[past_count++];
    memcpy(year->mg, n, sizeof(year->mg));
    memcpy(year->working, n + YEAR_MONTHS, sizeof(year->working));
}

static void take_given(const int64_t n[])
{
    memcpy(given, n, sizeof(given));
    is_given = true;
}

static void take_plan(const int64_t n[])
{
    struct civil_year year = civil_year_named((int)n[0], target.year_start);
    struct course_plan *plan = &plans[year.year & 1];
    int64_t factors[YEAR_DAYS_MAX];
    for (int i = 0; i < YEAR_DAYS_MAX; i++)
        factors[i] = PART_ONE;
    for (uint32_t i = 0; i < factors_count; i++)
        factors[factors_off[0][i] - year.first_day] = factors_off[1][i];
    *plan = (struct course_plan){
        .year = year,
        .line = &line,
        .residuals = {.deviation_mg = n[1], .level_mg = n[1] % 2 != 0 ? -1 : 5},
        .years_closed_known = n[2] != 0,
        .emitted_since_base_mg = n[3],
        .allowed_since_base_mg = n[4],
        .last_closed_mg = n[5]};
    memcpy(plan->last_year_mg, n + 6, sizeof(plan->last_year_mg));
    if (is_given)
        shares_given(&plan->shares, &year, factors, given);
    else if (past_count > 0)
        shares_of_past(&plan->shares, &year, factors, past, past_count);
    else
        shares_linear(&plan->shares, &year);
    factors_count = past_count = 0;
    is_given = false;
    printf("shares %d", (int)plan->shares.basis);
    for (int month = 0; month < YEAR_MONTHS; month++)
        printf(" %" PRId64, plan->shares.month[month]);
    for (int32_t day = 0; day < year.days; day++)
        printf(" %" PRId32, plan->shares.day[day]);
    printf("\n");
}

static void take_total(const int64_t n[])
{
    struct day_total total = {
        .production_micro = n[9], .covered_ms = n[10], .expected_ms = n[11], .known = true};
    memcpy(total.mg, n + 1, sizeof(total.mg));
    memcpy(total.estimated_mg, n + 5, sizeof(total.estimated_mg));
    (void)day_ledger_set(ledger, (int32_t)n[0], &total);
}

static void print_row(const struct course_row *row)
{
    const struct needed *needed = &row->needed;
    printf("row %" PRId32 " %d %d %d %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
           " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId32 " %" PRId64,
           row->day, row->closed, row->restated, row->counted, row->base_version, row->base_mg,
           row->budget_mg, row->share, row->due_mg, row->ytd_mg, row->estimated_mg, row->covered_ms,
           row->expected_ms, row->slip, row->trailing_mg);
    printf(" %d %" PRId64 " %" PRId32 " %d %" PRId64 " %" PRId64 " %d %" PRId64 " %" PRId64 " %d\n",
           row->forecast.given, row->forecast.model_mg, row->forecast.probability,
           needed->to_end_known, needed->to_end, needed->cumulative, needed->budget_gone,
           row->achieved, row->overshoot_mg, row->level);
}

static void take_step(const int64_t n[])
{
    struct civil_year year = civil_year_of((int32_t)n[0], target.year_start);
    struct course_basis basis = {
        .conf = &conf, .plan = &plans[year.year & 1], .ledger = ledger, .day_end_ms = day_end_ms};
    struct course_day day = {.day = (int32_t)n[0],
                             .end_ms = day_end_ms(NULL, (int32_t)n[0]),
                             .closed = n[1] != 0,
                             .restated = n[2] != 0,
                             .part = n[3],
                             .stamp_ms = n[4]};
    struct course_row row;
    struct course_transition change;
    if (!course_step(&course, &basis, &day, &row, &change)) {
        printf("none\n");
        return;
    }
    print_row(&row);
    printf("change %d %d %d %" PRIu32 " %" PRId64 " %" PRId64 " %" PRId64 " %d\n", change.event,
           change.from, change.to, change.number, change.stamp_ms, change.day_end_ms,
           change.since_ms, change.base_version);
}

static void take_again(const int64_t n[])
{
    (void)n;
    static unsigned char saved[sizeof(course)];
    memcpy(saved, &course, sizeof(course));
    memset(&course, 0xa5, sizeof(course));
    memcpy(&course, saved, sizeof(course));
}

static const struct order {
    const char *name;
    int count; /* of numbers */
    void (*take)(const int64_t n[]);
} orders[] = {
    {"conf", 14, take_conf},    {"path", 2, take_path},     {"change", 3, take_change},
    {"target", 8, take_target}, {"summer", 2, take_summer}, {"off", 2, take_off},
    {"past", 24, take_past},    {"given", 12, take_given},  {"plan", 18, take_plan},
    {"total", 12, take_total},  {"step", 5, take_step},     {"again", 0, take_again},
};

static void take(const char *text)
{
    int64_t numbers[NUMBERS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        size_t length = strlen(orders[i].name);
        if (strncmp(text, orders[i].name, length) != 0 ||
            (text[length] != ' ' && text[length] != '\n'))
            continue;
        const char *at = text + length;
        for (int k = 0; k < orders[i].count; k++) {
            char *end = NULL;
            numbers[k] = strtoll(at, &end, 10);
            if (end == at)
                break; /* the line is too short: below */
            at = end;
        }
        if (*at == '\n') {
            orders[i].take(numbers);
            return;
        }
    }
    (void)fprintf(stderr, "course_judge: no such order: %s\n", text);
    exit(1);
}

int main(void)
{
    static char text[1 << 12];
    while (fgets(text, sizeof(text), stdin) != NULL) {
        take(text);
        (void)fflush(stdout);
    }
    day_ledger_destroy(&ledger);
    return 0;
}
