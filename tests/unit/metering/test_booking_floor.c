/* Readings that arrive after windows have closed: what was booked there stays, and nothing is lost.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/metering/projection.h"
#include "tests/unit/metering/readings.h"

static const struct meter interval = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};
static const struct meter total = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL, .total = true};
static const struct meter reg = {.cell_max = CELL_MAX, .kind = KIND_REGISTER};
static const struct meter gauge = {
    .cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 30 * MINUTE_MS};
static const struct meter delivery = {.cell_max = CELL_MAX, .kind = KIND_DELIVERY};

struct bench {
    struct reading slots[SLOTS];
    struct journal journal;
};

static void bench_init(struct bench *bench, uint32_t capacity)
{
    journal_init(&bench->journal, bench->slots, capacity);
}

/* The amount that a register booked in closed windows stays. The rest is booked after them: the sum
 * is exact.
 */
static void test_moved_base(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, SLOTS);
    (void)book(&reg, &bench.journal, &(struct given){0, 0, 100 * U, ACTUAL}, FLOOR);
    (void)book(&reg, &bench.journal, &(struct given){60, 0, 160 * U, ACTUAL}, FLOOR);
    int64_t floor_ms = INT64_C(2) * BUCKET_MS; /* 30 units are booked before it */
    static const struct given between = {45, 0, 120 * U, ACTUAL};
    struct reading reading = reading_of(&between);
    assert_true(booking_reaches_back(&reg, &bench.journal, &reading, floor_ms));
    booking_forget(&reg, &bench.journal, floor_ms);
    struct booking booking = book(&reg, &bench.journal, &between, floor_ms);
    assert_int_equal(booking.from_ms, floor_ms);
    assert_int_equal(sum_buckets(&reg, &bench.journal, 2, 3), -10 * U); /* 20 by then, 30 booked */
    assert_int_equal(sum_buckets(&reg, &bench.journal, 3, 4), 40 * U);
    journal_check(&bench.journal, 0);
}

static struct cell sum_cells(const struct bench *bench, const struct meter *meter, int64_t from,
                             int64_t to)
{
    struct cell sum = {0};
    for (int64_t i = from; i < to; i++) {
        struct cell cell;
        projection_cell(&cell, meter, &bench->journal, i * BUCKET_MS, BUCKET_MS);
        sum.activity += cell.activity;
        sum.moved_ms += cell.moved_ms;
        sum.held_ms += cell.held_ms;
    }
    return sum;
}

static void put_total(struct bench *bench, const struct given *given, int64_t floor_ms)
{
    struct reading reading = reading_of(given);
    if (booking_reaches_back(&total, &bench->journal, &reading, floor_ms))
        booking_forget(&total, &bench->journal, floor_ms);
    (void)book(&total, &bench->journal, given, floor_ms);
    journal_check(&bench->journal, 0);
}

/* A bill of two hours, 80: closed windows keep what they booked of it. Readings that come in
 * later take their part from what is left of it, and the sum stays that of the bill. */
