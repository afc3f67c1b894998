/* Stocks: the balance between dips. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/metering/decisions.h"
#include "pipelines/metering/projection.h"
#include "pipelines/metering/stock.h"
#include "tests/unit/metering/readings.h"

static const struct meter stock = {.cell_max = CELL_MAX, .kind = KIND_STOCK};

#define DIP ROLE_DIP, 0, 0, QUALITY_ACTUAL
#define IN ROLE_READING, 0, 0, QUALITY_ACTUAL
#define OUT ROLE_TRANSFER, 0, 0, QUALITY_ACTUAL
#define BACK ROLE_CREDIT, 0, 0, QUALITY_ACTUAL
enum { RECORDS_MAX = 10 };

struct record {
    int64_t day, value;
    enum reading_role role;
    uint64_t id;
    int revision, quality;
};

struct bench {
    struct reading slots[SLOTS];
    struct journal journal;
};

static void bench_init(struct bench *bench)
{
    journal_init(&bench->journal, bench->slots, SLOTS);
}

static struct booking put_at(struct bench *bench, const struct record *record, int64_t offset,
                             int64_t floor_ms)
{
    const struct given given = {.start_min = record->day * 24 * 60,
                                .value = record->value * U,
                                .revision = record->revision,
                                .quality = record->quality};
    struct reading reading = reading_of(&given);
    reading.role = record->role & 7U;
    reading.id_hash = record->id;
    reading.offset = offset;
    if (booking_reaches_back(&stock, &bench->journal, &reading, floor_ms))
        booking_forget(&stock, &bench->journal, floor_ms);
    struct booking booking;
    booking_add(&booking, &stock, &bench->journal, &reading, BUCKET_MS, floor_ms);
    journal_check(&bench->journal, 0);
    return booking;
}

static struct booking put(struct bench *bench, const struct record *record, int64_t floor_ms)
{
    return put_at(bench, record, 7, floor_ms);
}

static int64_t time_of_first(const struct bench *bench)
{
    return journal_at(&bench->journal, 0)->start_ms;
}

/* The cells of days [from, to), added up. */
static struct cell sum_days(const struct bench *bench, int64_t from, int64_t to)
{
    struct cell sum = {0};
    for (int64_t i = from * DAY_MS / BUCKET_MS; i < to * DAY_MS / BUCKET_MS; i++) {
        struct cell cell;
        projection_cell(&cell, &stock, &bench->journal, i * BUCKET_MS, BUCKET_MS);
        sum.activity += cell.activity;
        sum.moved_ms += cell.moved_ms;
        sum.covered_ms += cell.covered_ms / 1000; /* in seconds: a month has too many ms */
        sum.estimated_ms += cell.estimated_ms / 1000;
        sum.spread_ms += cell.spread_ms / 1000;
        sum.held_ms += cell.held_ms / 1000;
        sum.present |= cell.present;
    }
    return sum;
}

