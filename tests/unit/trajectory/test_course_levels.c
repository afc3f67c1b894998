/* The course of a target: levels, restatements, saved states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/trajectory/course_bench.h"

/* Days that do not count are passed over, and the run goes on after them. */
static void test_run_goes_on(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    course_bench_expect(&bench, day, (const int32_t[]){250, 250}, "..");
    course_bench_put(&bench, civil_day(2025, 1, 1), 0, -1000000); /* no coverage */
    course_bench_emit(&bench, day + 2, -900);
    assert_true(course_bench_close(&bench, day + 2, false));
    assert_false(bench.row.counted);
    assert_int_equal(bench.row.level, ALERT_OK);
    course_bench_put(&bench, civil_day(2025, 1, 1), 0, 100);
    course_bench_expect(&bench, day + 3, (const int32_t[]){250}, "w");
    assert_int_equal(bench.change.event, COURSE_ENTERED);
    assert_int_equal(bench.change.from, ALERT_OK);
    assert_int_equal(bench.change.to, ALERT_WARNING);
    assert_int_equal(bench.change.number, 1);
    assert_int_equal(bench.change.base_version, 1);
    assert_int_equal(bench.change.day_end_ms, course_bench_end_ms(NULL, day + 3));
    assert_int_equal(bench.change.since_ms, course_bench_end_ms(NULL, day + 3));
    course_bench_expect(&bench, day + 4, (const int32_t[]){-90, -90, -90, -90}, "wwa.");
    assert_int_equal(bench.change.event, COURSE_LEFT);
    assert_int_equal(bench.change.number, 3);
    assert_int_equal(bench.change.since_ms, course_bench_end_ms(NULL, day + 3));
    course_bench_fini(&bench);
}

/* A day that is told again makes a row, and is not judged again; also an older one. */
static void test_told_twice(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    course_bench_expect(&bench, day, (const int32_t[]){250, 250}, "..");
    struct course_state before = bench.state;
    for (int i = 0; i < 3; i++) {
        assert_true(course_bench_close(&bench, day + 1 - i, false));
        assert_int_equal(bench.change.event, COURSE_NOTHING);
        assert_memory_equal(&bench.state, &before, sizeof(before));
    }
    course_bench_expect(&bench, day + 2, (const int32_t[]){250}, "w");
    assert_true(course_bench_close(&bench, day + 2, true));
    assert_int_equal(bench.change.event, COURSE_NOTHING);
    course_bench_fini(&bench);
}

/* Level and run go on into the next year, with its figures. */
static void test_next_year(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    bench.conf.share_min = 0;
    int32_t last = civil_day(2025, 12, 31);
    course_bench_expect(&bench, last - 3, (const int32_t[]){300, 300, 300, 550}, "..ww");
    assert_true(course_bench_hour(&bench, last + 1, PART_ONE / 2,
                                  false)); /* of the new year, not judged yet */
    assert_int_equal(bench.state.year, 2025);
    assert_int_equal(bench.row.budget_mg, 70600 * T);
    assert_true(
        course_bench_hour(&bench, last + 1, PART_ONE, true)); /* its closed days: none yet */
    assert_int_equal(bench.change.event, COURSE_NOTHING);
    assert_int_equal(bench.row.level, ALERT_WARNING);
    course_bench_expect(&bench, last + 1, (const int32_t[]){550, 550}, "wC");
    assert_int_equal(bench.state.year, 2026);
    assert_int_equal(bench.state.year_began.level, ALERT_WARNING);
    assert_int_equal(bench.state.year_began.count, 4);
    assert_int_equal(bench.change.since_ms, course_bench_end_ms(NULL, last - 1));
    /* Days of the new year become good: what it began with stays. */
    course_bench_put(&bench, last + 1, 0, 100);
    course_bench_put(&bench, last + 2, 0, 100);
    assert_true(course_bench_hour(&bench, last + 3, PART_ONE, true));
    assert_int_equal(bench.change.event, COURSE_RETRACTED);
    assert_int_equal(bench.row.level, ALERT_WARNING);
    assert_int_equal(bench.change.day_end_ms, course_bench_end_ms(NULL, last + 2));
    assert_true(bench.row.restated);
    course_bench_fini(&bench);
}

/* Earlier days turn out lower: the level becomes what they now give, with their run. */
static void test_retracted(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    course_bench_expect(&bench, day, (const int32_t[]){600, 600, 600, 600}, "..CC");
    course_bench_put(&bench, day, 0, 100);
    course_bench_emit(&bench, day + 1, 0);
    course_bench_emit(&bench, day + 2, 600);
    course_bench_emit(&bench, day + 3, 600);
    assert_true(course_bench_hour(&bench, day + 4, PART_ONE / 4, true));
    assert_int_equal(bench.change.event, COURSE_RETRACTED);
    assert_int_equal(bench.change.from, ALERT_CRITICAL);
    assert_int_equal(bench.change.to, ALERT_OK);
    assert_int_equal(bench.change.number, 2);
    assert_int_equal(bench.change.since_ms, course_bench_end_ms(NULL, day + 2));
    assert_int_equal(bench.change.day_end_ms, course_bench_end_ms(NULL, day + 3));
    assert_int_equal(bench.state.slip.since_ms, INT64_MIN);
    /* The run is that of the days as judged again: one more is the third. */
    course_bench_expect(&bench, day + 4, (const int32_t[]){600}, "C");
    course_bench_fini(&bench);
}

