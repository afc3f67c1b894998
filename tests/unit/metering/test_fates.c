/* The fates of readings: every fate of every kind, and amounts that are those of the cells.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/metering/fates.h"
#include "pipelines/metering/projection.h"
#include "tests/unit/metering/readings.h"

#define DIP .quality = (QUALITY_ACTUAL | ROLE_DIP << ROLE_SHIFT)
#define TRANSFER .quality = (QUALITY_ACTUAL | ROLE_TRANSFER << ROLE_SHIFT)

enum { READINGS_MAX = 9, TRIALS = 300, TRIAL_READINGS = 24, TRIAL_BUCKETS = 40, NONE = -1 };

static const struct meter interval = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};
static const struct meter total = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL, .total = true};
static const struct meter counter = {.cell_max = CELL_MAX, .kind = KIND_REGISTER};
static const struct meter digits = {
    .cell_max = CELL_MAX, .kind = KIND_REGISTER, .register_modulus = 1000 * U};
static const struct meter bounded = {
    .cell_max = CELL_MAX, .kind = KIND_REGISTER, .rate_max = 40 * U};
static const struct meter older = {.cell_max = CELL_MAX,
                                   .kind = KIND_REGISTER,
                                   .versioned = true,
                                   .valid_from_ms = INT64_MIN,
                                   .valid_to_ms = 15 * MINUTE_MS};
static const struct meter newer = {.cell_max = CELL_MAX,
                                   .kind = KIND_REGISTER,
                                   .versioned = true,
                                   .valid_from_ms = 15 * MINUTE_MS,
                                   .valid_to_ms = INT64_MAX};
static const struct meter gauge = {
    .cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 20 * MINUTE_MS};
static const struct meter step = {
    .cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 20 * MINUTE_MS, .step = true};
static const struct meter stock = {.cell_max = CELL_MAX, .kind = KIND_STOCK};
static const struct meter delivery = {.cell_max = CELL_MAX, .kind = KIND_DELIVERY};

struct expect {
    int64_t amount; /* 0 of those that have none */
    int64_t counted_min;
    enum fate fate;
    int before, after; /* indices; NONE */
    bool has_amount, rollover;
};

