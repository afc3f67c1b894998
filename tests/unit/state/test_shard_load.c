/* Loading under another configuration, and payloads that are not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

enum { PAYLOAD_MAX = 1 << 22, ROWS = 8000, DIESEL = 3 };

static const struct built_meter before[] = {
    {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
    {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
    {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
    {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
    {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0},
};
static const struct sink_conf near_far[] = {{.name = "near"}, {.name = "far"}};

static struct batch batch;
static struct block *block;
static struct buffer payload, why;
static struct plant old_plant;

static struct shard *make(const struct plant *plant, const struct window_conf *window,
                          const struct sink_conf *sinks, uint32_t sinks_count)
{
    const struct shard_context context = {.registry = &plant->registry,
                                          .window = window,
                                          .kernels = tests_kernels(),
                                          .sinks_count = sinks_count,
                                          .sinks = sinks};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

static void apply(struct shard *shard, struct input input)
{
    fill_batch(&batch, &input, 1);
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    assert_int_equal(batch.events[0].outcome, OUTCOME_USED);
}

static uint32_t settle_all(struct shard *shard, uint32_t sink)
{
    block->count = 0;
    shard_take_rows(shard, sink, TAKE_ALL, block);
    for (uint32_t i = 0; i < block->count; i++)
        shard_end_row(shard, sink, &block->rows[i], BLOCK_DURABLE);
    return block->count;
}

/* Five days of the old plant, every sink told of everything; days have left by then. */
static void save_old(void)
{
    struct shard *shard = make(&old_plant, &windows, near_far, 2);
    for (int64_t t = START_MS; t < START_MS + 5 * DAY_MS; t += HOUR_MS) {
        apply(shard, (struct input){0, t, t, (t - START_MS) / HOUR_MS * 3 * U, 0});
        apply(shard, (struct input){1, t, t + HOUR_MS, 10 * U, 0});
        apply(shard, (struct input){2, t, t + HOUR_MS, 20 * U, 0});
        apply(shard, (struct input){3, t, t, 50 * U, 0});
        if (t % DAY_MS == 0)
            apply(shard, (struct input){4, t, t, 100 * U, 0});
        for (uint32_t sink = 0; sink < 2; sink++)
            settle_all(shard, sink);
    }
    buffer_clear(&payload);
    assert_int_equal(shard_save(shard, true, &payload), 0);
    shard_destroy(&shard);
}

static int set_up(void **state)
{
    set_up_registry(state);
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&why, 1 << 16);
    plant_init(&old_plant, before, ARRAY_LEN(before));
    assert_int_equal(block_create(&block, ROWS), 0);
    save_old();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    block_destroy(&block);
    plant_fini(&old_plant);
    buffer_fini(&payload);
    buffer_fini(&why);
    return 0;
}

static int load(struct shard *shard, const void *bytes, size_t size)
{
    buffer_clear(&why);
    int err = shard_load(shard, bytes, size, &why);
    return err < 0 ? err : shard_load_end(shard, &why);
}

