/* test_targets.c - shares of facilities over time, what history has, and who works on a day. */
#include "config/targets/targets.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/targets/civil.h"

enum { CHAIN, SOLD, CONTROLLED, UNLISTED, FACILITIES };

static int32_t day(int year, int month, int of_month)
{
    return civil_day(year, month, of_month);
}

/* CHAIN is owned by 100 %, 90 % and 80 % down a chain: 0.72, under control. SOLD went on 1 July
 * 2025. CONTROLLED was bought in steps, with a gap. */
static struct targets make(struct ownership rows[5])
{
    rows[0] = (struct ownership){CHAIN, INT32_MIN, INT32_MAX, {PART_ONE, 720000000}};
    rows[1] = (struct ownership){SOLD, INT32_MIN, day(2025, 7, 1), {PART_ONE, PART_ONE}};
    rows[2] = (struct ownership){CONTROLLED, day(2020, 1, 1), day(2021, 1, 1), {0, 333333333}};
    rows[3] = (struct ownership){CONTROLLED, day(2021, 1, 1), day(2021, 2, 1), {0, PART_ONE / 2}};
    rows[4] = (struct ownership){CONTROLLED, day(2022, 1, 1), INT32_MAX, {PART_ONE, 1}};
    return (struct targets){.ownerships = rows, .ownerships_count = 5};
}