static const struct {
    const char *name;
    const struct meter *meter;
    struct given readings[READINGS_MAX]; /* in the order of the journal */
    size_t count;
    struct expect expect[READINGS_MAX];
} cases[] = {
    {"no reading", &interval, {{0}}, 0, {{0}}},
    {"intervals side by side",
     &interval,
     {{0, 15, U, ACTUAL}, {15, 30, 2 * U, ESTIMATE}, {45, 60, 3 * U, ACTUAL}},
     3,
     {{U, 15, FATE_COUNTS, NONE, NONE, true, false},
      {2 * U, 15, FATE_COUNTS, NONE, NONE, true, false},
      {3 * U, 15, FATE_COUNTS, NONE, NONE, true, false}}},
    {"an estimated hour loses a quarter to a measurement",
     &interval,
     {{0, 60, 8 * U, ESTIMATE}, {15, 30, 7 * U, ACTUAL}},
     2,
     {{6 * U, 45, FATE_COUNTS_PARTLY, 1, NONE, true, false},
      {7 * U, 15, FATE_COUNTS, NONE, NONE, true, false}}},
    {"an estimate below quarters of all its time",
     &interval,
     {{0, 15, U, ACTUAL}, {0, 30, 9 * U, ESTIMATE}, {15, 30, 2 * U, ACTUAL}},
     3,
     {{U, 15, FATE_COUNTS, NONE, NONE, true, false},
      {0, 0, FATE_OUTRANKED, 0, NONE, true, false},
      {2 * U, 15, FATE_COUNTS, NONE, NONE, true, false}}},
    {"of two equally long ones the earlier counts whole",
     &interval,
     {{0, 30, 2 * U, ACTUAL}, {15, 45, 4 * U, ACTUAL}},
     2,
     {{2 * U, 30, FATE_COUNTS, NONE, NONE, true, false},
      {2 * U, 15, FATE_COUNTS_PARTLY, 0, NONE, true, false}}},
    {"stamps that jitter",
     &interval,
     {{0, 15, 3 * U, ACTUAL}, {14, 29, 4 * U, ACTUAL}},
     2,
     {{3 * U, 14, FATE_COUNTS, NONE, NONE, true, false},
      {4 * U, 15, FATE_COUNTS, NONE, NONE, true, false}}},
    {"the rest of a total",
     &total,
     {{0, 60, 9 * U, ESTIMATE}, {15, 30, 6 * U, ACTUAL}},
     2,
     {{3 * U, 45, FATE_COUNTS_PARTLY, 1, NONE, true, false},
      {6 * U, 15, FATE_COUNTS, NONE, NONE, true, false}}},
    {"a total that is less than a reading in it",
     &total,
     {{0, 60, 4 * U, ESTIMATE}, {15, 30, 6 * U, ACTUAL}},
     2,
     {{-2 * U, 0, FATE_HELD, 1, NONE, true, false},
      {6 * U, 15, FATE_COUNTS, NONE, NONE, true, false}}},
    {"a total of which better readings have all, and less",
     &total,
     {{0, 30, 4 * U, ACTUAL}, {0, 60, 9 * U, ESTIMATE}, {30, 60, 3 * U, ACTUAL}},
     3,
     {{4 * U, 30, FATE_COUNTS, NONE, NONE, true, false},
      {2 * U, 0, FATE_CONTRADICTED, 0, NONE, true, false},
      {3 * U, 30, FATE_COUNTS, NONE, NONE, true, false}}},
    {"a total of which better readings have all",
     &total,
     {{0, 30, 4 * U, ACTUAL}, {0, 60, 7 * U, ESTIMATE}, {30, 60, 3 * U, ACTUAL}},
     3,
     {{4 * U, 30, FATE_COUNTS, NONE, NONE, true, false},
      {0, 0, FATE_OUTRANKED, 0, NONE, true, false},
      {3 * U, 30, FATE_COUNTS, NONE, NONE, true, false}}},
    {"a total with nothing in it",
     &total,
     {{0, 60, 4 * U, ACTUAL}},
     1,
     {{4 * U, 60, FATE_COUNTS, NONE, NONE, true, false}}},
    {"a register that rises",
     &counter,
     {{0, 0, 100 * U, ACTUAL}, {15, 0, 104 * U, ACTUAL}, {30, 0, 104 * U, ACTUAL}},
     3,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {4 * U, 0, FATE_COUNTS, 0, NONE, true, false},
      {0, 0, FATE_COUNTS, 1, NONE, true, false}}},
    {"a reading at the change ends the older version",
     &older,
     {{0, 0, 100 * U, ACTUAL}, {15, 0, 104 * U, ACTUAL}},
     2,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {4 * U, 0, FATE_COUNTS, 0, NONE, true, false}}},
    {"and begins the newer one",
     &newer,
     {{0, 0, 100 * U, ACTUAL}, {15, 0, 104 * U, ACTUAL}, {30, 0, 105 * U, ACTUAL}},
     3,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {U, 0, FATE_COUNTS, 1, NONE, true, false}}},
    {"a stretch over the change: the newer version has its share",
     &newer,
     {{0, 0, 100 * U, ACTUAL}, {30, 0, 104 * U, ACTUAL}},
     2,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {2 * U, 0, FATE_COUNTS, 0, NONE, true, false}}},
    {"a register that falls: later readings decide",
     &counter,
     {{0, 0, 640 * U, ACTUAL}, {15, 0, 641 * U, ACTUAL}, {30, 0, 18 * U, ACTUAL}},
     3,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {U, 0, FATE_COUNTS, 0, NONE, true, false},
      {-623 * U, 0, FATE_HELD, 1, NONE, true, false}}},
    {"a register that falls and comes back",
     &counter,
     {{0, 0, 640 * U, ACTUAL},
      {15, 0, 641 * U, ACTUAL},
      {30, 0, 0, ACTUAL},
      {45, 0, 0, ACTUAL},
      {60, 0, 643 * U, ACTUAL}},
     5,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {U, 0, FATE_COUNTS, 0, NONE, true, false},
      {0, 0, FATE_LEFT_ASIDE, 1, 4, false, false},
      {0, 0, FATE_LEFT_ASIDE, 1, 4, false, false},
      {2 * U, 0, FATE_COUNTS, 1, NONE, true, false}}},
    {"only the newest of those that contradict is told what is in question",
     &counter,
     {{0, 0, 640 * U, ACTUAL},
      {15, 0, 641 * U, ACTUAL},
      {30, 0, 18 * U, ACTUAL},
      {45, 0, 19 * U, ACTUAL},
      {60, 0, 10 * U, ESTIMATE}},
     5,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {U, 0, FATE_COUNTS, 0, NONE, true, false},
      {0, 0, FATE_LEFT_ASIDE, 1, NONE, false, false},
      {-622 * U, 0, FATE_HELD, 1, NONE, true, false},
      {0, 0, FATE_LEFT_ASIDE, 1, NONE, false, false}}},
    {"a first reading that all later ones contradict",
     &counter,
     {{0, 0, 640 * U, ACTUAL}, {15, 0, 18 * U, ACTUAL}, {30, 0, 20 * U, ACTUAL}},
     3,
     {{0, 0, FATE_LEFT_ASIDE, NONE, 1, false, false},
      {0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {2 * U, 0, FATE_COUNTS, 1, NONE, true, false}}},
    {"an estimate gives way to a measured reading",
     &counter,
     {{0, 0, 640 * U, ACTUAL}, {15, 0, 650 * U, ESTIMATE}, {30, 0, 644 * U, ACTUAL}},
     3,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {0, 0, FATE_LEFT_ASIDE, 0, 2, false, false},
      {4 * U, 0, FATE_COUNTS, 0, NONE, true, false}}},
    {"an estimate counts until then",
     &counter,
     {{0, 0, 640 * U, ACTUAL}, {15, 0, 650 * U, ESTIMATE}},
     2,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {10 * U, 0, FATE_COUNTS, 0, NONE, true, false}}},
    {"a rise beyond the loose rate waits for a higher reading",
     &counter,
     {{0, 0, 10 * U, ACTUAL},
      {15, 0, 11 * U, ACTUAL},
      {30, 0, 12 * U, ACTUAL},
      {45, 0, 99 * U, ACTUAL}},
     4,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {U, 0, FATE_COUNTS, 0, NONE, true, false},
      {U, 0, FATE_COUNTS, 1, NONE, true, false},
      {87 * U, 0, FATE_HELD, 2, NONE, true, false}}},
    {"a first rise from 0 waits for a second one",
     &counter,
     {{0, 0, 0, ACTUAL}, {15, 0, 3 * U, ACTUAL}},
     2,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false}, {3 * U, 0, FATE_HELD, 0, NONE, true, false}}},
    {"a register that is exchanged without a word",
     &bounded,
     {{0, 0, 100 * U, ACTUAL},
      {15, 0, 104 * U, ACTUAL},
      {30, 0, 108 * U, ACTUAL},
      {45, 0, 112 * U, ACTUAL},
      {60, 0, 116 * U, ACTUAL},
      {75, 0, 5 * U, ACTUAL},
      {90, 0, 9 * U, ACTUAL},
      {105, 0, 13 * U, ACTUAL},
      {120, 0, 17 * U, ACTUAL}},
     9,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {4 * U, 0, FATE_COUNTS, 0, NONE, true, false},
      {4 * U, 0, FATE_COUNTS, 1, NONE, true, false},
      {4 * U, 0, FATE_COUNTS, 2, NONE, true, false},
      {4 * U, 0, FATE_COUNTS, 3, NONE, true, false},
      {-111 * U, 0, FATE_BREAK, 4, NONE, true, false},
      {4 * U, 0, FATE_COUNTS, 5, NONE, true, false},
      {4 * U, 0, FATE_COUNTS, 6, NONE, true, false},
      {4 * U, 0, FATE_COUNTS, 7, NONE, true, false}}},
    {"an exchange that is told",
     &counter,
     {{0, 0, 640 * U, ACTUAL},
      {15, 0, 652 * U, FINAL},
      {15, 0, 0, INITIAL},
      {30, 0, 18 * U, ACTUAL}},
     4,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {12 * U, 0, FATE_COUNTS, 0, NONE, true, false},
      {0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {18 * U, 0, FATE_COUNTS, 2, NONE, true, false}}},
    {"an exchange whose final state does not fit",
     &counter,
     {{0, 0, 640 * U, ACTUAL},
      {5, 0, 641 * U, ACTUAL},
      {15, 0, 52 * U, FINAL},
      {15, 0, 0, INITIAL},
      {30, 0, 18 * U, ACTUAL}},
     5,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {U, 0, FATE_COUNTS, 0, NONE, true, false},
      {0, 0, FATE_LEFT_ASIDE, 1, 3, false, false},
      {-641 * U, 0, FATE_BREAK, 1, NONE, true, false},
      {18 * U, 0, FATE_COUNTS, 3, NONE, true, false}}},
    {"a register that wraps",
     &digits,
     {{0, 0, 993 * U, ACTUAL}, {15, 0, 998 * U, ACTUAL}, {30, 0, 3 * U, ACTUAL}},
     3,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {5 * U, 0, FATE_COUNTS, 0, NONE, true, false},
      {5 * U, 0, FATE_COUNTS, 1, NONE, true, true}}},
    {"a gauge",
     &gauge,
     {{0, 0, 4 * U, ACTUAL}, {20, 0, 4 * U, ACTUAL}, {40, 0, 6 * U, ACTUAL}},
     3,
     {{0, 0, FATE_BEGINS, NONE, 1, false, false},
      {0, 0, FATE_COUNTS, 0, 2, false, false},
      {0, 0, FATE_COUNTS, 1, NONE, false, false}}},
    {"a gauge with gaps",
     &gauge,
     {{0, 0, 4 * U, ACTUAL},
      {20, 0, 4 * U, ACTUAL},
      {41, 0, 6 * U, ACTUAL},
      {62, 0, 6 * U, ACTUAL},
      {70, 0, 6 * U, ACTUAL},
      {91, 0, 6 * U, ACTUAL}},
     6,
     {{0, 0, FATE_BEGINS, NONE, 1, false, false},
      {0, 0, FATE_COUNTS_PARTLY, 0, NONE, false, false},
      {0, 0, FATE_GAP, NONE, NONE, false, false},
      {0, 0, FATE_COUNTS_PARTLY, NONE, 4, false, false},
      {0, 0, FATE_COUNTS_PARTLY, 3, NONE, false, false},
      {0, 0, FATE_GAP, NONE, NONE, false, false}}},
    {"the first sample of a gauge that is followed by a gap",
     &gauge,
     {{0, 0, 4 * U, ACTUAL}, {21, 0, 4 * U, ACTUAL}},
     2,
     {{0, 0, FATE_GAP, NONE, NONE, false, false}, {0, 0, FATE_GAP, NONE, NONE, false, false}}},
    {"a gauge's only sample",
     &gauge,
     {{0, 0, 4 * U, ACTUAL}},
     1,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false}}},
    {"samples that hold until the next one",
     &step,
     {{0, 0, 4 * U, ACTUAL}, {20, 0, 4 * U, ACTUAL}, {41, 0, 4 * U, ACTUAL}},
     3,
     {{0, 0, FATE_COUNTS, NONE, 1, false, false},
      {0, 0, FATE_COUNTS_PARTLY, NONE, NONE, false, false},
      {0, 0, FATE_BEGINS, NONE, NONE, false, false}}},
    {"a stock between dips, and what waits for one",
     &stock,
     {{0, 0, 9 * U, ACTUAL}, /* before the first dip */
      {1, 0, 12 * U, DIP},
      {1, 0, 2 * U, TRANSFER}, /* it is in the dip already */
      {5, 0, 30 * U, ACTUAL},
      {9, 0, 10 * U, DIP},
      {9, 0, U, TRANSFER},
      {10, 0, 5 * U, ACTUAL}},
     7,
     {{0, 0, FATE_WAITS, NONE, NONE, false, false},
      {0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {0, 0, FATE_WAITS, NONE, NONE, false, false},
      {0, 0, FATE_IN_BALANCE, 1, 4, false, false},
      {31 * U, 0, FATE_COUNTS, 1, NONE, true, false},
      {0, 0, FATE_IN_BALANCE, 1, 4, false, false},
      {0, 0, FATE_WAITS, NONE, NONE, false, false}}},
    {"a stock with more than can be",
     &stock,
     {{0, 0, 12 * U, DIP}, {5, 0, 3 * U, ACTUAL}, {9, 0, 16 * U, DIP}, {20, 0, 4 * U, DIP}},
     4,
     {{0, 0, FATE_BEGINS, NONE, NONE, false, false},
      {0, 0, FATE_IN_BALANCE, 0, 2, false, false},
      {-U, 0, FATE_HELD, 0, NONE, true, false},
      {12 * U, 0, FATE_COUNTS, 2, NONE, true, false}}},
    {"deliveries",
     &delivery,
     {{0, 0, 4 * U, ACTUAL}, {5, 0, 3 * U, ESTIMATE}},
     2,
     {{4 * U, 0, FATE_COUNTS, NONE, NONE, true, false},
      {3 * U, 0, FATE_COUNTS, NONE, NONE, true, false}}},
};

