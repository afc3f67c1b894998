/* The sums of months and years: corrected, or formed again, they are what the days hold. */
#include "pipelines/rollup/site_sums.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/param.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_periods.h"
#include "pipelines/rollup/site_windows.h"
#include "tests/unit/metering/readings.h"
#include "tests/unit/state/registry_builder.h"

/* 2026-01-27T00:00:00Z: January has days to go. */
#define BEGIN_MS INT64_C(1769472000000)

enum { METERS = 3, SERIES = 2, READINGS_MAX = 40000 };
#define POWER .facility = "plant", .category = "purchased_electricity", .source = ""
#define FUEL .facility = "plant", .category = "stationary_combustion", .source = "gas"
static const struct built_meter meters[METERS] = {{POWER, .id = "grid", .factor = 0.4},
                                                  {POWER, .id = "grid2", .factor = 0.4},
                                                  {FUEL, .id = "gas", .factor = 0.2}};

/* A site that no sink waits for, and each bucket's activity of each meter as it should be. */
struct fixture {
    struct plant plant;
    struct window_conf window;
    struct rating *rating;
    struct site *site;
    struct site_clock clock;
    int64_t begin_row;
    int64_t want[METERS][READINGS_MAX];
    uint16_t revision[METERS][READINGS_MAX];
};

static struct fixture *set_up(void)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    plant_init(&fixture.plant, meters, METERS);
    for (size_t i = 0; i < METERS; i++)
        fixture.plant.meters[i].kind = KIND_INTERVAL;
    fixture.plant.facilities[0].time_zone = "UTC";
    fixture.window = (struct window_conf){.bucket_ms = BUCKET_MS,
                                          .horizon_ms = 3 * DAY_MS,
                                          .allowed_delay_ms = HOUR_MS,
                                          .fiscal_year_start = 4};
    assert_int_equal(rating_create(&fixture.rating, kernels_best(), METERS), 0);
    const struct site_conf conf = {
        .registry = &fixture.plant.registry, .window = &fixture.window, .rating = fixture.rating};
    fixture.begin_row = BEGIN_MS / BUCKET_MS;
    fixture.clock = (struct site_clock){.passed_ms = INT64_MIN,
                                        .floor_ms = BEGIN_MS,
                                        .final_ms = INT64_MIN,
                                        .top_row = fixture.begin_row};
    assert_int_equal(site_create(&fixture.site, &conf, &fixture.clock), 0);
    return &fixture;
}

static void tear_down(struct fixture *fixture)
{
    site_destroy(&fixture->site);
    rating_destroy(&fixture->rating);
    plant_fini(&fixture->plant);
}

/* A reading of one bucket; a later one replaces it. */
static void put(struct fixture *fixture, uint32_t meter, int64_t row, int64_t value)
{
    int64_t index = row - fixture->begin_row;
    assert_true(index >= 0 && index < READINGS_MAX);
    const struct reading reading = {.start_ms = row * BUCKET_MS,
                                    .value = value,
                                    .span_ms = BUCKET_MS,
                                    .revision = ++fixture->revision[meter][index] & 0xffff,
                                    .quality = QUALITY_ACTUAL};
    struct booking booking;
    site_book(fixture->site, &fixture->clock, meter, &reading, &booking);
    assert_int_equal(booking.outcome, OUTCOME_USED);
    fixture->want[meter][index] = value;
    assert_int_equal(site_touch(fixture->site, &fixture->clock, meter, row, row + 1), row + 1);
}

/* Time goes on; days that are older than the horizon leave. */
static void go_on(struct fixture *fixture, int64_t rows)
{
    fixture->clock.top_row += rows;
    int64_t floor_ms = fixture->clock.top_row * BUCKET_MS - fixture->window.horizon_ms;
    fixture->clock.floor_ms = MAX(fixture->clock.floor_ms, floor_ms);
    site_retire(fixture->site, &fixture->clock, fixture->clock.floor_ms);
    site_advance(fixture->site, &fixture->clock);
    site_check_sums(fixture->site);
}

