/* Stocks that accrue: the readings of all meters carry them on, and the log alone decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

enum { PAYLOAD_MAX = 1 << 20, ROWS = 8000, CLOCK = 0, BIN = 1, YARD = 2 };

static const struct built_meter built[] = {
    {"mill", "clock", KIND_DELIVERY, "mobile", "diesel", 0.0, 0, 0},
    {"mine", "bin", KIND_STOCK, "stationary", "coal", 2.0, 0, 0},
    {"mine", "yard", KIND_STOCK, "stationary", "coal", 2.0, 0, 0},
};
static const struct sink_conf sinks[] = {{.name = "one"}};

/* The target of the mine, for a leap. */
static struct target target = {.id = "mine-2030",
                               .level = TARGET_FACILITY,
                               .facility = 1,
                               .scopes = 1U << 1,
                               .year_start = 1,
                               .meter = REGISTRY_NONE,
                               .base_year = 2024,
                               .target_year = 2030,
                               .base_mg = INT64_C(1000000000000),
                               .cut = PART_ONE / 2};
static struct targets targets = {.targets = &target};
static const struct trajectory_conf trajectory = {.nonworking = PART_ONE,
                                                  .base_change_min = PART_ONE / 20,
                                                  .watch = 1,
                                                  .enter_days = 1,
                                                  .leave_days = 1};

/* New York, whose clocks go forward on 8 March. */
static const struct offset_change offsets[] = {{INT64_MIN, -5 * HOUR_MS},
                                               {START_MS + 7 * DAY_MS + 7 * HOUR_MS, -4 * HOUR_MS}};
static const struct local_time new_york = {offsets, ARRAY_LEN(offsets)};

static struct plant plant;
static struct batch batch;
static struct block *block;
static struct buffer payload, why;

static struct shard *make(void)
{
    const struct shard_context context = {.registry = &plant.registry,
                                          .window = &windows,
                                          .targets = &targets,
                                          .trajectory = &trajectory,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 1,
                                          .sinks = sinks};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

/* False: the shard is blocked behind the event. */
static bool apply(struct shard *shard, uint32_t meter, int64_t time_ms, int64_t value)
{
    batch_clear(&batch);
    *batch_add(&batch) = (struct batch_event){.meter = meter,
                                              .start_ms = time_ms,
                                              .end_ms = time_ms,
                                              .value = value * U,
                                              .quality = QUALITY_ACTUAL,
                                              .role = meter == CLOCK ? ROLE_READING : ROLE_DIP,
                                              .arrived_ms = INT64_MIN};
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    assert_int_equal(batch.events[0].outcome, OUTCOME_USED);
    return !shard_is_blocked(shard);
}

/* The day of the mine's coal in `block`, or NULL. */
static const struct row *find(enum level level, int64_t start_ms)
{
    const struct row *found = NULL;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind == ROW_EMISSIONS && row->facility == 1 && row->level == level &&
            row->window.start_ms == start_ms)
            found = row;
    }
    return found;
}

static void take(struct shard *shard)
{
    block->count = 0;
    (void)shard_take_rows(shard, 0, TAKE_ALL, block);
}

static void settle(struct shard *shard)
{
    for (uint32_t i = 0; i < block->count; i++)
        shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
}

static int64_t activity_of(const struct row *row)
{
    return row == NULL ? -1 : (int64_t)row->figures.value[FIGURE_ACTIVITY];
}

