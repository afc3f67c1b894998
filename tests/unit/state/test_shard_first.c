/* The first reading of a partition: how old it may be, and that all of it is booked. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

static struct batch one;
static struct output output;
static const struct sink_conf sinks[] = {{.name = "a"}};

static struct shard *make(const struct window_conf *window, const int64_t *first_floor_ms)
{
    const struct shard_context context = {.registry = &registry,
                                          .window = window,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 1,
                                          .sinks = sinks,
                                          .first_floor_ms = first_floor_ms};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

/* A reading of the meter `grid2`, an interval that ends then. */
static enum outcome apply_end(struct shard *shard, int64_t end_ms, int64_t arrived_ms)
{
    const struct input input = {3, end_ms - 15 * MIN_MS, end_ms, U, 0};
    fill_batch(&one, &input, 1);
    one.events[0].arrived_ms = arrived_ms;
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    return (enum outcome)one.events[0].outcome;
}

static void test_how_old(void **state)
{
    (void)state;
    struct window_conf window = windows;
    window.backfill_max_ms = 400 * DAY_MS;
    const int64_t none = INT64_MIN;
    const int64_t by_hand = START_MS - 1000 * DAY_MS;
    const struct {
        const char *name;
        const int64_t *first_floor_ms;
        int64_t end_ms, arrived_ms;
        enum outcome want;
    } cases[] = {
        {"just now", &none, START_MS, START_MS, OUTCOME_USED},
        {"400 days", &none, START_MS - 400 * DAY_MS, START_MS, OUTCOME_USED},
        {"a millisecond more", &none, START_MS - 400 * DAY_MS - 1, START_MS, OUTCOME_LATE},
        {"a clock that was not set", &none, 3000, START_MS, OUTCOME_LATE},
        {"the same, and no context of a floor", NULL, 3000, START_MS, OUTCOME_LATE},
        {"no time of arrival", &none, 900000, INT64_MIN, OUTCOME_USED},
        {"by hand", &by_hand, START_MS - 1000 * DAY_MS, START_MS, OUTCOME_USED},
        {"by hand, a millisecond more", &by_hand, START_MS - 1000 * DAY_MS - 1, START_MS,
         OUTCOME_LATE},
        {"by hand, no time of arrival", &by_hand, 3000, INT64_MIN, OUTCOME_LATE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct shard *shard = make(&window, cases[i].first_floor_ms);
        enum outcome got = apply_end(shard, cases[i].end_ms, cases[i].arrived_ms);
        if (got != cases[i].want)
            fail_msg("%s: %s", cases[i].name, outcome_class(got));
        bool used = got == OUTCOME_USED;
        assert_int_equal(shard_get_stats(shard)->facilities, used ? 1 : 0);
        shard_destroy(&shard);
    }
}

/* A late one changes nothing: the next may still be the first. Then the floor decides alone. */
static void test_then_the_floor_decides(void **state)
{
    (void)state;
    struct window_conf window = windows;
    window.backfill_max_ms = 10 * DAY_MS;
    struct shard *shard = make(&window, NULL);
    assert_int_equal(apply_end(shard, 3000, START_MS), OUTCOME_LATE);
    assert_int_equal(apply_end(shard, START_MS - 9 * DAY_MS, START_MS), OUTCOME_USED);
    assert_int_equal(apply_end(shard, START_MS - 10 * DAY_MS - HOUR_MS, START_MS), OUTCOME_USED);
    assert_int_equal(apply_end(shard, START_MS - 12 * DAY_MS, START_MS), OUTCOME_LATE);
    shard_destroy(&shard);
}

static struct shard *restart(struct shard **shard)
{
    struct buffer payload;
    struct buffer why;
    buffer_init(&payload, 1 << 24);
    buffer_init(&why, 4096);
    assert_int_equal(shard_save(*shard, true, &payload), 0);
    shard_destroy(shard);
    struct shard *again = make(&windows, NULL);
    if (shard_load(again, payload.data, payload.size, &why) < 0 || shard_load_end(again, &why) < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&payload);
    buffer_fini(&why);
    return again;
}

/* One reading alone, of any length, in windows of every level to the last micro-unit; also if the
 * process ends while its days are still being written. The horizon is two days. */
static void test_booked_whole(void **state)
{
    (void)state;
    enum { VALUE = 192000001 };
    static const int64_t lengths_ms[] = {1,
                                         15 * MIN_MS,
                                         DAY_MS,
                                         2 * DAY_MS + 5 * MIN_MS,
                                         2 * DAY_MS + 5 * MIN_MS + 1,
                                         8 * DAY_MS,
                                         31 * DAY_MS + 7 * MIN_MS};
    struct block *block;
    assert_int_equal(block_create(&block, 500), 0);
    for (size_t i = 0; i < 2 * ARRAY_LEN(lengths_ms); i++) {
        int64_t length_ms = lengths_ms[i / 2];
        bool restarts = i % 2 == 1;
        struct shard *shard = make(&windows, NULL);
        const struct input input = {3, START_MS - 11 * MIN_MS, START_MS - 11 * MIN_MS + length_ms,
                                    VALUE, 0};
        fill_batch(&one, &input, 1);
        assert_int_equal(shard_apply(shard, &one, 0), 1);
        assert_int_equal(one.events[0].outcome, OUTCOME_USED);
        output.count = 0;
        if (restarts)
            shard = restart(&shard);
        drain(shard, block, &output);
        if (restarts)
            shard = restart(&shard);
        shard_finish(shard);
        drain(shard, block, &output);
        assert_true(shard_is_drained(shard));
        for (int level = LEVEL_BUCKET; level <= LEVEL_DAY; level++) {
            static struct figures sums[METERS];
            sum_level(&output, level, sums);
            if (sums[3].value[FIGURE_ACTIVITY] != VALUE)
                fail_msg("%" PRId64 " ms, level %d: %" PRId64, length_ms, level,
                         (int64_t)sums[3].value[FIGURE_ACTIVITY]);
        }
        shard_destroy(&shard);
    }
    block_destroy(&block);
}

/* A facility is heard with its first reading that is used, and still after a restart. */
static void test_heard(void **state)
{
    (void)state;
    struct window_conf window = windows;
    window.backfill_max_ms = 10 * DAY_MS;
    struct shard *shard = make(&window, NULL);
    assert_false(shard_has_heard(shard, 1));
    assert_true(shard_get_newest(shard) == INT64_MIN);
    assert_int_equal(apply_end(shard, 3000, START_MS), OUTCOME_LATE);
    assert_false(shard_has_heard(shard, 1));
    const struct input gas = {1, START_MS - 15 * MIN_MS, START_MS - 15 * MIN_MS, U, 0};
    fill_batch(&one, &gas, 1); /* a decision on facility 0 is no reading of it */
    one.events[0].role = ROLE_DECISION;
    one.events[0].value = decision_pack(true, ROLE_READING);
    one.events[0].end_ms = one.events[0].start_ms;
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    assert_int_equal(one.events[0].outcome, OUTCOME_USED);
    assert_false(shard_has_heard(shard, 0));
    assert_int_equal(apply_end(shard, START_MS, START_MS), OUTCOME_USED);
    for (int i = 0; i < 2; i++) {
        assert_false(shard_has_heard(shard, 0));
        assert_true(shard_has_heard(shard, 1));
        assert_true(shard_get_newest(shard) == START_MS);
        shard = restart(&shard);
    }
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_old),
        cmocka_unit_test(test_then_the_floor_decides),
        cmocka_unit_test(test_booked_whole),
        cmocka_unit_test(test_heard),
    };
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
