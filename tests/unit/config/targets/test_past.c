/* Months that the history has of a subject, and how much of its days is worked. */
#include "config/targets/past.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "config/targets/civil.h"

enum { HANGZHOU, SHANGHAI, HANOI, LEIPZIG, FACILITIES };
enum { CHINA, UTC, SUNDAY = 1 << 6, SCOPE_1 = 1 << 1, SCOPE_2 = 1 << 2, SCOPE_3 = 1 << 3 };
#define HALF (PART_ONE / 2)

static const struct offset_change east[] = {{INT64_MIN, 8 * HOUR_MS}};
static const struct local_time zones[] = {[CHINA] = {east, 1}, [UTC] = {NULL, 0}};

/* Two sites of a group in China, one in Vietnam, one in Germany without any group. */
struct bench {
    struct facility facilities[FACILITIES];
    struct registry registry;
    struct targets targets;
    struct target target; /* of all, scopes 1 and 2, under control */
};

static struct facility facility_of(const char *country, const char *group, uint32_t zone)
{
    return (struct facility){.country = country,
                             .groups = {group},
                             .zone = zone,
                             .valid_from_ms = INT64_MIN,
                             .valid_to_ms = INT64_MAX};
}

static void make(struct bench *bench)
{
    *bench = (struct bench){.facilities = {[HANGZHOU] = facility_of("CN", "cn", CHINA),
                                           [SHANGHAI] = facility_of("CN", "cn", CHINA),
                                           [HANOI] = facility_of("VN", "vn", UTC),
                                           [LEIPZIG] = facility_of("DE", NULL, UTC)},
                            .target = {.level = TARGET_ALL, .scopes = SCOPE_1 | SCOPE_2}};
    bench->registry = (struct registry){
        .facilities = bench->facilities, .facilities_count = FACILITIES, .local_times = zones};
}

static void of_facility(struct bench *bench, uint32_t facility)
{
    bench->target.level = TARGET_FACILITY;
    bench->target.facility = facility;
}

static void of_group(struct bench *bench, const char *name)
{
    bench->target.level = TARGET_GROUP;
    bench->target.name = name;
}

/* -1: not known. */
static int64_t month_of(const struct bench *bench, int year, int month)
{
    int64_t mg = -1;
    bool known = past_month(&mg, &bench->targets, &bench->registry, &bench->target, year, month);
    return known ? mg : -1;
}

static void put_history(struct bench *bench, struct history_row *rows, uint32_t count)
{
    bench->targets.history = rows;
    bench->targets.history_count = count;
}

static void put_ownership(struct bench *bench, struct ownership *rows, uint32_t count)
{
    bench->targets.ownerships = rows;
    bench->targets.ownerships_count = count;
}

/* A month is known if every scope of the target is. A row of 0 is known; one of a year is not. */
static void test_scopes(void **state)
{
    (void)state;
    struct history_row rows[] = {
        {HANGZHOU, 2018, 0, 1, 12000, "", ""}, {HANGZHOU, 2019, 1, 1, 100, "", ""},
        {HANGZHOU, 2019, 2, 1, 200, "", ""},   {HANGZHOU, 2019, 12, 1, 0, "", ""},
        {HANGZHOU, 2018, 0, 2, 7, "", ""},     {HANGZHOU, 2019, 1, 2, 30, "", ""},
        {HANGZHOU, 2019, 12, 2, 4, "", ""},
    };
    static const struct {
        const char *name;
        uint8_t scopes;
        int16_t year, month;
        int64_t want;
    } cases[] = {
        {"both scopes", SCOPE_1 | SCOPE_2, 2019, 1, 130},
        {"the first alone", SCOPE_1, 2019, 1, 100},
        {"the second alone", SCOPE_2, 2019, 1, 30},
        {"the second lacks", SCOPE_1 | SCOPE_2, 2019, 2, -1},
        {"a scope that lacks is not of the target", SCOPE_1, 2019, 2, 200},
        {"the third lacks", SCOPE_1 | SCOPE_2 | SCOPE_3, 2019, 1, -1},
        {"a row of 0", SCOPE_1 | SCOPE_2, 2019, 12, 4},
        {"a row of 0 alone", SCOPE_1, 2019, 12, 0},
        {"a whole year tells no month", SCOPE_1, 2018, 1, -1},
        {"no row", SCOPE_1, 2019, 3, -1},
        {"the year after", SCOPE_1, 2020, 1, -1},
    };
    struct bench bench;
    make(&bench);
    of_facility(&bench, HANGZHOU);
    put_history(&bench, rows, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bench.target.scopes = cases[i].scopes;
        int64_t got = month_of(&bench, cases[i].year, cases[i].month);
        if (got != cases[i].want)
            fail_msg("%s: got %" PRId64, cases[i].name, got);
    }
}

