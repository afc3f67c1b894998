/*
 * The courses of one subject: what they tell, which sinks need it, and when the ring has no room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/trajectory/courses.h"

#define T INT64_C(1000000000)

enum {
    BLOCK_ROWS = 1200,
    ALL = 0,
    MUTE = 1,
    BELL = 2
}; /* sinks: all rows, no alerts, only alerts */

static const struct target rows[] = {{.id = "a",
                                      .level = TARGET_ALL,
                                      .facility = REGISTRY_NONE,
                                      .scopes = 1U << 1,
                                      .year_start = 1,
                                      .meter = REGISTRY_NONE,
                                      .base_year = 2024,
                                      .target_year = 2027,
                                      .base_mg = 365 * T,
                                      .cut = PART_ONE / 2},
                                     {.id = "b",
                                      .level = TARGET_ALL,
                                      .facility = REGISTRY_NONE,
                                      .scopes = 1U << 2,
                                      .year_start = 4,
                                      .meter = REGISTRY_NONE,
                                      .base_year = 2026,
                                      .target_year = 2030,
                                      .base_mg = 365 * T,
                                      .cut = PART_ONE / 2}};
static const struct target *const targets[] = {&rows[0], &rows[1]};
static const struct targets none;
static const struct registry registry;
static const struct trajectory_conf trajectory = {.nonworking = PART_ONE,
                                                  .base_change_min = PART_ONE / 20,
                                                  .share_min = PART_ONE / 1000,
                                                  .coverage_min = INT64_C(4) * PART_ONE / 5,
                                                  .watch = PART_ONE / 200,
                                                  .warning = PART_ONE / 50,
                                                  .critical = PART_ONE / 20,
                                                  .margin = PART_ONE / 100,
                                                  .miss_probability = PART_ONE,
                                                  .enter_days = 2,
                                                  .leave_days = 2};

struct bench {
    struct courses *courses;
    struct day_ledger *ledger;
    struct courses_subject subject;
    struct block *block;
    int32_t first; /* 1 January 2026 */
};

static int64_t day_end_ms(void *context, int32_t day)
{
    (void)context;
    return (int64_t)(day + 1) * DAY_MS;
}

static void find_sources(void *context, const struct target *target, const struct civil_year *year,
                         struct course_source sources_out[COURSE_SOURCES])
{
    (void)context;
    sources_out[0] = (struct course_source){(uint32_t)year->year, target->scopes};
}

static struct bench begin(void)
{
    const struct courses_conf conf = {.targets = &none,
                                      .registry = &registry,
                                      .trajectory = &trajectory,
                                      .facility = REGISTRY_NONE,
                                      .partition = 7,
                                      .sinks = 1U << ALL | 1U << MUTE,
                                      .alert_sinks = 1U << ALL | 1U << BELL,
                                      .standing_sinks = 1U << BELL};
    struct bench bench = {.first = civil_day(2026, 1, 1),
                          .subject = {.changed_day = INT32_MAX,
                                      .set_first = INT32_MAX,
                                      .set_last = INT32_MIN,
                                      .production_day = INT32_MIN,
                                      .day_end_ms = day_end_ms,
                                      .find_sources = find_sources}};
    assert_int_equal(courses_create(&bench.courses, &conf, targets, ARRAY_LEN(targets)), 0);
    assert_int_equal(day_ledger_create(&bench.ledger, LEDGER_DAYS_MAX), 0);
    assert_int_equal(block_create(&bench.block, BLOCK_ROWS), 0);
    bench.subject.ledger = bench.ledger;
    return bench;
}

static void end(struct bench *bench)
{
    courses_destroy(&bench->courses);
    day_ledger_destroy(&bench->ledger);
    block_destroy(&bench->block);
}

/* A day of 2026 with so many tonnes closes, and the hour of its end goes by. */
static void close_day(struct bench *bench, int32_t day, int64_t tonnes)
{
    const struct day_total total = {.mg = {0, tonnes * T, 0, 0},
                                    .covered_ms = DAY_MS,
                                    .expected_ms = DAY_MS,
                                    .known = true,
                                    .final = true,
                                    .whole = true};
    int64_t end_ms = day_end_ms(NULL, bench->first + day);
    const struct course_day stamps[] = {
        {.day = bench->first + day,
         .end_ms = end_ms,
         .stamp_ms = end_ms + HOUR_MS,
         .part = PART_ONE,
         .closed = true},
        {.day = bench->first + day, .end_ms = end_ms, .stamp_ms = end_ms, .part = PART_ONE}};
    assert_true(day_ledger_set(bench->ledger, bench->first + day, &total));
    assert_true(courses_have_room(bench->courses));
    courses_judge(bench->courses, &bench->subject, stamps, ARRAY_LEN(stamps), end_ms);
}

