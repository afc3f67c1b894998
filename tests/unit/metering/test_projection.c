/* Readings through booking and projection: every kind, every order of arrival, the same cells. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/metering/booking.h"
#include "pipelines/metering/projection.h"

#define MIN_MS INT64_C(60000)
enum { BUCKET_MS = 900000, SLOTS = 64, READINGS_MAX = 8, CELLS_MAX = 6 };
#define U INT64_C(1000000) /* one unit in micro-units */
#define FLOOR INT64_MIN

struct given {
    int64_t start_min, end_min; /* end 0: an instant */
    int64_t value;
    int revision, quality;
};

static struct reading reading_of(const struct given *given)
{
    int64_t end_min = given->end_min > 0 ? given->end_min : given->start_min;
    return (struct reading){.start_ms = given->start_min * MIN_MS,
                            .value = given->value,
                            .offset = 7,
                            .span_ms = (uint64_t)((end_min - given->start_min) * MIN_MS) &
                                       ((UINT64_C(1) << 40) - 1),
                            .revision = (uint16_t)given->revision,
                            .quality = (unsigned)given->quality & 3U};
}

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
#define ACTUAL .quality = QUALITY_ACTUAL
#define ESTIMATE .quality = QUALITY_ESTIMATED

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
    {"of a conflict the larger stays",
     INTERVAL,
     {{0, 15, U, ACTUAL}, {0, 15, 2 * U, ACTUAL}},
     2,
     {2 * U},
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
    {"a rollover by digits",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER, .register_modulus = 1000 * U},
     {{0, 0, 998 * U, ACTUAL}, {15, 0, 3 * U, ACTUAL}},
     2,
     {5 * U},
     {15}},
    {"a rollover by the maximum rate",
     {.cell_max = CELL_MAX,
      .kind = KIND_REGISTER,
      .register_modulus = 1000 * U,
      .rate_max = 1200 * U},
     {{0, 0, 800 * U, ACTUAL}, {15, 0, 100 * U, ACTUAL}},
     2,
     {300 * U},
     {15}},
    {"a fall that the maximum rate does not explain is held",
     {.cell_max = CELL_MAX,
      .kind = KIND_REGISTER,
      .register_modulus = 1000 * U,
      .rate_max = 100 * U},
     {{0, 0, 800 * U, ACTUAL}, {15, 0, 100 * U, ACTUAL}, {30, 0, 101 * U, ACTUAL}},
     3,
     {0, U},
     {0, 15}},
    {"a fall without digits is held",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER},
     {{0, 0, 998 * U, ACTUAL}, {15, 0, 3 * U, ACTUAL}, {30, 0, 4 * U, ACTUAL}},
     3,
     {0, U},
     {0, 15}},
    {"a jump beyond the maximum rate is held",
     {.cell_max = CELL_MAX, .kind = KIND_REGISTER, .rate_max = 4 * U},
     {{0, 0, 0, ACTUAL}, {15, 0, 2 * U, ACTUAL}, {30, 0, 3 * U, ACTUAL}},
     3,
     {0, U},
     {0, 15}},
    {"a steady gauge",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 30 * MIN_MS},
     {{0, 0, 8 * U, ACTUAL}, {15, 0, 8 * U, ACTUAL}, {30, 0, 8 * U, ACTUAL}},
     3,
     {2 * U, 2 * U},
     {15, 15}},
    {"a rising gauge is a trapezoid",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 60 * MIN_MS},
     {{0, 0, 0, ACTUAL}, {30, 0, 8 * U, ACTUAL}},
     2,
     {U / 2, 3 * U / 2},
     {15, 15}},
    {"a gauge that was silent too long leaves a gap",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 15 * MIN_MS},
     {{0, 0, 8 * U, ACTUAL},
      {15, 0, 8 * U, ACTUAL},
      {45, 0, 8 * U, ACTUAL},
      {60, 0, 8 * U, ACTUAL}},
     4,
     {2 * U, 0, 0, 2 * U},
     {15, 0, 0, 15}},
    {"minutes of a gauge are rounded once per bucket",
     {.cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 5 * MIN_MS},
     {{0, 0, 1, ACTUAL}, {5, 0, 1, ACTUAL}, {10, 0, 1, ACTUAL}, {15, 0, 3, ACTUAL}},
     4,
     {0},
     {15}}, /* (1 + 1 + 1 + 1 + 1 + 3) / 2 * 5 min = 0.333 of a micro-unit */
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
            cell.covered_ms != (uint32_t)expect->covered_min[i] * MIN_MS)
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

