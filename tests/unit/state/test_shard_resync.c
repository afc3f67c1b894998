/* A sink that has lost rows gets those of the state once more, and the other sink does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { SINKS = 2, BLOCK_ROWS = 20000, EVENTS = 6 * 24 };

struct fixture {
    struct shard *shard;
    struct block *block;
    struct batch *batch;
};

/* Six days of hours at the first facility, and one hour at the second. */
static int set_up(void **state)
{
    static struct fixture fixture;
    static struct batch batch;
    struct shard_context context = {.registry = &registry,
                                    .window = &windows,
                                    .kernels = tests_kernels(),
                                    .sinks_count = SINKS};
    assert_int_equal(shard_create(&fixture.shard, &context, 0), 0);
    assert_int_equal(block_create(&fixture.block, BLOCK_ROWS), 0);
    fixture.batch = &batch;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    shard_destroy(&fixture->shard);
    block_destroy(&fixture->block);
    return 0;
}

/* Takes everything for the sink, and settles it. Returns how many windows there were. */
static uint64_t take_all(struct fixture *fixture, uint32_t sink, int64_t *first_ms_out)
{
    uint64_t taken = 0;
    *first_ms_out = INT64_MAX;
    fixture->block->count = 0;
    shard_take_rows(fixture->shard, sink, TAKE_ALL, fixture->block);
    for (uint32_t i = 0; i < fixture->block->count; i++) {
        const struct row *row = &fixture->block->rows[i];
        taken += row->kind == ROW_COVERAGE;
        if (row->window.end_ms < *first_ms_out)
            *first_ms_out = row->window.end_ms;
        shard_end_row(fixture->shard, sink, row, BLOCK_DURABLE);
    }
    return taken;
}

static void feed(struct fixture *fixture, uint32_t meter, int64_t hours)
{
    struct input input = {meter, START_MS + hours * HOUR_MS, START_MS + (hours + 1) * HOUR_MS, U,
                          0};
    fill_batch(fixture->batch, &input, 1);
    while (shard_apply(fixture->shard, fixture->batch, 0) == 0) {
        int64_t ignored;
        (void)take_all(fixture, 0, &ignored);
        (void)take_all(fixture, 1, &ignored);
    }
}

static void test_nothing_yet(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(shard_mark_dirty(fixture->shard, 0, INT64_MIN), 0);
    assert_true(shard_open_ms(fixture->shard) == INT64_MIN);
}

static void test_every_window_once_more(void **state)
{
    struct fixture *fixture = *state;
    int64_t first_ms;
    for (int64_t hour = 0; hour < EVENTS; hour++)
        feed(fixture, 3, hour);
    uint64_t written = take_all(fixture, 0, &first_ms);
    assert_int_equal(take_all(fixture, 1, &first_ms), written);
    assert_int_equal(take_all(fixture, 0, &first_ms), 0);

    uint64_t marked = shard_mark_dirty(fixture->shard, 1, INT64_MIN);
    assert_true(marked > 0);
    assert_int_equal(shard_get_stats(fixture->shard)->dirty_rows, marked);
    assert_int_equal(shard_mark_dirty(fixture->shard, 1, INT64_MIN), marked); /* no more by that */
    assert_int_equal(shard_get_stats(fixture->shard)->dirty_rows, marked);
    assert_int_equal(take_all(fixture, 0, &first_ms), 0); /* no other sink */
    assert_int_equal(take_all(fixture, 1, &first_ms), marked);
    assert_int_equal(take_all(fixture, 1, &first_ms), 0);
    assert_true(first_ms == INT64_MAX);
}

static void test_rows_are_what_they_were(void **state)
{
    struct fixture *fixture = *state;
    int64_t first_ms;
    for (int64_t hour = 0; hour < 10; hour++)
        feed(fixture, 3, hour);
    (void)take_all(fixture, 0, &first_ms);
    struct block *before;
    assert_int_equal(block_create(&before, BLOCK_ROWS), 0);
    before->count = fixture->block->count;
    memcpy(before->rows, fixture->block->rows, before->count * sizeof(*before->rows));
    (void)shard_mark_dirty(fixture->shard, 0, INT64_MIN);
    (void)take_all(fixture, 0, &first_ms);
    assert_int_equal(fixture->block->count, before->count);
    for (uint32_t i = 0; i < before->count; i++) {
        const struct row *row = &fixture->block->rows[i];
        assert_int_equal(row->version, before->rows[i].version);
        assert_int_equal(row->revision, before->rows[i].revision);
        assert_memory_equal(&row->figures, &before->rows[i].figures, sizeof(row->figures));
    }
    block_destroy(&before);
}

static void test_from_a_time(void **state)
{
    struct fixture *fixture = *state;
    int64_t first_ms;
    for (int64_t hour = 0; hour < EVENTS; hour++)
        feed(fixture, 3, hour);
    (void)take_all(fixture, 0, &first_ms);
    (void)take_all(fixture, 1, &first_ms);
    int64_t from_ms = START_MS + 5 * DAY_MS;
    uint64_t all = shard_mark_dirty(fixture->shard, 1, INT64_MIN);
    (void)take_all(fixture, 1, &first_ms);
    assert_true(first_ms <= from_ms);
    uint64_t some = shard_mark_dirty(fixture->shard, 1, from_ms);
    assert_true(some > 0 && some < all);
    assert_int_equal(take_all(fixture, 1, &first_ms), some);
    assert_true(first_ms == from_ms + windows.bucket_ms);
    assert_int_equal(shard_mark_dirty(fixture->shard, 1, INT64_MAX), 0);
}

static void test_open_state_begins_with_the_youngest_facility(void **state)
{
    struct fixture *fixture = *state;
    feed(fixture, 3, 0);
    int64_t early_ms = shard_open_ms(fixture->shard);
    assert_true(early_ms <= START_MS);
    for (int64_t hour = 1; hour < EVENTS; hour++)
        feed(fixture, 3, hour);
    feed(fixture, 0, EVENTS);
    int64_t late_ms = shard_open_ms(fixture->shard);
    assert_true(late_ms > early_ms);
    assert_true(late_ms <= shard_get_stats(fixture->shard)->floor_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_yet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_window_once_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_are_what_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_from_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_state_begins_with_the_youngest_facility, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("shard_resync", tests, set_up_registry, NULL);
}
