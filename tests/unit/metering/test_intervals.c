/*
 * Intervals that overlap: stamps that jitter, totals and their rests, lines of one bill. A slow
 * model, minute by minute, says what random readings give.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/param.h>

#include <cmocka.h>

#include "pipelines/metering/intervals.h"
#include "pipelines/metering/projection.h"
#include "tests/unit/metering/readings.h"

#define DAY_MIN INT64_C(1440)
enum { LINES_MAX = 300 };

static const struct meter by_reading = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};
static const struct meter by_total = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL, .total = true};
static const struct meter signed_total = {
    .cell_max = CELL_MAX, .kind = KIND_INTERVAL, .total = true, .negative = true};

/* All cells of [0, end_min), summed. */
static struct cell sum_cells(const struct meter *meter, const struct journal *journal,
                             int64_t end_min, int64_t cell_min)
{
    struct cell sum = {0};
    for (int64_t at = 0; at < end_min; at += cell_min) {
        struct cell cell;
        projection_cell(&cell, meter, journal, at * MINUTE_MS, cell_min * MINUTE_MS);
        assert_false(cell.held);
        assert_true(cell.covered_ms + cell.held_ms <= cell_min * MINUTE_MS);
        sum.activity += cell.activity;
        sum.covered_ms += cell.covered_ms;
        sum.held_ms += cell.held_ms;
        sum.conflicts += cell.conflicts;
    }
    return sum;
}

struct sums {
    const char *name;
    const struct meter *meter;
    struct given readings[6];
    size_t count;
    int64_t end_min, activity;
    int64_t covered_min, held_min;
    uint32_t conflicts;
};

#define BILL .quality = QUALITY_INVOICE

/* The whole of it, and a day that is looked at. */
static const struct sums sums[] = {
    {"a tenth too much is jitter: both keep their values",
     &by_reading,
     {{0, 110, 11 * U, ACTUAL}, {100, 200, 10 * U, ACTUAL}},
     2,
     240,
     21 * U,
     200,
     0,
     0},
    {"more than a tenth goes by rank, and loses its overlap",
     &by_reading,
     {{0, 110, 11 * U, ACTUAL}, {99, 199, 10 * U, ACTUAL}},
     2,
     240,
     10 * U + 99 * U / 10,
     199,
     0,
     0},
    {"the shorter one says what a tenth is",
     &by_reading,
     {{0, 1000, 1000 * U, ACTUAL}, {990, 1005, 15 * U, ACTUAL}},
     2,
     1440,
     1005 * U,
     1005,
     0,
     0},
    {"ranks apart, jitter goes by rank",
     &by_reading,
     {{0, 110, 11 * U, ESTIMATE}, {100, 200, 10 * U, ACTUAL}},
     2,
     240,
     20 * U,
     200,
     0,
     0},
    {"three in a row",
     &by_reading,
     {{0, 21, 5 * U, ACTUAL}, {19, 41, 7 * U, ACTUAL}, {39, 60, 9 * U, ACTUAL}},
     3,
     60,
     21 * U,
     60,
     0,
     0},
    {"a month with one day metered: the readings count, and the rest of the bill",
     &by_total,
     {{0, 31 * DAY_MIN, 31000 * U, BILL}, {DAY_MIN, 2 * DAY_MIN, 960 * U, BILL}},
     2,
     32 * DAY_MIN,
     31000 * U,
     31 * DAY_MIN,
     0,
     0},
    {"the same by readings",
     &by_reading,
     {{0, 31 * DAY_MIN, 31000 * U, BILL}, {DAY_MIN, 2 * DAY_MIN, 960 * U, BILL}},
     2,
     32 * DAY_MIN,
     30960 * U,
     31 * DAY_MIN,
     0,
     0},
    {"a negative rest: the readings stand, and the time that is left is held",
     &by_total,
     {{0, 100, 10 * U, ACTUAL}, {0, 60, 12 * U, ACTUAL}},
     2,
     240,
     12 * U,
     60,
     40,
     1},
    {"no rest is no contradiction",
     &by_total,
     {{0, 100, 12 * U, ACTUAL}, {0, 60, 12 * U, ACTUAL}},
     2,
     240,
     12 * U,
     100,
     0,
     0},
    {"a rest, and no time left",
     &by_total,
     {{0, 100, 13 * U, ACTUAL}, {0, 60, 6 * U, ACTUAL}, {60, 100, 6 * U, ACTUAL}},
     3,
     240,
     12 * U,
     100,
     0,
     1},
    {"a negative rest where values may be",
     &signed_total,
     {{0, 100, 10 * U, ACTUAL}, {0, 60, 12 * U, ACTUAL}},
     2,
     240,
     10 * U,
     100,
     0,
     0},
    {"a total in a total",
     &by_total,
     {{0, 1000, 100 * U, ACTUAL}, {100, 300, 50 * U, ACTUAL}, {150, 160, 7 * U, ACTUAL}},
     3,
     1440,
     100 * U,
     1000,
     0,
     0},
    {"a better reading over the end of a total: its part in it counts",
     &by_total,
     {{0, 100, 10 * U, ESTIMATE}, {50, 150, 20 * U, ACTUAL}},
     2,
     240,
     20 * U,
     150,
     0,
     0},
    {"bills that jitter, and a reading in one of them",
     &by_total,
     {{0, 1010, 101 * U, BILL}, {1000, 2000, 200 * U, BILL}, {100, 115, 3 * U, BILL}},
     3,
     2880,
     301 * U,
     2000,
     0,
     0},
};

