/* Rows as they are made of a window: when they are final, and how their versions count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { TROY = 1, GRID2 = 3, DIESEL = 4 };

static void take(struct shard *shard)
{
    take_rows(shard);
    end_rows(shard, BLOCK_DURABLE);
}

static const struct row *find(enum level level, int64_t time_ms)
{
    return find_coverage(TROY, level, time_ms);
}

/* An hour is complete when it is over, not when all that was expected so far is covered. */
static void test_complete(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    apply_used(shard, GRID2, START_MS, START_MS + 15 * MIN_MS);
    take(shard);
    assert_true(find(LEVEL_BUCKET, START_MS)->final);
    assert_false(find(LEVEL_HOUR, START_MS)->final);
    assert_false(find(LEVEL_DAY, START_MS)->final);
    apply_used(shard, GRID2, START_MS + 15 * MIN_MS, START_MS + HOUR_MS);
    take(shard);
    assert_true(find(LEVEL_HOUR, START_MS)->final);
    shard_destroy(&shard);
}

/* The coverage of a facility tells the time that its series tell, figure by figure. */
static void test_estimated(void **state)
{
    (void)state;
    static struct batch batch;
    struct shard *shard = make_shard();
    const struct input input = {GRID2, START_MS, START_MS + 5 * MIN_MS, U, 0};
    fill_batch(&batch, &input, 1);
    batch.events[0].quality = QUALITY_ESTIMATED;
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    apply_used(shard, GRID2, START_MS + 5 * MIN_MS, START_MS + 15 * MIN_MS);
    take(shard);
    for (int level = LEVEL_BUCKET; level < LEVEL_COUNT; level++) {
        const int128 *value = find((enum level)level, START_MS)->figures.value;
        assert_true(value[FIGURE_COVERED] == (int128)15 * MIN_MS);
        assert_true(value[FIGURE_ESTIMATED] == (int128)5 * MIN_MS);
        assert_true(value[FIGURE_EXPECTED] == (int128)15 * MIN_MS);
    }
    shard_destroy(&shard);
}

/* Where no reading is expected, no window is complete by its readings: the watermark decides. */
static void test_nothing_expected(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    meters[GRID2].expected = false;
    apply_used(shard, DIESEL, START_MS, START_MS);
    take(shard);
    assert_false(find(LEVEL_BUCKET, START_MS)->final);
    apply_used(shard, DIESEL, START_MS + HOUR_MS, START_MS + HOUR_MS);
    take(shard);
    assert_true(find(LEVEL_BUCKET, START_MS)->final);
    meters[GRID2].expected = true;
    shard_destroy(&shard);
}

/* A row is told from an older one of its window by a larger version, whatever has changed: its
 * readings, the time in which readings are expected, or that it is final. */
static void test_versions(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    apply_used(shard, GRID2, START_MS, START_MS + 5 * MIN_MS);
    take(shard);
    uint32_t bucket = find(LEVEL_BUCKET, START_MS)->version;
    uint32_t hour = find(LEVEL_HOUR, START_MS)->version;
    assert_int_equal(bucket % 2, 0);
    apply_used(shard, 0, START_MS + 30 * MIN_MS, START_MS + 45 * MIN_MS); /* of another facility */
    take(shard);
    assert_true(find(LEVEL_BUCKET, START_MS)->final);
    assert_int_equal(find(LEVEL_BUCKET, START_MS)->version, bucket + 1);
    assert_false(find(LEVEL_HOUR, START_MS)->final);
    assert_int_equal(find(LEVEL_HOUR, START_MS)->version, hour + 2 * 4);
    apply_used(shard, GRID2, START_MS + 5 * MIN_MS, START_MS + 10 * MIN_MS);
    take(shard);
    assert_int_equal(find(LEVEL_BUCKET, START_MS)->version, bucket + 2 + 1);
    assert_int_equal(find(LEVEL_HOUR, START_MS)->version, hour + 2 * 5);
    shard_destroy(&shard);
}

/* A reading after the end of a window is a revision only when the grace is over too. */
static void test_revision_after_grace(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    int64_t end_ms = START_MS + 15 * MIN_MS;
    int64_t passed_ms = end_ms + windows.grace_ms + windows.allowed_delay_ms;
    apply_used(shard, GRID2, START_MS, START_MS + 5 * MIN_MS);
    apply_used(shard, 0, passed_ms - 10 * MIN_MS, passed_ms - 1);
    apply_used(shard, GRID2, START_MS + 5 * MIN_MS, START_MS + 8 * MIN_MS);
    take(shard);
    assert_int_equal(find(LEVEL_BUCKET, START_MS)->revision, 0);
    apply_used(shard, 0, passed_ms - MIN_MS, passed_ms);
    apply_used(shard, GRID2, START_MS + 8 * MIN_MS, START_MS + 10 * MIN_MS);
    take(shard);
    assert_int_equal(find(LEVEL_BUCKET, START_MS)->revision, 1);
    shard_destroy(&shard);
}

/* Windows that end together: the shorter ones come first. */
static void test_order_of_periods(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    int64_t years_end_ms = INT64_C(1767243600000); /* 2026-01-01T00:00:00-05:00 */
    apply_used(shard, GRID2, years_end_ms - HOUR_MS, years_end_ms);
    take(shard);
    const struct row *month = find(LEVEL_MONTH, years_end_ms - 1);
    const struct row *year = find(LEVEL_YEAR, years_end_ms - 1);
    assert_int_equal(month->window.end_ms, year->window.end_ms);
    assert_true(month < year);
    shard_destroy(&shard);
}

/* A block has had rows of targets, whose numbers lie where figures do: nothing of them is left. */
static void test_block_of_targets_before(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    apply_used(shard, GRID2, START_MS, START_MS + 15 * MIN_MS);
    memset(taken_rows->rows, 0xff, 64 * sizeof(struct row));
    for (int i = 0; i < 64; i++) {
        taken_rows->rows[i].kind = ROW_ALERT;
        taken_rows->rows[i].course[0] = 0; /* there lies what says that there are no notes */
    }
    take(shard);
    assert_true(taken_rows->count > 0 && taken_rows->count <= 64);
    for (uint32_t i = 0; i < taken_rows->count; i++) {
        const struct row *row = &taken_rows->rows[i];
        assert_true(row->kind < ROW_WINDOW_KINDS);
        assert_null(row->target);
        assert_false(row->figures.noted);
        for (size_t figure = FIGURES_NOTED; figure < FIGURE_COUNT; figure++)
            assert_true(row->figures.value[figure] == 0);
    }
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_estimated),
        cmocka_unit_test(test_nothing_expected),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_revision_after_grace),
        cmocka_unit_test(test_order_of_periods),
        cmocka_unit_test(test_block_of_targets_before),
    };
    return cmocka_run_group_tests(tests, set_up_taken, tear_down_taken);
}
