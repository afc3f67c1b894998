/* The clauses of the rule of docs/metering.md, a series for each: what it books, whatever the order
 * of arrival, and the cells that change are all that are told. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipelines/metering/booking.h"
#include "pipelines/metering/projection.h"
#include "pipelines/metering/register_chain.h"
#include "tests/unit/metering/readings.h"

enum { READINGS_MAX = 64, STEP_MS = 900000 };

static const struct meter free_run = {
    .cell_max = CELL_MAX, .kind = KIND_REGISTER, .interval_ms = STEP_MS};
static const struct meter six_digits = {.cell_max = CELL_MAX,
                                        .kind = KIND_REGISTER,
                                        .interval_ms = STEP_MS,
                                        .register_modulus = 1000000 * U};
static const struct meter bounded = {
    .cell_max = CELL_MAX, .kind = KIND_REGISTER, .interval_ms = STEP_MS, .rate_max = 400 * U};

static const struct {
    const char *name;
    const struct meter *meter;
    const char *values;
    int64_t booked;
} cases[] = {
    {"zeros return", &free_run, "3968 3969 3970 0 0 0 0 4133 4134", 166},
    {"nines return", &six_digits, "1080 1090 999999 1110", 30},
    {"nines return while the use rises", &free_run,
     "1000 1001 1002 9999 9999 9999 9999 9999 1050 1051", 51},
    {"no return near to 0 from above", &free_run,
     "10 11 12 13 14 9999 9999 9999 9999 9999 412 413 414 415 416", 8},
    {"nines within zeros", &free_run, "1000 1001 1002 0 0 9999 9999 0 0 1011 1012", 12},
    {"a new counter with a spike of its own", &free_run, "640 641 642 643 0 1 2 9999 3 4 5 6", 9},
    {"a steep rise waits", &free_run, "1 2 3 4 9999", 3},
    {"a repeated value proves nothing", &free_run, "1 2 3 4 9999 9999", 3},
    {"a higher value does", &free_run, "1 2 3 4 9999 10000", 9999},
    {"a rollover after a steep rise", &six_digits, "1000 1001 1002 1003 999999 0 1004 1005 1006",
     6},
    {"nines and zeros that do not return", &six_digits, "1000 1001 1002 1003 999999 999999 0 0", 3},
    {"a rollover after usual rises", &six_digits, "999990 999994 999998 3", 13},
    {"a rollover that is too fast", &six_digits, "999986 999990 999994 999998 30 31 32 33 34 35",
     17},
    {"a break costs three", &free_run, "640 641 642 643 0 1 2 3", 6},
    {"a first rise from 0 waits", &free_run, "0 413", 0},
    {"a first rise from 0 that later ones contradict", &free_run, "0 0 4135 4136 4137 4138 4139",
     3},
    {"within max_rate", &bounded, "100 210 320", 220},
    {"beyond max_rate", &bounded, "100 210 530 430", 330},
};

static uint32_t parse(struct reading *readings, const char *values)
{
    uint32_t count = 0;
    for (char *end = NULL; *values != '\0'; values = end, count++) {
        readings[count] = (struct reading){.start_ms = (int64_t)count * STEP_MS,
                                           .value = strtoll(values, &end, 10) * U,
                                           .quality = QUALITY_ACTUAL};
        assert_true(count + 1 < READINGS_MAX && end != values);
    }
    return count;
}

/* Books the readings; what is told to have changed is projected at once. */
static void book_all(struct cell *cells, struct journal *journal, const struct meter *meter,
                     const struct reading *readings, uint32_t count, uint32_t stride)
{
    for (uint32_t i = 0; i < count; i++) {
        struct booking booking;
        booking_add(&booking, meter, journal, &readings[(uint64_t)i * stride % count], STEP_MS,
                    -STEP_MS);
        assert_int_equal(booking.outcome, OUTCOME_USED);
        for (int64_t row = booking.from_ms / STEP_MS; row * STEP_MS < booking.to_ms; row++)
            projection_cell(&cells[row], meter, journal, row * STEP_MS, STEP_MS);
    }
}

