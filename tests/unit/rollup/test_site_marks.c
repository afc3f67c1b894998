/* Which windows a sink hears of once more, and which of them are at risk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { GRID2 = 3, LEVELS = 5 };

static void apply(struct shard *shard, int64_t start_ms)
{
    apply_used(shard, GRID2, start_ms, start_ms + 15 * MIN_MS);
}

static uint32_t take(struct shard *shard)
{
    uint32_t windows_count = 0;
    take_rows(shard);
    for (uint32_t i = 0; i < taken_rows->count; i++)
        windows_count += taken_rows->rows[i].kind == ROW_COVERAGE;
    return windows_count;
}

/* Windows in which nothing was read had a row when they became final, and have it again. */
static void test_silent_windows_again(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    apply(shard, START_MS);
    take(shard);
    end_rows(shard, BLOCK_DURABLE);
    apply(shard, START_MS + 3 * HOUR_MS + 30 * MIN_MS);
    take(shard); /* and hours of silence before it */
    end_rows(shard, BLOCK_DURABLE);
    assert_int_equal(shard_get_stats(shard)->dirty_rows, 0);
    /* Fourteen buckets and three hours that are over; one more each, day, month and year. */
    assert_int_equal(shard_mark_dirty(shard, 0, INT64_MIN), 14 + 3 + 2 + 3);
    assert_int_equal(take(shard), 14 + 3 + 2 + 3);
    end_rows(shard, BLOCK_DURABLE);
    shard_destroy(&shard);
}

/* A row that changed while it was sent is dirty: a doubt puts it at risk as the others. */
static void test_sent_and_changed_is_at_risk(void **state)
{
    (void)state;
    static const enum takeover_action actions[] = {TAKEOVER_PUT_AT_RISK, TAKEOVER_ROUND_ONE};
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        struct shard *shard = make_shard();
        apply(shard, START_MS);
        assert_int_equal(take(shard), LEVELS);
        apply(shard, START_MS + 15 * MIN_MS); /* changes all except the first bucket */
        assert_int_equal(shard_get_stats(shard)->at_risk_rows, 0);
        shard_take_over(shard, 0, actions[i]);
        assert_int_equal(shard_get_stats(shard)->at_risk_rows, LEVELS);
        end_rows(shard, BLOCK_DURABLE);
        assert_int_equal(shard_get_stats(shard)->at_risk_rows, LEVELS);
        assert_int_equal(shard_get_stats(shard)->dirty_rows, LEVELS);
        shard_destroy(&shard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_windows_again),
        cmocka_unit_test(test_sent_and_changed_is_at_risk),
    };
    return cmocka_run_group_tests(tests, set_up_taken, tear_down_taken);
}
