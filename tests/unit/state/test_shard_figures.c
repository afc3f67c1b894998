/* Figures that are null: of a meter that they do not know, and of days that were closed before
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

enum { PAYLOAD_MAX = 1 << 20, ROWS = 4000, LINE = 0, TANK, OTHER_TANK, PLANT_METERS };
enum { POWER, OIL, PLANT_SERIES };

/* The other tank reports in one hour of one day alone. */
enum { DAY_COUNT = 5, HOUR_COUNT = 24 * DAY_COUNT, HOUR_OF_OTHER_TANK = 30 };

static const struct built_meter built[PLANT_METERS] = {
    {"mill", "line", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
    {"mill", "tank", KIND_INTERVAL, "stationary", "oil", 2.0, 0, 0},
    {"mill", "other-tank", KIND_INTERVAL, "stationary", "oil", 2.0, 0, 0},
};
static const struct sink_conf near[] = {{.name = "near"}};
static struct plant plant;
static struct batch batch;
static struct block *block;
static struct buffer payload, why;

static struct shard *make(void)
{
    const struct shard_context context = {.registry = &plant.registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 1,
                                          .sinks = near};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

static void apply(struct shard *shard, uint32_t meter, int64_t start_ms)
{
    struct input input = {meter, start_ms, start_ms + HOUR_MS, 10 * U, 0};
    fill_batch(&batch, &input, 1);
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    assert_int_equal(batch.events[0].outcome, OUTCOME_USED);
}

static void settle(struct shard *shard)
{
    block->count = 0;
    shard_take_rows(shard, 0, TAKE_ALL, block);
    for (uint32_t i = 0; i < block->count; i++)
        shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
}

/* Five days; the first of them have left the panel by then. */
static struct shard *fill(void)
{
    struct shard *shard = make();
    for (int64_t hour = 0; hour < HOUR_COUNT; hour++) {
        apply(shard, LINE, START_MS + hour * HOUR_MS);
        apply(shard, TANK, START_MS + hour * HOUR_MS);
        if (hour == HOUR_OF_OTHER_TANK)
            apply(shard, OTHER_TANK, START_MS + hour * HOUR_MS);
        settle(shard);
    }
    return shard;
}

static int set_up(void **state)
{
    set_up_registry(state);
    plant_init(&plant, built, PLANT_METERS);
    plant.factors[0][(size_t)RATE_ENERGY * PLANT_METERS + OTHER_TANK] = 0;
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&why, PAYLOAD_MAX);
    return block_create(&block, ROWS);
}

static int tear_down(void **state)
{
    (void)state;
    block_destroy(&block);
    buffer_fini(&payload);
    buffer_fini(&why);
    plant_fini(&plant);
    return 0;
}

static struct shard *load(void)
{
    struct shard *shard = make();
    if (shard_load(shard, payload.data, payload.size, &why) < 0 || shard_load_end(shard, &why) < 0)
        fail_msg("%s", buffer_text(&why));
    return shard;
}

/* All rows of one level and series, added up; *null_out counts those without energy. */
static struct figures sum_rows(struct shard *shard, enum level level, uint32_t series,
                               uint32_t *null_out)
{
    struct figures sum = {0};
    *null_out = 0;
    (void)shard_mark_dirty(shard, 0, INT64_MIN);
    block->count = 0;
    shard_take_rows(shard, 0, TAKE_ALL, block);
    assert_true(block->count > 0 && block->count < ROWS - PLANT_SERIES - 1);
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind == ROW_EMISSIONS && row->level == level && row->series == series) {
            figures_add(&sum, &row->figures);
            *null_out += !figures_know(&row->figures, FIGURE_ENERGY);
        }
        shard_end_row(shard, 0, row, BLOCK_DURABLE);
    }
    return sum;
}

/* A window is null where the meter without heat content has a reading, and in no other; so it is
 * in months and years when its day has left. */