static void test_sums(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        for (size_t first = 0; first < sums[i].count; first++) {
            struct reading slots[SLOTS];
            struct journal journal;
            journal_init(&journal, slots, SLOTS);
            for (size_t n = 0; n < sums[i].count; n++)
                (void)book(sums[i].meter, &journal, &sums[i].readings[(first + n) % sums[i].count],
                           FLOOR);
            journal_check(&journal, 0);
            struct cell sum = sum_cells(sums[i].meter, &journal, sums[i].end_min, 15);
            if (sum.activity != sums[i].activity ||
                sum.covered_ms != sums[i].covered_min * MINUTE_MS ||
                sum.held_ms != sums[i].held_min * MINUTE_MS || sum.conflicts != sums[i].conflicts)
                fail_msg("%s: %" PRId64 " over %" PRIu32 " ms, held %" PRIu32 " ms, %" PRIu32
                         " conflicts",
                         sums[i].name, sum.activity, sum.covered_ms, sum.held_ms, sum.conflicts);
        }
    }
}

/* The day that was metered keeps its reading; the others share the rest. */
static void test_rest_lies_outside(void **state)
{
    (void)state;
    struct reading slots[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, SLOTS);
    (void)book(&by_total, &journal, &(struct given){0, 31 * DAY_MIN, 31000 * U, BILL}, FLOOR);
    struct booking booking =
        book(&by_total, &journal, &(struct given){DAY_MIN, 2 * DAY_MIN, 960 * U, BILL}, FLOOR);
    assert_true(booking.from_ms == 0 && booking.to_ms == 31 * DAY_MS);
    enum { ROWS = DAY_MIN / 15 };
    assert_true(sum_buckets(&by_total, &journal, 0, ROWS) == 30040 * U / 30);
    assert_true(sum_buckets(&by_total, &journal, ROWS, INT64_C(2) * ROWS) == (int128)960 * U);
}

/* Random readings, and what a model that knows no journal makes of them. */
struct scene {
    const struct meter *meter;
    struct reading readings[SLOTS];
    int64_t ends[SLOTS]; /* in minutes, without what jitter leaves to others */
    uint32_t count;
    int64_t end_min;
};

static int64_t minute(int64_t ms)
{
    return ms / MINUTE_MS;
}

static int64_t find_end(const struct scene *scene, const struct reading *reading)
{
    int64_t end_min = minute(reading_end_ms(reading));
    int64_t effective = end_min;
    for (uint32_t i = 0; i < scene->count; i++) {
        const struct reading *later = &scene->readings[i];
        int64_t start = minute(later->start_ms);
        int64_t overlap = end_min - start;
        int64_t shorter = minute((int64_t)MIN(reading->span_ms, later->span_ms));
        if (later->start_ms > reading->start_ms && overlap > 0 && 10 * overlap <= shorter &&
            reading_rank(reading) == reading_rank(later))
            effective = MIN(effective, start);
    }
    return effective;
}

