/* Sinks that get windows of some lengths only: rows, days that leave, restarts, changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/state/payload.h"
#include "tests/unit/state/shard_fixture.h"

#define ONLY(level) ((uint8_t)(((1U << LEVEL_COUNT) - 1) & ~(1U << (level))))
enum { PAYLOAD_MAX = 1 << 22, ROWS = 2000, FED_DAYS = 6 };

static struct batch one;
static struct block *block;

static struct shard *make(const struct sink_conf sinks[2])
{
    const struct shard_context context = {.registry = &registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 2,
                                          .sinks = sinks};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

/* Takes and settles all rows of a sink; counts those of coverage by level. */
static void take(struct shard *shard, uint32_t sink, uint32_t rows[LEVEL_COUNT])
{
    do {
        block->count = 0;
        shard_take_rows(shard, sink, TAKE_ALL, block);
        for (uint32_t i = 0; i < block->count; i++) {
            rows[block->rows[i].level] += block->rows[i].kind == ROW_COVERAGE;
            shard_end_row(shard, sink, &block->rows[i], BLOCK_DURABLE);
        }
    } while (block->count > 0);
}

/* Hours of a meter, one by one; both sinks are told of everything. */
static void feed(struct shard *shard, int first_day, int end_day, uint32_t rows[2][LEVEL_COUNT])
{
    for (int64_t t = START_MS + first_day * DAY_MS; t < START_MS + end_day * DAY_MS; t += HOUR_MS) {
        const struct input input = {3, t, t + HOUR_MS, U, 0};
        fill_batch(&one, &input, 1);
        assert_int_equal(shard_apply(shard, &one, 0), 1);
        take(shard, 0, rows[0]);
        take(shard, 1, rows[1]);
    }
}

static struct shard *restart(struct shard **shard, const struct sink_conf sinks[2])
{
    struct buffer payload;
    struct buffer why;
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&why, 4096);
    assert_int_equal(shard_save(*shard, true, &payload), 0);
    shard_destroy(shard);
    struct shard *again = make(sinks);
    if (shard_load(again, payload.data, payload.size, &why) < 0 || shard_load_end(again, &why) < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&payload);
    buffer_fini(&why);
    return again;
}

/* A sink of days gets no other rows, and days leave all the same, though no row of its hours is
 * written.
 */
static void test_rows(void **state)
{
    (void)state;
    for (enum level level = 0; level < LEVEL_COUNT; level++) {
        const struct sink_conf sinks[] = {{.name = "all"}, {.name = "some", .skips = ONLY(level)}};
        struct shard *shard = make(sinks);
        uint32_t rows[2][LEVEL_COUNT] = {{0}};
        feed(shard, 0, FED_DAYS, rows);
        assert_int_equal(shard_get_stats(shard)->dirty_rows, 0);
        assert_true(shard_open_ms(shard) > START_MS);
        for (enum level i = 0; i < LEVEL_COUNT; i++) {
            assert_true(rows[0][i] > 0);
            assert_int_equal(rows[1][i], i == level ? rows[0][i] : 0);
        }
        /* lost rows: all of its open windows, and no others */
        uint32_t again[LEVEL_COUNT] = {0};
        uint64_t marked = shard_mark_dirty(shard, 1, INT64_MIN);
        take(shard, 1, again);
        for (enum level i = 0; i < LEVEL_COUNT; i++)
            assert_int_equal(again[i], i == level ? marked : 0);
        shard_destroy(&shard);
    }
}

/* The list is a part of the sink's name: with another one it gets every open window of that. */
static void test_changed(void **state)
{
    (void)state;
    const struct sink_conf days[] = {{.name = "all"}, {.name = "some", .skips = ONLY(LEVEL_DAY)}};
    const struct sink_conf hours[] = {{.name = "all"}, {.name = "some", .skips = ONLY(LEVEL_HOUR)}};
    uint32_t rows[2][LEVEL_COUNT] = {{0}};
    struct shard *shard = make(days);
    feed(shard, 0, FED_DAYS, rows);
    shard = restart(&shard, days);
    assert_int_equal(shard_get_stats(shard)->dirty_rows, 0);
    shard = restart(&shard, hours);
    uint32_t got[2][LEVEL_COUNT] = {{0}};
    take(shard, 0, got[0]);
    take(shard, 1, got[1]);
    for (enum level i = 0; i < LEVEL_COUNT; i++) {
        assert_int_equal(got[0][i], 0);
        assert_true(i == LEVEL_HOUR ? got[1][i] >= 24 : got[1][i] == 0);
    }
    shard_destroy(&shard);
}

