/* Rows leave a shard: whose turn it is when not all of them have room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { PUNE, TROY, GRID = 0, GRID2 = 3, WINDOWS = 5 };

static struct batch one;

static void apply(struct shard *shard, uint32_t meter, int64_t value)
{
    struct input input = {meter, START_MS, START_MS + 15 * MIN_MS, value, (int64_t)(value / U)};
    fill_batch(&one, &input, 1);
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    assert_int_equal(one.events[0].outcome, OUTCOME_USED);
}

static uint32_t take(struct shard *shard, struct block *block)
{
    block->count = 0;
    uint32_t count = shard_take_rows(shard, 0, TAKE_ALL, block);
    for (uint32_t i = 0; i < count; i++)
        shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
    return count;
}

/* A facility that changes all the time does not keep the others waiting. */
static void test_turns(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct block *block; /* all windows of one facility, and too little for one more */
    assert_int_equal(block_create(&block, 2 * WINDOWS + 2), 0);
    apply(shard, GRID, U);
    apply(shard, GRID2, U);
    assert_int_equal(take(shard, block), 2 * WINDOWS);
    assert_int_equal(block->rows[0].facility, PUNE);
    for (int64_t n = 2; n < 6; n++) {
        apply(shard, GRID, n * U);
        apply(shard, GRID2, n * U);
        assert_int_equal(take(shard, block), 2 * WINDOWS);
        uint32_t facility = n % 2 == 0 ? TROY : PUNE;
        for (uint32_t i = 0; i < block->count; i++)
            assert_int_equal(block->rows[i].facility, facility);
    }
    block_destroy(&block);
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
    };
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
