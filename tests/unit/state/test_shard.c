/*
 * The shard as a function of its log: the same readings in any order, in batches of any size, give
 * the same rows; and longer windows are the sums of shorter ones.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/emissions/kernels.h"
#include "pipelines/state/shard.h"

#define MIN_MS INT64_C(60000)
#define HOUR_MS (60 * MIN_MS)
#define DAY_MS (24 * HOUR_MS)
#define START_MS                                                                                   \
    INT64_C(1772323200000) /* 2026-03-01T00:00:00Z: New York's clocks go on at the 8th */
#define U INT64_C(1000000)

enum { METERS = 5, DAYS = 12, EVENTS_MAX = 20000, ROWS_MAX = 60000 };

/* --- a registry of two facilities and five meters --- */

static struct meter meters[METERS] = {
    {.id = "grid", .facility = 0, .series = 0, .kind = KIND_INTERVAL},
    {.id = "gas", .facility = 0, .series = 1, .kind = KIND_REGISTER},
    {.id = "pv", .facility = 0, .series = 2, .kind = KIND_GAUGE, .hold_ms = 30 * MIN_MS},
    {.id = "grid2", .facility = 1, .series = 3, .kind = KIND_INTERVAL},
    {.id = "diesel", .facility = 1, .series = 4, .kind = KIND_DELIVERY},
};
static struct series series[METERS] = {
    {.facility = 0, .meters_first = 0, .meters_count = 1, .scope = 2},
    {.facility = 0, .meters_first = 1, .meters_count = 1, .scope = 1},
    {.facility = 0, .meters_first = 2, .meters_count = 1, .scope = 0},
    {.facility = 1, .meters_first = 3, .meters_count = 1, .scope = 2},
    {.facility = 1, .meters_first = 4, .meters_count = 1, .scope = 1},
};
static struct facility facilities[2] = {
    {.id = "pune",
     .time_zone = "Asia/Kolkata",
     .meters_first = 0,
     .meters_count = 3,
     .series_first = 0,
     .series_count = 3,
     .eras_first = 0,
     .eras_count = 1},
    {.id = "troy",
     .time_zone = "America/New_York",
     .meters_first = 3,
     .meters_count = 2,
     .series_first = 3,
     .series_count = 2,
     .eras_first = 1,
     .eras_count = 1},
};
static const double factors[GAS_COUNT * 3] = {0.7117, 2.02, 0.0, 0.0, 0.00003, 0.0,  0.0, 0.000003,
                                              0.0,    0.0,  0.0, 0.0, 0.7117,  2.03, 0.0};
static const uint8_t unsplit[3];
static const uint32_t factor_id[3];
static struct factor_era eras[2] = {{INT64_MIN, factors, unsplit, factor_id},
                                    {INT64_MIN, factors, unsplit, factor_id}};
static struct registry registry = {.meters = meters,
                                   .series = series,
                                   .facilities = facilities,
                                   .eras = eras,
                                   .meters_count = METERS,
                                   .series_count = METERS,
                                   .facilities_count = 2,
                                   .eras_count = 2};
static const struct window_conf windows = {.bucket_ms = 15 * MIN_MS,
                                           .allowed_delay_ms = 5 * MIN_MS,
                                           .grace_ms = 10 * MIN_MS,
                                           .horizon_ms = 2 * DAY_MS,
                                           .early_tolerance_ms = HOUR_MS,
                                           .idle_timeout_ms = HOUR_MS,
                                           .fiscal_year_start = 1};

static int set_up_registry(void **state)
{
    (void)state;
    for (size_t i = 0; i < METERS; i++) {
        meters[i].interval_ms = 15 * MIN_MS;
        meters[i].expected = meters[i].kind != KIND_DELIVERY;
        meters[i].valid_from_ms = INT64_MIN;
        meters[i].valid_to_ms = INT64_MAX;
        meters[i].next_version = REGISTRY_NONE;
        meters[i].readings_max = 1024;
        meters[i].cell_max = CELL_MAX;
    }
    return 0;
}

/* --- events --- */

struct input {
    uint32_t meter;
    int64_t start_ms, end_ms, value, revision;
};

static struct input events[EVENTS_MAX];
static size_t events_count;
static int64_t accepted[METERS]; /* activity that must come out, by meter; gauges aside */

