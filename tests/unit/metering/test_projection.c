/* Readings through booking and projection: every kind, every order of arrival, the same cells. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/param.h>

#include <cmocka.h>

#include "pipelines/metering/intervals.h"
#include "pipelines/metering/projection.h"
#include "tests/unit/metering/readings.h"

enum { READINGS_MAX = 8, CELLS_MAX = 6 };

struct expect {
    const char *name;
    struct meter meter;
    struct given readings[READINGS_MAX];
    size_t count;
    int64_t cells[CELLS_MAX]; /* micro-units of buckets 0, 1, ... */
    int covered_min[CELLS_MAX];
};

#define INTERVAL                                                                                   \
    {                                                                                              \
        .cell_max = CELL_MAX, .kind = KIND_INTERVAL                                                \
    }

static const struct expect cases[] = {
    {"an interval inside one bucket", INTERVAL, {{0, 15, 3 * U, ACTUAL}}, 1, {3 * U}, {15}},
    {"an hour is split evenly",
     INTERVAL,
     {{0, 60, 4 * U, ACTUAL}},
     1,
     {U, U, U, U},
     {15, 15, 15, 15}},
    {"what does not divide loses nothing",
     INTERVAL,
     {{0, 45, 10, ACTUAL}},
     1,
     {3, 3, 4},
     {15, 15, 15}},
    {"a straddling interval", INTERVAL, {{10, 20, 7, ACTUAL}}, 1, {3, 4}, {5, 5}},
    {"a negative interval loses nothing either",
     {.cell_max = CELL_MAX, .kind = KIND_INTERVAL, .negative = true},
     {{0, 45, -10, ACTUAL}},
     1,
     {-4, -3, -3},
     {15, 15, 15}},
    {"a gap stays a gap",
     INTERVAL,
     {{0, 15, U, ACTUAL}, {30, 45, U, ACTUAL}},
     2,
     {U, 0, U},
     {15, 0, 15}},
    {"a correction replaces",
     INTERVAL,
     {{0, 15, U, ACTUAL}, {0, 15, 5 * U, .revision = 1, ACTUAL}},
     2,
     {5 * U},
     {15}},
    {"a better quality replaces",
     INTERVAL,
     {{0, 15, 9 * U, ESTIMATE}, {0, 15, 5 * U, ACTUAL}},
     2,
     {5 * U},
     {15}},
    {"an estimate never replaces a measurement",
     INTERVAL,
     {{0, 15, 9 * U, .revision = 4, ESTIMATE}, {0, 15, 5 * U, ACTUAL}},
     2,
     {5 * U},
     {15}},
    {"of a conflict the later stays",
     INTERVAL,
     {{0, 15, 1000 * U, ACTUAL}, {0, 15, 100 * U, ACTUAL, .offset = 8}},
     2,
     {100 * U},
     {15}},
    {"actual quarters inside an estimated hour",
     INTERVAL,
     {{0, 60, 8 * U, ESTIMATE}, {15, 30, 7 * U, ACTUAL}},
     2,
     {2 * U, 7 * U, 2 * U, 2 * U},
     {15, 15, 15, 15}},
    {"of two equal overlapping ones the shorter counts",
     INTERVAL,
     {{0, 30, 6 * U, ACTUAL}, {0, 15, U, ACTUAL}},
     2,
     {U, 3 * U},
     {15, 15}},
    {"of two equally long ones the earlier counts",
     INTERVAL,
     {{0, 30, 2 * U, ACTUAL}, {15, 45, 4 * U, ACTUAL}},
     2,
     {U, U, 2 * U},
     {15, 15, 15}},
    {"what has ended inside the bucket gives way",
     INTERVAL,
     {{0, 10, 2 * U, ACTUAL}, {0, 5, 4 * U, ACTUAL}},
     2,
     {5 * U},
     {10}},
    {"a register's difference",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER},
     {{0, 0, 100 * U, ACTUAL}, {30, 0, 104 * U, ACTUAL}},
     2,
     {2 * U, 2 * U},
     {15, 15}},
    {"a first register reading is a base",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER},
     {{5, 0, 100 * U, ACTUAL}},
     1,
     {0},
     {0}},
    {"a reading between two changes shape, not sum",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER},
     {{0, 0, 100 * U, ACTUAL}, {30, 0, 104 * U, ACTUAL}, {15, 0, 101 * U, ACTUAL}},
     3,
     {U, 3 * U},
     {15, 15}},
    {"a rollover by the rises before it",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER, .register_modulus = 1000 * U},
     {{0, 0, 994 * U, ACTUAL}, {15, 0, 998 * U, ACTUAL}, {30, 0, 3 * U, ACTUAL}},
     3,
     {4 * U, 5 * U},
     {15, 15}},
    {"a rollover that no rise before explains is held",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER, .register_modulus = 1000 * U},
     {{0, 0, 998 * U, ACTUAL}, {15, 0, 3 * U, ACTUAL}},
     2,
     {0},
     {0}},
    {"a rollover by the maximum rate",
     {.cell_max = CELL_MAX,
      .kind = KIND_REGISTER,
      .register_modulus = 1000 * U,
      .rate_max = 1200 * U},
     {{0, 0, 800 * U, ACTUAL}, {15, 0, 100 * U, ACTUAL}},
     2,
     {300 * U},
     {15}},
    {"a first reading that two contradict is left aside",
     {.cell_max = CELL_MAX,
      .kind = KIND_REGISTER,
      .register_modulus = 1000 * U,
      .rate_max = 100 * U},
     {{0, 0, 800 * U, ACTUAL}, {15, 0, 100 * U, ACTUAL}, {30, 0, 101 * U, ACTUAL}},
     3,
     {0, U},
     {0, 15}},
    {"likewise without digits",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER},
     {{0, 0, 998 * U, ACTUAL}, {15, 0, 3 * U, ACTUAL}, {30, 0, 4 * U, ACTUAL}},
     3,
     {0, U},
     {0, 15}},
    {"a jump beyond the maximum rate is not booked",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER, .rate_max = 4 * U},
     {{0, 0, 0, ACTUAL}, {15, 0, 4 * U, ACTUAL}, {30, 0, 5 * U, ACTUAL}},
     3,
     {0, U},
     {0, 15}},
    {"a steady gauge",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 30 * MINUTE_MS},
     {{0, 0, 8 * U, ACTUAL}, {15, 0, 8 * U, ACTUAL}, {30, 0, 8 * U, ACTUAL}},
     3,
     {2 * U, 2 * U},
     {15, 15}},
    {"a rising gauge is a trapezoid",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 60 * MINUTE_MS},
     {{0, 0, 0, ACTUAL}, {30, 0, 8 * U, ACTUAL}},
     2,
     {U / 2, 3 * U / 2},
     {15, 15}},
    {"a gauge that was silent too long leaves a gap",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 15 * MINUTE_MS},
     {{0, 0, 8 * U, ACTUAL},
      {15, 0, 8 * U, ACTUAL},
      {45, 0, 8 * U, ACTUAL},
      {60, 0, 8 * U, ACTUAL}},
     4,
     {2 * U, 0, 0, 2 * U},
     {15, 0, 0, 15}},
    {"minutes of a gauge are rounded once per bucket",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 5 * MINUTE_MS},
     {{0, 0, 1, ACTUAL}, {5, 0, 1, ACTUAL}, {10, 0, 1, ACTUAL}, {15, 0, 3, ACTUAL}},
     4,
     {0},
     {15}}, /* (1 + 1 + 1 + 1 + 1 + 3) / 2 * 5 min = 0.333 of a micro-unit */
    {"a gauge that tells changes: each holds until the next",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 60 * MINUTE_MS, .step = true},
     {{0, 0, 0, ACTUAL}, {20, 0, 12 * U, ACTUAL}, {35, 0, 0, ACTUAL}, {50, 0, 4 * U, ACTUAL}},
     4,
     {0, 2 * U, U, 0},
     {15, 15, 15, 5}},
    {"and at most as long as it may",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 10 * MINUTE_MS, .step = true},
     {{0, 0, 6 * U, ACTUAL}, {15, 0, 12 * U, ACTUAL}, {45, 0, 12 * U, ACTUAL}},
     3,
     {U, 2 * U, 0},
     {10, 10, 0}},
    {"a step down to below zero",
     {.cell_max = CELL_MAX,
      .kind = KIND_GAUGE,
      .hold_ms = 60 * MINUTE_MS,
      .step = true,
      .negative = true},
     {{0, 0, 8 * U, ACTUAL}, {15, 0, -8 * U, ACTUAL}, {30, 0, 0, ACTUAL}},
     3,
     {2 * U, -2 * U},
     {15, 15}},
    {"a delivery is booked whole, and covers nothing",
     {.cell_max = CELL_MAX, .kind = KIND_DELIVERY},
     {{7, 0, 30 * U, ACTUAL}, {16, 0, 5 * U, ACTUAL}},
     2,
     {30 * U, 5 * U},
     {0, 0}},
};