enum { D = 86400 };
static const struct story {
    const char *name;
    struct record records[RECORDS_MAX];
    int64_t from, to; /* days that are looked at */
    int64_t activity; /* units */
    uint32_t covered_s, estimated_s, held_s;
} stories[] = {
    {"12,000 + 30,000 - 9,500",
     {{0, 12000, DIP}, {10, 30000, IN}, {31, 9500, DIP}},
     0,
     31,
     32500,
     31 * D,
     0,
     0},
    {"coal, January",
     {{0, 0, DIP}, {4, 300, IN}, {31, 200, DIP}, {59, 90, DIP}, {90, 0, DIP}},
     0,
     31,
     100,
     31 * D,
     0,
     0},
    {"coal, February",
     {{0, 0, DIP}, {4, 300, IN}, {31, 200, DIP}, {59, 90, DIP}, {90, 0, DIP}},
     31,
     59,
     110,
     28 * D,
     0,
     0},
    {"coal, March",
     {{0, 0, DIP}, {4, 300, IN}, {31, 200, DIP}, {59, 90, DIP}, {90, 0, DIP}},
     59,
     90,
     90,
     31 * D,
     0,
     0},
    {"coal, April is not known",
     {{0, 0, DIP}, {4, 300, IN}, {31, 200, DIP}, {59, 90, DIP}, {90, 0, DIP}},
     90,
     120,
     0,
     0,
     0,
     0},
    {"transfers and credits are no consumption",
     {{0, 1000, DIP}, {2, 500, IN}, {3, 200, OUT}, {4, 100, BACK}, {10, 300, DIP}},
     0,
     10,
     900,
     10 * D,
     0,
     0},
    {"a quarter of the stretch has a quarter of it",
     {{0, 1000, DIP}, {3, 600, IN}, {20, 0, DIP}},
     5,
     10,
     400,
     5 * D,
     0,
     0},
    {"below zero is held",
     {{0, 1000, DIP}, {10, 1001, DIP}, {20, 1, DIP}},
     0,
     20,
     1000,
     10 * D,
     0,
     10 * D},
    {"a delivery before the first dip is in the dip",
     {{0, 700, IN}, {1, 1000, DIP}, {11, 0, DIP}},
     0,
     20,
     1000,
     10 * D,
     0,
     0},
    {"a delivery at the time of a dip is in the dip",
     {{0, 1000, DIP}, {0, 700, IN}, {10, 500, DIP}, {10, 400, IN}, {20, 500, DIP}},
     0,
     20,
     900,
     20 * D,
     0,
     0},
    {"so is a transfer",
     {{0, 1000, DIP}, {10, 500, DIP}, {10, 400, OUT}, {20, 500, DIP}},
     0,
     20,
     100,
     20 * D,
     0,
     0},
    {"one dip is no balance", {{0, 1000, DIP}, {3, 50, IN}}, 0, 20, 0, 0, 0, 0},
    {"deliveries alone are none", {{0, 1000, IN}, {3, 50, IN}}, 0, 20, 0, 0, 0, 0},
    {"an estimated dip",
     {{0, 1000, DIP}, {10, 500, ROLE_DIP, 0, 0, QUALITY_ESTIMATED}, {20, 0, DIP}, {30, 0, DIP}},
     0,
     30,
     1000,
     30 * D,
     20 * D,
     0},
    {"an estimated delivery",
     {{0, 1000, DIP}, {5, 500, ROLE_READING, 0, 0, QUALITY_ESTIMATED}, {10, 0, DIP}},
     0,
     10,
     1500,
     10 * D,
     10 * D,
     0},
    {"a dip again, and a better one",
     {{0, 1000, DIP},
      {10, 400, DIP},
      {10, 500, ROLE_DIP, 0, 1, QUALITY_ACTUAL},
      {10, 500, ROLE_DIP, 0, 1, QUALITY_ACTUAL}},
     0,
     10,
     500,
     10 * D,
     0,
     0},
    {"a delivery note that is corrected",
     {{0, 1000, DIP},
      {5, 500, ROLE_READING, 7, 0, QUALITY_ACTUAL},
      {10, 0, DIP},
      {12, 400, ROLE_READING, 7, 1, QUALITY_ACTUAL},
      {20, 0, DIP}},
     0,
     10,
     1000,
     10 * D,
     0,
     0},
    {"and counts where it moved to",
     {{0, 1000, DIP},
      {5, 500, ROLE_READING, 7, 0, QUALITY_ACTUAL},
      {10, 0, DIP},
      {12, 400, ROLE_READING, 7, 1, QUALITY_ACTUAL},
      {20, 0, DIP}},
     10,
     20,
     400,
     10 * D,
     0,
     0},
    {"a credit may have the number of its delivery",
     {{0, 1000, DIP},
      {5, 500, ROLE_READING, 7, 0, QUALITY_ACTUAL},
      {6, 100, ROLE_CREDIT, 7, 0, QUALITY_ACTUAL},
      {10, 0, DIP}},
     0,
     10,
     1400,
     10 * D,
     0,
     0},
};

static bool is_record(const struct record *record)
{
    return record->value != 0 || record->role != ROLE_READING;
}

