/* The shard's rules, one at a time: late, early, revisions, final, settled, given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

static struct output other;

static struct batch one;
static enum outcome apply_one(struct shard *shard, struct input input, int64_t arrived_ms)
{
    fill_batch(&one, &input, 1);
    one.events[0].arrived_ms = arrived_ms;
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    return (enum outcome)one.events[0].outcome;
}

static struct row find_row(struct shard *shard, enum level level, int64_t start_ms)
{
    struct block *block;
    assert_int_equal(block_create(&block, 4000), 0);
    shard_take_rows(shard, 0, TAKE_ALL, block);
    struct row found = {.level = UINT8_MAX};
    for (uint32_t i = 0; i < block->count; i++) {
        if (block->rows[i].kind == ROW_EMISSIONS && block->rows[i].level == level &&
            block->rows[i].window.start_ms == start_ms)
            found = block->rows[i];
        shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
    }
    block_destroy(&block);
    return found;
}

/* With a bucket of an hour, hours are buckets: one row, not two under one name. */
static void test_bucket_of_an_hour(void **state)
{
    (void)state;
    struct window_conf hourly = windows;
    hourly.bucket_ms = HOUR_MS;
    struct shard_context context = {
        .registry = &registry, .window = &hourly, .kernels = tests_kernels(), .sinks_count = 1};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    struct input input = {3, START_MS, START_MS + 2 * HOUR_MS, 2 * U, 0};
    apply_one(shard, input, INT64_MIN);
    struct block *block;
    assert_int_equal(block_create(&block, 100), 0);
    shard_take_rows(shard, 0, TAKE_ALL, block);
    uint32_t levels[LEVEL_COUNT] = {0};
    for (uint32_t i = 0; i < block->count; i++)
        levels[block->rows[i].level] += block->rows[i].kind == ROW_EMISSIONS;
    assert_int_equal(levels[LEVEL_BUCKET], 2);
    assert_int_equal(levels[LEVEL_HOUR], 0);
    assert_int_equal(levels[LEVEL_DAY], 1);
    block_destroy(&block);
    shard_destroy(&shard);
}

static void test_late_and_early(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    int64_t t = START_MS + 5 * DAY_MS;
    int64_t floor_ms = t - 2 * DAY_MS - 15 * MIN_MS;
    struct input at = {0, t - 15 * MIN_MS, t, U, 0};
    assert_int_equal(apply_one(shard, at, t), OUTCOME_USED);
    assert_int_equal(apply_one(shard, at, t), OUTCOME_DUPLICATE);
    struct input late = {0, floor_ms - 15 * MIN_MS, floor_ms, U, 0};
    assert_int_equal(apply_one(shard, late, t), OUTCOME_LATE);
    struct input just = {0, floor_ms, floor_ms + 15 * MIN_MS, U, 0};
    assert_int_equal(apply_one(shard, just, t), OUTCOME_USED);
    struct input early = {0, t + HOUR_MS - 14 * MIN_MS, t + HOUR_MS + MIN_MS, U, 0};
    assert_int_equal(apply_one(shard, early, t), OUTCOME_EARLY);
    assert_int_equal(apply_one(shard, early, t + MIN_MS), OUTCOME_USED);
    shard_destroy(&shard);
}

