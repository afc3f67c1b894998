/* Versions of one register in a shard: the same figures in any order of readings, over restarts,
 * and where the table of meters learns of a version late. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/registry/counters.h"
#include "pipelines/metering/journal.h"
#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

/* In the middle of a bucket. */
#define CHANGE_MS (START_MS + 5 * HOUR_MS + 7 * MIN_MS)

enum { ROWS = 4000, PAYLOAD_MAX = 1 << 20 };

static const struct built_meter one[] = {
    {"mill", "main", KIND_REGISTER, "power", "new", 1.0, 2, 0},
    {"mill", "main", KIND_REGISTER, "power", "old", 1.0, 2, 0},
};
static const struct built_meter two[] = {
    {"mill", "main", KIND_REGISTER, "power", "new", 1.0, 3, CHANGE_MS},
    {"mill", "main", KIND_REGISTER, "power", "old", 1.0, 2, 0},
};
static const struct sink_conf near[] = {{.name = "near"}};

static struct batch batch;
static struct block *block;
static struct buffer payload, why;
static struct plant versions, before;

static void finish(struct plant *plant)
{
    bool changes = plant->registry.meters_count == 2;
    if (changes) {
        plant->meters[1].next_version = 0;
        plant->meters[1].valid_to_ms = CHANGE_MS;
    }
    counters_link(&plant->registry);
    assert_int_equal(plant->meters[0].versioned, changes);
}

static int set_up(void **state)
{
    set_up_registry(state);
    plant_init(&versions, two, ARRAY_LEN(two));
    finish(&versions);
    plant_init(&before, one + 1, 1);
    finish(&before);
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&why, 1 << 16);
    return block_create(&block, ROWS);
}

static int tear_down(void **state)
{
    (void)state;
    block_destroy(&block);
    buffer_fini(&payload);
    buffer_fini(&why);
    plant_fini(&versions);
    plant_fini(&before);
    return 0;
}