static void test_rows(void **state)
{
    (void)state;
    static const struct {
        enum level level;
        uint32_t days; /* that the reading is from the end */
        uint32_t want_null;
    } cases[] = {{LEVEL_BUCKET, 1, 4}, {LEVEL_HOUR, 1, 1},  {LEVEL_DAY, 1, 1},
                 {LEVEL_MONTH, 1, 1},  {LEVEL_YEAR, 1, 1},  {LEVEL_BUCKET, 4, 0},
                 {LEVEL_DAY, 4, 0},    {LEVEL_MONTH, 4, 1}, {LEVEL_YEAR, 4, 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct shard *shard = fill();
        if (cases[i].days == 1)
            apply(shard, OTHER_TANK, START_MS + (DAY_COUNT - 1) * DAY_MS + HOUR_MS);
        uint32_t null = 0;
        struct figures oil = sum_rows(shard, cases[i].level, OIL, &null);
        if (null != cases[i].want_null)
            fail_msg("row %zu: %u", i, null);
        assert_true(oil.value[FIGURE_ENERGY] > 0); /* of the other tank's neighbour */
        struct figures power = sum_rows(shard, cases[i].level, POWER, &null);
        assert_int_equal(null, 0);
        assert_true(power.value[FIGURE_ENERGY] * 10000 == power.value[FIGURE_ACTIVITY] * 36);
        shard_destroy(&shard);
    }
}

/* Gives a figure in the payload a name that no table has. */
static void hide_figure(const char *name)
{
    char *found = memmem(payload.data, payload.size, name, strlen(name));
    assert_non_null(found);
    *found = 'X';
}

/* A state of the present format whose table had no energy, also after it was saved again: the count
 * of cells that are unknown is saved with the rest. */
static void test_younger_than_the_state(void **state)
{
    (void)state;
    for (enum level level = LEVEL_BUCKET; level < LEVEL_COUNT; level++) {
        struct shard *same = fill();
        buffer_clear(&payload);
        assert_int_equal(shard_save(same, true, &payload), 0);
        hide_figure("energy_gj");
        hide_figure("energy_unknown");
        struct shard *shard = load();
        buffer_clear(&payload);
        assert_int_equal(shard_save(shard, true, &payload), 0);
        shard_destroy(&shard);
        shard = load();
        uint32_t null = 0;
        struct figures got = sum_rows(shard, level, POWER, &null);
        assert_int_equal(null, level >= LEVEL_MONTH);
        struct figures want = sum_rows(same, level, POWER, &null);
        assert_int_equal(null, 0);
        if (level >= LEVEL_MONTH)
            got.value[FIGURE_ENERGY] = want.value[FIGURE_ENERGY];
        got.value[FIGURE_ENERGY_UNKNOWN] = 0;
        assert_memory_equal(&got, &want, sizeof(want));
        shard_destroy(&shard);
        shard_destroy(&same);
    }
}

/* A state of before there were rows of energy: every open window gets one, which is its import in
 * months and years too, whose first days have left. */
static void test_energy_of_an_earlier_state(void **state)
{
    (void)state;
    struct shard *shard = fill();
    buffer_clear(&payload);
    assert_int_equal(shard_save(shard, true, &payload), 0);
    shard_destroy(&shard);
    plant.series[POWER].flow = FLOW_IMPORT;
    plant.facilities[0].flows = 1U << FLOW_IMPORT;
    shard = load();
    block->count = 0;
    shard_take_rows(shard, 0, TAKE_ALL, block);
    uint32_t levels = 0;
    int128 import = -1;
    const struct row *energy = NULL;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind == ROW_EMISSIONS && row->series == POWER)
            import = row->figures.value[FIGURE_ACTIVITY];
        if (row->kind == ROW_ENERGY)
            energy = row;
        if (row->kind != ROW_COVERAGE)
            continue;
        ASSERT(energy != NULL);
        assert_true(energy->level == row->level);
        assert_true(energy->window.start_ms == row->window.start_ms);
        assert_true(energy->version == row->version && energy->final == row->final);
        assert_true(energy->figures.value[BALANCE_IMPORT] == import && import > 0);
        assert_true(energy->figures.value[BALANCE_CONSUMPTION] == import);
        assert_int_equal(energy->flows_unknown, 0);
        levels |= 1U << row->level;
        energy = NULL;
        import = -1;
    }
    assert_int_equal(levels, (1U << LEVEL_COUNT) - 1);
    shard_destroy(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_younger_than_the_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_energy_of_an_earlier_state, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("shard_figures", tests, NULL, NULL);
}
