/* Events that are more than one reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { GAS = 1 };

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

static int64_t activity_of_day(struct shard *shard, int64_t time_ms)
{
    take_rows(shard);
    int64_t activity = INT64_MIN;
    for (uint32_t i = 0; i < taken_rows->count; i++) {
        const struct row *row = &taken_rows->rows[i];
        if (row->level == LEVEL_DAY && row->series == GAS && row->window.start_ms <= time_ms &&
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
    assert_int_equal(activity_of_day(shard, START_MS), 30500 * U);

    /* One outcome each: the same again, one of its two readings corrected, an older revision. */
    assert_int_equal(apply(shard, exchange(START_MS + HOUR_MS, 652000, 0, 0)), OUTCOME_DUPLICATE);
    assert_int_equal(apply(shard, exchange(START_MS + HOUR_MS, 652000, 500, 1)), OUTCOME_USED);
    assert_int_equal(activity_of_day(shard, START_MS), 30000 * U);
    assert_int_equal(apply(shard, exchange(START_MS + HOUR_MS, 652001, 0, 0)), OUTCOME_CORRECTED);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_USED], 3);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_DUPLICATE], 1);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_CORRECTED], 2);
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
    };
    return cmocka_run_group_tests(tests, set_up_taken, tear_down_taken);
}