static int64_t model_end(const struct scene *scene, const struct reading *reading)
{
    return scene->ends[reading - scene->readings];
}

static bool model_better(const struct reading *a, const struct reading *b)
{
    if (reading_rank(a) != reading_rank(b))
        return reading_rank(a) > reading_rank(b);
    return a->span_ms != b->span_ms ? a->span_ms < b->span_ms : a->start_ms < b->start_ms;
}

/* The best, or the worst, that covers the minute and beats `below`; with its end in *end_out. */
static const struct reading *model_at(const struct scene *scene, int64_t at, bool best,
                                      const struct reading *below)
{
    const struct reading *found = NULL;
    for (uint32_t i = 0; i < scene->count; i++) {
        const struct reading *reading = &scene->readings[i];
        if (minute(reading->start_ms) > at || model_end(scene, reading) <= at ||
            (below != NULL && !model_better(reading, below)))
            continue;
        if (found == NULL || model_better(reading, found) == best)
            found = reading;
    }
    return found;
}

/* The part of one minute of an amount over [from, end). */
static int64_t model_piece(int64_t amount, int64_t from, int64_t end, int64_t at)
{
    return (int64_t)(div_floor((int128)amount * (at + 1 - from), end - from) -
                     div_floor((int128)amount * (at - from), end - from));
}

struct model_rest {
    int64_t rest, left, passed;
};

static struct model_rest model_rest(const struct scene *scene, const struct reading *total,
                                    int64_t at)
{
    struct model_rest rest = {.rest = total->value};
    for (int64_t t = minute(total->start_ms); t < model_end(scene, total); t++) {
        const struct reading *worst = model_at(scene, t, false, total);
        if (worst != NULL)
            rest.rest -=
                model_piece(worst->value, minute(worst->start_ms), model_end(scene, worst), t);
        rest.left += worst == NULL;
        rest.passed += worst == NULL && t < at;
    }
    return rest;
}

static struct cell model_minute(const struct scene *scene, int64_t at)
{
    const struct reading *best = model_at(scene, at, true, NULL);
    struct cell cell = {0};
    if (best == NULL)
        return cell;
    cell.covered_ms = MINUTE_MS;
    if (!scene->meter->total) {
        cell.activity =
            model_piece(best->value, minute(best->start_ms), model_end(scene, best), at);
        return cell;
    }
    struct model_rest rest = model_rest(scene, best, at);
    if (rest.rest >= 0 || scene->meter->negative) {
        cell.activity = model_piece(rest.rest, 0, rest.left, rest.passed);
    } else {
        cell.covered_ms = 0;
        cell.held_ms = MINUTE_MS;
    }
    return cell;
}

static bool has_identity(const struct scene *scene, int64_t start_min, int64_t length)
{
    for (uint32_t i = 0; i < scene->count; i++) {
        if (minute(scene->readings[i].start_ms) == start_min &&
            minute((int64_t)scene->readings[i].span_ms) == length)
            return true;
    }
    return false;
}

static void make_scene(struct scene *scene, const struct meter *meter, uint64_t *random)
{
    *scene = (struct scene){.meter = meter};
    for (int i = 0; i < 12; i++) {
        int64_t start = random_below(random, 20) * 10 + random_below(random, 3);
        int64_t length =
            (int64_t)(1 + random_below(random, 8)) * (random_below(random, 3) == 0 ? 25 : 10);
        if (has_identity(scene, start, length))
            continue;
        struct given given = {start, start + length, random_below(random, 1U << 30),
                              .revision = (int)random_below(random, 2), .quality = QUALITY_ACTUAL};
        scene->readings[scene->count++] = reading_of(&given);
        scene->end_min = MAX(scene->end_min, (start + length + 14) / 15 * 15);
    }
}

static void shuffle(struct scene *scene, uint64_t *random)
{
    for (uint32_t i = scene->count; i > 1; i--) {
        uint32_t other = random_below(random, i);
        struct reading swap = scene->readings[other];
        scene->readings[other] = scene->readings[i - 1];
        scene->readings[i - 1] = swap;
    }
    for (uint32_t i = 0; i < scene->count; i++)
        scene->ends[i] = find_end(scene, &scene->readings[i]);
}