static uint32_t take(struct bench *bench, uint32_t sink, bool with_now)
{
    bench->block->count = 0;
    assert_true(courses_take(bench->courses, &bench->subject, sink, with_now, bench->block));
    return bench->block->count;
}

static void end_rows(struct bench *bench, uint32_t sink, enum block_end how)
{
    for (uint32_t i = 0; i < bench->block->count; i++)
        courses_end_row(bench->courses, sink, &bench->block->rows[i], how);
}

static uint32_t count(const struct bench *bench, enum row_kind kind)
{
    uint32_t rows_count = 0;
    for (uint32_t i = 0; i < bench->block->count; i++)
        rows_count += bench->block->rows[i].kind == kind;
    return rows_count;
}

static void test_each_sink_gets_its_rows(void **state)
{
    (void)state;
    struct bench bench = begin();
    for (int32_t day = 0; day < 3; day++)
        close_day(&bench, day, 2); /* due is less than one tonne a day */
    assert_int_equal(take(&bench, ALL, true), 3 * 2 + 1 + 1);
    assert_int_equal(count(&bench, ROW_TRAJECTORY), 6); /* `b` has no budget yet */
    assert_int_equal(count(&bench, ROW_ALERT), 1);
    const struct row *first = &bench.block->rows[0];
    assert_int_equal(first->level, LEVEL_DAY);
    assert_int_equal(first[1].level, LEVEL_HOUR);
    assert_int_equal(first->partition, 7);
    assert_ptr_equal(first->target, &rows[0]);
    assert_int_equal(first->course[COURSE_SOURCE_1], 2026);
    assert_int_equal(bench.block->rows[2].kind, ROW_ALERT); /* before the row that caused it */
    assert_int_equal(bench.block->rows[2].course[COURSE_LEVEL], ALERT_CRITICAL);
    end_rows(&bench, ALL, BLOCK_DURABLE);
    assert_int_equal(take(&bench, ALL, true), 0);
    assert_int_equal(take(&bench, MUTE, false), 6);
    assert_int_equal(count(&bench, ROW_ALERT), 0);
    end_rows(&bench, MUTE, BLOCK_DURABLE);
    assert_int_equal(take(&bench, MUTE, true), 1); /* the row of now */
    end_rows(&bench, MUTE, BLOCK_DURABLE);
    assert_int_equal(take(&bench, BELL, true), 1);
    assert_int_equal(bench.courses->marks.unsettled, 1);
    end_rows(&bench, BELL, BLOCK_DURABLE);
    assert_int_equal(bench.courses->marks.unsettled, 0);
    end(&bench);
}

static void test_block_without_room(void **state)
{
    (void)state;
    struct bench bench = begin();
    for (int32_t day = 0; day < 3; day++)
        close_day(&bench, day, 2);
    bench.block->count = BLOCK_ROWS - 4;
    assert_false(courses_take(bench.courses, &bench.subject, ALL, true, bench.block));
    assert_in_range(bench.block->count, BLOCK_ROWS - 1, BLOCK_ROWS);
    end(&bench);
}

static void test_blocks_end_in_any_way(void **state)
{
    (void)state;
    struct bench bench = begin();
    close_day(&bench, 0, 1);
    assert_int_equal(take(&bench, ALL, true), 3);
    end_rows(&bench, ALL, BLOCK_GIVEN_BACK);
    assert_int_equal(take(&bench, ALL, true), 3);
    end_rows(&bench, ALL, BLOCK_ACKNOWLEDGED);
    assert_int_equal(take(&bench, ALL, true), 0);
    courses_prove(bench.courses, ALL); /* what is young is old now */
    courses_lose(bench.courses, ALL);
    assert_int_equal(take(&bench, ALL, true), 3);
    end_rows(&bench, ALL, BLOCK_ACKNOWLEDGED);
    courses_prove(bench.courses, ALL);
    courses_prove(bench.courses, ALL);
    assert_int_equal(mark_counts_acked(&bench.courses->marks, ALL), 0);
    /* A row of an earlier life changes nothing. */
    end_rows(&bench, ALL, BLOCK_GIVEN_BACK);
    assert_int_equal(take(&bench, ALL, true), 0);
    end(&bench);
}

