/* Intervals enter a journal: what their booking tells of those that overlap. */
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

static const struct meter by_reading = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};
static const struct meter by_total = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL, .total = true};

#define BILL .quality = QUALITY_INVOICE

/* The caller has to know that cells before the floor change, also of readings that were there. */
static void test_reaching_back(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct meter *meter;
        struct given there, added;
        int64_t floor_min;
        bool want;
    } cases[] = {
        {"apart", &by_reading, {0, 100, U, ACTUAL}, {100, 200, U, ACTUAL}, 60, false},
        {"it jitters", &by_reading, {0, 100, U, ACTUAL}, {95, 200, U, ACTUAL}, 60, true},
        {"above the floor", &by_reading, {0, 100, U, ACTUAL}, {95, 200, U, ACTUAL}, 0, false},
        {"by rank", &by_reading, {0, 100, U, ACTUAL}, {75, 90, U, ACTUAL}, 60, false},
        {"in a total", &by_total, {0, 100, U, ACTUAL}, {75, 90, U, ACTUAL}, 60, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading slots[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        (void)book(cases[i].meter, &journal, &cases[i].there, FLOOR);
        struct reading added = reading_of(&cases[i].added);
        if (booking_reaches_back(cases[i].meter, &journal, &added,
                                 cases[i].floor_min * MINUTE_MS) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
}

/* Readings that jitter overlap in the journal; the counter of overlaps leaves them out. */
static void test_overlaps_that_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct given there, added;
        bool want;
    } cases[] = {
        {"jitter after", {0, 100, U, ACTUAL}, {90, 190, U, ACTUAL}, false},
        {"jitter before", {90, 190, U, ACTUAL}, {0, 100, U, ACTUAL}, false},
        {"more than that", {0, 100, U, ACTUAL}, {89, 189, U, ACTUAL}, true},
        {"of another rank", {0, 100, U, ACTUAL}, {90, 190, U, ESTIMATE}, true},
        {"a reading in a bill", {0, 100, U, ACTUAL}, {10, 20, U, ACTUAL}, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading slots[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        (void)book(&by_reading, &journal, &cases[i].there, FLOOR);
        struct booking booking = book(&by_reading, &journal, &cases[i].added, FLOOR);
        if (booking.overlap != cases[i].want || !journal.overlapping)
            fail_msg("%s: %d", cases[i].name, booking.overlap);
    }
    struct reading line = reading_of(&(struct given){0, 100, U, BILL});
    assert_true(intervals_agree(&line, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reaching_back),
        cmocka_unit_test(test_overlaps_that_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