static void add_event(uint32_t meter, int64_t start_ms, int64_t end_ms, int64_t value)
{
    assert_true(events_count < EVENTS_MAX);
    events[events_count++] = (struct input){meter, start_ms, end_ms, value, 0};
}

/* A fixed generator, so that a failure can be repeated. */
static uint32_t random_state;
static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525U + 1013904223U;
    return (random_state >> 8) % limit;
}

static void make_events(void)
{
    random_state = 7;
    events_count = 0;
    memset(accepted, 0, sizeof(accepted));
    int64_t gas = 5000 * U;
    for (int64_t t = START_MS; t < START_MS + DAYS * DAY_MS; t += 15 * MIN_MS) {
        for (uint32_t meter = 0; meter <= 3; meter += 3) {
            int64_t value = random_below(50000000);
            add_event(meter, t, t + 15 * MIN_MS, value);
            accepted[meter] += value;
        }
        if (t % HOUR_MS == 0) {
            int64_t rise = t == START_MS ? 0 : (int64_t)random_below(9000000);
            gas += rise;
            accepted[1] += rise;
            add_event(1, t + 7 * MIN_MS, t + 7 * MIN_MS, gas);
        }
        add_event(2, t + 1000, t + 1000, random_below(400000000));
        if (t % (DAY_MS * 2) == 0) {
            add_event(4, t + HOUR_MS, t + HOUR_MS, 900 * U);
            accepted[4] += 900 * U;
        }
    }
}

struct place {
    size_t key, from;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->from < right->from ? -1 : 1;
}

/* Delays every event by up to `slots` places: less than the horizon. */
static void disturb(size_t slots)
{
    static struct place places[EVENTS_MAX];
    static struct input moved[EVENTS_MAX];
    for (size_t i = 0; i < events_count; i++)
        places[i] = (struct place){i + random_below((uint32_t)slots), i};
    qsort(places, events_count, sizeof(*places), compare_places);
    for (size_t i = 0; i < events_count; i++)
        moved[i] = events[places[i].from];
    memcpy(events, moved, events_count * sizeof(*events));
}

/* --- running --- */

struct output {
    struct row rows[ROWS_MAX];
    size_t count;
    struct shard_stats stats;
};
static struct output calm, other;

static void drain(struct shard *shard, struct block *block, struct output *output)
{
    block->count = 0;
    while (shard_take_rows(shard, 0, TAKE_CLOSING, block) > 0) {
        for (uint32_t i = 0; i < block->count; i++) {
            assert_true(output->count < ROWS_MAX);
            output->rows[output->count++] = block->rows[i];
            shard_row_settled(shard, 0, &block->rows[i]);
        }
        block->count = 0;
    }
}

static struct shard *make_shard(void)
{
    struct shard_context context = {
        .registry = &registry, .window = &windows, .kernels = &kernels_scalar, .sinks_count = 1};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

static void fill_batch(struct batch *batch, const struct input *from, size_t count)
{
    batch_clear(batch);
    for (size_t i = 0; i < count; i++) {
        batch->meter[i] = from[i].meter;
        batch->start_ms[i] = from[i].start_ms;
        batch->end_ms[i] = from[i].end_ms;
        batch->value[i] = from[i].value;
        batch->revision[i] = (uint16_t)from[i].revision;
        batch->quality[i] = QUALITY_ACTUAL;
        batch->arrived_ms[i] = INT64_MIN;
        batch->offset[i] = (int64_t)i;
    }
    batch->count = (uint32_t)count;
}

static void run(struct output *output, size_t batch_size)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    struct block *block;
    assert_non_null(batch);
    assert_int_equal(block_create(&block, 100), 0);
    struct shard *shard = make_shard();
    output->count = 0;
    for (size_t first = 0; first < events_count; first += batch_size) {
        size_t count = events_count - first < batch_size ? events_count - first : batch_size;
        fill_batch(batch, events + first, count);
        uint32_t applied = 0;
        while ((applied = shard_apply(shard, batch, applied)) < batch->count)
            drain(shard, block, output);
        if (first % 7 == 0)
            drain(shard, block, output);
    }
    shard_finish(shard);
    drain(shard, block, output);
    assert_true(shard_is_drained(shard));
    output->stats = *shard_get_stats(shard);
    block_destroy(&block);
    shard_destroy(&shard);
    free(batch);
}