static struct shard *make(const struct plant *plant)
{
    const struct shard_context context = {.registry = &plant->registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 1,
                                          .sinks = near};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

/* The shard goes on from its saved state, under the tables of `plant`. */
static struct shard *restart(struct shard *shard, const struct plant *plant)
{
    buffer_clear(&payload);
    assert_int_equal(shard_save(shard, true, &payload), 0);
    shard_destroy(&shard);
    shard = make(plant);
    if (shard_load(shard, payload.data, payload.size, &why) < 0 || shard_load_end(shard, &why) < 0)
        fail_msg("%s", buffer_text(&why));
    return shard;
}

struct shown {
    int64_t at_ms, count;
};

/* A count of the counter as the version that is valid then reads it. */
static enum outcome apply(struct shard *shard, const struct plant *plant, struct shown shown,
                          int64_t revision)
{
    bool changed = plant == &versions && shown.at_ms >= CHANGE_MS;
    uint32_t meter = plant == &versions && !changed ? 1 : 0;
    struct input input = {meter, shown.at_ms, shown.at_ms, shown.count * (changed ? 3 : 2) * U,
                          revision};
    fill_batch(&batch, &input, 1);
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    return (enum outcome)batch.events[0].outcome;
}

/* Sums over buckets, the day and the month, old and new; they have to agree. */
static void sum(struct shard *shard, int64_t *old, int64_t *new)
{
    int64_t sums[LEVEL_COUNT][2] = {0};
    shard_mark_dirty(shard, 0, INT64_MIN);
    for (;;) {
        block->count = 0;
        if (shard_take_rows(shard, 0, TAKE_ALL, block) == 0)
            break;
        for (uint32_t i = 0; i < block->count; i++) {
            const struct row *row = &block->rows[i];
            if (row->kind == ROW_EMISSIONS)
                sums[row->level][row->series] += (int64_t)row->figures.value[FIGURE_ACTIVITY];
            shard_end_row(shard, 0, row, BLOCK_DURABLE);
        }
    }
    *new = sums[LEVEL_BUCKET][0];
    *old = sums[LEVEL_BUCKET][1];
    for (int level = 0; level < LEVEL_COUNT; level++) {
        assert_int_equal(sums[level][0], *new);
        assert_int_equal(sums[level][1], *old);
    }
    buffer_clear(&why);
    if (shard_audit(shard, &why) != 0)
        fail_msg("%s", buffer_text(&why));
}

/* 10 counts an hour, read at the half hours; one reading is wrong, and one came twice. */
static const struct shown counts[] = {
    {START_MS + 30 * MIN_MS, 100},
    {START_MS + HOUR_MS + 30 * MIN_MS, 110},
    {START_MS + 2 * HOUR_MS + 30 * MIN_MS, 120},
    {START_MS + 3 * HOUR_MS + 30 * MIN_MS, 130},
    {START_MS + 4 * HOUR_MS + 30 * MIN_MS, 7},
    {START_MS + 5 * HOUR_MS + 30 * MIN_MS, 150},
    {START_MS + 6 * HOUR_MS + 30 * MIN_MS, 160},
    {START_MS + 7 * HOUR_MS + 30 * MIN_MS, 170},
    {START_MS + 8 * HOUR_MS + 30 * MIN_MS, 180},
};
enum { COUNTS = sizeof(counts) / sizeof(*counts) };

/* From 0:30 to 5:07 at 2, from 5:07 to 8:30 at 3. The stretch from 3:30 to 5:30 is cut off once on
 * each side: 20 counts in 120 minutes, 97 of them before the change. */
#define OLD_RIGHT (U * 60 + U * 40 * 97 / 120)
#define NEW_RIGHT (U * 90 + U * 60 * 23 / 120)

static void expect(const size_t order[COUNTS], bool restarts)
{
    struct shard *shard = make(&versions);
    for (size_t i = 0; i < COUNTS; i++) {
        assert_int_equal(apply(shard, &versions, counts[order[i]], 0), OUTCOME_USED);
        if (restarts)
            shard = restart(shard, &versions);
    }
    assert_int_equal(apply(shard, &versions, counts[order[0]], 0), OUTCOME_DUPLICATE);
    int64_t old;
    int64_t new;
    sum(shard, &old, &new);
    assert_int_equal(old, OLD_RIGHT);
    assert_int_equal(new, NEW_RIGHT);
    assert_int_equal(shard_get_outcomes(shard, 0)[OUTCOME_USED], COUNTS);
    shard_destroy(&shard);
}

static void test_any_order(void **state)
{
    (void)state;
    uint32_t random = 5;
    for (int round = 0; round < 40; round++) {
        size_t order[COUNTS];
        for (size_t i = 0; i < COUNTS; i++)
            order[i] = round % 2 == 0 ? i : COUNTS - 1 - i;
        for (size_t i = COUNTS - 1; i > 0 && round >= 4; i--) {
            random = random * 1664525U + 1013904223U;
            size_t k = (random >> 8) % (i + 1);
            size_t kept = order[i];
            order[i] = order[k];
            order[k] = kept;
        }
        expect(order, round % 4 >= 2);
    }
}

/* The reading behind the change takes another value: both versions follow. */
static void test_correction(void **state)
{
    (void)state;
    static const struct shown shown[] = {{CHANGE_MS - HOUR_MS, 100}, {CHANGE_MS + HOUR_MS, 102}};
    struct shard *shard = make(&versions);
    int64_t old;
    int64_t new;
    assert_int_equal(apply(shard, &versions, shown[0], 0), OUTCOME_USED);
    assert_int_equal(apply(shard, &versions, shown[1], 0), OUTCOME_USED);
    sum(shard, &old, &new);
    assert_true(old == 2 * U && new == 3 * U);
    assert_int_equal(apply(shard, &versions, (struct shown){shown[1].at_ms, 104}, 1), OUTCOME_USED);
    sum(shard, &old, &new);
    assert_true(old == 4 * U && new == 6 * U);
    shard_destroy(&shard);
}

/* The change is told after readings behind it have come: they are taken over, as it reads them. */
static void test_late_version(void **state)
{
    (void)state;
    struct shard *shard = make(&before);
    for (size_t i = 0; i + 1 < COUNTS; i++)
        assert_int_equal(apply(shard, &before, counts[i], 0), OUTCOME_USED);
    shard = restart(shard, &versions);
    assert_int_equal(apply(shard, &versions, counts[COUNTS - 1], 0), OUTCOME_USED);
    shard = restart(shard, &versions);
    int64_t old;
    int64_t new;
    sum(shard, &old, &new);
    assert_int_equal(old, OLD_RIGHT);
    assert_int_equal(new, NEW_RIGHT);
    shard_destroy(&shard);
}

/* A version whose windows have all closed is no longer told of readings. */
static void test_closed_version(void **state)
{
    (void)state;
    struct shard *shard = make(&versions);
    assert_int_equal(apply(shard, &versions, (struct shown){START_MS, 100}, 0), OUTCOME_USED);
    for (int64_t t = START_MS + DAY_MS; t < START_MS + 8 * DAY_MS; t += DAY_MS) {
        assert_int_equal(apply(shard, &versions, (struct shown){t, t / DAY_MS}, 0), OUTCOME_USED);
        block->count = 0;
        shard_take_rows(shard, 0, TAKE_ALL, block);
        for (uint32_t i = 0; i < block->count; i++)
            shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
    }
    const struct journal *old = shard_get_journal(shard, 1);
    const struct journal *new = shard_get_journal(shard, 0);
    assert_true(journal_at(old, old->count - 1)->start_ms < START_MS + 4 * DAY_MS);
    assert_true(journal_at(new, new->count - 1)->start_ms == START_MS + 7 * DAY_MS);
    shard_destroy(&shard);
}

/* A reading for which the version's journal has no room is refused: no other version has it then,
 * and the clock stands where it stood. */
static void test_no_room(void **state)
{
    (void)state;
    enum { ROOM = 3, READINGS = 6 };
    uint32_t room = versions.meters[1].readings_max;
    versions.meters[1].readings_max = ROOM;
    struct shard *shard = make(&versions);
    for (int64_t i = 0; i < READINGS; i++) {
        enum outcome want = i < ROOM ? OUTCOME_USED : REJECT_JOURNAL_FULL;
        assert_int_equal(apply(shard, &versions,
                               (struct shown){CHANGE_MS - (READINGS - i) * HOUR_MS, 100 + i}, 0),
                         want);
    }
    assert_int_equal(shard_get_journal(shard, 0)->count, shard_get_journal(shard, 1)->count);
    shard = restart(shard, &versions);
    shard_destroy(&shard);
    versions.meters[1].readings_max = room;
}

/* A meter counts once in a window in which a version of it takes over from another. */
static void test_a_meter_counts_once(void **state)
{
    (void)state;
    static struct output output;
    struct shard *shard = make(&versions);
    for (int hour = 4; hour < 9; hour++) {
        struct shown shown = {START_MS + hour * HOUR_MS, INT64_C(10) * hour};
        assert_int_equal(apply(shard, &versions, shown, 0), OUTCOME_USED);
    }
    shard_finish(shard);
    drain(shard, block, &output);
    for (int hour = 4; hour < 8; hour++) {
        uint32_t rows = 0;
        for (size_t i = 0; i < output.count; i++) {
            const struct row *row = &output.rows[i];
            if (row->kind != ROW_COVERAGE || row->level != LEVEL_HOUR ||
                row->window.start_ms != START_MS + hour * HOUR_MS)
                continue;
            assert_int_equal(row->meters_expected, 1);
            assert_int_equal(row->meters_reporting, 1);
            rows++;
        }
        assert_int_equal(rows, 1);
    }
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_meter_counts_once), cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_correction),          cmocka_unit_test(test_late_version),
        cmocka_unit_test(test_closed_version),      cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