/* A month of several is known if that of each is. */
static void test_facilities(void **state)
{
    (void)state;
    struct history_row rows[] = {
        {HANGZHOU, 2019, 1, 1, 100, "", ""}, {HANGZHOU, 2019, 2, 1, 200, "", ""},
        {SHANGHAI, 2019, 1, 1, 10, "", ""},  {HANOI, 2019, 1, 1, 1, "", ""},
        {LEIPZIG, 2019, 1, 1, 5000, "", ""},
    };
    struct bench bench;
    make(&bench);
    bench.target.scopes = SCOPE_1;
    put_history(&bench, rows, ARRAY_LEN(rows));
    assert_int_equal(month_of(&bench, 2019, 1), 5111);
    assert_int_equal(month_of(&bench, 2019, 2), -1);
    of_group(&bench, "cn");
    assert_int_equal(month_of(&bench, 2019, 1), 110);
    assert_int_equal(month_of(&bench, 2019, 2), -1); /* Shanghai lacks */
    of_group(&bench, "vn");
    assert_int_equal(month_of(&bench, 2019, 1), 1);
    of_group(&bench, "us");
    assert_int_equal(month_of(&bench, 2019, 1), -1); /* of no facility */
}

/* Sold on 16 June: 15 of its 30 days count. The equity share changes on 11 January. */
static void test_shares(void **state)
{
    (void)state;
    struct ownership owned[] = {
        {HANGZHOU, INT32_MIN, civil_day(2019, 1, 11), {PART_ONE, HALF}},
        {HANGZHOU, civil_day(2019, 1, 11), civil_day(2019, 6, 16), {PART_ONE, PART_ONE}},
        {SHANGHAI, INT32_MIN, INT32_MAX, {0, HALF}},
    };
    struct history_row rows[] = {
        {HANGZHOU, 2019, 1, 1, 3100, "", ""}, {HANGZHOU, 2019, 6, 1, 3000, "", ""},
        {SHANGHAI, 2019, 1, 1, 70, "", ""},   {SHANGHAI, 2019, 6, 1, 90, "", ""},
        {SHANGHAI, 2019, 7, 1, 90, "", ""},
    };
    struct bench bench;
    make(&bench);
    of_group(&bench, "cn");
    bench.target.scopes = SCOPE_1;
    put_history(&bench, rows, ARRAY_LEN(rows));
    put_ownership(&bench, owned, ARRAY_LEN(owned));
    assert_int_equal(month_of(&bench, 2019, 6), 1500); /* Shanghai is not controlled */
    assert_int_equal(month_of(&bench, 2019, 1), 3100);
    assert_int_equal(month_of(&bench, 2019, 7), -1); /* no facility has a share */
    bench.target.approach = APPROACH_EQUITY;
    assert_int_equal(month_of(&bench, 2019, 6), 1500 + 45);
    assert_int_equal(month_of(&bench, 2019, 1), 10 * 50 + 21 * 100 + 35);
    assert_int_equal(month_of(&bench, 2019, 7), 45); /* Hangzhou's row is not needed any more */
}

/* A part of 1e-9 for one day of a month is a share, though nothing is left of the mass. */
static void test_least_share(void **state)
{
    (void)state;
    struct ownership owned[] = {
        {HANGZHOU, civil_day(2019, 1, 31), civil_day(2019, 2, 1), {0, 1}},
    };
    struct history_row rows[] = {{HANGZHOU, 2019, 1, 1, 3100, "", ""}};
    struct bench bench;
    make(&bench);
    of_facility(&bench, HANGZHOU);
    bench.target.scopes = SCOPE_1;
    bench.target.approach = APPROACH_EQUITY;
    put_ownership(&bench, owned, ARRAY_LEN(owned));
    assert_int_equal(month_of(&bench, 2019, 1), -1); /* its history lacks */
    put_history(&bench, rows, ARRAY_LEN(rows));
    assert_int_equal(month_of(&bench, 2019, 1), 0);
    assert_int_equal(month_of(&bench, 2019, 2), -1);
}