/* By members: the padding between them may hold anything. */
static bool same_figures(const struct figures *a, const struct figures *b)
{
    return a->activity == b->activity && memcmp(a->mass_mg, b->mass_mg, sizeof(a->mass_mg)) == 0 &&
           a->co2e_unsplit_mg == b->co2e_unsplit_mg &&
           a->co2e_estimated_mg == b->co2e_estimated_mg && a->covered_ms == b->covered_ms &&
           a->expected_ms == b->expected_ms && a->cells == b->cells;
}

/* Revision and version aside: they count what came late. */
static bool same_row(const struct row *a, const struct row *b)
{
    return a->kind == b->kind && a->level == b->level && a->final == b->final &&
           a->partition == b->partition && a->facility == b->facility && a->series == b->series &&
           a->window.start_ms == b->window.start_ms && a->window.end_ms == b->window.end_ms &&
           a->meters_expected == b->meters_expected && a->meters_reporting == b->meters_reporting &&
           same_figures(&a->figures, &b->figures);
}

static void check_same_rows(const struct output *a, const struct output *b, const char *name)
{
    if (a->count != b->count)
        fail_msg("%s: %zu rows, not %zu", name, b->count, a->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct row *left = &a->rows[i];
        const struct row *right = &b->rows[i];
        if (!same_row(left, right))
            fail_msg("%s: row %zu differs: level %d/%d series %" PRIu32 " at %" PRId64 "/%" PRId64,
                     name, i, left->level, right->level, left->series, left->window.start_ms,
                     right->window.start_ms);
    }
}

static void test_any_order_and_batch(void **state)
{
    (void)state;
    make_events();
    run(&calm, 1);
    assert_int_equal(calm.stats.outcomes[OUTCOME_USED], events_count);
    static const struct {
        const char *name;
        size_t batch_size, disturbed;
    } cases[] = {
        {"bigger batches", 512, 0},        {"whole batches", BATCH_EVENTS_MAX, 0},
        {"disturbed a little", 33, 20},    {"disturbed by most of the horizon", 100, 560},
        {"one by one, disturbed", 1, 560},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        make_events();
        if (cases[i].disturbed > 0)
            disturb(cases[i].disturbed);
        run(&other, cases[i].batch_size);
        assert_int_equal(other.stats.outcomes[OUTCOME_USED], events_count);
        check_same_rows(&calm, &other, cases[i].name);
    }
}

/* Sums of one level, by series. */
static void sum_level(const struct output *output, int level, struct figures sums[METERS])
{
    memset(sums, 0, METERS * sizeof(*sums));
    for (size_t i = 0; i < output->count; i++) {
        const struct row *row = &output->rows[i];
        if (row->kind == ROW_EMISSIONS && row->level == level)
            figures_add(&sums[row->series], &row->figures);
    }
}

static void test_levels_add_up(void **state)
{
    (void)state;
    make_events();
    disturb(300);
    run(&calm, 64);
    struct figures buckets[METERS];
    sum_level(&calm, LEVEL_BUCKET, buckets);
    for (int level = LEVEL_HOUR; level < LEVEL_COUNT; level++) {
        struct figures sums[METERS];
        sum_level(&calm, level, sums);
        for (size_t i = 0; i < METERS; i++) {
            buckets[i].cells = sums[i].cells;
            buckets[i].expected_ms = sums[i].expected_ms; /* no row, nothing expected in the sum */
            if (!same_figures(&sums[i], &buckets[i]))
                fail_msg("level %d of series %zu is not the sum of its buckets", level, i);
        }
    }
    for (size_t i = 0; i < METERS; i++) {
        if (meters[i].kind != KIND_GAUGE)
            assert_true(buckets[i].activity == accepted[i]);
    }
}