static void check(const struct story *story, const struct bench *bench, const char *how)
{
    struct cell got = sum_days(bench, story->from, story->to);
    if (got.activity != story->activity * U || got.covered_ms != story->covered_s ||
        got.spread_ms != story->covered_s || got.estimated_ms != story->estimated_s ||
        got.held_ms != story->held_s)
        fail_msg("%s%s: %" PRId64 " covered %u estimated %u held %u", story->name, how,
                 got.activity, got.covered_ms, got.estimated_ms, got.held_ms);
}

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        const struct story *story = &stories[i];
        struct bench forwards;
        struct bench backwards;
        bench_init(&forwards);
        bench_init(&backwards);
        size_t count = 0;
        for (; count < RECORDS_MAX && is_record(&story->records[count]); count++)
            (void)put(&forwards, &story->records[count], FLOOR);
        for (size_t k = count; k > 0; k--)
            (void)put(&backwards, &story->records[k - 1], FLOOR);
        check(story, &forwards, "");
        check(story, &backwards, ", backwards");
    }
}

static void expect_span(struct booking booking, int64_t from, int64_t to)
{
    assert_int_equal(booking.from_ms, from * DAY_MS);
    assert_int_equal(booking.to_ms, to * DAY_MS);
}

/* The cells that a reading changes. */
static void test_changes(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    expect_span(put(&bench, &(struct record){0, 1000, DIP}, FLOOR), 0, 0);
    expect_span(put(&bench, &(struct record){5, 100, IN}, FLOOR), 5, 5);
    expect_span(put(&bench, &(struct record){10, 500, DIP}, FLOOR), 0, 10);
    expect_span(put(&bench, &(struct record){20, 100, DIP}, FLOOR), 10, 20);
    expect_span(put(&bench, &(struct record){15, 300, DIP}, FLOOR), 10, 20);
    expect_span(put(&bench, &(struct record){10, 50, IN}, FLOOR), 0, 10);
    expect_span(put(&bench, &(struct record){11, 50, ROLE_READING, 9, 0, QUALITY_ACTUAL}, FLOOR),
                10, 15);
    struct booking booking =
        put(&bench, &(struct record){25, 50, ROLE_READING, 9, 1, QUALITY_ACTUAL}, FLOOR);
    expect_span(booking, 25, 25);
    assert_int_equal(booking.left_from_ms, 10 * DAY_MS);
    assert_int_equal(booking.left_to_ms, 15 * DAY_MS);
}

/* Days before the floor are closed: what they lack is booked from the floor on. */
static void test_closed_days(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    (void)put(&bench, &(struct record){0, 1000, DIP}, FLOOR);
    (void)put(&bench, &(struct record){5, 600, IN}, FLOOR);
    (void)put(&bench, &(struct record){31, 400, DIP}, 24 * DAY_MS);
    struct cell open = sum_days(&bench, 24, 31);
    assert_int_equal(open.activity, 1200 * U);
    assert_int_equal(open.moved_ms, 24 * DAY_MS);
    assert_int_equal(sum_days(&bench, 0, 24).activity, 0);

    /* The floor has moved on; a late delivery note changes the rest only. */
    int64_t closed = sum_days(&bench, 24, 27).activity;
    (void)put(&bench, &(struct record){30, 77, IN}, 27 * DAY_MS);
    assert_int_equal(closed + sum_days(&bench, 27, 31).activity, 1277 * U);

    /* The dip itself lies at the floor: the next stretch books the rest. */
    (void)put(&bench, &(struct record){40, 100, DIP}, 30 * DAY_MS);
    closed += sum_days(&bench, 27, 31).activity;
    (void)put(&bench, &(struct record){31, 390, ROLE_DIP, 0, 1, QUALITY_ACTUAL}, 31 * DAY_MS);
    assert_int_equal(closed + sum_days(&bench, 31, 40).activity, 1577 * U);

    /* And when the first dip is forgotten. */
    (void)put(&bench, &(struct record){50, 100, DIP}, 32 * DAY_MS);
    assert_int_equal(time_of_first(&bench), 31 * DAY_MS);
    assert_int_equal(closed + sum_days(&bench, 31, 40).activity, 1577 * U);
}