static void test_outcomes(void **state)
{
    (void)state;
    static const struct meter meter = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};
    static const struct {
        const char *name;
        struct given reading;
        enum outcome outcome, displaced;
    } steps[] = {
        {"first", {0, 15, U, ACTUAL}, OUTCOME_USED, OUTCOME_USED},
        {"again", {0, 15, U, ACTUAL}, OUTCOME_DUPLICATE, OUTCOME_USED},
        {"other length, another identity", {0, 30, U, ACTUAL}, OUTCOME_USED, OUTCOME_USED},
        {"smaller value", {0, 15, U / 2, ACTUAL}, REJECT_CONFLICT, OUTCOME_USED},
        {"larger value", {0, 15, 2 * U, ACTUAL}, OUTCOME_USED, REJECT_CONFLICT},
        {"revision 2", {0, 15, U, .revision = 2, ACTUAL}, OUTCOME_USED, OUTCOME_CORRECTED},
        {"revision 1, late", {0, 15, U, .revision = 1, ACTUAL}, OUTCOME_CORRECTED, OUTCOME_USED},
        {"an estimate", {0, 15, U, .revision = 9, ESTIMATE}, OUTCOME_CORRECTED, OUTCOME_USED},
        {"edited, revision 3", {0, 15, U, 3, QUALITY_EDITED}, OUTCOME_USED, OUTCOME_CORRECTED},
        {"what no bucket can hold", {120, 135, CELL_MAX, ACTUAL}, OUTCOME_USED, OUTCOME_USED},
        {"and more of it", {120, 150, CELL_MAX, ACTUAL}, REJECT_VALUE_RANGE, OUTCOME_USED},
    };
    struct reading slots[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, SLOTS);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct reading reading = reading_of(&steps[i].reading);
        struct booking booking;
        booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, FLOOR);
        if (booking.outcome != steps[i].outcome || booking.displaced != steps[i].displaced)
            fail_msg("%s: got %s %s", steps[i].name, outcome_class(booking.outcome),
                     outcome_reason(booking.outcome));
    }
}

static void test_full_journal(void **state)
{
    (void)state;
    static const struct meter meter = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};
    struct reading slots[4];
    struct journal journal;
    journal_init(&journal, slots, 4);
    struct booking booking;
    for (int64_t i = 0; i < 6; i++) {
        struct given given = {i * 15, i * 15 + 15, U, ACTUAL};
        struct reading reading = reading_of(&given);
        booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, FLOOR);
        assert_int_equal(booking.outcome, i < 4 ? OUTCOME_USED : REJECT_JOURNAL_FULL);
    }
    booking_forget(&meter, &journal, INT64_C(30) * MIN_MS);
    assert_int_equal(journal.count, 2);
}

/* What a register booked in closed windows stays; the rest is booked after them: the sum is exact.
 */
static void test_moved_base(void **state)
{
    (void)state;
    static const struct meter meter = {.cell_max = CELL_MAX, .kind = KIND_REGISTER};
    struct reading slots[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, SLOTS);
    static const struct given first = {0, 0, 100 * U, ACTUAL};
    static const struct given last = {60, 0, 160 * U, ACTUAL};
    static const struct given between = {45, 0, 105 * U, ACTUAL};
    struct booking booking;
    struct reading reading = reading_of(&first);
    booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, FLOOR);
    reading = reading_of(&last);
    booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, FLOOR);
    int64_t floor_ms =
        INT64_C(2) * BUCKET_MS; /* 30 units are booked in the two buckets before it */
    reading = reading_of(&between);
    assert_true(booking_reaches_back(&meter, &journal, &reading, floor_ms));
    booking_forget(&meter, &journal, floor_ms);
    booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, floor_ms);
    assert_int_equal(booking.from_ms, floor_ms);
    struct cell cell[2];
    projection_cell(&cell[0], &meter, &journal, floor_ms, BUCKET_MS);
    projection_cell(&cell[1], &meter, &journal, floor_ms + BUCKET_MS, BUCKET_MS);
    assert_int_equal(cell[0].activity, -25 * U); /* 5 units by then, 30 booked */
    assert_int_equal(cell[1].activity, 55 * U);
    assert_int_equal(30 * U + cell[0].activity + cell[1].activity, 60 * U);
}

