/* The windows of a facility as readings come out of order, and as time passes by those of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { PUNE, TROY, GRID = 0, GAS = 1, GRID2 = 3 };

static void apply(struct shard *shard, uint32_t meter, int64_t end_ms)
{
    int64_t start_ms = meters[meter].kind == KIND_INTERVAL ? end_ms - 15 * MIN_MS : end_ms;
    apply_used(shard, meter, start_ms, end_ms);
}

static void take(struct shard *shard)
{
    take_rows(shard);
    end_rows(shard, BLOCK_DURABLE);
}

/* A facility begins earlier than it seemed: the silent windows in between are final too. */
static void test_earlier_begin(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    apply(shard, GRID2, START_MS + 6 * HOUR_MS);
    apply(shard, GRID2, START_MS + 9 * HOUR_MS);
    take(shard);
    assert_null(find_coverage(TROY, LEVEL_BUCKET, START_MS + 3 * HOUR_MS));
    apply(shard, GRID2, START_MS + HOUR_MS);
    take(shard);
    for (int64_t t = START_MS + 45 * MIN_MS; t < START_MS + 5 * HOUR_MS; t += 15 * MIN_MS)
        assert_true(find_coverage(TROY, LEVEL_BUCKET, t)->final);
    assert_null(find_coverage(TROY, LEVEL_BUCKET, START_MS + 30 * MIN_MS));
    assert_non_null(find_coverage(TROY, LEVEL_HOUR, START_MS + 3 * HOUR_MS));
    shard_destroy(&shard);
}

/* The first hour that was known expects more then, without a reading of its own. */
static void test_earlier_begin_expects_more(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    int64_t hour_ms = START_MS + 3 * HOUR_MS;
    apply(shard, GRID2, hour_ms + 45 * MIN_MS);
    take(shard);
    assert_true(find_coverage(TROY, LEVEL_HOUR, hour_ms)->figures.value[FIGURE_EXPECTED] ==
                (int128)15 * MIN_MS);
    apply(shard, GRID2, hour_ms - 15 * MIN_MS);
    take(shard);
    assert_non_null(find_coverage(TROY, LEVEL_HOUR, hour_ms));
    assert_true(find_coverage(TROY, LEVEL_HOUR, hour_ms)->figures.value[FIGURE_EXPECTED] ==
                (int128)45 * MIN_MS);
    shard_destroy(&shard);
}

/* The last bucket of a month belongs to it: others' readings let the month expect it. */
static void test_last_bucket_of_a_month(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    int64_t end_ms = INT64_C(1775016000000); /* 2026-04-01T00:00:00-04:00 */
    apply(shard, GRID2, end_ms - 15 * MIN_MS);
    take(shard);
    const struct row *month = find_coverage(TROY, LEVEL_MONTH, end_ms - 1);
    assert_int_equal(month->window.end_ms, end_ms);
    assert_true(month->figures.value[FIGURE_EXPECTED] == (int128)15 * MIN_MS);
    apply(shard, GRID, end_ms);
    take(shard);
    month = find_coverage(TROY, LEVEL_MONTH, end_ms - 1);
    assert_non_null(month);
    assert_true(month->figures.value[FIGURE_EXPECTED] == (int128)30 * MIN_MS);
    shard_destroy(&shard);
}

/* A late reading has room within the allowed delay beside the horizon. */
static void test_room_for_the_delay(void **state)
{
    (void)state;
    enum { HOURS = 24 * 16 };
    struct window_conf patient = windows;
    patient.allowed_delay_ms = 5 * DAY_MS;
    const struct shard_context context = {
        .registry = &registry, .window = &patient, .kernels = tests_kernels(), .sinks_count = 1};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    for (int64_t hour = 0; hour < HOURS; hour++) {
        apply(shard, GRID2, START_MS + hour * HOUR_MS);
        assert_false(shard_is_blocked(shard));
        do
            take(shard);
        while (taken_rows->count > 0);
    }
    shard_destroy(&shard);
}

/* Meters that reported on some day of a month, in any of them. */
static void test_reporting(void **state)
{
    (void)state;
    enum { MONTHS_DAYS = 31 };
    struct shard *shard = make_shard();
    apply(shard, GAS, START_MS + HOUR_MS);
    apply(shard, GAS, START_MS + 2 * HOUR_MS);
    for (int64_t day = 0; day < MONTHS_DAYS; day++) {
        int64_t noon_ms = START_MS + day * DAY_MS + 6 * HOUR_MS;
        apply(shard, GRID, noon_ms);
        take(shard);
        const struct row *row = find_coverage(PUNE, LEVEL_DAY, noon_ms - 1);
        assert_int_equal(row->meters_reporting, day == 0 ? 2 : 1);
        row = find_coverage(PUNE, LEVEL_MONTH, noon_ms - 1);
        assert_int_equal(row->meters_reporting, 2);
        assert_int_equal(row->meters_expected, 2); /* the third has never reported */
    }
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_earlier_begin),
        cmocka_unit_test(test_earlier_begin_expects_more),
        cmocka_unit_test(test_last_bucket_of_a_month),
        cmocka_unit_test(test_room_for_the_delay),
        cmocka_unit_test(test_reporting),
    };
    return cmocka_run_group_tests(tests, set_up_taken, tear_down_taken);
}