/* Hangzhou joins on 15 March and leaves on 1 June, both by its own clocks: its other months are not
 * asked for. */
static void test_members(void **state)
{
    (void)state;
    struct history_row rows[] = {
        {HANGZHOU, 2019, 3, 1, 100, "", ""}, {HANGZHOU, 2019, 5, 1, 300, "", ""},
        {HANGZHOU, 2019, 7, 1, 700, "", ""}, {SHANGHAI, 2019, 2, 1, 1, "", ""},
        {SHANGHAI, 2019, 3, 1, 2, "", ""},   {SHANGHAI, 2019, 4, 1, 3, "", ""},
        {SHANGHAI, 2019, 5, 1, 4, "", ""},   {SHANGHAI, 2019, 6, 1, 5, "", ""},
        {SHANGHAI, 2019, 7, 1, 6, "", ""},
    };
    struct bench bench;
    make(&bench);
    of_group(&bench, "cn");
    bench.target.scopes = SCOPE_1;
    put_history(&bench, rows, ARRAY_LEN(rows));
    struct facility *joining = &bench.facilities[HANGZHOU];
    joining->valid_from_ms = civil_day(2019, 3, 15) * DAY_MS - 8 * HOUR_MS;
    joining->valid_to_ms = civil_day(2019, 6, 1) * DAY_MS - 8 * HOUR_MS;
    struct member_days days =
        past_member_days(&bench.registry, HANGZHOU, civil_day(2019, 3, 1), civil_day(2019, 4, 1));
    assert_int_equal(days.first, civil_day(2019, 3, 15));
    assert_int_equal(days.end, civil_day(2019, 4, 1));
    assert_int_equal(month_of(&bench, 2019, 2), 1);
    assert_int_equal(month_of(&bench, 2019, 3), 102); /* of the whole month: as its row says */
    assert_int_equal(month_of(&bench, 2019, 4), -1);
    assert_int_equal(month_of(&bench, 2019, 5), 304);
    assert_int_equal(month_of(&bench, 2019, 6), 5);
    assert_int_equal(month_of(&bench, 2019, 7), 6); /* a row of a former member does not count */
    of_facility(&bench, HANGZHOU);
    assert_int_equal(month_of(&bench, 2019, 6), -1); /* no facility is part of it */
}

static int64_t year_of(const struct bench *bench, int year)
{
    const struct past_subject subject = {&bench->targets, &bench->registry, &bench->target};
    struct civil_year civil = civil_year_named(year, bench->target.year_start);
    int64_t mg = -1;
    bool known = past_year_total(&mg, &subject, &civil);
    return known ? mg : -1;
}

/* A year is known by its row, or by its months; facilities may differ in that. */
static void test_years(void **state)
{
    (void)state;
    struct history_row rows[13] = {{HANGZHOU, 2019, 0, 1, 12000, "", ""}};
    struct bench bench;
    make(&bench);
    bench.target.scopes = SCOPE_1;
    bench.target.year_start = 1;
    of_group(&bench, "cn");
    put_history(&bench, rows, 1);
    assert_int_equal(year_of(&bench, 2019), -1); /* Shanghai lacks */
    for (int month = 1; month <= 12; month++)
        rows[month] = (struct history_row){SHANGHAI, 2019, (uint8_t)month, 1, month, "", ""};
    put_history(&bench, rows, 12);
    assert_int_equal(year_of(&bench, 2019), -1); /* its December lacks */
    put_history(&bench, rows, 13);
    assert_int_equal(year_of(&bench, 2019), 12078);
    assert_int_equal(year_of(&bench, 2018), -1);
    bench.facilities[SHANGHAI].valid_to_ms = civil_day(2019, 12, 1) * DAY_MS - 8 * HOUR_MS;
    assert_int_equal(year_of(&bench, 2019), 12066); /* the row of December is of a former member */
    put_history(&bench, rows, 12);
    assert_int_equal(year_of(&bench, 2019), 12066);
    bench.target.scopes = SCOPE_1 | SCOPE_2;
    assert_int_equal(year_of(&bench, 2019), -1);
    bench.target.scopes = SCOPE_1;
    bench.target.year_start = 4; /* a calendar year's row has no months */
    assert_int_equal(year_of(&bench, 2019), -1);
    of_group(&bench, "us");
    bench.target.year_start = 1;
    assert_int_equal(year_of(&bench, 2019), -1); /* of no facility */
}