static void add_in_order(const struct expect *expect, const size_t *order, struct journal *journal)
{
    for (size_t i = 0; i < expect->count; i++) {
        struct reading reading = reading_of(&expect->readings[order[i]]);
        struct booking booking;
        booking_add(&booking, &expect->meter, journal, &reading, BUCKET_MS, FLOOR);
    }
}

static void check_cells(const struct expect *expect, const struct journal *journal)
{
    for (int64_t i = 0; i < CELLS_MAX; i++) {
        struct cell cell;
        projection_cell(&cell, &expect->meter, journal, i * BUCKET_MS, BUCKET_MS);
        if (cell.activity != expect->cells[i] ||
            cell.covered_ms != (uint32_t)expect->covered_min[i] * MINUTE_MS)
            fail_msg("%s: bucket %" PRId64 " has %" PRId64 " over %" PRIu32 " ms", expect->name, i,
                     cell.activity, cell.covered_ms);
    }
}

/* Every permutation (Heap's algorithm) of the readings gives the same cells. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as a case has readings, eight
static void permute(const struct expect *expect, size_t *order, size_t n)
{
    if (n <= 1) {
        struct reading slots[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        add_in_order(expect, order, &journal);
        check_cells(expect, &journal);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        permute(expect, order, n - 1);
        size_t other = n % 2 == 1 ? 0 : i;
        size_t swap = order[other];
        order[other] = order[n - 1];
        order[n - 1] = swap;
    }
}

static void test_every_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t order[READINGS_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
        permute(&cases[i], order, cases[i].count);
    }
}

/* More readings over one moment than are told apart: the best counts, whichever came last. */
static void test_deeper_than_the_maximum(void **state)
{
    (void)state;
    enum { DEPTH = OVERLAP_DEPTH_MAX + 6 };
    static const struct meter meter = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};
    static const struct {
        const char *name;
        int first_revision, step;
        int64_t want;
    } cases_of_rank[] = {
        {"the longest is the best", 0, 1, INT64_C(15) * DEPTH * U},
        {"the shortest is the best", DEPTH, -1, 15 * U},
        {"all are equal, the shortest counts", 0, 0, 15 * U},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases_of_rank); i++) {
        struct reading slots[DEPTH];
        struct journal journal;
        journal_init(&journal, slots, DEPTH);
        for (int n = 0; n < DEPTH; n++) {
            int64_t minutes = 60 + n; /* so that each has a rate of its own: n + 1 a minute */
            struct given given = {0,
                                  minutes,
                                  minutes * (n + 1) * U,
                                  cases_of_rank[i].first_revision + n * cases_of_rank[i].step,
                                  QUALITY_ACTUAL,
                                  0};
            struct reading reading = reading_of(&given);
            struct booking booking;
            booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, FLOOR);
            assert_int_equal(booking.outcome, OUTCOME_USED);
        }
        struct cell cell;
        projection_cell(&cell, &meter, &journal, BUCKET_MS, BUCKET_MS);
        if (cell.activity != cases_of_rank[i].want || cell.covered_ms != BUCKET_MS)
            fail_msg("%s: got %" PRId64 " over %" PRIu32 " ms", cases_of_rank[i].name,
                     cell.activity, cell.covered_ms);
    }
}