/* The day on which New York's clocks go on has 23 hours, and every row is written once. */
static void test_windows_of_a_short_day(void **state)
{
    (void)state;
    make_events();
    run(&calm, 64);
    uint32_t hours = 0;
    int64_t day_ms = START_MS + 7 * DAY_MS + 5 * HOUR_MS; /* 2026-03-08, 00:00 local */
    for (size_t i = 0; i < calm.count; i++) {
        const struct row *row = &calm.rows[i];
        if (row->kind != ROW_EMISSIONS || row->series != 3)
            continue;
        hours += row->level == LEVEL_HOUR && row->window.start_ms >= day_ms &&
                 row->window.end_ms <= day_ms + 23 * HOUR_MS;
        if (row->level == LEVEL_DAY && row->window.start_ms == day_ms)
            assert_int_equal(row->window.end_ms - day_ms, 23 * HOUR_MS);
    }
    assert_int_equal(hours, 23);
}

/* --- single rules --- */

static struct batch one;
static enum outcome apply_one(struct shard *shard, struct input input, int64_t arrived_ms)
{
    fill_batch(&one, &input, 1);
    one.arrived_ms[0] = arrived_ms;
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    return (enum outcome)one.outcome[0];
}

static struct row find_row(struct shard *shard, enum level level, int64_t start_ms)
{
    struct block *block;
    assert_int_equal(block_create(&block, 4000), 0);
    shard_take_rows(shard, 0, TAKE_ALL, block);
    struct row found = {.level = UINT8_MAX};
    for (uint32_t i = 0; i < block->count; i++) {
        if (block->rows[i].kind == ROW_EMISSIONS && block->rows[i].level == level &&
            block->rows[i].window.start_ms == start_ms)
            found = block->rows[i];
        shard_row_settled(shard, 0, &block->rows[i]);
    }
    block_destroy(&block);
    return found;
}

static void test_late_and_early(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    int64_t t = START_MS + 5 * DAY_MS;
    int64_t floor_ms = t - 2 * DAY_MS - 15 * MIN_MS;
    struct input at = {0, t - 15 * MIN_MS, t, U, 0};
    assert_int_equal(apply_one(shard, at, t), OUTCOME_USED);
    assert_int_equal(apply_one(shard, at, t), OUTCOME_DUPLICATE);
    struct input late = {0, floor_ms - 15 * MIN_MS, floor_ms, U, 0};
    assert_int_equal(apply_one(shard, late, t), OUTCOME_LATE);
    struct input just = {0, floor_ms, floor_ms + 15 * MIN_MS, U, 0};
    assert_int_equal(apply_one(shard, just, t), OUTCOME_USED);
    struct input early = {0, t + HOUR_MS - 14 * MIN_MS, t + HOUR_MS + MIN_MS, U, 0};
    assert_int_equal(apply_one(shard, early, t), OUTCOME_EARLY);
    assert_int_equal(apply_one(shard, early, t + MIN_MS), OUTCOME_USED);
    shard_destroy(&shard);
}

static void test_revisions(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    int64_t t = START_MS + 5 * DAY_MS;
    struct input first = {0, t, t + 15 * MIN_MS, U, 0};
    apply_one(shard, first, INT64_MIN);
    struct row row = find_row(shard, LEVEL_BUCKET, t);
    assert_false(row.final);
    assert_int_equal(row.revision, 0);
    first.revision = 1; /* the window is still open: no revision of the row */
    apply_one(shard, first, INT64_MIN);
    assert_int_equal(find_row(shard, LEVEL_BUCKET, t).revision, 0);
    struct input next = {0, t + 45 * MIN_MS, t + HOUR_MS, U, 0};
    apply_one(shard, next, INT64_MIN);
    row = find_row(shard, LEVEL_BUCKET, t); /* written once more, because it is final now */
    assert_true(row.final);
    assert_int_equal(row.revision, 0);
    uint32_t version = row.version;
    first.revision = 2;
    first.value = 3 * U;
    assert_int_equal(apply_one(shard, first, INT64_MIN), OUTCOME_USED);
    row = find_row(shard, LEVEL_BUCKET, t);
    assert_int_equal(row.revision, 1);
    assert_true(row.version > version);
    assert_true(row.figures.activity == (int128)3 * U);
    assert_int_equal(find_row(shard, LEVEL_BUCKET, t).level, UINT8_MAX); /* nothing is dirty */
    shard_destroy(&shard);
}