/* Cells are projected again only where booking says that they changed. */
static void book_scene(const struct scene *scene, struct journal *journal, struct cell *cells)
{
    for (uint32_t i = 0; i < scene->count; i++) {
        struct booking booking;
        booking_add(&booking, scene->meter, journal, &scene->readings[i], BUCKET_MS, FLOOR);
        assert_int_equal(booking.outcome, OUTCOME_USED);
        for (int64_t at = booking.from_ms / BUCKET_MS;
             at < (booking.to_ms + BUCKET_MS - 1) / BUCKET_MS; at++)
            projection_cell(&cells[at], scene->meter, journal, at * BUCKET_MS, BUCKET_MS);
    }
    journal_check(journal, 0);
}

static void check_scene(const struct scene *scene, const struct cell *cells, int round)
{
    for (int64_t at = 0; at < scene->end_min / 15; at++) {
        struct cell want = {0};
        for (int64_t t = at * 15; t < at * 15 + 15; t++) {
            struct cell part = model_minute(scene, t);
            want.activity += part.activity;
            want.covered_ms += part.covered_ms;
            want.held_ms += part.held_ms;
        }
        if (cells[at].activity != want.activity || cells[at].covered_ms != want.covered_ms ||
            cells[at].held_ms != want.held_ms)
            fail_msg("round %d, bucket %" PRId64 ": %" PRId64 " over %" PRIu32 ", want %" PRId64
                     " over %" PRIu32,
                     round, at, cells[at].activity, cells[at].covered_ms, want.activity,
                     want.covered_ms);
    }
}

static void test_against_model(void **state)
{
    (void)state;
    static const struct meter *const meters[] = {&by_reading, &by_total, &signed_total};
    uint64_t random = seed_of_run();
    for (int round = 0; round < 150; round++) {
        struct scene scene;
        make_scene(&scene, meters[(size_t)round % ARRAY_LEN(meters)], &random);
        for (int order = 0; order < 3; order++) {
            struct reading slots[SLOTS];
            struct journal journal;
            struct cell cells[64] = {0};
            journal_init(&journal, slots, SLOTS);
            shuffle(&scene, &random);
            book_scene(&scene, &journal, cells);
            check_scene(&scene, cells, round);
        }
    }
}