static uint32_t index_or_none(int index)
{
    return index == NONE ? (uint32_t)FATE_NO_READING : (uint32_t)index;
}

static void compare(const char *name, size_t index, const struct reading_fate *fate,
                    const struct expect *expect)
{
    if (fate->fate != expect->fate || fate->before != index_or_none(expect->before) ||
        fate->after != index_or_none(expect->after) || fate->rollover != expect->rollover ||
        fate->counted_ms != expect->counted_min * MINUTE_MS ||
        fate->has_amount != expect->has_amount || fate->amount != expect->amount)
        fail_msg("%s: reading %zu: fate %u before %" PRIu32 " after %" PRIu32 " amount %" PRId64
                 " counted %" PRId64 " ms",
                 name, index, fate->fate, fate->before, fate->after, fate->amount,
                 fate->counted_ms);
}

static void test_each_fate(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading slots[SLOTS];
        struct reading_fate fates[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        for (size_t j = 0; j < cases[i].count; j++)
            (void)book(cases[i].meter, &journal, &cases[i].readings[j], FLOOR);
        assert_int_equal(journal.count, cases[i].count);
        fates_judge(fates, cases[i].meter, &journal);
        for (size_t j = 0; j < cases[i].count; j++)
            compare(cases[i].name, j, &fates[j], &cases[i].expect[j]);
    }
}