static void test_complete_windows_are_final_at_once(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply_one(shard, first, INT64_MIN); /* the facility's only meter that is expected */
    assert_true(find_row(shard, LEVEL_BUCKET, START_MS).final);
    first.revision = 1; /* the watermark has not passed: this is no revision yet */
    apply_one(shard, first, INT64_MIN);
    struct row row = find_row(shard, LEVEL_BUCKET, START_MS);
    assert_true(row.final);
    assert_int_equal(row.revision, 0);
    assert_false(find_row(shard, LEVEL_HOUR, START_MS).final); /* it has not come to its end */
    shard_destroy(&shard);
}

static void test_idle_partitions_close_by_the_clock(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply_one(shard, first, INT64_MIN);
    assert_false(find_row(shard, LEVEL_BUCKET, START_MS).final);
    shard_idle(shard, START_MS + 29 * MIN_MS); /* less delay and grace: one minute short */
    assert_int_equal(find_row(shard, LEVEL_BUCKET, START_MS).level, UINT8_MAX);
    shard_idle(shard, START_MS + 30 * MIN_MS);
    assert_true(find_row(shard, LEVEL_BUCKET, START_MS).final);
    first.revision = 1;
    apply_one(shard, first, INT64_MIN); /* the clock made it final, not the log: no revision */
    assert_int_equal(find_row(shard, LEVEL_BUCKET, START_MS).revision, 0);
    shard_destroy(&shard);
}

/* What an earlier life had settled with every sink is not written again. */
static void test_settled_windows_stay_silent(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    shard_set_settled(shard, START_MS + 5 * HOUR_MS); /* New York's midnight */
    struct input before = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input after = {3, START_MS + 6 * HOUR_MS, START_MS + 6 * HOUR_MS + 15 * MIN_MS, U, 0};
    apply_one(shard, before, INT64_MIN);
    apply_one(shard, after, INT64_MIN);
    struct block *block;
    assert_int_equal(block_create(&block, 1000), 0);
    shard_take_rows(shard, 0, TAKE_ALL, block);
    bool month = false;
    for (uint32_t i = 0; i < block->count; i++) {
        assert_true(block->rows[i].window.end_ms > START_MS + 5 * HOUR_MS);
        month |= block->rows[i].level == LEVEL_MONTH && block->rows[i].kind == ROW_EMISSIONS &&
                 block->rows[i].figures.activity == U;
        shard_row_settled(shard, 0, &block->rows[i]);
    }
    assert_true(month); /* March, in New York; February's is settled with the day before */
    block_destroy(&block);
    shard_destroy(&shard);
}

static void test_low_offset_and_settled(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    assert_int_equal(shard_low_offset(shard), -1);
    assert_true(shard_settled_ms(shard) == INT64_MIN);
    struct input old = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    fill_batch(&one, &old, 1);
    one.offset[0] = 17;
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    struct input newer = {3, START_MS + 9 * DAY_MS, START_MS + 9 * DAY_MS + 15 * MIN_MS, U, 0};
    fill_batch(&one, &newer, 1);
    one.offset[0] = 99;
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    find_row(shard, LEVEL_BUCKET, START_MS); /* settles what is dirty, so that days can leave */
    find_row(shard, LEVEL_BUCKET, START_MS);
    assert_int_equal(shard_low_offset(shard), 17); /* the year is still open */
    int64_t settled_ms = shard_settled_ms(shard);
    assert_true(settled_ms > START_MS && settled_ms <= START_MS + 7 * DAY_MS);
    shard_destroy(&shard);
}

static void test_abandoned_rows_come_again(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    apply_one(shard, first, INT64_MIN);
    struct block *block;
    assert_int_equal(block_create(&block, 100), 0);
    uint32_t rows = shard_take_rows(shard, 0, TAKE_ALL, block);
    assert_true(rows > 0);
    block->count = 0;
    assert_int_equal(shard_take_rows(shard, 0, TAKE_ALL, block), 0); /* under way */
    assert_false(shard_is_drained(shard));
    for (uint32_t i = 0; i < rows; i++)
        shard_row_abandoned(shard, 0, &block->rows[i]);
    assert_int_equal(shard_take_rows(shard, 0, TAKE_ALL, block), rows);
    for (uint32_t i = 0; i < rows; i++)
        shard_row_settled(shard, 0, &block->rows[i]);
    assert_true(shard_is_drained(shard));
    block_destroy(&block);
    shard_destroy(&shard);
}