/* All of a total is booked, and all its time is covered, for any better readings in it. */
static void test_totals_reconcile(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    for (int round = 0; round < 200; round++) {
        struct reading slots[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        int64_t amount = 1000 * U + random_below(&random, 1U << 31);
        uint32_t at = random_below(&random, 20);
        for (uint32_t i = 0; i <= 20; i++) {
            int64_t start = random_below(&random, 500);
            int64_t end = start + 1 + random_below(&random, 90);
            struct given inside = {start, end, random_below(&random, 1U << 25),
                                   .revision = 1 + (int)random_below(&random, 3),
                                   .quality = QUALITY_ACTUAL};
            struct given bill = {0, 600, amount, ACTUAL};
            (void)book(&by_total, &journal, i == at ? &bill : &inside, FLOOR);
        }
        struct cell sum = sum_cells(&by_total, &journal, 600, 15);
        assert_true(sum.conflicts > 0 || sum.activity == amount);
        assert_int_equal(sum.covered_ms + sum.held_ms, 600 * MINUTE_MS);
    }
}

/* A day of quarter-hours whose stamps jitter by up to 45 seconds: none is lost or counted twice. */
static void test_jittered_day(void **state)
{
    (void)state;
    enum { COUNT = 96 };
    uint64_t random = seed_of_run();
    for (int round = 0; round < 50; round++) {
        struct reading slots[COUNT];
        struct reading given[COUNT];
        struct journal journal;
        journal_init(&journal, slots, COUNT);
        for (int i = 0; i < COUNT; i++)
            given[i] = (struct reading){.start_ms = (i + 1) * (int64_t)BUCKET_MS +
                                                    random_below(&random, 90001) - 45000,
                                        .value = 10 * U,
                                        .span_ms = BUCKET_MS,
                                        .quality = QUALITY_ACTUAL};
        for (uint32_t left = COUNT; left > 0; left--) {
            uint32_t picked = random_below(&random, left);
            struct booking booking;
            booking_add(&booking, &by_reading, &journal, &given[picked], BUCKET_MS, FLOOR);
            assert_int_equal(booking.outcome, OUTCOME_USED);
            given[picked] = given[left - 1];
        }
        struct cell sum = sum_cells(&by_reading, &journal, (int64_t)(COUNT + 2) * 15, 15);
        assert_true(sum.activity == INT64_C(10) * COUNT * U);
        int64_t covered_ms = 0;
        for (uint32_t i = 0; i < COUNT; i++) {
            int64_t next_ms = i + 1 < COUNT ? journal_at(&journal, i + 1)->start_ms : INT64_MAX;
            covered_ms += MIN(reading_end_ms(journal_at(&journal, i)), next_ms) -
                          journal_at(&journal, i)->start_ms;
        }
        assert_int_equal(sum.covered_ms, covered_ms);
    }
}

/* Lines of one bill add up, more than are told apart over one moment, in any mode. */
static void test_lines_of_a_bill(void **state)
{
    (void)state;
    static const struct meter *const meters[] = {&by_reading, &by_total};
    for (size_t m = 0; m < ARRAY_LEN(meters); m++) {
        struct reading slots[LINES_MAX + 2];
        struct journal journal;
        journal_init(&journal, slots, LINES_MAX + 2);
        struct given bill = {0, 600, U, BILL};
        for (uint32_t i = 0; i < LINES_MAX; i++) {
            struct reading line = reading_of(&bill);
            line.id_hash = i + 1;
            assert_int_equal(journal_insert(&journal, i, &line), 0);
        }
        journal.overlapping = true;
        struct reading estimate = reading_of(&(struct given){0, 600, 77 * U, ESTIMATE});
        assert_int_equal(journal_insert(&journal, LINES_MAX / 2, &estimate), 0);
        struct cell sum = sum_cells(meters[m], &journal, 600, 15);
        assert_true(sum.activity == LINES_MAX * U && sum.covered_ms == 600 * MINUTE_MS);
        /* A better reading in it takes its place, once. */
        struct reading inside = reading_of(&(struct given){60, 120, 5 * U, .revision = 1, BILL});
        assert_int_equal(journal_insert(&journal, LINES_MAX + 1, &inside), 0);
        sum = sum_cells(meters[m], &journal, 600, 15);
        int64_t want = m == 0 ? LINES_MAX * U * 9 / 10 + 5 * U : LINES_MAX * U;
        assert_true(sum.activity == want && sum.covered_ms == 600 * MINUTE_MS);
    }
}

/* The floor passes through a bill: what lies in it stays until the bill has gone. */
static void test_totals_keep_what_lies_in_them(void **state)
{
    (void)state;
    static const struct given readings[] = {{-60, 0, 3 * U, ACTUAL},
                                            {0, 600, 100 * U, ESTIMATE},
                                            {0, 60, 10 * U, ACTUAL},
                                            {60, 120, 20 * U, ACTUAL},
                                            {600, 660, 7 * U, ACTUAL}};
    struct reading slots[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, SLOTS);
    for (size_t i = 0; i < ARRAY_LEN(readings); i++)
        (void)book(&by_total, &journal, &readings[i], FLOOR);
    for (int64_t floor_min = 0; floor_min < 600; floor_min += 15) {
        int128 before = sum_buckets(&by_total, &journal, floor_min / 15, 44);
        booking_forget(&by_total, &journal, floor_min * MINUTE_MS);
        assert_int_equal(journal.count, 4);
        assert_true(sum_buckets(&by_total, &journal, floor_min / 15, 44) == before);
    }
    booking_forget(&by_total, &journal, 600 * MINUTE_MS);
    assert_int_equal(journal.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_rest_lies_outside),
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_totals_reconcile),
        cmocka_unit_test(test_jittered_day),
        cmocka_unit_test(test_lines_of_a_bill),
        cmocka_unit_test(test_totals_keep_what_lies_in_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