/* Lines of one bill count together. */
static void test_lines_of_a_bill(void **state)
{
    (void)state;
    struct reading slots[SLOTS];
    struct reading_fate fates[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, SLOTS);
    for (uint64_t id = 1; id <= 3; id++) {
        struct reading line = reading_of(&(struct given){0, 60, (int64_t)id * U, ACTUAL});
        line.id_hash = id;
        struct booking booking;
        booking_add(&booking, &interval, &journal, &line, BUCKET_MS, FLOOR);
    }
    (void)book(&interval, &journal, &(struct given){0, 60, 9 * U, ESTIMATE}, FLOOR);
    fates_judge(fates, &interval, &journal);
    static const struct expect expect[] = {{0, 0, FATE_OUTRANKED, 1, NONE, true, false},
                                           {6 * U, 60, FATE_COUNTS, NONE, NONE, true, false},
                                           {0, 0, FATE_LINE, 1, NONE, false, false},
                                           {0, 0, FATE_LINE, 1, NONE, false, false}};
    assert_int_equal(journal.count, ARRAY_LEN(expect));
    for (size_t i = 0; i < ARRAY_LEN(expect); i++)
        compare("lines of a bill", i, &fates[i], &expect[i]);
}

static void test_held_stretches(void **state)
{
    (void)state;
    static const struct given given[] = {
        {0, 0, 9 * U, ACTUAL},   {2, 0, 10 * U, ACTUAL}, {5, 0, 11 * U, ACTUAL},
        {10, 0, 12 * U, ACTUAL}, {20, 0, 3 * U, ACTUAL}, {25, 0, 4 * U, ACTUAL},
        {30, 0, 5 * U, ACTUAL},  {35, 0, 6 * U, ACTUAL}, {50, 0, 999 * U, ACTUAL},
        {65, 0, U, ACTUAL},
    };
    struct reading slots[SLOTS];
    struct journal journal;
    struct held_stretches held;
    journal_init(&journal, slots, SLOTS);
    fates_find_held(&held, &counter, &journal, FLOOR);
    assert_int_equal(held.count, 0);
    for (size_t i = 0; i < ARRAY_LEN(given) - 2; i++)
        (void)book(&counter, &journal, &given[i], FLOOR);
    fates_find_held(&held, &counter, &journal, FLOOR); /* a break */
    assert_int_equal(held.count, 1);
    assert_int_equal(held.held_ms, 10 * MINUTE_MS);
    assert_int_equal(held.from_ms, 10 * MINUTE_MS);
    assert_int_equal(held.to_ms, 20 * MINUTE_MS);
    assert_int_equal(held.amount, -9 * U);
    (void)book(&counter, &journal, &given[8], FLOOR);
    fates_find_held(&held, &counter, &journal, FLOOR); /* and a steep rise */
    assert_int_equal(held.count, 2);
    assert_int_equal(held.held_ms, 25 * MINUTE_MS);
    assert_int_equal(held.from_ms, 10 * MINUTE_MS);
    assert_int_equal(held.to_ms, 50 * MINUTE_MS);
    assert_int_equal(held.amount, 993 * U);
    (void)book(&counter, &journal, &given[9], FLOOR);
    fates_find_held(&held, &counter, &journal, FLOOR); /* which a fall behind it contradicts */
    assert_int_equal(held.to_ms, 65 * MINUTE_MS);
    fates_find_held(&held, &gauge, &journal, FLOOR); /* gauges hold nothing */
    assert_int_equal(held.count, 0);
}