static void test_revisions(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    int64_t t = START_MS + 5 * DAY_MS;
    meters[1].expected_from_ms = t; /* so that no window is complete */
    struct input first = {0, t, t + 15 * MIN_MS, U, 0};
    apply_one(shard, first, INT64_MIN);
    struct row row = find_row(shard, LEVEL_BUCKET, t);
    assert_false(row.final);
    assert_int_equal(row.revision, 0);
    first.revision = 1; /* the window is still open: no revision of the row */
    apply_one(shard, first, INT64_MIN);
    assert_int_equal(find_row(shard, LEVEL_BUCKET, t).revision, 0);
    struct input next = {0, t + 45 * MIN_MS, t + HOUR_MS, U, 0};
    apply_one(shard, next, INT64_MIN);
    row = find_row(shard, LEVEL_BUCKET, t); /* written once more, because it is final now */
    assert_true(row.final);
    assert_int_equal(row.revision, 0);
    uint32_t version = row.version;
    first.revision = 2;
    first.value = 3 * U;
    assert_int_equal(apply_one(shard, first, INT64_MIN), OUTCOME_USED);
    row = find_row(shard, LEVEL_BUCKET, t);
    assert_int_equal(row.revision, 1);
    assert_true(row.version > version);
    assert_true(row.figures.value[FIGURE_ACTIVITY] == (int128)3 * U);
    assert_int_equal(find_row(shard, LEVEL_BUCKET, t).level, UINT8_MAX); /* nothing is dirty */
    shard_destroy(&shard);
    meters[1].expected_from_ms = INT64_MIN;
}

static void test_complete_windows_are_final_at_once(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply_one(shard, first, INT64_MIN); /* the facility's only meter that is expected */
    assert_true(find_row(shard, LEVEL_BUCKET, START_MS).final);
    first.revision = 1; /* the watermark has not passed: this is no revision yet */
    apply_one(shard, first, INT64_MIN);
    struct row row = find_row(shard, LEVEL_BUCKET, START_MS);
    assert_true(row.final);
    assert_int_equal(row.revision, 0);
    assert_false(find_row(shard, LEVEL_HOUR, START_MS).final); /* it has not come to its end */
    shard_destroy(&shard);
}

static void test_idle_partitions_close_by_the_clock(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    meters[1].expected_from_ms = START_MS; /* so that no window is complete */
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply_one(shard, first, INT64_MIN);
    assert_false(find_row(shard, LEVEL_BUCKET, START_MS).final);
    shard_idle(shard, START_MS + 29 * MIN_MS); /* less delay and grace: one minute short */
    assert_int_equal(find_row(shard, LEVEL_BUCKET, START_MS).level, UINT8_MAX);
    shard_idle(shard, START_MS + 30 * MIN_MS);
    assert_true(find_row(shard, LEVEL_BUCKET, START_MS).final);
    first.revision = 1;
    apply_one(shard, first, INT64_MIN); /* the clock made it final, not the log: no revision */
    assert_int_equal(find_row(shard, LEVEL_BUCKET, START_MS).revision, 0);
    shard_idle(shard, START_MS); /* the machine's clock is set back: final stays final */
    first.revision = 2;
    apply_one(shard, first, INT64_MIN);
    assert_true(find_row(shard, LEVEL_BUCKET, START_MS).final);
    shard_destroy(&shard);
    meters[1].expected_from_ms = INT64_MIN;
}

/* Missing is not zero: what a silent facility should have reported shows in its day at once. */
static void test_silence_lowers_coverage(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input spoke = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply_one(shard, spoke, INT64_MIN);
    int64_t day_ms = START_MS - 19 * HOUR_MS; /* New York's, the day before */
    assert_true(find_row(shard, LEVEL_DAY, day_ms).figures.value[FIGURE_EXPECTED] ==
                (int128)15 * MIN_MS);
    struct input neighbour = {0, START_MS + 2 * HOUR_MS, START_MS + 2 * HOUR_MS + 15 * MIN_MS, U,
                              0};
    apply_one(shard, neighbour, INT64_MIN);
    struct row row = find_row(shard, LEVEL_DAY, day_ms);
    assert_true(row.figures.value[FIGURE_COVERED] == (int128)15 * MIN_MS);
    assert_true(row.figures.value[FIGURE_EXPECTED] == (int128)135 * MIN_MS);
    assert_int_equal(row.revision, 0);
    shard_destroy(&shard);
}