/* Readings of a kind, at random times: as cells of any length that is asked for. */
struct scene {
    const struct meter *meter;
    struct reading slots[SLOTS];
    struct journal journal;
    int64_t end_min;
};

static void make_scene(struct scene *scene, const struct meter *meter, uint64_t *random)
{
    scene->meter = meter;
    scene->end_min = 0;
    journal_init(&scene->journal, scene->slots, SLOTS);
    for (int i = 0; i < 20; i++) {
        int64_t start = random_below(random, 400);
        int64_t length = meter->kind == KIND_INTERVAL ? 1 + random_below(random, 100) : 0;
        int64_t value = (int64_t)random_below(random, 1U << 31) - (1 << 20);
        if (meter->kind == KIND_REGISTER)
            value = (start + 1) * (INT64_C(1) << 32) + random_below(random, 1U << 31);
        struct given given = {start,
                              length > 0 ? start + length : 0,
                              value,
                              (int)random_below(random, 3),
                              (int)random_below(random, QUALITY_COUNT),
                              0};
        if (meter->kind == KIND_REGISTER) /* an estimate gives way to what comes behind it */
            given.quality = QUALITY_ACTUAL;
        (void)book(meter, &scene->journal, &given, FLOOR);
        scene->end_min = MAX(scene->end_min, start + length + 1);
    }
    journal_check(&scene->journal, 0);
}