static void test_takeover_writes_again(void **state)
{
    (void)state;
    struct bench bench = begin();
    courses_take_over(bench.courses, ALL, TAKEOVER_PUT_AT_RISK);
    close_day(&bench, 0, 1);
    assert_int_equal(bench.courses->marks.at_risk[ALL], 3);
    assert_int_equal(take(&bench, ALL, true), 3);
    end_rows(&bench, ALL, BLOCK_DURABLE);
    courses_take_over(bench.courses, ALL, TAKEOVER_ROUND_TWO);
    assert_int_equal(bench.courses->marks.at_risk[ALL], 0);
    assert_int_equal(take(&bench, ALL, true), 3);
    end_rows(&bench, ALL, BLOCK_UNKNOWN);
    assert_int_equal(bench.courses->marks.at_risk[ALL], 3);
    end(&bench);
}

static void test_resync(void **state)
{
    (void)state;
    struct bench bench = begin();
    for (int32_t day = 0; day < 3; day++)
        close_day(&bench, day, 1);
    (void)take(&bench, ALL, true);
    end_rows(&bench, ALL, BLOCK_DURABLE);
    /* The last day, its hour, and the row of now. */
    int64_t from_ms = day_end_ms(NULL, bench.first + 1) + HOUR_MS;
    assert_int_equal(courses_mark_dirty(bench.courses, ALL, from_ms), 3);
    assert_int_equal(courses_mark_dirty(bench.courses, BELL, from_ms), 0);
    assert_int_equal(take(&bench, ALL, true), 3);
    end(&bench);
}

static void test_full_ring(void **state)
{
    (void)state;
    struct bench bench = begin();
    int32_t day = 0;
    while (courses_have_room(bench.courses))
        close_day(&bench, day++, 0);
    /* One more day might have no room. `b` has rows from April on. */
    assert_in_range(bench.courses->told_count, 2 * COURSE_TOLD_MAX - 3, 2 * COURSE_TOLD_MAX);
    assert_int_equal(bench.courses->told_count, 2 * day + 2 * (day - 90));
    (void)take(&bench, ALL, true);
    end_rows(&bench, ALL, BLOCK_DURABLE);
    assert_false(courses_have_room(bench.courses)); /* another sink still needs them */
    (void)take(&bench, MUTE, true);
    end_rows(&bench, MUTE, BLOCK_DURABLE);
    assert_true(courses_have_room(bench.courses));
    close_day(&bench, day, 0);
    end(&bench);
}

/* The last day of a year closes when the next one has begun. */
static void test_now_of_two_years(void **state)
{
    (void)state;
    struct bench bench = begin();
    for (int32_t day = 0; day < 363; day++) {
        close_day(&bench, day, 0);
        (void)take(&bench, ALL, false);
        end_rows(&bench, ALL, BLOCK_DURABLE);
        (void)take(&bench, MUTE, false);
        end_rows(&bench, MUTE, BLOCK_DURABLE);
    }
    close_day(&bench, 364, 0);
    int64_t end_ms = day_end_ms(NULL, bench.first + 365);
    const struct course_day hour = {.day = bench.first + 365,
                                    .end_ms = end_ms,
                                    .stamp_ms = end_ms - 23 * HOUR_MS,
                                    .part = PART_ONE / 24};
    assert_true(courses_have_room(bench.courses));
    courses_judge(bench.courses, &bench.subject, &hour, 1, end_ms - 23 * HOUR_MS);
    (void)take(&bench, ALL, true);
    const struct row *now = NULL;
    uint32_t of_b = 0;
    for (uint32_t i = 0; i < bench.block->count; i++) {
        const struct row *row = &bench.block->rows[i];
        of_b += row->kind == ROW_TRAJECTORY_NOW && row->target == &rows[1];
        if (row->kind != ROW_TRAJECTORY_NOW || row->target != &rows[0])
            continue;
        if (now != NULL) {
            int64_t distance = row->window.start_ms - now->window.start_ms;
            assert_int_equal(labs((long)distance), 365 * DAY_MS);
        }
        now = row;
    }
    assert_int_equal(count(&bench, ROW_TRAJECTORY_NOW), 2 + of_b);
    assert_int_equal(of_b, 1); /* its year 2027 began in April */
    end_rows(&bench, ALL, BLOCK_DURABLE);
    assert_int_equal(take(&bench, ALL, true), 0);
    end(&bench);
}

/* A sink that forgets what stands hears of the newest change once more; of one that is over it does
 * not. */
