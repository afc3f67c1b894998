/* Months and years that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { TROY = 1, GRID2 = 3, MONTHS = 5, BLOCK_ROWS = 5000, ROWS_OF_MONTHS = 64 };

static struct batch one;
static struct row months[ROWS_OF_MONTHS];
static uint32_t months_count;

/* Takes what is to be written, and keeps the final rows of months. */
static void drain_months(struct shard *shard, struct block *block)
{
    block->count = 0;
    while (shard_take_rows(shard, 0, TAKE_CLOSING, block) > 0) {
        for (uint32_t i = 0; i < block->count; i++) {
            const struct row *row = &block->rows[i];
            if (row->level == LEVEL_MONTH && row->final) {
                assert_true(months_count < ROWS_OF_MONTHS);
                months[months_count++] = *row;
            }
            shard_end_row(shard, 0, row, BLOCK_DURABLE);
        }
        block->count = 0;
    }
}

/* A month takes the place of one that has gone: it begins with nothing of it. */
static void test_each_month_has_its_own(void **state)
{
    (void)state;
    static const int64_t days[MONTHS] = {31, 30, 31, 30, 31}; /* from March on */
    struct shard *shard = make_shard();
    struct block *block;
    assert_int_equal(block_create(&block, BLOCK_ROWS), 0);
    months_count = 0;
    int64_t day_ms = START_MS + 17 * HOUR_MS; /* about noon in New York */
    for (int month = 0; month < MONTHS; month++)
        for (int64_t day = 0; day < days[month]; day++, day_ms += DAY_MS) {
            struct input input = {GRID2, day_ms, day_ms + 15 * MIN_MS, (month + 1) * U, 0};
            fill_batch(&one, &input, 1);
            assert_int_equal(shard_apply(shard, &one, 0), 1);
            drain_months(shard, block);
        }
    shard_finish(shard);
    drain_months(shard, block);
    uint32_t found = 0;
    for (uint32_t i = 0; i < months_count; i++) {
        const struct row *row = &months[i];
        if (row->kind != ROW_EMISSIONS)
            continue;
        assert_true(found < MONTHS);
        int64_t covered_ms = days[found] * 15 * MIN_MS;
        assert_true(row->figures.value[FIGURE_ACTIVITY] == (int128)(found + 1) * days[found] * U);
        assert_true(row->figures.value[FIGURE_CELLS] == days[found]);
        assert_true(row->figures.value[FIGURE_COVERED] == covered_ms);
        found++;
    }
    assert_int_equal(found, MONTHS - 1); /* the last is not over */
    block_destroy(&block);
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_month_has_its_own),
    };
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