static void test_rest_behind_the_floor(void **state)
{
    (void)state;
    static const struct given bill = {0, 120, 80 * U, ESTIMATE};
    struct bench bench;
    bench_init(&bench, SLOTS);
    put_total(&bench, &bill, FLOOR);
    put_total(&bench, &(struct given){0, 15, 6 * U, ACTUAL}, FLOOR);
    int64_t first = (int64_t)sum_cells(&bench, &total, 0, 2).activity;
    assert_int_equal(first, 6 * U + 74 * U / 7); /* the rest, 74, over seven quarters */
    /* The floor is at 30 minutes. 20 in the last hour: 80 - 16.571428 - 20 over two quarters. */
    put_total(&bench, &(struct given){60, 120, 20 * U, ACTUAL}, 2 * (int64_t)BUCKET_MS);
    struct cell open = sum_cells(&bench, &total, 2, 8);
    assert_int_equal(first + open.activity, 80 * U);
    assert_int_equal(sum_buckets(&total, &bench.journal, 4, 8), 20 * U);
    assert_int_equal(open.moved_ms, 15 * MINUTE_MS); /* the metered quarter has not moved */
    assert_int_equal(sum_buckets(&total, &bench.journal, 0, 2), first);
    /* The floor is at 45 minutes: one quarter is left of the bill. */
    int64_t second = sum_cells(&bench, &total, 2, 3).activity;
    put_total(&bench, &(struct given){60, 120, 30 * U, .revision = 1, ACTUAL},
              3 * (int64_t)BUCKET_MS);
    open = sum_cells(&bench, &total, 3, 8);
    assert_int_equal(first + second + open.activity, 80 * U);
    assert_int_equal(open.moved_ms, 30 * MINUTE_MS);
    /* 90 in the last hour: less than nothing is left, and the readings stand. */
    put_total(&bench, &(struct given){60, 120, 90 * U, .revision = 2, ACTUAL},
              3 * (int64_t)BUCKET_MS);
    open = sum_cells(&bench, &total, 3, 8);
    assert_int_equal(open.activity, 90 * U);
    assert_int_equal(open.held_ms, BUCKET_MS);
    booking_forget(&total, &bench.journal, 8 * (int64_t)BUCKET_MS);
    assert_int_equal(bench.journal.count, 0);
    assert_int_equal(bench.journal.base_ms, INT64_MIN);
}

/* A reading that does not change the rest of a bill moves nothing. */
static void test_rest_that_stays(void **state)
{
    (void)state;
    static const struct given beside[] = {
        {120, 135, U, ACTUAL},  /* behind the bill */
        {60, 130, U, ESTIMATE}, /* worse than it */
    };
    for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
        struct bench bench;
        bench_init(&bench, SLOTS);
        put_total(&bench, &(struct given){0, 120, 80 * U, ACTUAL}, FLOOR);
        put_total(&bench, &(struct given){0, 15, 6 * U, ACTUAL}, FLOOR);
        put_total(&bench, &beside[i], 2 * (int64_t)BUCKET_MS);
        assert_int_equal(bench.journal.base_ms, INT64_MIN);
        assert_int_equal(sum_buckets(&total, &bench.journal, 0, 8), 80 * U);
    }
}

/* A late reading exactly at the floor leaves no open window before it. If the closed windows have
 * booked too little or too much, the rest is booked after it, also when the floor has moved on. */
static void test_a_reading_at_the_floor(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t at_floor, corrected; /* value at the floor; and of a correction, 0: none */
        int64_t next_floor_rows;
        int64_t want; /* from row 2 on, 30 being booked before */
    } cases[] = {
        {"too much was booked", 15 * U, 0, 2, 30 * U},
        {"too little was booked", 60 * U, 0, 2, 30 * U},
        {"it is corrected", 60 * U, 30 * U, 2, 30 * U},
        {"the floor moves on", 15 * U, 0, 3, 30 * U},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        bench_init(&bench, SLOTS);
        (void)book(&reg, &bench.journal, &(struct given){0, 0, 10 * U, ACTUAL}, FLOOR);
        (void)book(&reg, &bench.journal, &(struct given){60, 0, 70 * U, ACTUAL}, FLOOR);
        int64_t floor_ms = INT64_C(2) * BUCKET_MS;
        struct given given = {30, 0, cases[i].at_floor, ACTUAL};
        struct booking booking = book(&reg, &bench.journal, &given, floor_ms);
        assert_int_equal(booking.from_ms, floor_ms);
        assert_int_equal(booking.to_ms, INT64_C(4) * BUCKET_MS);
        given.value = cases[i].corrected;
        given.revision = 1;
        if (given.value > 0)
            (void)book(&reg, &bench.journal, &given, floor_ms);
        int128 closed = sum_buckets(&reg, &bench.journal, 2, cases[i].next_floor_rows);
        floor_ms = cases[i].next_floor_rows * BUCKET_MS;
        if (floor_ms > INT64_C(2) * BUCKET_MS) { /* a further late one */
            booking_forget(&reg, &bench.journal, floor_ms);
            (void)book(&reg, &bench.journal, &(struct given){50, 0, 30 * U, ACTUAL}, floor_ms);
        }
        int128 open = sum_buckets(&reg, &bench.journal, cases[i].next_floor_rows, 5);
        if (closed + open != cases[i].want)
            fail_msg("%s: %" PRId64 " and %" PRId64, cases[i].name, (int64_t)closed, (int64_t)open);
        journal_check(&bench.journal, 0);
    }
}