static void test_silent_register_catches_up(void **state)
{
    (void)state;
    struct shard *shard = make_shard();
    struct block *block;
    assert_int_equal(block_create(&block, 100), 0);
    other.count = 0;
    struct input first = {1, START_MS, START_MS, 100 * U, 0};
    struct input last = {1, START_MS + 10 * DAY_MS, START_MS + 10 * DAY_MS, 196 * U, 0};
    apply_one(shard, first, INT64_MIN);
    fill_batch(&one, &last, 1); /* ten days at once: days have to be written and leave on the way */
    uint32_t applied = shard_apply(shard, &one, 0);
    assert_int_equal(applied, 1);
    assert_true(shard_is_blocked(shard));
    drain(shard, block, &other);
    assert_false(shard_is_blocked(shard));
    shard_finish(shard);
    drain(shard, block, &other);
    struct figures sums[METERS];
    for (int level = LEVEL_BUCKET; level < LEVEL_COUNT; level++) {
        sum_level(&other, level, sums);
        assert_true(sums[1].activity == (int128)96 * U);
    }
    block_destroy(&block);
    shard_destroy(&shard);
}

/* Sinks that are slow keep days in the panel: the horizon's readings have room nevertheless. */
static void test_journal_has_room_while_days_wait(void **state)
{
    (void)state;
    meters[0].readings_max = 200; /* the horizon has 192 */
    struct shard *shard = make_shard();
    struct block *block;
    assert_int_equal(block_create(&block, 100), 0);
    other.count = 0;
    for (int64_t t = START_MS; t < START_MS + DAYS * DAY_MS; t += 15 * MIN_MS) {
        struct input input = {0, t, t + 15 * MIN_MS, U, 0};
        assert_int_equal(apply_one(shard, input, INT64_MIN), OUTCOME_USED);
        if (shard_is_blocked(shard))
            drain(shard, block, &other);
    }
    shard_finish(shard);
    drain(shard, block, &other);
    struct figures sums[METERS];
    for (int level = LEVEL_BUCKET; level < LEVEL_COUNT; level++) {
        sum_level(&other, level, sums);
        assert_true(sums[0].activity == (int128)DAYS * 96 * U);
    }
    meters[0].readings_max = 1024;
    block_destroy(&block);
    shard_destroy(&shard);
}

static void test_facility_on_two_partitions(void **state)
{
    (void)state;
    uint32_t owners[2] = {UINT32_MAX, UINT32_MAX};
    struct shard_context context = {.registry = &registry,
                                    .window = &windows,
                                    .kernels = &kernels_scalar,
                                    .sinks_count = 1,
                                    .facility_partition = owners};
    struct shard *shards[2];
    assert_int_equal(shard_create(&shards[0], &context, 0), 0);
    assert_int_equal(shard_create(&shards[1], &context, 1), 0);
    struct input first = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    struct input second = {3, START_MS, START_MS + 15 * MIN_MS, U, 0};
    assert_int_equal(apply_one(shards[0], first, INT64_MIN), OUTCOME_USED);
    assert_int_equal(apply_one(shards[1], first, INT64_MIN), REJECT_WRONG_PARTITION);
    assert_int_equal(apply_one(shards[1], second, INT64_MIN), OUTCOME_USED);
    shard_destroy(&shards[0]);
    assert_int_equal(apply_one(shards[1], first, INT64_MIN), OUTCOME_USED); /* it moved here */
    shard_destroy(&shards[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_and_batch),
        cmocka_unit_test(test_levels_add_up),
        cmocka_unit_test(test_windows_of_a_short_day),
        cmocka_unit_test(test_late_and_early),
        cmocka_unit_test(test_revisions),
        cmocka_unit_test(test_complete_windows_are_final_at_once),
        cmocka_unit_test(test_idle_partitions_close_by_the_clock),
        cmocka_unit_test(test_settled_windows_stay_silent),
        cmocka_unit_test(test_low_offset_and_settled),
        cmocka_unit_test(test_abandoned_rows_come_again),
        cmocka_unit_test(test_silent_register_catches_up),
        cmocka_unit_test(test_journal_has_room_while_days_wait),
        cmocka_unit_test(test_facility_on_two_partitions),
    };
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