static void test_abandoned_rows_come_again(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply_one(shard, first, INT64_MIN);
    struct block *block;
    assert_int_equal(block_create(&block, 100), 0);
    uint32_t rows = shard_take_rows(shard, 0, TAKE_ALL, block);
    assert_true(rows > 0);
    block->count = 0;
    assert_int_equal(shard_take_rows(shard, 0, TAKE_ALL, block), 0); /* under way */
    assert_false(shard_is_drained(shard));
    for (uint32_t i = 0; i < rows; i++)
        shard_end_row(shard, 0, &block->rows[i], BLOCK_GIVEN_BACK);
    assert_int_equal(shard_take_rows(shard, 0, TAKE_ALL, block), rows);
    for (uint32_t i = 0; i < rows; i++)
        shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
    assert_true(shard_is_drained(shard));
    block_destroy(&block);
    shard_destroy(&shard);
}

static void test_silent_register_catches_up(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct block *block;
    assert_int_equal(block_create(&block, 100), 0);
    other.count = 0;
    struct input first = {1, START_MS, START_MS, 100 * U, 0};
    struct input last = {1, START_MS + 10 * DAY_MS, START_MS + 10 * DAY_MS, 196 * U, 0};
    apply_one(shard, first, INT64_MIN);
    fill_batch(&one, &last, 1); /* ten days at once: days have to be written and leave on the way */
    uint32_t applied = shard_apply(shard, &one, 0);
    assert_int_equal(applied, 1);
    assert_true(shard_is_blocked(shard));
    drain(shard, block, &other);
    assert_false(shard_is_blocked(shard));
    shard_finish(shard);
    drain(shard, block, &other);
    struct figures sums[METERS];
    for (int level = LEVEL_BUCKET; level < LEVEL_COUNT; level++) {
        sum_level(&other, level, sums);
        assert_true(sums[1].value[FIGURE_ACTIVITY] == (int128)96 * U);
    }
    block_destroy(&block);
    shard_destroy(&shard);
}

/* Sinks that are slow keep days in the panel: the horizon's readings have room nevertheless. */
static void test_journal_has_room_while_days_wait(void **state)
{
    (void)state;
    meters[0].readings_max = 200; /* the horizon has 192 */
    struct shard *shard = make_shard();
    struct block *block;
    assert_int_equal(block_create(&block, 100), 0);
    other.count = 0;
    for (int64_t t = START_MS; t < START_MS + DAYS * DAY_MS; t += 15 * MIN_MS) {
        struct input input = {0, t, t + 15 * MIN_MS, U, 0};
        assert_int_equal(apply_one(shard, input, INT64_MIN), OUTCOME_USED);
        if (shard_is_blocked(shard))
            drain(shard, block, &other);
    }
    shard_finish(shard);
    drain(shard, block, &other);
    struct figures sums[METERS];
    for (int level = LEVEL_BUCKET; level < LEVEL_COUNT; level++) {
        sum_level(&other, level, sums);
        assert_true(sums[0].value[FIGURE_ACTIVITY] == (int128)DAYS * 96 * U);
    }
    meters[0].readings_max = 1024;
    block_destroy(&block);
    shard_destroy(&shard);
}

/* At the end of the input the newest days may have no room yet: months wait for them. */
static void test_months_wait_for_the_last_day(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct block *block;
    assert_int_equal(block_create(&block, ROWS_PER_BLOCK_MAX), 0);
    other.count = 0;
    for (int day = 0; day < 2; day++) {
        struct input input = {0, START_MS + day * DAY_MS, START_MS + (day + 1) * DAY_MS, U, 0};
        assert_int_equal(apply_one(shard, input, INT64_MIN), OUTCOME_USED);
    }
    struct input last = {3, START_MS + 6 * DAY_MS - HOUR_MS, START_MS + 6 * DAY_MS, U, 0};
    assert_int_equal(apply_one(shard, last, INT64_MIN), OUTCOME_USED);
    shard_finish(shard);
    drain(shard, block, &other);
    assert_true(shard_is_drained(shard));
    uint32_t found = 0;
    for (size_t i = 0; i < other.count; i++) {
        const struct row *row = &other.rows[i];
        if (row->kind != ROW_COVERAGE || row->level != LEVEL_MONTH || row->facility != 0)
            continue;
        found++;
        const int64_t days_ms = 6 * DAY_MS; /* the one meter that has reported, six days */
        assert_true(row->figures.value[FIGURE_EXPECTED] == days_ms);
    }
    assert_int_equal(found, 1);
    block_destroy(&block);
    shard_destroy(&shard);
}