/* Sold on 1 July: the row of a year is spread over the days on which the facility belongs to the
 * group, and counts by the share of each. */
static void test_year_of_a_member(void **state)
{
    (void)state;
    struct ownership owned[] = {
        {HANGZHOU, INT32_MIN, civil_day(2019, 7, 1), {PART_ONE, HALF}},
    };
    struct history_row rows[] = {
        {HANGZHOU, 2019, 0, 1, 365000, "", ""},
        {HANGZHOU, 2020, 0, 1, 366000, "", ""},
    };
    struct bench bench;
    make(&bench);
    of_facility(&bench, HANGZHOU);
    bench.target.scopes = SCOPE_1;
    bench.target.year_start = 1;
    put_history(&bench, rows, ARRAY_LEN(rows));
    put_ownership(&bench, owned, ARRAY_LEN(owned));
    assert_int_equal(year_of(&bench, 2019), 181000);
    assert_int_equal(year_of(&bench, 2020), -1);
    bench.target.approach = APPROACH_EQUITY;
    assert_int_equal(year_of(&bench, 2019), 90500);
    bench.target.approach = APPROACH_CONTROL;
    bench.facilities[HANGZHOU].valid_from_ms = civil_day(2019, 6, 1) * DAY_MS - 8 * HOUR_MS;
    assert_int_equal(year_of(&bench, 2019), 365000 * 30 / 214); /* 30 of 214 days */
    bench.facilities[HANGZHOU].valid_to_ms = civil_day(2019, 7, 1) * DAY_MS - 8 * HOUR_MS;
    assert_int_equal(year_of(&bench, 2019), 365000); /* its own days count whole */
}

/* Twelve months fit 64 bits. */
static void test_too_large(void **state)
{
    (void)state;
    struct history_row rows[] = {
        {HANGZHOU, 2019, 1, 1, MONTH_MG_MAX, "", ""},
        {HANGZHOU, 2019, 2, 1, MONTH_MG_MAX, "", ""},
        {HANGZHOU, 2019, 1, 2, 0, "", ""},
        {HANGZHOU, 2019, 2, 2, 1, "", ""},
    };
    struct bench bench;
    make(&bench);
    of_facility(&bench, HANGZHOU);
    put_history(&bench, rows, ARRAY_LEN(rows));
    assert_int_equal(month_of(&bench, 2019, 1), MONTH_MG_MAX);
    assert_int_equal(month_of(&bench, 2019, 2), -1);
}

static void test_local_day(void **state)
{
    (void)state;
    const struct registry registry = {.local_times = zones};
    int64_t midnight_ms = civil_day(2019, 6, 16) * DAY_MS;
    assert_int_equal(past_local_day(&registry, UTC, midnight_ms), civil_day(2019, 6, 16));
    assert_int_equal(past_local_day(&registry, UTC, midnight_ms - 1), civil_day(2019, 6, 15));
    assert_int_equal(past_local_day(&registry, CHINA, midnight_ms - 8 * HOUR_MS),
                     civil_day(2019, 6, 16));
    assert_int_equal(past_local_day(&registry, CHINA, midnight_ms - 8 * HOUR_MS - 1),
                     civil_day(2019, 6, 15));
    assert_int_equal(past_local_day(&registry, UTC, -1), -1);
    assert_int_equal(past_local_day(&registry, CHINA, INT64_MIN), INT32_MIN);
    assert_int_equal(past_local_day(&registry, CHINA, INT64_MAX), INT32_MAX);
}

static int64_t factor_of(const struct bench *bench, struct date date, int64_t nonworking)
{
    return past_day_factor(&bench->targets, &bench->registry, &bench->target,
                           civil_day(date.year, date.month, date.day), SUNDAY, nonworking);
}

