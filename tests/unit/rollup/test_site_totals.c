/*
 * The daily totals of a facility: what a day holds before, while and after it is open, and which
 * changes are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/param.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_marks.h"
#include "pipelines/rollup/site_rows.h"
#include "pipelines/rollup/site_totals.h"
#include "pipelines/rollup/site_windows.h"
#include "tests/unit/rollup/site_fixture.h"

#define FLOOR_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */
#define U INT64_C(1000000)

static const struct local_time utc;

struct bench {
    struct site_fixture fixture;
    struct site *site;
    struct site_clock clock;
    int32_t first; /* 1 March */
};

static void begin(struct bench *bench)
{
    *bench = (struct bench){.first = civil_day(2026, 3, 1)};
    site_fixture_init(&bench->fixture, "UTC", HOUR_MS, FLOOR_MS);
    bench->site = bench->fixture.site;
    bench->fixture.plant.registry.local_times = &utc;
    bench->fixture.plant.factors[0][RATE_CO2E] = 2; /* milligrams for a micro-unit */
    bench->clock = (struct site_clock){.passed_ms = INT64_MIN,
                                       .floor_ms = FLOOR_MS,
                                       .final_ms = INT64_MIN,
                                       .top_row = INT64_MIN,
                                       .accrued_from_ms = INT64_MIN,
                                       .accrued_ms = INT64_MIN};
    assert_int_equal(site_totals_create(&bench->site->totals, 0), 0);
}

static void end(struct bench *bench)
{
    site_fixture_fini(&bench->fixture);
}

/* An hour, as the shard books it. */
static void read_hour(struct bench *bench, int64_t hour, int64_t value, uint16_t revision)
{
    const struct reading reading = {.start_ms = FLOOR_MS + hour * HOUR_MS,
                                    .span_ms = HOUR_MS,
                                    .value = value,
                                    .revision = revision};
    struct booking booking;
    site_book(bench->site, &bench->clock, 0, &reading, &booking);
    assert_int_equal(booking.outcome, OUTCOME_USED);
    if (site_hear(bench->site, 0, reading.start_ms))
        site_totals_expect(bench->site, true);
    int64_t row = site_row(bench->site, reading.start_ms);
    bench->clock.top_row = MAX(bench->clock.top_row, row);
    assert_int_equal(site_touch(bench->site, &bench->clock, 0, row, row + 1), row + 1);
}

/* hours: how far the watermark has come. */
static void refresh(struct bench *bench, int64_t hours)
{
    site_totals_refresh(bench->site, &bench->clock, FLOOR_MS + hours * HOUR_MS);
}

static const struct day_total *total_of(const struct bench *bench, int32_t day)
{
    return day_ledger_get(bench->site->totals->ledger, bench->first + day);
}

static void test_running_and_closed_day(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    for (int64_t hour = 0; hour < 18; hour++)
        read_hour(&bench, hour, 5 * U, 0);
    refresh(&bench, 17);
    const struct day_total *day = total_of(&bench, 0);
    assert_int_equal(day->mg[1], 180 * U);
    assert_int_equal(day->production_micro, 90 * U);
    assert_int_equal(day->covered_ms, 18 * HOUR_MS);
    assert_int_equal(day->expected_ms, 18 * HOUR_MS); /* up to the newest bucket */
    assert_false(day->final || day->whole);
    assert_int_equal(bench.site->totals->changed_day, bench.first);
    site_totals_judged(bench.site->totals);
    read_hour(&bench, 25, U, 0);
    refresh(&bench, 24);
    day = total_of(&bench, 0);
    assert_true(day->final && day->whole);
    assert_int_equal(day->expected_ms, 24 * HOUR_MS);
    assert_int_equal(day->covered_ms, 18 * HOUR_MS);
    assert_int_equal(total_of(&bench, 1)->expected_ms, 2 * HOUR_MS);
    end(&bench);
}

