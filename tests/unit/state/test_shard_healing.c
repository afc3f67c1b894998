/* Marks that an older write may still reach, memory that is not there, and the first reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

static struct batch one;
static struct output output;
static struct block *block;

static int set_up(void **state)
{
    set_up_registry(state);
    return block_create(&block, 4000);
}

static int tear_down(void **state)
{
    (void)state;
    block_destroy(&block);
    return 0;
}

static enum outcome apply(struct shard *shard, struct input input)
{
    fill_batch(&one, &input, 1);
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    return (enum outcome)one.events[0].outcome;
}

enum { ROW_LEVELS = 5 };

/* Takes all rows, and ends their block; returns how many windows they were. */
static uint32_t write_rows(struct shard *shard, enum block_end end)
{
    uint32_t windows_count = 0;
    block->count = 0;
    shard_take_rows(shard, 0, TAKE_ALL, block);
    for (uint32_t i = 0; i < block->count; i++) {
        windows_count += block->rows[i].kind == ROW_COVERAGE;
        shard_end_row(shard, 0, &block->rows[i], end);
    }
    return windows_count;
}

static void test_healing_writes_once_more(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input second = {0, START_MS + 15 * MIN_MS, START_MS + 30 * MIN_MS, U, 0};
    shard_take_over(shard, 0, TAKEOVER_PUT_AT_RISK);
    assert_false(shard_has_rows(shard, 0)); /* nothing is dirty yet */
    apply(shard, first);
    assert_true(shard_has_rows(shard, 0));
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), ROW_LEVELS);
    apply(shard, second); /* its bucket is new, and the first one final */
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), ROW_LEVELS + 1);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, ROW_LEVELS + 1);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 0);
    shard_take_over(shard, 0, TAKEOVER_ROUND_TWO);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, 0);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), ROW_LEVELS + 1);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 0);
    assert_true(shard_is_drained(shard));
    shard_destroy(&shard);
}

static void test_at_risk_rows_come_again(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply(shard, first);
    assert_int_equal(write_rows(shard, BLOCK_WRITTEN_AT_RISK), ROW_LEVELS);
    assert_true(shard_is_drained(shard));
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 0);
    shard_take_over(shard, 0, TAKEOVER_ROUND_TWO);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), ROW_LEVELS);
    shard_take_over(shard, 0, TAKEOVER_ROUND_TWO);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 0);
    shard_destroy(&shard);
}

/* Round one writes what is at risk, which stays so; a block without an answer is at risk at once.
 */
static void test_rounds(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply(shard, first);
    assert_int_equal(write_rows(shard, BLOCK_UNKNOWN), ROW_LEVELS);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, ROW_LEVELS);
    assert_int_equal(shard_get_stats(shard)->dirty_rows, ROW_LEVELS);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), ROW_LEVELS);
    shard_take_over(shard, 0, TAKEOVER_ROUND_ONE);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), ROW_LEVELS);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, ROW_LEVELS);
    assert_true(shard_has_rows(shard, 0));
    shard_take_over(shard, 0, TAKEOVER_ROUND_TWO);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, 0);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), ROW_LEVELS);
    assert_false(shard_has_rows(shard, 0));
    struct input second = {0, START_MS + 15 * MIN_MS, START_MS + 30 * MIN_MS, U, 0};
    apply(shard, second); /* the takeover is over */
    assert_true(shard_has_rows(shard, 0));
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, 0);
    shard_destroy(&shard);
}