static void test_facility_on_two_partitions(void **state)
{
    (void)state;
    const struct sink_conf sink = {.name = "one"};
    uint32_t owners[2] = {UINT32_MAX, UINT32_MAX};
    struct shard_context context = {.registry = &registry,
                                    .window = &windows,
                                    .kernels = tests_kernels(),
                                    .sinks_count = 1,
                                    .sinks = &sink,
                                    .facility_partition = owners};
    struct shard *shards[2];
    assert_int_equal(shard_create(&shards[0], &context, 0), 0);
    assert_int_equal(shard_create(&shards[1], &context, 1), 0);
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input second = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    assert_int_equal(apply_one(shards[0], first, INT64_MIN), OUTCOME_USED);
    assert_int_equal(apply_one(shards[1], first, INT64_MIN), REJECT_WRONG_PARTITION);
    assert_int_equal(apply_one(shards[1], second, INT64_MIN), OUTCOME_USED);
    shard_destroy(&shards[0]);
    assert_int_equal(apply_one(shards[1], first, INT64_MIN), OUTCOME_USED); /* it moved here */

    /* If two processes have taken one facility, it is told where both states meet. */
    struct buffer payload;
    struct buffer why;
    buffer_init(&payload, 1 << 20);
    buffer_init(&why, 1024);
    assert_int_equal(shard_save(shards[1], true, &payload), 0);
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 2), 0);
    assert_int_equal(shard_load(shard, payload.data, payload.size, &why), 0);
    assert_int_equal(shard_load_end(shard, &why), 0);
    struct input next = {0, START_MS + 15 * MIN_MS, START_MS + 30 * MIN_MS, U, 0};
    assert_int_equal(apply_one(shard, next, INT64_MIN), REJECT_WRONG_PARTITION);
    assert_int_equal(apply_one(shards[1], next, INT64_MIN), OUTCOME_USED);
    buffer_fini(&payload);
    buffer_fini(&why);
    shard_destroy(&shard);
    shard_destroy(&shards[1]);
}
/* A reading that takes the place of another leaves the number of readings in use as it is. The one
 * that went is counted, by the reason for which it went. */
static void test_counts_of_replaced_readings(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input input = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    assert_int_equal(apply_one(shard, input, INT64_MIN), OUTCOME_USED);
    input.revision = 1;
    assert_int_equal(apply_one(shard, input, INT64_MIN), OUTCOME_USED);
    input.value = 2 * U;
    assert_int_equal(apply_one(shard, input, INT64_MIN), OUTCOME_USED);
    input.value = U / 2; /* a lower one too: it stands later */
    assert_int_equal(apply_one(shard, input, INT64_MIN), OUTCOME_USED);
    const uint64_t *counts[] = {shard_get_stats(shard)->outcomes, shard_get_outcomes(shard, 0)};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        assert_int_equal(counts[i][OUTCOME_USED], 1);
        assert_int_equal(counts[i][OUTCOME_CORRECTED], 3);
        assert_int_equal(counts[i][REJECT_CONFLICT], 0);
    }
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_of_an_hour),
        cmocka_unit_test(test_late_and_early),
        cmocka_unit_test(test_revisions),
        cmocka_unit_test(test_complete_windows_are_final_at_once),
        cmocka_unit_test(test_idle_partitions_close_by_the_clock),
        cmocka_unit_test(test_silence_lowers_coverage),
        cmocka_unit_test(test_abandoned_rows_come_again),
        cmocka_unit_test(test_silent_register_catches_up),
        cmocka_unit_test(test_journal_has_room_while_days_wait),
        cmocka_unit_test(test_months_wait_for_the_last_day),
        cmocka_unit_test(test_facility_on_two_partitions),
        cmocka_unit_test(test_counts_of_replaced_readings),
    };
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