/* The bin of 96 a day goes on with the clock of another facility, bucket by bucket. */
static void test_others_carry_on(void **state)
{
    (void)state;
    struct shard *shard = make();
    int64_t edge_ms = START_MS + DAY_MS;
    assert_true(apply(shard, BIN, START_MS, 1096));
    assert_true(apply(shard, BIN, edge_ms, 1000));
    int64_t behind_ms = windows.allowed_delay_ms + windows.grace_ms;
    take(shard);
    settle(shard);
    assert_true(apply(shard, CLOCK, edge_ms + behind_ms + windows.bucket_ms - 1, 1));
    take(shard);
    assert_null(find(LEVEL_BUCKET, edge_ms));
    settle(shard);
    assert_true(apply(shard, CLOCK, edge_ms + behind_ms + windows.bucket_ms, 1));
    take(shard);
    const struct row *row = find(LEVEL_BUCKET, edge_ms);
    assert_int_equal(activity_of(row), 96 * U * windows.bucket_ms / DAY_MS);
    assert_int_equal(row->figures.value[FIGURE_ESTIMATED], windows.bucket_ms);
    assert_int_equal(row->revision, 0);
    assert_true(row->final);
    assert_null(find(LEVEL_BUCKET, edge_ms + windows.bucket_ms));
    settle(shard);

    /* The dip of the second day takes it back: a final window has changed. */
    assert_true(apply(shard, BIN, edge_ms + DAY_MS, 1000));
    take(shard);
    row = find(LEVEL_BUCKET, edge_ms);
    assert_int_equal(activity_of(row), 0);
    assert_int_equal(row->figures.value[FIGURE_ESTIMATED], 0);
    assert_int_equal(row->revision, 1);
    settle(shard);
    shard_destroy(&shard);
}

/* Both stocks touch the same windows: each counts. Behind a dip that comes late all is touched. */
static void test_revisions(void **state)
{
    (void)state;
    struct shard *shard = make();
    int64_t edge_ms = START_MS + DAY_MS;
    (void)apply(shard, BIN, START_MS, 1096);
    (void)apply(shard, YARD, START_MS, 1096);
    (void)apply(shard, BIN, START_MS + DAY_MS / 2, 1048);
    (void)apply(shard, YARD, edge_ms, 1000);
    (void)apply(shard, CLOCK, edge_ms + DAY_MS, 1);
    (void)apply(shard, BIN, edge_ms, 1000); /* as it has run on */
    take(shard);
    const struct row *row = find(LEVEL_BUCKET, edge_ms);
    assert_int_equal(activity_of(row), 192 * U * windows.bucket_ms / DAY_MS);
    assert_int_equal(row->revision, 1);
    assert_int_equal(find(LEVEL_BUCKET, edge_ms - windows.bucket_ms)->revision, 1);
    assert_int_equal(find(LEVEL_BUCKET, START_MS + DAY_MS / 4)->revision, 1); /* the yard's dip */
    settle(shard);
    shard_destroy(&shard);
}

static struct shard *reload(struct shard **old)
{
    buffer_clear(&payload);
    buffer_clear(&why);
    assert_int_equal(shard_save(*old, true, &payload), 0);
    shard_destroy(old);
    struct shard *shard = make();
    if (shard_load(shard, payload.data, payload.size, &why) < 0 ||
        shard_load_end(shard, &why) < 0 || shard_audit(shard, &why) != 0)
        fail_msg("%s", buffer_text(&why));
    return shard;
}

/* Time leaps by more days than are open at once. Days that are to go have to be written first, and
 * they lose nothing, also if the state is saved meanwhile. told_out: the years to date of all
 * closed days together. */
static int64_t leap(bool saved, uint32_t *blocked_out, int64_t *told_out)
{
    enum { LEAP_DAYS = 40 };
    static int64_t days[2 * LEAP_DAYS];
    int64_t last = 0;
    struct shard *shard = make();
    (void)apply(shard, BIN, START_MS, 1096);
    (void)apply(shard, BIN, START_MS + DAY_MS, 1000);
    bool goes_on = apply(shard, CLOCK, START_MS + LEAP_DAYS * DAY_MS, 1);
    *blocked_out = 0;
    *told_out = 0;
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        days[i] = 0;
    for (int round = 0; round < 200; round++) {
        *blocked_out += shard_is_blocked(shard);
        if (saved)
            shard = reload(&shard);
        take(shard);
        for (uint32_t i = 0; i < block->count; i++) {
            const struct row *row = &block->rows[i];
            if (row->kind == ROW_TRAJECTORY && row->level == LEVEL_DAY)
                *told_out += row->course[COURSE_YTD];
            if (row->kind == ROW_EMISSIONS && row->facility == 1 && row->level == LEVEL_DAY) {
                last = (row->window.start_ms - START_MS + 20 * HOUR_MS) / DAY_MS;
                days[last] = (int64_t)row->figures.value[FIGURE_ACTIVITY];
            }
        }
        settle(shard);
    }
    assert_false(goes_on);
    assert_false(shard_is_blocked(shard));
    shard_destroy(&shard);
    int64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        sum += days[i];
    return sum;
}