/* A day with marks at risk stays, so that what is written once more can still be made. */
static void test_at_risk_days_stay(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    output.count = 0;
    struct input first = {1, START_MS, START_MS, 100 * U, 0};
    struct input last = {1, START_MS + 10 * DAY_MS, START_MS + 10 * DAY_MS, 196 * U, 0};
    apply(shard, first);
    shard_take_over(shard, 0, TAKEOVER_PUT_AT_RISK);
    assert_false(shard_has_rows(shard, 0)); /* a first register is a base, and no activity */
    apply(shard, last);
    assert_int_equal(shard_get_block(shard), SHARD_WAITS_FOR_SINKS);
    drain(shard, block, &output);
    assert_true(shard_is_blocked(shard)); /* everything is written, and nothing may leave */
    shard_take_over(shard, 0, TAKEOVER_ROUND_TWO);
    drain(shard, block, &output);
    assert_false(shard_is_blocked(shard));
    shard_finish(shard);
    drain(shard, block, &output);
    assert_true(shard_is_drained(shard));
    shard_destroy(&shard);
}

static struct shard *make_named_shard(void)
{
    static const struct sink_conf sink = {.name = "db"};
    const struct shard_context context = {.registry = &registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 1,
                                          .sinks = &sink};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

/* How many windows a successor writes that goes on from the saved state. */
static uint32_t write_after_restart(struct shard *shard)
{
    struct shard *next = make_named_shard();
    struct buffer payload;
    struct buffer why;
    buffer_init(&payload, 1 << 20);
    buffer_init(&why, 1 << 10);
    assert_int_equal(shard_save(shard, true, &payload), 0);
    assert_int_equal(shard_load(next, payload.data, payload.size, &why), 0);
    assert_int_equal(shard_load_end(next, &why), 0);
    uint32_t windows_count = write_rows(next, BLOCK_DURABLE);
    buffer_fini(&payload);
    buffer_fini(&why);
    shard_destroy(&next);
    return windows_count;
}

static void expect_after_restart(struct shard *shard, uint32_t want)
{
    assert_int_equal(write_after_restart(shard), want);
}

/* Rows that a sink may lose are not written again, except by a successor that loads our state. */
static void test_acknowledged_rows_are_saved_as_dirty(void **state)
{
    (void)state;
    struct shard *shard = make_named_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input second = {0, START_MS + 15 * MIN_MS, START_MS + 30 * MIN_MS, U, 0};
    apply(shard, first);
    assert_int_equal(write_rows(shard, BLOCK_ACKNOWLEDGED), ROW_LEVELS);
    assert_true(shard_is_drained(shard));
    expect_after_restart(shard, ROW_LEVELS);
    assert_false(shard_prove(shard, 1, INT64_MAX, 0)); /* another sink says nothing of this one */
    assert_false(shard_prove(shard, 0, INT64_MIN, 1000)); /* the first generation ages */
    assert_false(shard_prove(shard, 0, 999, 2000));
    expect_after_restart(shard, ROW_LEVELS);
    apply(shard, second); /* all but one bucket are written again, and belong to the next */
    assert_int_equal(write_rows(shard, BLOCK_ACKNOWLEDGED), ROW_LEVELS + 1);
    assert_false(shard_prove(shard, 0, 1000, 3000));
    expect_after_restart(shard, ROW_LEVELS + 1);
    assert_false(shard_prove(shard, 0, 2999, 9000));
    assert_true(shard_prove(shard, 0, 3000, 9000));
    expect_after_restart(shard, 0);
    assert_false(shard_prove(shard, 0, INT64_MAX, 9000));
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 0);
    shard_destroy(&shard);
}

/* Both generations at once: nothing more came for long. */
static void test_all_is_proven(void **state)
{
    (void)state;
    struct shard *shard = make_named_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input second = {3, START_MS, START_MS + 15 * MIN_MS, U, 0}; /* of another facility */
    apply(shard, first);
    assert_int_equal(write_rows(shard, BLOCK_ACKNOWLEDGED), ROW_LEVELS);
    assert_false(shard_prove(shard, 0, INT64_MIN, 1000));
    apply(shard, second);
    uint32_t more = write_rows(shard, BLOCK_ACKNOWLEDGED);
    assert_true(more >= ROW_LEVELS);
    assert_true(shard_prove(shard, 0, INT64_MAX, 2000));
    expect_after_restart(shard, 0);
    shard_destroy(&shard);
}