static struct shard *load_good(const struct plant *plant, const struct sink_conf *sinks,
                               uint32_t sinks_count)
{
    struct shard *shard = make(plant, &windows, sinks, sinks_count);
    if (load(shard, payload.data, payload.size) < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_clear(&why);
    if (shard_audit(shard, &why) != 0)
        fail_msg("%s", buffer_text(&why));
    return shard;
}

/* The rows of one kind of window that are dirty for "near", by series; figures are added up. */
static void sum_rows(struct shard *shard, enum level level, struct figures sums[8])
{
    for (;;) {
        block->count = 0;
        if (shard_take_rows(shard, 0, TAKE_ALL, block) == 0)
            return;
        for (uint32_t i = 0; i < block->count; i++) {
            const struct row *row = &block->rows[i];
            if (row->kind == ROW_EMISSIONS && row->level == level)
                figures_add(&sums[row->series], &row->figures);
            shard_end_row(shard, 0, row, BLOCK_DURABLE);
        }
    }
}

/* Energy is null in months and years, whose closed part has none; all else is as it was. */
static void expect_without_energy(enum level level, struct figures got[8],
                                  const struct figures want[8])
{
    for (size_t i = 0; i < 8; i++) {
        assert_true(figures_know(&want[i], FIGURE_ENERGY));
        bool closed = level >= LEVEL_MONTH && want[i].value[FIGURE_CELLS] > 0;
        assert_int_equal(figures_know(&got[i], FIGURE_ENERGY), !closed);
        if (closed)
            got[i].value[FIGURE_ENERGY] = want[i].value[FIGURE_ENERGY];
        got[i].value[FIGURE_ENERGY_UNKNOWN] = 0;
    }
    assert_memory_equal(got, want, 8 * sizeof(*want));
}

/* The work of save_old(), as earlier versions wrote it: every later version must read it. Up to
 * version 2 every window is written once more. In version 1, kept from when masses of all gases
 * were milligrams, and days left before they were proven, "far" could lose every row of the last
 * day. Version 2 is from before readings had roles and cells had notes. */
static void expect_kept(const char *path, int version)
{
    static unsigned char bytes[8192];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    assert_int_equal(bytes[5], version);
    for (enum level level = LEVEL_BUCKET; level < LEVEL_COUNT; level++) {
        struct shard *shard = make(&old_plant, &windows, near_far, 2);
        if (load(shard, bytes, size) < 0 || shard_audit(shard, &why) != 0)
            fail_msg("%s", buffer_text(&why));
        struct shard *same = load_good(&old_plant, near_far, 2);
        uint64_t windows_count = shard_mark_dirty(same, 0, INT64_MIN);
        assert_int_equal(shard_get_stats(shard)->dirty_rows, version < 3 ? 2 * windows_count : 0);
        if (version >= 3)
            (void)shard_mark_dirty(shard, 0, INT64_MIN);
        struct figures got[8] = {0};
        struct figures want[8] = {0};
        sum_rows(shard, level, got);
        sum_rows(same, level, want);
        for (size_t i = 0; i < ARRAY_LEN(got); i++) { /* cells of before had no notes */
            got[i].noted = want[i].noted;
            got[i].value[FIGURE_SPREAD] = want[i].value[FIGURE_SPREAD];
        }
        assert_true(want[0].value[FIGURE_CO2] > 0);
        if (version == 1)
            expect_without_energy(level, got, want);
        else
            assert_memory_equal(got, want, sizeof(want));
        shard_destroy(&shard);
        shard_destroy(&same);
    }
}

static void test_kept_from_before(void **state)
{
    (void)state;
    expect_kept("tests/data/state/five_days.bin", 1);
    expect_kept("tests/data/state/five_days_2.bin", 2);
    expect_kept("tests/data/state/five_days_3.bin", 3);
    expect_kept("tests/data/state/five_days_4.bin", 4);
}

/* --- other meters and factors --- */

static void test_same(void **state)
{
    (void)state;
    struct shard *shard = load_good(&old_plant, near_far, 2);
    assert_int_equal(shard_get_stats(shard)->dirty_rows, 0);
    assert_int_equal(shard_get_stats(shard)->facilities, 2);
    assert_int_equal(settle_all(shard, 0), 0);
    struct buffer again;
    buffer_init(&again, PAYLOAD_MAX);
    assert_int_equal(shard_save(shard, true, &again), 0);
    assert_int_equal(again.size, payload.size);
    assert_memory_equal(again.data, payload.data, payload.size);
    buffer_fini(&again);
    shard_destroy(&shard);
}

struct change {
    const char *name;
    int64_t readings; /* more or less than there were */
    uint32_t facilities;
    bool mill_dirty, yard_dirty;
    struct built_meter meters[8];
    size_t count;
};

static const struct change changes[] = {
    {"a meter added in front",
     0,
     2,
     true,
     false,
     {{"mill", "attic", KIND_INTERVAL, "heat", "steam", 1, 0, 0},
      {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
      {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0}},
     6},
    {"a meter removed",
     -1,
     2,
     true,
     false,
     {{"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
      {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0}},
     4},
    {"a series removed",
     -1,
     2,
     true,
     false,
     {{"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0}},
     4},
    {"a facility removed",
     -1,
     1,
     false,
     false,
     {{"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0}},
     2},
    {"facilities in another order",
     0,
     2,
     false,
     false,
     {{"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0},
      {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
      {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0}},
     5},
    {"another factor",
     0,
     2,
     false,
     true,
     {{"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
      {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 3.1, 0, 0}},
     5},
    {"another category",
     0,
     2,
     true,
     false,
     {{"mill", "boiler", KIND_REGISTER, "process", "gas", 2.0, 0, 0},
      {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0}},
     5},
    {"valid from another time",
     0,
     2,
     true,
     false,
     {{"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, START_MS},
      {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0}},
     5},
    {"a meter of two versions",
     0,
     2,
     true,
     false,
     {{"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
      {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 40, START_MS + 9 * DAY_MS},
      {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
      {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
      {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0}},
     6},
};

static bool has_rows_of(const struct plant *plant, const char *facility)
{
    for (uint32_t i = 0; i < block->count; i++) {
        if (strcmp(plant->facilities[block->rows[i].facility].id, facility) == 0)
            return true;
    }
    return false;
}

static void test_other_registry(void **state)
{
    (void)state;
    struct shard *old = load_good(&old_plant, near_far, 2);
    int64_t readings = (int64_t)shard_get_stats(old)->readings;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const struct change *change = &changes[i];
        struct plant plant;
        plant_init(&plant, change->meters, change->count);
        struct shard *shard = load_good(&plant, near_far, 2);
        const struct shard_stats *stats = shard_get_stats(shard);
        int64_t more = (int64_t)stats->readings - readings;
        if (stats->facilities != change->facilities || (more > 0) - (more < 0) != change->readings)
            fail_msg("%s: %d facilities, %d readings more", change->name, (int)stats->facilities,
                     (int)more);
        settle_all(shard, 1);
        if (has_rows_of(&plant, "mill") != change->mill_dirty ||
            has_rows_of(&plant, "yard") != change->yard_dirty)
            fail_msg("%s: not the right ones are written again", change->name);
        assert_int_equal(settle_all(shard, 1), 0);
        shard_destroy(&shard);
        plant_fini(&plant);
    }
    shard_destroy(&old);
}

/* Days that have left stay as they were. Open windows are rated again, as a revision if the
 * watermark has passed them. */
static void test_another_factor_rates_anew(void **state)
{
    (void)state;
    struct built_meter after[ARRAY_LEN(before)];
    memcpy(after, before, sizeof(before));
    after[4].factor = 5.4;
    struct plant plant;
    plant_init(&plant, after, ARRAY_LEN(after));
    struct shard *shard = load_good(&plant, near_far, 2);
    settle_all(shard, 0);
    uint32_t found = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind != ROW_EMISSIONS || row->series != DIESEL)
            continue;
        int128 delivered = row->figures.value[FIGURE_ACTIVITY];
        int128 mass_mg = row->figures.value[FIGURE_CO2];
        if (row->level == LEVEL_DAY) {
            assert_true(mass_mg * 10 == delivered * 54);
            found += row->revision > 0;
        }
        if (row->level == LEVEL_MONTH && delivered > (int128)100 * U) {
            assert_true(mass_mg * 10 > delivered * 27 && mass_mg * 10 < delivered * 54);
            found += 100;
        }
    }
    assert_true(found > 100);
    shard_destroy(&shard);
    plant_fini(&plant);
}

static void test_refused_meters(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        struct built_meter meter; /* instead of the boiler */
    } cases[] = {
        {"unit or multiplier", {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 10, 0}},
        {"kind", {"mill", "boiler", KIND_GAUGE, "stationary", "gas", 2.0, 0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct built_meter after[ARRAY_LEN(before)];
        memcpy(after, before, sizeof(before));
        after[0] = cases[i].meter;
        struct plant plant;
        plant_init(&plant, after, ARRAY_LEN(after));
        struct shard *shard = make(&plant, &windows, near_far, 2);
        assert_int_equal(load(shard, payload.data, payload.size), ERR_CONFIG);
        assert_non_null(strstr(buffer_text(&why), cases[i].words));
        assert_non_null(strstr(buffer_text(&why), "\"boiler\""));
        shard_destroy(&shard);
        plant_fini(&plant);
    }
}

static void test_refused_details(void **state)
{
    (void)state;
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    static const char *const words[] = {"number of digits", "quantity", "time zone",
                                        "more readings"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        plant.meters[0].register_modulus = i == 0 ? 1000 * U : 0;
        plant.meters[0].quantity = i == 1 ? QUANTITY_MASS : 0;
        plant.facilities[1].time_zone = i == 2 ? "Asia/Tokyo" : "America/New_York";
        plant.meters[1].readings_max = i == 3 ? 3 : 1024;
        struct shard *shard = make(&plant, &windows, near_far, 2);
        assert_int_equal(load(shard, payload.data, payload.size), ERR_CONFIG);
        if (strstr(buffer_text(&why), words[i]) == NULL)
            fail_msg("%s: %s", words[i], buffer_text(&why));
        shard_destroy(&shard);
    }
    plant_fini(&plant);
}

/* --- other sinks and windows --- */

static void test_other_sinks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct sink_conf sinks[3];
        uint32_t count;
        bool written[3];
    } cases[] = {
        {"the same", {{.name = "near"}, {.name = "far"}}, 2, {false, false}},
        {"another order", {{.name = "far"}, {.name = "near"}}, 2, {false, false}},
        {"one added in front",
         {{.name = "new"}, {.name = "near"}, {.name = "far"}},
         3,
         {true, false, false}},
        {"one removed", {{.name = "far"}}, 1, {false}},
        {"another name", {{.name = "near"}, {.name = "remote"}}, 2, {false, true}},
        {"none", {{.name = NULL}}, 0, {false}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct shard *shard = load_good(&old_plant, cases[i].sinks, cases[i].count);
        for (uint32_t sink = 0; sink < cases[i].count; sink++) {
            bool written = settle_all(shard, sink) > 0;
            if (written != cases[i].written[sink])
                fail_msg("%s: sink %d gets %d", cases[i].name, (int)sink, written);
        }
        shard_destroy(&shard);
    }
}

/* Dirty for one of them only: it stays so under any number. */
static void test_dirty_sink_keeps_its_name(void **state)
{
    (void)state;
    static const struct sink_conf far_near[] = {{.name = "far"}, {.name = "near"}};
    struct shard *shard = load_good(&old_plant, near_far, 2);
    apply(shard, (struct input){1, START_MS + 5 * DAY_MS, START_MS + 5 * DAY_MS + HOUR_MS, U, 0});
    settle_all(shard, 0);
    struct buffer one;
    buffer_init(&one, PAYLOAD_MAX);
    assert_int_equal(shard_save(shard, true, &one), 0);
    shard_destroy(&shard);
    shard = make(&old_plant, &windows, far_near, 2);
    assert_int_equal(load(shard, one.data, one.size), 0);
    assert_true(settle_all(shard, 0) > 0);
    assert_int_equal(settle_all(shard, 1), 0);
    shard_destroy(&shard);
    buffer_fini(&one);
}

static void test_other_windows(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        struct window_conf window;
    } cases[] = {
        {"windows.bucket was 15m and is 30m",
         {30 * MIN_MS, 5 * MIN_MS, 10 * MIN_MS, 2 * DAY_MS, HOUR_MS, 400 * DAY_MS, HOUR_MS, 0, 1}},
        {"windows.allowed_delay was 5m and is 0s",
         {15 * MIN_MS, 0, 10 * MIN_MS, 2 * DAY_MS, HOUR_MS, 400 * DAY_MS, HOUR_MS, 0, 1}},
        {"windows.grace was 10m and is 1h",
         {15 * MIN_MS, 5 * MIN_MS, HOUR_MS, 2 * DAY_MS, HOUR_MS, 400 * DAY_MS, HOUR_MS, 0, 1}},
        {"windows.horizon was 2d and is 3d",
         {15 * MIN_MS, 5 * MIN_MS, 10 * MIN_MS, 3 * DAY_MS, HOUR_MS, 400 * DAY_MS, HOUR_MS, 0, 1}},
        {"windows.early_tolerance was 1h and is 2h",
         {15 * MIN_MS, 5 * MIN_MS, 10 * MIN_MS, 2 * DAY_MS, 2 * HOUR_MS, 400 * DAY_MS, HOUR_MS, 0,
          1}},
        {"windows.fiscal_year_start was 1 and is 4",
         {15 * MIN_MS, 5 * MIN_MS, 10 * MIN_MS, 2 * DAY_MS, HOUR_MS, 400 * DAY_MS, HOUR_MS, 0, 4}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct shard *shard = make(&old_plant, &cases[i].window, near_far, 2);
        assert_int_equal(load(shard, payload.data, payload.size), ERR_CONFIG);
        if (strstr(buffer_text(&why), cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].words, buffer_text(&why));
        shard_destroy(&shard);
    }
}

/* --- damage --- */

static void expect_refused(const char *name, const void *bytes, size_t size)
{
    struct shard *shard = make(&old_plant, &windows, near_far, 2);
    if (load(shard, bytes, size) != ERR_SYNTAX)
        fail_msg("%s: not refused", name);
    assert_true(why.size > 0);
    shard_destroy(&shard);
}

static void test_cut_off(void **state)
{
    (void)state;
    for (size_t size = 0; size < payload.size; size += 1 + size / 50)
        expect_refused("cut off", payload.data, size);
    expect_refused("all but the last byte", payload.data, payload.size - 1);
    struct buffer longer;
    buffer_init(&longer, PAYLOAD_MAX);
    buffer_add(&longer, payload.data, payload.size);
    buffer_add_char(&longer, '\0');
    expect_refused("one byte more", longer.data, longer.size);
    longer.data[0] ^= 1;
    expect_refused("another magic", longer.data, payload.size);
    longer.data[0] ^= 1;
    longer.data[5]++;
    expect_refused("another version", longer.data, payload.size);
    assert_non_null(strstr(buffer_text(&why), "format 6"));
    longer.data[5]--;
    longer.data[6]++;
    expect_refused("an increment first", longer.data, payload.size);
    buffer_fini(&longer);
}

static void test_chains(void **state)
{
    (void)state;
    struct shard *shard = make(&old_plant, &windows, near_far, 2);
    buffer_clear(&why);
    assert_int_equal(shard_load_end(shard, &why), ERR_SYNTAX); /* nothing was loaded */
    assert_int_equal(shard_load(shard, payload.data, payload.size, &why), 0);
    assert_int_equal(shard_load(shard, payload.data, payload.size, &why), ERR_SYNTAX);
    shard_destroy(&shard);
}

/* A byte that is another: an error, or a state that can be worked with; never a crash. */
static void test_any_byte(void **state)
{
    (void)state;
    for (size_t at = 0; at < payload.size; at += payload.size / 1500 + 1) {
        char kept = payload.data[at];
        payload.data[at] = (char)(kept ^ (1 << at % 8));
        struct shard *shard = make(&old_plant, &windows, near_far, 2);
        if (load(shard, payload.data, payload.size) == 0) {
            settle_all(shard, 0);
            settle_all(shard, 1);
        }
        shard_destroy(&shard);
        payload.data[at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),           cmocka_unit_test(test_kept_from_before),
        cmocka_unit_test(test_other_registry), cmocka_unit_test(test_another_factor_rates_anew),
        cmocka_unit_test(test_refused_meters), cmocka_unit_test(test_refused_details),
        cmocka_unit_test(test_other_sinks),    cmocka_unit_test(test_dirty_sink_keeps_its_name),
        cmocka_unit_test(test_other_windows),  cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_chains),         cmocka_unit_test(test_any_byte),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