static void test_leaps(void **state)
{
    (void)state;
    int64_t behind_ms = windows.allowed_delay_ms + windows.grace_ms;
    behind_ms += (windows.bucket_ms - behind_ms % windows.bucket_ms) % windows.bucket_ms;
    int64_t want = 96 * (40 * DAY_MS - behind_ms) * (U / 1000) / (DAY_MS / 1000);
    uint32_t blocked;
    int64_t told[2];
    targets.targets_count = 1;
    assert_int_equal(leap(false, &blocked, &told[0]), want);
    assert_true(blocked > 0 && told[0] > 0);
    assert_int_equal(leap(true, &blocked, &told[1]), want);
    assert_true(blocked > 0);
    assert_int_equal(told[0], told[1]); /* no stamp is judged before its days are open */
    targets.targets_count = 0;
}

/* The dip before the last one is forgotten, and its rate is not. */
static void test_rate_is_kept(void **state)
{
    (void)state;
    struct shard *shard = make();
    int64_t time_ms = START_MS + DAY_MS;
    (void)apply(shard, BIN, START_MS, 1096);
    (void)apply(shard, BIN, time_ms, 1000);
    for (int i = 0; i < 40; i++) {
        time_ms += DAY_MS / 2;
        (void)apply(shard, CLOCK, time_ms, 1);
        shard = reload(&shard);
        take(shard);
        settle(shard);
    }
    assert_int_equal(shard_get_journal(shard, BIN)->count, 1);
    (void)shard_mark_dirty(shard, 0, INT64_MIN);
    take(shard);
    assert_int_equal(activity_of(find(LEVEL_DAY, START_MS + 19 * DAY_MS + 4 * HOUR_MS)), 96 * U);
    settle(shard);
    shard_destroy(&shard);
}

/* A state in which the stock did not accrue, and one in which it did. */
static void test_tables_change(void **state)
{
    (void)state;
    for (int accrues = 0; accrues < 2; accrues++) {
        plant.meters[BIN].accrues = accrues;
        struct shard *shard = make();
        int64_t begin_ms = START_MS + 5 * HOUR_MS; /* the midnight of New York */
        (void)apply(shard, BIN, begin_ms, 1096);
        (void)apply(shard, BIN, begin_ms + DAY_MS, 1000);
        int64_t time_ms = begin_ms + DAY_MS;
        for (; time_ms < begin_ms + 20 * DAY_MS; time_ms += DAY_MS / 2) {
            (void)apply(shard, CLOCK, time_ms, 1);
            take(shard);
            settle(shard);
        }
        plant.meters[BIN].accrues = !accrues;
        shard = reload(&shard);
        (void)apply(shard, BIN, time_ms, 0);
        (void)shard_mark_dirty(shard, 0, INT64_MIN);
        take(shard);
        const struct row *year = NULL;
        for (uint32_t i = 0; i < block->count; i++) {
            const struct row *row = &block->rows[i];
            if (row->kind == ROW_EMISSIONS && row->facility == 1 && row->level == LEVEL_YEAR)
                year = row;
        }
        assert_int_equal(activity_of(year), 1096 * U); /* none is lost, and none counts twice */
        settle(shard);
        shard_destroy(&shard);
    }
    plant.meters[BIN].accrues = true;
}

static int set_up(void **state)
{
    set_up_registry(state);
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&why, 1 << 16);
    plant_init(&plant, built, ARRAY_LEN(built));
    plant.registry.local_times = &new_york;
    plant.factors[1][(size_t)RATE_CO2E * 2] = 2.0; /* milligrams for a micro-unit of the bin */
    plant.facilities[1].valid_from_ms = INT64_MIN;
    plant.facilities[1].valid_to_ms = INT64_MAX;
    plant.meters[BIN].accrues = plant.meters[YARD].accrues = true;
    return block_create(&block, ROWS);
}

static int tear_down(void **state)
{
    (void)state;
    block_destroy(&block);
    plant_fini(&plant);
    buffer_fini(&payload);
    buffer_fini(&why);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others_carry_on), cmocka_unit_test(test_revisions),
        cmocka_unit_test(test_leaps),           cmocka_unit_test(test_rate_is_kept),
        cmocka_unit_test(test_tables_change),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