static void test_lost_rows_come_again(void **state)
{
    (void)state;
    struct shard *shard = make_named_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input second = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply(shard, first);
    assert_int_equal(write_rows(shard, BLOCK_ACKNOWLEDGED), ROW_LEVELS);
    assert_false(shard_prove(shard, 0, INT64_MIN, 1000));
    apply(shard, second);
    uint32_t more = write_rows(shard, BLOCK_ACKNOWLEDGED);
    assert_false(shard_prove(shard, 0, 999, 1500));
    shard_lose(shard, 1);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 0);
    shard_lose(shard, 0); /* of both generations */
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), ROW_LEVELS + more);
    shard_lose(shard, 0);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 0);
    expect_after_restart(shard, 0);
    shard_destroy(&shard);
}

/* A day that a sink may lose stays, so that it can still be written. */
static void test_acknowledged_days_stay(void **state)
{
    (void)state;
    struct shard *shard = make_named_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input last = {0, START_MS + 5 * DAY_MS, START_MS + 5 * DAY_MS + 15 * MIN_MS, U, 0};
    apply(shard, first);
    apply(shard, last);
    assert_int_equal(shard_get_block(shard), SHARD_WAITS_FOR_SINKS);
    block->count = 0;
    while (shard_take_rows(shard, 0, TAKE_CLOSING, block) > 0) {
        for (uint32_t i = 0; i < block->count; i++)
            shard_end_row(shard, 0, &block->rows[i], BLOCK_ACKNOWLEDGED);
        block->count = 0;
    }
    assert_true(shard_is_blocked(shard)); /* everything is written, and nothing may leave */
    assert_false(shard_is_drained(shard));
    assert_false(shard_prove(shard, 0, INT64_MIN, 1000));
    assert_false(shard_prove(shard, 0, 999, 2000));
    assert_int_equal(shard_take_rows(shard, 0, TAKE_CLOSING, block), 0);
    assert_true(shard_is_blocked(shard));
    assert_true(shard_prove(shard, 0, 1000, 3000));
    (void)shard_take_rows(shard, 0, TAKE_CLOSING, block);
    assert_false(shard_is_blocked(shard));
    shard_destroy(&shard);
}

static void acknowledge_months(struct shard *shard)
{
    for (uint32_t i = 0; i < block->count; i++) {
        if (block->rows[i].level == LEVEL_MONTH)
            shard_end_row(shard, 0, &block->rows[i], BLOCK_ACKNOWLEDGED);
        else
            shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
    }
    block->count = 0;
}

/* A month does, too, which no day keeps. */
static void test_acknowledged_months_stay(void **state)
{
    (void)state;
    struct shard *shard = make_named_shard();
    static const int64_t days[] = {0, 45, 55}; /* when March is over, days leave once more */
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        int64_t start_ms = START_MS + days[i] * DAY_MS;
        apply(shard, (struct input){0, start_ms, start_ms + 15 * MIN_MS, U, 0});
        block->count = 0;
        while (shard_take_rows(shard, 0, TAKE_CLOSING, block) > 0)
            acknowledge_months(shard);
        assert_false(shard_is_blocked(shard));
        while (shard_take_rows(shard, 0, TAKE_ALL, block) > 0)
            acknowledge_months(shard);
    }
    shard_lose(shard, 0);
    shard_take_rows(shard, 0, TAKE_ALL, block);
    bool has_march = false;
    for (uint32_t i = 0; i < block->count; i++)
        has_march |= block->rows[i].window.end_ms < START_MS + 32 * DAY_MS;
    assert_true(has_march);
    acknowledge_months(shard);
    shard_destroy(&shard);
}