/* A reading that is not used leaves every cell as it is, also where the register's last reading is
 * so old that a correction would move the base. */
static void test_unused_moves_no_base(void **state)
{
    (void)state;
    static const struct given again[] = {
        {49, 0, 109, ACTUAL},                /* a duplicate */
        {49, 0, 110, ESTIMATE},              /* outranked */
        {49, 0, 108, ACTUAL, .offset = 6},   /* a conflict, earlier in the log */
        {47, 0, 108, ACTUAL, .revision = 1}, /* does not fit any more */
    };
    for (size_t i = 0; i < ARRAY_LEN(again); i++) {
        struct bench bench;
        bench_init(&bench, 2);
        (void)book(&reg, &bench.journal, &(struct given){7, 0, 100, ACTUAL}, FLOOR);
        (void)book(&reg, &bench.journal, &again[0], FLOOR);
        assert_int_equal(sum_buckets(&reg, &bench.journal, 2, 3), 4);
        struct booking booking = book(&reg, &bench.journal, &again[i], INT64_C(2) * BUCKET_MS);
        assert_int_not_equal(booking.outcome, OUTCOME_USED);
        assert_int_equal(sum_buckets(&reg, &bench.journal, 2, 3), 4);
    }
}

static void test_forgetting(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct meter *meter;
        int64_t floor_min;
        uint32_t count;
    } cases[] = {
        {"intervals that ended", &interval, 30, 2},
        {"nor those that end there", &interval, 15, 3},
        {"one that reaches over", &interval, 29, 3},
        {"nothing is old", &interval, 0, 4},
        {"all intervals", &interval, 600, 0},
        {"a register keeps what may decide", &reg, 600, 4},
        {"a gauge keeps a sample", &gauge, 600, 1},
        {"deliveries before it", &delivery, 31, 1},
        {"all deliveries", &delivery, 600, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        bench_init(&bench, SLOTS);
        for (int64_t at = 0; at < 60; at += 15) {
            struct given given = {at, cases[i].meter->kind == KIND_INTERVAL ? at + 15 : 0, U,
                                  ACTUAL};
            (void)book(cases[i].meter, &bench.journal, &given, FLOOR);
        }
        booking_forget(cases[i].meter, &bench.journal, cases[i].floor_min * MINUTE_MS);
        if (bench.journal.count != cases[i].count)
            fail_msg("%s: %" PRIu32 " are left", cases[i].name, bench.journal.count);
        assert_int_equal(bench.journal.forgotten_ms, cases[i].floor_min * MINUTE_MS);
        booking_forget(cases[i].meter, &bench.journal, INT64_MIN);
        assert_int_equal(bench.journal.forgotten_ms, cases[i].floor_min * MINUTE_MS);
        journal_check(&bench.journal, 0);
    }
}

static void test_reaching_back(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct meter *meter;
        int64_t at_min, floor_min;
        bool reaches;
    } cases[] = {
        {"a register over the floor", &reg, 45, 31, true},
        {"a gauge over the floor", &gauge, 45, 31, true},
        {"its predecessor is at the floor", &reg, 45, 30, false},
        {"it has no predecessor", &reg, 20, 25, false},
        {"an interval reaches nowhere", &interval, 45, 31, false},
        {"a delivery neither", &delivery, 45, 31, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        bench_init(&bench, SLOTS);
        struct given given = {30, cases[i].meter->kind == KIND_INTERVAL ? 40 : 0, U, ACTUAL};
        (void)book(cases[i].meter, &bench.journal, &given, FLOOR);
        struct reading reading = {.start_ms = cases[i].at_min * MINUTE_MS};
        if (booking_reaches_back(cases[i].meter, &bench.journal, &reading,
                                 cases[i].floor_min * MINUTE_MS) != cases[i].reaches)
            fail_msg("%s", cases[i].name);
    }
}

