/* Levels of a slip: entered, left, kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/targets/targets.h"
#include "pipelines/trajectory/slip.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define T INT64_C(1000000000)
enum { DAYS_MAX = 40 };

static const struct slip_conf conf = {.threshold = {0, 50, 200, 500},
                                      .margin = 100,
                                      .probability = 900,
                                      .enter_days = 3,
                                      .leave_days = 3,
                                      .dwell_ms = DAY};

static void test_slip_of(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t emitted_mg, budget_mg, share;
        int32_t want;
    } cases[] = {
        {"74,800 t, 30 April, 27,300 t of 24,592: +11 %", 27300 * T, 74800 * T, 328767130, 1101},
        {"of 28,050, W is 0.375: -2.7 %", 27300 * T, 74800 * T, 375000000, -267},
        {"nothing emitted", 0, 5 * T, PART_ONE, -10000},
        {"2 % exactly", 102 * T, 100 * T, PART_ONE, 200},
        {"1.995 %: half to even, up", 101995 * T, 100000 * T, PART_ONE, 200},
        {"1.985 %: half to even, down", 101985 * T, 100000 * T, PART_ONE, 198},
        {"a milligram below the half", 101995 * T - 1, 100000 * T, PART_ONE, 199},
        {"-1.985 %", 98015 * T, 100000 * T, PART_ONE, -198},
        {"-1.995 %", 98005 * T, 100000 * T, PART_ONE, -200},
        {"B * W is no whole number: 1.5 mg", 2, 3, PART_ONE / 2, 3333},
        {"bounded", INT64_MAX, 1, 1, INT32_MAX},
        {"bounded below", -INT64_MAX, 1, 1, -INT32_MAX},
        {"large", INT64_MAX, INT64_MAX, PART_ONE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int32_t got = slip_of(cases[i].emitted_mg, cases[i].budget_mg, cases[i].share);
        if (got != cases[i].want)
            fail_msg("%s: got %d, not %d", cases[i].name, got, cases[i].want);
    }
}

struct story {
    const char *name;
    int32_t slips[DAYS_MAX];
    const char *levels;              /* after each day: . watch warning critical as . a w C */
    int32_t probabilities[DAYS_MAX]; /* 0: not known */
    int64_t day_hours[DAYS_MAX];     /* 0: 24 */
};

static char letter(enum alert_level level)
{
    return ".awC"[level];
}

static void tell_story(const struct story *story, const struct slip_conf *used)
{
    struct slip_state slip;
    char levels[DAYS_MAX + 1] = {0};
    int64_t end_ms = 0;
    slip_init(&slip);
    assert_int_equal(slip.level, ALERT_OK);
    for (size_t i = 0; story->levels[i] != '\0'; i++) {
        end_ms += (story->day_hours[i] > 0 ? story->day_hours[i] : 24) * HOUR;
        int32_t probability = story->probabilities[i] > 0 ? story->probabilities[i] : -1;
        enum alert_level before = slip.level;
        struct slip_day day = {end_ms, story->slips[i], probability};
        assert_int_equal(slip_judge(&slip, used, &day), before);
        levels[i] = letter(slip.level);
        if (slip.level != before)
            assert_int_equal(slip.entered_ms, end_ms);
        if (before == ALERT_OK && slip.level != before)
            assert_int_equal(slip.since_ms, end_ms);
        if (slip.level == ALERT_OK)
            assert_int_equal(slip.since_ms, INT64_MIN);
    }
    if (strcmp(levels, story->levels) != 0)
        fail_msg("%s: %s, not %s", story->name, levels, story->levels);
}