static void find_held(struct held_stretches *held_out, const struct meter *meter,
                      const struct given *given, size_t count)
{
    struct reading slots[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, SLOTS);
    for (size_t i = 0; i < count; i++)
        (void)book(meter, &journal, &given[i], FLOOR);
    fates_find_held(held_out, meter, &journal, FLOOR);
}

static void test_held_balances_and_totals(void **state)
{
    (void)state;
    static const struct given dips[] = {
        {0, 0, 4 * U, DIP}, {10, 0, 5 * U, DIP}, {15, 0, 2 * U, DIP}, {40, 0, 9 * U, DIP}};
    struct held_stretches held;
    find_held(&held, &stock, dips, ARRAY_LEN(dips));
    assert_int_equal(held.count, 2);
    assert_int_equal(held.held_ms, 35 * MINUTE_MS);
    assert_int_equal(held.from_ms, 0);
    assert_int_equal(held.newest_ms, 15 * MINUTE_MS);
    assert_int_equal(held.to_ms, 40 * MINUTE_MS);
    assert_int_equal(held.amount, -7 * U);
    assert_string_equal(held_reason(&stock), "stock_negative");
    static const struct given bills[] = {
        {0, 60, 4 * U, ESTIMATE},
        {15, 30, 6 * U, ACTUAL}, /* 45 minutes are held */
        {60, 90, 9 * U, ESTIMATE},
        {60, 90, 8 * U, ACTUAL} /* a correction: no second reading */
    };
    find_held(&held, &total, bills, ARRAY_LEN(bills));
    assert_int_equal(held.count, 1);
    assert_int_equal(held.held_ms, 45 * MINUTE_MS);
    assert_int_equal(held.to_ms, 60 * MINUTE_MS);
    assert_int_equal(held.amount, -2 * U);
    static const struct given covered[] = {
        {0, 30, 9 * U, ESTIMATE}, {0, 15, 4 * U, ACTUAL}, {15, 30, 4 * U, ACTUAL}};
    find_held(&held, &total, covered, ARRAY_LEN(covered));
    assert_int_equal(held.count, 1);
    assert_int_equal(held.held_ms, 0);
    assert_int_equal(held.amount, U);
    find_held(&held, &interval, covered, ARRAY_LEN(covered)); /* only totals contradict */
    assert_int_equal(held.count, 0);
}