/* The last sample before the floor stays: the line from it to the next reaches into open windows.
 */
static void test_gauge_at_the_floor(void **state)
{
    (void)state;
    static const struct meter meter = {
        .cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 60 * MINUTE_MS};
    struct bench bench;
    bench_init(&bench, SLOTS);
    (void)book(&meter, &bench.journal, &(struct given){0, 0, 0, ACTUAL}, FLOOR);
    (void)book(&meter, &bench.journal, &(struct given){10, 0, 60 * U, ACTUAL}, FLOOR);
    booking_forget(&meter, &bench.journal, BUCKET_MS);
    assert_int_equal(bench.journal.count, 1);
    struct booking booking =
        book(&meter, &bench.journal, &(struct given){30, 0, 60 * U, ESTIMATE}, BUCKET_MS);
    assert_int_equal(booking.outcome, OUTCOME_USED);
    assert_int_equal(sum_buckets(&meter, &bench.journal, 1, 2), 15 * U);
}

/* The journal of a register whose windows close while readings arrive. */
struct closing {
    int128 closed; /* what was booked in closed windows */
    int64_t floor_row, last_min;
    struct bench bench;
};

static void book_reading(struct closing *closing, int64_t at_min, int64_t value)
{
    struct journal *journal = &closing->bench.journal;
    int64_t floor_ms = closing->floor_row * BUCKET_MS;
    struct given given = {at_min, 0, value, ACTUAL};
    struct reading reading = reading_of(&given);
    if (booking_reaches_back(&reg, journal, &reading, floor_ms))
        booking_forget(&reg, journal, floor_ms);
    (void)book(&reg, journal, &given, floor_ms);
    closing->last_min = at_min > closing->last_min ? at_min : closing->last_min;
}

/* Windows close up to that row, if a reading is as late. */
static void close_windows(struct closing *closing, int64_t row)
{
    if (row * 15 > closing->last_min)
        return;
    closing->closed += sum_buckets(&reg, &closing->bench.journal, closing->floor_row, row);
    closing->floor_row = row;
}

/* Registers whose windows close while readings still arrive late: what was booked in closed windows
 * and what open ones hold is, together, the last reading: the first was 0. */
static void test_closing_windows_loses_nothing(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    for (int round = 0; round < 2000; round++) {
        struct closing closing = {0};
        struct journal *journal = &closing.bench.journal;
        bench_init(&closing.bench, SLOTS);
        book_reading(&closing, 0, 0);
        for (int i = 1; i < 40; i++) {
            int64_t at_min = closing.floor_row * 15 + random_below(&random, 120);
            int64_t value = at_min == 0 ? 0 : at_min * 1009 + random_below(&random, 700);
            book_reading(&closing, at_min, value);
            if (i % 4 == 3)
                close_windows(&closing, closing.floor_row + random_below(&random, 3));
            journal_check(journal, 0);
        }
        const struct reading *last = journal_at(journal, journal->count - 1);
        int128 open = sum_buckets(&reg, journal, closing.floor_row, closing.last_min / 15 + 1);
        if (closing.closed + open != last->value)
            fail_msg("round %d: %" PRId64 " and %" PRId64 ", not %" PRId64, round,
                     (int64_t)closing.closed, (int64_t)open, last->value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moved_base),
        cmocka_unit_test(test_rest_behind_the_floor),
        cmocka_unit_test(test_rest_that_stays),
        cmocka_unit_test(test_a_reading_at_the_floor),
        cmocka_unit_test(test_unused_moves_no_base),
        cmocka_unit_test(test_forgetting),
        cmocka_unit_test(test_reaching_back),
        cmocka_unit_test(test_gauge_at_the_floor),
        cmocka_unit_test(test_closing_windows_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