/* All of it in cells of `minutes` each. */
static struct cell sum_scene(const struct scene *scene, int64_t minutes)
{
    struct cell sum = {0};
    for (int64_t at = 0; at < scene->end_min; at += minutes) {
        struct cell cell;
        projection_cell(&cell, scene->meter, &scene->journal, at * MINUTE_MS, minutes * MINUTE_MS);
        assert_false(cell.held);
        assert_true(cell.estimated_ms <= cell.covered_ms);
        assert_true(cell.covered_ms <= minutes * MINUTE_MS);
        sum.activity += cell.activity;
        sum.covered_ms += cell.covered_ms;
        sum.estimated_ms += cell.estimated_ms;
    }
    return sum;
}

static const struct meter kinds[] = {
    {.cell_max = CELL_MAX, .kind = KIND_INTERVAL, .negative = true},
    {.cell_max = CELL_MAX, .kind = KIND_REGISTER},
    {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 40 * MINUTE_MS, .negative = true},
    {.cell_max = CELL_MAX, .kind = KIND_DELIVERY, .negative = true},
    {.cell_max = CELL_MAX,
     .kind = KIND_GAUGE,
     .hold_ms = 40 * MINUTE_MS,
     .step = true,
     .negative = true},
    {.cell_max = CELL_MAX, .kind = KIND_INTERVAL, .total = true, .negative = true},
};

/* Cells are right if only those that booking tells are projected again. */
static void test_booking_tells_what_changed(void **state)
{
    (void)state;
    enum { CELLS = 40 };
    uint64_t random = seed_of_run();
    for (int round = 0; round < 600; round++) {
        const struct meter *meter = &kinds[(size_t)round % ARRAY_LEN(kinds)];
        struct reading slots[SLOTS];
        struct journal journal;
        struct cell cells[CELLS] = {0};
        journal_init(&journal, slots, SLOTS);
        for (int i = 0; i < 20; i++) {
            int64_t start = random_below(&random, 400);
            int64_t length = meter->kind == KIND_INTERVAL ? 1 + random_below(&random, 150) : 0;
            struct given given = {
                start, length > 0 ? start + length : 0, (int64_t)random_below(&random, 1U << 31),
                .revision = (int)random_below(&random, 3), .quality = QUALITY_ACTUAL};
            struct booking booking = book(meter, &journal, &given, FLOOR);
            for (int64_t at = booking.from_ms / BUCKET_MS;
                 at * BUCKET_MS < booking.to_ms && at < CELLS; at++)
                projection_cell(&cells[at], meter, &journal, at * BUCKET_MS, BUCKET_MS);
        }
        for (int64_t at = 0; at < CELLS; at++) {
            struct cell want;
            projection_cell(&want, meter, &journal, at * BUCKET_MS, BUCKET_MS);
            if (cells[at].activity != want.activity || cells[at].covered_ms != want.covered_ms ||
                cells[at].held_ms != want.held_ms || cells[at].conflicts != want.conflicts)
                fail_msg("round %d, bucket %" PRId64 ": %" PRId64 " for %" PRId64, round, at,
                         cells[at].activity, want.activity);
        }
    }
}

/* However long the cells are, they sum to the same. A gauge rounds once a cell. */
static void test_cells_of_any_length_sum_to_the_same(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    for (int round = 0; round < 400; round++) {
        struct scene scene;
        make_scene(&scene, &kinds[(size_t)round % ARRAY_LEN(kinds)], &random);
        struct cell minutes = sum_scene(&scene, 1);
        static const int64_t lengths[] = {5, 7, 15, 60};
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
            struct cell sum = sum_scene(&scene, lengths[i]);
            int64_t apart = sum.activity - minutes.activity;
            int64_t rounding = scene.meter->kind == KIND_GAUGE ? scene.end_min : 0;
            bool timed = scene.meter->kind != KIND_DELIVERY; /* theirs is a part by amount */
            if (apart > rounding || apart < -rounding ||
                (timed && (sum.covered_ms != minutes.covered_ms ||
                           sum.estimated_ms != minutes.estimated_ms)))
                fail_msg("round %d, cells of %" PRId64 " min: %" PRId64 " apart", round, lengths[i],
                         apart);
        }
    }
}