static int64_t want_activity(const struct fixture *fixture, uint32_t first, uint32_t end,
                             struct window window)
{
    int64_t from_row = MAX(window.start_ms / BUCKET_MS, fixture->begin_row);
    int64_t to_row = MIN(window.end_ms / BUCKET_MS, fixture->clock.top_row + 1);
    int64_t sum = 0;
    for (uint32_t meter = first; meter < end; meter++)
        for (int64_t row = from_row; row < to_row; row++)
            sum += fixture->want[meter][row - fixture->begin_row];
    return sum;
}

/* The figures that a row of the period would have are those of the readings. */
static void check_period(struct fixture *fixture, const struct period *period)
{
    struct site *site = fixture->site;
    site_advance(site, &fixture->clock); /* days up to the newest row are open, as for any row */
    site_sum_period(site, &fixture->clock, period);
    site_check_sums(site);
    int64_t from_row = MAX(period->window.start_ms / BUCKET_MS, site->first_row);
    int64_t to_row = MIN(period->window.end_ms / BUCKET_MS, fixture->clock.top_row + 1);
    int64_t expected_ms = MAX(to_row - from_row, 0) * BUCKET_MS;
    for (uint32_t i = 0; i < SERIES; i++) {
        const struct figures *figures = &site->scratch.window[i];
        uint32_t end = i == 0 ? 2 : 3;
        uint32_t first = i == 0 ? 0 : 2;
        if (figures->value[FIGURE_ACTIVITY] != want_activity(fixture, first, end, period->window) ||
            figures->value[FIGURE_EXPECTED] != (int128)expected_ms * (end - first))
            fail_msg("series %" PRIu32 " from %" PRId64 ": %" PRId64 ", expected %" PRId64, i,
                     period->window.start_ms, (int64_t)figures->value[FIGURE_ACTIVITY],
                     (int64_t)figures->value[FIGURE_EXPECTED]);
    }
}

static void check_all(struct fixture *fixture)
{
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++)
        if (fixture->site->periods[i].used)
            check_period(fixture, &fixture->site->periods[i]);
}

static void check_level(struct fixture *fixture, enum level level, int64_t row)
{
    const struct period *period = site_find_period(fixture->site, level, row * BUCKET_MS);
    assert_non_null(period);
    check_period(fixture, period);
}

/* A day that changes after the rows of its month and year were made. */
static void test_corrected(void **state)
{
    (void)state;
    struct fixture *fixture = set_up();
    int64_t row = fixture->begin_row;
    for (int64_t value = 1000; value < 6000; value += 1000) {
        put(fixture, 0, row, value);
        check_level(fixture, LEVEL_MONTH, row);
        put(fixture, 2, row, value + 1);
        put(fixture, 1, row, 7);
        check_level(fixture, LEVEL_YEAR, row);
        check_level(fixture, LEVEL_MONTH, row);
    }
    assert_ptr_equal(fixture->site->sums[0].period,
                     site_find_period(fixture->site, LEVEL_MONTH, row * BUCKET_MS));
    tear_down(fixture);
}

/* Most corrections form nothing again: what has been summed stays, whatever is in the days. */
static void test_not_formed_again(void **state)
{
    (void)state;
    struct fixture *fixture = set_up();
    struct site *site = fixture->site;
    int64_t row = fixture->begin_row;
    put(fixture, 0, row, 1000);
    check_all(fixture);
    struct figures *sum = &site->sums[0].figures[0];
    sum->value[FIGURE_ACTIVITY] += 5; /* a trace */
    put(fixture, 0, row + 1, 200);
    site_sum_period(site, &fixture->clock, site->sums[0].period);
    assert_int_equal((int64_t)site->scratch.window[0].value[FIGURE_ACTIVITY], 1205);
    tear_down(fixture);
}

/* A meter whose readings are gone no longer reports in the month, and another does. */
static void test_ceases_to_report(void **state)
{
    (void)state;
    struct fixture *fixture = set_up();
    struct site *site = fixture->site;
    int64_t row = fixture->begin_row;
    put(fixture, 0, row, 1000);
    put(fixture, 2, row, 1000);
    check_all(fixture);
    assert_int_equal(site->scratch.reporting[0], 5);
    journal_drop_first(&site->journals[0], 1);
    fixture->want[0][0] = 0;
    assert_int_equal(site_touch(site, &fixture->clock, 0, row, row + 1), row + 1);
    put(fixture, 1, row, 3000);
    check_all(fixture);
    assert_int_equal(site->scratch.reporting[0], 6);
    tear_down(fixture);
}

