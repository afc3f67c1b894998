/* The allowed emissions of targets: lines, paths, intensities, and new bases. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/trajectory/target_line.h"

#define T INT64_C(1000000000) /* a tonne in milligrams */
enum { FIVE_PERCENT = 50000000 };

/* 4.2 % a year of a base in 2019, to 2030. */
static const struct target linear = {.form = TARGET_LINEAR,
                                     .year_start = 1,
                                     .base_year = 2019,
                                     .target_year = 2030,
                                     .cut = 462000000};

static int64_t allowed_in(const struct target_line *line, int year, int32_t day)
{
    int64_t allowed = -1;
    struct civil_year civil = civil_year_named(year, line->target->year_start);
    const struct base_version *version = target_line_version(line, &civil, day);
    return target_line_allowed(&allowed, line, version, year) ? allowed : -1;
}

static void test_linear(void **state)
{
    (void)state;
    struct target_line line;
    assert_true(target_line_make(&line, &linear, 100000 * T, FIVE_PERCENT));
    static const struct {
        int year;
        int64_t want;
    } cases[] = {
        {2018, -1}, {2019, -1}, {2020, 95800 * T}, {2025, 74800 * T}, {2030, 53800 * T}, {2031, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(allowed_in(&line, cases[i].year, civil_day(cases[i].year, 7, 1)),
                         cases[i].want);
    int64_t end = 0;
    assert_true(target_line_end(&end, &line, &line.versions[0]));
    assert_int_equal(end, 53800 * T);
}

/* Half a milligram goes to the even one. */
static void test_rounding(void **state)
{
    (void)state;
    struct target target = linear;
    struct target_line line;
    target.base_year = 2020;
    target.target_year = 2022;
    target.cut = PART_ONE;
    assert_true(target_line_make(&line, &target, 5, FIVE_PERCENT));
    assert_int_equal(allowed_in(&line, 2021, civil_day(2021, 1, 1)), 2); /* 2.5 */
    assert_int_equal(allowed_in(&line, 2022, civil_day(2022, 1, 1)), 0);
    assert_true(target_line_make(&line, &target, 7, FIVE_PERCENT));
    assert_int_equal(allowed_in(&line, 2021, civil_day(2021, 1, 1)), 4); /* 3.5 */
}

/* Base 100,000 t less 6,000: 94,000, and 50,572 instead of 53,800 in 2030. */
static void test_new_base(void **state)
{
    (void)state;
    const struct base_change changes[] = {{.day = civil_day(2025, 7, 1), .delta_mg = -6000 * T}};
    struct target target = linear;
    target.changes = changes;
    target.changes_count = 1;
    struct target_line line;
    assert_true(target_line_make(&line, &target, 100000 * T, FIVE_PERCENT));
    assert_int_equal(line.versions_count, 2);
    assert_int_equal(line.versions[1].number, 2);
    assert_int_equal(line.versions[1].base_mg, 94000 * T);
    int64_t end = 0;
    assert_true(target_line_end(&end, &line, &line.versions[1]));
    assert_int_equal(end, 50572 * T);
    assert_true(target_line_end(&end, &line, &line.versions[0])); /* the old one, for old reports */
    assert_int_equal(end, 53800 * T);

    assert_int_equal(allowed_in(&line, 2025, civil_day(2025, 12, 31)), 74800 * T);
    assert_int_equal(allowed_in(&line, 2025, civil_day(2027, 1, 1)), 74800 * T);
    assert_int_equal(allowed_in(&line, 2026, civil_day(2026, 1, 1)), 66364 * T); /* 94,000 * .706 */
    assert_int_equal(allowed_in(&line, 2030, civil_day(2030, 6, 1)), 50572 * T);
}

static void test_at_once(void **state)
{
    (void)state;
    const struct base_change changes[] = {
        {.day = civil_day(2025, 7, 1), .delta_mg = -6000 * T, .at_once = true}};
    struct target target = linear;
    target.changes = changes;
    target.changes_count = 1;
    struct target_line line;
    assert_true(target_line_make(&line, &target, 100000 * T, FIVE_PERCENT));
    assert_int_equal(allowed_in(&line, 2025, civil_day(2025, 6, 30)), 74800 * T);
    assert_int_equal(allowed_in(&line, 2025, civil_day(2025, 7, 1)), 70312 * T);
    assert_int_equal(allowed_in(&line, 2026, civil_day(2026, 1, 1)), 66364 * T);
}

/* The threshold: reached is enough, one by one or summed since the last new base. */
static void test_threshold(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t deltas[4];
        int64_t bases[4]; /* of versions after the first; 0 ends */
        int64_t pending;
    } cases[] = {
        {"exactly 5 %", {5000 * T}, {105000 * T}, 0},
        {"a milligram less", {5000 * T - 1}, {0}, 5000 * T - 1},
        {"exactly 5 % down", {-5000 * T}, {95000 * T}, 0},
        {"summed", {2000 * T, 2000 * T, 1000 * T}, {105000 * T}, 0},
        {"they cancel", {4000 * T, -4000 * T, 4000 * T}, {0}, 4000 * T},
        {"one reaches it while the sum does not", {-4000 * T, 5000 * T}, {101000 * T}, 0},
        {"of the base in force: 5 % of 106,000 is 5,300",
         {6000 * T, 5299 * T, 1 * T},
         {106000 * T, 111300 * T},
         0},
        {"summed since the last new base", {6000 * T, 4000 * T}, {106000 * T}, 4000 * T},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct base_change changes[4];
        struct target target = linear;
        struct target_line line;
        target.changes = changes;
        for (uint32_t k = 0; k < 4 && cases[i].deltas[k] != 0; k++) {
            changes[k] = (struct base_change){.day = civil_day(2021 + (int)k, 3, 1),
                                              .delta_mg = cases[i].deltas[k]};
            target.changes_count = k + 1;
        }
        assert_true(target_line_make(&line, &target, 100000 * T, FIVE_PERCENT));
        uint32_t count = 1;
        for (; cases[i].bases[count - 1] != 0; count++) {
            if (count >= line.versions_count ||
                line.versions[count].base_mg != cases[i].bases[count - 1])
                fail_msg("%s: version %" PRIu32, cases[i].name, count + 1);
        }
        if (line.versions_count != count || line.versions[count - 1].pending_mg != cases[i].pending)
            fail_msg("%s: %" PRIu32 " versions, %" PRId64 " mg pending", cases[i].name,
                     line.versions_count, line.versions[line.versions_count - 1].pending_mg);
    }
}

/* A fiscal year: changes hold from the next one on; one of its first day, in that year. */
static void test_fiscal_year(void **state)
{
    (void)state;
    const struct base_change changes[] = {
        {.day = civil_day(2025, 3, 31), .delta_mg = 10000 * T},  /* last day of 2025 */
        {.day = civil_day(2025, 4, 2), .delta_mg = 10000 * T},   /* second day of 2026 */
        {.day = civil_day(2027, 4, 1), .delta_mg = -20000 * T}}; /* first day of 2028 */
    struct target target = linear;
    target.year_start = 4;
    target.changes = changes;
    target.changes_count = 3;
    struct target_line line;
    assert_true(target_line_make(&line, &target, 100000 * T, FIVE_PERCENT));
    assert_int_equal(line.versions_count, 4);
    assert_int_equal(line.versions[1].from_day, civil_day(2025, 4, 1));
    assert_int_equal(line.versions[2].from_day, civil_day(2026, 4, 1));
    assert_int_equal(line.versions[3].from_day, civil_day(2027, 4, 1));
    assert_int_equal(allowed_in(&line, 2025, civil_day(2025, 3, 31)), 74800 * T);
    assert_int_equal(allowed_in(&line, 2026, civil_day(2025, 4, 1)), 77660 * T); /* 110,000 */
    assert_int_equal(allowed_in(&line, 2026, civil_day(2026, 3, 31)), 77660 * T);
    assert_int_equal(allowed_in(&line, 2027, civil_day(2026, 4, 1)), 79680 * T);  /* 120,000 */
    assert_int_equal(allowed_in(&line, 2028, civil_day(2028, 3, 31)), 62200 * T); /* 100,000 */
}

/* A path scales with the base: half to even of its own values. */
static void test_path(void **state)
{
    (void)state;
    static const struct path_year path[] = {{2024, 90000 * T}, {2025, 25}, {2027, 70000 * T}};
    const struct base_change changes[] = {{.day = civil_day(2023, 1, 1), .delta_mg = -10000 * T}};
    struct target target = {.form = TARGET_PATH,
                            .year_start = 1,
                            .base_year = 2022,
                            .target_year = 2027,
                            .path = path,
                            .path_count = 3,
                            .changes = changes,
                            .changes_count = 1};
    struct target_line line;
    assert_true(target_line_make(&line, &target, 100000 * T, FIVE_PERCENT));
    assert_int_equal(line.versions_count, 2);
    assert_int_equal(allowed_in(&line, 2023, civil_day(2023, 5, 1)), -1); /* no value */
    assert_int_equal(allowed_in(&line, 2024, civil_day(2024, 5, 1)), 81000 * T);
    assert_int_equal(allowed_in(&line, 2025, civil_day(2025, 5, 1)), 22); /* 22.5 */
    assert_int_equal(allowed_in(&line, 2026, civil_day(2026, 5, 1)), -1);
    int64_t end = 0;
    assert_true(target_line_end(&end, &line, &line.versions[0]));
    assert_int_equal(end, 70000 * T);
    assert_true(target_line_end(&end, &line, &line.versions[1]));
    assert_int_equal(end, 63000 * T);
}

/* Intensities: of the target year, or a path; they do not scale, and need no base. */
static void test_intensity(void **state)
{
    (void)state;
    static const struct path_year path[] = {{2026, 2200000}, {2027, 2100000}};
    const struct base_change changes[] = {{.day = civil_day(2024, 7, 1), .delta_mg = -60000 * T}};
    struct target target = {.form = TARGET_INTENSITY,
                            .year_start = 4,
                            .base_year = 2024,
                            .target_year = 2027,
                            .intensity = 2000000,
                            .changes = changes,
                            .changes_count = 1};
    struct target_line line;
    assert_true(target_line_make(&line, &target, 0, FIVE_PERCENT));
    assert_int_equal(line.versions_count, 1);
    assert_int_equal(allowed_in(&line, 2026, civil_day(2025, 5, 1)), -1);
    assert_int_equal(allowed_in(&line, 2027, civil_day(2026, 5, 1)), 2000000);
    target.path = path;
    target.path_count = 2;
    assert_true(target_line_make(&line, &target, 100000 * T, FIVE_PERCENT));
    assert_int_equal(line.versions_count, 2);
    assert_int_equal(allowed_in(&line, 2025, civil_day(2024, 5, 1)), -1);
    assert_int_equal(allowed_in(&line, 2026, civil_day(2025, 5, 1)), 2200000);
    assert_int_equal(allowed_in(&line, 2027, civil_day(2026, 5, 1)), 2100000);
}

/* Changes of a measured base, which tables could not check. */
static void test_impossible_bases(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t base_mg, deltas[3];
        bool made;
    } cases[] = {
        {"one milligram stays", 1000, {-999}, true},
        {"nothing stays", 1000, {-1000}, false},
        {"less than nothing", 1000, {-1001}, false},
        {"nothing in between", 1000, {-1000, 500}, false},
        {"together nothing", 1000, {-500, -500}, false},
        {"the largest", 1000, {BASE_MG_MAX - 1000}, true},
        {"more than the largest", 1000, {BASE_MG_MAX - 999}, false},
        {"a base beyond it", BASE_MG_MAX + 1, {0}, false},
        {"the largest base", BASE_MG_MAX, {0}, true},
        {"beyond 64 bits", INT64_MAX, {INT64_MAX, INT64_MAX, INT64_MAX}, false},
        {"beyond 64 bits by changes", 1000, {INT64_MAX}, false},
        {"below 64 bits", 1000, {-INT64_MAX, -INT64_MAX}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct base_change changes[3];
        for (int j = 0; j < 3; j++)
            changes[j] = (struct base_change){.day = civil_day(2021 + j, 1, 1),
                                              .delta_mg = cases[i].deltas[j]};
        struct target target = linear;
        target.changes = changes;
        target.changes_count = 3;
        struct target_line line;
        if (target_line_make(&line, &target, cases[i].base_mg, FIVE_PERCENT) != cases[i].made)
            fail_msg("%s", cases[i].name);
    }
}

/* A path whose base was a milligram and became a gigatonne stops at what 64 bits hold. */
static void test_path_stops(void **state)
{
    (void)state;
    static const struct path_year path[] = {{2024, BASE_MG_MAX}, {2025, 9}, {2026, 10}};
    const struct base_change changes[] = {
        {.day = civil_day(2023, 1, 1), .delta_mg = BASE_MG_MAX - 1}};
    struct target target = {.form = TARGET_PATH,
                            .year_start = 1,
                            .base_year = 2022,
                            .target_year = 2026,
                            .path = path,
                            .path_count = 3,
                            .changes = changes,
                            .changes_count = 1};
    struct target_line line;
    assert_true(target_line_make(&line, &target, 1, FIVE_PERCENT));
    assert_int_equal(allowed_in(&line, 2024, civil_day(2024, 5, 1)), INT64_MAX);
    assert_int_equal(allowed_in(&line, 2025, civil_day(2025, 5, 1)), 9 * BASE_MG_MAX);
    assert_int_equal(allowed_in(&line, 2026, civil_day(2026, 5, 1)), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_impossible_bases),
        cmocka_unit_test(test_path_stops),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_new_base),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_fiscal_year),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_intensity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