/* The last dip before the floor and all behind it stay; without a dip nothing is needed. */
static void test_forgetting(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    (void)put(&bench, &(struct record){0, 70, IN}, FLOOR);
    (void)put(&bench, &(struct record){1, 71, OUT}, FLOOR);
    booking_forget(&stock, &bench.journal, DAY_MS + 1);
    assert_int_equal(bench.journal.count, 0);
    (void)put(&bench, &(struct record){2, 1000, DIP}, FLOOR);
    (void)put(&bench, &(struct record){3, 900, DIP}, FLOOR);
    (void)put(&bench, &(struct record){4, 50, IN}, FLOOR);
    (void)put(&bench, &(struct record){5, 50, IN}, FLOOR);
    booking_forget(&stock, &bench.journal, 5 * DAY_MS);
    assert_int_equal(bench.journal.count, 3);
    assert_int_equal(time_of_first(&bench), 3 * DAY_MS);
    booking_forget(&stock, &bench.journal, 900 * DAY_MS);
    assert_int_equal(bench.journal.count, 3);
}

/* Records of few times, in two orders: the same cells. */
static void test_any_order_gives_the_same(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    static const enum reading_role roles[] = {ROLE_READING, ROLE_DIP, ROLE_DIP, ROLE_TRANSFER,
                                              ROLE_CREDIT};
    for (int round = 0; round < 300; round++) {
        struct record records[12];
        int64_t offsets[12];
        for (size_t i = 0; i < ARRAY_LEN(records); i++) {
            offsets[i] = (int64_t)i;
            records[i] = (struct record){random_below(&random, 6),
                                         1 + random_below(&random, 900),
                                         roles[random_below(&random, ARRAY_LEN(roles))],
                                         random_below(&random, 3),
                                         (int)random_below(&random, 3),
                                         (int)random_below(&random, QUALITY_COUNT)};
        }
        struct bench one;
        struct bench two;
        bench_init(&one);
        bench_init(&two);
        for (size_t i = 0; i < ARRAY_LEN(records); i++)
            (void)put_at(&one, &records[i], offsets[i], FLOOR);
        for (size_t i = ARRAY_LEN(records); i > 0; i--) {
            uint32_t other = random_below(&random, (uint32_t)i);
            (void)put_at(&two, &records[other], offsets[other], FLOOR);
            records[other] = records[i - 1];
            offsets[other] = offsets[i - 1];
        }
        for (int64_t day = 0; day < 7; day++) {
            struct cell a = sum_days(&one, day, day + 1);
            struct cell b = sum_days(&two, day, day + 1);
            assert_int_equal(a.activity, b.activity);
            assert_int_equal(a.covered_ms, b.covered_ms);
            assert_int_equal(a.estimated_ms, b.estimated_ms);
            assert_int_equal(a.held_ms, b.held_ms);
        }
    }
}

/* --- behind the last dip --- */

static void bench_accrue(struct bench *bench, int64_t until)
{
    bench_init(bench);
    bench->journal.accrued_ms = until * DAY_MS;
}

enum { T = 10 * D };
static const struct story accruals[] = {
    {"at the last rate", {{0, 1000, DIP}, {10, 900, DIP}}, 10, 20, 100, T, T, 0},
    {"not at the one before", {{0, 90, DIP}, {10, 0, DIP}, {20, 0, DIP}}, 20, 30, 0, T, T, 0},
    {"no further than told", {{0, 1000, DIP}, {10, 900, DIP}}, 30, 60, 100, T, T, 0},
    {"the balance is measured", {{0, 1000, DIP}, {10, 900, DIP}}, 0, 10, 100, T, 0, 0},
    {"amounts wait", {{0, 1000, DIP}, {10, 900, DIP}, {12, 700, IN}}, 10, 20, 100, T, T, 0},
    {"one dip", {{0, 1000, DIP}, {5, 70, IN}}, 0, 40, 0, 0, 0, 0},
    {"a held balance", {{0, 100, DIP}, {10, 900, DIP}}, 10, 40, 0, 0, 0, 0},
    {"not the one before", {{0, 100, DIP}, {10, 90, DIP}, {20, 95, DIP}}, 20, 40, 0, 0, 0, 0},
    {"a dip behind the end", {{0, 80, DIP}, {10, 70, DIP}, {50, 10, DIP}}, 10, 60, 60, 4 * T, 0, 0},
};

static void test_accruals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(accruals); i++) {
        struct bench bench;
        bench_accrue(&bench, 40);
        for (size_t k = 0; k < RECORDS_MAX && is_record(&accruals[i].records[k]); k++)
            (void)put(&bench, &accruals[i].records[k], FLOOR);
        check(&accruals[i], &bench, ", accrues");
    }
}

