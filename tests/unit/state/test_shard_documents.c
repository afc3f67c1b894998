/* Events that are more than one reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { GAS = 1, DIESEL = 4 };

static struct batch batch;

static enum outcome apply(struct shard *shard, struct batch_event event)
{
    batch_clear(&batch);
    event.quality = QUALITY_ACTUAL;
    event.arrived_ms = INT64_MIN;
    event.end_ms = event.start_ms;
    *batch_add(&batch) = event;
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    return (enum outcome)batch.events[0].outcome;
}

static struct batch_event exchange(int64_t time_ms, int64_t final, int64_t initial,
                                   uint16_t revision)
{
    return (struct batch_event){.meter = GAS,
                                .start_ms = time_ms,
                                .value = final * U,
                                .initial = initial * U,
                                .role = ROLE_FINAL,
                                .revision = revision};
}

/* INT64_MIN: the day has no row of the series that is not settled. */
static int64_t activity_of_day(struct shard *shard, uint32_t series, int64_t time_ms)
{
    take_rows(shard);
    int64_t activity = INT64_MIN;
    for (uint32_t i = 0; i < taken_rows->count; i++) {
        const struct row *row = &taken_rows->rows[i];
        if (row->level == LEVEL_DAY && row->series == series && row->window.start_ms <= time_ms &&
            time_ms < row->window.end_ms)
            activity = (int64_t)row->figures.value[FIGURE_ACTIVITY];
    }
    end_rows(shard, BLOCK_DURABLE);
    return activity;
}

static void test_exchange(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    const struct batch_event before = {.meter = GAS, .start_ms = START_MS, .value = 640000 * U};
    const struct batch_event after = {
        .meter = GAS, .start_ms = START_MS + 2 * HOUR_MS, .value = 18500 * U};
    assert_int_equal(apply(shard, before), OUTCOME_USED);
    assert_int_equal(apply(shard, after), OUTCOME_USED);
    assert_int_equal(apply(shard, exchange(START_MS + HOUR_MS, 652000, 0, 0)), OUTCOME_USED);
    assert_int_equal(activity_of_day(shard, GAS, START_MS), 30500 * U);

    /* One outcome each: the same again, one of its two readings corrected, an older revision. */
    assert_int_equal(apply(shard, exchange(START_MS + HOUR_MS, 652000, 0, 0)), OUTCOME_DUPLICATE);
    assert_int_equal(apply(shard, exchange(START_MS + HOUR_MS, 652000, 500, 1)), OUTCOME_USED);
    assert_int_equal(activity_of_day(shard, GAS, START_MS), 30000 * U);
    assert_int_equal(apply(shard, exchange(START_MS + HOUR_MS, 652001, 0, 0)), OUTCOME_CORRECTED);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_USED], 3);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_DUPLICATE], 1);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_CORRECTED], 2);
    shard_destroy(&shard);
}

static struct batch_event invoice(int64_t time_ms, int64_t value, uint16_t revision)
{
    return (struct batch_event){.meter = DIESEL,
                                .start_ms = time_ms,
                                .value = value * U,
                                .revision = revision,
                                .id_hash = 42};
}

/* A delivery moves to another day: both buckets are written again. */
static void test_a_document_moves(void **state)
{
    (void)state;
    const int64_t first_ms = START_MS + 6 * HOUR_MS;
    struct shard *shard = make_shard();
    assert_int_equal(apply(shard, invoice(first_ms, 3000, 0)), OUTCOME_USED);
    assert_int_equal(activity_of_day(shard, DIESEL, first_ms), 3000 * U);
    struct batch_event between = invoice(first_ms + DAY_MS, 10, 0);
    between.id_hash = 0;
    assert_int_equal(apply(shard, between), OUTCOME_USED);
    assert_int_equal(activity_of_day(shard, DIESEL, first_ms + DAY_MS), 10 * U);
    assert_int_equal(apply(shard, invoice(first_ms + 2 * DAY_MS, 3100, 1)), OUTCOME_USED);
    take_rows(shard);
    int64_t left = INT64_MIN;
    int64_t there = INT64_MIN;
    for (uint32_t i = 0; i < taken_rows->count; i++) {
        const struct row *row = &taken_rows->rows[i];
        int64_t activity = (int64_t)row->figures.value[FIGURE_ACTIVITY];
        if (row->level != LEVEL_BUCKET || row->series != DIESEL)
            continue;
        if (row->window.start_ms == first_ms)
            left = activity;
        if (row->window.start_ms == first_ms + 2 * DAY_MS)
            there = activity;
    }
    assert_int_equal(left, 0);
    assert_int_equal(there, 3100 * U);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_USED], 2);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_CORRECTED], 1);
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_a_document_moves),
    };
    return cmocka_run_group_tests(tests, set_up_taken, tear_down_taken);
}