static void test_shares(void **state)
{
    (void)state;
    struct ownership rows[5];
    struct targets targets = make(rows);
    static const struct {
        const char *name;
        uint32_t facility;
        struct date date;
        int64_t want_control, want_equity;
    } cases[] = {
        {"a chain", CHAIN, {2026, 1, 1}, PART_ONE, 720000000},
        {"the last day before a sale", SOLD, {2025, 6, 30}, PART_ONE, PART_ONE},
        {"the day of a sale", SOLD, {2025, 7, 1}, 0, 0},
        {"before the first row", CONTROLLED, {2019, 12, 31}, 0, 0},
        {"first day", CONTROLLED, {2020, 1, 1}, 0, 333333333},
        {"last day", CONTROLLED, {2020, 12, 31}, 0, 333333333},
        {"next row", CONTROLLED, {2021, 1, 1}, 0, 500000000},
        {"in a gap", CONTROLLED, {2021, 2, 1}, 0, 0},
        {"open end", CONTROLLED, {2190, 1, 1}, PART_ONE, 1},
        {"without rows", UNLISTED, {2026, 1, 1}, PART_ONE, PART_ONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int32_t at = day(cases[i].date.year, cases[i].date.month, cases[i].date.day);
        int64_t control = targets_share(&targets, cases[i].facility, at, APPROACH_CONTROL);
        int64_t equity = targets_share(&targets, cases[i].facility, at, APPROACH_EQUITY);
        if (control != cases[i].want_control || equity != cases[i].want_equity)
            fail_msg("%s: got %" PRId64 ", %" PRId64, cases[i].name, control, equity);
    }
    struct targets none = {0};
    assert_int_equal(targets_share(&none, CHAIN, 0, APPROACH_EQUITY), PART_ONE);
}

static void test_share_of(void **state)
{
    (void)state;
    static const struct {
        int64_t mass, share, want;
    } cases[] = {
        {1000, 720000000, 720},
        {0, 720000000, 0},
        {INT64_MAX, PART_ONE, INT64_MAX},
        {INT64_MIN, PART_ONE, INT64_MIN},
        {INT64_MAX, 0, 0},
        {INT64_MAX, 500000000, INT64_C(4611686018427387904)}, /* half to even */
        {1, 500000000, 0},
        {3, 500000000, 2},
        {5, 500000000, 2},
        {-1, 500000000, 0},
        {-3, 500000000, -2},
        {-5, 500000000, -2},
        {-7, 720000000, -5}, /* -5.04 */
        {-1000, 720000000, -720},
        {1, 500000001, 1},
        {1, 499999999, 0},
        {INT64_C(9000000000000000001), 1, INT64_C(9000000000)},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = share_of(cases[i].mass, cases[i].share);
        if (got != cases[i].want)
            fail_msg("%" PRId64 " by %" PRId64 ": got %" PRId64, cases[i].mass, cases[i].share,
                     got);
    }
}

static void test_spans(void **state)
{
    (void)state;
    struct ownership rows[5];
    struct targets targets = make(rows);
    static const struct {
        const char *name;
        uint32_t facility;
        int64_t mass;
        struct date first, end;
        int64_t want;
    } cases[] = {
        {"sold on 1 July: its 181 days of 365", SOLD, 365000, {2025, 1, 1}, {2026, 1, 1}, 181000},
        {"a month before", SOLD, 999, {2025, 6, 1}, {2025, 7, 1}, 999},
        {"a month after", SOLD, 999, {2025, 7, 1}, {2025, 8, 1}, 0},
        {"a chain", CHAIN, 1000, {2025, 1, 1}, {2026, 1, 1}, 720},
        {"negative", CHAIN, -1000, {2025, 1, 1}, {2026, 1, 1}, -720},
        {"negative and sold", SOLD, -365000, {2025, 1, 1}, {2026, 1, 1}, -181000},
        {"without rows", UNLISTED, INT64_MAX, {2025, 1, 1}, {2026, 1, 1}, INT64_MAX},
        /* 31 of 365 days at a half: 31,000 / 2 */
        {"with a gap", CONTROLLED, 365000, {2021, 1, 1}, {2022, 1, 1}, 15500},
        /* 10 days before, at 0; 10 at a third: 333.333333 of 1,000 */
        {"from the first row on", CONTROLLED, 2000, {2019, 12, 22}, {2020, 1, 11}, 333},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int32_t first = day(cases[i].first.year, cases[i].first.month, cases[i].first.day);
        int32_t end = day(cases[i].end.year, cases[i].end.month, cases[i].end.day);
        int64_t got = targets_share_of_span(&targets, cases[i].facility, APPROACH_EQUITY,
                                            cases[i].mass, first, end);
        if (got != cases[i].want)
            fail_msg("%s: got %" PRId64, cases[i].name, got);
    }
}

static void test_history(void **state)
{
    (void)state;
    struct history_row rows[] = {
        {.facility = 0, .scope = 1, .year = 2019, .month = 0, .mg = 1},
        {.facility = 0, .scope = 2, .year = 2019, .month = 1, .mg = 2},
        {.facility = 0, .scope = 2, .year = 2019, .month = 12, .mg = 3},
        {.facility = 0, .scope = 2, .year = 2020, .month = 1, .mg = 4},
        {.facility = 2, .scope = 1, .year = 2018, .month = 7, .mg = 5},
    };
    const struct targets targets = {.history = rows, .history_count = ARRAY_LEN(rows)};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_ptr_equal(
            targets_history(&targets, rows[i].facility, rows[i].scope, rows[i].year, rows[i].month),
            &rows[i]);
    assert_null(targets_history(&targets, 0, 1, 2019, 1));
    assert_null(targets_history(&targets, 0, 2, 2019, 0));
    assert_null(targets_history(&targets, 1, 1, 2019, 0));
    assert_null(targets_history(&targets, 2, 1, 2018, 8));
    const struct targets none = {0};
    assert_null(targets_history(&none, 0, 1, 2019, 0));
}

static void test_works(void **state)
{
    (void)state;
    enum { SUNDAY = 1 << 6 };
    struct facility facilities[] = {{.country = "CN"}, {.country = "VN"}, {.country = ""}};
    const struct registry registry = {.facilities = facilities, .facilities_count = 3};
    struct holiday holidays[] = {
        {day(2026, 1, 1), REGISTRY_NONE, NULL, false, "New Year"},
        {day(2026, 2, 15), REGISTRY_NONE, "CN", true, "a Sunday that is worked"},
        {day(2026, 2, 17), 0, NULL, true, "a shift stays"},
        {day(2026, 2, 17), REGISTRY_NONE, "CN", false, "Spring Festival"},
        {day(2026, 2, 17), REGISTRY_NONE, "VN", false, "Tet"},
        {day(2026, 5, 1), REGISTRY_NONE, NULL, false, "everywhere"},
        {day(2026, 5, 1), REGISTRY_NONE, "VN", true, "not here"},
    };
    const struct targets targets = {.holidays = holidays, .holidays_count = ARRAY_LEN(holidays)};
    static const struct {
        const char *name;
        struct date date;
        bool want[3];
    } cases[] = {
        {"a holiday everywhere", {2026, 1, 1}, {false, false, false}},
        {"a Friday", {2026, 1, 2}, {true, true, true}},
        {"a Sunday", {2026, 1, 4}, {false, false, false}},
        {"a Sunday that a country works", {2026, 2, 15}, {true, false, false}},
        {"a facility works on its country's holiday", {2026, 2, 17}, {true, false, true}},
        {"a country works on a holiday of everywhere", {2026, 5, 1}, {false, true, false}},
        {"after the last row", {2026, 5, 2}, {true, true, true}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (uint32_t facility = 0; facility < 3; facility++) {
            int32_t at = day(cases[i].date.year, cases[i].date.month, cases[i].date.day);
            if (targets_works(&targets, &registry, facility, at, SUNDAY) != cases[i].want[facility])
                fail_msg("%s: facility %u", cases[i].name, facility);
        }
    assert_true(targets_works(&targets, &registry, 2, day(2026, 1, 4), 0));
}

/* Friday is off in one place, nothing in another, and the option's Sunday in the third. A date of a
 * table decides over each of them. */
static void test_weekends(void **state)
{
    (void)state;
    enum { FRIDAY = 1 << 4, SUNDAY = 1 << 6 };
    struct facility facilities[] = {{.country = "BD"}, {.country = "CN"}, {.country = "TR"}};
    const struct registry registry = {.facilities = facilities, .facilities_count = 3};
    struct holiday holidays[] = {
        {day(2026, 1, 2), 0, NULL, true, "a Friday that is worked"},
        {day(2026, 1, 11), REGISTRY_NONE, "CN", false, "a Sunday off"},
    };
    static const struct weekend weekends[] = {
        {HOLIDAY_OF_COUNTRY, FRIDAY}, {HOLIDAY_OF_FACILITY, 0}, {HOLIDAY_OF_OTHERS, 0}};
    const struct targets targets = {
        .holidays = holidays, .holidays_count = ARRAY_LEN(holidays), .weekends = weekends};
    static const struct {
        const char *name;
        struct date date;
        bool want[3];
    } cases[] = {
        {"a Friday that a date gives back", {2026, 1, 2}, {true, true, true}},
        {"a Friday", {2026, 1, 9}, {false, true, true}},
        {"a Saturday", {2026, 1, 3}, {true, true, true}},
        {"a Sunday", {2026, 1, 4}, {true, true, false}},
        {"a Sunday that is a holiday", {2026, 1, 11}, {true, false, false}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (uint32_t facility = 0; facility < 3; facility++) {
            int32_t at = day(cases[i].date.year, cases[i].date.month, cases[i].date.day);
            if (targets_works(&targets, &registry, facility, at, SUNDAY) != cases[i].want[facility])
                fail_msg("%s: facility %u", cases[i].name, facility);
        }
    assert_int_equal(targets_days_off(&targets, 0, SUNDAY), FRIDAY);
    assert_int_equal(targets_days_off(&targets, 1, SUNDAY), 0);
    assert_int_equal(targets_days_off(&targets, 2, SUNDAY), SUNDAY);
}

/* Scopes of a target without a meter at any of its facilities. */
static void test_unmetered(void **state)
{
    (void)state;
    struct facility facilities[] = {{.series_count = 2, .groups = {"cn"}},
                                    {.series_first = 2, .series_count = 1, .groups = {"cn"}},
                                    {.series_first = 3}};
    struct series series[] = {{.scope = 2}, {.scope = 0}, {.scope = 1}};
    const struct registry registry = {
        .facilities = facilities, .facilities_count = ARRAY_LEN(facilities), .series = series};
    enum { SCOPE_1 = 1 << 1, SCOPE_2 = 1 << 2, SCOPE_3 = 1 << 3 };
    static const struct {
        const char *name;
        struct target target;
        uint8_t want;
    } cases[] = {
        {"all have both", {.level = TARGET_ALL, .scopes = SCOPE_1 | SCOPE_2}, 0},
        {"all lack the third", {.level = TARGET_ALL, .scopes = SCOPE_1 | SCOPE_3}, SCOPE_3},
        {"a group", {.level = TARGET_GROUP, .name = "cn", .scopes = SCOPE_1 | SCOPE_2}, 0},
        {"the first", {.level = TARGET_FACILITY, .scopes = SCOPE_1 | SCOPE_2}, SCOPE_1},
        {"the second",
         {.level = TARGET_FACILITY, .facility = 1, .scopes = SCOPE_1 | SCOPE_2},
         SCOPE_2},
        {"no meters at all",
         {.level = TARGET_FACILITY, .facility = 2, .scopes = SCOPE_1 | SCOPE_2},
         SCOPE_1 | SCOPE_2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t got = target_unmetered(&cases[i].target, &registry);
        if (got != cases[i].want)
            fail_msg("%s: got %x", cases[i].name, got);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),    cmocka_unit_test(test_share_of),
        cmocka_unit_test(test_spans),     cmocka_unit_test(test_history),
        cmocka_unit_test(test_works),     cmocka_unit_test(test_weekends),
        cmocka_unit_test(test_unmetered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