/* 1 unit over three days, in micro-units: each piece is a whole number, and none is lost. */
static void test_pieces_are_whole(void **state)
{
    (void)state;
    struct bench bench;
    bench_accrue(&bench, 300);
    (void)put(&bench, &(struct record){0, 1000, DIP}, FLOOR);
    (void)put(&bench, &(struct record){3, 999, DIP}, FLOOR);
    assert_int_equal(sum_days(&bench, 3, 4).activity, 333333);
    assert_int_equal(sum_days(&bench, 4, 5).activity, 333333);
    assert_int_equal(sum_days(&bench, 5, 6).activity, 333334);
    assert_int_equal(sum_days(&bench, 3, 300).activity, 99 * U);
}

/* A slip of two dips within seconds is no rate that reaches beyond what can be booked. */
static void test_wild_rate(void **state)
{
    (void)state;
    struct bench bench;
    bench_accrue(&bench, 20000);
    struct reading dips[] = {{.start_ms = 0, .value = CELL_MAX, .role = ROLE_DIP},
                             {.start_ms = 1, .value = 0, .role = ROLE_DIP}};
    for (size_t i = 0; i < ARRAY_LEN(dips); i++)
        assert_int_equal(journal_insert(&bench.journal, (uint32_t)i, &dips[i]), 0);
    bench.journal.changed = true;
    stock_move_base(&bench.journal, 3, 20000 * DAY_MS);
    assert_int_equal(bench.journal.base_booked, 0); /* of the first balance */
    booking_forget(&stock, &bench.journal, 10 * DAY_MS);
    stock_move_base(&bench.journal, 3, 20000 * DAY_MS);
    assert_int_equal(bench.journal.base_booked, 4 * CELL_MAX);
}

static struct booking decide_put(struct bench *bench, const struct record *record, int64_t floor_ms)
{
    const struct given given = {.start_min = record->day * 24 * 60, .value = record->value * U};
    struct reading reading = reading_of(&given);
    reading.role = record->role & 7U;
    reading.quality = QUALITY_ACTUAL;
    if (record->role == ROLE_DECISION)
        reading.value = decision_pack(true, ROLE_DIP);
    if (booking_reaches_back(&stock, &bench->journal, &reading, floor_ms))
        booking_forget(&stock, &bench->journal, floor_ms);
    struct booking booking;
    decisions_book(&booking, &stock, &bench->journal, &reading, BUCKET_MS, floor_ms);
    return booking;
}

/* A reading changes the cells behind the last dip, too. */
static void test_accrual_changes(void **state)
{
    (void)state;
    struct bench bench;
    bench_accrue(&bench, 40);
    expect_span(decide_put(&bench, &(struct record){0, 1000, DIP}, FLOOR), 0, 0);
    expect_span(decide_put(&bench, &(struct record){10, 900, DIP}, FLOOR), 0, 40);
    expect_span(decide_put(&bench, &(struct record){12, 500, IN}, FLOOR), 12, 12);
    expect_span(decide_put(&bench, &(struct record){20, 800, DIP}, FLOOR), 10, 40);
    expect_span(decide_put(&bench, &(struct record){5, 100, IN}, FLOOR), 0, 10);
    expect_span(decide_put(&bench, &(struct record){50, 100, DIP}, FLOOR), 20, 50);
    struct booking booking =
        decide_put(&bench, &(struct record){50, 0, .role = ROLE_DECISION}, FLOOR);
    assert_int_equal(booking.to_ms, 50 * DAY_MS + 1); /* the bucket of the dip itself */
    expect_span(decide_put(&bench, &(struct record){20, 0, .role = ROLE_DECISION}, FLOOR), 10, 50);
    assert_int_equal(sum_days(&bench, 10, 20).activity, 200 * U); /* 200 in the ten days before */
    assert_int_equal(sum_days(&bench, 20, 40).activity, 400 * U);
    expect_span(decide_put(&bench, &(struct record){0, 0, .role = ROLE_DECISION}, FLOOR), 0, 40);
    struct cell cell = sum_days(&bench, 39, 40);
    assert_int_equal(cell.covered_ms, 0);
    assert_true(cell.present); /* it says 0 where there was an amount */
}