/* Days leave the horizon: they stay in the sums, and so does the time that was expected of them. */
static void test_days_leave(void **state)
{
    (void)state;
    struct fixture *fixture = set_up();
    for (int day = 0; day < 20; day++) {
        int64_t first_row = site_day(fixture->site, 0)->first_row;
        put(fixture, (uint32_t)day % METERS, fixture->clock.top_row, 1000 + day);
        check_all(fixture);
        go_on(fixture, 96);
        check_all(fixture);
        assert_true(day < 5 || site_day(fixture->site, 0)->first_row > first_row);
    }
    tear_down(fixture);
}

/* A sink still waits for the month's row when its last day has left; then the month goes, and
 * another one takes its place. */
static void test_period_goes(void **state)
{
    (void)state;
    struct fixture *fixture = set_up();
    struct site *site = fixture->site;
    put(fixture, 0, fixture->begin_row, 1000);
    struct period *january = site_find_period(site, LEVEL_MONTH, fixture->begin_row * BUCKET_MS);
    january->mark.sinks.bits = 1;
    go_on(fixture, INT64_C(20) * 96);
    check_all(fixture);
    check_period(fixture, january);
    january->mark.sinks.bits = 0;
    go_on(fixture, 96);
    assert_true(january->used); /* rows of the next months are weighed by it */
    int64_t january_ms = january->window.start_ms;
    check_all(fixture);
    go_on(fixture, INT64_C(70) * 96);
    assert_true(!january->used || january->window.start_ms > january_ms);
    put(fixture, 0, fixture->clock.top_row, 70);
    check_all(fixture);
    tear_down(fixture);
}

/* Rows of both months are wanted in turn while readings come to both. */
static void test_two_months(void **state)
{
    (void)state;
    struct fixture *fixture = set_up();
    int64_t january = fixture->begin_row + INT64_C(4) * 96;
    go_on(fixture, INT64_C(6) * 96);
    int64_t february = fixture->begin_row + INT64_C(6) * 96;
    for (int i = 0; i < 20; i++) {
        put(fixture, 0, january + i, 100 + i);
        put(fixture, 1, february - i, 10 + i);
        check_level(fixture, i % 3 == 0 ? LEVEL_YEAR : LEVEL_MONTH, january);
        check_level(fixture, i % 2 == 0 ? LEVEL_YEAR : LEVEL_MONTH, february);
    }
    check_all(fixture);
    tear_down(fixture);
}

/* More than a year of readings and corrections, so that periods end and their places are used
 * again. */
static void test_random_walk(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    struct fixture *fixture = set_up();
    while (fixture->clock.top_row < fixture->begin_row + INT64_C(400) * 96) {
        go_on(fixture, random_below(&random, 100));
        int64_t open = MIN(fixture->clock.top_row - fixture->begin_row + 1, 200);
        for (uint32_t i = random_below(&random, 6); i > 0; i--)
            put(fixture, random_below(&random, METERS),
                fixture->clock.top_row - random_below(&random, (uint32_t)open),
                random_below(&random, 1000000));
        if (random_below(&random, 3) == 0)
            check_all(fixture);
        else if (random_below(&random, 2) == 0)
            check_level(fixture, random_below(&random, 2) == 0 ? LEVEL_MONTH : LEVEL_YEAR,
                        fixture->clock.top_row);
    }
    check_all(fixture);
    tear_down(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corrected),        cmocka_unit_test(test_not_formed_again),
        cmocka_unit_test(test_ceases_to_report), cmocka_unit_test(test_days_leave),
        cmocka_unit_test(test_period_goes),      cmocka_unit_test(test_two_months),
        cmocka_unit_test(test_random_walk),
    };
    return cmocka_run_group_tests_name("site_sums", tests, NULL, NULL);
}