/* What is not used leaves every cell as it is, also where the register's last reading is so old
 * that a correction would move the base. */
static void test_unused_moves_no_base(void **state)
{
    (void)state;
    static const struct meter meter = {.cell_max = CELL_MAX, .kind = KIND_REGISTER};
    static const struct given again[] = {
        {49, 0, 109, ACTUAL},                /* a duplicate */
        {49, 0, 110, ESTIMATE},              /* outranked */
        {49, 0, 108, ACTUAL},                /* a conflict, the smaller */
        {47, 0, 108, ACTUAL, .revision = 1}, /* does not fit any more */
    };
    for (size_t i = 0; i < ARRAY_LEN(again); i++) {
        struct reading slots[2];
        struct journal journal;
        journal_init(&journal, slots, 2);
        struct booking booking;
        struct reading reading = reading_of(&(struct given){7, 0, 100, ACTUAL});
        booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, FLOOR);
        reading = reading_of(&again[0]);
        booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, FLOOR);
        struct cell before;
        struct cell after;
        projection_cell(&before, &meter, &journal, INT64_C(2) * BUCKET_MS, BUCKET_MS);
        reading = reading_of(&again[i]);
        booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, INT64_C(2) * BUCKET_MS);
        assert_int_not_equal(booking.outcome, OUTCOME_USED);
        projection_cell(&after, &meter, &journal, INT64_C(2) * BUCKET_MS, BUCKET_MS);
        assert_int_equal(before.activity, 4);
        assert_int_equal(after.activity, before.activity);
    }
}

/* The last sample before the floor stays: the line from it to the next reaches into open windows.
 */
static void test_gauge_at_the_floor(void **state)
{
    (void)state;
    static const struct meter meter = {
        .cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 60 * MIN_MS};
    static const struct given samples[] = {
        {0, 0, 0, ACTUAL}, {10, 0, 60 * U, ACTUAL}, {30, 0, 60 * U, ESTIMATE}};
    struct reading slots[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, SLOTS);
    struct booking booking;
    for (size_t i = 0; i < 2; i++) {
        struct reading reading = reading_of(&samples[i]);
        assert_int_equal(booking_reaches_back(&meter, &journal, &reading, BUCKET_MS), i > 0);
        booking_add(&booking, &meter, &journal, &reading, BUCKET_MS, FLOOR);
    }
    struct reading last = reading_of(&samples[2]);
    assert_true(booking_reaches_back(&meter, &journal, &last, BUCKET_MS));
    booking_forget(&meter, &journal, BUCKET_MS);
    assert_int_equal(journal.count, 1);
    booking_add(&booking, &meter, &journal, &last, BUCKET_MS, BUCKET_MS);
    assert_int_equal(booking.outcome, OUTCOME_USED);
    struct cell cell;
    projection_cell(&cell, &meter, &journal, BUCKET_MS, BUCKET_MS);
    assert_int_equal(cell.activity, 15 * U);
    assert_int_equal(cell.covered_ms, BUCKET_MS);
    assert_int_equal(cell.estimated_ms, BUCKET_MS); /* one end of the line is an estimate */
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
            struct given given = {0, minutes, minutes * (n + 1) * U,
                                  cases_of_rank[i].first_revision + n * cases_of_rank[i].step,
                                  QUALITY_ACTUAL};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_order),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_full_journal),
        cmocka_unit_test(test_moved_base),
        cmocka_unit_test(test_unused_moves_no_base),
        cmocka_unit_test(test_gauge_at_the_floor),
        cmocka_unit_test(test_deeper_than_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