static struct given random_reading(const struct meter *meter, uint64_t *random)
{
    struct given given = {.start_min = random_below(random, 300),
                          .value = random_below(random, 50000),
                          .quality = (int)random_below(random, QUALITY_COUNT)};
    if (meter->kind == KIND_INTERVAL)
        given.end_min = given.start_min + 1 + random_below(random, 90);
    static const int roles[] = {ROLE_READING, ROLE_DIP, ROLE_TRANSFER, ROLE_DIP, ROLE_CREDIT};
    if (meter->kind == KIND_STOCK)
        given.quality |= roles[random_below(random, ARRAY_LEN(roles))] << ROLE_SHIFT;
    return given;
}

/* Stretches that are held are those of the cells. */
static void test_held_time_is_that_of_the_cells(void **state)
{
    (void)state;
    static const struct meter *const meters[] = {&counter, &digits, &bounded, &stock, &total};
    uint64_t random = seed_of_run();
    for (size_t trial = 0; trial < TRIALS; trial++) {
        const struct meter *meter = meters[trial % ARRAY_LEN(meters)];
        struct reading slots[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        for (int i = 0; i < TRIAL_READINGS; i++) {
            struct given given = random_reading(meter, &random);
            (void)book(meter, &journal, &given, FLOOR);
        }
        struct held_stretches held;
        fates_find_held(&held, meter, &journal, FLOOR);
        int64_t held_ms = 0;
        for (int64_t bucket = 0; bucket < TRIAL_BUCKETS; bucket++) {
            struct cell cell;
            projection_cell(&cell, meter, &journal, bucket * BUCKET_MS, BUCKET_MS);
            held_ms += cell.held_ms;
        }
        assert_int_equal(held.held_ms, held_ms);
    }
}

/* More readings over one moment than are told apart: the worst of them do not count. */
static void test_deeper_than_the_maximum(void **state)
{
    (void)state;
    enum { DEPTH = 70 };
    struct reading slots[DEPTH];
    struct reading_fate fates[DEPTH];
    struct journal journal;
    journal_init(&journal, slots, DEPTH);
    for (int i = 0; i < DEPTH; i++)
        (void)book(&interval, &journal, &(struct given){0, 1 + i, U, ACTUAL}, FLOOR);
    fates_judge(fates, &interval, &journal);
    int64_t counted_ms = 0;
    for (int i = 0; i < DEPTH; i++)
        counted_ms += fates[i].counted_ms;
    assert_int_equal(fates[0].fate, FATE_COUNTS);
    assert_int_equal(fates[DEPTH - 1].fate, FATE_OUTRANKED);
    assert_int_equal(counted_ms, 64 * MINUTE_MS);
}

static bool in_question(uint8_t fate)
{
    return fate == FATE_BREAK || fate == FATE_HELD || fate == FATE_CONTRADICTED;
}

/* For all readings, the fates tell of the amount that the cells hold, and of no other. */
static void test_amounts_are_those_of_the_cells(void **state)
{
    (void)state;
    static const struct meter *const meters[] = {&interval, &total,    &counter,
                                                 &digits,   &delivery, &stock};
    uint64_t random = seed_of_run();
    for (size_t trial = 0; trial < TRIALS; trial++) {
        const struct meter *meter = meters[trial % ARRAY_LEN(meters)];
        struct reading slots[SLOTS];
        struct reading_fate fates[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        for (int i = 0; i < TRIAL_READINGS; i++) {
            struct given given = random_reading(meter, &random);
            (void)book(meter, &journal, &given, FLOOR);
        }
        fates_judge(fates, meter, &journal);
        int128 sum = 0;
        for (uint32_t i = 0; i < journal.count; i++)
            sum += in_question(fates[i].fate) ? 0 : fates[i].amount;
        assert_true(sum == sum_buckets(meter, &journal, 0, TRIAL_BUCKETS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fate),
        cmocka_unit_test(test_lines_of_a_bill),
        cmocka_unit_test(test_held_stretches),
        cmocka_unit_test(test_held_balances_and_totals),
        cmocka_unit_test(test_held_time_is_that_of_the_cells),
        cmocka_unit_test(test_deeper_than_the_maximum),
        cmocka_unit_test(test_amounts_are_those_of_the_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