static void test_standing_alerts_are_told_again(void **state)
{
    (void)state;
    struct bench bench = begin();
    courses_tell_standing(bench.courses);
    assert_int_equal(take(&bench, BELL, true), 0); /* there was no change yet */
    for (int32_t day = 0; day < 3; day++)
        close_day(&bench, day, 2);
    assert_int_equal(take(&bench, BELL, true), 1);
    end_rows(&bench, BELL, BLOCK_DURABLE);
    assert_int_equal(take(&bench, BELL, true), 0);
    bench.courses->changed = false;
    courses_tell_standing(bench.courses);
    assert_false(bench.courses->changed);
    assert_int_equal(bench.courses->marks.state[ALL][MARK_DIRTY], 7); /* as before */
    assert_int_equal(take(&bench, BELL, true), 1);
    assert_int_equal(bench.block->rows[0].course[COURSE_LEVEL], ALERT_CRITICAL);
    assert_int_equal(bench.block->rows[0].course[COURSE_NUMBER], 1);
    end_rows(&bench, BELL, BLOCK_GIVEN_BACK);
    assert_int_equal(take(&bench, BELL, true), 1);
    end_rows(&bench, BELL, BLOCK_ACKNOWLEDGED);
    courses_prove(bench.courses, BELL);
    courses_lose(bench.courses, BELL);
    assert_int_equal(take(&bench, BELL, true), 1);
    end_rows(&bench, BELL, BLOCK_DURABLE);
    assert_int_equal(take(&bench, BELL, true), 0);
    for (int32_t day = 3; day < 20; day++)
        close_day(&bench, day, 0);
    (void)take(&bench, BELL, true);
    end_rows(&bench, BELL, BLOCK_DURABLE);
    assert_int_equal(bench.courses->courses[0].state.slip.level, ALERT_OK);
    courses_tell_standing(bench.courses);
    assert_int_equal(take(&bench, BELL, true), 0);
    end(&bench);
}

/* A day far behind is another one: the year to date is not what it was. */
static void test_earlier_day_changes(void **state)
{
    (void)state;
    struct bench bench = begin();
    for (int32_t day = 0; day < 10; day++)
        close_day(&bench, day, 1);
    const struct day_total total = {.mg = {0, 5 * T, 0, 0}, .known = true, .whole = true};
    assert_true(day_ledger_set(bench.ledger, bench.first + 2, &total));
    bench.subject.set_first = bench.subject.set_last = bench.subject.changed_day = bench.first + 2;
    close_day(&bench, 10, 1);
    (void)take(&bench, ALL, false);
    const struct row *closed = &bench.block->rows[bench.block->count - 2];
    assert_int_equal(closed->course[COURSE_YTD], 15 * T);
    assert_int_equal(closed->course[COURSE_RESTATED], 1);
    assert_int_equal(closed[1].course[COURSE_RESTATED], 0); /* the first row says so */
    end(&bench);
}

/* Yesterday closes when today has begun: today stays the row of now. */
static void test_now_stays_at_today(void **state)
{
    (void)state;
    struct bench bench = begin();
    close_day(&bench, 0, 1);
    int64_t end_ms = day_end_ms(NULL, bench.first + 1);
    struct course_day stamp = {
        .day = bench.first + 2, .end_ms = end_ms + DAY_MS, .stamp_ms = end_ms + HOUR_MS};
    courses_judge(bench.courses, &bench.subject, &stamp, 1, end_ms + HOUR_MS);
    stamp = (struct course_day){.day = bench.first + 1,
                                .end_ms = end_ms,
                                .stamp_ms = end_ms + 2 * HOUR_MS,
                                .part = PART_ONE,
                                .closed = true};
    courses_judge(bench.courses, &bench.subject, &stamp, 1, end_ms + 2 * HOUR_MS);
    (void)take(&bench, ALL, true);
    const struct row *now = &bench.block->rows[bench.block->count - 1];
    assert_int_equal(now->kind, ROW_TRAJECTORY_NOW);
    assert_int_equal(now->course[COURSE_DAY], (bench.first + 2) * DAY_MS);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_sink_gets_its_rows),
        cmocka_unit_test(test_block_without_room),
        cmocka_unit_test(test_blocks_end_in_any_way),
        cmocka_unit_test(test_takeover_writes_again),
        cmocka_unit_test(test_resync),
        cmocka_unit_test(test_standing_alerts_are_told_again),
        cmocka_unit_test(test_full_ring),
        cmocka_unit_test(test_now_of_two_years),
        cmocka_unit_test(test_earlier_day_changes),
        cmocka_unit_test(test_now_stays_at_today),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