static void check_case(size_t at, uint32_t stride)
{
    struct reading readings[READINGS_MAX];
    struct reading slots[READINGS_MAX];
    struct cell cells[READINGS_MAX] = {0};
    struct journal journal;
    uint32_t count = parse(readings, cases[at].values);
    while (count % stride == 0 && stride > 1)
        stride += 6; /* 5, 11, 17 or 7, 13, 19: each reading comes once */
    journal_init(&journal, slots, READINGS_MAX);
    book_all(cells, &journal, cases[at].meter, readings, count, stride);
    int64_t booked = 0;
    for (uint32_t row = 0; row < count; row++) {
        struct cell cell;
        projection_cell(&cell, cases[at].meter, &journal, (int64_t)row * STEP_MS, STEP_MS);
        if (cell.activity != cells[row].activity || cell.held_ms != cells[row].held_ms ||
            cell.covered_ms != cells[row].covered_ms || cell.glitches != cells[row].glitches)
            fail_msg("%s: cell %u has changed, and was not told", cases[at].name, row);
        booked += cell.activity;
    }
    if (booked != cases[at].booked * U)
        fail_msg("%s: %" PRId64 " micro-units are booked, not %" PRId64, cases[at].name, booked,
                 cases[at].booked * U);
}

static void test_each_clause(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_case(i, 1);
}

static void test_in_any_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_case(i, 5);
        check_case(i, 7);
    }
}

/* A measured value behind the last that holds, before an estimate, holds time up to it. */
static void test_a_doubt_before_an_estimate(void **state)
{
    (void)state;
    static const struct reading readings[] = {
        {.start_ms = 0, .value = 100 * U, .quality = QUALITY_ACTUAL},
        {.start_ms = STEP_MS, .value = 101 * U, .quality = QUALITY_ACTUAL},
        {.start_ms = 3 * (int64_t)STEP_MS, .value = 900 * U, .quality = QUALITY_ESTIMATED},
        {.start_ms = 2 * (int64_t)STEP_MS, .value = 800 * U, .quality = QUALITY_ACTUAL}};
    struct reading slots[READINGS_MAX];
    struct cell cells[READINGS_MAX] = {0};
    struct journal journal;
    journal_init(&journal, slots, READINGS_MAX);
    book_all(cells, &journal, &bounded, readings, ARRAY_LEN(readings), 1);
    assert_int_equal(cells[1].held_ms, STEP_MS);
    assert_int_equal(cells[2].held_ms, 0);
    assert_int_equal(cells[2].glitches, 1);
}

/* The final state of an exchange that a later reading puts aside counts as a glitch of its cell. */
static void test_a_final_state_put_aside(void **state)
{
    (void)state;
    static const struct reading readings[] = {
        {.start_ms = STEP_MS, .value = 50 * U, .quality = QUALITY_ACTUAL},
        {.start_ms = 2 * (int64_t)STEP_MS,
         .value = 51 * U,
         .role = ROLE_FINAL,
         .quality = QUALITY_ACTUAL},
        {.start_ms = 2 * (int64_t)STEP_MS,
         .value = 7 * U,
         .role = ROLE_INITIAL,
         .quality = QUALITY_ACTUAL},
        {.start_ms = 0, .value = 500 * U, .quality = QUALITY_ACTUAL},
        {.start_ms = STEP_MS / 2, .value = 501 * U, .quality = QUALITY_ACTUAL},
        {.start_ms = STEP_MS / 3, .value = 500 * U, .quality = QUALITY_ACTUAL}};
    struct reading slots[READINGS_MAX];
    struct cell cells[READINGS_MAX] = {0};
    struct journal journal;
    journal_init(&journal, slots, READINGS_MAX);
    book_all(cells, &journal, &bounded, readings, ARRAY_LEN(readings), 1);
    assert_int_equal(cells[1].glitches, 1);
    assert_int_equal(cells[2].glitches, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_clause),
        cmocka_unit_test(test_in_any_order),
        cmocka_unit_test(test_a_doubt_before_an_estimate),
        cmocka_unit_test(test_a_final_state_put_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