/* Rows of targets are no windows: with or without them, the sink is the one that was saved. */
static void test_targets_are_no_windows(void **state)
{
    (void)state;
    enum { TARGETS = 1 << SINK_TRAJECTORY_BIT | 1 << SINK_ALERTS_BIT };
    static const struct {
        const char *name;
        uint8_t before, after;
        bool is_new;
    } cases[] = {
        {"all, then without targets", 0, TARGETS, false},
        {"without targets, then all", TARGETS, 0, false},
        {"of an earlier version: days", ONLY(LEVEL_DAY), ONLY(LEVEL_DAY) | TARGETS, false},
        {"days, then also alerts", ONLY(LEVEL_DAY) | TARGETS,
         ONLY(LEVEL_DAY) | 1 << SINK_TRAJECTORY_BIT, false},
        {"days, then hours", ONLY(LEVEL_DAY) | TARGETS, ONLY(LEVEL_HOUR) | TARGETS, true},
        {"alerts alone, then all", ONLY(SINK_ALERTS_BIT), 0, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct sink_conf before[] = {{.name = "all"},
                                           {.name = "some", .skips = cases[i].before}};
        const struct sink_conf after[] = {{.name = "all"},
                                          {.name = "some", .skips = cases[i].after}};
        uint32_t rows[2][LEVEL_COUNT] = {{0}};
        struct shard *shard = make(before);
        feed(shard, 0, 1, rows);
        shard = restart(&shard, after);
        if ((shard_get_stats(shard)->dirty_rows > 0) != cases[i].is_new)
            fail_msg("%s: %llu rows", cases[i].name,
                     (unsigned long long)shard_get_stats(shard)->dirty_rows);
        shard_destroy(&shard);
    }
}

/* The name is that of the version that knew lengths of windows only. */
static void test_saved_names(void **state)
{
    (void)state;
    static const struct {
        uint8_t skips;
        const char *want;
    } cases[] = {
        {0, "db"},
        {1 << SINK_ALERTS_BIT | 1 << SINK_TRAJECTORY_BIT, "db"},
        {1 << LEVEL_BUCKET | 1 << LEVEL_HOUR, "db without 3"},
        {1 << LEVEL_BUCKET | 1 << LEVEL_HOUR | 1 << SINK_TRAJECTORY_BIT | 1 << SINK_ALERTS_BIT,
         "db without 3"},
        {(1 << LEVEL_COUNT) - 1, "db without 31"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[SINK_NAME_SIZE];
        const struct sink_conf sink = {.name = "db", .skips = cases[i].skips};
        assert_string_equal(payload_sink_name(&sink, name), cases[i].want);
    }
}

/* A sink of alerts gets no windows, and holds no day. */
static void test_no_windows_at_all(void **state)
{
    (void)state;
    const struct sink_conf sinks[] = {{.name = "all"},
                                      {.name = "some", .skips = (1U << LEVEL_COUNT) - 1}};
    struct shard *shard = make(sinks);
    uint32_t rows[2][LEVEL_COUNT] = {{0}};
    feed(shard, 0, FED_DAYS, rows);
    assert_int_equal(shard_get_stats(shard)->dirty_rows, 0);
    assert_true(shard_open_ms(shard) > START_MS);
    for (enum level i = 0; i < LEVEL_COUNT; i++)
        assert_int_equal(rows[1][i], 0);
    assert_int_equal(shard_mark_dirty(shard, 1, INT64_MIN), 0);
    shard = restart(&shard, sinks);
    assert_int_equal(shard_get_stats(shard)->dirty_rows, 0);
    shard_destroy(&shard);
}

static int set_up(void **state)
{
    set_up_registry(state);
    return block_create(&block, ROWS);
}

static int tear_down(void **state)
{
    (void)state;
    block_destroy(&block);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_targets_are_no_windows),
        cmocka_unit_test(test_saved_names),
        cmocka_unit_test(test_no_windows_at_all),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