/* An estimate that was told has to be told off, whatever is left of the journal. */
static void test_accrual_told_off(void **state)
{
    (void)state;
    struct bench bench;
    bench_accrue(&bench, 40);
    (void)decide_put(&bench, &(struct record){0, 1000, DIP}, FLOOR);
    assert_false(sum_days(&bench, 0, 40).present);
    (void)decide_put(&bench, &(struct record){10, 900, DIP}, FLOOR);
    (void)decide_put(&bench, &(struct record){10, 0, .role = ROLE_DECISION}, FLOOR);
    assert_int_equal(sum_days(&bench, 20, 40).covered_ms, 0);
    assert_true(sum_days(&bench, 20, 40).present);
    assert_false(sum_days(&bench, 40, 50).present);
    bench.journal.aside_count = 0; /* it is forgotten, and the cells are still open */
    assert_true(sum_days(&bench, 20, 40).present);
}

/* Days that close keep what has run on; the rate outlives the dip that it began with. */
static void test_accrual_behind_the_floor(void **state)
{
    (void)state;
    struct bench bench;
    bench_accrue(&bench, 40);
    (void)put(&bench, &(struct record){0, 1000, DIP}, FLOOR);
    (void)put(&bench, &(struct record){10, 900, DIP}, FLOOR);
    booking_forget(&stock, &bench.journal, 15 * DAY_MS);
    assert_int_equal(bench.journal.count, 1);
    assert_int_equal(sum_days(&bench, 15, 40).activity, 250 * U);
    booking_forget(&stock, &bench.journal, 30 * DAY_MS);

    /* 300 since day 10; 200 of them have run on in closed days. */
    (void)put(&bench, &(struct record){40, 600, DIP}, 30 * DAY_MS);
    struct cell open = sum_days(&bench, 30, 40);
    assert_int_equal(open.activity, 100 * U);
    assert_int_equal(open.estimated_ms, 0);
    assert_int_equal(open.moved_ms, 20 * DAY_MS);

    /* The dip goes, and comes back five days later: half of it was booked, five times 10 ran on. */
    const struct reading dip = *journal_at(&bench.journal, 1);
    struct booking booking;
    booking_remove(&booking, &stock, &bench.journal, 1, 35 * DAY_MS);
    assert_int_equal(sum_days(&bench, 35, 40).activity, 50 * U);
    bench.journal.accrued_ms = 50 * DAY_MS;
    booking_add(&booking, &stock, &bench.journal, &dip, BUCKET_MS, 38 * DAY_MS);
    assert_int_equal(sum_days(&bench, 38, 40).activity, (300 - 200 - 50 - 30) * U);
    assert_int_equal(sum_days(&bench, 40, 50).activity, 100 * U); /* 300 in 30 days */
}

/* The tables may say otherwise of a stock than they did. */
static void test_accrual_ends_or_begins(void **state)
{
    (void)state;
    for (int accrued = 0; accrued < 2; accrued++) {
        struct bench bench;
        bench_accrue(&bench, 40);
        (void)put(&bench, &(struct record){0, 1000, DIP}, FLOOR);
        (void)put(&bench, &(struct record){10, 900, DIP}, FLOOR);
        booking_forget(&stock, &bench.journal, 20 * DAY_MS);
        bench.journal.accrued_ms = accrued ? 40 * DAY_MS : INT64_MIN;
        stock_keep_closed(&bench.journal, 20 * DAY_MS);
        bench.journal.accrued_ms = accrued ? INT64_MIN : 40 * DAY_MS;
        (void)put(&bench, &(struct record){50, 0, DIP}, 20 * DAY_MS);
        assert_int_equal(sum_days(&bench, 20, 50).activity, (accrued ? 800 : 900) * U);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_closed_days),
        cmocka_unit_test(test_forgetting),
        cmocka_unit_test(test_any_order_gives_the_same),
        cmocka_unit_test(test_accruals),
        cmocka_unit_test(test_pieces_are_whole),
        cmocka_unit_test(test_wild_rate),
        cmocka_unit_test(test_accrual_changes),
        cmocka_unit_test(test_accrual_told_off),
        cmocka_unit_test(test_accrual_behind_the_floor),
        cmocka_unit_test(test_accrual_ends_or_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