static void test_levels(void **state)
{
    (void)state;
    static const struct story stories[] = {
        {"three days in a row", {50, 50, 50}, "..a", {0}, {0}},
        {"two are not enough", {50, 50, 49, 50, 50}, ".....", {0}, {0}},
        {"just below watch", {49, 49, 49, 49}, "....", {0}, {0}},
        {"straight to the highest that all three reach", {500, 500, 500}, "..C", {0}, {0}},
        {"the lowest of three decides", {900, 200, 499, 500, 500, 500}, "..wwwC", {0}, {0}},
        {"watch, then warning", {60, 60, 200, 200, 200}, "..aaw", {0}, {0}},
        {"to warning at 2 % exactly", {200, 200, 200}, "..w", {0}, {0}},
        {"the margin: 1.0 % keeps a warning",
         {200, 200, 200, 100, 100, 100, 100},
         "..wwwww",
         {0},
         {0}},
        {"and 0.99 % leaves it, to watch", {200, 200, 200, 99, 99, 99, 99}, "..wwwaa", {0}, {0}},
        {"watch ends below -0.5 %",
         {50, 50, 50, -50, -50, -50, -51, -51, -51, -51},
         "..aaaaaa..",
         {0},
         {0}},
        {"a fall goes one level a closed day",
         {500, 500, 500, -900, -900, -900, -900, -900},
         "..CCCwa.",
         {0},
         {0}},
        {"one day back breaks the fall",
         {500, 500, 500, 300, 300, 450, 300, 300, 300},
         "..CCCCCCw",
         {0},
         {0}},
        {"up again while it falls", {500, 500, 500, 0, 0, 0, 500, 500, 500}, "..CCCwwwC", {0}, {0}},
        {"fallen to watch, then warning by three days",
         {200, 200, 200, 60, 60, 60, 200, 200, 200},
         "..wwwaaaw",
         {0},
         {0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(stories); i++)
        tell_story(&stories[i], &conf);
}

static void test_probability(void **state)
{
    (void)state;
    static const struct story stories[] = {
        {"P makes a day critical", {-900, -900, -900}, "..C", {900, 950, 1000}, {0}},
        {"0.899 does not", {0, 0, 0}, "...", {899, 899, 899}, {0}},
        {"either way, mixed", {0, 700, 0}, "..C", {900, 0, 900}, {0}},
        {"P holds it",
         {500, 500, 500, 0, 0, 0, 0, 0, 0},
         "..CCCCCCw",
         {0, 0, 0, 900, 900, 900, 899, 899, 899},
         {0}},
        {"P alone is not enough to leave",
         {0, 0, 0, 400, 400, 400},
         "..CCCC",
         {900, 900, 900, 1, 1, 1},
         {0}},
        {"P not known any more", {0, 0, 0, 0, 0, 0}, "..CCCw", {900, 900, 900, 0, 0, 0}, {0}},
        {"a warning is left whatever P is on one of the days",
         {200, 200, 200, 0, 0, 0},
         "..wwwa",
         {0, 0, 0, 0, 900, 0},
         {0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(stories); i++)
        tell_story(&stories[i], &conf);
}

/* No sooner than 24 h after it was entered, between ends of days; a day may have 23 h. */
static void test_dwell(void **state)
{
    (void)state;
    static const struct story stories[] = {
        {"a short day: the fall waits",
         {500, 500, 500, 0, 0, 0, -900, -900, -900},
         "..CCCwwaa",
         {0},
         {0, 0, 0, 0, 0, 0, 23, 24, 23}},
        {"a long day",
         {500, 500, 500, -900, -900, -900, -900, -900},
         "..CCCwa.",
         {0},
         {0, 0, 0, 0, 0, 0, 25, 24}},
    };
    for (size_t i = 0; i < ARRAY_LEN(stories); i++)
        tell_story(&stories[i], &conf);
    struct slip_conf slow = conf;
    slow.dwell_ms = 5 * DAY;
    static const struct story waits = {
        "five days", {500, 500, 500, 0, 0, 0, 0, 0, 0}, "..CCCCCww", {0}, {0}};
    tell_story(&waits, &slow);
}

static void test_options(void **state)
{
    (void)state;
    struct slip_conf other = conf;
    other.enter_days = 1;
    other.leave_days = 2;
    other.margin = 0;
    other.threshold[ALERT_WATCH] = 10;
    static const struct story quick = {
        "one day in, two out", {10, 500, 499, 499, 199, 199, 9, 9}, "aCCwwaa.", {0}, {0}};
    tell_story(&quick, &other);
    struct slip_conf longest = conf;
    longest.enter_days = SLIP_RUN_MAX;
    struct slip_state slip;
    slip_init(&slip);
    for (int i = 0; i < 2 * SLIP_RUN_MAX;
         i++) { /* the ring is full: one day below, then all above */
        struct slip_day day = {i * DAY, i == SLIP_RUN_MAX - 1 ? 0 : 60, -1};
        (void)slip_judge(&slip, &longest, &day);
        assert_int_equal(slip.level, ALERT_OK);
        assert_int_equal(slip.count, i < SLIP_RUN_MAX ? i + 1 : SLIP_RUN_MAX);
        if (i == 2 * SLIP_RUN_MAX - 2)
            break;
    }
    struct slip_day day = {(int64_t)2 * SLIP_RUN_MAX * DAY, 60, -1};
    (void)slip_judge(&slip, &longest, &day);
    assert_int_equal(slip.level, ALERT_WATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slip_of),     cmocka_unit_test(test_levels),
        cmocka_unit_test(test_probability), cmocka_unit_test(test_dwell),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