/* The Spring Festival, and a Sunday that is worked for it. Leipzig has no such days. */
static void test_factors(void **state)
{
    (void)state;
    struct holiday holidays[] = {
        {civil_day(2026, 2, 15), REGISTRY_NONE, "CN", true, "instead"},
        {civil_day(2026, 2, 17), SHANGHAI, NULL, true, "a shift"},
        {civil_day(2026, 2, 17), REGISTRY_NONE, "CN", false, "Spring Festival"},
        {civil_day(2026, 2, 17), REGISTRY_NONE, "VN", false, "Tet"},
    };
    static const struct {
        const char *name;
        int64_t nonworking;
        int64_t want_hangzhou, want_china, want_all;
        struct date date;
    } cases[] = {
        {"a Monday", 0, PART_ONE, PART_ONE, PART_ONE, {2026, 2, 16}},
        {"a Sunday", 0, 0, 0, 0, {2026, 2, 8}},
        {"a Sunday that counts half", HALF, HALF, HALF, HALF, {2026, 2, 8}},
        {"a Sunday that two of four work", 0, PART_ONE, PART_ONE, HALF, {2026, 2, 15}},
        {"a holiday, on which one works", 0, 0, HALF, HALF, {2026, 2, 17}},
        {"rounded down", 3, 3, (PART_ONE + 3) / 2, (2 * PART_ONE + 6) / 4, {2026, 2, 17}},
        {"all days alike", PART_ONE, PART_ONE, PART_ONE, PART_ONE, {2026, 2, 17}},
    };
    struct bench bench;
    make(&bench);
    bench.targets.holidays = holidays;
    bench.targets.holidays_count = ARRAY_LEN(holidays);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bench.target.level = TARGET_ALL;
        int64_t all = factor_of(&bench, cases[i].date, cases[i].nonworking);
        of_group(&bench, "cn");
        int64_t china = factor_of(&bench, cases[i].date, cases[i].nonworking);
        of_facility(&bench, HANGZHOU);
        int64_t hangzhou = factor_of(&bench, cases[i].date, cases[i].nonworking);
        if (hangzhou != cases[i].want_hangzhou || china != cases[i].want_china ||
            all != cases[i].want_all)
            fail_msg("%s: got %" PRId64 ", %" PRId64 ", %" PRId64, cases[i].name, hangzhou, china,
                     all);
    }
}

/* The mean is that of the facilities that are part of the day. */
static void test_factor_members(void **state)
{
    (void)state;
    static const struct date festival = {2026, 2, 17};
    int32_t day = civil_day(2026, 2, 17);
    struct holiday holidays[] = {{day, HANGZHOU, NULL, false, "closed"}};
    struct ownership owned[] = {{SHANGHAI, INT32_MIN, day, {PART_ONE, PART_ONE}}};
    struct bench bench;
    make(&bench);
    bench.targets.holidays = holidays;
    bench.targets.holidays_count = ARRAY_LEN(holidays);
    of_group(&bench, "cn");
    assert_int_equal(factor_of(&bench, festival, 0), HALF);
    put_ownership(&bench, owned, ARRAY_LEN(owned)); /* Shanghai was sold */
    assert_int_equal(factor_of(&bench, festival, 0), 0);
    owned[0].to_day = INT32_MAX;
    bench.facilities[HANGZHOU].valid_from_ms = (day + 1) * DAY_MS - 8 * HOUR_MS;
    assert_int_equal(factor_of(&bench, festival, 0), PART_ONE);
    bench.facilities[HANGZHOU].valid_from_ms -= 1; /* some of it belongs to the group */
    assert_int_equal(factor_of(&bench, festival, 0), HALF);
    bench.facilities[HANGZHOU].valid_to_ms = day * DAY_MS - 8 * HOUR_MS;
    assert_int_equal(factor_of(&bench, festival, 0), PART_ONE);
    of_facility(&bench, HANGZHOU); /* no facility is part of the day */
    assert_int_equal(factor_of(&bench, festival, 0), PART_ONE);
    bench.target.level = TARGET_ALL; /* Shanghai, Hanoi, Leipzig; one of them is closed */
    holidays[0].facility = HANOI;
    assert_int_equal(factor_of(&bench, festival, 0), 666666666);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),           cmocka_unit_test(test_facilities),
        cmocka_unit_test(test_shares),           cmocka_unit_test(test_least_share),
        cmocka_unit_test(test_members),          cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_local_day),        cmocka_unit_test(test_factors),
        cmocka_unit_test(test_factor_members),   cmocka_unit_test(test_years),
        cmocka_unit_test(test_year_of_a_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