static void test_only_another_value_is_a_change(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    for (int64_t hour = 0; hour < 26; hour++)
        read_hour(&bench, hour, U, 0);
    refresh(&bench, 23);
    site_totals_judged(bench.site->totals);
    read_hour(&bench, 4, 3 * U, 1);
    read_hour(&bench, 4, U, 2); /* as before */
    refresh(&bench, 25);        /* the day has become final */
    assert_int_equal(bench.site->totals->changed_day, INT32_MAX);
    assert_int_equal(bench.site->totals->set_first, bench.first);
    site_totals_judged(bench.site->totals);
    read_hour(&bench, 4, 3 * U, 3);
    refresh(&bench, 25);
    assert_int_equal(bench.site->totals->changed_day, bench.first);
    assert_int_equal(total_of(&bench, 0)->mg[1], 52 * U);
    end(&bench);
}

/* Days in which nothing was read have totals as if they were open. */
static void test_silence(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    read_hour(&bench, 3, U, 0);
    bench.clock.top_row = site_row(bench.site, FLOOR_MS + 60 * HOUR_MS); /* by another facility */
    assert_int_equal(bench.site->days_count, 1);
    refresh(&bench, 59);
    assert_int_equal(bench.site->days_count, 1);
    assert_int_equal(total_of(&bench, 0)->expected_ms,
                     21 * HOUR_MS); /* from its first reading on */
    assert_int_equal(total_of(&bench, 1)->expected_ms, 24 * HOUR_MS);
    assert_int_equal(total_of(&bench, 1)->covered_ms, 0);
    assert_true(total_of(&bench, 1)->whole);
    assert_int_equal(total_of(&bench, 2)->expected_ms, 13 * HOUR_MS);
    assert_false(total_of(&bench, 2)->final);
    assert_null(total_of(&bench, 3));
    struct day_total closed = *total_of(&bench, 1);
    site_totals_judged(bench.site->totals);
    site_advance(bench.site, &bench.clock); /* opens them */
    assert_int_equal(bench.site->days_count, 3);
    refresh(&bench, 59);
    assert_int_equal(bench.site->totals->changed_day, INT32_MAX);
    assert_memory_equal(total_of(&bench, 1), &closed, sizeof(closed));
    end(&bench);
}

/* A day that leaves between two refreshes has its total. */
static void test_day_leaves(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    read_hour(&bench, 3, U, 0);
    refresh(&bench, 3);
    site_totals_judged(bench.site->totals);
    read_hour(&bench, 5, 4 * U, 0);
    for (uint32_t sink = 0; sink < SITE_SINKS; sink++) { /* all is written */
        struct block *block;
        assert_int_equal(block_create(&block, 1000), 0);
        assert_true(site_take_rows(bench.site, &bench.clock, sink, INT64_MAX, block));
        for (uint32_t i = 0; i < block->count; i++) {
            struct day *day;
            struct mark *mark = site_find_mark(bench.site, (enum level)block->rows[i].level,
                                               block->rows[i].window.start_ms, &day);
            if (block->rows[i].kind == ROW_COVERAGE)
                (void)site_mark_ended(bench.site, day, mark, sink, BLOCK_DURABLE);
        }
        block_destroy(&block);
    }
    bench.clock.floor_ms = FLOOR_MS + DAY_MS;
    site_retire(bench.site, &bench.clock, bench.clock.floor_ms);
    assert_int_equal(site_day(bench.site, 0)->window.start_ms, FLOOR_MS + DAY_MS);
    assert_int_equal(total_of(&bench, 0)->mg[1], 10 * U);
    assert_true(total_of(&bench, 0)->whole);
    assert_int_equal(bench.site->totals->changed_day, bench.first);
    end(&bench);
}

/* The meter was to report from 20 February on, and the first reading comes in March. */
static void test_days_before_the_ring(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    bench.fixture.plant.meters[0].expected_from_ms = FLOOR_MS - 9 * DAY_MS;
    read_hour(&bench, 3, U, 0);
    refresh(&bench, 3);
    assert_null(total_of(&bench, -10));
    for (int32_t day = -9; day < 0; day++) {
        assert_int_equal(total_of(&bench, day)->expected_ms, DAY_MS);
        assert_int_equal(total_of(&bench, day)->covered_ms, 0);
        assert_true(total_of(&bench, day)->whole);
    }
    assert_int_equal(bench.site->totals->changed_day, bench.first - 9);
    assert_int_equal(total_of(&bench, 0)->expected_ms, 4 * HOUR_MS);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running_and_closed_day),
        cmocka_unit_test(test_only_another_value_is_a_change),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_day_leaves),
        cmocka_unit_test(test_days_before_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
