/* A site that is loaded under another registry, or in another partition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

enum { PAYLOAD_MAX = 1 << 20, ROWS = 8000 };

static const struct built_meter before[] = {
    {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
    {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
    {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0},
};
enum { LINE = 1, TRUCK = 2, GRID = 1 };
static const struct sink_conf near_far[] = {{.name = "near"}, {.name = "far"}};

static struct batch batch;
static struct block *block;
static struct buffer saved, why;

static int set_up(void **state)
{
    (void)state;
    buffer_init(&saved, PAYLOAD_MAX);
    buffer_init(&why, 1 << 16);
    return block_create(&block, ROWS);
}

static int tear_down(void **state)
{
    (void)state;
    block_destroy(&block);
    buffer_fini(&saved);
    buffer_fini(&why);
    return 0;
}

static struct shard *make(const struct plant *plant, uint32_t partition, uint32_t *owners)
{
    const struct shard_context context = {.registry = &plant->registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 2,
                                          .sinks = near_far,
                                          .facility_partition = owners};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, partition), 0);
    return shard;
}

static void apply(struct shard *shard, struct input input)
{
    fill_batch(&batch, &input, 1);
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    assert_int_equal(batch.events[0].outcome, OUTCOME_USED);
}

static void save(struct shard **shard)
{
    buffer_clear(&saved);
    assert_int_equal(shard_save(*shard, true, &saved), 0);
    shard_destroy(shard);
}

static void load(struct shard *shard)
{
    buffer_clear(&why);
    if (shard_load(shard, saved.data, saved.size, &why) < 0 || shard_load_end(shard, &why) < 0 ||
        shard_audit(shard, &why) != 0)
        fail_msg("%s", buffer_text(&why));
}

static void take(struct shard *shard)
{
    block->count = 0;
    shard_take_rows(shard, 0, TAKE_ALL, block);
    for (uint32_t i = 0; i < block->count; i++)
        shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
}

/* Line 1 has more than it can hold in a bucket by now: cells that were projected for good count as
 * nothing then, as those that are projected again do. At its limit a cell stays. */
static void expect_limited(int64_t value, int64_t cell_max, int64_t want)
{
    enum { HOURS = 62, READINGS_MAX = 56 }; /* the oldest readings are forgotten */
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    plant.meters[LINE].readings_max = READINGS_MAX;
    struct shard *shard = make(&plant, 0, NULL);
    for (int64_t t = START_MS; t < START_MS + HOURS * HOUR_MS; t += HOUR_MS)
        apply(shard, (struct input){LINE, t, t + HOUR_MS, 4 * value, 0});
    assert_true(shard_get_stats(shard)->readings < READINGS_MAX);
    save(&shard);
    plant.meters[LINE].cell_max = cell_max;
    shard = make(&plant, 0, NULL);
    load(shard);
    take(shard);
    struct figures sum = {0};
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind == ROW_EMISSIONS && row->level == LEVEL_DAY && row->series == GRID)
            figures_add(&sum, &row->figures);
    }
    assert_true(sum.value[FIGURE_ACTIVITY] == (int128)4 * HOURS * want);
    assert_true(sum.value[FIGURE_CELLS] == (int128)4 * HOURS);
    assert_true(sum.value[FIGURE_COVERED] == (int128)HOURS * HOUR_MS);
    shard_destroy(&shard);
    plant_fini(&plant);
}

static void test_lower_limit(void **state)
{
    (void)state;
    expect_limited(10 * U, 10 * U, 10 * U);
    expect_limited(10 * U, 10 * U - 1, 0);
    expect_limited(-10 * U, 10 * U, -10 * U);
    expect_limited(-10 * U, 10 * U - 1, 0);
}

/* The largest values that a meter can show come back. */
static void test_largest_values(void **state)
{
    (void)state;
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    for (int sign = -1; sign <= 1; sign += 2) {
        struct shard *shard = make(&plant, 0, NULL);
        apply(shard, (struct input){LINE, START_MS, START_MS + 15 * MIN_MS, sign * CELL_MAX, 0});
        apply(shard, (struct input){0, START_MS, START_MS, sign * REGISTER_MAX, 0});
        apply(shard,
              (struct input){0, START_MS + HOUR_MS, START_MS + HOUR_MS, -sign * REGISTER_MAX, 0});
        save(&shard);
        shard = make(&plant, 0, NULL);
        load(shard);
        assert_int_equal(shard_get_stats(shard)->readings, 3);
        shard_destroy(&shard);
    }
    plant_fini(&plant);
}

/* Windows that the watermark has passed are written as revisions, those of the newest reading's
 * watermark too. */
static void test_another_factor_is_a_revision(void **state)
{
    (void)state;
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    struct shard *shard = make(&plant, 0, NULL);
    struct input input = {LINE, START_MS, START_MS + 15 * MIN_MS, 10 * U, 0};
    apply(shard, input);
    input.start_ms += 5 * HOUR_MS;
    input.end_ms += 5 * HOUR_MS;
    apply(shard, input);
    save(&shard);
    plant_fini(&plant);
    struct built_meter after[ARRAY_LEN(before)];
    memcpy(after, before, sizeof(before));
    after[LINE].factor = 0.6;
    plant_init(&plant, after, ARRAY_LEN(after));
    shard = make(&plant, 0, NULL);
    load(shard);
    take(shard);
    uint32_t found = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind != ROW_EMISSIONS || row->level != LEVEL_BUCKET)
            continue;
        assert_int_equal(row->revision, row->window.start_ms == START_MS);
        found++;
    }
    assert_int_equal(found, 2);
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* The facilities of a state belong to its partition, unless another one has them by now. */
static void test_owner(void **state)
{
    (void)state;
    uint32_t owners[] = {UINT32_MAX, UINT32_MAX};
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    struct shard *shard = make(&plant, 3, owners);
    apply(shard, (struct input){LINE, START_MS, START_MS + 15 * MIN_MS, U, 0});
    apply(shard, (struct input){TRUCK, START_MS, START_MS, U, 0});
    save(&shard);
    assert_int_equal(owners[0], UINT32_MAX);
    owners[1] = 7;
    shard = make(&plant, 3, owners);
    load(shard);
    assert_int_equal(owners[0], 3);
    assert_int_equal(owners[1], 7);
    shard_destroy(&shard);
    assert_int_equal(owners[0], UINT32_MAX);
    assert_int_equal(owners[1], 7);
    plant_fini(&plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lower_limit),
        cmocka_unit_test(test_largest_values),
        cmocka_unit_test(test_another_factor_is_a_revision),
        cmocka_unit_test(test_owner),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
