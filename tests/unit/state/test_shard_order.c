/*
 * The shard as a function of its log: the same readings in any order, in batches of any size, give
 * the same rows. Longer windows are the sums of shorter ones.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { EVENTS_MAX = 20000 };

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

/* Bills of two hours, and quarters whose stamps jitter; each bill leaves its first one a rest. */
static void add_billed(uint32_t meter, int64_t t)
{
    enum { BILL_MS = 2 * HOUR_MS, QUARTER_MS = 15 * MIN_MS };
    int64_t into_ms = (t - START_MS) % BILL_MS;
    if (into_ms > 0) {
        bool last = into_ms == BILL_MS - QUARTER_MS;
        int64_t start_ms = t + (last ? 0 : (int64_t)random_below(60000) - 30000);
        add_event(meter, start_ms, start_ms + QUARTER_MS, random_below(50000000));
        if (last) {
            add_event(meter, t + QUARTER_MS - BILL_MS, t + QUARTER_MS, 400 * U + 1);
            accepted[meter] += 400 * U + 1;
        }
    }
}

static void make_events(void)
{
    random_state = 7;
    events_count = 0;
    memset(accepted, 0, sizeof(accepted));
    int64_t gas = 5000 * U;
    for (int64_t t = START_MS; t < START_MS + DAYS * DAY_MS; t += 15 * MIN_MS) {
        for (uint32_t meter = 0; meter <= 3; meter += 3) {
            if (meters[meter].total) {
                add_billed(meter, t);
                continue;
            }
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

static struct output calm, other;

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
    for (uint32_t i = 0; i < METERS; i++) {
        output->standing[i] = (struct meter_standing){0};
        (void)shard_find_standing(shard, i, &output->standing[i]);
    }
    shard_finish(shard);
    drain(shard, block, output);
    assert_true(shard_is_drained(shard));
    output->stats = *shard_get_stats(shard);
    output->chains = (struct chain_sums){0};
    shard_add_chains(shard, &output->chains);
    struct buffer why;
    buffer_init(&why, 1 << 16);
    if (shard_audit(shard, &why) != 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
    block_destroy(&block);
    shard_destroy(&shard);
    free(batch);
}

/* By members: the padding between them may hold anything. */
static bool same_figures(const struct figures *a, const struct figures *b)
{
    return a->noted == b->noted && memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

/* Revision and version count in which order events came, nothing else. */
static bool same_row(const struct row *a, const struct row *b, bool same_order)
{
    if (same_order && (a->revision != b->revision || a->version != b->version))
        return false;
    return a->kind == b->kind && a->level == b->level && a->final == b->final &&
           a->partition == b->partition && a->facility == b->facility && a->series == b->series &&
           a->window.start_ms == b->window.start_ms && a->window.end_ms == b->window.end_ms &&
           a->meters_expected == b->meters_expected && a->meters_reporting == b->meters_reporting &&
           same_figures(&a->figures, &b->figures);
}

static void check_same_rows(const struct output *a, const struct output *b, bool same_order,
                            const char *name)
{
    if (a->count != b->count)
        fail_msg("%s: %zu rows, not %zu", name, b->count, a->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct row *left = &a->rows[i];
        const struct row *right = &b->rows[i];
        if (!same_row(left, right, same_order))
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
        {"bigger batches", 100, 0},        {"whole batches", BATCH_EVENTS_MAX, 0},
        {"disturbed a little", 33, 20},    {"disturbed by most of the horizon", 100, 560},
        {"one by one, disturbed", 1, 560},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        make_events();
        if (cases[i].disturbed > 0)
            disturb(cases[i].disturbed);
        run(&other, cases[i].batch_size);
        assert_int_equal(other.stats.outcomes[OUTCOME_USED], events_count);
        check_same_rows(&calm, &other, cases[i].disturbed == 0, cases[i].name);
    }
}

/* The same with bills, stamps that jitter, and a gauge that tells changes. */
static void test_totals_and_steps(void **state)
{
    meters[2].step = meters[3].total = true;
    test_any_order_and_batch(state);
    struct figures days[METERS];
    sum_level(&calm, LEVEL_DAY, days);
    meters[2].step = meters[3].total = false;
    assert_true(days[3].value[FIGURE_ACTIVITY] == accepted[3]);
}

/* An instant lies in the bucket after the interval that ends with it, whichever comes first. */
static void test_instant_at_an_end(void **state)
{
    (void)state;
    const int64_t end_ms = START_MS + 15 * MIN_MS;
    events_count = 0;
    add_event(2, START_MS + MIN_MS, START_MS + MIN_MS, U);
    add_event(0, START_MS, end_ms, U);
    add_event(2, end_ms, end_ms, U);
    run(&calm, 1);
    const struct input interval = events[1];
    events[1] = events[2];
    events[2] = interval;
    run(&other, 1);
    check_same_rows(&calm, &other, true, "an instant at an end");
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
            buckets[i].value[FIGURE_CELLS] = sums[i].value[FIGURE_CELLS];
            buckets[i].value[FIGURE_EXPECTED] =
                sums[i].value[FIGURE_EXPECTED]; /* no row, nothing expected in the sum */
            if (!same_figures(&sums[i], &buckets[i]))
                fail_msg("level %d of series %zu is not the sum of its buckets", level, i);
        }
    }
    for (size_t i = 0; i < METERS; i++) {
        if (meters[i].kind != KIND_GAUGE)
            assert_true(buckets[i].value[FIGURE_ACTIVITY] == accepted[i]);
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

/* A counter that wraps every day and sometimes sends a 0, and one that is exchanged. Returns what
 * of them stands. */
static struct chain_sums make_wraps(int64_t from_ms)
{
    enum { EXCHANGED = (DAYS - 1) * 96 };
    struct chain_sums want = {0};
    int64_t value = 0;
    random_state = 11;
    events_count = 0;
    for (uint32_t i = 0; i < DAYS * 96; i++) {
        int64_t t = START_MS + i * (15 * MIN_MS);
        bool counts = t >= from_ms;
        bool aside = random_below(40) == 0 && i > 20 && value > 300 * U && value < 700 * U;
        want.breaks += i == EXCHANGED && counts;
        add_event(3, t, t, (i < EXCHANGED ? 5000 + i : i) * U);
        add_event(1, t, t, aside ? 0 : value);
        want.left_aside += aside && counts;
        value += (5 + random_below(10)) * U;
        want.rollovers += value >= 1000 * U && t + 15 * MIN_MS >= from_ms;
        value %= 1000 * U;
    }
    return want;
}

static void check_wraps(const char *name)
{
    struct chain_sums want = make_wraps(INT64_MIN);
    const struct chain_sums *got = &other.chains;
    if (got->rollovers != want.rollovers || got->breaks != want.breaks ||
        got->left_aside != want.left_aside)
        fail_msg("%s: %" PRIu64 " rollovers, not %" PRIu64 "; %" PRIu64 " breaks; %" PRIu64
                 " left aside, not %" PRIu64,
                 name, got->rollovers, want.rollovers, got->breaks, got->left_aside,
                 want.left_aside);
    const struct meter_standing *stands = &other.standing[1];
    want = make_wraps(other.stats.floor_ms);
    if (stands->chain.rollovers != want.rollovers ||
        other.standing[3].chain.breaks != want.breaks ||
        stands->chain.left_aside != want.left_aside || other.standing[3].held.count != want.breaks)
        fail_msg("%s: %" PRIu32 " rollovers stand, not %" PRIu64 "; %" PRIu32 " breaks; %" PRIu32
                 " left aside, not %" PRIu64,
                 name, stands->chain.rollovers, want.rollovers, other.standing[3].chain.breaks,
                 stands->chain.left_aside, want.left_aside);
}

/* Each rollover is one, in any order: what passed by is not counted. */
static void test_what_stands(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t batch_size, disturbed;
    } cases[] = {{"in order", 1, 0},
                 {"in whole batches", BATCH_EVENTS_MAX, 0},
                 {"shuffled", 1, 150},
                 {"shuffled, in batches", 100, 150}};
    meters[1].register_modulus = 1000 * U;
    meters[3].kind = KIND_REGISTER;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)make_wraps(INT64_MIN);
        if (cases[i].disturbed > 0)
            disturb(cases[i].disturbed);
        run(&other, cases[i].batch_size);
        assert_int_equal(other.stats.outcomes[OUTCOME_USED], events_count);
        check_wraps(cases[i].name);
    }
    meters[1].register_modulus = 0;
    meters[3].kind = KIND_INTERVAL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_and_batch),    cmocka_unit_test(test_totals_and_steps),
        cmocka_unit_test(test_instant_at_an_end),      cmocka_unit_test(test_levels_add_up),
        cmocka_unit_test(test_windows_of_a_short_day), cmocka_unit_test(test_what_stands),
    };
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