static void test_memory_ceiling(void **state)
{
    (void)state;
    size_t used = 0;
    struct shard_context context = {.registry = &registry,
                                    .window = &windows,
                                    .kernels = tests_kernels(),
                                    .sinks_count = 1,
                                    .memory_used = &used};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    struct input input = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    assert_int_equal(apply(shard, input), OUTCOME_USED);
    size_t bytes = used;
    assert_int_equal(shard_get_stats(shard)->memory_bytes, bytes);
    shard_destroy(&shard);
    assert_int_equal(used, 0);
    context.memory_max = bytes - 1;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    assert_int_equal(shard_apply(shard, &one, 0), 0);
    assert_int_equal(shard_get_block(shard), SHARD_WAITS_FOR_MEMORY);
    shard_take_rows(shard, 0, TAKE_ALL, block);
    assert_int_equal(shard_get_block(shard), SHARD_WAITS_FOR_MEMORY);
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_USED], 0);
    shard_destroy(&shard);
    used = bytes; /* another shard of the process has it, and gives it back */
    context.memory_max = 2 * bytes - 1;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    assert_int_equal(shard_apply(shard, &one, 0), 0);
    used = 0;
    shard_take_rows(shard, 0, TAKE_ALL, block);
    assert_false(shard_is_blocked(shard));
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    shard_destroy(&shard);
}

/* A refused reading says nothing about time: the ring begins with the first reading in force. */
static void test_rings_begin_with_the_first_accepted(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    meters[0].cell_max = 100 * U;
    int64_t later_ms = START_MS + 100 * DAY_MS;
    struct input huge = {0, later_ms, later_ms + 15 * MIN_MS, 101 * U, 0};
    struct input other = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input same = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    assert_int_equal(apply(shard, huge), REJECT_VALUE_RANGE);
    assert_int_equal(shard_get_stats(shard)->facilities, 0);
    assert_int_equal(apply(shard, other), OUTCOME_USED);
    assert_int_equal(apply(shard, same), OUTCOME_USED);
    meters[0].cell_max = CELL_MAX;
    shard_destroy(&shard);
}

/* One of our own requests may still arrive: each window that changes from now on is at risk, of
 * facilities that are not there yet too. Rows that were dirty before are not, until they change. */
static void test_at_risk_from_now(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input second = {0, START_MS + 15 * MIN_MS, START_MS + 30 * MIN_MS, U, 0};
    struct input elsewhere = {3, START_MS + 15 * MIN_MS, START_MS + 30 * MIN_MS, U, 0};
    apply(shard, first);
    shard_take_over(shard, 0, TAKEOVER_FROM_NOW);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, 0);
    apply(shard, second);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, ROW_LEVELS);
    apply(shard, elsewhere);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, 2 * ROW_LEVELS);
    shard_take_over(shard, 0, TAKEOVER_FROM_NOW);
    shard_take_over(shard, 0, TAKEOVER_NOTHING);
    /* The first bucket changes too: it is final by now. */
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 2 * ROW_LEVELS + 1);
    assert_int_equal(shard_get_stats(shard)->at_risk_rows, 2 * ROW_LEVELS + 1);
    shard_take_over(shard, 0, TAKEOVER_ROUND_TWO);
    assert_int_equal(write_rows(shard, BLOCK_DURABLE), 2 * ROW_LEVELS + 1);
    assert_false(shard_has_rows(shard, 0));
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healing_writes_once_more),
        cmocka_unit_test(test_at_risk_rows_come_again),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_at_risk_days_stay),
        cmocka_unit_test(test_acknowledged_rows_are_saved_as_dirty),
        cmocka_unit_test(test_all_is_proven),
        cmocka_unit_test(test_lost_rows_come_again),
        cmocka_unit_test(test_acknowledged_days_stay),
        cmocka_unit_test(test_acknowledged_months_stay),
        cmocka_unit_test(test_memory_ceiling),
        cmocka_unit_test(test_rings_begin_with_the_first_accepted),
        cmocka_unit_test(test_at_risk_from_now),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