/* A register's cells sum to the last reading less the first, whatever lies between. */
static void test_registers_sum_to_the_difference(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    for (int round = 0; round < 400; round++) {
        struct scene scene;
        make_scene(&scene, &kinds[1], &random);
        const struct reading *first = journal_at(&scene.journal, 0);
        const struct reading *last = journal_at(&scene.journal, scene.journal.count - 1);
        struct cell sum = sum_scene(&scene, 15);
        assert_int_equal(sum.activity, last->value - first->value);
        assert_int_equal(sum.covered_ms, last->start_ms - first->start_ms);
    }
}

/* An interval as long as a local day, cut at each quarter of an hour: 92, 96 or 100 cells. */
static void test_days_of_any_length(void **state)
{
    (void)state;
    static const int64_t hours[] = {23, 24, 25};
    for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
        struct reading slots[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        struct given given = {0, hours[i] * 60, 1000003, ACTUAL};
        (void)book(&kinds[0], &journal, &given, FLOOR);
        int64_t cells = hours[i] * 4;
        assert_int_equal(sum_buckets(&kinds[0], &journal, 0, cells), 1000003);
        for (int64_t at = 0; at < cells; at++) {
            struct cell cell;
            projection_cell(&cell, &kinds[0], &journal, at * BUCKET_MS, BUCKET_MS);
            assert_in_range(cell.activity, 1000003 / cells, 1000003 / cells + 1);
            assert_int_equal(cell.covered_ms, BUCKET_MS);
        }
        assert_int_equal(sum_buckets(&kinds[0], &journal, cells, cells + 4), 0);
    }
}

/* An amount that no cell can hold is not booked, and told. */
static void test_held(void **state)
{
    (void)state;
    static const struct meter meter = {.cell_max = 1000, .kind = KIND_REGISTER};
    static const struct {
        int64_t value;
        bool held;
    } limits[] = {{1000, false}, {1001, true}};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct reading slots[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        (void)book(&meter, &journal, &(struct given){0, 0, 1, ACTUAL}, FLOOR);
        (void)book(&meter, &journal, &(struct given){15, 0, 1 + limits[i].value, ACTUAL}, FLOOR);
        struct cell cell;
        projection_cell(&cell, &meter, &journal, 0, BUCKET_MS);
        assert_int_equal(cell.held, limits[i].held);
        assert_int_equal(cell.activity, limits[i].held ? 0 : limits[i].value);
        assert_true(cell.present);
    }
}

/* The estimated part of a cell, by kind. */
static void test_estimates(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct meter *meter;
        struct given first, second;
        uint32_t covered_min, estimated_min;
    } estimates[] = {
        {"half an interval", &kinds[0], {0, 10, U, ESTIMATE}, {10, 15, U, ACTUAL}, 15, 10},
        {"an invoice is measured",
         &kinds[0],
         {0, 15, U, 0, QUALITY_INVOICE, 0},
         {20, 30, U, ACTUAL},
         15,
         0},
        {"a register to an estimate", &kinds[1], {0, 0, U, ACTUAL}, {12, 0, U, ESTIMATE}, 12, 12},
        {"a measured gauge", &kinds[2], {0, 0, U, ACTUAL}, {15, 0, U, ACTUAL}, 15, 0},
        {"deliveries cover nothing", &kinds[3], {0, 0, U, ACTUAL}, {9, 0, U, ACTUAL}, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(estimates); i++) {
        struct reading slots[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        (void)book(estimates[i].meter, &journal, &estimates[i].first, FLOOR);
        (void)book(estimates[i].meter, &journal, &estimates[i].second, FLOOR);
        struct cell cell;
        projection_cell(&cell, estimates[i].meter, &journal, 0, BUCKET_MS);
        if (cell.covered_ms != estimates[i].covered_min * MINUTE_MS ||
            cell.estimated_ms != estimates[i].estimated_min * MINUTE_MS || !cell.present)
            fail_msg("%s: %" PRIu32 " of %" PRIu32 " ms", estimates[i].name, cell.estimated_ms,
                     cell.covered_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_order),
        cmocka_unit_test(test_deeper_than_the_maximum),
        cmocka_unit_test(test_booking_tells_what_changed),
        cmocka_unit_test(test_cells_of_any_length_sum_to_the_same),
        cmocka_unit_test(test_registers_sum_to_the_difference),
        cmocka_unit_test(test_days_of_any_length),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_estimates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