/* Judged again, it would be as high: level and run stay as judged. */
static void test_restated_alike(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    course_bench_expect(&bench, day, (const int32_t[]){150, 150, 150}, "..a");
    struct course_state before = bench.state;
    course_bench_put(&bench, day - 1, -9 * T, 100);
    assert_true(course_bench_close(&bench, day + 2, true));
    assert_true(bench.row.slip < 150);
    assert_memory_equal(&bench.state, &before, sizeof(before));
    course_bench_fini(&bench);
}

/* Judged again, it would be higher: all stays as judged. */
static void test_restated_upwards(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    course_bench_expect(&bench, day, (const int32_t[]){100, 100, 100, 0}, "..aa");
    struct course_state before = bench.state;
    course_bench_put(&bench, day, 40000 * T, 100);
    assert_true(course_bench_hour(&bench, day + 4, PART_ONE / 4, true));
    assert_int_equal(bench.change.event, COURSE_NOTHING);
    assert_int_equal(bench.row.level, ALERT_WATCH);
    assert_memory_equal(&bench.state.slip, &before.slip, sizeof(before.slip));
    /* Changed back, but not marked: nothing is judged again. */
    course_bench_put(&bench, day, 0, 100);
    assert_true(course_bench_hour(&bench, day + 4, PART_ONE / 3, false));
    assert_int_equal(bench.row.level, ALERT_WATCH);
    course_bench_fini(&bench);
}

/* The third bad day closes at the stamp that tells that the first two were good. */
static void test_closed_and_restated(void **state)
{
    (void)state;
    struct course_bench bench;
    course_bench_init(&bench, &linear_target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    course_bench_expect(&bench, day, (const int32_t[]){250, 250}, "..");
    course_bench_emit(&bench, day, 0);
    course_bench_emit(&bench, day + 1, 0);
    course_bench_emit(&bench, day + 2, 250);
    assert_true(course_bench_close(&bench, day + 2, true));
    assert_int_equal(bench.row.level, ALERT_OK);
    assert_int_equal(bench.change.event, COURSE_NOTHING);
    /* The run is theirs: two more bad days are needed. */
    course_bench_expect(&bench, day + 3, (const int32_t[]){250, 250}, ".w");
    course_bench_fini(&bench);
}

/* A saved state goes on as if nothing had happened, from any day; numbers grow by one. */
static void test_saved(void **state)
{
    (void)state;
    static const int32_t over[] = {600, 600, 600, 0, 0, 0, 0, -90, -90, -90, 300, 300, 300, 0};
    char levels[2][ARRAY_LEN(over) + 1];
    for (size_t saved_at = 0; saved_at < ARRAY_LEN(over); saved_at++) {
        struct course_bench bench;
        course_bench_init(&bench, &linear_target, 100000 * T, 2025);
        for (size_t i = 0; i < ARRAY_LEN(over); i++) {
            int32_t day = civil_day(2025, 6, 1) + (int32_t)i;
            course_bench_emit(&bench, day, over[i]);
            assert_true(course_bench_close(&bench, day, false));
            levels[saved_at > 0][i] = ".awC"[bench.row.level];
            if (i != saved_at)
                continue;
            struct course_state saved;
            memcpy(&saved, &bench.state, sizeof(saved));
            course_init(&bench.state);
            bench.state = saved;
        }
        levels[saved_at > 0][ARRAY_LEN(over)] = '\0';
        assert_string_equal(levels[saved_at > 0], "..CCCwaaa...ww");
        assert_int_equal(bench.state.number, 5);
        course_bench_fini(&bench);
    }
}

/* A new base at once: from its day on, also when days are judged again. */
static void test_new_base(void **state)
{
    (void)state;
    const struct base_change changes[] = {
        {.day = civil_day(2025, 6, 3), .delta_mg = -6000 * T, .at_once = true}};
    struct target target = linear_target;
    target.changes = changes;
    target.changes_count = 1;
    struct course_bench bench;
    course_bench_init(&bench, &target, 100000 * T, 2025);
    int32_t day = civil_day(2025, 6, 1);
    course_bench_expect(&bench, day, (const int32_t[]){0, 0}, "..");
    course_bench_emit(&bench, day + 2, 0); /* by the old base; 100 / 94 of the new budget */
    assert_true(course_bench_close(&bench, day + 2, false));
    assert_int_equal(bench.row.base_version, 2);
    assert_int_equal(bench.row.base_mg, 94000 * T);
    assert_int_equal(bench.row.budget_mg, 70312 * T);
    assert_int_equal(bench.row.slip, 638);
    for (int i = 3; i < 5; i++) {
        course_bench_emit(&bench, day + i, 0);
        assert_true(course_bench_close(&bench, day + i, i == 4));
    }
    assert_int_equal(bench.row.level, ALERT_CRITICAL);
    assert_int_equal(bench.change.base_version, 2);
    assert_int_equal(bench.change.number, 1);
    course_bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_goes_on),
        cmocka_unit_test(test_told_twice),
        cmocka_unit_test(test_next_year),
        cmocka_unit_test(test_retracted),
        cmocka_unit_test(test_restated_alike),
        cmocka_unit_test(test_restated_upwards),
        cmocka_unit_test(test_closed_and_restated),
        cmocka_unit_test(test_saved),
        cmocka_unit_test(test_new_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
